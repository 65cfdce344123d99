// Vectors that are made after their values: spaces with Space::deferred.
//
//   1. a write commits the value and a pending row in one batch, and is done
//   2. a thread reads waiting rows, some at a time, and gives the texts to the embedder
//   3. one batch, in a group of its own, has the vectors of those whose row is still there, and
//      deletes the rows
//
// A document never changes and its id is never given again, so a row that is still there at 3 says
// that the value is the one that was embedded: overwriting and deleting remove the row with all
// others of the document. The rows are the queue, so nothing is kept in memory but one step, and
// nothing is lost in a crash.
//
// While the space is embedded anew (reembed.cc), documents from its first_document on get their
// vectors of both generations here; of earlier ones the vector of the next is made there.
//
// A step that fails is tried again after a pause, with half as many texts, and behind those that
// were not tried yet: a text that the embedder cannot digest stands alone in the end, and holds up
// nobody. One that it refuses alone is marked, and not asked for again.
#include <algorithm>
#include <chrono>
#include <exception>
#include <random>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/commit_types.h"
#include "store/store_impl.h"
#include "text/json_text.h"

namespace libkv {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kStepBytes = size_t{1} << 20;  // of values; a longer one alone
constexpr size_t kStepRows = 256;               // whose state is changed at once
constexpr milliseconds kFirstPause{200}, kPauseMax{30'000}, kIdle{60'000};
constexpr std::chrono::hours kWaitMax{24 * 365};

bool IsZero(std::span<const float> vector) {
  return std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; });
}

}  // namespace

// A value that waits, and its vectors.
struct Store::Impl::DeferredValue {
  uint64_t document = 0;
  std::string key, record_bytes;
  Record record;
  std::string made;
  std::string_view text;  // into `made` or `record_bytes`
  DerivedDocument now, next;
};

// How far the embedding of a space has come.
struct Store::Impl::DeferredSpace {
  uint64_t from = 0;  // documents before it come last
  size_t step_max = kEmbedTextsMax;
  milliseconds pause{0};
  Clock::time_point not_before;
  std::minstd_rand random{static_cast<uint32_t>(Clock::now().time_since_epoch().count())};

  void Succeed() {
    step_max = std::min(2 * step_max, kEmbedTextsMax);
    pause = milliseconds(0);
  }
  // The second half of each pause is by chance: many stores may wait for one server.
  void Fail() {
    step_max = std::max<size_t>(step_max / 2, 1);
    pause = std::clamp(2 * pause, kFirstPause, kPauseMax);
    const auto half = static_cast<uint32_t>(pause.count() / 2);
    not_before = Clock::now() + milliseconds(half + random() % (half + 1));
  }
};

// -- The thread -----------------------------------------------------------------------------------

void Store::Impl::StartEmbedding() {
  embedding_ = std::thread([this] { KeepEmbedding(); });
}

void Store::Impl::StopEmbedding() {
  stop_embedding_.store(true);
  WakeEmbedding();
  if (embedding_.joinable()) embedding_.join();
}

void Store::Impl::WakeEmbedding() {
  {
    const std::lock_guard lock(embedding_mutex_);
    embedding_is_due_ = true;
  }
  embedding_wake_.notify_all();
  embedded_.notify_all();
}

void Store::Impl::KeepEmbedding() {
  std::map<uint32_t, DeferredSpace> progress;
  while (!stop_embedding_) {
    Clock::time_point next = Clock::now() + kIdle;
    bool did_something = false;
    for (const auto& space : std::vector(Spaces().all())) {
      if (!space->definition().deferred || space->index()->pending().waiting <= 0) continue;
      DeferredSpace& of_space = progress[space->id()];
      if (Clock::now() >= of_space.not_before && !stop_embedding_) {
        did_something = EmbedStepOf(*space, of_space) || did_something;
      }
      next = std::min(next, of_space.not_before);
    }
    if (did_something) continue;
    std::unique_lock lock(embedding_mutex_);
    embedding_wake_.wait_until(lock, next, [this] { return embedding_is_due_ || stop_embedding_; });
    embedding_is_due_ = false;
  }
}

// False: nothing was embedded, and the next attempt is not before progress.not_before.
bool Store::Impl::EmbedStepOf(const ActiveSpace& space, DeferredSpace& progress) {
  std::vector<DeferredValue> values;
  absl::Status status;
  try {
    const std::shared_ptr<ActiveSpace> next = space.next();
    status = ReadWaiting(space, progress, &values);
    if (status.ok()) status = EmbedValues(space, next.get(), values);
    if (status.ok()) SetEmbedError(space, "");  // before anybody sees that they are done
    if (status.ok()) status = CommitValues(space, next, values);
    if (absl::IsInvalidArgument(status) && values.size() == 1) {
      const uint64_t refused[] = {values.front().document};
      const absl::Status set =
          SetPendingState(space, refused, PendingState::kWaiting, PendingState::kRefused);
      if (!set.ok()) status = set;
    }
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());  // out of memory
  }
  if (!status.ok()) SetEmbedError(space, std::string(ToStd(status.message())));
  if (status.ok()) {
    if (!values.empty()) progress.Succeed();
    if (values.empty()) progress.not_before = Clock::now() + kFirstPause;
    return !values.empty();
  }
  // One of several is refused: which one shows when there are fewer.
  if (absl::IsInvalidArgument(status)) {
    progress.step_max = std::max<size_t>(values.size() / 2, 1);
    if (values.size() > 1) progress.from = values.front().document;
    return true;
  }
  progress.Fail();
  return false;
}

