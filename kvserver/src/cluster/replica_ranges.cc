// Comparing all keys with another node's: for a node that has lost its disk, or was away for longer
// than the log remembers.
//
// The keys are compared in order, window by window. Of a window the node sends a hash per bucket of
// some hundred keys; of buckets that differ, a hash per key; and gets the keys that differ. Then it
// has seen, of every key below the end of the window, all that the other node had seen when the
// session began: that is what `position` and the session's clock stand for. At the end of all keys
// that clock becomes part of its own.
//
// What comes meanwhile by other ways: of a key below the position, a dot of the session's clock
// that is not here is dead. Within the window such a dot is left alone: the session brings it, or
// tells that it is dead. Beyond, everything is as always.
//
// One pass in order, and not the tree of ranges that is usual (Meyer, "Range-based set
// reconciliation", 2023): a single position says how far the clock holds, whenever it ends.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/byte_codec.h"
#include "cluster/collector.h"
#include "cluster/mutant.h"
#include "cluster/replica_impl.h"
#include "cluster/stamp.h"

namespace kvserver::cluster {
namespace {

constexpr int kRepeatsMax = 3;
constexpr size_t kWholeRetriesMax = 3;
constexpr size_t kRefusalsMax = 16;
constexpr size_t kSecondRoundsMax = 4;

}  // namespace

void Replica::Impl::NoteCompared() {
  Compared now{session_->id, session_->clock, session_->position, session_->is_at_end};
  std::erase_if(compared_, [&](const Compared& old) {
    const bool is_below = now.is_at_end || (!old.is_at_end && old.position <= now.position);
    return old.session == now.session || (is_below && now.clock.HasAll(old.clock));
  });
  if (compared_.size() == kComparedMax) compared_.erase(compared_.begin());
  compared_.push_back(std::move(now));
  compared_changed_ = true;
}

void Replica::Impl::StripCompared() {
  const size_t gone =
      std::erase_if(compared_, [&](const Compared& old) { return clock_.HasAll(old.clock); });
  if (gone > 0) compared_changed_ = true;
}

void Replica::Impl::AddCompared(std::string_view key, DotSet* seen) const {
  if (IsMutant(Mutant::kNoRangeContext)) return;
  for (const Compared& compared : compared_) {
    if (compared.is_at_end || key < compared.position) seen->AddAll(compared.clock);
  }
}

std::string Replica::Impl::ComparedRow() const {
  std::string row;
  for (const Compared& compared : compared_) {
    row.push_back(compared.is_at_end ? 1 : 0);
    AppendBytes(row, compared.position);
    compared.clock.AppendTo(row);
  }
  return row;
}

bool Replica::Impl::ReadComparedRow(std::string_view row) {
  while (!row.empty()) {
    ByteReader reader(row);
    Compared& compared = compared_.emplace_back();
    uint8_t is_at_end = 0;
    std::string_view position;
    if (!reader.Byte(&is_at_end) || is_at_end > 1 || !reader.Bytes(&position)) return false;
    compared.is_at_end = is_at_end != 0;
    compared.position = position;
    row = reader.rest();
    if (!compared.clock.DecodeFrom(row)) return false;
  }
  return true;
}

bool Replica::Impl::IsLeftToSession(std::string_view key, const Dot& dot) const {
  if (!session_ || !session_->has_window || IsMutant(Mutant::kNoRangeContext)) return false;
  return key >= session_->position && IsBelow(key, session_->window_end) &&
         session_->clock.Has(dot);
}

absl::Status Replica::Impl::ForEachItem(
    Storage& storage, std::string_view first, std::string_view end,
    absl::FunctionRef<bool(std::string_view key, uint64_t id)> visit) const {
  absl::Status result;
  std::vector<Dot> dots;
  const auto read = [&](std::string_view key, std::string_view stamp) {
    if (!DecodeDots(stamp, actors_, &dots)) {
      result = absl::DataLossError("the stamp of a record is malformed");
      return false;
    }
    return visit(key, ItemId(key, dots));
  };
  const absl::Status walked = storage.ForEachStamp(first, end, read);
  return walked.ok() ? result : walked;
}

// -- The node that recovers -----------------------------------------------------------------------

void Replica::Impl::TickSession(Storage& storage, int64_t now_ms) {
  static_cast<void>(storage);
  if (session_) {
    if (now_ms - session_->sent_ms < options_.step_timeout_ms) return;
    if (++session_->repeats > kRepeatsMax) {
      const Slot silent = session_->peer;
      session_.reset();
      if (needed_.size() > 1) avoided_ = silent;
      return;
    }
    session_->sent_ms = now_ms;
    Send(session_->peer, session_->generation, session_->last);
    return;
  }
  if (now_ms < session_not_before_ms_ || now_ms < serves_until_ms_) return;
  // Those that do not recover themselves first: what they have is whole.
  for (const int pass : {0, 1, 2}) {
    for (const Peer& peer : peers_) {
      if (!needed_.contains(peer.slot) || peer.generation == 0) continue;
      if (pass == 0 && IsRecovering(peer)) continue;
      if (pass < 2 && avoided_ == peer.slot) continue;
      served_.clear();
      session_.emplace();
      session_->peer = peer.slot;
      session_->generation = peer.generation;
      session_->id = random_();
      avoided_.reset();
      SendStep(RangeOpen{session_->id}, now_ms);
      return;
    }
  }
}

void Replica::Impl::SendStep(Body body, int64_t now_ms) {
  session_->sent_ms = now_ms;
  session_->repeats = 0;
  session_->last = body;
  Send(session_->peer, session_->generation, std::move(body));
}

absl::Status Replica::Impl::ReceiveRangeOpened(Storage& storage, const Peer& peer,
                                               const RangeOpened& opened, int64_t now_ms) {
  if (!session_ || session_->peer != peer.slot || session_->id != opened.session) {
    return absl::OkStatus();
  }
  if (opened.is_refused) {
    session_.reset();
    avoided_ = peer.slot;
    session_not_before_ms_ = now_ms + options_.heartbeat_ms;
    return absl::OkStatus();
  }
  if (session_->is_open) return absl::OkStatus();
  session_->is_open = true;
  session_->clock = opened.clock;
  session_->id = StepsId(opened.session, opened.clock);
  return NextWindow(storage, now_ms);
}

absl::Status Replica::Impl::NextWindow(Storage& storage, int64_t now_ms) {
  Session& session = *session_;
  session.buckets.clear();
  session.differing.clear();
  session.next_bucket = 0;
  RangeHashes hashes{session.id, ++session.step, session.position, {}};
  RangeHashes::Bucket bucket;
  bool is_cut = false;
  const auto add = [&](std::string_view key, uint64_t id) {
    if (bucket.keys == options_.bucket_keys) {
      bucket.end = key;
      session.buckets.push_back(std::exchange(bucket, {}));
      is_cut = session.buckets.size() == options_.window_buckets;
      if (is_cut) return false;
    }
    ++bucket.keys;
    bucket.hash += id;
    return true;
  };
  const absl::Status walked = ForEachItem(storage, session.position, "", add);
  if (!walked.ok()) return walked;
  if (!is_cut) session.buckets.push_back(bucket);  // up to the end of all keys
  session.window_end = session.buckets.back().end;
  session.has_window = true;
  hashes.buckets = session.buckets;
  SendStep(std::move(hashes), now_ms);
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceiveRangeDiffers(Storage& storage, const Peer& peer,
                                                const RangeDiffers& differs, int64_t now_ms) {
  if (!session_ || session_->peer != peer.slot || session_->id != differs.session ||
      session_->step != differs.step || !session_->has_window) {
    return absl::OkStatus();
  }
  ++session_->step;
  session_->differing = differs.buckets;
  return NextBucket(storage, now_ms);
}

absl::Status Replica::Impl::NextBucket(Storage& storage, int64_t now_ms) {
  Session& session = *session_;
  for (; session.next_bucket < session.buckets.size(); ++session.next_bucket) {
    const std::string& end = session.buckets[session.next_bucket].end;
    if (std::binary_search(session.differing.begin(), session.differing.end(),
                           static_cast<uint32_t>(session.next_bucket))) {
      return SendItems(storage, end, now_ms);
    }
    session.position = end;
    session.is_at_end = end.empty();
    NoteCompared();
  }
  session.has_window = false;
  if (!session.is_at_end) return NextWindow(storage, now_ms);
  return EndSession(storage, now_ms);
}

absl::StatusOr<RangeItems> Replica::Impl::MakeItems(Storage& storage, std::string_view first,
                                                    const std::string& end, uint64_t step,
                                                    std::vector<std::string>* keys) const {
  RangeItems items{session_->id, step, std::string(first), end, {}};
  keys->clear();
  const auto add = [&](std::string_view key, uint64_t id) {
    if (items.ids.size() == 2 * options_.bucket_keys) {
      items.end = key;
      return false;
    }
    items.ids.push_back(id);
    keys->emplace_back(key);
    return true;
  };
  const absl::Status walked = ForEachItem(storage, first, end, add);
  if (!walked.ok()) return walked;
  return items;
}

absl::Status Replica::Impl::SendItems(Storage& storage, const std::string& end, int64_t now_ms) {
  Session& session = *session_;
  const std::optional<RangeItems> ahead = std::exchange(session.ahead, std::nullopt);
  ++session.step;
  if (ahead && ahead->step == session.step && ahead->first == session.position) {
    session.items_end = ahead->end;
    session.item_keys = std::move(session.ahead_keys);
    session.sent_ms = now_ms;
    session.repeats = 0;
    session.last = *ahead;
    return absl::OkStatus();
  }
  if (ahead) ++session.step;  // its answer is not wanted any more
  absl::StatusOr<RangeItems> items =
      MakeItems(storage, session.position, end, session.step, &session.item_keys);
  if (!items.ok()) return items.status();
  session.items_end = items->end;
  SendStep(*std::move(items), now_ms);
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceiveRangeObjects(Storage& storage, const Peer& peer,
                                                const RangeObjects& answer, int64_t now_ms) {
  if (!session_ || session_->peer != peer.slot || session_->id != answer.session ||
      session_->step != answer.step || !session_->has_window) {
    return absl::OkStatus();
  }
  Session& session = *session_;
  if (!answer.objects.is_complete || HasTimeAhead(answer.objects, now_ms)) {
    session_.reset();  // begins again
    return absl::OkStatus();
  }
  Balance balance;
  balance.is_behind = !clock_.HasAll(answer.objects.clock);
  clock_.ForEachMissing(answer.objects.clock, [&](const DotSet::Interval& interval) {
    balance.ahead.AddRange(interval.actor, interval.first, interval.last);
  });
  balance.is_ahead_known = log_.dots().HasAll(balance.ahead);
  std::unordered_set<std::string_view> sent;
  for (const SentObject& object : answer.objects.objects) {
    sent.insert(object.key);
    // Of a request some keys may lie elsewhere.
    const bool is_outside = object.key < session.position || !IsBelow(object.key, answer.reached);
    const absl::Status merged =
        MergeObject(storage, object, answer.objects, now_ms,
                    is_outside ? Place::kAlone : Place::kInWindow, &balance);
    if (!merged.ok()) return merged;
  }
  for (const uint32_t place : answer.absent) {
    if (place >= session.item_keys.size()) continue;
    const std::string& key = session.item_keys[place];
    if (sent.contains(key) || !IsBelow(key, answer.reached)) continue;
    SentObject absent;
    absent.key = key;
    absent.extra = answer.objects.clock;
    const absl::Status merged =
        MergeObject(storage, absent, answer.objects, now_ms, Place::kInWindow, &balance);
    if (!merged.ok()) return merged;
  }
  const std::string bucket_end = session.buckets[session.next_bucket].end;
  // A bound that the node did not ask for would skip keys.
  const bool is_whole = answer.reached == session.items_end;
  if (!is_whole && (answer.reached.empty() || answer.reached <= session.position ||
                    !IsBelow(answer.reached, session.items_end))) {
    session_.reset();
    return absl::OkStatus();
  }
  session.position = answer.reached;
  session.is_at_end = is_whole && session.items_end.empty();
  NoteCompared();
  if (!is_whole || session.items_end != bucket_end) return SendItems(storage, bucket_end, now_ms);
  ++session.next_bucket;
  return NextBucket(storage, now_ms);
}

absl::Status Replica::Impl::EndSession(Storage& storage, int64_t now_ms) {
  is_log_whole_ = false;
  clock_.AddAll(session_->clock);
  clock_changed_ = true;
  const Slot last = session_->peer;
  needed_.erase(last);
  recovery_changed_ = true;
  refusals_ = 0;
  session_.reset();
  StripExtras();
  AskSecond(last, now_ms);
  if (!needed_.empty() || MustCompareAgain(last)) return absl::OkStatus();
  if (!compared_.empty()) {
    // What it said to be overwritten may be overwritten nowhere else: the others tell.
    has_leftovers_ = true;
    compared_.clear();
    compared_changed_ = true;
    for (const Peer& peer : peers_) needed_.insert(peer.slot);
    return DropUnknown(storage, now_ms);
  }
  whole_retries_ = second_rounds_ = 0;
  leaves_recovery_ = true;
  if (IsMutant(Mutant::kLeaveRecoveryUnsynced)) is_recovering_ = false;
  return DropUnknown(storage, now_ms);
}

// One node may have lost keys, and may not know it. If keys are gone because it said that they are
// deleted, another one is asked after it, if there is one that answers: it brings them back if it
// has seen all of that and shows them, see IsLostHere.
void Replica::Impl::AskSecond(Slot last, int64_t now_ms) {
  if (!std::exchange(has_removed_, false) || second_rounds_ == kSecondRoundsMax) return;
  for (const bool any : {false, true}) {
    for (const Peer& peer : peers_) {
      if (peer.slot == last || peer.generation == 0 || (!any && IsRecovering(peer))) continue;
      if (now_ms - peer.heard_ms > 5 * options_.idle_heartbeat_ms) continue;
      if (needed_.insert(peer.slot).second) ++second_rounds_;
      return;
    }
  }
}

// What nobody's clock has is of a session that was broken off, with a peer that has lost its disk:
// perhaps a part of a request. It goes; what it has overwritten comes back from the others.
absl::Status Replica::Impl::DropUnknown(Storage& storage, int64_t now_ms) {
  std::vector<std::string> keys;
  if (std::exchange(has_leftovers_, false)) {
    absl::Status result;
    std::vector<Dot> dots;
    const auto read = [&](std::string_view key, std::string_view stamp) {
      if (!DecodeDots(stamp, actors_, &dots)) {
        result = absl::DataLossError("the stamp of a record is malformed");
        return false;
      }
      const auto is_unknown = [this](const Dot& dot) { return !clock_.Has(dot); };
      if (std::any_of(dots.begin(), dots.end(), is_unknown)) keys.emplace_back(key);
      return true;
    };
    const absl::Status walked = storage.ForEachStamp("", "", read);
    if (!walked.ok()) return walked;
    if (!result.ok()) return result;
  } else {
    for (const auto& [key, extra] : extras_) keys.push_back(key);
  }
  for (const std::string& key : keys) {
    const absl::StatusOr<Loaded> loaded = Load(storage, key, false, now_ms);
    if (!loaded.ok()) return loaded.status();
    std::vector<Version> known = loaded->versions;
    std::erase_if(known, [this](const Version& version) { return !clock_.Has(version.dot); });
    if (known.size() == loaded->versions.size()) continue;
    const absl::Status put = Put(storage, key, *loaded, std::move(known), now_ms);
    if (!put.ok()) return put;
  }
  StripExtras();
  return absl::OkStatus();
}

DotSet Replica::Impl::WholeClock() const {
  DotSet parts;
  log_.ForEachUnit([&](const Dot& first, uint32_t writes) {
    DotSet unit;
    unit.AddRange(first.actor, first.counter, first.counter + writes - 1);
    if (!clock_.HasAll(unit)) parts.AddAll(unit);
  });
  return parts.empty() ? clock_ : clock_.Minus(parts);
}

// A node that recovers itself may have told a request in part; then the others tell the rest.
bool Replica::Impl::MustCompareAgain(Slot last) {
  DotSet rest;
  log_.ForEachUnit([&](const Dot& first, uint32_t writes) {
    DotSet unit;
    unit.AddRange(first.actor, first.counter, first.counter + writes - 1);
    if (!clock_.HasAll(unit)) rest.AddAll(unit.Minus(clock_));
  });
  if (rest.empty()) return false;
  for (const Peer& peer : peers_) {
    if (peer.advert && !peer.advert->durable.Intersect(rest).empty()) needed_.insert(peer.slot);
  }
  if (needed_.empty() && whole_retries_++ < kWholeRetriesMax) needed_.insert(last);
  return !needed_.empty();
}

// -- The other one --------------------------------------------------------------------------------

// In the middle of a session of its own a node has some keys as the other one has them and some as
// it had them before: of a request perhaps a part, of a write what it has overwritten but not
// itself. So it serves nobody then. Of two that ask each other the one with the lower number serves
// first.
bool Replica::Impl::MustRefuse(const Peer& peer) {
  if (!is_recovering_) return false;
  if (session_ && (session_->is_open || self_.slot > peer.slot)) return true;
  // A session was broken off, or a request is here in part. If nobody can bring that to an end,
  // better something than nothing.
  return (!compared_.empty() || !(WholeClock() == clock_)) && refusals_++ < kRefusalsMax;
}

absl::Status Replica::Impl::ReceiveRangeOpen(const Peer& peer, const RangeOpen& open,
                                             int64_t now_ms) {
  const auto known = served_.find(peer.slot);
  const bool is_known = known != served_.end() && known->second.opened == open.session;
  if (!is_known && MustRefuse(peer)) {
    Send(peer, RangeOpened{open.session, {}, true});
    return absl::OkStatus();
  }
  session_.reset();
  serves_until_ms_ = now_ms + options_.step_timeout_ms;
  Served& served = served_[peer.slot];
  // Asked twice, it is the same session: the asker may have got either answer.
  if (!is_known) {
    served.opened = open.session;
    served.clock = is_recovering_ ? WholeClock() : clock_;
    served.parts = clock_.Minus(served.clock);
    served.id = StepsId(served.opened, served.clock);
  }
  // From here on only what is on disk is told, so that it cannot be lost with this process.
  SendWhenDurable(peer, RangeOpened{served.opened, served.clock, false});
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceiveRangeHashes(Storage& storage, const Peer& peer,
                                               const RangeHashes& hashes, int64_t now_ms) {
  const auto served = served_.find(peer.slot);
  if (served == served_.end() || served->second.id != hashes.session) {
    Send(peer, RangeOpened{hashes.session, {}, true});
    return absl::OkStatus();
  }
  serves_until_ms_ = now_ms + options_.step_timeout_ms;
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
  const absl::Status walked = ForEachItem(storage, hashes.first, hashes.buckets.back().end, add);
  if (!walked.ok()) return walked;
  while (place < hashes.buckets.size()) end_bucket();
  // What is known to be dead here, and is not in the clock, has to be told.
  place = 0;
  for (auto extra = extras_.lower_bound(hashes.first); extra != extras_.end(); ++extra) {
    while (place < hashes.buckets.size() && !IsBelow(extra->first, hashes.buckets[place].end)) {
      ++place;
    }
    if (place == hashes.buckets.size()) break;
    const auto number = static_cast<uint32_t>(place);
    const auto at = std::lower_bound(differs.buckets.begin(), differs.buckets.end(), number);
    if (at == differs.buckets.end() || *at != number) differs.buckets.insert(at, number);
  }
  // The asker has come to the end.
  if (differs.buckets.empty() && hashes.buckets.back().end.empty()) serves_until_ms_ = 0;
  Send(peer, std::move(differs));
  return absl::OkStatus();
}

// What has come here since the session was opened. False: the log does not know all of it.
bool Replica::Impl::NoteNewer(Served& served, std::string_view first) const {
  DotSet newer;  // less what is settled: all have that
  const DotSet all_newer = clock_.Minus(served.clock).Minus(served.parts);
  all_newer.ForEachInterval([&](const DotSet::Interval& interval) {
    newer.AddRange(interval.actor, interval.first, interval.last);
  });
  if (!log_.dots().HasAll(newer)) return false;
  newer.Minus(served.noted).ForEachInterval([&](const DotSet::Interval& interval) {
    for (uint64_t counter = interval.first; counter <= interval.last; ++counter) {
      DotLog::Found found;
      if (!log_.Find({interval.actor, counter}, &found) || found.key == nullptr) continue;
      if (*found.key >= first) served.newer_keys.insert(*found.key);
    }
  });
  served.noted = std::move(newer);
  served.newer_keys.erase(served.newer_keys.begin(), served.newer_keys.lower_bound(first));
  return true;
}

void Replica::Impl::AddGone(const Served& served, std::string_view first, std::string_view end,
                            const std::vector<std::string>& present,
                            std::vector<std::string>* gone) {
  for (auto key = served.newer_keys.lower_bound(first);
       key != served.newer_keys.end() && IsBelow(*key, end); ++key) {
    if (!std::binary_search(present.begin(), present.end(), *key)) gone->push_back(*key);
  }
}

absl::Status Replica::Impl::ReceiveRangeItems(Storage& storage, const Peer& peer,
                                              const RangeItems& items, int64_t now_ms) {
  const auto served = served_.find(peer.slot);
  if (served == served_.end() || served->second.id != items.session) {
    Send(peer, RangeOpened{items.session, {}, true});
    return absl::OkStatus();
  }
  serves_until_ms_ = now_ms + options_.step_timeout_ms;
  RangeObjects answer;
  answer.session = items.session;
  answer.step = items.step;
  answer.objects.clock = clock_;
  answer.objects.is_complete = NoteNewer(served->second, items.first);

  const std::unordered_set<uint64_t> theirs(items.ids.begin(), items.ids.end());
  std::unordered_set<uint64_t> mine;
  std::vector<std::string> differing, present;
  std::string next;
  // Those beyond the chunk would be looked at in vain.
  const size_t keys_max = 1 + options_.chunk_bytes / served->second.object_bytes;
  const auto add = [&](std::string_view key, uint64_t id) {
    if (differing.size() >= keys_max) {
      next = key;
      return false;
    }
    if (!theirs.empty()) mine.insert(id);
    if (!served->second.newer_keys.empty()) present.emplace_back(key);
    if (!theirs.contains(id)) differing.emplace_back(key);
    return true;
  };
  const absl::Status walked = ForEachItem(storage, items.first, items.end, add);
  if (!walked.ok()) return walked;
  answer.reached = next.empty() ? items.end : next;
  for (auto extra = extras_.lower_bound(items.first);
       extra != extras_.end() && IsBelow(extra->first, answer.reached); ++extra) {
    differing.push_back(extra->first);
  }
  // Of a key that is gone, too: what it was deleted by is not told otherwise.
  AddGone(served->second, items.first, answer.reached, present, &differing);
  std::sort(differing.begin(), differing.end());
  differing.erase(std::unique(differing.begin(), differing.end()), differing.end());
  Collector collector(*this, storage, served->second.clock, &answer.objects, true);
  for (const std::string& key : differing) {
    if (collector.bytes() >= options_.chunk_bytes) {
      answer.reached = key;
      break;
    }
    const absl::Status status = collector.AddKey(key);
    if (!status.ok()) return status;
  }
  for (SentObject& object : answer.objects.objects) object.extra.AddAll(served->second.parts);
  if (const size_t count = answer.objects.objects.size(); count > 0) {
    served->second.object_bytes = std::max<size_t>(64, collector.bytes() / count);
  }
  for (size_t i = 0; i < items.ids.size(); ++i) {
    if (!mine.contains(items.ids[i])) answer.absent.push_back(static_cast<uint32_t>(i));
  }
  if (items.end.empty() && answer.reached.empty()) serves_until_ms_ = 0;
  SendWhenDurable(peer, std::move(answer));
  return absl::OkStatus();
}

}  // namespace kvserver::cluster
