#include "kvserver/cluster_process/register_history.h"

#include <algorithm>
#include <map>

namespace kvserver::cluster_process {
namespace {

std::string Shown(const std::optional<std::string>& value) {
  return value ? '"' + *value + '"' : "nothing";
}

}  // namespace

void RegisterHistory::AddAll(const RegisterHistory& other) {
  operations_.insert(operations_.end(), other.operations_.begin(), other.operations_.end());
}

std::vector<std::string> RegisterHistory::Check(const std::string& key) const {
  std::vector<const Operation*> sets, deletes;
  std::map<std::string, const Operation*> by_value;
  for (const Operation& operation : operations_) {
    if (operation.outcome == Outcome::kRefused) continue;
    if (operation.kind == Operation::Kind::kDelete) deletes.push_back(&operation);
    if (operation.kind != Operation::Kind::kSet) continue;
    by_value[*operation.value] = &operation;
    if (operation.outcome == Outcome::kOk) sets.push_back(&operation);
  }
  // By their ends, with the latest beginning so far.
  std::sort(sets.begin(), sets.end(),
            [](const Operation* a, const Operation* b) { return a->end_us < b->end_us; });
  std::vector<const Operation*> newest;
  for (const Operation* set : sets) {
    const bool is_newer = newest.empty() || newest.back()->begin_us < set->begin_us;
    newest.push_back(is_newer ? set : newest.back());
  }

  std::vector<std::string> problems;
  for (const Operation& read : operations_) {
    if (read.kind != Operation::Kind::kGet || read.outcome != Outcome::kOk) continue;
    const auto complain = [&](const std::string& why) {
      problems.push_back(key + ": read " + Shown(read.value) + " from node " +
                         std::to_string(read.node + 1) + " at " + std::to_string(read.begin_us) +
                         " us: " + why);
    };
    const Operation* shown = nullptr;
    if (read.value) {
      const auto found = by_value.find(*read.value);
      if (found == by_value.end() || found->second->begin_us > read.end_us) {
        complain("nobody had written that");
        continue;
      }
      shown = found->second;
    }
    const auto later = std::partition_point(sets.begin(), sets.end(), [&](const Operation* set) {
      return set->end_us < read.begin_us;
    });
    if (later == sets.begin()) continue;
    const Operation& last = *newest[static_cast<size_t>(later - sets.begin()) - 1];
    if (shown != nullptr && shown->last_us() >= last.begin_us - kSlackUs) continue;
    const bool may_uncover =
        std::any_of(deletes.begin(), deletes.end(), [&](const Operation* gone) {
          return gone->begin_us < read.end_us && gone->last_us() >= last.begin_us - kSlackUs;
        });
    if (may_uncover) continue;
    complain(Shown(last.value) + " was acknowledged by node " + std::to_string(last.node + 1) +
             " at " + std::to_string(last.end_us) + " us, begun at " +
             std::to_string(last.begin_us));
  }
  return problems;
}

}  // namespace kvserver::cluster_process
