#include "cluster/dot_set.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>

#include "base/byte_codec.h"

namespace kvserver::cluster {
namespace {

constexpr uint64_t kCounterMax = std::numeric_limits<uint64_t>::max() - 1;

}  // namespace

bool DotSet::Covers(const Runs& runs, Run run) {
  auto it = std::upper_bound(runs.begin(), runs.end(), run.first,
                             [](uint64_t v, const Run& r) { return v < r.first; });
  if (it == runs.begin()) return false;
  --it;
  return it->last >= run.last;
}

void DotSet::Insert(Runs& runs, Run run) {
  // The usual case: it follows the newest.
  if (!runs.empty() && runs.back().first <= run.first && run.first <= runs.back().last + 1) {
    runs.back().last = std::max(runs.back().last, run.last);
    return;
  }
  // All runs that touch it become one with it.
  auto begin = std::lower_bound(runs.begin(), runs.end(), run.first,
                                [](const Run& r, uint64_t v) { return r.last + 1 < v; });
  auto end = begin;
  while (end != runs.end() && end->first <= run.last + 1) {
    run.first = std::min(run.first, end->first);
    run.last = std::max(run.last, end->last);
    ++end;
  }
  if (begin == end) {
    runs.insert(begin, run);
  } else {
    *begin = run;
    runs.erase(begin + 1, end);
  }
}

bool DotSet::Has(const Dot& dot) const {
  if (!settled_.empty() && dot.actor.generation <= settled(dot.actor.slot)) return true;
  const auto found = intervals_.find(dot.actor);
  return found != intervals_.end() && Covers(found->second, {dot.counter, dot.counter});
}

uint64_t DotSet::settled(Slot slot) const {
  const auto found = settled_.find(slot);
  return found == settled_.end() ? 0 : found->second;
}

bool DotSet::HasAll(const DotSet& other) const {
  for (const auto& [slot, generation] : other.settled_) {
    if (settled(slot) < generation) return false;
  }
  for (const auto& [actor, runs] : other.intervals_) {
    if (actor.generation <= settled(actor.slot)) continue;
    const auto found = intervals_.find(actor);
    if (found == intervals_.end()) return false;
    for (const Run& run : runs) {
      if (!Covers(found->second, run)) return false;
    }
  }
  return true;
}

void DotSet::AddRange(Actor actor, uint64_t first, uint64_t last) {
  if (actor.generation <= settled(actor.slot)) return;
  Insert(intervals_[actor], {first, last});
}

void DotSet::AddAll(const DotSet& other) {
  if (&other == this) return;
  for (const auto& [slot, generation] : other.settled_) {
    uint64_t& mine = settled_[slot];
    mine = std::max(mine, generation);
  }
  DropSettled();
  for (const auto& [actor, runs] : other.intervals_) {
    if (actor.generation <= settled(actor.slot)) continue;
    Runs& mine = intervals_[actor];
    if (mine.empty()) {
      mine = runs;
    } else {
      for (const Run& run : runs) Insert(mine, run);
    }
  }
}

void DotSet::Settle(Slot slot, uint64_t generation) {
  uint64_t& mine = settled_[slot];
  mine = std::max(mine, generation);
  DropSettled();
}

void DotSet::DropSettled() {
  for (const auto& [slot, generation] : settled_) {
    intervals_.erase(intervals_.lower_bound({slot, 0}), intervals_.upper_bound({slot, generation}));
  }
}

DotSet DotSet::Minus(const DotSet& other) const {
  DotSet rest;
  for (const auto& [slot, generation] : settled_) {
    if (generation > other.settled(slot)) rest.settled_[slot] = generation;
  }
  ForEachMissing(other, [&](const Interval& interval) {
    rest.intervals_[interval.actor].push_back({interval.first, interval.last});
  });
  return rest;
}

DotSet DotSet::Intersect(const DotSet& other) const {
  DotSet both;
  for (const auto& [actor, runs] : intervals_) {
    if (actor.generation <= other.settled(actor.slot)) {
      both.intervals_[actor] = runs;
      continue;
    }
    const auto found = other.intervals_.find(actor);
    if (found == other.intervals_.end()) continue;
    Runs out;
    auto theirs = found->second.begin();
    for (const Run& run : runs) {
      while (theirs != found->second.end() && theirs->last < run.first) ++theirs;
      for (auto it = theirs; it != found->second.end() && it->first <= run.last; ++it) {
        out.push_back({std::max(run.first, it->first), std::min(run.last, it->last)});
      }
    }
    if (!out.empty()) both.intervals_[actor] = std::move(out);
  }
  return both;
}

void DotSet::ForEachInterval(absl::FunctionRef<void(const Interval&)> visit) const {
  for (const auto& [actor, runs] : intervals_) {
    for (const Run& run : runs) visit({actor, run.first, run.last});
  }
}

void DotSet::ForEachMissing(const DotSet& other,
                            absl::FunctionRef<void(const Interval&)> visit) const {
  for (const auto& [actor, runs] : intervals_) {
    if (actor.generation <= other.settled(actor.slot)) continue;
    const auto found = other.intervals_.find(actor);
    if (found == other.intervals_.end()) {
      for (const Run& run : runs) visit({actor, run.first, run.last});
      continue;
    }
    auto theirs = found->second.begin();
    for (const Run& run : runs) {
      uint64_t first = run.first;
      while (theirs != found->second.end() && theirs->last < first) ++theirs;
      bool is_done = false;
      for (auto it = theirs; it != found->second.end() && it->first <= run.last; ++it) {
        if (it->first > first) visit({actor, first, it->first - 1});
        if (it->last >= run.last) {
          is_done = true;
          break;
        }
        first = it->last + 1;
      }
      if (!is_done) visit({actor, first, run.last});
    }
  }
}

void DotSet::ForEachSettled(absl::FunctionRef<void(Slot, uint64_t)> visit) const {
  for (const auto& [slot, generation] : settled_) visit(slot, generation);
}

std::vector<Actor> DotSet::actors() const {
  std::vector<Actor> actors;
  for (const auto& [actor, runs] : intervals_) actors.push_back(actor);
  return actors;
}

DotSet DotSet::Only(Actor actor) const {
  DotSet only;
  const auto found = intervals_.find(actor);
  if (found != intervals_.end()) only.intervals_.insert(*found);
  return only;
}

size_t DotSet::interval_count() const {
  size_t count = 0;
  for (const auto& [actor, runs] : intervals_) count += runs.size();
  return count;
}

uint64_t DotSet::dot_count() const {
  uint64_t count = 0;
  for (const auto& [actor, runs] : intervals_) {
    for (const Run& run : runs) {
      const uint64_t more = run.last - run.first + 1;
      if (count > std::numeric_limits<uint64_t>::max() - more) {
        return std::numeric_limits<uint64_t>::max();
      }
      count += more;
    }
  }
  return count;
}

void DotSet::AppendTo(std::string& out) const {
  AppendVarint(out, settled_.size());
  for (const auto& [slot, generation] : settled_) {
    AppendVarint(out, slot);
    AppendVarint(out, generation);
  }
  AppendVarint(out, intervals_.size());
  for (const auto& [actor, runs] : intervals_) {
    AppendVarint(out, actor.slot);
    AppendVarint(out, actor.generation);
    AppendVarint(out, runs.size());
    uint64_t from = 0;
    for (const Run& run : runs) {
      AppendVarint(out, run.first - from);
      AppendVarint(out, run.last - run.first);
      from = run.last;
    }
  }
}

std::string DotSet::Encode() const {
  std::string out;
  AppendTo(out);
  return out;
}

bool DotSet::DecodeFrom(std::string_view& in) {
  settled_.clear();
  intervals_.clear();
  const std::string_view limited = in.substr(0, kEncodedBytesMax);
  ByteReader reader(limited);
  const auto read_slot = [&](Slot* slot) {
    uint64_t v = 0;
    if (!reader.Varint(&v) || v > std::numeric_limits<Slot>::max()) return false;
    *slot = static_cast<Slot>(v);
    return true;
  };
  uint64_t count = 0;
  if (!reader.Varint(&count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    Slot slot = 0;
    uint64_t generation = 0;
    if (!read_slot(&slot) || !reader.Varint(&generation) || generation == 0) return false;
    if (!settled_.empty() && slot <= settled_.rbegin()->first) return false;
    settled_.emplace_hint(settled_.end(), slot, generation);
  }
  if (!reader.Varint(&count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    Actor actor;
    uint64_t run_count = 0;
    if (!read_slot(&actor.slot) || !reader.Varint(&actor.generation)) return false;
    if (!reader.Varint(&run_count) || run_count == 0) return false;
    if (!intervals_.empty() && actor <= intervals_.rbegin()->first) return false;
    if (actor.generation <= settled(actor.slot)) return false;
    Runs& runs = intervals_.emplace_hint(intervals_.end(), actor, Runs())->second;
    uint64_t from = 0;
    for (uint64_t k = 0; k < run_count; ++k) {
      uint64_t step = 0, length = 0;
      if (!reader.Varint(&step) || !reader.Varint(&length)) return false;
      // Counters begin at 1, and runs that touch would be one.
      if (step < (k == 0 ? 1U : 2U) || step > kCounterMax - from) return false;
      if (length > kCounterMax - from - step) return false;
      runs.push_back({from + step, from + step + length});
      from += step + length;
    }
  }
  in.remove_prefix(limited.size() - reader.rest().size());
  return true;
}

uint64_t DotSet::Hash() const {
  const std::string bytes = Encode();
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace kvserver::cluster
