// What goes wrong: processes die, disks are lost, the network is cut, clocks are wrong.
#include <algorithm>

#include "sim/simulation.h"

namespace kvserver::sim {

void Simulation::Fault() {
  const Profile& p = profile_;
  struct Choice {
    double weight;
    void (*happen)(Simulation& sim, Node& node);
  };
  static constexpr auto kCrash = [](Simulation& sim, Node& node) { sim.Crash(node, "crash"); };
  static constexpr auto kPowerCut = [](Simulation& sim, Node&) {
    for (const auto& node : sim.nodes_) {
      if (sim.random_.Chance(0.8)) sim.Crash(*node, "power cut");
    }
  };
  static constexpr auto kWipe = [](Simulation& sim, Node& node) { sim.LoseData(node, false); };
  static constexpr auto kRestore = [](Simulation& sim, Node& node) {
    if (node.backup) sim.LoseData(node, true);
  };
  static constexpr auto kBackup = [](Simulation& sim, Node& node) {
    node.backup = node.storage.DurableImage();
    sim.Trace("backup of node %zu", node.index + 1);
  };
  static constexpr auto kCut = [](Simulation& sim, Node& node) {
    for (size_t i = 0; i < sim.nodes_.size(); ++i) {
      if (i == node.index || sim.random_.Chance(0.3)) continue;
      sim.Trace("cut between %zu and %zu", node.index + 1, i + 1);
      sim.network_.Cut(i, node.index);
      sim.network_.Cut(node.index, i);
    }
  };
  static constexpr auto kOneWay = [](Simulation& sim, Node& node) {
    const size_t to =
        (node.index + 1 + sim.random_.Below(sim.nodes_.size() - 1)) % sim.nodes_.size();
    sim.Trace("cut from %zu to %zu", node.index + 1, to + 1);
    sim.network_.Cut(node.index, to);
  };
  static constexpr auto kMend = [](Simulation& sim, Node&) {
    sim.Trace("cuts are mended");
    sim.network_.Mend();
  };
  static constexpr auto kDeaf = [](Simulation& sim, Node& node) {
    const int64_t until_us = sim.now_us_ + sim.random_.Wait(sim.profile_.deaf_ms * 1'000);
    sim.Trace("node %zu hears nothing for a while", node.index + 1);
    sim.network_.Hold(node.index, until_us);
  };
  static constexpr auto kPause = [](Simulation& sim, Node& node) {
    sim.Trace("node %zu pauses", node.index + 1);
    node.paused_until_us = sim.now_us_ + sim.random_.Wait(50'000);
  };
  static constexpr auto kSkew = [](Simulation& sim, Node& node) {
    node.skew_ms += sim.random_.Of<int64_t>({5, 50, 1'000, 1'000, 5'000, 90'000});
    sim.skew_max_ms_ = std::max(sim.skew_max_ms_, node.skew_ms);
    sim.Trace("clock of node %zu is off by %d ms", node.index + 1, static_cast<int>(node.skew_ms));
  };
  static constexpr auto kCommitError = [](Simulation& sim, Node& node) {
    sim.Trace("the next commit of node %zu fails", node.index + 1);
    node.fails_commit = true;
  };
  static constexpr auto kReadError = [](Simulation& sim, Node& node) {
    sim.Trace("a read of node %zu will fail", node.index + 1);
    node.storage.FailReadsAfter(sim.random_.Below(10));
  };
  const Choice choices[] = {
      {p.crash, kCrash},
      {p.power_cut, kPowerCut},
      {p.wipe, kWipe},
      {p.restore, kRestore},
      {p.backup, kBackup},
      {p.cut, kCut},
      {p.one_way, kOneWay},
      {p.mend, kMend},
      {p.pause, kPause},
      {p.deaf, kDeaf},
      {p.skew, kSkew},
      {p.commit_error, kCommitError},
      {p.read_error, kReadError},
  };
  double sum = 0;
  for (const Choice& choice : choices) sum += choice.weight;
  double at = random_.Unit() * sum;
  Node& node = *nodes_[random_.Below(nodes_.size())];
  for (const Choice& choice : choices) {
    at -= choice.weight;
    if (at >= 0) continue;
    choice.happen(*this, node);
    return;
  }
}

void Simulation::Crash(Node& node, const char* why, int64_t down_ms) {
  if (node.replica == nullptr) return;
  node.replica.reset();
  node.process = next_process_++;
  node.is_up = false;
  // Of what was not synced a part is there all the same: nothing, all, or the first so many.
  const size_t unsynced = node.storage.unsynced();
  const size_t kept = random_.Of<size_t>({0, 0, unsynced, random_.Below(unsynced + 1)});
  node.storage.Crash(kept);
  ++counts_.crashes;
  Trace("node %zu dies (%s); %zu of %zu turns are left", node.index + 1, why, kept, unsynced);
  if (random_.Chance(0.2)) node.skew_ms = random_.Between(-3'000, 3'000);
  const int64_t down_us = down_ms >= 0 ? down_ms * 1'000 : random_.Wait(profile_.down_ms * 1'000);
  At(now_us_ + 1 + down_us, Kind::kStart, node.index);
}

void Simulation::LoseData(Node& node, bool is_restore) {
  // As many as may fail at once without a loss for clients.
  size_t losses = 0;
  for (const auto& other : nodes_) losses += other->has_lost ? 1 : 0;
  if (losses >= losses_allowed() && !node.has_lost) return;
  Crash(node, is_restore ? "restored" : "wiped");
  if (is_restore) {
    ++counts_.restores;
    node.storage.Load(*node.backup);
    node.must_recover = !profile_.is_restore_silent;
    has_silent_losses_ |= profile_.is_restore_silent;
  } else {
    ++counts_.wipes;
    node.storage.Wipe();
    node.must_recover = false;
  }
  node.has_lost = true;
  node.was_recovering = false;
  has_losses_ = true;
}

}  // namespace kvserver::sim
