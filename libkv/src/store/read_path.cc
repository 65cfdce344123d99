// Reading: one lookup, in the record cache or in the engine, then the checksum, the expiry time.
// Nothing here waits for a writer.
#include <algorithm>
#include <array>
#include <exception>
#include <thread>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "store/store_impl.h"
#include "store/stored_record.h"

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

// The same of the newest state: from the record cache, if it is there. It views `stored`.
absl::Status Store::Impl::ReadNewest(std::string_view key, bool fill_cache, StoredRecord* stored,
                                     Record* record) const {
  RecordCache::Ticket ticket;
  stored->bytes = records_->Find(key, stored->copy, fill_cache ? &ticket : nullptr);
  if (!stored->bytes.empty()) {
    // Its checksum was compared before it was kept.
    LIBKV_RETURN_IF_ERROR(ParseRecord(key, stored->bytes, record));
    if (record->header.expiry == 0 || !record->header.ExpiredAt(Now())) return absl::OkStatus();
    return absl::Status(absl::StatusCode::kNotFound, "");
  }
  LIBKV_RETURN_IF_ERROR(ReadLive({.fill_cache = fill_cache}, key, &stored->pinned, record));
  stored->bytes = stored->pinned.view();
  KeepRecord(key, stored->bytes, ticket);
  return absl::OkStatus();
}

absl::Status Store::Impl::ReadAsAsked(const ReadOptions& read, std::string_view key,
                                      StoredRecord* stored, Record* record) const {
  if (read.snapshot == nullptr) return ReadNewest(key, read.fill_cache, stored, record);
  return ReadLive(ReadFor(read), key, &stored->pinned, record);
}

// The record of `key` as it is now, whatever it is, for those who are about to change it.
absl::Status Store::Impl::ReadStored(std::string_view key, StoredRecord* stored) const {
  stored->bytes = records_->Find(key, stored->copy, nullptr);
  if (!stored->bytes.empty()) return absl::OkStatus();
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, {}, key, &stored->pinned, &found));
  if (found) stored->bytes = stored->pinned.view();
  return absl::OkStatus();
}

void Store::Impl::KeepRecord(std::string_view key, std::string_view bytes,
                             const RecordCache::Ticket& ticket) const {
  if (records_->Keep(key, bytes, ticket)) ShareMemory();
}

absl::StatusOr<std::string> Store::Impl::Get(const ReadOptions& read, std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  StoredRecord stored;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadAsAsked(read, key, &stored, &record));
  return std::string(record.value);
}

absl::StatusOr<Entry> Store::Impl::GetEntry(const ReadOptions& read, std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  StoredRecord stored;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadAsAsked(read, key, &stored, &record));
  return Entry{.value = std::string(record.value),
               .expiry = ExpiryIn(record),
               .stamp = std::string(record.header.stamp)};
}

absl::Status Store::Impl::View(const ReadOptions& read, std::string_view key,
                               absl::FunctionRef<void(std::string_view)> reader) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  StoredRecord stored;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadAsAsked(read, key, &stored, &record));
  return Lend([&] { reader(record.value); });
}

absl::Status Store::Impl::ViewEntry(const ReadOptions& read, std::string_view key,
                                    absl::FunctionRef<void(const EntryView&)> reader) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  StoredRecord stored;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadAsAsked(read, key, &stored, &record));
  return Lend([&] {
    reader({.value = record.value, .expiry = ExpiryIn(record), .stamp = record.header.stamp});
  });
}

absl::StatusOr<std::optional<int64_t>> Store::Impl::GetExpiry(const ReadOptions& read,
                                                              std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  StoredRecord stored;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadAsAsked(read, key, &stored, &record));
  return ExpiryIn(record);
}

// -- Several keys ---------------------------------------------------------------------------------

// What of a MultiGet is to be read from the engine.
struct Store::Impl::ManyRead {
  std::vector<std::string_view> keys;
  std::vector<size_t> places;                // of their values
  std::vector<RecordCache::Ticket> tickets;  // empty: nothing is kept

  void Add(std::string_view key, size_t place) {
    keys.push_back(key);
    places.push_back(place);
  }
};

absl::StatusOr<std::string> Store::Impl::LiveValue(std::string_view key, std::string_view bytes,
                                                   bool is_verified) const {
  Record record;
  LIBKV_RETURN_IF_ERROR(is_verified ? ParseRecord(key, bytes, &record)
                                    : ReadRecord(key, bytes, &record));
  if (record.header.expiry != 0 && record.header.ExpiredAt(Now())) {
    return absl::Status(absl::StatusCode::kNotFound, "");
  }
  return std::string(record.value);
}

void Store::Impl::ReadMany(const EngineRead& read, const ManyRead& many,
                           std::vector<absl::StatusOr<std::string>>* values) const {
  const size_t count = many.keys.size();
  std::vector<PinnedValue> pinned(count);
  const auto found = std::make_unique<bool[]>(count);
  const absl::Status status =
      engine_->MultiGet(Family::kData, read, many.keys, pinned.data(), found.get());
  for (size_t i = 0; i < count; ++i) {
    absl::StatusOr<std::string>& value = (*values)[many.places[i]];
    if (!status.ok()) {
      value = status;
    } else if (!found[i]) {
      value = absl::Status(absl::StatusCode::kNotFound, "");
    } else {
      value = LiveValue(many.keys[i], pinned[i].view(), /*is_verified=*/false);
      if (value.ok() && !many.tickets.empty()) {
        KeepRecord(many.keys[i], pinned[i].view(), many.tickets[i]);
      }
    }
  }
}

void Store::Impl::ReadManyNewest(std::span<const std::string_view> keys, bool fill_cache,
                                 std::vector<absl::StatusOr<std::string>>* values) const {
  ManyRead left;
  RecordCache::Buffer copy;
  for (size_t i = 0; i < keys.size(); ++i) {
    RecordCache::Ticket ticket;
    const std::string_view bytes = records_->Find(keys[i], copy, fill_cache ? &ticket : nullptr);
    if (!bytes.empty()) {
      (*values)[i] = LiveValue(keys[i], bytes, /*is_verified=*/true);
      continue;
    }
    left.Add(keys[i], i);
    if (fill_cache) left.tickets.push_back(ticket);
  }
  if (!left.keys.empty()) ReadMany({.fill_cache = fill_cache}, left, values);
}

std::vector<absl::StatusOr<std::string>> Store::Impl::MultiGet(
    const ReadOptions& read, std::span<const std::string_view> keys) const {
  const absl::Status usable = CheckUsable();
  if (!usable.ok()) return std::vector<absl::StatusOr<std::string>>(keys.size(), usable);
  std::vector<absl::StatusOr<std::string>> values(keys.size(),
                                                  absl::Status(absl::StatusCode::kNotFound, ""));
  // All are of one view: the newest state, if nothing is written meanwhile, or the engine's.
  const uint64_t epoch = records_->epoch();
  if (read.snapshot == nullptr && RecordCache::IsAtRest(epoch)) {
    ReadManyNewest(keys, read.fill_cache, &values);
    if (records_->epoch() == epoch) return values;
  }
  ManyRead all;
  for (size_t i = 0; i < keys.size(); ++i) all.Add(keys[i], i);
  ReadMany(ReadFor(read), all, &values);
  return values;
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
