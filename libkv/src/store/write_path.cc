// How a write goes down, on the caller's thread: it is checked, everything that follows from its
// value is derived (Prepare), and it queues up. Then see commit_path.cc.
#include <exception>

#include "absl/container/flat_hash_map.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "index/derive.h"
#include "store/store_impl.h"
#include "store/stored_record.h"
#include "store/sum.h"

namespace libkv {
namespace {

absl::Status CallerStatus(const absl::Status& status, size_t item, size_t count) {
  if (count <= 1) return status;
  return MakeStatus(status.code(), "item ", item, ": ", ToStd(status.message()));
}

// The moment meant by SetOptions or Batch::Change; 0: never.
absl::StatusOr<int64_t> ExpiryOf(std::chrono::milliseconds ttl, int64_t expires_at, int64_t now) {
  if (expires_at < 0) return InvalidArgument("an expiry time must be positive");
  if (expires_at != 0 && ttl.count() != 0) {
    return InvalidArgument("a time to live and an expiry time exclude each other");
  }
  if (ttl.count() == 0) return expires_at;
  if (ttl.count() < 0) return InvalidArgument("a time to live must not be negative");
  int64_t expiry = 0;
  if (__builtin_add_overflow(now, ttl.count(), &expiry)) {
    return InvalidArgument("a time to live of ", ttl.count(), " ms is too long");
  }
  return expiry;
}

// Where an earlier change of the batch sets the value, its new expiry time is that change's.
void JoinExpiries(WriteRequest& request) {
  absl::flat_hash_map<std::string_view, PendingChange*, StringHash, StringEqual> last;
  for (PendingChange& change : request.changes) {
    PendingChange*& before = last[change.key];
    if (before == nullptr || !change.keeps_value) {
      before = &change;
      continue;
    }
    if (!before->is_delete) before->expiry = change.expiry;
    change.keeps_value = false;
    change.left_out = true;
  }
}

absl::Status FillFromBatch(const Batch& batch, int64_t now, WriteRequest& request) {
  request.changes.reserve(batch.count());
  bool keeps_values = false;
  for (size_t i = 0; i < batch.count(); ++i) {
    const Batch::Change from = batch.change(i);
    PendingChange& change = request.changes.emplace_back();
    change.is_delete = from.is_delete;
    change.key = from.key;
    change.value = from.value;
    change.vector = from.vector;
    change.stamp = from.stamp;
    change.keeps_value = from.keeps_value;
    keeps_values = keeps_values || from.keeps_value;
    const absl::StatusOr<int64_t> expiry = ExpiryOf(from.ttl, from.expires_at, now);
    if (!expiry.ok()) return CallerStatus(expiry.status(), i, batch.count());
    change.expiry = *expiry;
  }
  if (keeps_values) JoinExpiries(request);
  if (batch.row_count() != 0) request.rows = &batch;
  return absl::OkStatus();
}

}  // namespace

void AddDeriveItems(PendingChange& change, std::vector<DeriveItem>* items) {
  change.derived = nullptr;
  change.next = nullptr;
  if (change.is_delete || change.left_out || change.space == nullptr) return;
  change.derived = std::make_unique<DerivedDocument>();
  const ActiveSpace* const next = change.space->next().get();
  items->push_back({change.space, change.key, change.value, change.vector, change.derived.get(),
                    change.embeds && (next == nullptr || next->building().keeps_old)});
  if (next == nullptr || change.space->definition().deferred) return;
  change.next = std::make_unique<DerivedDocument>();
  items->push_back({next, change.key, change.value, {}, change.next.get()});
}

void WriteRequest::Done() {
  if (!done) return;
  try {
    done(status);
  } catch (...) {
    // The write is done whatever its callback thinks of it, and there is nobody to tell.
  }
}

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
  if (change.stamp.size() > kStampBytesMax) {
    return InvalidArgument("the stamp of key '", Printable(change.key), "' has ",
                           change.stamp.size(), " bytes; at most ", kStampBytesMax, " are allowed");
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::Prepare(WriteRequest& request) const {
  const SpaceTable& table = Spaces();
  request.table = &table;
  std::vector<DeriveItem> items;
  for (size_t i = 0; i < request.changes.size(); ++i) {
    PendingChange& change = request.changes[i];
    if (absl::Status status = CheckChange(change); !status.ok()) {
      return CallerStatus(status, i, request.changes.size());
    }
    change.space = table.Of(change.key);
    if (change.keeps_value) {
      if (absl::Status status = ReadKept(change); !status.ok()) {
        return CallerStatus(status, i, request.changes.size());
      }
    }
    if (change.space == nullptr && !change.vector.empty()) {
      return CallerStatus(InvalidArgument("key '", Printable(change.key),
                                          "' is in no space with vectors: define one"),
                          i, request.changes.size());
    }
    AddDeriveItems(change, &items);
  }
  if (request.rows != nullptr) LIBKV_RETURN_IF_ERROR(CheckRows(*request.rows));
  LIBKV_RETURN_IF_ERROR(CheckBytes(request));
  if (items.empty()) return absl::OkStatus();
  LIBKV_RETURN_IF_ERROR(Derive(items));
  AssignLists(request);
  return absl::OkStatus();
}

absl::Status Store::Impl::CheckBytes(WriteRequest& request) {
  size_t bytes = 0;
  for (const PendingChange& change : request.changes) {
    bytes += change.key.size() + change.value.size() + change.stamp.size();
  }
  if (request.rows != nullptr) bytes += RowBytes(*request.rows);
  if (bytes > kBatchBytesMax) {
    return InvalidArgument("keys, values, stamps and rows have ", bytes,
                           " bytes together; at most ", kBatchBytesMax,
                           " are allowed in one batch: split it");
  }
  request.bytes = bytes;
  return absl::OkStatus();
}

absl::Status Store::Impl::Run(const WriteOptions& write, WriteRequest& request) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  request.durability = write.durability;
  LIBKV_RETURN_IF_ERROR(Prepare(request));
  if (!request.changes.empty()) {
    LIBKV_RETURN_IF_ERROR(WaitForSealing());
    LIBKV_RETURN_IF_ERROR(WaitForLists());
  }
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
  change.stamp = options.stamp;
  // Most writes expire never, and need not ask the clock.
  if (options.ttl.count() != 0 || options.expires_at != 0) {
    LIBKV_ASSIGN_OR_RETURN(change.expiry, ExpiryOf(options.ttl, options.expires_at, Now()));
  }
  return Run(write, request);
}

absl::Status Store::Impl::SetVector(const WriteOptions& write, std::string_view key,
                                    std::span<const float> vector) {
  if (vector.empty()) return InvalidArgument("the vector has no elements");
  // The value is written again with its new vector, unless somebody changed it meanwhile.
  while (true) {
    LIBKV_RETURN_IF_ERROR(CheckWritable());
    StoredRecord stored;
    Record record;
    LIBKV_RETURN_IF_ERROR(ReadNewest(key, /*fill_cache=*/true, &stored, &record));
    WriteRequest request;
    PendingChange& change = request.changes.emplace_back();
    change.key = key;
    change.value = record.value;
    change.expiry = record.header.expiry;
    change.stamp = record.header.stamp;
    change.vector = vector;
    change.only_if_record = Hash64(stored.bytes);
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
  if (batch.count() == 0 && batch.row_count() == 0) return CheckWritable();
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
  if (request->status.ok()) request->status = WaitForSealing();
  if (request->status.ok()) request->status = WaitForLists();
  const bool is_empty = request->changes.empty() && request->rows == nullptr;
  if (!request->status.ok() || is_empty) {
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
    StoredRecord stored;
    Record record;
    const absl::Status found = ReadNewest(key, /*fill_cache=*/true, &stored, &record);
    if (!found.ok() && !absl::IsNotFound(found)) return found;
    LIBKV_ASSIGN_OR_RETURN(request.sum, Sum(key, found.ok() ? record.value : "0", amount));
    request.sum_text = Concat(request.sum);
    change.value = request.sum_text;
    if (found.ok()) {
      change.expiry = record.header.expiry;
      change.only_if_record = Hash64(stored.bytes);
    } else {
      request.condition = WriteRequest::Condition::kCompare;  // still no value
    }
    const absl::Status status = Run(write, request);
    if (status.ok() && request.applied == 1) return request.sum;
    if (!status.ok() && !absl::IsAborted(status)) return status;
  }
}

}  // namespace libkv
