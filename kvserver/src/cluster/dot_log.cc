#include "cluster/dot_log.h"

#include <xxhash.h>

#include <algorithm>

#include "base/byte_codec.h"

namespace kvserver::cluster {
namespace {

constexpr uint8_t kRowVersion = 1;
// What most rows are: of one write, which was alone in its request; in the lower bits is the actor.
constexpr uint8_t kLoneRow = 0x80;

}  // namespace

size_t DotLog::KeyHash::operator()(std::string_view key) const {
  return XXH3_64bits(key.data(), key.size());
}

void DotLog::Add(uint64_t turn, const Entry& entry) {
  Logged logged{nullptr, turn, entry.unit_first, entry.unit_writes};
  Counters& counters = entries_[entry.dot.actor];
  const auto [at, is_new] = counters.try_emplace(entry.dot.counter, logged);
  if (!is_new) return;
  if (!entry.key.empty()) {
    Keys::value_type& key = *keys_.try_emplace(entry.key).first;
    key.second.dots.push_back(entry.dot);
    key.second.heads.push_back(entry.dot);
    at->second.key = &key;
  }
  Turn& of = turns_[turn];
  of.dots.push_back(entry.dot);
  ++of.left;
  dots_.Add(entry.dot);
  ++size_;
}

void DotLog::SetUnit(const Dot& first, uint32_t writes) {
  const auto actor = entries_.find(first.actor);
  if (actor == entries_.end()) return;
  for (auto at = actor->second.lower_bound(first.counter);
       at != actor->second.end() && at->first < first.counter + writes; ++at) {
    at->second.unit_first = first.counter;
    at->second.unit_writes = writes;
  }
}

bool DotLog::Find(const Dot& dot, Found* found) const {
  const auto actor = entries_.find(dot.actor);
  if (actor == entries_.end()) return false;
  const auto at = actor->second.find(dot.counter);
  if (at == actor->second.end()) return false;
  const Logged& logged = at->second;
  *found = {logged.key == nullptr ? nullptr : &logged.key->first, logged.unit_first,
            logged.unit_writes};
  return true;
}

std::span<const Dot> DotLog::DotsOf(std::string_view key) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return {};
  return std::span(found->second.dots).subspan(found->second.begin);
}

void DotLog::ForEachUnit(absl::FunctionRef<void(const Dot& first, uint32_t writes)> visit) const {
  for (const auto& [actor, counters] : entries_) {
    uint64_t last = 0;
    for (const auto& [counter, logged] : counters) {
      if (logged.unit_writes == 1 || logged.unit_first == last) continue;
      last = logged.unit_first;
      visit({actor, logged.unit_first}, logged.unit_writes);
    }
  }
}

std::span<const Dot> DotLog::HeadsOf(std::string_view key) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return {};
  return found->second.heads;
}

void DotLog::DropHeads(std::string_view key, absl::FunctionRef<bool(const Dot&)> is_seen) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  std::erase_if(found->second.heads, [&](const Dot& dot) { return is_seen(dot); });
}

DotLog::Counters::iterator DotLog::Remove(Actor actor, Counters& counters, Counters::iterator at,
                                          std::vector<uint64_t>* gone, DotSet* removed) {
  const Dot dot{actor, at->first};
  const Logged logged = at->second;
  removed->Add(dot);
  --size_;
  if (logged.key != nullptr) {
    DotList& list = logged.key->second;
    std::vector<Dot>& dots = list.dots;
    std::erase(list.heads, dot);
    const auto place =
        std::find(dots.begin() + static_cast<ptrdiff_t>(list.begin), dots.end(), dot);
    if (place == dots.begin() + static_cast<ptrdiff_t>(list.begin)) {
      ++list.begin;
    } else {
      dots.erase(place);
    }
    if (list.begin == dots.size()) {
      keys_.erase(keys_.find(logged.key->first));
    } else if (list.begin > dots.size() / 2) {
      dots.erase(dots.begin(), dots.begin() + static_cast<ptrdiff_t>(list.begin));
      list.begin = 0;
    }
  }
  const auto turn = turns_.find(logged.turn);
  if (--turn->second.left == 0) {
    gone->push_back(logged.turn);
    turns_.erase(turn);
  }
  return counters.erase(at);
}

