#include "cluster/collector.h"

#include <utility>

#include "cluster/mutant.h"
#include "cluster/stamp.h"

namespace kvserver::cluster {
namespace {

constexpr size_t kObjectOverhead = 48;

}  // namespace

absl::Status Replica::Impl::Collector::AddMissing(const DotSet& missing, size_t bytes_max) {
  out_.is_last = true;
  absl::Status status;
  missing.ForEachInterval([&](const DotSet::Interval& interval) {
    if (!status.ok() || !out_.is_last) return;
    for (uint64_t counter = interval.first; counter <= interval.last; ++counter) {
      const Dot dot{interval.actor, counter};
      if (covered_.Has(dot)) continue;
      if (bytes_ >= bytes_max) {
        out_.is_last = false;
        return;
      }
      DotLog::Found found;
      if (!replica_.log_.Find(dot, &found)) {
        // Only a planted fault gets here: see ReceivePull.
        return;
      }
      if (found.key == nullptr) {
        out_.vacuous.Add(dot);
        covered_.Add(dot);
        bytes_ += 2;
        continue;
      }
      status = AddKey(*found.key);
      if (!status.ok()) return;
    }
  });
  return status;
}

absl::Status Replica::Impl::Collector::AddKey(const std::string& key) {
  if (!keys_.insert(key).second) return absl::OkStatus();
  waiting_.push_back(key);
  return AddWaiting();
}

absl::Status Replica::Impl::Collector::AddWaiting() {
  while (!waiting_.empty()) {
    const std::string key = std::move(waiting_.back());
    waiting_.pop_back();
    const absl::Status status = AddObject(key);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void Replica::Impl::Collector::NameUnit(const Dot& dot) {
  DotLog::Found found;
  if (!replica_.log_.Find(dot, &found) || found.unit_writes == 1) return;
  if (!named_.insert({dot.actor, found.unit_first}).second) return;
  out_.units.push_back({dot.actor, found.unit_first, found.unit_writes});
}

absl::Status Replica::Impl::Collector::AddObject(const std::string& key) {
  absl::StatusOr<Loaded> loaded = replica_.Load(storage_, key, true, 0);
  if (!loaded.ok()) return loaded.status();
  SentObject& object = out_.objects.emplace_back();
  object.key = key;
  object.versions = std::move(loaded->versions);
  if (const DotSet* const extra = replica_.ExtraOf(key)) object.extra = *extra;
  bytes_ += key.size() + kObjectOverhead;
  for (const Version& version : object.versions) {
    bytes_ += version.value.size() + version.vector.size() * sizeof(float) + kObjectOverhead;
  }
  for (const Dot& dot : replica_.log_.DotsOf(key)) {
    if (seen_.Has(dot)) continue;
    object.covered.Add(dot);
    covered_.Add(dot);
    bytes_ += 2;
    NameUnit(dot);
    DotLog::Found found;
    if (!replica_.log_.Find(dot, &found) || found.unit_writes == 1) continue;
    const Dot first{dot.actor, found.unit_first};
    if (!units_.insert(first).second) continue;
    if (IsMutant(Mutant::kUnitSplit)) continue;
    for (uint64_t i = 0; i < found.unit_writes; ++i) {
      const Dot other{dot.actor, found.unit_first + i};
      DotLog::Found of_other;
      if (seen_.Has(other) || !replica_.log_.Find(other, &of_other)) continue;
      if (of_other.key == nullptr || bytes_ > kBytesMax) continue;
      if (keys_.insert(*of_other.key).second) waiting_.push_back(*of_other.key);
    }
  }
  return absl::OkStatus();
}

}  // namespace kvserver::cluster
