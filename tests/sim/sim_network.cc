#include "sim/sim_network.h"

#include <algorithm>

namespace kvserver::sim {

SimNetwork::SimNetwork(const Profile& profile, size_t nodes, Random random)
    : nodes_(nodes),
      delay_ms_(profile.delay_ms),
      tail_(profile.tail),
      drop_(profile.drop),
      duplicate_(profile.duplicate),
      is_ordered_(profile.is_ordered),
      cut_(nodes * nodes),
      last_us_(nodes * nodes),
      held_until_us_(nodes),
      random_(random) {}

SimNetwork::Arrivals SimNetwork::Send(size_t from, size_t to, int64_t now_us) {
  Arrivals arrivals;
  if (is_cut(from, to) || random_.Chance(drop_)) return arrivals;
  arrivals.count = random_.Chance(duplicate_) ? 2 : 1;
  int64_t& last = last_us_[from * nodes_ + to];
  for (size_t i = 0; i < arrivals.count; ++i) {
    arrivals.at_us[i] = now_us + Delay();
    if (!is_ordered_) continue;
    arrivals.at_us[i] = std::max(arrivals.at_us[i], last + 1);
    last = arrivals.at_us[i];
  }
  return arrivals;
}

void SimNetwork::Mend() { std::fill(cut_.begin(), cut_.end(), false); }

void SimNetwork::Heal() {
  Mend();
  std::fill(last_us_.begin(), last_us_.end(), 0);
  std::fill(held_until_us_.begin(), held_until_us_.end(), 0);
  drop_ = duplicate_ = tail_ = 0;
  delay_ms_ = 1;
}

int64_t SimNetwork::Delay() {
  const double mean = delay_ms_ * (random_.Chance(tail_) ? 10 : 1);
  return 1 + random_.Wait(mean * 1'000);
}

}  // namespace kvserver::sim
