// Lists of vectors in memory: which list a new vector goes into, and how a list is read from disk.
//
// An open reads the centroids only. A list is read when the first search or write needs it, and by
// the list keeper, which reads them all; so searches work at once, and no open waits for vectors.
#include "absl/container/flat_hash_map.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/index_rows.h"
#include "index/vector_rows.h"
#include "store/store_impl.h"
#include "vector/one_bit.h"

namespace libkv {
namespace {

// What is read of one posting, with its bytes.
struct ReadPosting {
  uint64_t document = 0;
  std::string row;
  std::string key;  // only if the row has none
  int64_t expiry = 0;
};

// So many vectors of one space are compared to all centroids in less time than each of them takes
// to choose some centroids.
constexpr size_t kAssignedTogether = 32;

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
    if (vectors->due_count() > VectorIndex::kDueMax) lists_lag_.store(true);
  }
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
    if (!ParseCentroidSuffix(cursor->key().substr(prefix.size()), &number) || number == kFlatList) {
      return DataLoss("centroid row '", Printable(cursor->key()), "' is damaged");
    }
    LIBKV_RETURN_IF_ERROR(ParseCentroidRow(cursor->key(), cursor->value(), padded, &centroid));
    lists.push_back(PostingList::Unloaded(number, padded, centroid));
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());
  vectors.SetUnloaded(lists, next_document_ - 1);
  return absl::OkStatus();
}

// Reads one list as it is in `rows`, up to `last_document`; null: as it is now.
absl::StatusOr<std::shared_ptr<PostingList>> Store::Impl::ReadList(const ActiveSpace& space,
                                                                   const PostingList& unloaded,
                                                                   const EngineSnapshot* rows,
                                                                   uint64_t last_document,
                                                                   ListStorage storage) const {
  const EngineRead read{.snapshot = rows, .fill_cache = false};
  const std::string prefix = PostingPrefix(space.vectors_id(), unloaded.number());
  const auto cursor = engine_->NewCursor(Family::kVectors, read, prefix, PrefixEnd(prefix));
  std::vector<ReadPosting> postings;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    uint64_t document = 0;
    if (!ParseDocumentSuffix(cursor->key().substr(prefix.size()), &document)) {
      return DataLoss("posting '", Printable(cursor->key()), "' is damaged");
    }
    if (document > last_document) break;
    ReadPosting& posting = postings.emplace_back();
    posting.document = document;
    posting.row = cursor->value();
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());

  std::vector<ListItem> items;
  items.reserve(postings.size());
  for (ReadPosting& from : postings) {
    absl::StatusOr<Posting> posting = ParsePostingRow(from.row, space.rotation()->padded());
    if (!posting.ok()) continue;  // Verify names it
    if (!posting->has_key) {
      bool found = false;
      LIBKV_RETURN_IF_ERROR(ReadKeyOf(space, read, from.document, &from.key, &from.expiry, &found));
      if (!found) continue;  // Verify names it
      posting->key = from.key;
      posting->expiry = from.expiry;
    }
    items.push_back({.document = from.document,
                     .key = posting->key,
                     .expiry = posting->expiry,
                     .code = posting->code});
  }
  return PostingList::Build(unloaded.number(), space.rotation()->padded(), unloaded.centroid(),
                            items, storage);
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

// Brings a list into memory, for everybody. OK if it is there already, or gone.
absl::Status Store::Impl::LoadList(const ActiveSpace& space, uint32_t number) const {
  // One after the other: the keeper, which loads all, must not pass a search again and again.
  std::unique_lock turn(load_turn_);
  const std::lock_guard load_lock(load_mutex_);
  turn.unlock();
  const std::shared_ptr<SpaceIndex> index = space.index();
  VectorIndex& vectors = *index->vectors();
  const std::shared_ptr<const PostingList> unloaded = vectors.view().lists->Find(number);
  if (unloaded == nullptr || unloaded->is_loaded()) return absl::OkStatus();
  std::unique_ptr<EngineSnapshot> rows;
  uint64_t last_document = 0;
  const ListStorage storage = vectors.storage();
  {
    const std::lock_guard lock(publish_mutex_);
    vectors.BeginLoad(number);
    rows = engine_->NewSnapshot();
    last_document = vectors.last_document();
  }
  absl::StatusOr<std::shared_ptr<PostingList>> list =
      ReadList(space, *unloaded, rows.get(), last_document, storage);
  const std::lock_guard lock(publish_mutex_);
  // Who changes what is in memory loads all lists after that.
  if (!list.ok() || vectors.storage() != storage) {
    vectors.AbortLoad(number);
    return list.status();
  }
  vectors.FinishLoad(std::move(*list), rows->sequence());
  return absl::OkStatus();
}

}  // namespace libkv
