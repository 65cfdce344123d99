#include "protocol/metrics.h"

#include <string_view>

#include "base/clock.h"
#include "base/numbers.h"
#include "command/command_times.h"
#include "command/table.h"

namespace kvserver {
namespace {

class Lines {
 public:
  void Family(std::string_view name, std::string_view type, std::string_view help) {
    text += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " +
            std::string(name) + " " + std::string(type) + "\n";
  }
  void Sample(std::string_view name, std::string_view labels, double value) {
    text += name;
    if (!labels.empty()) text += "{" + std::string(labels) + "}";
    text += " " + DoubleText(value) + "\n";
  }
  void One(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    Family(name, type, help);
    Sample(name, "", static_cast<double>(value));
  }
  void Counter(std::string_view name, std::string_view help, uint64_t value) {
    One(name, "counter", help, value);
  }
  void Gauge(std::string_view name, std::string_view help, uint64_t value) {
    One(name, "gauge", help, value);
  }

  std::string text;
};

// A label's value: printable ASCII, with what has a meaning escaped.
std::string Quoted(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += {'\\', '\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void AddNode(Lines& lines, Node& node) {
  lines.Gauge("kv_uptime_seconds", "Seconds since the start.",
              static_cast<uint64_t>((NowMicroseconds() - node.started_us()) / 1'000'000));
  lines.Gauge("kv_clients", "Open connections.", node.clients().size());
  lines.Counter("kv_connections_total", "Connections accepted.", node.connections.load());
  lines.Counter("kv_connections_rejected_total", "Connections refused.",
                node.rejected_connections.load());
  lines.Counter("kv_protocol_errors_total", "Inputs that made no sense.",
                node.protocol_errors.load());
  lines.Counter("kv_errors_total", "Replies that are errors.", node.errors.load());
  lines.Counter("kv_hits_total", "Reads that found their key.", node.hits.load());
  lines.Counter("kv_misses_total", "Reads that did not.", node.misses.load());
  lines.Counter("kv_input_bytes_total", "Bytes received.", node.input_bytes.load());
  lines.Counter("kv_output_bytes_total", "Bytes sent.", node.output_bytes.load());
  lines.Counter("kv_turns_total", "Batches of writes handed to the store.",
                node.turns().turns_submitted());
  lines.Counter("kv_turns_inline_total", "Of them: committed by the thread that read the writes.",
                node.turns().turns_committed_here());
  lines.Gauge("kv_turns_waiting_bytes", "Bytes of writes that wait to be handed to the store.",
              node.turns().waiting_bytes());
}

void AddStore(Lines& lines, const libkv::StoreStats& stats) {
  lines.Gauge("kv_keys", "Live and expired keys, estimated.", stats.keys_estimate);
  lines.Gauge("kv_disk_bytes", "Bytes of tables and logs.", stats.disk_bytes);
  lines.Gauge("kv_memory_bytes", "Bytes of caches, write buffers and indexes.", stats.memory_bytes);
  lines.Counter("kv_commits_total", "Groups of writes committed.", stats.commits);
  lines.Counter("kv_writes_total", "Changes in them.", stats.writes);
  lines.Counter("kv_syncs_total", "Syncs of the log.", stats.syncs);
  lines.Counter("kv_record_hits_total", "Reads that the record cache answered.", stats.record_hits);
  lines.Counter("kv_record_misses_total", "Reads that it left to RocksDB.", stats.record_misses);
  lines.Gauge("kv_record_cache_bytes", "Bytes that it holds.", stats.record_cache_bytes);
  lines.Counter("kv_expired_total", "Keys removed because their time was over.", stats.expired);

  struct Column {
    std::string_view name, help;
    uint64_t libkv::SpaceStats::*member;
  };
  constexpr Column kColumns[] = {
      {"kv_space_documents", "Values with words.", &libkv::SpaceStats::documents},
      {"kv_space_dead_documents", "Overwritten or deleted, and still in the index.",
       &libkv::SpaceStats::dead_documents},
      {"kv_space_segments", "Segments of the word index.", &libkv::SpaceStats::segments},
      {"kv_space_vectors", "Vectors.", &libkv::SpaceStats::vectors},
      {"kv_space_index_bytes", "Memory of the word index.", &libkv::SpaceStats::index_bytes},
      {"kv_space_vector_bytes", "Memory of the vector index.", &libkv::SpaceStats::vector_bytes},
  };
  for (const Column& column : kColumns) {
    if (stats.spaces.empty()) break;
    lines.Family(column.name, "gauge", column.help);
    for (const libkv::SpaceStats& space : stats.spaces) {
      lines.Sample(column.name, "prefix=" + Quoted(space.prefix),
                   static_cast<double>(space.*column.member));
    }
  }
}

void AddCluster(Lines& lines, Node& node) {
  Replication* const replication = node.replication();
  if (replication == nullptr) return;
  const cluster::ReplicaStatus status = replication->Status();
  lines.Gauge("kv_cluster_ready", "Whether this node takes part.", status.is_ready ? 1 : 0);
  lines.Gauge("kv_cluster_log_dots", "Writes that some node may not have on disk.",
              status.log_dots);
  lines.Gauge("kv_cluster_clock_intervals", "Size of the clock.", status.clock_intervals);
  lines.Counter("kv_cluster_conflicts_total", "Merges that left several versions of a key.",
                status.conflicts);
  lines.Counter("kv_cluster_pulled_objects_total", "Keys that anti-entropy brought.",
                status.pulled_objects);
  lines.Counter("kv_cluster_recoveries_total", "Times all keys were compared.",
                status.range_sessions);
  lines.Counter("kv_cluster_refused_messages_total", "Messages of peers that were not accepted.",
                status.refused_messages);
  const auto label = [](cluster::Slot slot) { return "node_id=" + Quoted(std::to_string(slot)); };
  lines.Family("kv_peer_missing_here", "gauge", "Writes that the peer has and this node has not.");
  for (const cluster::PeerStatus& peer : status.peers) {
    lines.Sample("kv_peer_missing_here", label(peer.slot), static_cast<double>(peer.missing_here));
  }
  const std::vector<Replication::Link> links = replication->PeerLinks();
  lines.Family("kv_peer_connected", "gauge", "Whether it can be reached.");
  for (const Replication::Link& link : links) {
    lines.Sample("kv_peer_connected", label(link.slot), link.is_connected ? 1 : 0);
  }
  lines.Family("kv_peer_output_bytes_total", "counter", "Bytes sent to it.");
  for (const Replication::Link& link : links) {
    lines.Sample("kv_peer_output_bytes_total", label(link.slot),
                 static_cast<double>(link.bytes_out));
  }
}

// Only commands that ran: the table is long.
void AddCommands(Lines& lines, Node& node) {
  constexpr std::string_view kName = "kv_command_seconds";
  lines.Family(kName, "histogram",
               "Time of the commands, without waiting for writes to be stored.");
  for (const Command* command : AllCommands()) {
    const CommandTimes::Times* const times = node.command_times().Of(*command);
    if (times == nullptr) continue;
    std::array<uint64_t, CommandTimes::kMicroseconds.size() + 1> counts;
    uint64_t total = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      total += times->buckets[i].load(std::memory_order_relaxed);
      counts[i] = total;
    }
    if (total == 0) continue;
    const std::string label = "command=" + Quoted(command->name);
    for (size_t i = 0; i < counts.size(); ++i) {
      const bool is_last = i == CommandTimes::kMicroseconds.size();
      const std::string end =
          is_last ? "+Inf" : DoubleText(static_cast<double>(CommandTimes::kMicroseconds[i]) / 1e6);
      lines.Sample(std::string(kName) + "_bucket", label + ",le=\"" + end + "\"",
                   static_cast<double>(counts[i]));
    }
    lines.Sample(std::string(kName) + "_sum", label,
                 static_cast<double>(times->sum_us.load(std::memory_order_relaxed)) / 1e6);
    lines.Sample(std::string(kName) + "_count", label, static_cast<double>(total));
  }
}

}  // namespace

std::string MetricsText(Node& node) {
  Lines lines;
  AddNode(lines, node);
  AddCluster(lines, node);
  AddStore(lines, node.store().Stats());
  AddCommands(lines, node);
  return std::move(lines.text);
}

}  // namespace kvserver
