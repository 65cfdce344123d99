// Reindex of vectors: what is derived from the full vectors is derived again and compared, row by
// row, by the committer itself, so that nobody changes a row between the look and the repair. Then
// memory is filled from the rows again.
//
// A full vector that cannot be read has no posting afterwards, so that no search meets it. Where an
// embedder can make it again its value is written again, as it is.
#include <optional>

#include "base/hash.h"
#include "base/status_macros.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "index/vector_rows.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

constexpr size_t kStepRows = 64;                // looked at by one commit
constexpr size_t kStepBytes = size_t{1} << 20;  // of values that are written again at once

}  // namespace

absl::Status Store::Impl::RepairVectors(const ActiveSpace& space) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  LIBKV_RETURN_IF_ERROR(
      RepairRows(space, VectorKind::kCentroid, [&](EngineBatch& batch, std::string_view suffix) {
        return RepairCentroid(space, suffix, batch);
      }));
  LIBKV_RETURN_IF_ERROR(
      RepairRows(space, VectorKind::kVector, [&](EngineBatch& batch, std::string_view suffix) {
        return RepairPosting(space, suffix, batch);
      }));
  LIBKV_RETURN_IF_ERROR(
      RepairRows(space, VectorKind::kPosting, [&](EngineBatch& batch, std::string_view suffix) {
        return DropStrayPosting(space, suffix, batch);
      }));
  LIBKV_RETURN_IF_ERROR(RepairRows(
      space, VectorKind::kList, [&](EngineBatch& batch, std::string_view suffix) -> absl::Status {
        uint64_t document = 0;
        bool has_vector = false;
        if (ParseDocumentSuffix(suffix, &document)) {
          LIBKV_ASSIGN_OR_RETURN(has_vector, HasVector(space, {.fill_cache = false}, document));
        }
        if (has_vector) return absl::OkStatus();
        batch.Delete(Family::kVectors,
                     VectorPrefix(space.vectors_id(), VectorKind::kList) + std::string(suffix));
        return absl::OkStatus();
      }));
  {
    const std::lock_guard load_lock(load_mutex_);
    const std::lock_guard lock(publish_mutex_);
    index->vectors()->Unload();
  }
  return LoadAllLists(space);
}

absl::StatusOr<bool> Store::Impl::HasRow(const std::string& row_key) const {
  PinnedValue row;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(
      engine_->Get(Family::kVectors, {.fill_cache = false}, row_key, &row, &found));
  return found;
}

// Whether the full vector of a document can be read.
absl::StatusOr<bool> Store::Impl::HasVector(const ActiveSpace& space, const EngineRead& read,
                                            uint64_t document) const {
  const std::string row_key = VectorKey(space.vectors_id(), document);
  PinnedValue row;
  bool found = false;
  std::vector<float> vector;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, row_key, &row, &found));
  return found && ParseVectorRow(row_key, row.view(), space.definition().dimension, &vector).ok();
}

// Shows the committer all rows of a kind, some at a time, each alone in its group.
absl::Status Store::Impl::RepairRows(
    const ActiveSpace& space, VectorKind kind,
    absl::FunctionRef<absl::Status(EngineBatch& batch, std::string_view suffix)> repair) {
  const std::string prefix = VectorPrefix(space.vectors_id(), kind);
  const auto cursor =
      engine_->NewCursor(Family::kVectors, {.fill_cache = false}, prefix, PrefixEnd(prefix));
  cursor->SeekToFirst();
  while (cursor->Valid()) {
    std::vector<std::string> suffixes;
    for (; cursor->Valid() && suffixes.size() < kStepRows; cursor->Next()) {
      suffixes.emplace_back(cursor->key().substr(prefix.size()));
    }
    absl::Status status;
    WriteRequest request;
    request.is_alone = true;
    request.more_rows = [&](EngineBatch& batch) {
      const ActiveSpace* const there = Spaces().ById(space.id());
      if (there == nullptr || there->index() != space.index()) return;  // dropped meanwhile
      for (const std::string& suffix : suffixes) {
        if (status.ok()) status = repair(batch, suffix);
      }
    };
    LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
    LIBKV_RETURN_IF_ERROR(status);
  }
  return cursor->status();
}

// The posting and the list of a stored vector, as they should be.
absl::Status Store::Impl::RepairPosting(const ActiveSpace& space, std::string_view suffix,
                                        EngineBatch& batch) const {
  uint64_t document = 0;
  if (!ParseDocumentSuffix(suffix, &document)) return absl::OkStatus();
  const EngineRead read{.fill_cache = false};
  const std::string vector_key = VectorKey(space.vectors_id(), document);
  PinnedValue vector_row, list_row, posting_row;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, vector_key, &vector_row, &found));
  if (!found) return absl::OkStatus();  // removed meanwhile
  std::string key;
  int64_t expiry = 0;
  LIBKV_RETURN_IF_ERROR(ReadKeyOf(space, read, document, &key, &expiry, &found));
  std::vector<float> vector;
  DerivedDocument derived;
  // What cannot be derived again is left for Verify to name.
  if (!found ||
      !ParseVectorRow(vector_key, vector_row.view(), space.definition().dimension, &vector).ok() ||
      !DeriveVector(space, vector, &derived).ok()) {
    return absl::OkStatus();
  }

  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, ListKey(space.vectors_id(), document),
                                     &list_row, &found));
  const bool has_list = found && ParseListRow(list_row.view(), &derived.list) &&
                        space.index()->vectors()->view().lists->Find(derived.list) != nullptr;
  if (!has_list) derived.list = kFlatList;
  if (found && derived.list == kFlatList) {
    batch.Delete(Family::kVectors, ListKey(space.vectors_id(), document));
  }
  const std::string posting_key = PostingKey(space.vectors_id(), derived.list, document);
  const std::string posting = EncodePostingRow(
      {.code = {{derived.scale, derived.norm2}, derived.code}, .expiry = expiry, .key = key});
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, posting_key, &posting_row, &found));
  if (!found || posting_row.view() != posting) {
    batch.Put(Family::kVectors, posting_key, posting);
  }
  return absl::OkStatus();
}

