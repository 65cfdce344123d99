#include "command/keyspace.h"

#include <algorithm>
#include <utility>

#include "cluster/session_token.h"
#include "command/made_vectors.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

constexpr size_t kKeysPerRead = 64;  // of which the values are in memory twice

bool IsStorable(std::string_view key) { return !key.empty() && key.size() <= libkv::kKeyBytesMax; }

// The prefix of the space that `key` is in; nullopt: in none.
std::optional<std::string> SpaceOf(const libkv::StoreStats& stats, std::string_view key) {
  std::optional<std::string> longest;
  for (const libkv::SpaceStats& space : stats.spaces) {
    if (!key.starts_with(space.prefix)) continue;
    if (!longest || space.prefix.size() > longest->size()) longest = space.prefix;
  }
  return longest;
}

bool MayBePending(const Context& context) {
  return context.session.writer != nullptr ||
         context.session.last_turn > context.node.turns().last_stored();
}

// What the pipeline of this connection, or an EXEC around the command, has not yet stored.
absl::StatusOr<std::optional<std::optional<WriteTurns::Entry>>> PendingOf(Context& context,
                                                                          std::string_view key) {
  using Found = std::optional<std::optional<WriteTurns::Entry>>;
  if (!IsStorable(key)) return Found(std::in_place);
  Session& session = context.session;
  WriteTurns& turns = context.node.turns();
  if (session.writer != nullptr) {
    auto entry = session.writer->Read(key);
    if (!entry.ok()) return entry.status();
    return Found(*std::move(entry));
  }
  if (!MayBePending(context)) return Found();
  WriteTurns::Hold hold;
  Found pending = turns.Pending(key, hold);
  if (pending) RaiseHold(session, hold);
  return pending;
}

}  // namespace

void RaiseHold(Session& session, WriteTurns::Hold hold) {
  // What was written counts for more than what was only read.
  if (session.hold.turn != 0 && hold.level < session.hold.level) return;
  if (hold.turn >= session.hold.turn) session.hold = hold;
}

KeyWriter::KeyWriter(Context& context) : context_(context), writer_(context.session.writer) {
  if (writer_ == nullptr) {
    own_.emplace(context.node.turns(), context.session.durability,
                 context.session.write_level_now());
    writer_ = &*own_;
  }
}

KeyWriter::~KeyWriter() {
  if (!own_) return;
  RaiseHold(context_.session, own_->Finish());
  cluster::AddToSession(own_->written(), &context_.session.written);
}

absl::StatusOr<std::optional<KeyWriter::Entry>> KeyWriter::Read(std::string_view key) {
  if (!IsStorable(key)) return std::optional<Entry>();
  return writer_->Read(key);
}

absl::StatusOr<bool> KeyWriter::Exists(std::string_view key) {
  return IsStorable(key) ? writer_->Exists(key) : false;
}

absl::StatusOr<std::vector<float>> KeyWriter::VectorOf(std::string_view key) {
  return writer_->VectorOf(key);
}

void KeyWriter::Set(std::string_view key, std::string_view value, int64_t expiry,
                    std::span<const float> vector) {
  if (vector.empty() && context_.session.made_vectors != nullptr) {
    vector = context_.session.made_vectors->Of(key, value);
  }
  writer_->Set(key, value, expiry, vector);
  context_.node.watched_keys().Written(key);
}

void KeyWriter::PutRow(std::string_view name, std::string_view value) {
  writer_->PutRow(name, value);
}

absl::Status KeyWriter::Replicate(const cluster::ClientWrite& write) {
  cluster::ClientWrite own = write;
  if (own.vector.empty() && !own.is_delete && context_.session.made_vectors != nullptr) {
    own.vector = context_.session.made_vectors->Of(own.key, own.value);
  }
  const absl::Status status = writer_->Replicate(own);
  if (status.ok()) context_.node.watched_keys().Written(write.key);
  return status;
}

absl::Status KeyWriter::ReplicateSystem(const cluster::ClientWrite& write) {
  return writer_->ReplicateSystem(write);
}

void KeyWriter::Delete(std::string_view key) {
  writer_->Delete(key);
  context_.node.watched_keys().Written(key);
}

absl::Status KeyWriter::SetExpiry(std::string_view key, const Entry& entry, int64_t expiry) {
  const auto vector = writer_->VectorOf(key);
  if (!vector.ok()) return vector.status();
  Set(key, entry.value, expiry, *vector);
  return absl::OkStatus();
}

absl::Status KeyWriter::Copy(std::string_view source, const Entry& entry, std::string_view target) {
  const auto vector = writer_->VectorOf(source);
  if (!vector.ok()) return vector.status();
  std::span<const float> kept = *vector;
  if (!kept.empty()) {
    const libkv::StoreStats stats = context_.node.store().Stats();
    if (SpaceOf(stats, source) != SpaceOf(stats, target)) kept = {};
  }
  Set(target, entry.value, entry.expiry, kept);
  return absl::OkStatus();
}

