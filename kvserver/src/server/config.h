// What a kvserver is told: by the command line, else by the environment, else by a config file.
#ifndef KVSERVER_SRC_SERVER_CONFIG_H_
#define KVSERVER_SRC_SERVER_CONFIG_H_

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "command/settings.h"
#include "libkv/options.h"
#include "server/log.h"
#include "server/peering.h"

namespace kvserver {

struct Config {
  SettingsValues settings;
  libkv::Options store;
  ClusterConfig cluster;
  std::set<std::string> protocols = {"resp", "json", "frame", "http"};
  LogFormat log_format = LogFormat::kLogfmt;
  std::string log_level = "info";
};

// The configuration, or the exit code of a process that has said all: after --help, or after an
// error, which is printed to standard error.
std::variant<Config, int> ParseConfig(int argc, const char* const* argv);

}  // namespace kvserver

#endif  // KVSERVER_SRC_SERVER_CONFIG_H_
