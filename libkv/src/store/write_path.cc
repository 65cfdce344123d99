// How a write goes down: on the caller's thread it is checked and everything that follows from its
// value is derived (Prepare); then it queues up (CommitQueue), and one thread turns a group of
// requests into one batch of rows, writes it, and publishes it to memory (CommitGroup).
#include <charconv>
#include <exception>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/commit_types.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

// Document ids are reserved on disk in blocks, so that most batches need not.
constexpr uint64_t kDocumentBlock = 65'536;
constexpr size_t kMemoryStep = size_t{1} << 20;

absl::Status CallerStatus(const absl::Status& status, size_t item, size_t count) {
  if (count <= 1) return status;
  return MakeStatus(status.code(), "item ", item, ": ", ToStd(status.message()));
}

bool ParseInteger(std::string_view text, int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

absl::StatusOr<int64_t> Sum(std::string_view key, std::string_view text, int64_t amount) {
  int64_t value = 0, sum = 0;
  if (!ParseInteger(text, &value)) {
    return InvalidArgument("the value of key '", Printable(key),
                           "' is not a decimal integer of 64 bits");
  }
  if (__builtin_add_overflow(value, amount, &sum)) {
    return MakeStatus(absl::StatusCode::kOutOfRange, "key '", Printable(key), "': ", value, " + ",
                      amount, " does not fit 64 bits");
  }
  return sum;
}

absl::StatusOr<int64_t> ExpiryAfter(std::chrono::milliseconds ttl, int64_t now) {
  if (ttl.count() == 0) return 0;
  if (ttl.count() < 0) return InvalidArgument("a time to live must not be negative");
  int64_t expiry = 0;
  if (__builtin_add_overflow(now, ttl.count(), &expiry)) {
    return InvalidArgument("a time to live of ", ttl.count(), " ms is too long");
  }
  return expiry;
}

absl::Status FillFromBatch(const Batch& batch, int64_t now, WriteRequest& request) {
  request.changes.reserve(batch.count());
  for (size_t i = 0; i < batch.count(); ++i) {
    const Batch::Change from = batch.change(i);
    PendingChange& change = request.changes.emplace_back();
    change.is_delete = from.is_delete;
    change.key = from.key;
    change.value = from.value;
    change.vector = from.vector;
    const absl::StatusOr<int64_t> expiry = ExpiryAfter(from.ttl, now);
    if (!expiry.ok()) return CallerStatus(expiry.status(), i, batch.count());
    change.expiry = *expiry;
  }
  return absl::OkStatus();
}

}  // namespace

void WriteRequest::Done() {
  if (!done) return;
  try {
    done(status);
  } catch (...) {
    // The write is done whatever its callback thinks of it, and there is nobody to tell.
  }
}

// -- On the caller's thread -----------------------------------------------------------------------

