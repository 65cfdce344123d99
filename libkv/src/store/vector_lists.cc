// Lists of vectors in memory: which list a new vector goes into, and how a list is read from disk.
//
// An open reads the centroids only. A list is read when the first search or write needs it, and by
// the list keeper, which reads them all; so searches work at once, and no open waits for vectors.
#include <algorithm>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/index_rows.h"
#include "index/vector_rows.h"
#include "store/list_reader.h"
#include "store/store_impl.h"
#include "vector/one_bit.h"

namespace libkv {
namespace {

// So many vectors of one space are compared to all centroids in less time than each of them takes
// to choose some centroids.
constexpr size_t kAssignedTogether = 32;

// So many lists are worth a second thread that reads half of them.
constexpr size_t kReadByTwo = 16;

uint32_t NearestList(const ListTable& lists, const DerivedDocument& derived) {
  std::vector<float> rotated(derived.code.size());
  Decode({{derived.scale, derived.norm2}, derived.code}, rotated.data());
  return lists.Nearest(rotated);
}

}  // namespace

// -- Where new vectors go -------------------------------------------------------------------------

// On the caller's thread: the list nearest to a vector.
void Store::Impl::AssignList(const ActiveSpace& space, DerivedDocument* derived) {
  if (derived == nullptr || !derived->has_vector()) return;
  derived->list = kFlatList;
  const std::shared_ptr<const ListTable> lists = space.index()->vectors()->view().lists;
  // Another generation of vectors may have come into force meanwhile: then this is done again.
  if (lists->list_count() == 0 || lists->padded() != derived->code.size()) return;
  derived->list = NearestList(*lists, *derived);
}

// On the leader's: a list may have gone since.
void Store::Impl::PlaceVector(const ActiveSpace& space, DerivedDocument* derived) {
  if (derived == nullptr || !derived->has_vector() || derived->list == kFlatList) return;
  const std::shared_ptr<const ListTable> lists = space.index()->vectors()->view().lists;
  if (lists->Find(derived->list) != nullptr) return;
  derived->list = NearestList(*lists, *derived);
}

void Store::Impl::AssignLists(WriteRequest& request) {
  if (request.changes.size() < kAssignedTogether) {
    for (PendingChange& change : request.changes) {
      if (change.space == nullptr) continue;
      AssignList(*change.space, change.derived.get());
      if (change.next != nullptr) AssignList(*change.space->next(), change.next.get());
    }
    return;
  }
  // Those of one space together: what is read of its centroids serves all of them.
  absl::flat_hash_map<const ActiveSpace*, std::vector<DerivedDocument*>> by_space;
  for (PendingChange& change : request.changes) {
    if (change.space == nullptr) continue;
    if (change.derived != nullptr) by_space[change.space].push_back(change.derived.get());
    if (change.next != nullptr) by_space[change.space->next().get()].push_back(change.next.get());
  }
  for (const auto& [space, derived] : by_space) AssignTogether(*space, derived);
}

void Store::Impl::AssignTogether(const ActiveSpace& space,
                                 std::span<DerivedDocument* const> documents) {
  if (space.index()->vectors() == nullptr) return;
  const std::shared_ptr<const ListTable> lists = space.index()->vectors()->view().lists;
  std::vector<DerivedDocument*> placed;
  std::vector<CodeView> codes;
  for (DerivedDocument* derived : documents) {
    if (!derived->has_vector()) continue;
    derived->list = kFlatList;
    if (lists->padded() != derived->code.size()) continue;
    placed.push_back(derived);
    codes.push_back({{derived->scale, derived->norm2}, derived->code});
  }
  const std::vector<uint32_t> nearest = lists->NearestOfMany(codes);
  for (size_t i = 0; i < placed.size(); ++i) placed[i]->list = nearest[i];
}

void Store::Impl::PlaceVectors(WriteRequest& request) {
  for (PendingChange& change : request.changes) {
    if (change.space == nullptr) continue;
    PlaceVector(*change.space, change.derived.get());
    if (change.next != nullptr) PlaceVector(*change.space->next(), change.next.get());
  }
}

// What was added to lists comes into view.
void Store::Impl::PublishVectors() {
  bool due = false;
  for (const auto& space : Spaces().with_vectors()) {
    VectorIndex* const vectors = space->index()->vectors();
    vectors->Publish();
    due = due || vectors->due_count() > 0;
  }
  NoteLag();
  if (due) WakeListKeeper();
}

// -- Reading lists --------------------------------------------------------------------------------

// At open: the lists, without what is in them.
absl::Status Store::Impl::LoadCentroids(const ActiveSpace& space, const EngineSnapshot* rows,
                                        VectorIndex& vectors) const {
  const size_t padded = space.rotation()->padded();
  std::vector<std::shared_ptr<PostingList>> lists;
  lists.push_back(PostingList::Unloaded(kFlatList, padded, {}));
  const std::string prefix = VectorPrefix(space.vectors_id(), VectorKind::kCentroid);
  const auto cursor = engine_->NewCursor(Family::kVectors, {.snapshot = rows, .fill_cache = false},
                                         prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    uint32_t number = 0;
    CodeView centroid;
    CodeArray mean(1, padded);
    // What is damaged is derived, and named by Verify: a centroid is made of what is in its list.
    if (!ParseCentroidSuffix(cursor->key().substr(prefix.size()), &number) || number == kFlatList) {
      continue;
    }
    const absl::Status parsed = ParseCentroidRow(cursor->key(), cursor->value(), padded, &centroid);
    if (absl::IsDataLoss(parsed)) {
      LIBKV_RETURN_IF_ERROR(MeanOfPostings(space, rows, number, &mean));
      centroid = mean[0];
    } else {
      LIBKV_RETURN_IF_ERROR(parsed);
    }
    lists.push_back(PostingList::Unloaded(number, padded, centroid));
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());
  vectors.SetUnloaded(lists, next_document_ - 1);
  return absl::OkStatus();
}

// Zeros, if the list is empty.
absl::Status Store::Impl::MeanOfPostings(const ActiveSpace& space, const EngineSnapshot* rows,
                                         uint32_t list, CodeArray* mean) const {
  const std::string prefix = PostingPrefix(space.vectors_id(), list);
  const auto cursor = engine_->NewCursor(Family::kVectors, {.snapshot = rows, .fill_cache = false},
                                         prefix, PrefixEnd(prefix));
  std::vector<float> sum(mean->padded()), one(mean->padded());
  size_t count = 0;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next(), ++count) {
    const absl::StatusOr<Posting> posting = ParsePostingRow(cursor->value(), mean->padded());
    if (!posting.ok()) continue;  // Verify names it
    Decode(posting->code, one.data());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += one[i];
  }
  for (float& x : sum) x /= static_cast<float>(std::max<size_t>(count, 1));
  mean->Encode(0, sum);
  return cursor->status();
}

