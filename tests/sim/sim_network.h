// The network between the nodes: decides what becomes of a message. It may be late, out of order,
// doubled or lost; cuts are one way or both ways.
#ifndef LIBKV_TESTS_SIM_SIM_NETWORK_H_
#define LIBKV_TESTS_SIM_SIM_NETWORK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/profile.h"
#include "sim/random.h"

namespace kvserver::sim {

class SimNetwork {
 public:
  SimNetwork(const Profile& profile, size_t nodes, Random random);

  // The times (microseconds) at which a message sent now arrives: none, one or two.
  struct Arrivals {
    std::array<int64_t, 2> at_us{};
    size_t count = 0;
  };
  Arrivals Send(size_t from, size_t to, int64_t now_us);

  // A message under way when its link is cut is lost on arrival.
  bool is_cut(size_t from, size_t to) const { return cut_[from * nodes_ + to]; }
  void Cut(size_t from, size_t to) { cut_[from * nodes_ + to] = true; }
  void Mend();
  // What is on its way to the node, or will be, arrives after that, in any order: as from
  // connections that were stuck.
  void Hold(size_t to, int64_t until_us) { held_until_us_[to] = until_us; }
  // When a message that arrives now is to arrive; 0: now.
  int64_t HeldUntil(size_t to, int64_t now_us) {
    return held_until_us_[to] <= now_us ? 0 : held_until_us_[to] + Delay();
  }
  // From now on nothing is lost, doubled or slow.
  void Heal();

 private:
  int64_t Delay();

  size_t nodes_;
  double delay_ms_, tail_, drop_, duplicate_;
  bool is_ordered_;
  std::vector<bool> cut_;
  std::vector<int64_t> last_us_;  // the last arrival on a link
  std::vector<int64_t> held_until_us_;
  Random random_;
};

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_SIM_NETWORK_H_
