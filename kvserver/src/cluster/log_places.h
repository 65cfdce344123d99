// Where the rows of the dot log lie. A turn's row that is not needed any more is written over by
// that of a later turn: to delete it would cost the store as much as to write it. One that nobody
// has written over for a while is deleted.
#ifndef KVSERVER_SRC_CLUSTER_LOG_PLACES_H_
#define KVSERVER_SRC_CLUSTER_LOG_PLACES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace kvserver::cluster {

class LogPlaces {
 public:
  static constexpr int64_t kIdleMs = 500;
  static constexpr size_t kDeletedMax = 50'000;  // at once

  // Where the row of the turn is to be written.
  uint64_t Take(uint64_t turn) {
    std::vector<uint64_t>& from = outdated_.empty() ? empty_ : outdated_;
    uint64_t place = end_;
    if (from.empty()) {
      ++end_;
    } else {
      place = from.back();
      from.pop_back();
    }
    untouched_ = std::min(untouched_, outdated_.size());
    of_turn_[turn] = place;
    return place;
  }

  // At a start: there is the row of the turn. Places below that have none are not used again.
  void Found(uint64_t turn, uint64_t place) {
    of_turn_[turn] = place;
    end_ = std::max(end_, place + 1);
  }

  // The row of the turn is not needed any more.
  void Leave(uint64_t turn) {
    const auto found = of_turn_.find(turn);
    if (found == of_turn_.end()) return;
    outdated_.push_back(found->second);
    of_turn_.erase(found);
  }

  // The rows to delete: those that nobody has written over for kIdleMs. Until Deleted nothing is
  // written there.
  std::vector<uint64_t> TakeIdle(int64_t now_ms) {
    std::vector<uint64_t> idle;
    if (now_ms - since_ms_ < kIdleMs) return idle;
    const auto end = outdated_.begin() + static_cast<ptrdiff_t>(std::min(untouched_, kDeletedMax));
    idle.assign(outdated_.begin(), end);
    outdated_.erase(outdated_.begin(), end);
    untouched_ -= idle.size();
    if (untouched_ == 0) {
      since_ms_ = now_ms;
      untouched_ = outdated_.size();
    }
    return idle;
  }
  void Deleted(const std::vector<uint64_t>& places) {
    empty_.insert(empty_.end(), places.begin(), places.end());
  }

 private:
  absl::flat_hash_map<uint64_t, uint64_t> of_turn_;
  std::vector<uint64_t> outdated_;  // their rows may be written over: the last one first
  size_t untouched_ = 0;            // of them, in front: since since_ms_
  int64_t since_ms_ = 0;
  std::vector<uint64_t> empty_;  // below end_, and without a row
  uint64_t end_ = 0;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_LOG_PLACES_H_