// The centroid that the list has in memory, where an open made it of the list's postings.
absl::Status Store::Impl::RepairCentroid(const ActiveSpace& space, std::string_view suffix,
                                         EngineBatch& batch) const {
  const std::string row_key =
      VectorPrefix(space.vectors_id(), VectorKind::kCentroid) + std::string(suffix);
  uint32_t number = kFlatList;
  PinnedValue row;
  bool found = false;
  CodeView centroid;
  LIBKV_RETURN_IF_ERROR(
      engine_->Get(Family::kVectors, {.fill_cache = false}, row_key, &row, &found));
  if (!found) return absl::OkStatus();  // removed meanwhile
  const bool is_number = ParseCentroidSuffix(suffix, &number) && number != kFlatList;
  const std::shared_ptr<const ListTable> lists = space.index()->vectors()->view().lists;
  const std::shared_ptr<PostingList> list = is_number ? lists->Find(number) : nullptr;
  if (list == nullptr) {
    batch.Delete(Family::kVectors, row_key);
  } else if (!ParseCentroidRow(row_key, row.view(), lists->padded(), &centroid).ok()) {
    batch.Put(Family::kVectors, row_key, EncodeCentroidRow(row_key, list->centroid()));
  }
  return absl::OkStatus();
}

// A posting without a vector that can be read, or in another list than its vector's.
absl::Status Store::Impl::DropStrayPosting(const ActiveSpace& space, std::string_view suffix,
                                           EngineBatch& batch) const {
  uint32_t list = 0, its_list = kFlatList;
  uint64_t document = 0;
  bool found = false;
  if (ParsePostingSuffix(suffix, &list, &document)) {
    LIBKV_ASSIGN_OR_RETURN(found, HasVector(space, {.fill_cache = false}, document));
  }
  if (found) {
    PinnedValue row;
    bool has_row = false;
    LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, {.fill_cache = false},
                                       ListKey(space.vectors_id(), document), &row, &has_row));
    if (has_row) found = ParseListRow(row.view(), &its_list);
  }
  if (found && list == its_list) return absl::OkStatus();
  batch.Delete(Family::kVectors,
               VectorPrefix(space.vectors_id(), VectorKind::kPosting) + std::string(suffix));
  return absl::OkStatus();
}

// -- Vectors that are lost ------------------------------------------------------------------------

absl::Status Store::Impl::RemakeVectors(const ActiveSpace& space) {
  if (space.definition().embedder.empty()) return absl::OkStatus();
  std::vector<std::string> lost;
  {
    const std::unique_ptr<EngineSnapshot> rows = engine_->NewSnapshot();
    const EngineRead read{.snapshot = rows.get(), .fill_cache = false};
    const auto look = [&](std::string_view key, const Record& record) -> absl::Status {
      const uint64_t document = record.header.document;
      if (!record.header.has_vector) return absl::OkStatus();
      LIBKV_ASSIGN_OR_RETURN(bool is_there, HasVector(space, read, document));
      PinnedValue pending;
      if (!is_there) {  // one that is still to be made is not lost
        LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kIndex, read, PendingKey(space.id(), document),
                                           &pending, &is_there));
      }
      if (!is_there) lost.emplace_back(key);
      return absl::OkStatus();
    };
    LIBKV_RETURN_IF_ERROR(ForEachMapped(space, read, 0, kDocumentMax, look));
  }
  for (size_t i = 0; i < lost.size();) {
    WriteRequest request;
    std::vector<std::string> records;
    records.reserve(kEmbedTextsMax);  // what the changes view
    for (size_t bytes = 0; i < lost.size() && records.size() < kEmbedTextsMax; ++i) {
      PinnedValue pinned;
      Record record;
      bool found = false;
      LIBKV_RETURN_IF_ERROR(
          engine_->Get(Family::kData, {.fill_cache = false}, lost[i], &pinned, &found));
      if (bytes > 0 && bytes + pinned.view().size() > kStepBytes) break;
      if (!found) continue;  // removed meanwhile
      bytes += pinned.view().size();
      const std::string& bytes_of = records.emplace_back(pinned.view());
      if (!ReadRecord(lost[i], bytes_of, &record).ok()) continue;  // Verify names it
      PendingChange& change = request.changes.emplace_back();
      change.key = lost[i];
      change.value = record.value;
      change.expiry = record.header.expiry;
      change.stamp = record.header.stamp;
      change.only_if_record = Hash64(bytes_of);
    }
    if (!request.changes.empty()) {
      LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
    }
  }
  return absl::OkStatus();
}

}  // namespace libkv
