// What replicas tell each other when no client asks: adverts of their clocks, and pulls of what is
// missing.
#include <algorithm>
#include <limits>

#include "cluster/collector.h"
#include "cluster/mutant.h"
#include "cluster/replica_impl.h"
#include "cluster/row_names.h"

namespace kvserver::cluster {
namespace {

// Of one message of another node. More than a log holds cannot be in one.
bool IsBounded(const Objects& objects, size_t dots_max) {
  uint64_t count = objects.vacuous.dot_count();
  for (const SentObject& object : objects.objects) {
    const uint64_t more = object.covered.dot_count();
    if (more > dots_max || count > dots_max) return false;
    count += more;
  }
  return count <= dots_max;
}

}  // namespace

Advert Replica::Impl::MakeAdvert() const {
  Advert advert;
  advert.durable = IsMutant(Mutant::kUnsyncedStability) ? clock_ : durable_;
  advert.generations = durable_generations_;
  advert.is_recovering = is_recovering_;
  return advert;
}

void Replica::Impl::SendAdvert(Peer& peer, bool wants_answer, bool with_known, int64_t now_ms) {
  Advert advert = MakeAdvert();
  peer.advert_sent_ms = now_ms;
  peer.advert_sent_hash = HashOf(advert);
  advert.wants_answer = wants_answer;
  if (with_known) {
    advert.known = peer.told;
    // What it had told is forgotten. If it lacks anything that is here, it compares all again. A
    // run of ours that began since then does not remember.
    const bool remembers = peer.was_recovering && !IsMutant(Mutant::kTellRecoveryUnsynced);
    if (remembers && !IsRecovering(peer)) advert.known->AddAll(durable_);
  }
  // Who hears that this node has lost something forgets what it had told. So the next run has to
  // know it by itself.
  if (is_recovering_ && !IsMutant(Mutant::kTellRecoveryUnsynced)) {
    SendWhenDurable(peer, std::move(advert));
  } else {
    Send(peer, std::move(advert));
  }
}

void Replica::Impl::PeerConnected(Slot slot) {
  if (Peer* const peer = PeerOf(slot)) peer->advert_sent_ms = kNeverMs;
}

absl::Status Replica::Impl::Receive(Storage& storage, const Message& message, int64_t now_ms) {
  Peer* const peer = PeerOf(message.from.slot);
  const auto drop = [&] {
    ++counts_.refused_messages;
    return absl::OkStatus();
  };
  if (peer == nullptr) return drop();
  const Body& body = message.body;
  const bool is_for_any = std::holds_alternative<Push>(body) ||
                          std::holds_alternative<Advert>(body) ||
                          std::holds_alternative<Refusal>(body);

  // A run that is over has nothing more to say.
  const auto known = generations_.find(message.from.slot);
  const bool is_over = known != generations_.end() && message.from.generation < known->second;
  if (is_over && !IsMutant(Mutant::kRetireUnfenced)) return drop();
  // Whom it is for says, too, which run of ours is known: a Digest says nothing else.
  Generations told = message.generations;
  if (message.to.slot == self_.slot) {
    uint64_t& mine = told[self_.slot];
    mine = std::max(mine, message.to.generation);
  }
  for (const auto& [slot, generation] : told) {
    if (slot == self_.slot && generation > self_.generation) {
      // After losing its disk, with a clock that went back; or this is not the only such process.
      if (counter_ > 0 || IsMutant(Mutant::kReusedActor)) {
        return absl::FailedPreconditionError(
            "a later run of node " + std::to_string(slot) +
            " is known to the others: two processes run as one node, or its clock went back");
      }
      self_.generation = ((generation >> 16) + 1) << 16 | (random_() & 0xFFFF);
      generations_[slot] = self_.generation;
      generations_changed_ = true;
      muted_until_ = next_turn_;
      return absl::OkStatus();
    }
    if (PeerOf(slot) == nullptr && slot != self_.slot) continue;
    uint64_t& mine = generations_[slot];
    if (generation <= mine) continue;
    mine = generation;
    generations_changed_ = true;
  }
  if (message.from.generation > peer->generation) {
    peer->generation = message.from.generation;
    peer->advert.reset();
    peer->advert_sent_hash = 0;
    peer->pull_sent_ms = 0;
    peer->assumed = {};
    served_.erase(peer->slot);
    if (session_ && session_->peer == peer->slot) BreakOff();
  }
  if (peer->generation != message.from.generation) {
    if (!IsMutant(Mutant::kRetireUnfenced)) return drop();
  }
  // Only now: that it is for another run of ours does not make what it says of runs less true, and
  // two nodes that both know an old run of the other one would else never hear each other.
  if (message.to.generation == 0 ? !is_for_any : message.to != self_) return drop();
  peer->heard_ms = now_ms;

  if (const auto* push = std::get_if<Push>(&body)) {
    return MergePush(storage, *peer, message.from, *push, now_ms);
  }
  if (const auto* ack = std::get_if<Ack>(&body)) {
    Acknowledge(ack->turn, peer->slot);
    return absl::OkStatus();
  }
  if (const auto* advert = std::get_if<Advert>(&body)) {
    ReceiveAdvert(*peer, message.from, *advert, now_ms);
    return absl::OkStatus();
  }
  if (const auto* digest = std::get_if<Digest>(&body)) {
    // It has told something that did not come.
    if (!peer->advert || HashOf(*peer->advert) != digest->advert_hash) {
      SendAdvert(*peer, true, false, now_ms);
    }
    return absl::OkStatus();
  }
  if (const auto* pull = std::get_if<Pull>(&body)) {
    return ReceivePull(storage, *peer, *pull, now_ms);
  }
  if (const auto* objects = std::get_if<Objects>(&body)) {
    if (!IsBounded(*objects, options_.log_dots_max)) return drop();
    return ReceiveObjects(storage, *peer, *objects, now_ms);
  }
  if (const auto* read = std::get_if<Read>(&body)) {
    return ReceiveRead(storage, *peer, *read, now_ms);
  }
  if (const auto* answer = std::get_if<ReadAnswer>(&body)) {
    if (!IsBounded(answer->objects, options_.log_dots_max)) return drop();
    return ReceiveReadAnswer(storage, *peer, *answer, now_ms);
  }
  if (const auto* open = std::get_if<RangeOpen>(&body)) {
    return ReceiveRangeOpen(storage, *peer, *open, now_ms);
  }
  if (const auto* opened = std::get_if<RangeOpened>(&body)) {
    return ReceiveRangeOpened(storage, *peer, *opened, now_ms);
  }
  if (const auto* hashes = std::get_if<RangeHashes>(&body)) {
    return ReceiveRangeHashes(*peer, *hashes, now_ms);
  }
  if (const auto* differs = std::get_if<RangeDiffers>(&body)) {
    return ReceiveRangeDiffers(storage, *peer, *differs, now_ms);
  }
  if (const auto* items = std::get_if<RangeItems>(&body)) {
    return ReceiveRangeItems(*peer, *items, now_ms);
  }
  if (const auto* objects = std::get_if<RangeObjects>(&body)) {
    if (!IsBounded(objects->objects, options_.log_dots_max)) return drop();
    return ReceiveRangeObjects(storage, *peer, *objects, now_ms);
  }
  return absl::OkStatus();  // a Refusal is for people
}

void Replica::Impl::ReceiveAdvert(Peer& peer, const Actor& from, const Advert& advert,
                                  int64_t now_ms) {
  static_cast<void>(from);
  peer.durable = advert.durable;
  const bool has_recovered = IsRecovering(peer) && !advert.is_recovering;
  if (advert.is_recovering) {
    peer.was_recovering = true;
  } else if (has_recovered || advert.durable.HasAll(durable_)) {
    peer.was_recovering = false;
  }
  // One that recovers knows that it has lost something; one that does not has to be told.
  if (advert.is_recovering) {
    peer.is_told_saved = peer.is_told_saved && peer.told == advert.durable;
    peer.told = advert.durable;
  } else if (!peer.told.HasAll(advert.durable)) {
    peer.is_told_saved = false;
    peer.told.AddAll(advert.durable);
  }
  peer.advert = advert;
  peer.advert->known.reset();
  if (advert.known) {
    peer.has_answered = true;
    // It was told, by an earlier run of ours, of writes that we have not: the disk has lost them.
    if (!clock_.HasAll(*advert.known)) {
      std::set<Slot> all;
      for (const Peer& each : peers_) all.insert(each.slot);
      Recover(all);
    }
  }
  if (advert.wants_answer) SendAdvert(peer, false, true, now_ms);

  const bool is_missing = !clock_.HasAll(advert.durable);
  if (!is_missing) {
    peer.missing_since_ms = 0;
    peer.has_gap = false;
  } else if (peer.missing_since_ms == 0) {
    // What it had before this run of ours is not on its way.
    peer.missing_since_ms = advert.known ? now_ms - options_.heartbeat_ms : now_ms;
  }
  // What it has on disk counts, however it got there.
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    DotSet written;
    written.AddRange(self_, it->second.first, it->second.last);
    const uint64_t turn = it->first;
    ++it;
    if (advert.durable.HasAll(written)) Acknowledge(turn, peer.slot);
  }
}

