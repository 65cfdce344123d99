// CONFIG: settings under the names that Redis has for them. A few can be changed; the others are
// answered so that clients and tools find what they look for.
#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/glob.h"
#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/help.h"
#include "command/node.h"
#include "command/quoted.h"

namespace kvserver {
namespace {

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

std::string Durability(Node& node) {
  return std::string(kDurabilityNames[static_cast<size_t>(node.settings().durability.load())]);
}

// What Redis calls the same: "always" before every reply, or "no", whenever the system likes.
std::string AppendFsync(Node& node) {
  return node.settings().durability.load() == libkv::Durability::kSynced ? "always" : "no";
}

// A setting: its value, from a text that never changes, an integer that may, or a function.
struct Setting {
  std::string_view name;
  std::string_view text = "";
  std::string (*read)(Node& node) = nullptr;
  // Of those that may change; within these bounds.
  std::atomic<int64_t> Settings::*number = nullptr;
  int64_t smallest = 0, largest = kInt64Max;
  bool is_durability = false;

  bool is_fixed() const { return number == nullptr && !is_durability; }
};

constexpr Setting kSettings[] = {
    {.name = "appendfsync", .read = AppendFsync},
    {.name = "appendonly", .text = "yes"},  // what is acknowledged is in a log
    {.name = "bind", .read = [](Node& node) { return node.settings().fixed.address; }},
    {.name = "cluster-enabled", .text = "no"},
    {.name = "databases", .text = "1"},
    {.name = "dir", .read = [](Node& node) { return node.settings().fixed.data_dir; }},
    {.name = "durability", .read = Durability, .is_durability = true},
    {.name = "io-threads",
     .read = [](Node& node) { return std::to_string(node.settings().fixed.io_threads); }},
    {.name = "latency-monitor-threshold", .text = "0"},
    {.name = "maxclients",
     .number = &Settings::clients_max,
     .smallest = 1,
     .largest = std::numeric_limits<uint32_t>::max()},
    {.name = "maxmemory",
     .read = [](Node& node) { return std::to_string(node.settings().fixed.memory_bytes); }},
    {.name = "maxmemory-policy", .text = "noeviction"},
    {.name = "notify-keyspace-events", .text = ""},
    {.name = "port", .read = [](Node& node) { return std::to_string(node.port.load()); }},
    {.name = "proto-max-bulk-len",
     .read = [](Node&) { return std::to_string(libkv::kValueBytesMax); }},
    {.name = "protected-mode", .text = "no"},
    {.name = "requirepass", .text = ""},
    {.name = "save", .text = ""},
    {.name = "slowlog-log-slower-than", .number = &Settings::slow_log_us, .smallest = -1},
    {.name = "slowlog-max-len", .number = &Settings::slow_log_length},
    {.name = "timeout",
     .number = &Settings::idle_timeout_seconds,
     .largest = std::numeric_limits<int32_t>::max()},
};

std::string ValueOf(const Setting& setting, Node& node) {
  if (setting.number != nullptr) return std::to_string((node.settings().*setting.number).load());
  if (setting.read != nullptr) return setting.read(node);
  return std::string(setting.text);
}

const Setting* Find(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (IsWord(name, setting.name)) return &setting;
  }
  return nullptr;
}

void Get(Context& context, Arguments arguments) {
  std::vector<const Setting*> found;
  for (const Setting& setting : kSettings) {
    const bool matches =
        std::any_of(arguments.begin() + 2, arguments.end(), [&](std::string_view pattern) {
          return GlobMatches(pattern, setting.name, /*ignore_case=*/true);
        });
    if (matches) found.push_back(&setting);
  }
  context.reply.BeginMap(found.size());
  for (const Setting* const setting : found) {
    context.reply.Value(setting->name);
    context.reply.Value(ValueOf(*setting, context.node));
  }
}

struct Change {
  const Setting* setting = nullptr;
  int64_t value = 0;
};

// Why `text` cannot be the value of change.setting; "" when it can, and change.value is set.
std::string ReadValue(std::string_view text, Change& change) {
  const Setting& setting = *change.setting;
  if (setting.is_fixed()) return "can't set immutable config";
  if (setting.is_durability) {
    for (size_t i = 0; i < std::size(kDurabilityNames); ++i) {
      change.value = static_cast<int64_t>(i);
      if (IsWord(text, kDurabilityNames[i])) return "";
    }
    return "argument(s) must be one of the following: synced, written, buffered";
  }
  const std::optional<int64_t> value = ParseInteger(text);
  if (!value) return "argument couldn't be parsed into an integer";
  if (*value < setting.smallest || *value > setting.largest) {
    return "argument must be between " + std::to_string(setting.smallest) + " and " +
           std::to_string(setting.largest) + " inclusive";
  }
  change.value = *value;
  return "";
}

void Apply(Settings& settings, const Change& change) {
  if (change.setting->is_durability) {
    settings.durability = static_cast<libkv::Durability>(change.value);
  } else {
    settings.*(change.setting->number) = change.value;
  }
}

// CONFIG SET name value [name value ...]: all of them, or none.
void Set(Context& context, Arguments arguments) {
  if (arguments.size() % 2 != 0) return ReplySyntaxError(context);
  std::vector<Change> changes;
  for (size_t i = 2; i < arguments.size(); i += 2) {
    Change change{.setting = Find(arguments[i])};
    if (change.setting == nullptr) {
      return context.reply.Error("ERR Unknown option or number of arguments for CONFIG SET - '" +
                                 Quoted(arguments[i]) + "'");
    }
    const bool is_twice = std::any_of(changes.begin(), changes.end(), [&](const Change& other) {
      return other.setting == change.setting;
    });
    const std::string problem =
        is_twice ? "duplicate parameter" : ReadValue(arguments[i + 1], change);
    if (!problem.empty()) {
      return context.reply.Error("ERR CONFIG SET failed (possibly related to argument '" +
                                 std::string(change.setting->name) + "') - " + problem);
    }
    changes.push_back(change);
  }
  for (const Change& change : changes) Apply(context.node.settings(), change);
  context.reply.Ok();
}

void ResetStat(Context& context, Arguments /*arguments*/) {
  Node& node = context.node;
  for (std::atomic<uint64_t>* const counter :
       {&node.commands, &node.connections, &node.rejected_connections, &node.hits, &node.misses,
        &node.protocol_errors, &node.input_bytes, &node.output_bytes, &node.errors}) {
    counter->store(0);
  }
  node.error_stats().Clear();
  node.rates().Clear();
  context.reply.Ok();
}

void Rewrite(Context& context, Arguments /*arguments*/) {
  context.reply.Error("ERR The server is running without a config file");
}

constexpr Parameter kPatterns[] = {
    {.name = "parameters", .type = Parameter::kPattern, .many = true}};
constexpr Parameter kPairs[] = {{.name = "parameters", .type = Parameter::kItems}};

constexpr Command Row(std::string_view name, int arity, std::string_view summary,
                      void (*run)(Context&, Arguments),
                      std::span<const Parameter> parameters = {}) {
  return {.name = name,
          .arity = arity,
          .flags = kAdmin,
          .group = "server",
          .summary = summary,
          .parameters = parameters,
          .run = run};
}

constexpr Command kCommands[] = {
    Row("config", -2, "Settings of the server", nullptr),
    Row("config|get", -3, "The settings whose names match", Get, kPatterns),
    Row("config|help", 2, "Print this help", Help),
    Row("config|resetstat", 2, "Let the counters of INFO begin anew", ResetStat),
    Row("config|rewrite", 2, "Not possible: settings come from options", Rewrite),
    Row("config|set", -4, "Change settings until the next start", Set, kPairs),
};

}  // namespace

std::span<const Command> ConfigCommands() { return kCommands; }

}  // namespace kvserver
