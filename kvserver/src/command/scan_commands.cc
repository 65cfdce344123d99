// Commands that walk over keys. Each sees one moment of the store.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/glob.h"
#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/key_walk.h"
#include "command/keyspace.h"
#include "command/node.h"

namespace kvserver {
namespace {

constexpr int64_t kScanCountDefault = 10;
constexpr int64_t kScanCountMax = 10'000;            // more keys than that per call are not seen
constexpr size_t kKeysBytesMax = size_t{256} << 20;  // of a reply to KEYS
constexpr uint64_t kExactCountMax = 200'000;         // up to here DBSIZE counts
constexpr std::string_view kUnknownCursor =
    "ERR unknown cursor: it is too old, or of another run of the server; begin the scan anew with "
    "0";

struct ScanOptions {
  std::string_view pattern = "*";
  int64_t count = kScanCountDefault;
  bool is_empty = false;  // TYPE asks for what is not stored here
};

std::optional<ScanOptions> ReadScanOptions(Context& context, Arguments words) {
  ScanOptions options;
  for (size_t i = 0; i < words.size(); i += 2) {
    const bool has_value = i + 1 < words.size();
    if (IsWord(words[i], "count") && has_value) {
      const auto count = ReadInteger(context, words[i + 1]);
      if (!count) return std::nullopt;
      if (*count < 1) {
        ReplySyntaxError(context);
        return std::nullopt;
      }
      options.count = std::min(*count, kScanCountMax);
    } else if (IsWord(words[i], "match") && has_value) {
      options.pattern = words[i + 1];
    } else if (IsWord(words[i], "type") && has_value) {
      options.is_empty = !IsWord(words[i + 1], "string");
    } else {
      ReplySyntaxError(context);
      return std::nullopt;
    }
  }
  return options;
}

std::optional<uint64_t> ReadCursor(Context& context, std::string_view argument) {
  uint64_t cursor = 0;
  const char* const end = argument.data() + argument.size();
  const auto [stop, error] = std::from_chars(argument.data(), end, cursor);
  if (argument.empty() || error != std::errc() || stop != end) {
    context.reply.Error("ERR invalid cursor");
    return std::nullopt;
  }
  return cursor;
}

void ReplyKeys(Context& context, const std::vector<std::string>& keys) {
  context.reply.BeginArray(keys.size());
  for (const std::string& key : keys) context.reply.Value(key);
}

// A key that exists from the first to the last call of a scan is told once.
void Scan(Context& context, Arguments arguments) {
  const auto cursor = ReadCursor(context, arguments[1]);
  if (!cursor) return;
  const auto options = ReadScanOptions(context, arguments.subspan(2));
  if (!options) return;
  KeyWalk walk(context, GlobPrefix(options->pattern));
  if (*cursor != 0) {
    const std::optional<std::string> last = context.node.cursors().Find(*cursor);
    if (!last) return context.reply.Error(kUnknownCursor);
    walk.Seek(*last + '\0');
  }
  std::vector<std::string> keys;
  std::string last;
  for (int64_t i = 0; i < options->count && walk.Valid() && !options->is_empty; ++i) {
    last = walk.key();
    if (GlobMatches(options->pattern, last)) keys.push_back(last);
    walk.Next();
  }
  if (!walk.status().ok()) return ReplyStatus(context, walk.status());
  const bool is_over = !walk.Valid() || options->is_empty;
  context.reply.BeginArray(2);
  context.reply.Value(is_over ? "0" : std::to_string(context.node.cursors().Put(last)));
  ReplyKeys(context, keys);
}

void Keys(Context& context, Arguments arguments) {
  std::vector<std::string> keys;
  size_t bytes = 0;
  KeyWalk walk(context, GlobPrefix(arguments[1]));
  for (; walk.Valid(); walk.Next()) {
    if (!GlobMatches(arguments[1], walk.key())) continue;
    keys.emplace_back(walk.key());
    bytes += sizeof(std::string) + walk.key().size();
    if (bytes > kKeysBytesMax) {
      return context.reply.Error("ERR more keys than one reply may have, use SCAN");
    }
  }
  if (!walk.status().ok()) return ReplyStatus(context, walk.status());
  ReplyKeys(context, keys);
}

void DbSize(Context& context, Arguments /*arguments*/) {
  const uint64_t estimate = context.node.store().Stats().keys_estimate;
  if (estimate >= kExactCountMax) return context.reply.Integer(static_cast<int64_t>(estimate));
  int64_t count = 0;
  KeyWalk walk(context);
  for (; walk.Valid(); walk.Next()) ++count;
  if (!walk.status().ok()) return ReplyStatus(context, walk.status());
  context.reply.Integer(count);
}

// Well mixed, of no other quality.
uint64_t NextRandom() {
  static std::atomic<uint64_t> state{static_cast<uint64_t>(SteadyMicroseconds())};
  uint64_t x = state.fetch_add(0x9e3779b97f4a7c15ULL);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The eight bytes of `key` from `begin` on as a number of the same order.
uint64_t NumberAt(std::string_view key, size_t begin) {
  uint64_t number = 0;
  for (size_t i = begin; i < begin + 8; ++i) {
    number = number << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0);
  }
  return number;
}

// A place between two keys, by the first eight bytes in which they differ.
std::string RandomPlace(std::string_view first, std::string_view last) {
  const auto differ = std::mismatch(first.begin(), first.end(), last.begin(), last.end());
  const auto common = static_cast<size_t>(differ.first - first.begin());
  const uint64_t low = NumberAt(first, common), high = NumberAt(last, common);
  const uint64_t span = high - low + 1;  // 0: all numbers
  const uint64_t number = span == 0 ? NextRandom() : low + NextRandom() % span;
  std::string place(first.substr(0, common));
  for (int shift = 56; shift >= 0; shift -= 8) place += static_cast<char>(number >> shift & 0xff);
  return place;
}

// The key at or behind a random place between the first and the last key, and up to so many steps
// on: keys behind a gap come more often than others.
void RandomKey(Context& context, Arguments /*arguments*/) {
  constexpr uint64_t kSteps = 16;
  KeyWalk walk(context);
  if (!walk.status().ok()) return ReplyStatus(context, walk.status());
  if (!walk.Valid()) return context.reply.Null();
  const std::string first(walk.key());
  const std::optional<std::string> last = walk.LastKey();
  walk.Seek(RandomPlace(first, last.value_or(first)));
  for (uint64_t steps = NextRandom() % kSteps; steps > 0; --steps) {
    if (walk.Valid()) walk.Next();
    if (!walk.Valid()) walk.Seek(first);
  }
  if (!walk.Valid()) walk.Seek(first);
  if (!walk.status().ok()) return ReplyStatus(context, walk.status());
  context.reply.Value(walk.key());
}

constexpr Parameter kPattern[] = {{.name = "pattern", .type = Parameter::kPattern}};
constexpr Parameter kScan[] = {
    {.name = "cursor", .type = Parameter::kInteger},
    {.name = "match", .type = Parameter::kPattern, .token = "MATCH", .optional = true},
    {.name = "count", .type = Parameter::kInteger, .token = "COUNT", .optional = true},
    {.name = "type", .token = "TYPE", .optional = true}};

constexpr Command kCommands[] = {
    {.name = "dbsize",
     .arity = 1,
     .flags = kReadOnly | kSlow,
     .group = "server",
     .summary = "Count the keys; from 200,000 on it is an estimate",
     .run = DbSize},
    {.name = "keys",
     .arity = 2,
     .flags = kReadOnly | kSlow,
     .group = "generic",
     .summary = "List the keys that match a pattern",
     .parameters = kPattern,
     .run = Keys},
    {.name = "randomkey",
     .arity = 1,
     .flags = kReadOnly | kSlow,
     .group = "generic",
     .summary = "Get some key; not every one is as likely as others",
     .run = RandomKey},
    {.name = "scan",
     .arity = -2,
     .flags = kReadOnly | kSlow,
     .group = "generic",
     .summary = "List the keys step by step, in order",
     .parameters = kScan,
     .run = Scan},
};

}  // namespace

std::span<const Command> ScanCommands() { return kCommands; }

}  // namespace kvserver
