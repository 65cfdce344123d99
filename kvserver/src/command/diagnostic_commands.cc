// What people look at when something is slow or large: SLOWLOG, LATENCY, MEMORY, MONITOR.
#include <algorithm>
#include <optional>
#include <string>

#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/help.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/process_usage.h"
#include "command/quoted.h"
#include "command/session.h"

namespace kvserver {
namespace {

// What a stored value costs beside its bytes and those of its key, on disk: about.
constexpr int64_t kRecordOverheadBytes = 32;
constexpr int64_t kSlowLogCountUsual = 10;

void SlowLogGet(Context& context, Arguments arguments) {
  if (arguments.size() > 3) return ReplySubcommandError(context, arguments);
  constexpr std::string_view kBadCount = "ERR count should be greater than or equal to -1";
  const std::optional<int64_t> count =
      arguments.size() < 3 ? kSlowLogCountUsual : ReadInteger(context, arguments[2], kBadCount);
  if (!count) return;
  if (*count < -1) return context.reply.Error(kBadCount);
  const auto entries = context.node.slow_log().Newest(static_cast<size_t>(*count));
  context.reply.BeginArray(entries.size());
  for (const SlowLog::Entry& entry : entries) {
    context.reply.BeginArray(6);
    context.reply.Integer(static_cast<int64_t>(entry.id));
    context.reply.Integer(entry.unix_seconds);
    context.reply.Integer(entry.microseconds);
    context.reply.BeginArray(entry.arguments.size());
    for (const std::string& argument : entry.arguments) context.reply.Value(argument);
    context.reply.Value(entry.client_address);
    context.reply.Value(entry.client_name);
  }
}

void SlowLogLen(Context& context, Arguments /*arguments*/) {
  context.reply.Integer(static_cast<int64_t>(context.node.slow_log().size()));
}

void SlowLogReset(Context& context, Arguments /*arguments*/) {
  context.node.slow_log().Clear();
  context.reply.Ok();
}

// LATENCY: no events are recorded, as in Redis before one sets latency-monitor-threshold.
void NoEvents(Context& context, Arguments /*arguments*/) { context.reply.BeginArray(0); }

void LatencyReset(Context& context, Arguments /*arguments*/) { context.reply.Integer(0); }

void LatencyGraph(Context& context, Arguments arguments) {
  context.reply.Error("ERR No samples available for event '" + Quoted(arguments[2]) + "'");
}

void LatencyDoctor(Context& context, Arguments /*arguments*/) {
  context.reply.Text(
      "Latency events are not recorded here. SLOWLOG GET names the requests that took long.");
}

void LatencyHistogram(Context& context, Arguments /*arguments*/) { context.reply.BeginMap(0); }

// MEMORY USAGE key [SAMPLES count]
void MemoryUsage(Context& context, Arguments arguments) {
  for (size_t i = 3; i < arguments.size(); ++i) {
    if (!IsWord(arguments[i], "samples") || i + 1 == arguments.size()) {
      return ReplySyntaxError(context);
    }
    const std::optional<int64_t> samples = ReadInteger(context, arguments[++i]);
    if (!samples) return;
    if (*samples < 0) return ReplySyntaxError(context);
  }
  size_t value_bytes = 0;
  const absl::Status status =
      ViewKey(context, arguments[2], [&](std::string_view value) { value_bytes = value.size(); });
  if (absl::IsNotFound(status)) return context.reply.Null();
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Integer(static_cast<int64_t>(arguments[2].size() + value_bytes) +
                        kRecordOverheadBytes);
}

void MemoryStats(Context& context, Arguments /*arguments*/) {
  const libkv::StoreStats store = context.node.store().Stats();
  const ProcessUsage usage = ReadProcessUsage();
  uint64_t index_bytes = 0;
  for (const libkv::SpaceStats& space : store.spaces) {
    index_bytes += space.index_bytes + space.vector_bytes;
  }
  const std::pair<std::string_view, uint64_t> rows[] = {
      {"peak.allocated", usage.peak_resident_bytes},
      {"total.allocated", usage.resident_bytes},
      {"keys.count", store.keys_estimate},
      {"kv.budget", context.node.settings().fixed.memory_bytes},
      {"kv.store", store.memory_bytes},
      {"kv.indexes", index_bytes},
      {"kv.disk", store.disk_bytes}};
  context.reply.BeginMap(std::size(rows));
  for (const auto& [name, value] : rows) {
    context.reply.Value(name);
    context.reply.Integer(static_cast<int64_t>(value));
  }
}

void MemoryDoctor(Context& context, Arguments /*arguments*/) {
  const uint64_t used = context.node.store().Stats().memory_bytes;
  const uint64_t budget = context.node.settings().fixed.memory_bytes;
  context.reply.Text(used <= budget
                         ? "The store is within its memory budget."
                         : "The indexes have outgrown the memory budget: give the server more, or "
                           "drop a space.");
}

void MemoryPurge(Context& context, Arguments /*arguments*/) { context.reply.Ok(); }

void MemoryMallocStats(Context& context, Arguments /*arguments*/) {
  context.reply.Text("Stats not supported for the current allocator");
}

void Monitor(Context& context, Arguments /*arguments*/) {
  if (context.reply.resp_version() == 0) {
    return context.reply.Error("ERR MONITOR is for connections that speak RESP");
  }
  context.session.is_monitor = true;
  context.session.description_changed = true;
  context.node.clients().AddMonitor(context.session.id);
  context.reply.Ok();
}

constexpr Parameter kCount[] = {{.name = "count", .type = Parameter::kInteger, .optional = true}};
constexpr Parameter kEvent[] = {{.name = "event"}};
constexpr Parameter kEvents[] = {{.name = "events", .optional = true, .many = true}};
constexpr Parameter kNames[] = {{.name = "commands", .optional = true, .many = true}};
constexpr Parameter kUsage[] = {
    {.name = "key", .type = Parameter::kKey},
    {.name = "samples", .type = Parameter::kInteger, .token = "SAMPLES", .optional = true}};

constexpr Command Row(std::string_view name, int arity, uint32_t flags, std::string_view summary,
                      void (*run)(Context&, Arguments),
                      std::span<const Parameter> parameters = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = "server",
          .summary = summary,
          .parameters = parameters,
          .run = run};
}

constexpr Command kCommands[] = {
    Row("latency", -2, 0, "Events that took long: none are recorded", nullptr),
    Row("latency|doctor", 2, kAdmin, "Where to look instead", LatencyDoctor),
    Row("latency|graph", 3, kAdmin, "None are recorded", LatencyGraph, kEvent),
    Row("latency|help", 2, 0, "Print this help", Help),
    Row("latency|histogram", -2, kAdmin, "None are recorded", LatencyHistogram, kNames),
    Row("latency|history", 3, kAdmin, "None are recorded", NoEvents, kEvent),
    Row("latency|latest", 2, kAdmin, "None are recorded", NoEvents),
    Row("latency|reset", -2, kAdmin, "None are recorded", LatencyReset, kEvents),
    Row("memory", -2, 0, "What takes how much memory", nullptr),
    Row("memory|doctor", 2, 0, "Whether the store keeps its memory budget", MemoryDoctor),
    Row("memory|help", 2, 0, "Print this help", Help),
    Row("memory|malloc-stats", 2, 0, "The allocator has none", MemoryMallocStats),
    Row("memory|purge", 2, 0, "Accepted, without effect", MemoryPurge),
    Row("memory|stats", 2, 0, "Memory of the process and the store", MemoryStats),
    {.name = "memory|usage",
     .arity = -3,
     .flags = kReadOnly,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .group = "server",
     .summary = "About how many bytes a key and its value take on disk",
     .parameters = kUsage,
     .run = MemoryUsage},
    Row("monitor", 1, kAdmin, "Be shown every request of every connection", Monitor),
    Row("slowlog", -2, 0, "Requests that took long", nullptr),
    Row("slowlog|get", -2, kAdmin, "The newest of them", SlowLogGet, kCount),
    Row("slowlog|help", 2, 0, "Print this help", Help),
    Row("slowlog|len", 2, kAdmin, "How many there are", SlowLogLen),
    Row("slowlog|reset", 2, kAdmin, "Forget them", SlowLogReset),
};

}  // namespace

std::span<const Command> DiagnosticCommands() { return kCommands; }

}  // namespace kvserver
