// Another expiry time for a value that stays: Batch::SetExpiry.
//
// The time is in the record, in the vector's posting and in the word index, where a sealed segment
// never changes. So the value is written again, as a document of its own. It is read and derived
// on the caller's thread, as every write is; if another record stands there when the commit comes,
// the leader does that again, so that no value is lost and nobody has to try twice.
#include "base/hash.h"
#include "base/status_macros.h"
#include "format/keys.h"
#include "index/index_rows.h"
#include "store/commit_types.h"
#include "store/store_impl.h"
#include "store/stored_record.h"

namespace libkv {

// Takes value, stamp and vector from the record on disk. Left out: there is none, or it has that
// time.
absl::Status Store::Impl::ReadKept(PendingChange& change) const {
  change.kept = std::make_unique<KeptRecord>();
  change.value = {};
  change.vector = {};
  change.stamp = {};
  change.left_out = true;
  KeptRecord& kept = *change.kept;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, {}, change.key, &kept.pinned, &found));
  if (!found) return absl::OkStatus();
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadRecord(change.key, kept.pinned.view(), &record));
  kept.hash = Hash64(kept.pinned.view());
  kept.expiry = record.header.expiry;
  if (kept.expiry == change.expiry || record.header.ExpiredAt(Now())) return absl::OkStatus();
  change.left_out = false;
  change.value = record.value;
  change.stamp = record.header.stamp;
  return ReadKeptVector(record.header, change);
}

absl::Status Store::Impl::ReadKeptVector(const RecordHeader& header, PendingChange& change) const {
  const ActiveSpace* const space = change.space;
  // A value that its space has not indexed yet gets what a new one gets.
  change.embeds = space == nullptr || header.space != space->id();
  if (change.embeds || !header.has_vector || space->rotation() == nullptr) return absl::OkStatus();
  const std::string row_key = VectorKey(space->vectors_id(), header.document);
  PinnedValue row;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, {}, row_key, &row, &found));
  if (!found) {
    // A record that has gone went with its vector, and the commit will see that.
    LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, {}, change.key, &row, &found));
    if (!found || Hash64(row.view()) != change.kept->hash) return absl::OkStatus();
    // One that is still to be made is still to be made, and so is one that was lost.
    if (space->definition().embedder.empty()) return LostVector(change.key, false);
    change.embeds = true;
    return absl::OkStatus();
  }
  std::vector<float>& vector = change.kept->vector;
  if (!ParseVectorRow(row_key, row.view(), space->definition().dimension, &vector).ok()) {
    return LostVector(change.key, true);
  }
  change.vector = vector;
  return absl::OkStatus();
}

// The same from what an earlier request of the group has set, which is not on disk yet.
void Store::Impl::KeepPending(const Pending& there, PendingChange& change) const {
  change.kept = std::make_unique<KeptRecord>();
  change.value = {};
  change.vector = {};
  change.stamp = {};
  change.left_out =
      there.is_delete || there.header.expiry == change.expiry || there.header.ExpiredAt(Now());
  if (change.left_out) return;
  change.value = there.value;
  change.stamp = there.header.stamp;
  change.embeds = there.vector_is.has_value();
  if (there.change->derived != nullptr) change.kept->vector = there.change->derived->vector;
  change.vector = change.kept->vector;
}

// Whether the record that stands there is the one that was kept; one may have expired since.
absl::Status Store::Impl::IsStillKept(PendingChange& change, bool* is_still) const {
  StoredRecord stored;
  LIBKV_RETURN_IF_ERROR(ReadStored(change.key, &stored));
  const bool found = !stored.bytes.empty();
  const KeptRecord& kept = *change.kept;
  *is_still = found == kept.hash.has_value() && (!found || Hash64(stored.bytes) == *kept.hash);
  if (*is_still && RecordHeader{.expiry = kept.expiry}.ExpiredAt(Now())) change.left_out = true;
  return absl::OkStatus();
}

// On the leader's thread: the request's kept values become those that stand there now.
absl::Status Store::Impl::RenewKept(WriteRequest& request) {
  std::vector<DeriveItem> items;
  bool is_changed = false;
  for (PendingChange& change : request.changes) {
    if (!change.keeps_value) continue;
    const auto it = pending_.find(change.key);
    if (it != pending_.end() && (it->second.is_delete || it->second.change != nullptr)) {
      KeepPending(it->second, change);
    } else {
      bool is_still = false;
      LIBKV_RETURN_IF_ERROR(IsStillKept(change, &is_still));
      if (is_still) continue;
      LIBKV_RETURN_IF_ERROR(ReadKept(change));
    }
    is_changed = true;
    AddDeriveItems(change, &items);
  }
  if (!is_changed) return absl::OkStatus();
  LIBKV_RETURN_IF_ERROR(CheckBytes(request));
  LIBKV_RETURN_IF_ERROR(Derive(items));
  AssignLists(request);
  return absl::OkStatus();
}

}  // namespace libkv
