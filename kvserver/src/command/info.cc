#include "command/info.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <type_traits>

#include "base/clock.h"
#include "base/numbers.h"
#include "command/arguments.h"
#include "command/node.h"
#include "command/process_usage.h"
#include "command/version.h"
#include "libkv/iterator.h"

namespace kvserver {
namespace {

// Up to so many keys, by the estimate, they are counted: the estimate takes every overwrite for
// one more key until it is compacted away.
constexpr uint64_t kCountedKeysMax = 5'000;

class Lines {
 public:
  explicit Lines(std::string& out) : out_(out) {}

  template <typename Value>
  void Add(std::string_view name, const Value& value) {
    out_.append(name);
    out_ += ':';
    if constexpr (std::is_integral_v<Value>) {
      AppendInteger(out_, static_cast<int64_t>(value));
    } else {
      out_.append(value);
    }
    out_.append("\r\n");
  }

 private:
  std::string& out_;
};

std::string Decimal(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string Human(uint64_t bytes) {
  constexpr std::string_view kUnits = "BKMGTP";
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1'024 && unit + 1 < kUnits.size()) {
    amount /= 1'024;
    ++unit;
  }
  return (unit == 0 ? Decimal(amount, 0) : Decimal(amount, 2)) + kUnits[unit];
}

// What several sections read, once.
struct Facts {
  Node& node;
  libkv::StoreStats store;
};

void Server(Facts& facts, Lines& lines) {
  Node& node = facts.node;
  const int64_t now = NowMicroseconds();
  const int64_t uptime = std::max<int64_t>(0, now - node.started_us()) / 1'000'000;
  lines.Add("redis_version", kRedisVersion);
  lines.Add("redis_git_sha1", "00000000");
  lines.Add("redis_git_dirty", 0);
  lines.Add("redis_mode", "standalone");
  lines.Add("kv_version", Version());
  lines.Add("kv_node_id", node.settings().fixed.node_id);
  lines.Add("os", OperatingSystem());
  lines.Add("arch_bits", sizeof(void*) * 8);
  lines.Add("multiplexing_api", "epoll");
  lines.Add("process_id", static_cast<int64_t>(getpid()));
  lines.Add("run_id", node.run_id());
  lines.Add("tcp_port", node.port.load());
  lines.Add("server_time_usec", now);
  lines.Add("uptime_in_seconds", uptime);
  lines.Add("uptime_in_days", uptime / 86'400);
  lines.Add("io_threads", node.settings().fixed.io_threads);
  lines.Add("config_file", "");
}

void ClientsOf(Facts& facts, Lines& lines) {
  lines.Add("connected_clients", facts.node.clients().size());
  lines.Add("cluster_connections", 0);
  lines.Add("maxclients", facts.node.settings().clients_max.load());
  lines.Add("blocked_clients", 0);
  lines.Add("tracking_clients", 0);
}

void Memory(Facts& facts, Lines& lines) {
  const ProcessUsage usage = ReadProcessUsage();
  const uint64_t used = facts.store.memory_bytes;
  const uint64_t budget = facts.node.settings().fixed.memory_bytes;
  const uint64_t peak = std::max(usage.peak_resident_bytes, usage.resident_bytes);
  uint64_t index_bytes = 0, vector_bytes = 0;
  for (const libkv::SpaceStats& space : facts.store.spaces) {
    index_bytes += space.index_bytes;
    vector_bytes += space.vector_bytes;
  }
  lines.Add("used_memory", used);
  lines.Add("used_memory_human", Human(used));
  lines.Add("used_memory_rss", usage.resident_bytes);
  lines.Add("used_memory_rss_human", Human(usage.resident_bytes));
  lines.Add("used_memory_peak", peak);
  lines.Add("used_memory_peak_human", Human(peak));
  lines.Add("total_system_memory", usage.machine_bytes);
  lines.Add("total_system_memory_human", Human(usage.machine_bytes));
  lines.Add("maxmemory", budget);
  lines.Add("maxmemory_human", Human(budget));
  lines.Add("maxmemory_policy", "noeviction");
  lines.Add("mem_allocator", "libc");
  lines.Add("kv_index_bytes", index_bytes);
  lines.Add("kv_vector_bytes", vector_bytes);
}

// Every acknowledged write is in the log: what Redis calls its append only file.
void Persistence(Facts& facts, Lines& lines) {
  lines.Add("loading", 0);
  lines.Add("async_loading", 0);
  lines.Add("rdb_changes_since_last_save", 0);
  lines.Add("rdb_bgsave_in_progress", 0);
  lines.Add("rdb_last_save_time", facts.node.last_save_seconds.load());
  lines.Add("rdb_last_bgsave_status", "ok");
  lines.Add("rdb_last_bgsave_time_sec", -1);
  lines.Add("rdb_current_bgsave_time_sec", -1);
  lines.Add("aof_enabled", 1);
  lines.Add("aof_rewrite_in_progress", 0);
  lines.Add("aof_rewrite_scheduled", 0);
  lines.Add("aof_last_bgrewrite_status", "ok");
  lines.Add("aof_last_write_status", "ok");
  lines.Add("kv_durability",
            kDurabilityNames[static_cast<size_t>(facts.node.settings().durability.load())]);
  lines.Add("kv_disk_bytes", facts.store.disk_bytes);
}

void Stats(Facts& facts, Lines& lines) {
  Node& node = facts.node;
  const Rates::Counters rates = node.rates().PerSecond();
  const auto kilobytes = [](uint64_t bytes) {
    return Decimal(static_cast<double>(bytes) / 1'024, 2);
  };
  lines.Add("total_connections_received", node.connections.load());
  lines.Add("total_commands_processed", node.commands.load());
  lines.Add("instantaneous_ops_per_sec", rates.commands);
  lines.Add("total_net_input_bytes", node.input_bytes.load());
  lines.Add("total_net_output_bytes", node.output_bytes.load());
  lines.Add("instantaneous_input_kbps", kilobytes(rates.input_bytes));
  lines.Add("instantaneous_output_kbps", kilobytes(rates.output_bytes));
  lines.Add("rejected_connections", node.rejected_connections.load());
  lines.Add("expired_keys", facts.store.expired);
  lines.Add("evicted_keys", 0);
  lines.Add("evicted_clients", 0);
  lines.Add("keyspace_hits", node.hits.load());
  lines.Add("keyspace_misses", node.misses.load());
  lines.Add("pubsub_channels", 0);
  lines.Add("pubsub_patterns", 0);
  lines.Add("latest_fork_usec", 0);
  lines.Add("total_error_replies", node.errors.load());
  lines.Add("kv_protocol_errors", node.protocol_errors.load());
  lines.Add("kv_commits", facts.store.commits);
  lines.Add("kv_writes", facts.store.writes);
  lines.Add("kv_syncs", facts.store.syncs);
  lines.Add("kv_record_hits", facts.store.record_hits);
  lines.Add("kv_record_misses", facts.store.record_misses);
  lines.Add("kv_record_cache_bytes", facts.store.record_cache_bytes);
  lines.Add("kv_turns", node.turns().turns_submitted());
}

void Replication(Facts& facts, Lines& lines) {
  lines.Add("role", "master");
  lines.Add("connected_slaves", 0);
  lines.Add("master_failover_state", "no-failover");
  lines.Add("master_replid", facts.node.run_id());
  lines.Add("master_replid2", std::string(40, '0'));
  lines.Add("master_repl_offset", 0);
  lines.Add("second_repl_offset", -1);
  lines.Add("repl_backlog_active", 0);
  lines.Add("repl_backlog_size", 0);
  lines.Add("repl_backlog_first_byte_offset", 0);
  lines.Add("repl_backlog_histlen", 0);
}

void Cpu(Facts& /*facts*/, Lines& lines) {
  const ProcessUsage usage = ReadProcessUsage();
  lines.Add("used_cpu_sys", Decimal(usage.system_seconds, 6));
  lines.Add("used_cpu_user", Decimal(usage.user_seconds, 6));
  lines.Add("used_cpu_sys_children", "0.000000");
  lines.Add("used_cpu_user_children", "0.000000");
}

void Modules(Facts& /*facts*/, Lines& /*lines*/) {}

void Errors(Facts& facts, Lines& lines) {
  for (const auto& [code, count] : facts.node.error_stats().All()) {
    lines.Add("errorstat_" + code, "count=" + std::to_string(count));
  }
}

void ClusterOf(Facts& /*facts*/, Lines& lines) { lines.Add("cluster_enabled", 0); }

uint64_t CountKeys(Facts& facts) {
  if (facts.store.keys_estimate > kCountedKeysMax) return facts.store.keys_estimate;
  const auto keys = facts.node.store().NewIterator({.fill_cache = false});
  uint64_t count = 0;
  for (keys->SeekToFirst(); keys->Valid(); keys->Next()) ++count;
  return keys->status().ok() ? count : facts.store.keys_estimate;
}

void Keyspace(Facts& facts, Lines& lines) {
  const uint64_t keys = CountKeys(facts);
  if (keys == 0) return;
  lines.Add("db0", "keys=" + std::to_string(keys) + ",expires=0,avg_ttl=0");
}

struct Section {
  std::string_view name;   // as asked for
  std::string_view title;  // as shown
  void (*write)(Facts& facts, Lines& lines);
};

constexpr Section kSections[] = {
    {"server", "Server", Server},
    {"clients", "Clients", ClientsOf},
    {"memory", "Memory", Memory},
    {"persistence", "Persistence", Persistence},
    {"stats", "Stats", Stats},
    {"replication", "Replication", Replication},
    {"cpu", "CPU", Cpu},
    {"modules", "Modules", Modules},
    {"errorstats", "Errorstats", Errors},
    {"cluster", "Cluster", ClusterOf},
    {"keyspace", "Keyspace", Keyspace},
};

bool IsWanted(const Section& section, Arguments names) {
  for (const std::string_view name : names) {
    if (IsWord(name, section.name) || IsWord(name, "default") || IsWord(name, "all") ||
        IsWord(name, "everything")) {
      return true;
    }
  }
  return names.empty();
}

}  // namespace

std::string InfoText(Node& node, Arguments sections) {
  Facts facts{node, node.store().Stats()};
  std::string text;
  Lines lines(text);
  for (const Section& section : kSections) {
    if (!IsWanted(section, sections)) continue;
    if (!text.empty()) text.append("\r\n");
    text.append("# ");
    text.append(section.title);
    text.append("\r\n");
    section.write(facts, lines);
  }
  return text;
}

}  // namespace kvserver
