#include "server/config.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <span>
#include <string_view>
#include <thread>

#include "command/space_text.h"
#include "server/embedder_option.h"
#include "server/peers.h"

namespace kvserver {
namespace {

// Descriptors beside those of clients: files of the store, and the like.
constexpr int64_t kOwnDescriptors = 1'024;

struct Raw {
  std::string listen, memory = "512MB", durability = "synced", log_format = "logfmt";
  std::string peers, peer_listen, write_level = "quorum", read_level = "quorum";
  std::vector<std::string> protocols, spaces, embedders;
  int64_t port = -1;
  bool port_first = false;  // whatever the environment or a file says of --listen
};

const std::map<std::string, libkv::Durability> kDurabilities = {
    {"synced", libkv::Durability::kSynced},
    {"written", libkv::Durability::kWritten},
    {"buffered", libkv::Durability::kBuffered}};

const std::map<std::string, cluster::Level> kLevels = {{"one", cluster::Level::kOne},
                                                       {"quorum", cluster::Level::kQuorum},
                                                       {"all", cluster::Level::kAll}};

void DefineCluster(CLI::App& app, Config& config, Raw& raw) {
  app.add_option("--peers", raw.peers,
                 "Nodes of the cluster: ID@HOST:PORT,..., or ports on 127.0.0.1: 7511,7512,7513")
      ->envname("DB_PEERS");
  app.add_option("--peer-listen", raw.peer_listen,
                 "Address and port for other nodes, if --peers does not name this one")
      ->envname("KV_PEER_LISTEN")
      ->type_name("HOST:PORT");
  app.add_option("--cluster", config.cluster.name, "Name of the cluster, the same on all nodes")
      ->envname("KV_CLUSTER")
      ->capture_default_str();
  app.add_option("--write-level", raw.write_level,
                 "How many nodes have a write on disk before it is answered: one, quorum or all")
      ->envname("KV_WRITE_LEVEL")
      ->check(CLI::IsMember(kLevels))
      ->capture_default_str();
  app.add_option("--read-level", raw.read_level, "How many nodes take part in a read")
      ->envname("KV_READ_LEVEL")
      ->check(CLI::IsMember(kLevels))
      ->capture_default_str();
  app.add_flag("--allow-weak", config.cluster.replication.allows_weak,
               "Let SET NX, APPEND, WATCH and the like run, atomic on one node only")
      ->envname("KV_ALLOW_WEAK");
  app.add_flag("--recover", config.cluster.replication.replica.must_recover,
               "The directory has lost something, as after restoring an old copy: compare "
               "everything with the other nodes first");
  app.add_flag("--debug", config.settings.debug, "Allow options that break promises, to learn")
      ->envname("KV_DEBUG");
  app.add_option("--debug-skip-sync", config.cluster.skip_sync,
                 "With --debug: the part of the commits (0 to 1) that are acknowledged without "
                 "being on disk")
      ->envname("KV_DEBUG_SKIP_SYNC")
      ->check(CLI::Range(0.0, 1.0));
}

void Define(CLI::App& app, Config& config, Raw& raw) {
  SettingsValues& settings = config.settings;
  app.set_config("--config", "", "Read options from this file: lines NAME = VALUE");
  app.allow_config_extras(CLI::config_extras_mode::error);  // a misspelt name is no option
  app.add_option("--listen", raw.listen, "Address and port for clients of all protocols")
      ->envname("KV_LISTEN")
      ->type_name("HOST:PORT");
  app.add_option("--port", raw.port,
                 "The port alone; 0: one that is free. --listen goes before it, unless only --port "
                 "is on the command line")
      ->envname("DB_PORT")
      ->check(CLI::Range(0, 65'535));
  app.add_option("--data-dir", settings.data_dir, "Directory of the store; created when missing")
      ->envname("DB_DATA_DIR")
      ->required();
  app.add_option("--memory", raw.memory, "Budget of the store: 512MB, 4GB")
      ->envname("KV_MEMORY")
      ->capture_default_str();
  app.add_option("--node-id", settings.node_id, "Number of this node in its cluster")
      ->envname("DB_NODE_ID")
      ->capture_default_str();
  DefineCluster(app, config, raw);
  app.add_option("--durability", raw.durability,
                 "What OK means: synced (survives a power cut), written (survives the end of the "
                 "process) or buffered")
      ->envname("KV_DURABILITY")
      ->check(CLI::IsMember(kDurabilities))
      ->capture_default_str();
  app.add_option("--space", raw.spaces,
                 "Index the keys with a prefix: 'PREFIX:text,embedder=hash,fields=a;b'; may be "
                 "repeated. ':text,learn' indexes words and meaning of every value")
      ->envname("KV_SPACE");
  app.add_option("--embedder", raw.embedders,
                 "A server that makes vectors, for embedder=NAME of --space: "
                 "'NAME=URL,model=M,dimension=768'; also query_prefix=, document_prefix=, "
                 "key_env=VARIABLE; may be repeated")
      ->envname("KV_EMBEDDER");
  app.add_option("--protocols", raw.protocols, "Those that are spoken: resp, json, frame, http")
      ->envname("KV_PROTOCOLS")
      ->delimiter(',')
      ->check(CLI::IsMember({"resp", "json", "frame", "http"}));
  app.add_option("--allowed-hosts", settings.allowed_hosts,
                 "Names that HTTP is served under, beside localhost and IP addresses")
      ->envname("KV_ALLOWED_HOSTS")
      ->delimiter(',');
  app.add_option("--io-threads", settings.io_threads,
                 "Threads that serve connections; 0: one less than there are processors")
      ->envname("KV_IO_THREADS")
      ->check(CLI::Range(0, 256));
  app.add_option("--max-clients", settings.clients_max, "Connections at a time")
      ->envname("KV_MAX_CLIENTS")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--idle-timeout", settings.idle_timeout_seconds,
                 "Seconds after which a silent connection is closed; 0: never")
      ->envname("KV_IDLE_TIMEOUT")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--slow-log-us", settings.slow_log_us,
                 "Requests that take longer are kept in the slow log; -1: none")
      ->envname("KV_SLOW_LOG_US")
      ->check(CLI::Range(int64_t{-1}, int64_t{3'600'000'000}))
      ->capture_default_str();
  app.add_option("--log-format", raw.log_format, "logfmt or json")
      ->envname("KV_LOG_FORMAT")
      ->check(CLI::IsMember({"logfmt", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", config.log_level, "debug, info, warning or error")
      ->envname("KV_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
}

// "512MB", "1g", "1073741824"; 0: not a size.
size_t ParseSize(const std::string& text) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > 15) return 0;
  const size_t number = std::strtoull(text.c_str(), nullptr, 10);
  std::string unit = text.substr(digits);
  for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::map<std::string, int> shifts = {
      {"", 0},     {"b", 0},  {"k", 10},  {"kb", 10},  {"kib", 10}, {"m", 20},  {"mb", 20},
      {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}, {"t", 40},   {"tb", 40}, {"tib", 40}};
  const auto shift = shifts.find(unit);
  if (shift == shifts.end() || number > (size_t{1} << 62) >> shift->second) return 0;
  return number << shift->second;
}

// "HOST:PORT", "[::1]:PORT", ":PORT" or "PORT".
bool ParseListen(const std::string& text, std::string* address, uint16_t* port_number) {
  const size_t colon = text.rfind(':');
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos) {
    return false;
  }
  const int number = std::atoi(port.c_str());
  if (number > 65'535) return false;
  *port_number = static_cast<uint16_t>(number);
  if (!host.empty()) *address = host == "localhost" ? "127.0.0.1" : host;
  return true;
}

// Whether the option is on the command line itself.
bool IsGiven(std::span<const char* const> words, std::string_view option) {
  return std::any_of(words.begin(), words.end(), [&](const std::string_view word) {
    return word.substr(0, word.find('=')) == option;
  });
}

// "": fine.
std::string FinishCluster(Config& config, const Raw& raw) {
  ClusterConfig& cluster = config.cluster;
  const SettingsValues& settings = config.settings;
  if (cluster.skip_sync > 0 && !settings.debug) {
    return "--debug-skip-sync breaks what is promised: it needs --debug";
  }
  if (raw.peers.empty()) {
    if (!raw.peer_listen.empty()) return "--peer-listen needs --peers: which are the other nodes?";
    if (cluster.skip_sync > 0) return "--debug-skip-sync needs --peers: alone, nothing is left";
    return "";
  }
  if (!raw.peer_listen.empty() && !ParseListen(raw.peer_listen, &cluster.address, &cluster.port)) {
    return "--peer-listen " + raw.peer_listen + ": give HOST:PORT, such as 127.0.0.1:7511";
  }
  const absl::StatusOr<cluster::Slot> id = ParseNodeId(settings.node_id);
  if (!id.ok()) return "--node-id: " + std::string(id.status().message());
  absl::StatusOr<PeerList> list = ParsePeers(raw.peers, *id, cluster.port);
  if (!list.ok()) return std::string(list.status().message());
  if (raw.peer_listen.empty()) {
    if (!list->self) {
      return "--peers does not name node " + settings.node_id +
             " itself: add it, or say --peer-listen HOST:PORT";
    }
    cluster.address = list->self->host;
    cluster.port = list->self->port;
  }
  cluster.is_member = true;
  cluster.self = *id;
  cluster.others = list->others;
  cluster.replication.write_level = kLevels.at(raw.write_level);
  cluster.replication.read_level = kLevels.at(raw.read_level);
  cluster.replication.replica.self = *id;
  cluster.replication.replica.members = {*id};
  for (const PeerAddress& peer : cluster.others) {
    cluster.replication.replica.members.push_back(peer.id);
  }
  return "";
}

// "": there are enough file descriptors, or there are now.
std::string RaiseDescriptorLimit(int64_t clients_max) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return "";
  const auto wanted = static_cast<rlim_t>(clients_max + kOwnDescriptors);
  if (limit.rlim_cur >= wanted) return "";
  if (limit.rlim_max >= wanted) {
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return "";
  }
  return "too few file descriptors: " + std::to_string(wanted) + " are needed for --max-clients " +
         std::to_string(clients_max) + ", the limit is " + std::to_string(limit.rlim_max) +
         "; raise it (ulimit -n) or lower --max-clients";
}

// "": fine.
std::string Finish(Config& config, const Raw& raw) {
  SettingsValues& settings = config.settings;
  if (!raw.listen.empty() && !ParseListen(raw.listen, &settings.address, &settings.port)) {
    return "--listen " + raw.listen + ": give HOST:PORT, such as 127.0.0.1:7411";
  }
  if (raw.port >= 0 && (raw.listen.empty() || raw.port_first)) {
    settings.port = static_cast<uint16_t>(raw.port);
  }
  settings.memory_bytes = ParseSize(raw.memory);
  if (settings.memory_bytes < size_t{8} << 20) {
    return "--memory " + raw.memory + ": give a size of at least 8MB, such as 512MB or 4GB";
  }
  if (std::string problem = FinishCluster(config, raw); !problem.empty()) return problem;
  for (const std::string& text : raw.embedders) {
    const absl::Status status = AddEmbedder(text);
    if (!status.ok()) return "--embedder " + text + ": " + std::string(status.message());
  }
  for (const std::string& text : raw.spaces) {
    absl::StatusOr<SpaceDefinition> space = ParseSpace(text);
    if (!space.ok()) return "--space: " + std::string(space.status().message());
    if (config.cluster.is_member) {
      config.cluster.spaces.push_back(*std::move(space));
    } else if (!space->conflict.empty()) {
      return "--space " + text + ": conflict= needs --peers: alone, there are no siblings";
    } else {
      config.store.spaces.push_back(*std::move(space));
    }
  }
  for (std::string& host : settings.allowed_hosts) {
    for (char& c : host) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  settings.durability = kDurabilities.at(raw.durability);
  if (!raw.protocols.empty()) {
    config.protocols = std::set<std::string>(raw.protocols.begin(), raw.protocols.end());
  }
  if (settings.io_threads == 0) {
    settings.io_threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) - 1);
  }
  config.log_format = raw.log_format == "json" ? LogFormat::kJson : LogFormat::kLogfmt;
  config.store.memory_bytes = settings.memory_bytes;
  return RaiseDescriptorLimit(settings.clients_max);
}

}  // namespace

std::variant<Config, int> ParseConfig(int argc, const char* const* argv) {
  CLI::App app(
      "A network node around one libkv store: Redis clients, JSON sockets, curl and a "
      "browser on one port.",
      "kvserver");
  Config config;
  config.settings.io_threads = 0;
  Raw raw;
  Define(app, config, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  const std::span words(argv, static_cast<size_t>(argc));
  raw.port_first = IsGiven(words, "--port") && !IsGiven(words, "--listen");
  if (const std::string problem = Finish(config, raw); !problem.empty()) {
    std::cerr << "kvserver: " << problem << "\n";
    return 1;
  }
  return config;
}

}  // namespace kvserver
