// Pushes and objects of other nodes become part of the state.
#include <algorithm>

#include "cluster/mutant.h"
#include "cluster/replica_impl.h"
#include "cluster/stamp.h"

namespace kvserver::cluster {

absl::StatusOr<Replica::Impl::Loaded> Replica::Impl::Load(RecordView& records, std::string_view key,
                                                          bool with_vector, int64_t now_ms) {
  absl::StatusOr<std::optional<StoredRecord>> record = records.Read(key, with_vector);
  if (!record.ok()) return record.status();
  Loaded loaded;
  if (!record->has_value()) return loaded;
  absl::StatusOr<std::vector<Version>> versions = DecodeRecord(**record, actors_);
  if (!versions.ok()) {
    return absl::DataLossError(std::string(versions.status().message()) + " (key " +
                               std::string(key.substr(0, 80)) + ")");
  }
  loaded.is_there = true;
  loaded.stamp = std::move((*record)->stamp);
  loaded.versions = *std::move(versions);
  // One that has expired is as if it had been deleted, wherever it still lies.
  std::erase_if(loaded.versions, [&](const Version& version) {
    return version.expiry != 0 && version.expiry <= now_ms;
  });
  return loaded;
}

const DotSet* Replica::Impl::ExtraOf(std::string_view key) const {
  if (extras_.empty()) return nullptr;
  const auto found = extras_.find(key);
  return found == extras_.end() ? nullptr : &found->second;
}

bool Replica::Impl::HasSeen(const DotSet* extra, const Dot& dot) const {
  return clock_.Has(dot) || (extra != nullptr && extra->Has(dot));
}

void Replica::Impl::SetExtra(std::string_view key, DotSet extra) {
  extra = extra.Minus(clock_);
  const auto found = extras_.find(key);
  if (extra.empty()) {
    if (found == extras_.end()) return;
    extras_.erase(found);
  } else if (found == extras_.end()) {
    extras_.emplace(key, std::move(extra));
  } else {
    if (found->second == extra) return;
    found->second = std::move(extra);
  }
  changed_extras_.emplace(key);
}

void Replica::Impl::StripExtras() {
  std::vector<std::string> keys;
  for (const auto& [key, extra] : extras_) {
    if (!(extra.Minus(clock_) == extra)) keys.push_back(key);
  }
  for (const std::string& key : keys) SetExtra(key, extras_.find(key)->second);
}

void Replica::Impl::DropHeads(std::string_view key, const std::vector<Dot>& killed,
                              const DotSet& context) {
  log_.DropHeads(key, [&](const Dot& head) {
    return context.Has(head) || std::find(killed.begin(), killed.end(), head) != killed.end();
  });
}

DotSet Replica::Impl::ContextOf(std::string_view key) const {
  DotSet context = clock_;
  if (const DotSet* const extra = ExtraOf(key)) context.AddAll(*extra);
  return context;
}

void Replica::Impl::AddDot(const Dot& dot, std::string_view key, uint64_t unit_first,
                           uint32_t unit_writes) {
  clock_.Add(dot);
  new_dots_.push_back({dot, std::string(key), unit_first, unit_writes});
  log_.Add(next_turn_, new_dots_.back());
}

absl::Status Replica::Impl::Put(Storage& storage, std::string_view key, const Loaded& loaded,
                                std::vector<Version> versions, int64_t now_ms) {
  std::sort(versions.begin(), versions.end(),
            [](const Version& a, const Version& b) { return a.dot < b.dot; });
  if (IsMutant(Mutant::kLastWriterInMerge) && versions.size() > 1) {
    const auto latest =
        std::max_element(versions.begin(), versions.end(), [](const Version& a, const Version& b) {
          return std::pair(a.time, a.dot) < std::pair(b.time, b.dot);
        });
    versions = {*latest};
  }
  if (versions.empty()) {
    if (loaded.is_there) storage.Delete(key);
    return absl::OkStatus();
  }
  // Equal dots are equal versions. One that has expired goes when another write touches the key.
  const bool is_same =
      std::equal(versions.begin(), versions.end(), loaded.versions.begin(), loaded.versions.end(),
                 [](const Version& a, const Version& b) { return a.dot == b.dot; });
  if (is_same) return absl::OkStatus();
  const auto was_here = [&](const Version& version) {
    return std::any_of(loaded.versions.begin(), loaded.versions.end(),
                       [&](const Version& old) { return old.dot == version.dot; });
  };
  if (StampHasVector(loaded.stamp) && std::any_of(versions.begin(), versions.end(), was_here)) {
    const absl::StatusOr<Loaded> full = Load(storage, key, true, now_ms);
    if (!full.ok()) return full.status();
    for (Version& version : versions) {
      for (const Version& old : full->versions) {
        if (old.dot == version.dot) version.vector = old.vector;
      }
    }
  }
  if (versions.size() > 1) ++counts_.conflicts;
  const MergeFunction* const merge = versions.size() > 1 ? storage.MergeOf(key) : nullptr;
  storage.Set(key, EncodeRecord(versions, actors_, merge));
  return absl::OkStatus();
}

bool Replica::Impl::IsAhead(uint64_t time, int64_t now_ms) const {
  const auto wall = static_cast<int64_t>(time >> 16);
  return wall > now_ms && wall - now_ms > options_.clock_ahead_max_ms;
}

bool Replica::Impl::HasTimeAhead(const Objects& objects, int64_t now_ms) const {
  for (const SentObject& object : objects.objects) {
    for (const Version& version : object.versions) {
      if (IsAhead(version.time, now_ms)) return true;
    }
  }
  return false;
}

absl::Status Replica::Impl::MergePush(Storage& storage, Peer& peer, const Actor& writer,
                                      const Push& push, int64_t now_ms) {
  if (push.writes.empty() || push.first_counter == 0) return absl::OkStatus();
  for (const PushedWrite& write : push.writes) {
    if (!IsAhead(write.version.time, now_ms)) continue;
    ++counts_.refused_messages;
    Send(peer, Refusal{"the clock of node " + std::to_string(writer.slot) +
                       " is more than 60 s ahead of that of node " + std::to_string(self_.slot)});
    return absl::OkStatus();
  }
  if (IsLeftToSession(writer, push)) return absl::OkStatus();
  // Then anti-entropy brings it.
  if (extras_.size() + push.writes.size() > options_.extras_max) return absl::OkStatus();
  if (push.first_counter > 1 && !clock_.Has({writer, push.first_counter - 1})) {
    peer.has_gap = true;
  }
  // A write tells what it has overwritten, and not what that had overwritten before: so that has to
  // be here. Otherwise the objects are pulled, which are sent with all that their sender has seen.
  for (size_t i = 0; i < push.writes.size() && !IsMutant(Mutant::kKilledNotRemembered); ++i) {
    const PushedWrite& write = push.writes[i];
    if (clock_.Has({writer, push.first_counter + i})) continue;
    for (const Dot& dead : write.killed) {
      const bool is_in_push = dead.actor == writer && dead.counter >= push.first_counter &&
                              dead.counter < push.first_counter + i;
      if (is_in_push || write.context.Has(dead) || clock_.Has(dead)) continue;
      peer.has_gap = true;
      return absl::OkStatus();
    }
  }
  uint64_t unit_first = push.first_counter;
  uint32_t unit_writes = 1;
  for (size_t i = 0; i < push.writes.size(); ++i) {
    const PushedWrite& write = push.writes[i];
    const Dot dot{writer, push.first_counter + i};
    if (write.unit_writes > 0) {
      unit_first = dot.counter;
      unit_writes = write.unit_writes;
    }
    if (clock_.Has(dot)) continue;
    if (ended_ != 0) {
      const absl::Status done = CarryOut(storage, write.key, now_ms);
      if (!done.ok()) return done;
    }
    absl::StatusOr<Loaded> loaded = Load(storage, write.key, false, now_ms);
    if (!loaded.ok()) return loaded.status();
    const DotSet* const extra = ExtraOf(write.key);
    DotSet killed = write.context;
    for (const Dot& dead : write.killed) killed.Add(dead);
    std::vector<Version> versions;
    for (const Version& version : loaded->versions) {
      if (!killed.Has(version.dot)) versions.push_back(version);
    }
    // A comparison that was broken off can have brought it, without its dot.
    const bool is_here = std::any_of(versions.begin(), versions.end(),
                                     [&](const Version& here) { return here.dot == dot; });
    if (!write.is_delete && !is_here && !HasSeen(extra, dot)) {
      versions.push_back(write.version);
      versions.back().dot = dot;
    }
    const absl::Status put = Put(storage, write.key, *loaded, std::move(versions), now_ms);
    if (!put.ok()) return put;
    time_ = std::max(time_, write.version.time);
    DropHeads(write.key, write.killed, write.context);
    AddDot(dot, write.key, unit_first, unit_writes);
    if (IsMutant(Mutant::kKilledNotRemembered)) continue;
    if (extra != nullptr || !clock_.HasAll(killed)) {
      if (extra != nullptr) killed.AddAll(*extra);
      SetExtra(write.key, std::move(killed));
    }
  }

  // Also of a second copy: the first one's turn may be under way.
  if (IsMutant(Mutant::kAckBeforeSync)) {
    Send(peer, Ack{push.turn});
  } else {
    SendWhenDurable(peer, Ack{push.turn});
  }
  return absl::OkStatus();
}

// What `all` says about one key. Dots of it that are not covered, and that this node has not seen,
// are of other keys, or remembered in the extra if that cannot be told.
absl::Status Replica::Impl::MergeObject(Storage& storage, const SentObject& object,
                                        const Objects& all, int64_t now_ms) {
  absl::StatusOr<Loaded> loaded = Load(storage, object.key, false, now_ms);
  if (!loaded.ok()) return loaded.status();
  const DotSet* const extra = ExtraOf(object.key);
  const auto is_sent = [&](const Dot& dot) {
    return std::any_of(object.versions.begin(), object.versions.end(),
                       [&](const Version& version) { return version.dot == dot; });
  };
  std::vector<Version> versions;
  for (const Version& version : loaded->versions) {
    const bool sender_has_seen = all.clock.Has(version.dot) || object.extra.Has(version.dot);
    if (is_sent(version.dot) || !sender_has_seen) versions.push_back(version);
  }
  DotSet seen = object.extra;
  seen.AddAll(object.covered);
  for (const Version& version : object.versions) {
    seen.Add(version.dot);
    time_ = std::max(time_, version.time);
    if (version.expiry != 0 && version.expiry <= now_ms) continue;
    const bool is_here = std::any_of(versions.begin(), versions.end(),
                                     [&](const Version& here) { return here.dot == version.dot; });
    if (!is_here && !HasSeen(extra, version.dot)) versions.push_back(version);
  }
  const absl::Status put = Put(storage, object.key, *loaded, std::move(versions), now_ms);
  if (!put.ok()) return put;
  ++counts_.pulled_objects;

  if (!all.is_complete) seen.AddAll(all.clock);
  if (extra != nullptr) seen.AddAll(*extra);
  const auto add = [&](const Dot& dot) {
    if (clock_.Has(dot)) return;
    for (const Objects::Unit& unit : all.units) {
      if (unit.actor != dot.actor || dot.counter < unit.first) continue;
      if (dot.counter - unit.first >= unit.writes) continue;
      return AddDot(dot, object.key, unit.first, unit.writes);
    }
    AddDot(dot, object.key, dot.counter, 1);
  };
  // Of other dots the sender does not know which request they are of, so this node does not log
  // them: told on by the log as if they were alone, they would show a part of a request elsewhere.
  object.covered.ForEachInterval([&](const DotSet::Interval& interval) {
    for (uint64_t counter = interval.first; counter <= interval.last; ++counter) {
      add({interval.actor, counter});
    }
  });
  if (!clock_.HasAll(seen)) {
    SetExtra(object.key, std::move(seen));
  } else if (ExtraOf(object.key) != nullptr) {
    SetExtra(object.key, {});
  }
  return absl::OkStatus();
}

}  // namespace kvserver::cluster
