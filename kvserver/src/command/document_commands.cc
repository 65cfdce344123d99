// What HTTP and JSON need beyond the strings of Redis: values with their version, and keys page by
// page.
//
// The version of a value is 16 hexadecimal digits that depend on its bytes and on when it expires,
// and on nothing else: it costs nothing to keep, and two nodes agree on it. In a cluster these
// digits depend on which writes are shown, and behind a dot there is what was seen of the key.
#include <xxhash.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/numbers.h"
#include "cluster/merge_function.h"
#include "cluster/session_token.h"
#include "cluster/stamp.h"
#include "command/command.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

constexpr int64_t kKeysLimit = 100, kKeysLimitMax = 10'000;

// Of contexts; a header line of HTTP has 8 KiB.
constexpr size_t kContextBytesMax = 2'048;

std::string Hex(uint64_t hash) {
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; hash >>= 4) text[i] = "0123456789abcdef"[hash & 15];
  return text;
}

std::string VersionOf(std::string_view value, int64_t expiry) {
  return Hex(XXH3_64bits_withSeed(value.data(), value.size(), static_cast<uint64_t>(expiry)));
}

bool IsWord(std::string_view argument, std::string_view upper) {
  return std::equal(argument.begin(), argument.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

// In a cluster a version has two parts with a dot in between: which writes are shown, the same on
// all nodes that show the same; and the context, what the node had seen of the key. The second one
// is left out where it would be too long for a header line of HTTP.
std::string VersionOf(const Replication& replication, std::string_view key,
                      std::vector<cluster::Dot> shown, const cluster::DotSet& context) {
  std::sort(shown.begin(), shown.end());
  std::string version = Hex(cluster::ItemId(key, shown));
  const std::string token = replication.ContextToken(context);
  if (token.size() <= kContextBytesMax) version += '.' + token;
  return version;
}

std::vector<cluster::Dot> DotsOf(const cluster::KeyState& state) {
  std::vector<cluster::Dot> dots;
  for (const cluster::Version& version : state.versions) dots.push_back(version.dot);
  return dots;
}

// Of what was written just now over what `seen` has: siblings beside it were not shown to the
// writer, and stay. Over everything that was here: null.
std::string VersionOf(Context& context, std::string_view key, KeyWriter& writer,
                      const cluster::DotSet* seen) {
  const cluster::DotRange& written = writer.writer().written();
  if (written.first == 0) return "";  // it was refused, which is the reply
  Replication& replication = *context.node.replication();
  const cluster::Dot own{written.actor, written.last};
  cluster::DotSet now;
  if (seen != nullptr) {
    now = *seen;
    now.Add(own);
  } else {
    absl::StatusOr<cluster::KeyState> state = replication.State(key, &writer.writer());
    if (!state.ok()) return "";
    now = std::move(state->context);
  }
  return VersionOf(replication, key, {own}, now);
}

// The value is what `conflict` makes of the siblings; if that is null, what the key's space does.
void GetState(Context& context, std::string_view key, const cluster::MergeFunction* conflict) {
  Session& session = context.session;
  Replication& replication = *context.node.replication();
  const bool is_key = !key.empty() && key.size() <= libkv::kKeyBytesMax;
  // Value and version of one moment: a version that is newer than the value would let its owner
  // overwrite what nobody has shown it.
  WriteTurns::Hold hold;
  absl::StatusOr<cluster::KeyState> state = cluster::KeyState();
  if (is_key) state = replication.State(key, session.writer, &hold);
  if (!state.ok()) return ReplyStatus(context, state.status());
  if (session.writer != nullptr) {  // of EXEC, whose reply waits for all that was read
    if (const auto read = session.writer->Read(key); !read.ok()) {
      return ReplyStatus(context, read.status());
    }
  } else {
    RaiseHold(session, hold);
  }
  if (state->versions.empty()) {
    context.node.misses.fetch_add(1, std::memory_order_relaxed);
    return context.reply.Null();
  }
  context.node.hits.fetch_add(1, std::memory_order_relaxed);
  if (conflict == nullptr) conflict = context.node.turns().conflict_rules()->Of(key);
  const cluster::StoredRecord record = cluster::Resolve(state->versions, conflict);
  context.reply.BeginMap(5);
  context.reply.Value("version");
  context.reply.Value(VersionOf(replication, key, DotsOf(*state), state->context));
  context.reply.Value("expires_at");
  if (record.expiry == 0) {
    context.reply.Null();
  } else {
    context.reply.Integer(record.expiry);
  }
  context.reply.Value("value");
  context.reply.Value(record.value);
  context.reply.Value("siblings");
  context.reply.BeginArray(state->versions.size());
  for (const cluster::Version& version : state->versions) context.reply.Value(version.value);
  context.reply.Value("conflict");
  context.reply.Value(conflict == nullptr ? "lww" : conflict->name);
}

// What a write with a version or a context is to overwrite.
struct Seen {
  std::string_view shown;                  // the first part of the version; "": any
  std::optional<cluster::DotSet> context;  // the second one
};

absl::StatusOr<Seen> ReadSeen(const Replication& replication, std::string_view token) {
  Seen seen;
  const size_t dot = token.find('.');
  if (dot != std::string_view::npos) {
    seen.shown = token.substr(0, dot);
    token.remove_prefix(dot + 1);
  } else if (token.size() == 16) {  // a context is longer
    seen.shown = token;
    return seen;
  }
  absl::StatusOr<cluster::DotSet> context = replication.ReadContextToken(token);
  if (!context.ok()) return context.status();
  seen.context = *std::move(context);
  return seen;
}

// In a cluster: whether the key is here, in no version that the writer has not seen. Replies with
// the error, and answers false, if not.
bool HasSeenAll(Context& context, KeyWriter& writer, std::string_view key, const Seen& seen) {
  Replication& replication = *context.node.replication();
  const absl::StatusOr<cluster::KeyState> state = replication.State(key, &writer.writer());
  if (!state.ok()) {
    ReplyStatus(context, state.status());
    return false;
  }
  if (state->versions.empty()) {
    context.reply.Error("VERSIONMISMATCH there is no such key");
    return false;
  }
  std::vector<cluster::Dot> shown = DotsOf(*state);
  std::sort(shown.begin(), shown.end());
  const std::string version = Hex(cluster::ItemId(key, shown));
  const bool has_seen =
      seen.context ? std::all_of(shown.begin(), shown.end(),
                                 [&](const cluster::Dot& dot) { return seen.context->Has(dot); })
                   : version == seen.shown;
  // Without the context: who wants to write over it has to look at it.
  if (!has_seen) context.reply.Error("VERSIONMISMATCH the value has version " + version);
  return has_seen;
}

// KV.SETX and KV.DELX with a context: overwrites what it has seen, and nothing else. With `must`
// only if that is everything. Answers false after an error.
bool WriteSeen(Context& context, cluster::ClientWrite write, std::string_view token, bool must,
               std::string* version = nullptr) {
  Replication* const replication = context.node.replication();
  if (replication == nullptr) {
    context.reply.Error("ERR contexts are of clusters, and this node runs alone: use IFVERSION");
    return false;
  }
  const absl::StatusOr<Seen> seen = ReadSeen(*replication, token);
  if (!seen.ok() || (!seen->context && !must)) {
    ReplyStatus(context, seen.ok() ? replication->ReadContextToken(token).status() : seen.status());
    return false;
  }
  // The look and the write are one step on this node. What another one writes meanwhile becomes a
  // sibling: nothing is lost.
  KeyWriter writer(context);
  if (must && !HasSeenAll(context, writer, write.key, *seen)) return false;
  if (seen->context) {
    write.context = cluster::ClientWrite::Context::kGiven;
    write.seen = *seen->context;
  }
  const absl::Status status = writer.Replicate(write);
  if (!status.ok()) ReplyStatus(context, status);
  if (status.ok() && version != nullptr) {
    *version = VersionOf(context, write.key, writer, seen->context ? &*seen->context : nullptr);
  }
  return status.ok();
}

void GetX(Context& context, Arguments arguments) {
  const cluster::MergeFunction* conflict = nullptr;
  if (arguments.size() > 2) {
    if (arguments.size() != 4 || !IsWord(arguments[2], "CONFLICT")) {
      return context.reply.Error("ERR syntax error");
    }
    const auto function = cluster::Merges().Find(arguments[3]);
    if (!function.ok()) return ReplyStatus(context, function.status());
    conflict = *function;
  }
  if (context.node.replication() != nullptr) return GetState(context, arguments[1], conflict);
  const auto entry = EntryOf(context, arguments[1]);
  if (absl::IsNotFound(entry.status())) {
    context.node.misses.fetch_add(1, std::memory_order_relaxed);
    return context.reply.Null();
  }
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  context.node.hits.fetch_add(1, std::memory_order_relaxed);
  context.reply.BeginMap(3);
  context.reply.Value("version");
  context.reply.Value(VersionOf(entry->value, entry->expiry));
  context.reply.Value("expires_at");
  if (entry->expiry == 0) {
    context.reply.Null();
  } else {
    context.reply.Integer(entry->expiry);
  }
  context.reply.Value("value");
  context.reply.Value(entry->value);
}

// What must hold before a write.
struct Condition {
  std::optional<std::string_view> version;  // "*": any
  bool is_absent = false;
  bool any() const { return version || is_absent; }
};

// Replies with the error, and answers false, when it does not hold.
bool Holds(Context& context, KeyWriter& writer, std::string_view key, const Condition& condition) {
  const auto entry = writer.Read(key);
  if (!entry.ok()) {
    ReplyStatus(context, entry.status());
    return false;
  }
  if (condition.is_absent) {
    if (!*entry) return true;
    context.reply.Error("VERSIONMISMATCH the key is there already");
    return false;
  }
  if (!*entry) {
    context.reply.Error("VERSIONMISMATCH there is no such key");
    return false;
  }
  if (*condition.version == "*") return true;
  const std::string version = VersionOf((*entry)->value, (*entry)->expiry);
  if (version == *condition.version) return true;
  context.reply.Error("VERSIONMISMATCH the value has version " + version);
  return false;
}

void SetX(Context& context, Arguments arguments) {
  Condition condition;
  std::optional<std::string_view> seen;
  int64_t expiry = 0;
  for (size_t i = 3; i < arguments.size(); ++i) {
    const bool has_value = i + 1 < arguments.size();
    if (IsWord(arguments[i], "PX") && has_value && expiry == 0) {
      const auto milliseconds = ParseInteger(arguments[++i]);
      if (!milliseconds || *milliseconds <= 0 ||
          __builtin_add_overflow(NowMilliseconds(), *milliseconds, &expiry)) {
        return context.reply.Error("ERR invalid expire time in 'kv.setx' command");
      }
    } else if (IsWord(arguments[i], "IFVERSION") && has_value && !condition.any()) {
      condition.version = arguments[++i];
    } else if (IsWord(arguments[i], "CTX") && has_value && !seen) {
      seen = arguments[++i];
    } else if (IsWord(arguments[i], "IFABSENT") && !condition.any()) {
      condition.is_absent = true;
    } else {
      return context.reply.Error("ERR syntax error");
    }
  }
  const std::string_view key = arguments[1], value = arguments[2];
  if (!CheckSizes(context, key, value)) return;
  const bool is_replicated = context.node.replication() != nullptr;
  std::string version;
  if (seen || (is_replicated && condition.version && *condition.version != "*")) {
    if (seen && condition.any()) return context.reply.Error("ERR syntax error");
    cluster::ClientWrite write;
    write.key = key;
    write.value = value;
    write.expiry = expiry;
    if (!WriteSeen(context, std::move(write), seen ? *seen : *condition.version, !seen, &version)) {
      return;
    }
  } else {
    KeyWriter writer(context);
    if (condition.any() && !Holds(context, writer, key, condition)) return;
    writer.Set(key, value, expiry);
    version = is_replicated ? VersionOf(context, key, writer, nullptr) : VersionOf(value, expiry);
  }
  context.reply.BeginMap(2);
  context.reply.Value("version");
  context.reply.Value(version);
  context.reply.Value("expires_at");
  if (expiry == 0) {
    context.reply.Null();
  } else {
    context.reply.Integer(expiry);
  }
}

void DelX(Context& context, Arguments arguments) {
  Condition condition;
  std::optional<std::string_view> seen;
  if (arguments.size() == 4 && IsWord(arguments[2], "IFVERSION")) {
    condition.version = arguments[3];
  } else if (arguments.size() == 4 && IsWord(arguments[2], "CTX")) {
    seen = arguments[3];
  } else if (arguments.size() != 2) {
    return context.reply.Error("ERR syntax error");
  }
  const std::string_view key = arguments[1];
  if (!CheckSizes(context, key)) return;
  const bool is_replicated = context.node.replication() != nullptr;
  if (seen || (is_replicated && condition.version && *condition.version != "*")) {
    cluster::ClientWrite write;
    write.key = key;
    write.is_delete = true;
    if (!WriteSeen(context, std::move(write), seen ? *seen : *condition.version, !seen)) return;
    return context.reply.Integer(1);
  }
  KeyWriter writer(context);
  if (condition.any() && !Holds(context, writer, key, condition)) return;
  const auto exists = writer.Exists(key);
  if (!exists.ok()) return ReplyStatus(context, exists.status());
  if (*exists) writer.Delete(key);
  context.reply.Integer(*exists ? 1 : 0);
}

void Keys(Context& context, Arguments arguments) {
  std::string prefix;
  std::string after;
  int64_t limit = kKeysLimit;
  for (size_t i = 1; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) return context.reply.Error("ERR syntax error");
    const std::string_view value = arguments[i + 1];
    if (IsWord(arguments[i], "PREFIX")) {
      prefix = value;
    } else if (IsWord(arguments[i], "CURSOR")) {
      const auto number = ParseInteger(value);
      const auto last = number && *number > 0
                            ? context.node.cursors().Find(static_cast<uint64_t>(*number))
                            : std::nullopt;
      if (!last) return context.reply.Error("ERR invalid cursor: it is too old, or none of ours");
      after = *last;
    } else if (IsWord(arguments[i], "LIMIT")) {
      const auto number = ParseInteger(value);
      if (!number || *number < 1 || *number > kKeysLimitMax) {
        return context.reply.Error("ERR limit is a number from 1 to 10000");
      }
      limit = *number;
    } else {
      return context.reply.Error("ERR syntax error");
    }
  }
  std::vector<std::string> keys;
  const auto it = context.node.store().NewIterator({}, {.prefix = prefix});
  if (after.empty()) {
    it->SeekToFirst();
  } else {
    it->Seek(after + '\0');  // the next possible key
  }
  for (; it->Valid() && keys.size() < static_cast<size_t>(limit); it->Next()) {
    keys.emplace_back(it->key());
  }
  if (!it->status().ok()) return ReplyStatus(context, it->status());
  const bool has_more = it->Valid();
  context.reply.BeginMap(2);
  context.reply.Value("keys");
  context.reply.BeginArray(keys.size());
  for (const std::string& key : keys) context.reply.Value(key);
  context.reply.Value("cursor");
  if (!has_more) return context.reply.Null();
  context.reply.Text(std::to_string(context.node.cursors().Put(std::move(keys.back()))));
}

constexpr Parameter kGetParameters[] = {
    {.name = "key", .type = Parameter::kKey},
    {.name = "conflict", .token = "CONFLICT", .optional = true},
};
constexpr Parameter kSetParameters[] = {
    {.name = "key", .type = Parameter::kKey},
    {.name = "value"},
    {.name = "ttl_ms", .type = Parameter::kInteger, .token = "PX", .optional = true},
    {.name = "if_version", .token = "IFVERSION", .optional = true},
    {.name = "if_absent", .type = Parameter::kFlag, .token = "IFABSENT", .optional = true},
    {.name = "ctx", .token = "CTX", .optional = true},
};
constexpr Parameter kDeleteParameters[] = {
    {.name = "key", .type = Parameter::kKey},
    {.name = "if_version", .token = "IFVERSION", .optional = true},
    {.name = "ctx", .token = "CTX", .optional = true},
};
constexpr Parameter kKeysParameters[] = {
    {.name = "prefix", .token = "PREFIX", .optional = true},
    {.name = "cursor", .token = "CURSOR", .optional = true},
    {.name = "limit", .type = Parameter::kInteger, .token = "LIMIT", .optional = true},
};

constexpr Command kCommands[] = {
    {.name = "kv.delx",
     .arity = -2,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "document",
     .summary = "Delete a key, if its value still has a given version",
     .parameters = kDeleteParameters,
     .run = DelX},
    {.name = "kv.getx",
     .arity = -2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "document",
     .summary = "Get the value of a key with its version and its expiry time",
     .parameters = kGetParameters,
     .run = GetX},
    {.name = "kv.keys",
     .arity = -1,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "document",
     .summary = "List keys in order, page by page",
     .parameters = kKeysParameters,
     .run = Keys},
    {.name = "kv.setx",
     .arity = -3,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "document",
     .summary = "Set a value, if the one before has a given version or is absent",
     .parameters = kSetParameters,
     .run = SetX},
};

}  // namespace

std::span<const Command> DocumentCommands() { return kCommands; }

}  // namespace kvserver
