// kvserver: a network node around one libkv store.
#include <signal.h>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <variant>

#include "server/config.h"
#include "server/log.h"
#include "server/ready.h"
#include "server/server.h"

namespace {

int Serve(const kvserver::Config& config) {
  // Signals are waited for, here; the threads that follow inherit the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  kvserver::Log log(config.log_format, config.log_level);
  const auto start = std::chrono::steady_clock::now();
  auto server = kvserver::Server::Start(config, &log);
  if (!server.ok()) {
    log.Error(std::string(server.status().message()));
    return 1;
  }
  const std::string port = std::to_string((*server)->port());
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  log.Info("ready on port " + port, {{"address", config.settings.address},
                                     {"port", port},
                                     {"data_dir", config.settings.data_dir},
                                     {"opened_ms", std::to_string(took.count())}});
  if (const kvserver::Peering* const peering = (*server)->peering()) {
    log.Info("peers", {{"node_id", config.settings.node_id},
                       {"peer_port", std::to_string(peering->port())},
                       {"others", std::to_string(config.cluster.others.size())}});
  }
  kvserver::NotifyManager("READY=1");

  int received = 0;
  sigwait(&signals, &received);
  log.Info("stopping", {{"signal", received == SIGINT ? "SIGINT" : "SIGTERM"}});
  kvserver::NotifyManager("STOPPING=1");
  server->reset();
  log.Info("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::variant<kvserver::Config, int> config = kvserver::ParseConfig(argc, argv);
    if (const int* const code = std::get_if<int>(&config)) return *code;
    return Serve(std::get<kvserver::Config>(config));
  } catch (const std::exception& error) {
    std::cerr << "kvserver: " << error.what() << "\n";
    return 1;
  }
}
