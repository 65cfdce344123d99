// Reading: one lookup, the checksum, the expiry time. Nothing here waits for a writer.
#include <algorithm>
#include <array>
#include <exception>
#include <thread>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

std::optional<int64_t> ExpiryIn(const Record& record) {
  if (record.header.expiry == 0) return std::nullopt;
  return record.header.expiry;
}

// Calls a reader of the caller's: what it throws becomes Internal.
template <typename Call>
absl::Status Lend(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return MakeStatus(absl::StatusCode::kInternal,
                      "the reader threw an exception: ", std::string_view(error.what()));
  } catch (...) {
    return MakeStatus(absl::StatusCode::kInternal, "the reader threw an exception");
  }
  return absl::OkStatus();
}

}  // namespace

const StoreSnapshot::Space* StoreSnapshot::Find(const ActiveSpace& space) const {
  for (const Space& captured : spaces) {
    if (captured.space->id() == space.id()) return &captured;
  }
  return nullptr;
}

std::shared_ptr<const SpaceView> StoreSnapshot::ViewOf(const ActiveSpace& space) const {
  const Space* const captured = Find(space);
  return captured == nullptr ? nullptr : captured->view;
}

const ActiveSpace* StoreSnapshot::SpaceOf(const ActiveSpace& space) const {
  const Space* const captured = Find(space);
  return captured == nullptr ? nullptr : captured->space;
}

EngineRead Store::Impl::ReadFor(const ReadOptions& options) const {
  const auto* snapshot = static_cast<const StoreSnapshot*>(options.snapshot.get());
  return {.snapshot = snapshot == nullptr ? nullptr : snapshot->rows.get(),
          .fill_cache = options.fill_cache};
}

// The record of `key` if it is there and not expired; it views `pinned`.
absl::Status Store::Impl::ReadLive(const EngineRead& read, std::string_view key,
                                   PinnedValue* pinned, Record* record) const {
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, read, key, pinned, &found));
  // Without a message a NotFound allocates nothing: misses are answers.
  if (!found) return absl::Status(absl::StatusCode::kNotFound, "");
  LIBKV_RETURN_IF_ERROR(ReadRecord(key, pinned->view(), record));
  if (record->header.expiry != 0 && record->header.ExpiredAt(Now())) {
    return absl::Status(absl::StatusCode::kNotFound, "");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Store::Impl::Get(const ReadOptions& read, std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive(ReadFor(read), key, &pinned, &record));
  return std::string(record.value);
}

absl::StatusOr<Entry> Store::Impl::GetEntry(const ReadOptions& read, std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive(ReadFor(read), key, &pinned, &record));
  return Entry{.value = std::string(record.value),
               .expiry = ExpiryIn(record),
               .stamp = std::string(record.header.stamp)};
}

absl::Status Store::Impl::View(const ReadOptions& read, std::string_view key,
                               absl::FunctionRef<void(std::string_view)> reader) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive(ReadFor(read), key, &pinned, &record));
  return Lend([&] { reader(record.value); });
}

absl::Status Store::Impl::ViewEntry(const ReadOptions& read, std::string_view key,
                                    absl::FunctionRef<void(const EntryView&)> reader) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive(ReadFor(read), key, &pinned, &record));
  return Lend([&] {
    reader({.value = record.value, .expiry = ExpiryIn(record), .stamp = record.header.stamp});
  });
}

std::vector<absl::StatusOr<std::string>> Store::Impl::MultiGet(
    const ReadOptions& read, std::span<const std::string_view> keys) const {
  std::vector<absl::StatusOr<std::string>> results;
  results.reserve(keys.size());
  absl::Status status = CheckUsable();
  std::vector<PinnedValue> pinned(keys.size());
  const auto found = std::make_unique<bool[]>(keys.size());
  if (status.ok()) {
    status = engine_->MultiGet(Family::kData, ReadFor(read), keys, pinned.data(), found.get());
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    Record record;
    if (!status.ok()) {
      results.emplace_back(status);
    } else if (!found[i]) {
      results.emplace_back(absl::Status(absl::StatusCode::kNotFound, ""));
    } else if (absl::Status read_status = ReadRecord(keys[i], pinned[i].view(), &record);
               !read_status.ok()) {
      results.emplace_back(std::move(read_status));
    } else if (record.header.expiry != 0 && record.header.ExpiredAt(Now())) {
      results.emplace_back(absl::Status(absl::StatusCode::kNotFound, ""));
    } else {
      results.emplace_back(std::string(record.value));
    }
  }
  return results;
}

absl::StatusOr<std::optional<int64_t>> Store::Impl::GetExpiry(const ReadOptions& read,
                                                              std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive(ReadFor(read), key, &pinned, &record));
  return ExpiryIn(record);
}

// -- Snapshots ------------------------------------------------------------------------------------