void Store::Impl::SetEmbedError(const ActiveSpace& space, std::string message) {
  const std::lock_guard lock(embedding_mutex_);
  embed_errors_[space.id()] = std::move(message);
}

// -- 2 --------------------------------------------------------------------------------------------

absl::Status Store::Impl::ReadWaiting(const ActiveSpace& space, DeferredSpace& progress,
                                      std::vector<DeferredValue>* values) const {
  const std::string prefix = IndexPrefix(space.id(), IndexKind::kPending);
  const std::unique_ptr<EngineSnapshot> rows = engine_->NewSnapshot();
  const EngineRead read{.snapshot = rows.get()};
  const auto cursor = engine_->NewCursor(Family::kIndex, read, prefix, PrefixEnd(prefix));
  cursor->Seek(PendingKey(space.id(), progress.from));
  if (!cursor->Valid()) cursor->SeekToFirst();
  values->reserve(progress.step_max);  // texts are views into them
  size_t bytes = 0;
  for (; cursor->Valid() && values->size() < progress.step_max && bytes < kStepBytes;
       cursor->Next()) {
    DeferredValue value;
    PendingState state{};
    if (!ParseDocumentSuffix(cursor->key().substr(prefix.size()), &value.document) ||
        !ParsePendingRow(cursor->value(), &state)) {
      return DataLoss("pending row '", Printable(cursor->key()), "' is damaged");
    }
    progress.from = value.document + 1;
    if (state != PendingState::kWaiting) continue;
    DeferredValue& kept = values->emplace_back(std::move(value));
    LIBKV_ASSIGN_OR_RETURN(kept.key, KeyOfDocument(space, read, kept.document));
    PinnedValue pinned;
    bool found = false;
    LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, read, kept.key, &pinned, &found));
    if (found) kept.record_bytes = pinned.view();
    // A damaged value has no vector: its reader is told.
    if (!ReadRecord(kept.key, kept.record_bytes, &kept.record).ok()) continue;
    kept.text = IndexedTextView(kept.record.value, space.definition().text_fields, &kept.made);
    bytes += kept.record_bytes.size();
  }
  // What is left are those before `from`.
  if (!cursor->Valid()) progress.from = 0;
  return cursor->status();
}

absl::Status Store::Impl::EmbedValues(const ActiveSpace& space, const ActiveSpace* next,
                                      std::span<DeferredValue> values) {
  const auto embed = [&](const ActiveSpace& by, uint64_t first,
                         DerivedDocument DeferredValue::*derived) -> absl::Status {
    std::vector<DeferredValue*> chosen;
    std::vector<std::string_view> texts;
    for (DeferredValue& value : values) {
      if (value.document < first || value.text.empty()) continue;
      chosen.push_back(&value);
      texts.push_back(value.text);
    }
    if (chosen.empty()) return absl::OkStatus();
    const size_t dimension = by.definition().dimension;
    std::vector<float> vectors(chosen.size() * dimension);
    LIBKV_RETURN_IF_ERROR(libkv::Embed(by, EmbedKind::kDocument, texts, vectors));
    for (size_t i = 0; i < chosen.size(); ++i) {
      const auto vector = std::span(vectors).subspan(i * dimension, dimension);
      if (IsZero(vector)) continue;
      LIBKV_RETURN_IF_ERROR(DeriveVector(by, vector, &((*chosen[i]).*derived)));
    }
    return absl::OkStatus();
  };
  if (next == nullptr || next->building().keeps_old) {
    LIBKV_RETURN_IF_ERROR(embed(space, 0, &DeferredValue::now));
  }
  if (next == nullptr) return absl::OkStatus();
  return embed(*next, next->building().first_document, &DeferredValue::next);
}

// -- 3 --------------------------------------------------------------------------------------------

absl::Status Store::Impl::CommitValues(const ActiveSpace& space,
                                       const std::shared_ptr<ActiveSpace>& next,
                                       std::span<DeferredValue> values) {
  if (values.empty()) return absl::OkStatus();
  for (DeferredValue& value : values) {
    AssignList(space, &value.now);
    if (next != nullptr) AssignList(*next, &value.next);
  }
  absl::Status status;
  WriteRequest request;
  request.is_alone = true;  // what its rows say must be what is on disk
  request.more_rows = [&](EngineBatch&) {
    // With other generations than these they wait for another step.
    const ActiveSpace* const there = Spaces().ById(space.id());
    if (there == nullptr || there->vectors_id() != space.vectors_id() || there->next() != next) {
      return;
    }
    for (DeferredValue& value : values) {
      if (status.ok()) status = AppendDeferred(*there, value);
    }
  };
  LIBKV_RETURN_IF_ERROR(WaitForLists());
  LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  return status;
}

