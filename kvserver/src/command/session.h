// What the server knows of one connection. Belongs to the connection's I/O thread, but for the
// parts that say otherwise.
#ifndef KVSERVER_SRC_COMMAND_SESSION_H_
#define KVSERVER_SRC_COMMAND_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cluster/dot_set.h"
#include "command/demands.h"
#include "command/write_turns.h"
#include "libkv/options.h"

namespace kvserver {

struct Command;
class MadeVectors;

// A request that waits for EXEC, with bytes of its own.
using OwnedRequest = std::vector<std::string>;

struct Session {
  uint64_t id = 0;
  std::string address, local_address;
  std::string protocol;  // "resp", "json", "frame", "http"
  int64_t created_us = 0;

  libkv::Durability durability = libkv::Durability::kSynced;
  // In a cluster: how many nodes take part.
  cluster::Level write_level = cluster::Level::kQuorum, read_level = cluster::Level::kQuorum;
  // Of the request at hand; see TakeDemands.
  Demands demands;
  cluster::Level write_level_now() const { return demands.write_level.value_or(write_level); }
  cluster::Level read_level_now() const { return demands.read_level.value_or(read_level); }
  // In a cluster: what this connection has written, and what was told as that by KV.SESSION.
  cluster::DotSet written;

  // Told by the client.
  std::string name, library_name, library_version;
  bool no_evict = false, no_touch = false;

  // MULTI.
  bool in_multi = false;
  bool multi_failed = false;  // a queued request was wrong: EXEC will refuse
  std::vector<OwnedRequest> queued;
  size_t queued_bytes = 0;
  bool queued_slow = false;  // one of them runs on a worker thread, and so does EXEC

  // WATCH: the keys, and whether one of them was written since (set by any thread).
  std::vector<std::string> watched;
  std::shared_ptr<std::atomic<bool>> watch_broken;
  int64_t watch_expiry = 0;  // when the first one of them expires; 0: never

  // The newest turn that a reply of this connection waits for.
  uint64_t last_turn = 0;
  // Of the request that runs now: its writes go here when it is part of EXEC.
  WriteTurns::Writer* writer = nullptr;
  const MadeVectors* made_vectors = nullptr;  // of the values that it sets
  WriteTurns::Hold hold;                      // what the reply of this request waits for

  // What the connection is to do when the reply is written.
  bool close_after_reply = false;
  bool is_monitor = false;
  // kSkipNext is set by a request whose own reply is left out, too.
  enum class ReplyMode { kOn, kOff, kSkipNext, kSkip } reply_mode = ReplyMode::kOn;
  bool description_changed = false;  // what CLIENT LIST shows of it

  // Read by CLIENT LIST and INFO from any thread.
  std::atomic<int64_t> last_command_us{0};
  std::atomic<uint64_t> commands{0};
  std::atomic<const Command*> last_command{nullptr};
  std::atomic<int64_t> queued_count{-1};  // between MULTI and EXEC; -1: no MULTI
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SESSION_H_