absl::Status Store::Impl::CheckChange(const PendingChange& change) const {
  if (change.key.empty()) return InvalidArgument("a key must not be empty");
  if (change.key.size() > kKeyBytesMax) {
    return InvalidArgument("the key has ", change.key.size(), " bytes; at most ", kKeyBytesMax,
                           " are allowed");
  }
  if (change.value.size() > kValueBytesMax) {
    return InvalidArgument("the value of key '", Printable(change.key), "' has ",
                           change.value.size(), " bytes; at most ", kValueBytesMax, " are allowed");
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::Prepare(WriteRequest& request) const {
  const SpaceTable& table = Spaces();
  request.table = &table;
  size_t bytes = 0;
  std::vector<DeriveItem> items;
  for (size_t i = 0; i < request.changes.size(); ++i) {
    PendingChange& change = request.changes[i];
    if (absl::Status status = CheckChange(change); !status.ok()) {
      return CallerStatus(status, i, request.changes.size());
    }
    bytes += change.key.size() + change.value.size();
    change.space = table.Of(change.key);
    change.derived = nullptr;
    if (change.is_delete) continue;
    if (change.space == nullptr) {
      if (change.vector.empty()) continue;
      return CallerStatus(InvalidArgument("key '", Printable(change.key),
                                          "' is in no space with vectors: define one"),
                          i, request.changes.size());
    }
    change.derived = std::make_unique<DerivedDocument>();
    items.push_back({change.space, change.key, change.value, change.vector, change.derived.get()});
  }
  if (bytes > kBatchBytesMax) {
    return InvalidArgument("keys and values have ", bytes, " bytes together; at most ",
                           kBatchBytesMax, " are allowed in one batch: split it");
  }
  request.bytes = bytes;
  return items.empty() ? absl::OkStatus() : Derive(items);
}

absl::Status Store::Impl::Run(const WriteOptions& write, WriteRequest& request) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  request.durability = write.durability;
  LIBKV_RETURN_IF_ERROR(Prepare(request));
  queue_->Run(request);
  return request.status;
}

absl::Status Store::Impl::Set(const WriteOptions& write, std::string_view key,
                              std::string_view value, const SetOptions& options) {
  WriteRequest request;
  PendingChange& change = request.changes.emplace_back();
  change.key = key;
  change.value = value;
  change.vector = options.vector;
  if (options.ttl.count() != 0) {
    LIBKV_ASSIGN_OR_RETURN(change.expiry, ExpiryAfter(options.ttl, Now()));
  }
  return Run(write, request);
}

absl::Status Store::Impl::SetVector(const WriteOptions& write, std::string_view key,
                                    std::span<const float> vector) {
  if (vector.empty()) return InvalidArgument("the vector has no elements");
  // The value is written again with its new vector, unless somebody changed it meanwhile.
  while (true) {
    LIBKV_RETURN_IF_ERROR(CheckWritable());
    PinnedValue pinned;
    Record record;
    LIBKV_RETURN_IF_ERROR(ReadLive({}, key, &pinned, &record));
    WriteRequest request;
    PendingChange& change = request.changes.emplace_back();
    change.key = key;
    change.value = record.value;
    change.expiry = record.header.expiry;
    change.vector = vector;
    change.only_if_record = Hash64(pinned.view());
    LIBKV_RETURN_IF_ERROR(Run(write, request));
    if (request.applied == 1) return absl::OkStatus();
  }
}

absl::Status Store::Impl::Delete(const WriteOptions& write, std::string_view key) {
  WriteRequest request;
  PendingChange& change = request.changes.emplace_back();
  change.is_delete = true;
  change.key = key;
  return Run(write, request);
}

absl::Status Store::Impl::BulkSet(const WriteOptions& write, std::span<const KeyValue> items) {
  WriteRequest request;
  request.changes.reserve(items.size());
  for (const KeyValue& item : items) {
    PendingChange& change = request.changes.emplace_back();
    change.key = item.key;
    change.value = item.value;
  }
  return items.empty() ? CheckWritable() : Run(write, request);
}

absl::Status Store::Impl::Apply(const WriteOptions& write, const Batch& batch) {
  if (batch.count() == 0) return CheckWritable();
  WriteRequest request;
  LIBKV_RETURN_IF_ERROR(FillFromBatch(batch, Now(), request));
  return Run(write, request);
}

void Store::Impl::Write(const WriteOptions& write, Batch batch,
                        std::function<void(absl::Status)> done) {
  auto request = std::make_unique<WriteRequest>();
  request->done = std::move(done);
  request->batch = std::make_unique<Batch>(std::move(batch));
  request->durability = write.durability;
  request->status = CheckWritable();
  if (request->status.ok()) {
    request->status = FillFromBatch(*request->batch, Now(), *request);
  }
  if (request->status.ok()) request->status = Prepare(*request);
  if (!request->status.ok() || request->changes.empty()) {
    request->Done();
    return;
  }
  queue_->Start(std::move(request));
}

absl::Status Store::Impl::CompareAndSet(const WriteOptions& write, std::string_view key,
                                        std::optional<std::string_view> expected,
                                        std::optional<std::string_view> desired) {
  WriteRequest request;
  request.condition = WriteRequest::Condition::kCompare;
  request.expected = expected;
  PendingChange& change = request.changes.emplace_back();
  change.key = key;
  change.is_delete = !desired.has_value();
  change.value = desired.value_or(std::string_view());
  return Run(write, request);
}

absl::StatusOr<int64_t> Store::Impl::Increment(const WriteOptions& write, std::string_view key,
                                               int64_t amount) {
  while (true) {
    LIBKV_RETURN_IF_ERROR(CheckWritable());
    WriteRequest request;
    PendingChange& change = request.changes.emplace_back();
    change.key = key;
    if (Spaces().Of(key) == nullptr) {
      // A plain key: the committer adds, so that many callers share one sync.
      request.condition = WriteRequest::Condition::kIncrement;
      request.amount = amount;
      const absl::Status status = Run(write, request);
      if (status.ok()) return request.sum;
      if (!absl::IsAborted(status)) return status;
      continue;  // a space was defined meanwhile
    }
    // An indexed key: what follows from the sum must be derived before the commit.
    PinnedValue pinned;
    Record record;
    const absl::Status found = ReadLive({}, key, &pinned, &record);
    if (!found.ok() && !absl::IsNotFound(found)) return found;
    LIBKV_ASSIGN_OR_RETURN(request.sum, Sum(key, found.ok() ? record.value : "0", amount));
    request.sum_text = Concat(request.sum);
    change.value = request.sum_text;
    if (found.ok()) {
      change.expiry = record.header.expiry;
      change.only_if_record = Hash64(pinned.view());
    } else {
      request.condition = WriteRequest::Condition::kCompare;  // still no value
    }
    const absl::Status status = Run(write, request);
    if (status.ok() && request.applied == 1) return request.sum;
    if (!status.ok() && !absl::IsAborted(status)) return status;
  }
}

// -- On the committer's thread --------------------------------------------------------------------

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
      track = track || change.space != nullptr || change.only_if_record.has_value();
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
  if (!status.ok()) {
    for (CommitQueue::Request* request : group) {
      auto& r = *static_cast<WriteRequest*>(request);
      if (r.status.ok()) r.status = status;
    }
    return;
  }
  Publish(engine_->LatestSequence());
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
  if (request.status.ok()) request.status = Evaluate(request);
  std::vector<OldRecord> olds;
  if (request.status.ok() && track) request.status = ReadOlds(request, &olds);
  if (!request.status.ok()) return false;
  if (request.more_rows) request.more_rows(*batch_);
  AppendRequest(request, olds, track);
  return true;
}

