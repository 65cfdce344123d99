// The Node is what all connections of a server share.
#ifndef KVSERVER_SRC_COMMAND_NODE_H_
#define KVSERVER_SRC_COMMAND_NODE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "command/clients.h"
#include "command/command_times.h"
#include "command/cursors.h"
#include "command/error_stats.h"
#include "command/rates.h"
#include "command/replication.h"
#include "command/request_ids.h"
#include "command/settings.h"
#include "command/shared_spaces.h"
#include "command/slow_log.h"
#include "command/watched_keys.h"
#include "command/write_turns.h"
#include "libkv/store.h"

namespace kvserver {

class Node {
 public:
  Node(libkv::Store& store, SettingsValues values, WriteTurns::OnFinished on_finished);

  libkv::Store& store() { return store_; }
  WriteTurns& turns() { return turns_; }
  // Null: this node runs alone.
  Replication* replication() { return replication_.get(); }
  // Before the first request; see Replication::Start.
  absl::Status StartReplication(Replication::Options options);
  // The definitions of the cluster; null: this node runs alone. To be started after replication.
  SharedSpaces* spaces() { return spaces_.get(); }
  absl::Status StartSpaces(std::vector<SpaceDefinition> wanted);
  Clients& clients() { return clients_; }
  WatchedKeys& watched_keys() { return watched_keys_; }
  Cursors& cursors() { return cursors_; }
  RequestIds& request_ids() { return request_ids_; }
  SlowLog& slow_log() { return slow_log_; }
  CommandTimes& command_times() { return command_times_; }
  Settings& settings() { return settings_; }
  ErrorStats& error_stats() { return error_stats_; }
  Rates& rates() { return rates_; }
  // Of every reply: counts it when it is an error, that is, has a code.
  void CountError(std::string_view code);
  void SampleRates();  // to be called about once a second

  int64_t started_us() const { return started_us_; }
  const std::string& run_id() const { return run_id_; }  // 40 hexadecimal digits, new at each start

  // Counters since the start.
  std::atomic<uint64_t> commands{0}, connections{0}, rejected_connections{0};
  std::atomic<uint64_t> hits{0}, misses{0}, protocol_errors{0};
  std::atomic<uint64_t> input_bytes{0}, output_bytes{0};
  std::atomic<uint64_t> errors{0};         // replies that are errors, of all protocols
  std::atomic<int64_t> last_save_seconds;  // since 1970: the last SAVE, or the start
  std::atomic<uint16_t> port{0};           // that is listened on

 private:
  libkv::Store& store_;
  Settings settings_;
  std::unique_ptr<Replication> replication_;  // the turns that are left use it
  WriteTurns turns_;
  Clients clients_;
  WatchedKeys watched_keys_;
  Cursors cursors_;
  RequestIds request_ids_;
  SlowLog slow_log_;
  ErrorStats error_stats_;
  Rates rates_;
  CommandTimes command_times_;
  const int64_t started_us_;
  const std::string run_id_;
  std::unique_ptr<SharedSpaces> spaces_;  // uses what is above
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_NODE_H_
