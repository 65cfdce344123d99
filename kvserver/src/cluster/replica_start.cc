// A new run of a replica, out of the rows of the last one.
#include <algorithm>

#include "base/byte_codec.h"
#include "cluster/mutant.h"
#include "cluster/replica_impl.h"
#include "cluster/row_names.h"

namespace kvserver::cluster {
namespace {

absl::Status Damaged(std::string_view row) {
  return absl::DataLossError("the replication row " + std::string(row) +
                             " is malformed, or of a newer kvserver");
}

}  // namespace

absl::Status Replica::Impl::Start(Storage& storage, int64_t now_ms) {
  if (options_.members.empty() || options_.members.size() > kMembersMax ||
      std::count(options_.members.begin(), options_.members.end(), options_.self) != 1) {
    return absl::InvalidArgumentError("a cluster has 1 to 16 nodes with different ids");
  }
  bool is_known = false;
  absl::Status result;
  std::vector<std::pair<std::string, std::string>> log_rows;
  const auto load = [&](std::string_view name, std::string_view row) {
    uint64_t number = 0;
    const auto fail = [&] {
      result = Damaged(name.substr(0, 2));
      return false;
    };
    if (name == kNodeRow) {
      Slot slot = 0;
      if (!ReadNodeRow(row, &slot)) return fail();
      if (slot != options_.self) {
        result = absl::FailedPreconditionError(
            "the directory is that of node " + std::to_string(slot) + ", and this is node " +
            std::to_string(options_.self) + "; give each node a directory of its own");
        return false;
      }
      is_known = true;
    } else if (name == kClockRow) {
      if (!clock_.DecodeFrom(row) || !row.empty()) return fail();
    } else if (name == kGenerationsRow) {
      if (!ReadGenerationsRow(row, &generations_)) return fail();
    } else if (name == kRecoveringRow) {
      is_recovering_ = true;
      if (!ReadSlotsRow(row, &needed_)) return fail();
    } else if (name == kEndedRow) {
      ByteReader reader(row);
      if (!reader.Fixed64(&ended_) || !reader.at_end()) return fail();
    } else if (name.starts_with(kVerdictPrefix)) {
      ByteReader reader(row);
      std::string_view key;
      Verdict verdict;
      if (!reader.Bytes(&key) || !reader.Fixed64(&verdict.session)) return fail();
      std::string_view rest = reader.rest();
      if (!verdict.dead.DecodeFrom(rest) || !verdict.extra.DecodeFrom(rest)) return fail();
      if (!rest.empty()) return fail();
      verdicts_.emplace(key, std::move(verdict));
    } else if (NumberOfRow(name, kActorPrefix, &number)) {
      Actor actor;
      if (!ReadActorRow(row, &actor) || actors_.IndexOf(actor) != number) return fail();
    } else if (NumberOfRow(name, kPeerPrefix, &number)) {
      Peer* const peer = PeerOf(static_cast<Slot>(number));
      if (peer != nullptr && (!peer->told.DecodeFrom(row) || !row.empty())) return fail();
      if (peer != nullptr) peer->durable = peer->told;
    } else if (name.starts_with(kExtraPrefix)) {
      ByteReader reader(row);
      std::string_view key;
      if (!reader.Bytes(&key)) return fail();
      std::string_view rest = reader.rest();
      DotSet extra;
      if (!extra.DecodeFrom(rest) || !rest.empty()) return fail();
      extras_.emplace(key, std::move(extra));
    } else if (PlaceOfLogRow(name, &number) || name.starts_with(kOldLogPrefix)) {
      log_rows.emplace_back(name, row);
    }
    return true;
  };
  const absl::Status read = storage.ForEachRow(kRowPrefix, load);
  if (!read.ok()) return read;
  if (!result.ok()) return result;
  saved_actors_ = actors_.size();
  for (const auto& [name, row] : log_rows) {
    uint64_t place = 0;
    if (!PlaceOfLogRow(name, &place)) continue;
    if (!log_.LoadRow(next_turn_, row, actors_)) return Damaged("log");
    log_places_.Found(next_turn_++, place);
  }
  // Those of directories of older versions get a place.
  for (const auto& [name, row] : log_rows) {
    if (!name.starts_with(kOldLogPrefix)) continue;
    if (!log_.LoadRow(next_turn_, row, actors_)) return Damaged(kOldLogPrefix);
    storage.PutRow(LogRow(log_places_.Take(next_turn_++)), row);
    storage.DeleteRow(name);
  }
  // What is in the log has its effect in the storage: it came with it.
  clock_.AddAll(log_.dots());
  durable_ = clock_;

  if (!is_known) {
    bool has_records = false;
    const auto any = [&](std::string_view, std::string_view) {
      has_records = true;
      return false;
    };
    const absl::Status walked = storage.ForEachStamp("", "", any);
    if (!walked.ok()) return walked;
    if (has_records) {
      return absl::FailedPreconditionError(
          "the directory holds data that was written without --peers: start the cluster with new "
          "directories, and load the data with kv export and kv import");
    }
  }
  node_changed_ = true;
  // One that was recovering cannot know that its disk is not an old copy, of a time when it had
  // compared its keys with some already: what these have told it since would be missing.
  const bool has_lost = !is_known || options_.must_recover || is_recovering_;
  has_leftovers_ = is_recovering_;
  is_started_ = true;

  // Greater than every one before, as far as this node can know: see ReceiveAdvert for the rest.
  const uint64_t last = generations_[options_.self];
  const uint64_t base =
      std::max((last >> 16) + 1, static_cast<uint64_t>(std::max<int64_t>(now_ms, 0)));
  self_ = {options_.self, base << 16 | (random_() & 0xFFFF)};
  if (IsMutant(Mutant::kReusedActor) && last != 0) {
    self_.generation = last;
    clock_.Only(self_).ForEachInterval(
        [&](const DotSet::Interval& interval) { counter_ = interval.last; });
  }
  generations_[self_.slot] = self_.generation;
  durable_generations_ = generations_;
  generations_changed_ = true;
  recovery_changed_ = true;

  if (has_lost && !peers_.empty() && !IsMutant(Mutant::kRecoveringAsNormal)) {
    std::set<Slot> all;
    for (const Peer& peer : peers_) all.insert(peer.slot);
    Recover(all);
  }
  StripExtras();
  return absl::OkStatus();
}

bool Replica::Impl::is_welcome() const {
  size_t answered = 1;
  for (const Peer& peer : peers_) answered += peer.has_answered ? 1 : 0;
  return answered >= majority();
}

void Replica::Impl::Recover(const std::set<Slot>& from) {
  if (IsMutant(Mutant::kRecoveringAsNormal)) return;
  const size_t before = needed_.size();
  needed_.insert(from.begin(), from.end());
  if (is_recovering_ && needed_.size() == before && !leaves_recovery_) return;
  is_recovering_ = true;
  leaves_recovery_ = false;
  recovery_changed_ = true;
}

}  // namespace kvserver::cluster