absl::Status Store::Impl::Evaluate(WriteRequest& request) {
  if (request.condition == WriteRequest::Condition::kNone) return absl::OkStatus();
  PendingChange& change = request.changes.front();
  PinnedValue pinned;
  Record record;
  bool there = false;
  if (const auto it = pending_.find(change.key); it != pending_.end()) {
    there = !it->second.is_delete;
    record.header = it->second.header;
    record.value = it->second.value;
    there = there && !record.header.ExpiredAt(Now());
  } else {
    const absl::Status status = ReadLive({}, change.key, &pinned, &record);
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
  PinnedValue pinned;
  if (const auto it = pending_.find(change.key); it != pending_.end()) {
    if (change.only_if_record.has_value()) old->left_out = true;
    if (it->second.is_delete) return absl::OkStatus();
    old->header = it->second.header;
    value = it->second.value;
  } else {
    bool found = false;
    LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, {}, change.key, &pinned, &found));
    if (change.only_if_record.has_value()) {
      old->left_out = !found || Hash64(pinned.view()) != *change.only_if_record;
    }
    // A damaged record can be overwritten and deleted: that is how a user gets rid of it.
    Record record;
    if (!found || !ParseRecord(change.key, pinned.view(), &record).ok()) return absl::OkStatus();
    old->header = record.header;
    value = record.value;
  }
  old->header.stamp = {};  // it would point into `pinned`
  old->space = old->header.space == 0 ? nullptr : Spaces().ById(old->header.space);
  if (old->space != nullptr && old->space->has_value_rows()) {
    DeriveValueRows(*old->space, value, &old->values);
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::ReadOlds(WriteRequest& request, std::vector<OldRecord>* olds) {
  olds->resize(request.changes.size());
  StringViewSet seen;
  for (size_t i = request.changes.size(); i-- > 0;) {
    const PendingChange& change = request.changes[i];
    OldRecord& old = (*olds)[i];
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

void Store::Impl::AppendChange(const PendingChange& change, const OldRecord& old, bool track) {
  // Removals first: of two changes to one row in a batch the later one counts.
  if (old.space != nullptr) {
    DeleteIndexRows(*batch_, *old.space, change.key, old.header, old.values);
  }
  RecordHeader header{.expiry = change.expiry};
  if (change.is_delete) {
    batch_->Delete(Family::kData, change.key);
  } else {
    if (change.derived != nullptr) {
      const DerivedDocument& derived = *change.derived;
      header.has_words = derived.has_words();
      header.has_vector = derived.has_vector();
      if (header.has_words || header.has_vector) header.document = NextDocument();
      if (header.document != 0 || derived.has_value_rows()) header.space = change.space->id();
      PutIndexRows(*batch_, *change.space, change.key, header.document, derived);
    }
    record_buffer_.clear();
    AppendRecord(record_buffer_, change.key, header, change.value);
    batch_->Put(Family::kData, change.key, record_buffer_);
    if (header.expiry != 0) {
      batch_->Put(Family::kIndex, ExpiryKey(header.expiry, change.key), {});
    }
  }
  if (track) pending_[change.key] = {change.is_delete, header, change.value};
  if ((old.space != nullptr && old.header.document != 0) || header.document != 0) {
    publications_.push_back({.old_space = old.space,
                             .old_document = old.header.document,
                             .space = header.document != 0 ? change.space : nullptr,
                             .document = header.document,
                             .key = change.key,
                             .expiry = header.expiry,
                             .derived = change.derived.get()});
  }
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
void Store::Impl::Publish(uint64_t sequence) {
  if (!publications_.empty()) {
    const std::lock_guard lock(publish_mutex_);
    for (const Publication& p : publications_) {
      if (p.old_space != nullptr && p.old_document != 0) {
        p.old_space->contents()->Kill(p.old_document, sequence);
        if (rebuild_.space == p.old_space->id()) rebuild_.contents->Kill(p.old_document, sequence);
      }
      if (p.space == nullptr) continue;
      p.space->contents()->Add(p.document, p.key, sequence, p.expiry, *p.derived);
      if (rebuild_.space == p.space->id()) {
        rebuild_.contents->Add(p.document, p.key, sequence, p.expiry, *p.derived);
      }
    }
  }
  published_.store(sequence, std::memory_order_release);
  if (publications_.empty()) return;

  size_t memory = 0;
  for (const auto& space : Spaces().all()) {
    const std::shared_ptr<SpaceIndex> contents = space->contents();
    memory += contents->text_bytes() + contents->vector_bytes();
  }
  if (memory > reserved_memory_ + kMemoryStep || memory + kMemoryStep < reserved_memory_) {
    reserved_memory_ = memory;
    engine_->ReserveMemory(memory);
  }
}

}  // namespace libkv