absl::Status ViewKey(Context& context, std::string_view key,
                     absl::FunctionRef<void(std::string_view value)> reader) {
  const auto pending = PendingOf(context, key);
  if (!pending.ok()) return pending.status();
  if (!*pending) return context.node.store().View({}, key, reader);
  if (!**pending) return absl::NotFoundError("");
  reader((**pending)->value);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::optional<std::string>>> ReadKeys(Context& context, Arguments keys) {
  std::vector<std::optional<std::string>> values;
  values.reserve(keys.size());
  size_t bytes = 0;
  const auto add = [&](std::optional<std::string> value) {
    bytes += value ? value->size() : 0;
    values.push_back(std::move(value));
    return bytes <= kManyBytesMax;
  };
  const absl::Status too_much =
      absl::ResourceExhaustedError("the values are more than 512 MiB together");

  if (MayBePending(context)) {
    KeyWriter writer(context);
    for (const std::string_view key : keys) {
      auto entry = writer.Read(key);
      if (!entry.ok()) return entry.status();
      if (!add(*entry ? std::optional(std::move((*entry)->value)) : std::nullopt)) return too_much;
    }
    return values;
  }
  libkv::ReadOptions read;
  if (keys.size() > kKeysPerRead) read.snapshot = context.node.store().GetSnapshot();
  while (!keys.empty()) {
    const Arguments some = keys.first(std::min(keys.size(), kKeysPerRead));
    keys = keys.subspan(some.size());
    auto stored = context.node.store().MultiGet(read, some);
    for (size_t i = 0; i < some.size(); ++i) {
      const bool is_missing = absl::IsNotFound(stored[i].status()) || !IsStorable(some[i]);
      if (!is_missing && !stored[i].ok()) return stored[i].status();
      if (!add(is_missing ? std::nullopt : std::optional(*std::move(stored[i])))) return too_much;
    }
  }
  return values;
}

absl::StatusOr<int64_t> CountKeys(Context& context, Arguments keys) {
  int64_t count = 0;
  if (keys.size() == 1) {
    const absl::Status status = ViewKey(context, keys[0], [](std::string_view) {});
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    return status.ok() ? 1 : 0;
  }
  KeyWriter writer(context);
  for (const std::string_view key : keys) {
    const absl::StatusOr<bool> exists = writer.Exists(key);
    if (!exists.ok()) return exists.status();
    count += *exists ? 1 : 0;
  }
  return count;
}

absl::StatusOr<int64_t> WaitForKey(Context& context, std::string_view key) {
  WriteTurns::Hold hold;
  const auto pending = context.node.turns().Pending(key, hold);
  if (pending) {
    RaiseHold(context.session, hold);
    if (!*pending) return absl::NotFoundError("");
    return (*pending)->expiry;
  }
  return ExpiryOf(context, key);
}

absl::StatusOr<int64_t> ExpiryOf(Context& context, std::string_view key) {
  const auto pending = PendingOf(context, key);
  if (!pending.ok()) return pending.status();
  if (*pending) {
    if (!**pending) return absl::NotFoundError("");
    return (**pending)->expiry;
  }
  const auto expiry = context.node.store().GetExpiry({}, key);
  if (!expiry.ok()) return expiry.status();
  return expiry->value_or(0);
}

absl::StatusOr<WriteTurns::Entry> EntryOf(Context& context, std::string_view key) {
  const auto pending = PendingOf(context, key);
  if (!pending.ok()) return pending.status();
  if (*pending) {
    if (!**pending) return absl::NotFoundError("");
    return ***pending;
  }
  auto entry = context.node.store().GetEntry({}, key);
  if (!entry.ok()) return entry.status();
  return WriteTurns::Entry{std::move(entry->value), entry->expiry.value_or(0)};
}

std::string StatusText(const absl::Status& status) {
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return "DATALOSS " + message;
    case absl::StatusCode::kResourceExhausted:
      return "OOM " + message;
    case absl::StatusCode::kUnavailable:
      return "TRYAGAIN " + message;
    case absl::StatusCode::kDeadlineExceeded:
      return "NOREPLICAS " + message;
    case absl::StatusCode::kNotFound:
      return "NOTFOUND " + message;
    default:
      return "ERR " + message;
  }
}

void ReplyStatus(Context& context, const absl::Status& status) {
  context.reply.Error(StatusText(status));
}

bool CheckSizes(Context& context, std::string_view key, std::string_view value) {
  if (key.empty()) {
    context.reply.Error("ERR the empty key cannot be stored");
    return false;
  }
  if (key.size() > libkv::kKeyBytesMax) {
    context.reply.Error("ERR key is longer than 65535 bytes");
    return false;
  }
  if (value.size() > libkv::kValueBytesMax) {
    context.reply.Error(kValueTooLong);
    return false;
  }
  return true;
}

std::function<absl::Status(const cluster::ClientWrite&)> SystemWriter(Context& context) {
  return [&context](const cluster::ClientWrite& write) {
    KeyWriter writer(context);
    return writer.ReplicateSystem(write);
  };
}

}  // namespace kvserver
