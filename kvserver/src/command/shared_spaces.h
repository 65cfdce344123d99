// The definitions of spaces in a cluster. A definition is a value under a system key, so it
// replicates, survives and is recovered as every value is: the latest write counts, and a drop is a
// delete. Here each node brings its store to what is written there, whenever it changes.
//
//   key    := system key "space:" prefix
//   value  := version:u8=1 { option:bytes value:bytes }*        as in space_text.h
//   row    "applied:" prefix -> state:u8 value                  what the store was brought to, on
//                                                               this node: '0' begun, '1' done
//
// A change is done in steps, each of which may be done twice:
//   1. The row says '0'. From now on vectors for keys of the space are parked, and those that are
//      stored are parked too (parked_vector.h): they belong to versions, not to a space.
//   2. The store drops and defines, which indexes what is there.
//   3. Records with siblings are resolved anew, parked vectors that fit go to the index.
//   4. The row says '1'.
//
// Threads    Any. Changes wait for each other, and for the index that is built.
#ifndef KVSERVER_SRC_COMMAND_SHARED_SPACES_H_
#define KVSERVER_SRC_COMMAND_SHARED_SPACES_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "command/replication.h"
#include "command/space_text.h"
#include "command/write_turns.h"
#include "libkv/store.h"

namespace kvserver {

class SharedSpaces {
 public:
  // How a definition is in force here.
  struct State {
    std::string definition;  // as text
    std::string state;       // "ready", "building", "no embedder", "failed"
    std::string error;
    // Definitions of other nodes that were written at the same time, and lost: the latest counts.
    std::vector<std::string> rejected;
  };
  // Gives the write to replication; the reply of the request waits for it.
  using WriteRecord = absl::FunctionRef<absl::Status(const cluster::ClientWrite& write)>;

  // All three outlive this.
  SharedSpaces(libkv::Store& store, WriteTurns& turns, Replication& replication);
  ~SharedSpaces();

  // `wanted`: what this node was started with. Those that are not defined are indexed here at once,
  // and for the cluster as soon as the node is ready. An error: one of them cannot be.
  absl::Status Start(std::vector<SpaceDefinition> wanted);
  void SetWarn(std::function<void(const std::string& line)> warn);

  // Defines here, which takes as long as there are values, then everywhere; then vectors are made
  // of the values that have none, if an embedder with a name is to. OK too if it is defined so.
  // FailedPrecondition: it is defined otherwise. InvalidArgument: the options do not go together.
  // Unavailable: the node is not ready.
  absl::Status Define(SpaceDefinition space, WriteRecord write);
  // Defines it as `change` leaves it. NotFound: there is no such space.
  absl::Status Redefine(std::string_view prefix,
                        absl::FunctionRef<absl::Status(SpaceDefinition& space)> change,
                        WriteRecord write);
  // NotFound: there is no such space.
  absl::Status Drop(std::string_view prefix, WriteRecord write);

  std::map<std::string, State> states() const;  // by prefix
  std::vector<SpaceDefinition> definitions() const;
  // Of the space that the key belongs to.
  std::optional<SpaceDefinition> Of(std::string_view key) const;
  // Some space has an embedder whose vectors travel.
  bool has_named_embedders() const { return has_named_embedders_.load(std::memory_order_relaxed); }

 private:
  struct Wanted {
    SpaceDefinition definition;
    std::string value;  // of the latest write
    std::string error;  // it is not understood here
    std::vector<std::string> rejected;
  };
  struct Applied {
    bool is_done = false;
    std::string value;
  };

  void Run();
  void Wake();
  bool Reconcile();  // false: again later
  void Publish();
  absl::StatusOr<std::map<std::string, Wanted>> ReadWanted();
  absl::StatusOr<std::map<std::string, Applied>> ReadApplied() const;
  absl::Status PutApplied(const std::string& prefix, const std::string& row);
  void SetRules(const std::map<std::string, Wanted>& wanted);
  void RenewRules();  // by what is written
  absl::Status Apply(const SpaceDefinition& space, const std::string& value);
  absl::Status ApplyFirst(const SpaceDefinition& space, const std::string& value);
  absl::Status MakeMissingVectors(const SpaceDefinition& space);
  absl::Status ApplyDrop(const std::string& prefix);
  absl::Status ChangeIndex(const SpaceDefinition& space);
  absl::Status Rewrite(std::string_view prefix, absl::FunctionRef<bool(std::string_view)> picks);
  void SetState(const std::string& prefix, State state);
  void Warn(const std::string& line);

  libkv::Store& store_;
  WriteTurns& turns_;
  Replication& replication_;

  std::mutex change_mutex_;  // of one who changes; never waited for with one of the others

  mutable std::mutex mutex_;  // guards these
  std::condition_variable changed_;
  bool is_woken_ = true, is_stopping_ = false;
  std::map<std::string, State> states_;
  std::vector<SpaceDefinition> definitions_;
  std::function<void(const std::string&)> warn_;

  std::atomic<bool> has_named_embedders_{false};
  std::vector<SpaceDefinition> to_publish_;  // of the thread, once it runs
  int64_t ready_ms_ = 0;                     // how long the node has been ready; likewise
  std::thread thread_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SHARED_SPACES_H_