// Reads one list as it is in `rows`, up to `last_document`; null: as it is now.
absl::StatusOr<std::shared_ptr<PostingList>> Store::Impl::ReadList(const ActiveSpace& space,
                                                                   const PostingList& unloaded,
                                                                   const EngineSnapshot* rows,
                                                                   uint64_t last_document,
                                                                   ListStorage storage) const {
  ListReader reader(*this, space, unloaded.number(), unloaded.number(), rows, last_document,
                    storage);
  return reader.Read(unloaded);
}

// The same of several, ascending; many are read by two threads.
absl::StatusOr<std::vector<std::shared_ptr<PostingList>>> Store::Impl::ReadLists(
    const ActiveSpace& space, std::span<const std::shared_ptr<const PostingList>> unloaded,
    const EngineSnapshot* rows, uint64_t last_document, ListStorage storage) const {
  std::vector<std::shared_ptr<PostingList>> lists(unloaded.size());
  const auto read = [&](size_t begin, size_t end) -> absl::Status {
    if (begin == end) return absl::OkStatus();
    ListReader reader(*this, space, unloaded[begin]->number(), unloaded[end - 1]->number(), rows,
                      last_document, storage);
    for (size_t i = begin; i < end; ++i) {
      LIBKV_ASSIGN_OR_RETURN(lists[i], reader.Read(*unloaded[i]));
    }
    return absl::OkStatus();
  };
  const size_t half = unloaded.size() < kReadByTwo ? 0 : unloaded.size() / 2;
  absl::Status first_half;
  std::thread helper;
  if (half > 0) helper = std::thread([&] { first_half = read(0, half); });
  const absl::Status second_half = read(half, unloaded.size());
  if (helper.joinable()) helper.join();
  LIBKV_RETURN_IF_ERROR(first_half);
  LIBKV_RETURN_IF_ERROR(second_half);
  return lists;
}

