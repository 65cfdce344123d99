#include "command/keyspace.h"

#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

void RaiseHold(Session& session, WriteTurns::Hold hold) {
  if (hold.turn >= session.hold.turn) session.hold = hold;
}

// What the pipeline of this connection, or an EXEC around the command, has not yet stored.
absl::StatusOr<std::optional<std::optional<WriteTurns::Entry>>> PendingOf(Context& context,
                                                                          std::string_view key) {
  using Found = std::optional<std::optional<WriteTurns::Entry>>;
  Session& session = context.session;
  WriteTurns& turns = context.node.turns();
  if (session.writer != nullptr) {
    auto entry = session.writer->Read(key);
    if (!entry.ok()) return entry.status();
    return Found(*std::move(entry));
  }
  if (session.last_turn <= turns.last_finished()) return Found();
  WriteTurns::Hold hold;
  Found pending = turns.Pending(key, hold);
  if (pending) RaiseHold(session, hold);
  return pending;
}

}  // namespace

KeyWriter::KeyWriter(Context& context) : context_(context), writer_(context.session.writer) {
  if (writer_ == nullptr) {
    own_.emplace(context.node.turns(), context.session.durability);
    writer_ = &*own_;
  }
}

KeyWriter::~KeyWriter() {
  if (own_) RaiseHold(context_.session, own_->Finish());
}

absl::StatusOr<std::optional<KeyWriter::Entry>> KeyWriter::Read(std::string_view key) {
  return writer_->Read(key);
}

absl::StatusOr<bool> KeyWriter::Exists(std::string_view key) { return writer_->Exists(key); }

absl::StatusOr<std::vector<float>> KeyWriter::ReadVector(std::string_view key) {
  return writer_->ReadVector(key);
}

void KeyWriter::Set(std::string_view key, std::string_view value, int64_t expiry,
                    std::span<const float> vector) {
  writer_->Set(key, value, expiry, vector);
  context_.node.watched_keys().Written(key);
}

void KeyWriter::Delete(std::string_view key) {
  writer_->Delete(key);
  context_.node.watched_keys().Written(key);
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

std::string StatusText(const absl::Status& status) {
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return "DATALOSS " + message;
    case absl::StatusCode::kResourceExhausted:
      return "OOM " + message;
    case absl::StatusCode::kUnavailable:
      return "TRYAGAIN " + message;
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
    context.reply.Error("ERR string exceeds maximum allowed size (64 MiB)");
    return false;
  }
  return true;
}

}  // namespace kvserver