std::shared_ptr<const StoreSnapshot> Store::Impl::GetSnapshot() const {
  while (true) {
    auto snapshot = std::make_shared<StoreSnapshot>();
    const SpaceTable& table = Spaces();
    for (const auto& space : table.all()) {
      snapshot->spaces.push_back({space.get(), space->index()->view(), {}});
    }
    snapshot->rows = engine_->NewSnapshot();
    // The newest group may be written and not yet published: a matter of microseconds.
    while (published_.load(std::memory_order_acquire) < snapshot->rows->sequence()) {
      std::this_thread::yield();
    }
    // If parts were replaced meanwhile, what is in hand may lack the newest documents; if lists of
    // vectors were, those that died since.
    bool still = &table == &Spaces();
    for (StoreSnapshot::Space& captured : snapshot->spaces) {
      const std::shared_ptr<SpaceIndex> index = captured.space->index();
      if (index->vectors() != nullptr) captured.vectors = index->vectors()->view();
      // Its vectors may have become those of another generation, which is another space's.
      still = still && captured.space->index() == index && index->view() == captured.view &&
              captured.vectors.complete_from <= snapshot->rows->sequence();
    }
    if (still) return snapshot;
  }
}

std::shared_ptr<const StoreSnapshot> Store::Impl::SnapshotOrNow(
    const std::shared_ptr<const Snapshot>& snapshot) const {
  if (snapshot == nullptr) return GetSnapshot();
  return std::static_pointer_cast<const StoreSnapshot>(snapshot);
}

// -- Iterators ------------------------------------------------------------------------------------

class Store::Impl::RecordIterator final : public Iterator {
 public:
  RecordIterator(const Impl* store, std::shared_ptr<const Snapshot> snapshot,
                 std::unique_ptr<EngineCursor> cursor)
      : store_(store), snapshot_(std::move(snapshot)), cursor_(std::move(cursor)) {}

  void SeekToFirst() override { cursor_->SeekToFirst(), SkipForward(); }
  void SeekToLast() override { cursor_->SeekToLast(), SkipBackward(); }
  void Seek(std::string_view key) override { cursor_->Seek(key), SkipForward(); }
  void SeekForPrev(std::string_view key) override { cursor_->SeekForPrev(key), SkipBackward(); }
  void Next() override { cursor_->Next(), SkipForward(); }
  void Prev() override { cursor_->Prev(), SkipBackward(); }

  std::string_view value() const override {
    if (RecordIsIntact(key_, cursor_->value())) [[likely]]
      return value_;
    Record unused;
    status_ = ReadRecord(key_, cursor_->value(), &unused);
    return {};
  }

  // Taken from the record when it is asked for: most walks want values alone.
  std::string_view stamp() const override {
    Record record;
    const absl::Status status = ReadRecord(key_, cursor_->value(), &record);
    if (status.ok()) [[likely]]
      return record.header.stamp;
    status_ = status;
    return {};
  }

  absl::Status status() const override { return status_.ok() ? cursor_->status() : status_; }

 private:
  // Whether the cursor stands on a key that is there for users; stops at damaged ones.
  bool Stop() {
    valid_ = cursor_->Valid();
    if (!valid_) return true;
    key_ = cursor_->key();
    if (ParsePlainRecord(cursor_->value(), &value_)) [[likely]]
      return true;
    Record record;
    status_ = ParseRecord(key_, cursor_->value(), &record);
    valid_ = status_.ok();
    value_ = record.value;
    return !valid_ || record.header.expiry == 0 || !record.header.ExpiredAt(store_->Now());
  }
  void SkipForward() {
    while (!Stop()) cursor_->Next();
  }
  void SkipBackward() {
    while (!Stop()) cursor_->Prev();
  }

  const Impl* const store_;
  const std::shared_ptr<const Snapshot> snapshot_;
  const std::unique_ptr<EngineCursor> cursor_;
  std::string_view value_;
  mutable absl::Status status_;
};

namespace {

// An iterator of a store that must not be used.
class FailedIterator final : public Iterator {
 public:
  explicit FailedIterator(absl::Status status) : status_(std::move(status)) {}
  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(std::string_view) override {}
  void SeekForPrev(std::string_view) override {}
  void Next() override {}
  void Prev() override {}
  std::string_view value() const override { return {}; }
  std::string_view stamp() const override { return {}; }
  absl::Status status() const override { return status_; }

 private:
  const absl::Status status_;
};

}  // namespace

std::unique_ptr<Iterator> Store::Impl::NewIterator(const ReadOptions& read,
                                                   const IteratorOptions& bounds) const {
  if (absl::Status status = CheckUsable(); !status.ok()) {
    return std::make_unique<FailedIterator>(std::move(status));
  }
  const std::string lower = std::max(bounds.prefix, bounds.first);
  std::string upper = bounds.end;
  if (const std::string end = PrefixEnd(bounds.prefix); !end.empty()) {
    upper = upper.empty() ? end : std::min(upper, end);
  }
  return std::make_unique<RecordIterator>(
      this, read.snapshot, engine_->NewCursor(Family::kData, ReadFor(read), lower, upper));
}

}  // namespace libkv
