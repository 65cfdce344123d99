// What clients have written to one key and read from it, and whether a cluster that keeps its
// promises can have answered so.
//
// Every value is written once. A read at quorum that begins after a write was acknowledged shows
// that write, or one that was not over when it began. Only a delete may uncover an older value: one
// that the node which took the delete had not seen.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_REGISTER_HISTORY_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_REGISTER_HISTORY_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kvserver/cluster_process/node_client.h"

namespace kvserver::cluster_process {

struct Operation {
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  enum class Kind : uint8_t { kSet, kDelete, kGet };
  Kind kind = Kind::kGet;
  int node = 0;
  int64_t begin_us = 0, end_us = 0;
  Outcome outcome = Outcome::kOk;
  std::optional<std::string> value = {};  // written, or read

  // Until then it can take effect.
  int64_t last_us() const { return outcome == Outcome::kUnknown ? kNever : end_us; }
};

class RegisterHistory {
 public:
  void Add(Operation operation) { operations_.push_back(std::move(operation)); }
  void AddAll(const RegisterHistory& other);
  size_t size() const { return operations_.size(); }

  // One sentence per read that must not be; `key` is named in it.
  std::vector<std::string> Check(const std::string& key) const;

 private:
  // Times are compared by the millisecond, and a write may be some milliseconds early.
  static constexpr int64_t kSlackUs = 20'000;

  std::vector<Operation> operations_;
};

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_REGISTER_HISTORY_H_
