// Comparing all keys with another node's: for a node that has lost its disk, or was away for longer
// than the log remembers.
//
// The keys are compared in order, window by window. Of a window the node sends a hash per bucket of
// some hundred keys; of buckets that differ, a hash per key; and gets the keys that differ, as they
// were at the moment the session was opened. At the end of all keys the other one's clock of that
// moment becomes part of its own.
//
// Until then nothing that the session says is known: what it brings lies here without its dots,
// what it says to be overwritten stays, with a verdict beside it. So a session that is broken off
// changes nothing, even if its peer loses its disk.
//
// A push of what that clock has is left alone meanwhile: the session brings it, or tells that it is
// dead.
//
// One pass in order, and not the tree of ranges that is usual (Meyer, "Range-based set
// reconciliation", 2023): a single position says what is done.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "cluster/mutant.h"
#include "cluster/replica_impl.h"
#include "cluster/stamp.h"

namespace kvserver::cluster {
namespace {

constexpr int kRepeatsMax = 3;
constexpr size_t kSecondRoundsMax = 4;
constexpr size_t kVerdictsPerTick = 2'048;

}  // namespace

bool Replica::Impl::IsLeftToSession(const Actor& writer, const Push& push) const {
  if (!session_ || !session_->is_open || IsMutant(Mutant::kNoRangeContext)) return false;
  for (size_t i = 0; i < push.writes.size(); ++i) {
    const Dot dot{writer, push.first_counter + i};
    if (session_->clock.Has(dot) && !clock_.Has(dot)) return true;
  }
  return false;
}

absl::Status Replica::Impl::ForEachItem(
    RecordView& records, const Served* served, std::string_view first, std::string_view end,
    absl::FunctionRef<bool(std::string_view key, uint64_t id)> visit) const {
  absl::Status result;
  std::vector<Dot> dots;
  const auto read = [&](std::string_view key, std::string_view stamp) {
    if (!DecodeDots(stamp, actors_, &dots)) {
      result = absl::DataLossError("the stamp of a record is malformed");
      return false;
    }
    if (served != nullptr) {
      std::erase_if(dots, [&](const Dot& dot) { return !IsServed(*served, key, dot); });
      if (dots.empty()) return true;
    }
    return visit(key, ItemId(key, dots));
  };
  const absl::Status walked = records.ForEachStamp(first, end, read);
  return walked.ok() ? result : walked;
}

void Replica::Impl::BreakOff() {
  has_leftovers_ = true;
  session_.reset();
}

absl::Status Replica::Impl::TickSession(Storage& storage, int64_t now_ms) {
  if (session_) {
    if (now_ms - session_->sent_ms < options_.step_timeout_ms) return absl::OkStatus();
    if (++session_->repeats > kRepeatsMax) {
      const Slot silent = session_->peer;
      BreakOff();
      if (needed_.size() > 1) avoided_ = silent;
      return absl::OkStatus();
    }
    session_->sent_ms = now_ms;
    Send(session_->peer, session_->generation, session_->last);
    return absl::OkStatus();
  }
  if (!verdicts_.empty() || ended_ != 0) return CarryOutSome(storage, now_ms);
  if (now_ms < session_not_before_ms_) return absl::OkStatus();
  // Those that do not recover themselves first: what they have is whole.
  for (const int pass : {0, 1, 2}) {
    for (const Peer& peer : peers_) {
      if (!needed_.contains(peer.slot) || peer.generation == 0) continue;
      if (pass == 0 && IsRecovering(peer)) continue;
      if (pass < 2 && avoided_ == peer.slot) continue;
      session_.emplace();
      session_->peer = peer.slot;
      session_->generation = peer.generation;
      session_->id = random_();
      avoided_.reset();
      SendStep(RangeOpen{session_->id}, now_ms);
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
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
    BreakOff();
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
  const absl::Status walked = ForEachItem(storage, nullptr, session.position, "", add);
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
  const absl::Status walked = ForEachItem(storage, nullptr, first, end, add);
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
  if (HasTimeAhead(answer.objects, now_ms)) {
    BreakOff();  // begins again
    return absl::OkStatus();
  }
  Balance balance;
  balance.is_behind = !clock_.HasAll(session.clock);
  clock_.ForEachMissing(session.clock, [&](const DotSet::Interval& interval) {
    balance.ahead.AddRange(interval.actor, interval.first, interval.last);
  });
  balance.is_ahead_known = log_.dots().HasAll(balance.ahead);
  std::unordered_set<std::string_view> sent;
  for (const SentObject& object : answer.objects.objects) {
    sent.insert(object.key);
    const absl::Status merged = MergeCompared(storage, object, balance, now_ms);
    if (!merged.ok()) return merged;
  }
  for (const uint32_t place : answer.absent) {
    if (place >= session.item_keys.size()) continue;
    const std::string& key = session.item_keys[place];
    if (sent.contains(key) || !IsBelow(key, answer.reached)) continue;
    SentObject absent;
    absent.key = key;
    const absl::Status merged = MergeCompared(storage, absent, balance, now_ms);
    if (!merged.ok()) return merged;
  }
  const std::string bucket_end = session.buckets[session.next_bucket].end;
  // A bound that the node did not ask for would skip keys.
  const bool is_whole = answer.reached == session.items_end;
  if (!is_whole && (answer.reached.empty() || answer.reached <= session.position ||
                    !IsBelow(answer.reached, session.items_end))) {
    BreakOff();
    return absl::OkStatus();
  }
  session.position = answer.reached;
  session.is_at_end = is_whole && session.items_end.empty();
  if (!is_whole || session.items_end != bucket_end) return SendItems(storage, bucket_end, now_ms);
  ++session.next_bucket;
  return NextBucket(storage, now_ms);
}

bool Replica::Impl::IsLostHere(std::string_view key, const DotSet* extra, const Dot& dot,
                               const Balance& balance) const {
  if (!clock_.Has(dot) || (extra != nullptr && !extra->empty())) return false;
  if (balance.ahead.empty()) return true;
  if (!balance.is_ahead_known) return false;
  const std::span<const Dot> logged = log_.DotsOf(key);
  return std::none_of(logged.begin(), logged.end(),
                      [&](const Dot& seen) { return balance.ahead.Has(seen); });
}

absl::Status Replica::Impl::MergeCompared(Storage& storage, const SentObject& object,
                                          const Balance& balance, int64_t now_ms) {
  const absl::StatusOr<Loaded> loaded = Load(storage, object.key, false, now_ms);
  if (!loaded.ok()) return loaded.status();
  const DotSet* const extra = ExtraOf(object.key);
  const auto has_sender_seen = [&](const Dot& dot) {
    return session_->clock.Has(dot) || object.extra.Has(dot);
  };
  const auto is_among = [](const std::vector<Version>& versions, const Dot& dot) {
    return std::any_of(versions.begin(), versions.end(),
                       [&](const Version& version) { return version.dot == dot; });
  };
  // A sender that has seen nothing more than this node cannot know that something is overwritten.
  const bool is_lost_there =
      !balance.is_behind && clock_.HasAll(object.extra) &&
      std::all_of(object.versions.begin(), object.versions.end(),
                  [&](const Version& sent) { return HasSeen(extra, sent.dot); });
  Verdict verdict{session_->id, {}, object.extra.Minus(clock_).Minus(session_->clock)};
  std::vector<Version> versions;
  bool is_newer_here = false;
  for (const Version& version : loaded->versions) {
    const bool is_sent = is_among(object.versions, version.dot);
    const bool is_unseen = !has_sender_seen(version.dot);
    is_newer_here |= !is_sent && is_unseen;
    if (!is_sent && !is_unseen && !is_lost_there) {
      // One that a session has brought, and nothing else has told, is nobody's here.
      if (!HasSeen(extra, version.dot)) continue;
      verdict.dead.Add(version.dot);
    }
    versions.push_back(version);
  }
  has_removed_ |= object.versions.empty() && !verdict.dead.empty();
  // A push may still bring one that the sender has seen overwritten.
  DotSet shown;
  for (const Version& version : object.versions) shown.Add(version.dot);
  verdict.dead.AddAll(verdict.extra.Minus(shown));
  for (const Version& version : object.versions) {
    time_ = std::max(time_, version.time);
    if (version.expiry != 0 && version.expiry <= now_ms) continue;
    if (is_among(versions, version.dot)) continue;
    // What this node shows, and the sender has not seen, may have overwritten what that one shows.
    const bool is_new = !HasSeen(extra, version.dot);
    if (is_new || (!is_newer_here && IsLostHere(object.key, extra, version.dot, balance))) {
      versions.push_back(version);
    }
  }
  const absl::Status put = Put(storage, object.key, *loaded, std::move(versions), now_ms);
  if (!put.ok()) return put;
  ++counts_.pulled_objects;
  if (verdict.dead.empty() && verdict.extra.empty()) return absl::OkStatus();
  verdicts_.insert_or_assign(object.key, std::move(verdict));
  changed_verdicts_.insert(object.key);
  return absl::OkStatus();
}

absl::Status Replica::Impl::EndSession(Storage& storage, int64_t now_ms) {
  is_log_whole_ = false;
  clock_.AddAll(session_->clock);
  clock_changed_ = true;
  const Slot last = session_->peer;
  needed_.erase(last);
  if (!verdicts_.empty()) ended_ = session_->id;
  recovery_changed_ = true;
  session_.reset();
  StripExtras();
  AskSecond(last, now_ms);
  return MaybeEnd(storage, now_ms);
}

// Of the session that has come to its end; that of another is void.
absl::Status Replica::Impl::CarryOut(Storage& storage, const std::string& key, int64_t now_ms) {
  const auto found = verdicts_.find(key);
  if (found == verdicts_.end()) return absl::OkStatus();
  const Verdict verdict = std::move(found->second);
  verdicts_.erase(found);
  changed_verdicts_.insert(key);
  if (verdict.session != ended_) return absl::OkStatus();
  const absl::StatusOr<Loaded> loaded = Load(storage, key, false, now_ms);
  if (!loaded.ok()) return loaded.status();
  std::vector<Version> versions = loaded->versions;
  std::erase_if(versions, [&](const Version& version) { return verdict.dead.Has(version.dot); });
  const absl::Status put = Put(storage, key, *loaded, std::move(versions), now_ms);
  if (!put.ok()) return put;
  DotSet extra = verdict.extra;
  if (const DotSet* const known = ExtraOf(key)) extra.AddAll(*known);
  SetExtra(key, std::move(extra));
  return absl::OkStatus();
}

absl::Status Replica::Impl::CarryOutSome(Storage& storage, int64_t now_ms) {
  for (size_t i = 0; i < kVerdictsPerTick && !verdicts_.empty(); ++i) {
    const absl::Status done = CarryOut(storage, std::string(verdicts_.begin()->first), now_ms);
    if (!done.ok()) return done;
  }
  if (!verdicts_.empty()) return absl::OkStatus();
  ended_ = 0;
  recovery_changed_ = true;
  return MaybeEnd(storage, now_ms);
}

absl::Status Replica::Impl::MaybeEnd(Storage& storage, int64_t now_ms) {
  if (!needed_.empty() || !verdicts_.empty()) return absl::OkStatus();
  second_rounds_ = 0;
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
// perhaps a part of a request. It goes.
absl::Status Replica::Impl::DropUnknown(Storage& storage, int64_t now_ms) {
  if (!std::exchange(has_leftovers_, false)) return absl::OkStatus();
  absl::Status result;
  std::vector<std::string> keys;
  std::vector<Dot> dots;
  const auto read = [&](std::string_view key, std::string_view stamp) {
    if (!DecodeDots(stamp, actors_, &dots)) {
      result = absl::DataLossError("the stamp of a record is malformed");
      return false;
    }
    const DotSet* const extra = ExtraOf(key);
    const auto is_unknown = [&](const Dot& dot) { return !HasSeen(extra, dot); };
    if (std::any_of(dots.begin(), dots.end(), is_unknown)) keys.emplace_back(key);
    return true;
  };
  const absl::Status walked = storage.ForEachStamp("", "", read);
  if (!walked.ok()) return walked;
  if (!result.ok()) return result;
  for (const std::string& key : keys) {
    const absl::StatusOr<Loaded> loaded = Load(storage, key, false, now_ms);
    if (!loaded.ok()) return loaded.status();
    const DotSet* const extra = ExtraOf(key);
    std::vector<Version> known = loaded->versions;
    std::erase_if(known, [&](const Version& version) { return !HasSeen(extra, version.dot); });
    const absl::Status put = Put(storage, key, *loaded, std::move(known), now_ms);
    if (!put.ok()) return put;
  }
  return absl::OkStatus();
}

}  // namespace kvserver::cluster
