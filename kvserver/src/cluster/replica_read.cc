// Reads of several nodes: one round trip, after which this node has seen, of these keys, what all
// of them have seen.
#include "cluster/collector.h"
#include "cluster/replica_impl.h"
#include "cluster/stamp.h"

namespace kvserver::cluster {
namespace {

constexpr size_t kReadsMax = 65'536;

}  // namespace

absl::StatusOr<uint64_t> Replica::Impl::StartRead(Storage& storage,
                                                  std::span<const std::string_view> keys,
                                                  Level level, int64_t now_ms) {
  const size_t needed = NeededBy(level) - 1;
  const uint64_t id = next_read_++;
  if (needed == 0) {
    finished_reads_.push_back({id, true});
    return id;
  }
  if (reads_.size() >= kReadsMax) {
    return absl::ResourceExhaustedError("too many reads wait for other nodes");
  }
  Read read;
  read.id = id;
  read.clock = clock_;
  for (const std::string_view key : keys) {
    Read::Key& out = read.keys.emplace_back();
    out.key = key;
    const absl::StatusOr<Loaded> loaded = Load(storage, key, false, now_ms);
    if (!loaded.ok()) return loaded.status();
    for (const Version& version : loaded->versions) out.dots.push_back(version.dot);
    if (const DotSet* const extra = ExtraOf(key)) out.extra = *extra;
  }
  reads_[id] = {{}, needed, now_ms + options_.read_timeout_ms};
  for (const Peer& peer : peers_) {
    if (peer.generation != 0) Send(peer, read);
  }
  return id;
}

absl::Status Replica::Impl::ReceiveRead(Storage& storage, const Peer& peer, const Read& read,
                                        int64_t now_ms) {
  if (!is_ready()) return absl::OkStatus();
  ReadAnswer answer;
  answer.id = read.id;
  answer.objects.clock = clock_;
  DotSet needed;
  clock_.Minus(read.clock).ForEachInterval([&](const DotSet::Interval& interval) {
    needed.AddRange(interval.actor, interval.first, interval.last);
  });
  answer.objects.is_complete = log_.dots().HasAll(needed);
  Collector collector(*this, storage, read.clock, &answer.objects);
  for (const Read::Key& key : read.keys) {
    absl::StatusOr<Loaded> loaded = Load(storage, key.key, false, now_ms);
    if (!loaded.ok()) return loaded.status();
    std::vector<Dot> dots;
    for (const Version& version : loaded->versions) dots.push_back(version.dot);
    if (dots == key.dots) continue;
    const absl::Status status = collector.AddKey(key.key);
    if (!status.ok()) return status;
  }
  Send(peer, std::move(answer));
  return absl::OkStatus();
}

absl::Status Replica::Impl::ReceiveReadAnswer(Storage& storage, const Peer& peer,
                                              const ReadAnswer& answer, int64_t now_ms) {
  const auto found = reads_.find(answer.id);
  if (found == reads_.end() || is_recovering_) return absl::OkStatus();
  if (HasTimeAhead(answer.objects, now_ms)) {
    ++counts_.refused_messages;
    return absl::OkStatus();
  }
  if (!answer.objects.is_complete && !answer.objects.objects.empty()) {
    // What hangs together with these keys is not known any more: a pull would find the same.
    Recover({peer.slot});
    return absl::OkStatus();
  }
  for (const SentObject& object : answer.objects.objects) {
    const absl::Status merged = MergeObject(storage, object, answer.objects, now_ms);
    if (!merged.ok()) return merged;
  }
  PendingRead& pending = found->second;
  pending.answers.insert(peer.slot);
  if (pending.answers.size() < pending.needed) return absl::OkStatus();
  finished_reads_.push_back({answer.id, true});
  reads_.erase(found);
  return absl::OkStatus();
}

absl::StatusOr<KeyState> Replica::Impl::State(Storage& storage, std::string_view key) {
  absl::StatusOr<Loaded> loaded = Load(storage, key, true, last_tick_ms_);
  if (!loaded.ok()) return loaded.status();
  KeyState state;
  state.versions = std::move(loaded->versions);
  state.context = ContextOf(key);
  return state;
}

}  // namespace kvserver::cluster