// Another node that has all of it is answering already: asked of both, it would come twice.
bool Replica::Impl::IsPulledElsewhere(const Peer& peer, int64_t now_ms) const {
  return std::any_of(peers_.begin(), peers_.end(), [&](const Peer& other) {
    if (other.slot == peer.slot || !other.advert || !peer.advert) return false;
    if (other.pull_sent_ms == 0 || now_ms - other.pull_sent_ms >= options_.step_timeout_ms) {
      return false;
    }
    return other.advert->durable.HasAll(peer.advert->durable.Minus(clock_));
  });
}

void Replica::Impl::MaybePull(Peer& peer, int64_t now_ms) {
  if (is_recovering_ && !IsMutant(Mutant::kRecoveringAsNormal)) return;
  if (peer.generation == 0) return;
  if (peer.pull_sent_ms != 0 && now_ms - peer.pull_sent_ms < options_.step_timeout_ms) return;
  // What is on its way comes by itself.
  const bool is_missing =
      peer.missing_since_ms != 0 && now_ms - peer.missing_since_ms >= options_.heartbeat_ms;
  if (!is_missing && !peer.has_gap) return;
  if (!peer.has_gap && IsPulledElsewhere(peer, now_ms)) return;
  peer.has_gap = false;
  peer.pull_sent_ms = now_ms;
  Send(peer, Pull{clock_});
}

