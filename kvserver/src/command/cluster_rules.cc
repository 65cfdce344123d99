#include "command/cluster_rules.h"

#include <algorithm>
#include <string_view>

namespace kvserver {
namespace {

// They write what they are given, whatever was there; or merge.
constexpr std::string_view kPlainWrites[] = {
    "decr",       "decrby",  "del",     "function|flush", "incr",   "incrby",
    "kv.bulkset", "kv.delx", "kv.setx", "mset",           "psetex", "set",
    "setex",      "unlink",  "vadd",    "vrem",
};
constexpr std::string_view kIncrements[] = {"decr", "decrby", "incr", "incrby"};
// They go past the log of writes.
constexpr std::string_view kNever[] = {"flushall", "flushdb"};
// Options that make a plain write read first.
constexpr std::string_view kSetOptions[] = {"NX", "XX", "GET", "KEEPTTL"};

template <size_t n>
bool IsOneOf(std::string_view name, const std::string_view (&names)[n]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsWord(std::string_view argument, std::string_view upper) {
  return std::equal(argument.begin(), argument.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

bool HasWord(Arguments arguments, size_t from, std::string_view upper) {
  for (size_t i = from; i < arguments.size(); ++i) {
    if (IsWord(arguments[i], upper)) return true;
  }
  return false;
}

bool ReadsFirst(const Command& command, Arguments arguments) {
  if (command.name == "watch") return true;
  if (!command.has(kWrite)) return false;
  if (!IsOneOf(command.name, kPlainWrites)) return true;
  if (command.name == "set") {
    return std::any_of(std::begin(kSetOptions), std::end(kSetOptions),
                       [&](std::string_view word) { return HasWord(arguments, 3, word); });
  }
  if (command.name == "kv.setx") {
    if (HasWord(arguments, 3, "IFABSENT")) return true;
    for (size_t i = 3; i + 1 < arguments.size(); ++i) {
      if (IsWord(arguments[i], "IFVERSION") && arguments[i + 1] == "*") return true;
    }
  }
  return false;
}

}  // namespace

std::string WhyNotInCluster(const Command& command, Arguments arguments, bool allows_weak) {
  if (IsOneOf(command.name, kNever)) {
    return "ERR a node of a cluster cannot empty it: delete the keys, or stop all nodes and remove "
           "their directories";
  }
  if (allows_weak || !ReadsFirst(command, arguments)) return "";
  std::string name(command.name);
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "NOTLINEARIZABLE " + name +
         " reads and writes in one step, which a cluster cannot do yet: use plain SET, DEL, INCR, "
         "or "
         "KV.SETX with a context; or start the servers with --allow-weak, and it is atomic on one "
         "node only";
}

bool CountsOnce(const Command& command) { return IsOneOf(command.name, kIncrements); }

bool ReadsKeys(const Command& command) {
  return command.has(kReadOnly) && !command.has(kWrite) && command.first_key > 0;
}

}  // namespace kvserver