void DotLog::Forget(const DotSet& stable, std::vector<uint64_t>* gone) {
  DotSet removed;
  for (auto actor = entries_.begin(); actor != entries_.end();) {
    Counters& counters = actor->second;
    const bool is_settled = actor->first.generation <= stable.settled(actor->first.slot);
    if (is_settled) {
      for (auto at = counters.begin(); at != counters.end();) {
        at = Remove(actor->first, counters, at, gone, &removed);
      }
    } else {
      stable.Only(actor->first).ForEachInterval([&](const DotSet::Interval& interval) {
        auto at = counters.lower_bound(interval.first);
        while (at != counters.end() && at->first <= interval.last) {
          at = Remove(actor->first, counters, at, gone, &removed);
        }
      });
    }
    actor = counters.empty() ? entries_.erase(actor) : std::next(actor);
  }
  if (!removed.empty()) dots_ = dots_.Minus(removed);
}

void DotLog::Truncate(size_t dots_max, std::vector<uint64_t>* gone) {
  DotSet removed;
  while (size_ > dots_max) {
    const std::vector<Dot> dots = turns_.begin()->second.dots;
    for (const Dot& dot : dots) {
      const auto actor = entries_.find(dot.actor);
      if (actor == entries_.end()) continue;
      const auto at = actor->second.find(dot.counter);
      if (at == actor->second.end()) continue;
      Remove(actor->first, actor->second, at, gone, &removed);
      if (actor->second.empty()) entries_.erase(actor);
    }
  }
  if (!removed.empty()) dots_ = dots_.Minus(removed);
}

void DotLog::AppendRow(std::string& out, const std::vector<Entry>& entries, ActorTable& actors) {
  if (entries.size() == 1 && entries[0].unit_writes == 1) {
    const Entry& entry = entries[0];
    const uint64_t index = actors.IndexOf(entry.dot.actor);
    if (index < kLoneRow) {
      out.push_back(static_cast<char>(kLoneRow | index));
      AppendVarint(out, entry.dot.counter);
      AppendBytes(out, entry.key);
      return;
    }
  }
  out.push_back(static_cast<char>(kRowVersion));
  for (size_t i = 0; i < entries.size();) {
    const Entry& first = entries[i];
    size_t end = i + 1;
    while (end < entries.size() && entries[end].dot.actor == first.dot.actor &&
           entries[end].dot.counter == first.dot.counter + (end - i)) {
      ++end;
    }
    AppendVarint(out, actors.IndexOf(first.dot.actor));
    AppendVarint(out, first.dot.counter);
    AppendVarint(out, end - i);
    for (; i < end; ++i) {
      const Entry& entry = entries[i];
      const bool is_alone = entry.unit_writes == 1;
      AppendVarint(out, entry.key.size() << 1 | (is_alone ? 0 : 1));
      out += entry.key;
      if (is_alone) continue;
      AppendVarint(out, entry.unit_writes);
      AppendVarint(out, entry.dot.counter - entry.unit_first);
    }
  }
}

bool DotLog::LoadRow(uint64_t turn, std::string_view row, const ActorTable& actors) {
  ByteReader reader(row);
  uint8_t version = 0;
  if (!reader.Byte(&version)) return false;
  if (version >= kLoneRow) {
    const std::optional<Actor> actor = actors.At(version - kLoneRow);
    uint64_t counter = 0;
    std::string_view key;
    if (!actor || !reader.Varint(&counter) || counter == 0) return false;
    if (!reader.Bytes(&key) || !reader.at_end()) return false;
    Add(turn, {{*actor, counter}, std::string(key), counter, 1});
    return true;
  }
  if (version != kRowVersion) return false;
  while (!reader.at_end()) {
    uint64_t index = 0, counter = 0, count = 0;
    if (!reader.Varint(&index) || !reader.Varint(&counter) || !reader.Varint(&count)) return false;
    const std::optional<Actor> actor = actors.At(index);
    if (!actor || count > row.size() || counter == 0) return false;
    for (uint64_t i = 0; i < count; ++i, ++counter) {
      uint64_t head = 0, writes = 1, place = 0;
      std::string_view key;
      if (!reader.Varint(&head) || !reader.Raw(head >> 1, &key)) return false;
      if ((head & 1) != 0 && (!reader.Varint(&writes) || !reader.Varint(&place))) return false;
      if (place >= counter || writes > UINT32_MAX) return false;
      Add(turn,
          {{*actor, counter}, std::string(key), counter - place, static_cast<uint32_t>(writes)});
    }
  }
  return true;
}

}  // namespace kvserver::cluster
