// How commands read and write keys: KeyWriter for those that may write, ViewKey for those that only
// read. For both a key that cannot be stored, as it is empty or too long, is one that is not there.
#ifndef KVSERVER_SRC_COMMAND_KEYSPACE_H_
#define KVSERVER_SRC_COMMAND_KEYSPACE_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "command/command.h"
#include "command/write_turns.h"

namespace kvserver {

// The writes of one request, or of all requests of an EXEC together. While one lives no other
// connection writes: keep it short, and check everything before the first Set or Delete, which
// cannot be taken back.
class KeyWriter {
 public:
  using Entry = WriteTurns::Entry;

  explicit KeyWriter(Context& context);
  ~KeyWriter();  // from here on the reply waits for what was written

  absl::StatusOr<std::optional<Entry>> Read(std::string_view key);
  absl::StatusOr<bool> Exists(std::string_view key);
  // The vector of its value; none: empty.
  absl::StatusOr<std::vector<float>> VectorOf(std::string_view key);

  // `expiry`: milliseconds since 1970; 0: never. One in the past deletes.
  void Set(std::string_view key, std::string_view value, int64_t expiry = 0,
           std::span<const float> vector = {});
  void Delete(std::string_view key);
  // In a cluster (Node::replication): any write. An error is the reply of the request.
  absl::Status Replicate(const cluster::ClientWrite& write);
  // A row beside the keys, in the same commit.
  void PutRow(std::string_view name, std::string_view value);
  const WriteTurns::Writer& writer() const { return *writer_; }
  WriteTurns::Writer& writer() { return *writer_; }
  absl::Status ReplicateSystem(const cluster::ClientWrite& write);  // of a system key

  // Gives the value of `key`, which is `entry`, another expiry time; its vector stays.
  absl::Status SetExpiry(std::string_view key, const Entry& entry, int64_t expiry);

  // Binds `target` to `entry`, which is of `source`, with its expiry time; and with its vector, if
  // both keys are in the same space.
  absl::Status Copy(std::string_view source, const Entry& entry, std::string_view target);

 private:
  Context& context_;
  std::optional<WriteTurns::Writer> own_;
  WriteTurns::Writer* writer_;
};

// Makes the reply wait for `hold`, unless it waits for more.
void RaiseHold(Session& session, WriteTurns::Hold hold);

// Lends the value to `reader`: what this connection's pipeline has written and is not stored yet,
// else what is stored. NotFound: no such key.
absl::Status ViewKey(Context& context, std::string_view key,
                     absl::FunctionRef<void(std::string_view value)> reader);

// Copies of the values of several keys, all of one moment; nullopt: no such key.
// ResourceExhausted: they are more than kManyBytesMax together.
inline constexpr size_t kManyBytesMax = size_t{512} << 20;
absl::StatusOr<std::vector<std::optional<std::string>>> ReadKeys(Context& context, Arguments keys);

// How many of them are there, all at one moment.
absl::StatusOr<int64_t> CountKeys(Context& context, Arguments keys);

// When it expires: milliseconds since 1970; 0: never. NotFound: no such key.
absl::StatusOr<int64_t> ExpiryOf(Context& context, std::string_view key);

// A copy of the value and when it expires, both of the same moment. NotFound: no such key.
absl::StatusOr<WriteTurns::Entry> EntryOf(Context& context, std::string_view key);

// Makes the reply, and the reads of this connection that follow, wait for what any connection has
// written to `key` until now. The same answer as ExpiryOf.
absl::StatusOr<int64_t> WaitForKey(Context& context, std::string_view key);

// A copy of the value and when it expires, both of the same moment. NotFound: no such key.
absl::StatusOr<WriteTurns::Entry> EntryOf(Context& context, std::string_view key);

// Replies with the error of the store: -ERR, or a code that says more (see protocol.md).
void ReplyStatus(Context& context, const absl::Status& status);
std::string StatusText(const absl::Status& status);

// Of a value over libkv::kValueBytesMax.
inline constexpr std::string_view kValueTooLong =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

// Key and value within the store's bounds. Otherwise the reply is the error, and false.
bool CheckSizes(Context& context, std::string_view key, std::string_view value = {});

// Writes system keys for the request, whose reply waits for it: SharedSpaces::WriteRecord.
std::function<absl::Status(const cluster::ClientWrite&)> SystemWriter(Context& context);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_KEYSPACE_H_
