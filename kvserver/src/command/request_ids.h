// RequestIds remembers which requests with an id of the client's were done, so that one that is
// repeated, as its answer was lost, is answered as the first time and not done again: increments.
//
// The memory is durable: each entry is a row of the store that comes in the commit of what was
// written. It holds the newest kRemembered of this node, 128 bytes of id each at most (some 16 MiB
// of memory and of disk); an older id counts as a new one. Other nodes do not know of it.
//
//   row := "Q" place:u64 -> version:u8=1 sequence:varint id:bytes what:u64 sum:u64
//                           slot:varint generation:varint counter:varint      place = sequence mod
//   kRemembered; what: a hash of key and amount; slot, generation, counter: the dot in a cluster
//
// Threads    Any. Remember, and a Find that decides on a write, under the lock of the turns.
#ifndef KVSERVER_SRC_COMMAND_REQUEST_IDS_H_
#define KVSERVER_SRC_COMMAND_REQUEST_IDS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "cluster/dot.h"
#include "command/write_turns.h"

namespace kvserver {

class RequestIds {
 public:
  static constexpr size_t kRemembered = 65'536;

  struct Done {
    uint64_t what = 0;  // see What
    int64_t sum = 0;
    cluster::Dot dot;       // in a cluster; the counter 0: nothing was written
    WriteTurns::Hold hold;  // of this run: the turn that it is in; 0: of an earlier run
    uint64_t sequence = 0;
  };
  static uint64_t What(std::string_view key, int64_t amount);

  // Before the first request. DataLoss: a row is malformed.
  absl::Status Load(const libkv::Store& store);

  std::optional<Done> Find(std::string_view id) const;
  // `put_row` puts a row into the commit of the request.
  using PutRow = std::function<void(std::string_view name, std::string_view value)>;
  void Remember(std::string_view id, Done done, const PutRow& put_row);
  // What it stood for was not stored.
  void Forget(std::string_view id);
  size_t size() const;

 private:
  mutable std::mutex mutex_;  // guards the rest
  std::map<std::string, Done, std::less<>> done_;
  std::map<uint64_t, std::string> places_;  // by place: the id there
  uint64_t next_sequence_ = 0;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_REQUEST_IDS_H_