// The list with its codes, from memory or, as it is now, from disk.
absl::StatusOr<std::shared_ptr<const PostingList>> Store::Impl::ListWithCodes(
    const ActiveSpace& space, const std::shared_ptr<const PostingList>& list) const {
  if (list->is_loaded() && list->keeps_codes()) return list;
  return ReadList(space, *list, nullptr, kDocumentMax, ListStorage::kCodes);
}

// Of a document whose posting does not say it.
absl::Status Store::Impl::ReadKeyOf(const ActiveSpace& space, const EngineRead& read,
                                    uint64_t document, std::string* key, int64_t* expiry,
                                    bool* found) const {
  PinnedValue mapped, pinned;
  Record record;
  uint32_t words = 0;
  std::string_view mapped_key;
  LIBKV_RETURN_IF_ERROR(
      engine_->Get(Family::kIndex, read, DocumentKey(space.id(), document), &mapped, found));
  if (!*found || !ParseDocumentRow(mapped.view(), &words, &mapped_key)) {
    *found = false;
    return absl::OkStatus();
  }
  *key = mapped_key;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, read, *key, &pinned, found));
  *found = *found && ReadRecord(*key, pinned.view(), &record).ok() &&
           record.header.document == document && record.header.space == space.id();
  if (*found) *expiry = record.header.expiry;
  return absl::OkStatus();
}

// Brings lists of ascending numbers into memory, for everybody. Those that are there already, or
// gone, are passed over.
absl::Status Store::Impl::LoadLists(const ActiveSpace& space,
                                    std::span<const uint32_t> numbers) const {
  // One after the other: the keeper, which loads all, must not pass a search again and again.
  std::unique_lock turn(load_turn_);
  const std::lock_guard load_lock(load_mutex_);
  turn.unlock();
  const std::shared_ptr<SpaceIndex> index = space.index();
  VectorIndex& vectors = *index->vectors();
  const std::shared_ptr<const ListTable> table = vectors.view().lists;
  std::vector<std::shared_ptr<const PostingList>> unloaded;
  for (const uint32_t number : numbers) {
    const std::shared_ptr<PostingList>& list = table->Find(number);
    if (list != nullptr && !list->is_loaded()) unloaded.push_back(list);
  }
  if (unloaded.empty()) return absl::OkStatus();
  std::unique_ptr<EngineSnapshot> rows;
  uint64_t last_document = 0;
  const ListStorage storage = vectors.storage();
  {
    const std::lock_guard lock(publish_mutex_);
    for (const auto& list : unloaded) vectors.BeginLoad(list->number());
    rows = engine_->NewSnapshot();
    last_document = vectors.last_document();
  }
  auto lists = ReadLists(space, unloaded, rows.get(), last_document, storage);
  const std::lock_guard lock(publish_mutex_);
  // Who changes what is in memory loads all lists after that.
  if (!lists.ok() || vectors.storage() != storage) {
    for (const auto& list : unloaded) vectors.AbortLoad(list->number());
    return lists.status();
  }
  vectors.FinishLoad(*std::move(lists), rows->sequence());
  return absl::OkStatus();
}

absl::Status Store::Impl::LoadList(const ActiveSpace& space, uint32_t number) const {
  return LoadLists(space, std::span(&number, 1));
}

}  // namespace libkv
