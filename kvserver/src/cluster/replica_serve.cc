// Comparing all keys: the part of the node that is asked. See replica_ranges.cc.
//
// All its answers are out of the moment at which the session was opened, so what the asker has in
// the end is what this node had then: each key whole, each request whole. It holds a snapshot of
// the records for that, and a copy of the extras.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "cluster/mutant.h"
#include "cluster/replica_impl.h"
#include "cluster/stamp.h"

namespace kvserver::cluster {
namespace {

constexpr int64_t kIdleMs = 10'000;  // the asker repeats its steps far sooner
constexpr size_t kObjectOverhead = 48;

}  // namespace

void Replica::Impl::CloseServed(int64_t now_ms) {
  std::erase_if(served_, [&](const auto& each) { return now_ms - each.second.used_ms > kIdleMs; });
}

// What a session of this node has brought, and has not come to its end, is not shown: it has no dot
// in the clock.
bool Replica::Impl::IsServed(const Served& served, std::string_view key, const Dot& dot) {
  if (served.clock.Has(dot)) return true;
  const auto extra = served.extras.find(key);
  return extra != served.extras.end() && extra->second.Has(dot);
}

absl::Status Replica::Impl::AddServed(const Served& served, const std::string& key, Objects* out,
                                      size_t* bytes) {
  absl::StatusOr<Loaded> loaded = Load(*served.records, key, true, 0);
  if (!loaded.ok()) return loaded.status();
  SentObject& object = out->objects.emplace_back();
  object.key = key;
  object.versions = std::move(loaded->versions);
  std::erase_if(object.versions,
                [&](const Version& version) { return !IsServed(served, key, version.dot); });
  const auto extra = served.extras.find(key);
  if (extra != served.extras.end()) object.extra = extra->second;
  *bytes += key.size() + kObjectOverhead;
  for (const Version& version : object.versions) {
    *bytes += version.value.size() + version.vector.size() * sizeof(float) + kObjectOverhead;
  }
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceiveRangeOpen(Storage& storage, const Peer& peer,
                                             const RangeOpen& open, int64_t now_ms) {
  Served& served = served_[peer.slot];
  // Asked twice, it is the same session: the asker may have got either answer.
  const bool is_known = served.records != nullptr && served.opened == open.session;
  if (!is_known && ended_ != 0) {
    // The clock knows already what the records do not: soon.
    served_.erase(peer.slot);
    Send(peer, RangeOpened{open.session, {}, true});
    return absl::OkStatus();
  }
  if (!is_known) {
    served = {};
    served.opened = open.session;
    served.clock = clock_;
    served.extras = extras_;
    served.records = storage.Snapshot();
    served.id = StepsId(served.opened, served.clock);
  }
  served.used_ms = now_ms;
  // Nothing is told that could be lost with this process.
  SendWhenDurable(peer, RangeOpened{served.opened, served.clock, false});
  return absl::OkStatus();
}

Replica::Impl::Served* Replica::Impl::ServedTo(const Peer& peer, uint64_t session, int64_t now_ms) {
  const auto found = served_.find(peer.slot);
  if (found == served_.end() || found->second.id != session) {
    Send(peer, RangeOpened{session, {}, true});
    return nullptr;
  }
  found->second.used_ms = now_ms;
  return &found->second;
}

absl::Status Replica::Impl::ReceiveRangeHashes(const Peer& peer, const RangeHashes& hashes,
                                               int64_t now_ms) {
  Served* const known = ServedTo(peer, hashes.session, now_ms);
  if (known == nullptr) return absl::OkStatus();
  Served& served = *known;
  if (hashes.buckets.empty()) return absl::OkStatus();
  RangeDiffers differs{hashes.session, hashes.step, {}};
  RangeHashes::Bucket mine;
  size_t place = 0;
  const auto end_bucket = [&] {
    const RangeHashes::Bucket& theirs = hashes.buckets[place];
    if (mine.hash != theirs.hash || mine.keys != theirs.keys) {
      differs.buckets.push_back(static_cast<uint32_t>(place));
    }
    mine = {};
    ++place;
  };
  const auto add = [&](std::string_view key, uint64_t id) {
    while (!IsBelow(key, hashes.buckets[place].end)) end_bucket();
    ++mine.keys;
    mine.hash += id;
    // That it differs is all that counts.
    return place + 1 < hashes.buckets.size() || mine.keys <= hashes.buckets[place].keys;
  };
  const absl::Status walked =
      ForEachItem(*served.records, &served, hashes.first, hashes.buckets.back().end, add);
  if (!walked.ok()) return walked;
  while (place < hashes.buckets.size()) end_bucket();
  // What is known to be dead here, and is not in the clock, has to be told.
  place = 0;
  for (auto extra = served.extras.lower_bound(hashes.first); extra != served.extras.end();
       ++extra) {
    while (place < hashes.buckets.size() && !IsBelow(extra->first, hashes.buckets[place].end)) {
      ++place;
    }
    if (place == hashes.buckets.size()) break;
    const auto number = static_cast<uint32_t>(place);
    const auto at = std::lower_bound(differs.buckets.begin(), differs.buckets.end(), number);
    if (at == differs.buckets.end() || *at != number) differs.buckets.insert(at, number);
  }
  Send(peer, std::move(differs));
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceiveRangeItems(const Peer& peer, const RangeItems& items,
                                              int64_t now_ms) {
  Served* const known = ServedTo(peer, items.session, now_ms);
  if (known == nullptr) return absl::OkStatus();
  Served& served = *known;
  RangeObjects answer;
  answer.session = items.session;
  answer.step = items.step;
  answer.objects.clock = served.clock;

  const std::unordered_set<uint64_t> theirs(items.ids.begin(), items.ids.end());
  std::unordered_set<uint64_t> mine;
  std::vector<std::string> differing;
  std::string next;
  // Those beyond the chunk would be looked at in vain.
  const size_t keys_max = 1 + options_.chunk_bytes / served.object_bytes;
  const auto add = [&](std::string_view key, uint64_t id) {
    if (differing.size() >= keys_max) {
      next = key;
      return false;
    }
    if (!theirs.empty()) mine.insert(id);
    if (!theirs.contains(id)) differing.emplace_back(key);
    return true;
  };
  const absl::Status walked = ForEachItem(*served.records, &served, items.first, items.end, add);
  if (!walked.ok()) return walked;
  answer.reached = next.empty() ? items.end : next;
  // What is known to be dead here, and is not in the clock, has to be told.
  for (auto extra = served.extras.lower_bound(items.first);
       extra != served.extras.end() && IsBelow(extra->first, answer.reached); ++extra) {
    differing.push_back(extra->first);
  }
  std::sort(differing.begin(), differing.end());
  differing.erase(std::unique(differing.begin(), differing.end()), differing.end());
  size_t bytes = 0;
  for (const std::string& key : differing) {
    if (bytes >= options_.chunk_bytes) {
      answer.reached = key;
      break;
    }
    const absl::Status status = AddServed(served, key, &answer.objects, &bytes);
    if (!status.ok()) return status;
  }
  if (const size_t count = answer.objects.objects.size(); count > 0) {
    served.object_bytes = std::max<size_t>(64, bytes / count);
  }
  for (size_t i = 0; i < items.ids.size(); ++i) {
    if (!mine.contains(items.ids[i])) answer.absent.push_back(static_cast<uint32_t>(i));
  }
  Send(peer, std::move(answer));
  return absl::OkStatus();
}

}  // namespace kvserver::cluster