// Of what Receive would drop nothing is asked for.
absl::Status Replica::Impl::AskAhead(Storage& storage, const Message& message, int64_t now_ms) {
  Peer* const peer = PeerOf(message.from.slot);
  if (peer == nullptr || message.to != self_ || peer->generation != message.from.generation) {
    return absl::OkStatus();
  }
  peer->is_asked_ahead = false;
  for (const auto& [slot, generation] : message.generations) {
    const auto known = generations_.find(slot);
    if (known == generations_.end() || known->second < generation) return absl::OkStatus();
  }
  if (const auto* objects = std::get_if<Objects>(&message.body)) {
    const bool follows = !objects->is_last && objects->is_complete && !is_recovering_ &&
                         peer->pull_sent_ms != 0 && clock_.HasAll(peer->assumed) &&
                         IsBounded(*objects, options_.log_dots_max) &&
                         !HasTimeAhead(*objects, now_ms);
    if (!follows) return absl::OkStatus();
    DotSet next = clock_;
    for (const SentObject& object : objects->objects) next.AddAll(object.covered);
    next.AddAll(objects->vacuous);
    if (next.dot_count() == clock_.dot_count()) return absl::OkStatus();
    Send(*peer, Pull{next});
    peer->pull_sent_ms = now_ms;
    peer->assumed = std::move(next);
    peer->is_asked_ahead = true;
    return absl::OkStatus();
  }
  const auto* answer = std::get_if<RangeObjects>(&message.body);
  if (answer == nullptr || !session_ || session_->peer != peer->slot) return absl::OkStatus();
  Session& session = *session_;
  const bool follows = session.id == answer->session && session.step == answer->step &&
                       session.has_window && !session.ahead && answer->objects.is_complete &&
                       answer->reached != session.items_end && answer->reached > session.position &&
                       IsBelow(answer->reached, session.items_end) &&
                       !HasTimeAhead(answer->objects, now_ms);
  if (!follows) return absl::OkStatus();
  auto items = MakeItems(storage, answer->reached, session.buckets[session.next_bucket].end,
                         session.step + 1, &session.ahead_keys);
  if (!items.ok()) return items.status();
  session.ahead = *items;
  Send(session.peer, session.generation, *std::move(items));
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceivePull(Storage& storage, const Peer& peer, const Pull& pull,
                                        int64_t now_ms) {
  // A node that compares its keys knows of dots of which the effect is yet to come.
  if (is_recovering_) return absl::OkStatus();
  Objects answer;
  answer.clock = clock_;
  const DotSet missing = clock_.Minus(pull.clock);
  DotSet needed;
  missing.ForEachInterval([&](const DotSet::Interval& interval) {
    needed.AddRange(interval.actor, interval.first, interval.last);
  });
  answer.is_complete = log_.dots().HasAll(needed);
  static_cast<void>(now_ms);
  if (answer.is_complete || IsMutant(Mutant::kNoCompletenessCheck)) {
    Collector collector(*this, storage, pull.clock, &answer);
    const absl::Status status = collector.AddMissing(missing, options_.chunk_bytes);
    if (!status.ok()) return status;
  }
  if (IsMutant(Mutant::kNoCompletenessCheck)) answer.is_complete = true;
  Send(peer, std::move(answer));
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceiveObjects(Storage& storage, Peer& peer, const Objects& objects,
                                           int64_t now_ms) {
  if (peer.pull_sent_ms == 0 || is_recovering_) return absl::OkStatus();
  const bool is_asked_ahead = std::exchange(peer.is_asked_ahead, false);
  if (!is_asked_ahead && !clock_.HasAll(peer.assumed)) {
    // What it goes on from was not stored, after all. A comparison goes by what is here.
    Recover({peer.slot});
    return absl::OkStatus();
  }
  peer.pull_sent_ms = 0;
  if (!objects.is_complete) {
    Recover({peer.slot});
    return absl::OkStatus();
  }
  if (HasTimeAhead(objects, now_ms)) {
    ++counts_.refused_messages;
    peer.pull_sent_ms = now_ms;  // not at once again
    return absl::OkStatus();
  }
  const uint64_t dots_before = clock_.dot_count();
  for (const SentObject& object : objects.objects) {
    const absl::Status merged = MergeObject(storage, object, objects, now_ms);
    if (!merged.ok()) return merged;
  }
  objects.vacuous.ForEachInterval([&](const DotSet::Interval& interval) {
    for (uint64_t counter = interval.first; counter <= interval.last; ++counter) {
      const Dot dot{interval.actor, counter};
      if (!clock_.Has(dot)) AddDot(dot, "", counter, 1);
    }
  });
  if (!objects.is_last) {
    peer.pull_sent_ms = now_ms;
    if (is_asked_ahead) return absl::OkStatus();
    // An answer that brings nothing new is one of several to the same question, which was repeated
    // because it came late, or asked of two nodes. If each were followed by the next Pull, their
    // number would grow with every late answer and never shrink; so only the first of them is. If
    // there was no other, the Pull is repeated in time.
    if (clock_.dot_count() != dots_before) Send(peer, Pull{clock_});
    return absl::OkStatus();
  }
  // All of it has come: with it the settled actors, and what had no effect.
  if (!clock_.HasAll(objects.clock)) {
    clock_.AddAll(objects.clock);
    clock_changed_ = true;
    StripExtras();
  }
  peer.missing_since_ms = 0;
  return absl::OkStatus();
}

}  // namespace kvserver::cluster
