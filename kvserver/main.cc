// kvserver: a network node around one libkv store.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "server/server.h"

int main(int argc, char** argv) {
  kvserver::SettingsValues settings;
  CLI::App app("kvserver");
  std::string listen = "127.0.0.1:7411";
  app.add_option("--port", settings.port);
  app.add_option("--data-dir", settings.data_dir)->required();
  CLI11_PARSE(app, argc, argv);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto server = kvserver::Server::Start(settings, {.memory_bytes = settings.memory_bytes});
  if (!server.ok()) {
    std::cerr << server.status().message() << "\n";
    return 1;
  }
  std::cerr << "ready on port " << (*server)->port() << "\n";
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}
