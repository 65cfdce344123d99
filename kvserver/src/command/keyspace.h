// How commands read and write keys: KeyWriter for those that may write, ViewKey for those that only
// read.
#ifndef KVSERVER_SRC_COMMAND_KEYSPACE_H_
#define KVSERVER_SRC_COMMAND_KEYSPACE_H_

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
  // The vector that was given with the value, or is stored with it. NotFound: there is none.
  absl::StatusOr<std::vector<float>> ReadVector(std::string_view key);

  // `expiry`: milliseconds since 1970; 0: never. One in the past deletes.
  void Set(std::string_view key, std::string_view value, int64_t expiry = 0,
           std::span<const float> vector = {});
  void Delete(std::string_view key);

 private:
  Context& context_;
  std::optional<WriteTurns::Writer> own_;
  WriteTurns::Writer* writer_;
};

// Lends the value to `reader`: what this connection's pipeline has written and is not stored yet,
// else what is stored. NotFound: no such key.
absl::Status ViewKey(Context& context, std::string_view key,
                     absl::FunctionRef<void(std::string_view value)> reader);

// When it expires: milliseconds since 1970; 0: never. NotFound: no such key.
absl::StatusOr<int64_t> ExpiryOf(Context& context, std::string_view key);

// Replies with the error of the store: -ERR, or a code that says more (see protocol.md).
void ReplyStatus(Context& context, const absl::Status& status);
std::string StatusText(const absl::Status& status);

// Key and value within the store's bounds. Otherwise the reply is the error, and false.
bool CheckSizes(Context& context, std::string_view key, std::string_view value = {});

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_KEYSPACE_H_
