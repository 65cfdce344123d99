#include "kvserver/cluster_process/nemesis.h"

#include <algorithm>
#include <thread>

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

}  // namespace

int Nemesis::AnyBut(int node) {
  const auto others = static_cast<uint64_t>(cluster_.size() - 1);
  return (node + 1 + static_cast<int>(Below(others))) % cluster_.size();
}

std::vector<int> Nemesis::AnyMinority() {
  std::vector<int> nodes;
  for (int node = 0; node < cluster_.size(); ++node) nodes.push_back(node);
  std::shuffle(nodes.begin(), nodes.end(), random_);
  const auto most = static_cast<uint64_t>((cluster_.size() - 1) / 2);
  nodes.resize(1 + Below(most));
  return nodes;
}

void Nemesis::Last(int64_t shortest_ms, int64_t longest_ms) {
  const auto more = static_cast<int64_t>(Below(static_cast<uint64_t>(longest_ms - shortest_ms)));
  std::this_thread::sleep_for(milliseconds(shortest_ms + more));
}

void Nemesis::Step() {
  switch (Below(17)) {
    case 0:
    case 1:
      KillSome();
      break;
    case 2:
      KillAll();
      break;
    case 3:
      StopOne();
      break;
    case 4:
    case 5:
      PauseSome();
      break;
    case 6:
      IsolateSome(false);
      break;
    case 7:
      IsolateSome(true);
      break;
    case 8:
      CutOneWay(false);
      break;
    case 9:
      CutOneWay(true);
      break;
    case 10:
      HalfOpen();
      break;
    case 11:
      Delay();
      break;
    case 12:
      Throttle();
      break;
    case 13:
      LoseDisk();
      break;
    case 14:
      RestoreCopy();
      break;
    case 15:
      LoseTail();
      break;
    case 16:
      Did("disconnect");
      cluster_.Disconnect(AnyNode());
      break;
  }
  Last(50, 400);
}

void Nemesis::KillSome() {
  Did("kill");
  const std::vector<int> nodes = AnyMinority();
  for (const int node : nodes) cluster_.Kill(node);
  Last(1, 800);
  for (const int node : nodes) cluster_.Start(node);
}

void Nemesis::KillAll() {
  Did("kill all");
  for (int node = 0; node < cluster_.size(); ++node) cluster_.Kill(node);
  Last(1, 100);
  cluster_.StartAll();
}

void Nemesis::StopOne() {
  Did("stop");
  const int node = AnyNode();
  cluster_.Stop(node);
  Last(1, 500);
  cluster_.Start(node);
}

void Nemesis::PauseSome() {
  Did("pause");
  const std::vector<int> nodes = AnyMinority();
  for (const int node : nodes) cluster_.Pause(node);
  // Longer than the silence after which a connection is given up, now and then.
  Last(50, Below(4) == 0 ? 7'000 : 1'000);
  for (const int node : nodes) cluster_.Resume(node);
}

void Nemesis::IsolateSome(bool is_losing) {
  Did(is_losing ? "isolate, losing" : "isolate");
  for (const int node : AnyMinority()) cluster_.Isolate(node, is_losing);
  Last(100, Below(4) == 0 ? 7'000 : 1'500);
  cluster_.HealPaths();
}

void Nemesis::CutOneWay(bool is_losing) {
  Did(is_losing ? "one-way cut, losing" : "one-way cut");
  const int from = AnyNode();
  const int to = AnyBut(from);
  cluster_.SetPath(from, to, {.is_blocked = !is_losing, .is_losing = is_losing});
  Last(100, Below(4) == 0 ? 7'000 : 1'500);
  cluster_.HealPaths();
}

void Nemesis::HalfOpen() {
  Did("half-open");
  const int one = AnyNode();
  const int other = AnyBut(one);
  cluster_.SetPath(one, other, {.is_losing = true});
  cluster_.SetPath(other, one, {.is_losing = true});
  Last(100, 1'500);
  cluster_.HealPaths();
}

void Nemesis::Delay() {
  Did("delay");
  const int node = AnyNode();
  for (int other = 0; other < cluster_.size(); ++other) {
    if (other == node) continue;
    const auto delay_ms = static_cast<int>(1 + Below(150));
    cluster_.SetPath(node, other, {.delay_ms = delay_ms});
    cluster_.SetPath(other, node, {.delay_ms = delay_ms});
  }
  Last(200, 1'500);
  cluster_.HealPaths();
}

void Nemesis::Throttle() {
  Did("throttle");
  const int node = AnyNode();
  for (int other = 0; other < cluster_.size(); ++other) {
    if (other == node) continue;
    const size_t bytes_per_second = 10'000 + Below(200'000);
    cluster_.SetPath(node, other, {.bytes_per_second = bytes_per_second});
    cluster_.SetPath(other, node, {.bytes_per_second = bytes_per_second});
  }
  Last(200, 1'500);
  cluster_.HealPaths();
}

void Nemesis::RestartAndRecover(int node, const std::vector<std::string>& more,
                                const std::string& what) {
  const Clock::time_point begin = Clock::now();
  cluster_.Start(node, more);
  const bool is_ready = cluster_.WaitUntilReady(node, kRecoveryLongest);
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  longest_recovery_ = std::max(longest_recovery_, took);
  if (!is_ready) {
    problems_.push_back("node " + std::to_string(node + 1) + ", " + what +
                        ", has not caught up after " + std::to_string(took.count()) + " ms");
  }
}

void Nemesis::LoseDisk() {
  Did("disk lost");
  const int node = AnyNode();
  // Those that have the rest must be able to say so.
  if (!cluster_.WaitUntilReady(kRecoveryLongest)) {
    problems_.push_back("some node is not ready, long after all was healed");
    return;
  }
  cluster_.Kill(node);
  cluster_.Wipe(node);
  Last(1, 500);
  RestartAndRecover(node, {}, "without its disk");
}

void Nemesis::RestoreCopy() {
  const int node = AnyNode();
  if (!cluster_.WaitUntilReady(kRecoveryLongest)) {
    problems_.push_back("some node is not ready, long after all was healed");
    return;
  }
  if (!cluster_.has_copy(node)) {
    Did("copy taken");
    cluster_.Stop(node);
    cluster_.SaveCopy(node);
    cluster_.Start(node);
    return;
  }
  const bool is_told = !untold_losses_ || Below(2) == 0;
  Did(is_told ? "old copy, --recover" : "old copy");
  cluster_.Kill(node);
  cluster_.RestoreCopy(node);
  std::vector<std::string> more;
  if (is_told) more.push_back("--recover");
  RestartAndRecover(node, more, is_told ? "an old copy with --recover" : "an old copy");
}

// As a disk does that says it has written what it has not, when the power goes.
void Nemesis::LoseTail() {
  const int node = AnyNode();
  if (!cluster_.WaitUntilReady(kRecoveryLongest)) {
    problems_.push_back("some node is not ready, long after all was healed");
    return;
  }
  const bool is_told = !untold_losses_ || Below(2) == 0;
  Did(is_told ? "newest writes lost, --recover" : "newest writes lost");
  cluster_.Kill(node);
  cluster_.LoseTail(node, 1 + Below(50'000));
  std::vector<std::string> more;
  if (is_told) more.push_back("--recover");
  RestartAndRecover(node, more, "without its newest writes");
}

}  // namespace kvserver::cluster_process
