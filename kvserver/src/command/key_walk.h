// A KeyWalk goes through the keys in order, as the command sees them: within EXEC with what the
// transaction, and others before it, have written and is not stored yet. Outside of EXEC it sees
// what is stored; commands that use it are kSlow and so run when the writes in front are stored.
#ifndef KVSERVER_SRC_COMMAND_KEY_WALK_H_
#define KVSERVER_SRC_COMMAND_KEY_WALK_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "command/command.h"
#include "command/write_turns.h"
#include "libkv/iterator.h"

namespace kvserver {

// What is written while it lives it does not see.
class KeyWalk {
 public:
  // Over the keys that begin with `prefix`; at the first one.
  explicit KeyWalk(Context& context, std::string_view prefix = "");

  void Seek(std::string_view key);  // to the first key >= `key`
  bool Valid() const { return is_stored_ || is_pending_; }
  std::string_view key() const;  // requires Valid(); lives until the walk moves
  void Next();                   // requires Valid()

  std::optional<std::string> LastKey();  // leaves the walk anywhere

  absl::Status status() const { return stored_->status(); }

 private:
  using PendingKey = WriteTurns::Writer::PendingKey;

  const PendingKey* FindPending(std::string_view key) const;
  void Settle();

  const std::unique_ptr<libkv::Iterator> stored_;
  std::vector<PendingKey> pending_;  // ascending
  size_t next_pending_ = 0;          // the first one at or behind the walk
  // Where the key is that the walk is at; never both.
  bool is_stored_ = false, is_pending_ = false;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_KEY_WALK_H_
