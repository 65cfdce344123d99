// What a space keeps in memory, rebuilt from its rows: the sealed segments with what died in them,
// then the documents above them in the order of their ids, their words from the stored values; and
// where the lists of vectors are (vector_lists.cc reads them).
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/store_impl.h"
#include "text/json_text.h"

namespace libkv {
namespace {

constexpr size_t kLoadStep = 256;  // values read at once

struct MappedDocument {
  uint64_t document = 0;
  std::string key;
};

}  // namespace

absl::Status Store::Impl::LoadIndex(const ActiveSpace& space, const EngineSnapshot* rows,
                                    SpaceIndex& index) const {
  if (absl::Status status = LoadSegments(space, rows, index); !status.ok()) {
    // Segments are derived: without them everything is read back, and sealed anew.
    if (!absl::IsDataLoss(status)) return status;
    index.ForgetSegments();
  }
  LIBKV_RETURN_IF_ERROR(LoadMarkers(space, rows, index));
  LIBKV_RETURN_IF_ERROR(LoadPending(space, rows, index));

  if (space.rotation() != nullptr) {
    LIBKV_RETURN_IF_ERROR(LoadCentroids(space, rows, *index.vectors()));
    LIBKV_RETURN_IF_ERROR(LoadRecall(space, *index.vectors()));
    if (!index.vectors()->has_lists()) LIBKV_RETURN_IF_ERROR(LoadList(space, kFlatList));
  }

  // Words only of documents that no segment has.
  if (space.analyzer() == nullptr) return absl::OkStatus();
  const EngineRead read{.snapshot = rows, .fill_cache = false};
  return ForEachMapped(space, read, index.sealed_through() + 1, kDocumentMax,
                       [&](std::string_view key, const Record& record) {
                         DerivedDocument derived;
                         DeriveStoredWords(space, record, &derived);
                         index.Add(record.header.document, key, /*born=*/0, record.header.expiry,
                                   derived);
                         if (IsFull(*index.view()->deltas.back())) index.Freeze();
                         return absl::OkStatus();
                       });
}

absl::Status Store::Impl::LoadSegments(const ActiveSpace& space, const EngineSnapshot* rows,
                                       SpaceIndex& index) const {
  const std::string prefix = IndexPrefix(space.id(), IndexKind::kSegment);
  const auto cursor = engine_->NewCursor(Family::kIndex, {.snapshot = rows, .fill_cache = false},
                                         prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    uint32_t segment = 0;
    SegmentSummary summary;
    std::string_view dead;
    if (!ParseSegmentSuffix(cursor->key().substr(prefix.size()), &segment)) {
      return DataLoss("segment row '", Printable(cursor->key()), "' is damaged");
    }
    index.SegmentsBelow(segment + 1);
    LIBKV_RETURN_IF_ERROR(ParseSegmentRow(space.id(), segment, cursor->value(), &summary, &dead));
    LIBKV_ASSIGN_OR_RETURN(std::shared_ptr<const Segment> loaded,
                           Segment::Load(*engine_, space.id(), segment, summary.documents));
    const auto part = std::make_shared<SealedPart>(std::move(loaded), summary);
    if (!part->AddDead(dead)) {
      return DataLoss("the dead set of segment ", segment, " of space '",
                      Printable(space.definition().prefix), "' is damaged");
    }
    index.ReplaceSealed({}, std::span(&part, 1));
  }
  return cursor->status();
}

absl::Status Store::Impl::LoadMarkers(const ActiveSpace& space, const EngineSnapshot* rows,
                                      SpaceIndex& index) const {
  const std::string prefix = IndexPrefix(space.id(), IndexKind::kDeadMarker);
  const auto cursor = engine_->NewCursor(Family::kIndex, {.snapshot = rows, .fill_cache = false},
                                         prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    uint64_t document = 0;
    if (!ParseDocumentSuffix(cursor->key().substr(prefix.size()), &document)) {
      return DataLoss("dead marker '", Printable(cursor->key()), "' is damaged");
    }
    index.KillAtLoad(document);
  }
  return cursor->status();
}

// How many vectors are still to be made: which ones, the rows know.
absl::Status Store::Impl::LoadPending(const ActiveSpace& space, const EngineSnapshot* rows,
                                      SpaceIndex& index) const {
  if (!space.definition().deferred) return absl::OkStatus();
  const std::string prefix = IndexPrefix(space.id(), IndexKind::kPending);
  const auto cursor = engine_->NewCursor(Family::kIndex, {.snapshot = rows, .fill_cache = false},
                                         prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    PendingState state{};
    if (!ParsePendingRow(cursor->value(), &state)) {
      return DataLoss("pending row '", Printable(cursor->key()), "' is damaged");
    }
    SpaceIndex::Pending& pending = index.pending();
    (state == PendingState::kWaiting ? pending.waiting : pending.refused).fetch_add(1);
  }
  return cursor->status();
}

// Calls `visit` for the records of the documents in [first, last], ascending. A map row whose
// record is gone or damaged is skipped here and named by Verify: one bad value must not keep all
// others from being opened.
absl::Status Store::Impl::ForEachMapped(
    const ActiveSpace& space, const EngineRead& read, uint64_t first, uint64_t last,
    absl::FunctionRef<absl::Status(std::string_view key, const Record& record)> visit) const {
  std::vector<MappedDocument> step;
  const auto visit_step = [&]() -> absl::Status {
    std::vector<std::string_view> keys;
    for (const MappedDocument& mapped : step) keys.emplace_back(mapped.key);
    std::vector<PinnedValue> values(keys.size());
    bool found[kLoadStep] = {};
    // One bad block fails the whole call: then one by one.
    if (!engine_->MultiGet(Family::kData, read, keys, values.data(), found).ok()) {
      for (size_t i = 0; i < step.size(); ++i) {
        if (!engine_->Get(Family::kData, read, keys[i], &values[i], &found[i]).ok()) {
          found[i] = false;
        }
      }
    }
    for (size_t i = 0; i < step.size(); ++i) {
      Record record;
      if (!found[i] || !ReadRecord(keys[i], values[i].view(), &record).ok()) continue;
      if (record.header.document != step[i].document || record.header.space != space.id()) continue;
      LIBKV_RETURN_IF_ERROR(visit(keys[i], record));
    }
    step.clear();
    return absl::OkStatus();
  };

  const std::string prefix = IndexPrefix(space.id(), IndexKind::kDocument);
  const auto map =
      engine_->NewCursor(Family::kIndex, read, DocumentKey(space.id(), first), PrefixEnd(prefix));
  for (map->SeekToFirst(); map->Valid(); map->Next()) {
    MappedDocument& mapped = step.emplace_back();
    uint32_t words = 0;
    std::string_view key;
    if (!ParseDocumentSuffix(map->key().substr(prefix.size()), &mapped.document) ||
        !ParseDocumentRow(map->value(), &words, &key)) {
      return DataLoss("row '", Printable(map->key()), "' of the document map is damaged");
    }
    if (mapped.document > last) {
      step.pop_back();
      break;
    }
    mapped.key = key;
    if (step.size() == kLoadStep) LIBKV_RETURN_IF_ERROR(visit_step());
  }
  LIBKV_RETURN_IF_ERROR(map->status());
  return visit_step();
}

void Store::Impl::DeriveStoredWords(const ActiveSpace& space, const Record& record,
                                    DerivedDocument* derived) {
  if (space.analyzer() == nullptr || !record.header.has_words) return;
  DeriveWords(*space.analyzer(), IndexedText(record.value, space.definition().text_fields),
              derived);
}

}  // namespace libkv
