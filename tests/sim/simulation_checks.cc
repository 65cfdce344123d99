// What must hold: at the end of every transaction, for every read, and when all is quiet.
#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "cluster/stamp.h"
#include "sim/names.h"
#include "sim/simulation.h"

namespace kvserver::sim {

using cluster::DotSet;
using cluster::KeyState;
using cluster::Replica;
using cluster::StoredRecord;
using cluster::Version;

namespace {

constexpr size_t kLogDotsBetween = 100;  // between two looks at the length of the log

int64_t NumberOf(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool IsLater(const Version& one, const Version& other) {
  return std::pair(one.time, one.dot) > std::pair(other.time, other.dot);
}

// What clients are to see of these versions of a key, which are at least one. Written apart from
// the one of the replicas.
StoredRecord Resolved(size_t key, const std::vector<Version>& versions) {
  StoredRecord record;
  const Version* winner = nullptr;
  const Version* with_vector = nullptr;
  std::set<std::string> elements;
  int64_t sum = 0;
  for (const Version& version : versions) {
    if (version.expiry == 0) {
      record.expiry = 0;
      break;
    }
    record.expiry = std::max(record.expiry, version.expiry);
  }
  bool has_counter = false;
  for (const Version& version : versions) {
    if (version.kind == cluster::Kind::kCounter) {
      sum += NumberOf(version.value);
      has_counter = true;
      continue;
    }
    elements.insert(IsUnion(key) ? version.value.substr(1, version.value.size() - 2)
                                 : version.value);
    bool wins = winner == nullptr || IsLater(version, *winner);
    if (winner != nullptr && IsLeast(key) && version.value != winner->value) {
      wins = NumberOf(version.value) < NumberOf(winner->value);
    }
    if (wins) winner = &version;
    if (version.vector.empty()) continue;
    if (with_vector == nullptr || IsLater(version, *with_vector)) with_vector = &version;
  }
  if (has_counter) {
    record.value = std::to_string(sum + (winner == nullptr ? 0 : NumberOf(winner->value)));
  } else if (IsUnion(key) && elements.size() > 1) {
    for (const std::string& element : elements) {
      record.value += (record.value.empty() ? "[" : ",") + element;
    }
    record.value += "]";
    if (with_vector != nullptr) record.vector = with_vector->vector;
  } else {
    record.value = winner->value;
    record.vector = winner->vector;
  }
  return record;
}

}  // namespace

void Simulation::Violation(const std::string& what) {
  if (!has_failed()) violation_ = what;
  Trace("VIOLATION: %s", what.c_str());
}

void Simulation::CheckBoundary(Node& node) {
  const Replica& replica = *node.replica;
  if (replica.log_dots() > profile_.options.log_dots_max + kLogDotsBetween) {
    return Violation("I8: a log of " + std::to_string(replica.log_dots()) + " dots");
  }
  if (replica.is_recovering()) return;
  const std::vector<TruthUnit>& units = truth_.units();
  node.shown_units.resize(units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    if (node.shown_units[i]) continue;
    size_t shown = 0;
    for (const WriteId id : units[i].writes) {
      shown += replica.clock().Has(truth_.at(id).dot) ? 1 : 0;
    }
    if (shown != 0 && shown != units[i].writes.size()) {
      return Violation("I9: node " + std::to_string(node.index + 1) + " shows " +
                       std::to_string(shown) + " of " + std::to_string(units[i].writes.size()) +
                       " writes of the request of " + DotName(truth_.at(units[i].writes[0]).dot));
    }
    node.shown_units[i] = shown != 0;
  }
}

void Simulation::CheckKey(size_t key, const std::vector<Version>& versions) {
  const std::string wrong = truth_.CheckVersions(key, versions);
  if (!wrong.empty()) Violation(wrong);
}

std::string Simulation::Unrest() {
  const DotSet* clock = nullptr;
  for (const auto& node : nodes_) {
    const std::string name = "node " + std::to_string(node->index + 1);
    if (!node->is_up) return name + " is down";
    const Replica& replica = *node->replica;
    if (replica.is_recovering()) return name + " is recovering";
    if (!replica.is_ready()) return name + " is not ready";
    if (replica.is_dirty() || node->sealed_turn != node->durable_turn) return name + " writes";
    if (clock != nullptr && !(replica.clock() == *clock)) return name + " has another clock";
    clock = &replica.clock();
    if (!replica.extras().empty()) {
      return name + " has " + std::to_string(replica.extras().size()) + " extras";
    }
    if (replica.log_dots() != 0) {
      return name + " has a log of " + std::to_string(replica.log_dots()) + " dots";
    }
    // One for each run that is not over.
    if (clock->interval_count() > nodes_.size()) {
      return name + " has a clock of " + std::to_string(clock->interval_count()) + " intervals";
    }
  }
  return "";
}

void Simulation::CheckQuiet() {
  const DotSet& clock = nodes_[0]->replica->clock();
  const auto survives = [&](const TruthWrite& write) { return truth_.IsReal(clock, write.dot); };
  std::vector<std::vector<Version>> first;
  for (const auto& node : nodes_) {
    if (node->storage.image().records.size() > profile_.keys) return Violation("I2: unknown keys");
    for (size_t key = 0; key < profile_.keys; ++key) {
      absl::StatusOr<KeyState> state = node->replica->State(node->storage, KeyOf(key));
      if (!state.ok()) return Violation("a read fails: " + std::string(state.status().message()));
      // The clocks of two nodes are apart by the time between their ticks.
      std::erase_if(state->versions, [this](const Version& version) {
        return version.expiry != 0 && version.expiry <= truth_.now_ms();
      });
      if (node->index == 0) {
        first.push_back(state->versions);
      } else if (state->versions != first[key]) {
        return Violation("I1: " + KeyName(key) + " is " + VersionNames(first[key]) +
                         " at node 1 and " + VersionNames(state->versions) + " at node " +
                         std::to_string(node->index + 1));
      }
      const auto record = node->storage.image().records.find(KeyOf(key));
      const bool is_there = record != node->storage.image().records.end() &&
                            (record->second.expiry == 0 || record->second.expiry > truth_.now_ms());
      if (is_there == state->versions.empty()) return Violation("I2: a record without a version");
      if (!is_there) continue;
      // Of several versions those that have expired lie in the record until a write comes.
      const absl::StatusOr<std::vector<Version>> stored =
          cluster::DecodeRecord(record->second, node->replica->actors());
      if (!stored.ok()) return Violation("I10: " + std::string(stored.status().message()));
      const StoredRecord resolved = Resolved(key, *stored);
      if (record->second.value != resolved.value || record->second.vector != resolved.vector ||
          record->second.expiry != resolved.expiry) {
        return Violation("I10: " + KeyName(key) + " is " + record->second.value + ", not " +
                         resolved.value);
      }
    }
    const std::string wrong = node->storage.CheckIndex();
    if (!wrong.empty()) return Violation("I10: " + wrong);
  }
  for (size_t key = 0; key < profile_.keys; ++key) {
    CheckKey(key, first[key]);
    const auto is_kept = [&](const TruthWrite& write) {
      return write.quorum_time != 0 || (write.is_acknowledged && !has_losses_);
    };
    const std::string lost = truth_.CheckNotLost(key, first[key], is_kept, survives);
    if (!lost.empty()) Violation("I3: " + lost);
    const std::string back = truth_.CheckNotBack(key, first[key], survives);
    if (!back.empty()) Violation("I4: " + back);
    if (has_failed()) return;
  }
}

void Simulation::CheckAlive() {
  // Every node writes a value that all are to have, and then reads from all. First it has to hear
  // of the newest runs; and it may find out only then that it has lost something.
  profile_.one = profile_.quorum = 0;
  profile_.all = 1;
  profile_.remove = profile_.given = 0;
  constexpr int kAttemptsMax = 5;
  for (const auto& node : nodes_) {
    uint64_t writes = 0, reads = 0;
    for (int attempt = 0; attempt < kAttemptsMax && (writes == 0 || reads == 0); ++attempt) {
      const int64_t heard_us = now_us_ + 5 * profile_.options.idle_heartbeat_ms * 1'000;
      while (!has_failed() && (now_us_ < heard_us || !Unrest().empty())) {
        if (now_us_ > heard_us + 10'000'000) return Violation("I12: " + Unrest() + " again");
        Step();
      }
      if (has_failed()) return;
      const uint64_t acknowledged = counts_.acknowledged, answered = counts_.quorum_reads;
      WriteUnit(*node, 0, 1);
      if (!has_failed()) StartRead(*node, 0);
      const int64_t until_us = now_us_ + 1'000'000;
      while (!has_failed() && now_us_ < until_us && (writes == 0 || reads == 0)) {
        Step();
        writes = counts_.acknowledged - acknowledged;
        reads = counts_.quorum_reads - answered;
      }
      if (has_failed()) return;
    }
    if (writes == 0) return Violation("I12: a write is not acknowledged");
    if (reads == 0) return Violation("I12: a read is not answered");
  }
}

}  // namespace kvserver::sim
