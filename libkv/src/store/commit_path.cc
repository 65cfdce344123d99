// How a group of writes is committed, by whoever leads the queue: conditions are evaluated, rows
// appended, one batch written, and memory brought up to it.
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/commit_types.h"
#include "store/store_impl.h"
#include "store/stored_record.h"
#include "store/sum.h"

namespace libkv {
namespace {

// Document ids are reserved on disk in blocks, so that most batches need not.
constexpr uint64_t kDocumentBlock = 65'536;

}  // namespace

void Store::Impl::CommitGroup(std::span<CommitQueue::Request* const> group) {
  batch_->Clear();
  publications_.clear();
  pending_.clear();

  // Only groups in which somebody looks at what was there before need to know what the requests
  // before them in the group did.
  bool track = false;
  for (CommitQueue::Request* request : group) {
    const auto& r = *static_cast<const WriteRequest*>(request);
    track = track || r.condition != WriteRequest::Condition::kNone || r.table != &Spaces();
    for (const PendingChange& change : r.changes) {
      track = track || change.space != nullptr || change.only_if_record.has_value() ||
              change.keeps_value || change.left_out;
    }
  }
  bool sync = false;
  size_t changes = 0;
  for (CommitQueue::Request* request : group) {
    auto& r = *static_cast<WriteRequest*>(request);
    if (!Admit(r, track)) continue;
    sync = sync || r.durability == Durability::kSynced;
    changes += r.applied;
  }
  if (batch_->count() == 0) return;

  const absl::Status status = engine_->Write(*batch_, sync);
  records_->EndChanges(/*are_written=*/status.ok());
  if (!status.ok()) {
    for (CommitQueue::Request* request : group) {
      auto& r = *static_cast<WriteRequest*>(request);
      if (r.status.ok()) r.status = status;
    }
    return;
  }
  Publish(group, engine_->LatestSequence());
  for (CommitQueue::Request* request : group) {
    auto& r = *static_cast<WriteRequest*>(request);
    if (r.after && r.status.ok()) r.after();
  }
  commits_.fetch_add(1, std::memory_order_relaxed);
  writes_.fetch_add(changes, std::memory_order_relaxed);
  if (sync) syncs_.fetch_add(1, std::memory_order_relaxed);
  unsynced_.store(!sync, std::memory_order_relaxed);
}

// Adds the request's rows to the batch, all or none; false: none, and its status says why.
bool Store::Impl::Admit(WriteRequest& request, bool track) {
  const bool outdated = request.table != nullptr && request.table != &Spaces();
  if (outdated) request.status = Prepare(request);
  if (request.status.ok()) request.status = RenewKept(request);
  if (request.status.ok()) request.status = Evaluate(request);
  std::vector<OldRecord> olds;
  if (request.status.ok() && track) request.status = ReadOlds(request, &olds);
  if (!request.status.ok()) return false;
  PlaceVectors(request);
  if (request.more_rows) request.more_rows(*batch_);
  if (request.rows != nullptr) AppendRows(*request.rows);
  AppendRequest(request, olds, track);
  return true;
}

absl::Status Store::Impl::Evaluate(WriteRequest& request) {
  if (request.condition == WriteRequest::Condition::kNone) return absl::OkStatus();
  PendingChange& change = request.changes.front();
  StoredRecord stored;
  Record record;
  bool there = false;
  if (const auto it = pending_.find(change.key); it != pending_.end()) {
    there = !it->second.is_delete;
    record.header = it->second.header;
    record.value = it->second.value;
    there = there && !record.header.ExpiredAt(Now());
  } else {
    const absl::Status status = ReadNewest(change.key, /*fill_cache=*/true, &stored, &record);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    there = status.ok();
  }

  if (request.condition == WriteRequest::Condition::kCompare) {
    if (there == request.expected.has_value() && (!there || record.value == *request.expected)) {
      return absl::OkStatus();
    }
    return MakeStatus(absl::StatusCode::kAborted, "key '", Printable(change.key), "' has ",
                      there ? "another value" : "no value");
  }
  if (change.space != nullptr) {
    return MakeStatus(absl::StatusCode::kAborted, "a space was defined meanwhile");
  }
  LIBKV_ASSIGN_OR_RETURN(request.sum, Sum(change.key, there ? record.value : "0", request.amount));
  request.sum_text = Concat(request.sum);
  change.value = request.sum_text;
  change.expiry = there ? record.header.expiry : 0;
  return absl::OkStatus();
}

// What stands under the key of `change` before it: its document is to be removed.
absl::Status Store::Impl::ReadOld(const PendingChange& change, OldRecord* old) {
  std::string_view value;
  StoredRecord stored;
  if (const auto it = pending_.find(change.key); it != pending_.end()) {
    if (change.only_if_record.has_value()) old->left_out = true;
    if (it->second.is_delete) return absl::OkStatus();
    old->header = it->second.header;
    old->vector_is = it->second.vector_is;
    old->derived.list = it->second.list;
    old->next_list = it->second.next_list;
    value = it->second.value;
  } else {
    LIBKV_RETURN_IF_ERROR(ReadStored(change.key, &stored));
    if (change.only_if_record.has_value()) {
      old->left_out = stored.bytes.empty() || Hash64(stored.bytes) != *change.only_if_record;
    }
    // A damaged record can be overwritten and deleted: that is how a user gets rid of it.
    Record record;
    if (!ParseRecord(change.key, stored.bytes, &record).ok()) return absl::OkStatus();
    old->header = record.header;
    value = record.value;
    LIBKV_RETURN_IF_ERROR(ReadOldList(old));
    LIBKV_RETURN_IF_ERROR(ReadPendingState(record.header, &old->vector_is));
  }
  old->header.stamp = {};  // it would point into `stored`
  old->space = old->header.space == 0 ? nullptr : Spaces().ById(old->header.space);
  if (old->space != nullptr && old->space->has_value_rows()) {
    DeriveValueRows(*old->space, value, &old->derived);
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::ReadOlds(WriteRequest& request, std::vector<OldRecord>* olds) {
  olds->resize(request.changes.size());
  StringViewSet seen;
  for (size_t i = request.changes.size(); i-- > 0;) {
    const PendingChange& change = request.changes[i];
    OldRecord& old = (*olds)[i];
    old.left_out = change.left_out;
    if (change.left_out) continue;
    // Of several changes to one key in a batch only the last one happens.
    if (request.changes.size() > 1 && !seen.insert(change.key).second) {
      old.left_out = true;
      continue;
    }
    if (change.space == nullptr && !change.only_if_record.has_value()) continue;
    LIBKV_RETURN_IF_ERROR(ReadOld(change, &old));
  }
  return absl::OkStatus();
}

void Store::Impl::AppendRequest(WriteRequest& request, std::vector<OldRecord>& olds, bool track) {
  static const OldRecord kNothing;
  for (size_t i = 0; i < request.changes.size(); ++i) {
    const OldRecord& old = olds.empty() ? kNothing : olds[i];
    if (old.left_out) continue;
    AppendChange(request.changes[i], old, track);
    ++request.applied;
  }
}

// Whether its vector is still to be made.
absl::Status Store::Impl::ReadPendingState(const RecordHeader& header,
                                           std::optional<PendingState>* state) const {
  const ActiveSpace* const space = header.has_vector ? Spaces().ById(header.space) : nullptr;
  if (space == nullptr || !space->definition().deferred) return absl::OkStatus();
  const SpaceIndex::Pending& there = space->index()->pending();
  if (there.waiting == 0 && there.refused == 0) return absl::OkStatus();
  PinnedValue row;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(
      engine_->Get(Family::kIndex, {}, PendingKey(space->id(), header.document), &row, &found));
  PendingState read{};
  if (found && ParsePendingRow(row.view(), &read)) *state = read;
  return absl::OkStatus();
}

// In which lists the vectors of an old record are. Rows change lists in groups of their own only,
// so what is on disk is what the batch will find.
absl::Status Store::Impl::ReadOldList(OldRecord* old) const {
  if (!old->header.has_vector) return absl::OkStatus();
  const ActiveSpace* const space = Spaces().ById(old->header.space);
  if (space == nullptr) return absl::OkStatus();
  const auto read = [&](const ActiveSpace& of, uint32_t* list) -> absl::Status {
    if (!of.index()->vectors()->has_lists()) return absl::OkStatus();
    PinnedValue row;
    bool found = false;
    const std::string row_key = ListKey(of.vectors_id(), old->header.document);
    LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, {}, row_key, &row, &found));
    if (found && !ParseListRow(row.view(), list)) {
      return DataLoss("row '", Printable(row_key),
                      "' of the vectors is damaged: Reindex the space");
    }
    return absl::OkStatus();
  };
  if (space->next() != nullptr) {
    LIBKV_RETURN_IF_ERROR(read(*space->next(), &old->next_list));
  }
  return read(*space, &old->derived.list);
}

void Store::Impl::AppendChange(const PendingChange& change, const OldRecord& old, bool track) {
  // Removals first: of two changes to one row in a batch the later one counts.
  if (old.space != nullptr) {
    DeleteIndexRows(*batch_, *old.space, change.key, old.header, old.derived,
                    old.space->index()->marks_through());
    if (old.space->next() != nullptr && old.header.has_vector) {
      DeleteVectorRows(*batch_, *old.space->next(), old.header.document, old.next_list);
    }
  }
  RecordHeader header{.expiry = change.expiry, .stamp = change.stamp};
  // Here alone rows of the data family change.
  if (change.is_delete) {
    records_->BeginChange(change.key, {});
    batch_->Delete(Family::kData, change.key);
  } else {
    if (change.derived != nullptr) {
      const DerivedDocument& derived = *change.derived;
      header.has_words = derived.has_words();
      const bool has_next = change.next != nullptr && change.next->has_vector();
      header.has_vector = derived.has_vector() || has_next || derived.is_pending;
      if (header.has_words || header.has_vector) header.document = NextDocument();
      if (header.document != 0 || derived.has_value_rows()) header.space = change.space->id();
      PutIndexRows(*batch_, *change.space, change.key, header.document, header.expiry, derived);
      if (has_next) {
        PutVectorRows(*batch_, *change.space->next(), change.key, header.document, header.expiry,
                      *change.next);
      }
    }
    record_buffer_.clear();
    AppendRecord(record_buffer_, change.key, header, change.value);
    records_->BeginChange(change.key, record_buffer_);
    batch_->Put(Family::kData, change.key, record_buffer_);
    if (header.expiry != 0) {
      batch_->Put(Family::kIndex, ExpiryKey(header.expiry, change.key), {});
    }
  }
  std::optional<PendingState> vector_is;
  if (change.derived != nullptr && change.derived->is_pending) vector_is = PendingState::kWaiting;
  if (track) {
    pending_[change.key] = {change.is_delete,
                            header,
                            change.value,
                            change.derived != nullptr ? change.derived->list : kFlatList,
                            change.next != nullptr ? change.next->list : kFlatList,
                            vector_is,
                            &change};
  }
  const bool had_document = old.space != nullptr && old.header.document != 0;
  if (!had_document && header.document == 0) return;
  publications_.push_back({.old_space = old.space,
                           .old_document = old.header.document,
                           .old_list = old.derived.list,
                           .space = header.document != 0 ? change.space : nullptr,
                           .document = header.document,
                           .key = change.key,
                           .expiry = header.expiry,
                           .derived = change.derived.get(),
                           .begins = vector_is,
                           .ends = old.vector_is});
  const ActiveSpace* const old_next = had_document ? old.space->next().get() : nullptr;
  if (old_next == nullptr && change.next == nullptr) return;
  publications_.push_back({.old_space = old_next,
                           .old_document = old.header.document,
                           .old_list = old.next_list,
                           .space = change.next != nullptr ? change.space->next().get() : nullptr,
                           .document = header.document,
                           .key = change.key,
                           .expiry = header.expiry,
                           .derived = change.next.get()});
}

void Store::Impl::CountPending(const Publication& publication) {
  const auto count = [](const ActiveSpace* space, PendingState state, int64_t by) {
    SpaceIndex::Pending& pending = space->index()->pending();
    (state == PendingState::kWaiting ? pending.waiting : pending.refused).fetch_add(by);
  };
  const Publication& p = publication;
  if (p.begins.has_value()) count(p.space != nullptr ? p.space : p.old_space, *p.begins, 1);
  if (p.ends.has_value()) count(p.old_space, *p.ends, -1);
  if (p.begins.has_value() || p.ends.has_value()) embedding_changed_.store(true);
}

uint64_t Store::Impl::NextDocument() {
  if (next_document_ >= reserved_documents_) {
    reserved_documents_ = next_document_ + kDocumentBlock;
    batch_->Put(Family::kDefault, kIdsKey,
                EncodeIdsRow({.next_document = reserved_documents_, .next_space = next_space_}));
  }
  return next_document_++;
}

// Brings memory up to the rows just written. Searches see nothing of it until published_ moves.
void Store::Impl::Publish(std::span<CommitQueue::Request* const> group, uint64_t sequence) {
  if (!publications_.empty()) {
    const std::lock_guard lock(publish_mutex_);
    for (const Publication& p : publications_) {
      CountPending(p);
      if (p.old_space != nullptr && p.old_document != 0) {
        p.old_space->index()->Kill(p.old_document, p.old_list, sequence);
      }
      if (p.space == nullptr) continue;
      p.space->index()->Add(p.document, p.key, sequence, p.expiry, *p.derived);
    }
    PublishVectors();
    FreezeFullDeltas();
  }
  for (CommitQueue::Request* request : group) {
    const auto& r = *static_cast<const WriteRequest*>(request);
    if (!r.at_publish || !r.status.ok()) continue;
    const std::lock_guard lock(publish_mutex_);
    r.at_publish(sequence);
  }
  published_.store(sequence, std::memory_order_release);
  if (embedding_changed_.exchange(false)) WakeEmbedding();
  if (publications_.empty()) return;

  size_t memory = 0;
  for (const auto& space : Spaces().all()) {
    memory += space->index()->view()->text_bytes();
  }
  for (const auto& space : Spaces().with_vectors()) {
    memory += space->index()->vectors()->memory_bytes();
  }
  SetIndexMemory(memory);
}

}  // namespace libkv
