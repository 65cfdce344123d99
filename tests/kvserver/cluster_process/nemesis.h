// A Nemesis does to a ProcessCluster what machines and networks do, one thing after the other, by
// chance. Never to more than a minority at once, but for kills of all; and a node that has lost its
// disk is given the time to catch up before the next one loses its own.
//
// Threads    That of the cluster.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_NEMESIS_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_NEMESIS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "kvserver/cluster_process/process_cluster.h"

namespace kvserver::cluster_process {

class Nemesis {
 public:
  // Until a node that has lost its disk has all again, while others are written to.
  static constexpr std::chrono::milliseconds kRecoveryLongest{30'000};

  // `untold_losses`: nodes start with an old copy of their directory, or one that lacks its newest
  // writes, and are not told (--recover). They find out, but reads may be old until then.
  Nemesis(ProcessCluster& cluster, uint64_t seed, bool untold_losses)
      : cluster_(cluster), untold_losses_(untold_losses), random_(seed) {}

  // One fault: begins, lasts, and ends; everything runs again when this returns.
  void Step();

  // How often each fault was.
  const std::map<std::string, int>& done() const { return done_; }
  // Nodes that did not catch up in time; what it did before that.
  const std::vector<std::string>& problems() const { return problems_; }
  std::chrono::milliseconds longest_recovery() const { return longest_recovery_; }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  int AnyNode() { return static_cast<int>(Below(static_cast<uint64_t>(cluster_.size()))); }
  int AnyBut(int node);
  std::vector<int> AnyMinority();
  void Last(int64_t shortest_ms, int64_t longest_ms);
  void Did(const std::string& what) { ++done_[what]; }

  void KillSome();
  void KillAll();
  void StopOne();
  void PauseSome();
  void IsolateSome(bool is_losing);
  void CutOneWay(bool is_losing);
  void HalfOpen();
  void Delay();
  void Throttle();
  void LoseDisk();
  void RestoreCopy();
  void LoseTail();
  void RestartAndRecover(int node, const std::vector<std::string>& more, const std::string& what);

  ProcessCluster& cluster_;
  const bool untold_losses_;
  std::mt19937_64 random_;
  std::map<std::string, int> done_;
  std::vector<std::string> problems_;
  std::chrono::milliseconds longest_recovery_{0};
};

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_NEMESIS_H_
