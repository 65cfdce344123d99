#include "sim/truth.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sim/names.h"

namespace kvserver::sim {

using cluster::Actor;
using cluster::Dot;
using cluster::DotSet;
using cluster::Kind;
using cluster::Slot;
using cluster::Version;

namespace {

const Version* FindVersion(const std::vector<Version>& versions, const Dot& dot) {
  for (const Version& version : versions) {
    if (version.dot == dot) return &version;
  }
  return nullptr;
}

}  // namespace

std::string Truth::Add(TruthWrite write, const DotSet& context, const std::vector<Version>& before,
                       const std::vector<Version>& after, int64_t now_ms, WriteId* id) {
  std::vector<WriteId>& others = by_key_[write.key];
  write.place = others.size();
  *id = writes_.size();
  if (!by_dot_.emplace(write.dot, *id).second) return "I5: a dot is given twice: " + Name(write);

  // What is gone at the writer was overwritten, and nothing else was.
  for (const Version& version : before) {
    const bool is_gone = FindVersion(after, version.dot) == nullptr;
    const TruthWrite* old = Find(version.dot);
    if (old == nullptr) return "I5: a version that nobody wrote: " + DotName(version.dot);
    // Whether one that is over stays in the record until another write makes no difference.
    if (version.expiry != 0 && version.expiry <= now_ms) continue;
    if (write.kind == Kind::kCounter) {
      if (!is_gone) continue;
      if (old->kind != Kind::kCounter) return "an increment has overwritten " + Name(*old);
      write.seen.Add(old->place);
      write.seen.AddAll(old->seen);
      write.members.AddAll(old->members);
    } else if (is_gone != context.Has(version.dot)) {
      return Name(write) + (is_gone ? " has overwritten unseen " : " has not overwritten ") +
             Name(*old);
    }
  }
  if (write.kind != Kind::kCounter) {
    for (const WriteId other : others) {
      const TruthWrite& old = writes_[other];
      // A context with settled actors has their lost writes, too, which nobody has seen.
      if (!IsReal(context, old.dot)) continue;
      write.seen.Add(old.place);
      write.seen.AddAll(old.seen);
    }
  } else {
    write.members.Add(write.place);
    int64_t sum = write.amount;
    for (const WriteId other : others) {
      if (write.members.Has(writes_[other].place)) sum += writes_[other].amount;
    }
    write.value = std::to_string(sum);
  }
  const Version* own = FindVersion(after, write.dot);
  if ((own == nullptr) != write.is_delete) return Name(write) + " is not as written at its writer";
  if (own != nullptr && own->value != write.value) {
    return Name(write) + " has at its writer the value " + own->value;
  }
  // An increment has the deadline of what it has added to.
  if (own != nullptr && write.kind == Kind::kCounter) write.expiry = own->expiry;
  others.push_back(*id);
  writes_.push_back(std::move(write));
  return "";
}

size_t Truth::AddUnit(std::vector<WriteId> writes) {
  for (const WriteId id : writes) writes_[id].unit = units_.size();
  units_.push_back({std::move(writes)});
  return units_.size() - 1;
}

void Truth::Acknowledge(WriteId id, bool by_quorum) {
  ++acknowledgements_;
  if (by_quorum && writes_[id].quorum_time == 0) writes_[id].quorum_time = acknowledgements_;
  writes_[id].is_acknowledged = true;
}

const TruthWrite* Truth::Find(const Dot& dot) const {
  const auto found = by_dot_.find(dot);
  return found == by_dot_.end() ? nullptr : &writes_[found->second];
}

void Truth::NoteSettled(const DotSet& before, const DotSet& after) {
  after.ForEachSettled([&](Slot slot, uint64_t generation) {
    uint64_t& settled = settled_[slot];
    if (generation <= settled) return;
    for (const Actor& actor : before.actors()) {
      if (actor.slot != slot || actor.generation <= settled || actor.generation > generation) {
        continue;
      }
      real_.emplace(actor, before.Only(actor));
    }
    settled = generation;
  });
}

bool Truth::IsReal(const DotSet& clock, const Dot& dot) const {
  if (clock.settled(dot.actor.slot) < dot.actor.generation) return clock.Has(dot);
  const auto found = real_.find(dot.actor);
  return found != real_.end() && found->second.Has(dot);
}

std::string Truth::CheckVersions(size_t key, const std::vector<Version>& versions) const {
  Bits counted;
  for (const Version& version : versions) {
    const TruthWrite* write = Find(version.dot);
    if (write == nullptr) return "I5: a version that nobody wrote: " + DotName(version.dot);
    if (write->key != key || write->is_delete || write->kind != version.kind ||
        write->value != version.value || write->vector != version.vector ||
        write->expiry != version.expiry) {
      return "I5: " + Name(*write) + " has become " + version.value;
    }
    if (write->kind != Kind::kCounter) continue;
    if (counted.Meets(write->members)) return "an increment counts twice with " + Name(*write);
    counted.AddAll(write->members);
  }
  return "";
}

std::string Truth::Name(const TruthWrite& write) {
  const char* kind = write.is_delete                ? "delete "
                     : write.kind == Kind::kCounter ? "increment "
                                                    : "set ";
  return kind + DotName(write.dot) + " of " + KeyName(write.key) +
         (write.quorum_time != 0 ? " (acknowledged)" : "");
}

Bits Truth::LivePlaces(const std::vector<Version>& versions) const {
  Bits live;
  for (const Version& version : versions) {
    const TruthWrite* write = Find(version.dot);
    if (write == nullptr) continue;
    live.Add(write->place);
    live.AddAll(write->members);
  }
  return live;
}

}  // namespace kvserver::sim