// On the leader's thread.
absl::Status Store::Impl::AppendDeferred(const ActiveSpace& space, DeferredValue& value) {
  const std::string row_key = PendingKey(space.id(), value.document);
  PinnedValue row;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kIndex, {}, row_key, &row, &found));
  PendingState state{};
  if (!found || !ParsePendingRow(row.view(), &state)) return absl::OkStatus();  // gone meanwhile
  const auto put = [&](const ActiveSpace& of, DerivedDocument& derived) -> absl::Status {
    if (!derived.has_vector()) return absl::OkStatus();
    LIBKV_ASSIGN_OR_RETURN(const bool is_there, HasRow(VectorKey(of.vectors_id(), value.document)));
    if (is_there) return absl::OkStatus();  // it was given, or the new generation brought it
    PlaceVector(of, &derived);
    PutVectorRows(*batch_, of, value.key, value.document, value.record.header.expiry, derived);
    publications_.push_back({.space = &of,
                             .document = value.document,
                             .key = value.key,
                             .expiry = value.record.header.expiry,
                             .derived = &derived});
    return absl::OkStatus();
  };
  LIBKV_RETURN_IF_ERROR(put(space, value.now));
  if (space.next() != nullptr) LIBKV_RETURN_IF_ERROR(put(*space.next(), value.next));
  batch_->Delete(Family::kIndex, row_key);
  publications_.push_back({.old_space = &space, .ends = state});
  return absl::OkStatus();
}

// -- What the embedder refused --------------------------------------------------------------------

absl::Status Store::Impl::SetPendingState(const ActiveSpace& space,
                                          std::span<const uint64_t> documents, PendingState from,
                                          PendingState to) {
  absl::Status status;
  WriteRequest request;
  request.is_alone = true;
  request.more_rows = [&](EngineBatch& batch) {
    const ActiveSpace* const there = Spaces().ById(space.id());
    if (there == nullptr) return;
    for (const uint64_t document : documents) {
      const std::string row_key = PendingKey(space.id(), document);
      PinnedValue row;
      bool found = false;
      PendingState state{};
      status = engine_->Get(Family::kIndex, {}, row_key, &row, &found);
      if (!status.ok()) return;
      if (!found || !ParsePendingRow(row.view(), &state) || state != from) continue;
      batch.Put(Family::kIndex, row_key, EncodePendingRow(to));
      publications_.push_back({.old_space = there, .begins = to, .ends = from});
    }
  };
  LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  return status;
}

// Of a new embedder: what the old one did not take.
absl::Status Store::Impl::AskRefusedAgain(const ActiveSpace& space) {
  if (!space.definition().deferred || space.index()->pending().refused <= 0) {
    return absl::OkStatus();
  }
  const std::string prefix = IndexPrefix(space.id(), IndexKind::kPending);
  const auto cursor =
      engine_->NewCursor(Family::kIndex, {.fill_cache = false}, prefix, PrefixEnd(prefix));
  cursor->SeekToFirst();
  while (cursor->Valid()) {
    std::vector<uint64_t> documents;
    for (; cursor->Valid() && documents.size() < kStepRows; cursor->Next()) {
      uint64_t document = 0;
      if (ParseDocumentSuffix(cursor->key().substr(prefix.size()), &document)) {
        documents.push_back(document);
      }
    }
    LIBKV_RETURN_IF_ERROR(
        SetPendingState(space, documents, PendingState::kRefused, PendingState::kWaiting));
  }
  return cursor->status();
}

// -- Waiting --------------------------------------------------------------------------------------

int64_t Store::Impl::WaitingVectors() const {
  int64_t waiting = 0;
  for (const auto& space : Spaces().all()) {
    waiting += std::max<int64_t>(space->index()->pending().waiting, 0);
  }
  return waiting;
}

absl::Status Store::Impl::WaitIndexed(milliseconds timeout) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  if (WaitingVectors() == 0) return absl::OkStatus();
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  const auto until = Clock::now() + std::min<Clock::duration>(timeout, kWaitMax);
  std::unique_lock lock(embedding_mutex_);
  const bool is_done = embedded_.wait_until(
      lock, until, [this] { return WaitingVectors() == 0 || stop_embedding_; });
  if (is_done && !stop_embedding_) return absl::OkStatus();
  std::string error;
  for (const auto& [space, message] : embed_errors_) {
    if (!message.empty()) error = Concat(". The embedder says: ", message);
  }
  return MakeStatus(absl::StatusCode::kDeadlineExceeded, WaitingVectors(),
                    " values wait for their vectors", error);
}

}  // namespace libkv
