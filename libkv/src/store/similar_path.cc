// Similarity: by a vector, by the vector of a key, by a text; nearest.cc has the search itself. A
// filter becomes a set of documents before: the search asks it; when few pass, their vectors are
// read instead.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/top_k.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "index/vector_rows.h"
#include "store/document_filter.h"
#include "store/lazy_filter.h"
#include "store/store_impl.h"
#include "store/text_search.h"
#include "text/query_parser.h"
#include "vector/metric.h"

namespace libkv {
namespace {

// Candidates whose full vectors are read at once.
constexpr size_t kRefineStep = 32;
// Documents that pass a filter are read, at about 4 us each, if they are at most so many and the
// space has for each so many vectors to be scanned.
constexpr size_t kReadPassingMax = 512;
constexpr size_t kScannedPerRead = 256;

struct Better {
  bool operator()(const NearDocument& a, const NearDocument& b) const {
    const Neighbor &x = a.neighbor, &y = b.neighbor;
    return x.score != y.score ? x.score > y.score : x.key < y.key;
  }
};

// Where codes are on disk, comparing everything is reading everything.
constexpr size_t kReadPassingFarMax = 8'192;

// Of so many times as are wanted the nearest are asked first whether they pass; then of as many as
// it takes by the share that did, and a fourth more, if that is not too many.
constexpr size_t kAskedTimes = 4;
constexpr double kAskedMore = 1.25;
constexpr size_t kAskedMax = 1'000;

using FindNearestOf = absl::FunctionRef<absl::StatusOr<std::vector<NearDocument>>(size_t limit)>;

// Asks the nearest, best first, until `limit` of them pass, which are the answer then. False: few
// pass, or all that pass are known meanwhile.
absl::StatusOr<bool> AskNearest(size_t limit, FindNearestOf find, LazyFilter& lazy,
                                std::vector<NearDocument>* passing) {
  absl::flat_hash_map<uint64_t, bool> asked;
  for (size_t count = kAskedTimes * limit, last = 0; count <= kAskedMax;) {
    LIBKV_ASSIGN_OR_RETURN(std::vector<NearDocument> nearest, find(count));
    passing->clear();
    for (NearDocument& near : nearest) {
      const auto [place, is_new] = asked.try_emplace(near.document);
      if (is_new) {
        place->second = lazy.Passes(near.document, [&](uint64_t) -> absl::StatusOr<std::string> {
          return near.neighbor.key;
        });
        LIBKV_RETURN_IF_ERROR(lazy.status());
        if (lazy.known() != nullptr) return false;
      }
      if (place->second) passing->push_back(std::move(near));
      if (passing->size() == limit) return true;
    }
    if (nearest.size() <= last) return false;  // there are no more
    last = nearest.size();
    const double share = static_cast<double>(passing->size() + 1) / static_cast<double>(last + 2);
    count = static_cast<size_t>(kAskedMore * static_cast<double>(limit) / share);
    count = std::max(count, 2 * last);
  }
  return false;
}

// Whether the keys under a prefix have to be known before: no entry can say its own.
bool WalksPrefix(const ActiveSpace& space, const std::string& prefix) {
  return space.definition().bits_only && prefix.size() > space.definition().prefix.size();
}

bool IsNarrow(const DocumentFilter& filter, const ListTable& lists, bool keeps_codes) {
  const size_t count = filter.documents().size();
  if (!filter.names_passing()) return false;
  if (!keeps_codes && lists.list_count() > 0 && count <= kReadPassingFarMax) return true;
  return count <= kReadPassingMax && count * kScannedPerRead <= lists.live();
}

}  // namespace

absl::StatusOr<const ActiveSpace*> Store::Impl::OneVectorSpace(std::string_view prefix) const {
  std::vector<const ActiveSpace*> found;
  for (const ActiveSpace* space : Spaces().Overlapping(prefix)) {
    if (space->rotation() != nullptr) found.push_back(space);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return FailedPrecondition("no space under prefix '", Printable(prefix),
                              "' has vectors: set Space::vector_dimension or Space::embedder");
  }
  return InvalidArgument("prefix '", Printable(prefix), "' leads to ", found.size(),
                         " spaces with vectors, whose scores cannot be compared: use a longer one");
}

// The space with the vectors that the snapshot has: it may have got other ones since.
const ActiveSpace& Store::Impl::SpaceAsIn(const std::shared_ptr<const Snapshot>& snapshot,
                                          const ActiveSpace& space) {
  const auto& of_store = static_cast<const StoreSnapshot&>(*snapshot);
  const ActiveSpace* const captured = of_store.SpaceOf(space);
  return captured != nullptr ? *captured : space;
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::Similar(const SimilarOptions& options,
                                                           std::span<const float> vector) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* space, OneVectorSpace(options.prefix));
  SimilarOptions at = options;
  at.snapshot = SnapshotOrNow(options.snapshot);
  return NearestPassing(at, SpaceAsIn(at.snapshot, *space), vector, {});
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::SimilarTo(const SimilarOptions& options,
                                                             std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  const ActiveSpace* space = Spaces().Of(key);
  if (space == nullptr || space->rotation() == nullptr) {
    return FailedPrecondition("key '", Printable(key), "' is in no space with vectors");
  }
  SimilarOptions at = options;
  at.snapshot = SnapshotOrNow(options.snapshot);
  const auto* snapshot = static_cast<const StoreSnapshot*>(at.snapshot.get());
  const ActiveSpace& captured = SpaceAsIn(at.snapshot, *space);
  LIBKV_ASSIGN_OR_RETURN(const std::vector<float> vector,
                         VectorOf(captured, snapshot->rows.get(), key));
  return NearestPassing(at, captured, vector, key);
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::SimilarText(const SimilarOptions& options,
                                                               std::string_view text) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* space, OneVectorSpace(options.prefix));
  SimilarOptions at = options;
  at.snapshot = SnapshotOrNow(options.snapshot);
  const auto* snapshot = static_cast<const StoreSnapshot*>(at.snapshot.get());
  const ActiveSpace& captured = SpaceAsIn(at.snapshot, *space);
  std::vector<float> vector(captured.definition().dimension);
  LIBKV_RETURN_IF_ERROR(libkv::Embed(captured, EmbedKind::kQuery, std::span(&text, 1), vector));
  // A text without words has no direction: nothing is similar to it.
  if (std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; })) {
    LIBKV_RETURN_IF_ERROR(FilterFor(at, captured, *snapshot).status());
    return std::vector<Neighbor>();
  }
  return NearestPassing(at, captured, vector, {});
}

absl::StatusOr<std::vector<float>> Store::Impl::GetVector(const ReadOptions& read,
                                                          std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  const ActiveSpace* space = Spaces().Of(key);
  if (space == nullptr || space->rotation() == nullptr) {
    return FailedPrecondition("key '", Printable(key), "' is in no space with vectors");
  }
  const std::shared_ptr<const Snapshot> at = SnapshotOrNow(read.snapshot);
  const auto* snapshot = static_cast<const StoreSnapshot*>(at.get());
  return VectorOf(SpaceAsIn(at, *space), snapshot->rows.get(), key);
}

absl::StatusOr<std::vector<float>> Store::Impl::EmbedText(std::string_view prefix,
                                                          std::string_view text,
                                                          EmbedKind kind) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* space, OneVectorSpace(prefix));
  std::vector<float> vector(space->definition().dimension);
  LIBKV_RETURN_IF_ERROR(libkv::Embed(*space, kind, std::span(&text, 1), vector));
  return vector;
}

absl::StatusOr<std::vector<float>> Store::Impl::VectorOf(const ActiveSpace& space,
                                                         const EngineSnapshot* snapshot,
                                                         std::string_view key) const {
  const EngineRead read{.snapshot = snapshot};
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive(read, key, &pinned, &record));
  const bool here = record.header.space == space.id() && record.header.has_vector;
  const std::string row_key = VectorKey(space.vectors_id(), record.header.document);
  bool found = false;
  if (here) LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, row_key, &pinned, &found));
  // Of an embedder it may still come, or there may be nothing to say.
  if (!found && here && space.definition().embedder.empty()) return LostVector(key, false);
  if (!found) {
    return MakeStatus(absl::StatusCode::kNotFound, "key '", Printable(key), "' has no vector");
  }
  std::vector<float> vector;
  if (!ParseVectorRow(row_key, pinned.view(), space.definition().dimension, &vector).ok()) {
    return LostVector(key, true);
  }
  return vector;
}

// Of a document whose full vector cannot be read. Without a posting it has none: nothing was given,
// or it is still to be made, or Reindex has given it up.
absl::Status Store::Impl::CheckNotLost(const ActiveSpace& space, const EngineSnapshot* snapshot,
                                       uint64_t document) const {
  const EngineRead read{.snapshot = snapshot};
  PinnedValue row;
  bool found = false;
  uint32_t list = kFlatList;
  LIBKV_RETURN_IF_ERROR(
      engine_->Get(Family::kVectors, read, ListKey(space.vectors_id(), document), &row, &found));
  if (found && !ParseListRow(row.view(), &list)) list = kFlatList;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read,
                                     PostingKey(space.vectors_id(), list, document), &row, &found));
  if (!found) return absl::OkStatus();
  std::string key;
  int64_t expiry = 0;
  LIBKV_RETURN_IF_ERROR(ReadKeyOf(space, read, document, &key, &expiry, &found));
  if (!found) return absl::OkStatus();  // it is not in force
  const std::string row_key = VectorKey(space.vectors_id(), document);
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, row_key, &row, &found));
  return LostVector(key, found);
}

absl::StatusOr<DocumentFilter> Store::Impl::FilterFor(const SimilarOptions& options,
                                                      const ActiveSpace& space,
                                                      const StoreSnapshot& snapshot) const {
  const ActiveSpace* const captured = snapshot.SpaceOf(space);
  const ActiveSpace* const at = captured != nullptr ? captured : &space;
  LIBKV_RETURN_IF_ERROR(CheckFilters(options.filters, std::span(&at, 1)));
  ParsedQuery parsed;
  if (!options.words.empty()) {
    const std::vector<std::string> names = FilterNames(*at);
    LIBKV_ASSIGN_OR_RETURN(parsed, ParseQuery(options.words, /*strict=*/true, &names));
  }
  FieldSearch fields(*engine_, snapshot.rows.get(), FieldSearch::SteadyTime::max());
  return FilterDocuments({space, snapshot, Now(), options.prefix}, options.filters,
                         options.words.empty() ? nullptr : &parsed.root, &fields);
}

// Of fields alone; null: it has to be known before, or there is none.
absl::StatusOr<std::unique_ptr<LazyFilter>> Store::Impl::LazyFilterFor(
    const SimilarOptions& options, const ActiveSpace& space, const StoreSnapshot& snapshot) const {
  const StoreSnapshot::Space* const captured = snapshot.Find(space);
  const bool needs_set = captured == nullptr || captured->vectors.lists == nullptr ||
                         (WalksPrefix(space, options.prefix));
  if (options.filters.empty() || !options.words.empty() || needs_set) {
    return std::unique_ptr<LazyFilter>();
  }
  const ActiveSpace* const at = captured->space;
  LIBKV_RETURN_IF_ERROR(CheckFilters(options.filters, std::span(&at, 1)));
  return LazyFilter::Begin(*engine_, snapshot.rows.get(), *at, options.filters,
                           captured->vectors.lists->live(), options.limit);
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::NearestPassing(
    SimilarOptions options, const ActiveSpace& space, std::span<const float> vector,
    std::string_view without_key) const {
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  options.snapshot = snapshot;  // one moment for the filter and the vectors
  LIBKV_ASSIGN_OR_RETURN(const std::unique_ptr<LazyFilter> lazy,
                         LazyFilterFor(options, space, *snapshot));
  DocumentFilter filter;
  if (lazy == nullptr) {
    LIBKV_ASSIGN_OR_RETURN(filter, FilterFor(options, space, *snapshot));
  } else if (lazy->known() != nullptr) {
    filter = *lazy->known();
  }
  const bool is_known = lazy == nullptr || lazy->known() != nullptr;
  LIBKV_ASSIGN_OR_RETURN(
      std::vector<NearDocument> near,
      Nearest(options, space, vector, without_key, filter, is_known ? nullptr : lazy.get()));
  std::vector<Neighbor> neighbors;
  for (NearDocument& document : near) neighbors.push_back(std::move(document.neighbor));
  return neighbors;
}

absl::StatusOr<std::vector<NearDocument>> Store::Impl::Nearest(
    const SimilarOptions& options, const ActiveSpace& space, std::span<const float> vector,
    std::string_view without_key, const DocumentFilter& given, LazyFilter* lazy) const {
  if (options.limit > kSimilarLimitMax) {
    return InvalidArgument("a limit of ", options.limit, " is above ", kSimilarLimitMax);
  }
  if (!(options.recall_target > 0 && options.recall_target <= 1)) {
    return InvalidArgument("a recall target must be above 0 and at most 1");
  }
  LIBKV_RETURN_IF_ERROR(CheckVector(vector, space.definition().dimension, space.metric()));
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  const StoreSnapshot::Space* const captured = snapshot->Find(space);
  if (captured == nullptr || options.limit == 0) return std::vector<NearDocument>();
  // Without keys in memory a prefix is a set of documents, and so is a key that is left out.
  const bool keeps_codes = !space.definition().bits_only;
  DocumentFilter under_prefix;
  uint64_t without_document = 0;
  if (!keeps_codes && captured->vectors.lists->list_count() > 0) {
    if (WalksPrefix(space, options.prefix)) {
      LIBKV_ASSIGN_OR_RETURN(under_prefix, DocumentsUnder(options.prefix, space, *snapshot, given));
    }
    if (!without_key.empty()) {
      PinnedValue pinned;
      Record record;
      LIBKV_RETURN_IF_ERROR(
          ReadLive({.snapshot = snapshot->rows.get()}, without_key, &pinned, &record));
      without_document = record.header.document;
    }
  }
  const DocumentFilter& filter = under_prefix.names_passing() ? under_prefix : given;
  if (IsNarrow(filter, *captured->vectors.lists, keeps_codes)) {
    return NearestOf(options, space, *snapshot, Comparable(space, vector), without_key,
                     filter.documents());
  }
  const bool asks_key =
      !without_key.empty() || options.prefix.size() > space.definition().prefix.size();
  const auto accept_key = [&](const BlockEntry& entry) {
    if (!filter.Contains(entry.document())) return false;
    if (!asks_key) return true;  // and leaves it in memory
    if (!entry.has_key()) return entry.document() != without_document;
    const std::string_view key = entry.key();
    return key.starts_with(options.prefix) && (without_key.empty() || key != without_key);
  };
  const auto accept = [&](const BlockEntry& entry) {
    if (!accept_key(entry)) return false;
    return lazy == nullptr ||
           lazy->Passes(entry.document(), [&](uint64_t document) -> absl::StatusOr<std::string> {
             if (entry.has_key()) return std::string(entry.key());
             return KeyOfDocument(space, {.snapshot = snapshot->rows.get()}, document);
           });
  };
  NearestQuery query = {.vector = vector,
                        .limit = options.limit,
                        .recall_target = options.recall_target,
                        .is_exact = options.exact};
  if (options.prefix.size() > space.definition().prefix.size()) query.filtered = UINT64_MAX;
  const bool has_lists = captured->vectors.lists->list_count() > 0;
  if (lazy != nullptr && has_lists && !options.exact && options.recall_target < 1) {
    const auto find = [&](size_t limit) {
      NearestQuery more = query;
      more.limit = limit;
      return FindNearest(more, space, *snapshot, accept_key);
    };
    std::vector<NearDocument> passing;
    LIBKV_ASSIGN_OR_RETURN(const bool is_done, AskNearest(options.limit, find, *lazy, &passing));
    if (is_done) return passing;
  }
  if (lazy != nullptr) query.filtered = UINT64_MAX;  // who knows
  if (filter.names_passing()) query.filtered = filter.documents().size();
  auto found = FindNearest(query, space, *snapshot, accept);
  if (lazy != nullptr) LIBKV_RETURN_IF_ERROR(lazy->status());
  return found;
}

// The documents that pass `filter` and whose keys begin with `prefix`: a walk over these keys.
absl::StatusOr<DocumentFilter> Store::Impl::DocumentsUnder(const std::string& prefix,
                                                           const ActiveSpace& space,
                                                           const StoreSnapshot& snapshot,
                                                           const DocumentFilter& filter) const {
  std::vector<uint64_t> documents;
  const auto cursor =
      engine_->NewCursor(Family::kData, {.snapshot = snapshot.rows.get(), .fill_cache = false},
                         prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    Record record;
    // A damaged one cannot say which document it is: its reader is told.
    if (!ParseRecord(cursor->key(), cursor->value(), &record).ok()) continue;
    const RecordHeader& header = record.header;
    if (header.space != space.id() || !header.has_vector) continue;
    if (filter.Contains(header.document)) documents.push_back(header.document);
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());
  std::sort(documents.begin(), documents.end());
  return DocumentFilter::Only(std::move(documents));
}

// The nearest of a few documents, by their rows alone: whatever keeps the vectors in memory.
absl::StatusOr<std::vector<NearDocument>> Store::Impl::NearestOf(
    const SimilarOptions& options, const ActiveSpace& space, const StoreSnapshot& snapshot,
    std::span<const float> query, std::string_view without_key,
    std::span<const uint64_t> documents) const {
  LIBKV_ASSIGN_OR_RETURN(const std::vector<std::optional<double>> scores,
                         VectorScores(space, snapshot, query, documents));
  const EngineRead read{.snapshot = snapshot.rows.get()};
  TopK<NearDocument, Better> best(options.limit);
  for (size_t i = 0; i < documents.size(); ++i) {
    NearDocument near{.neighbor = {.key = {}, .score = scores[i].value_or(0)},
                      .document = documents[i]};
    // The empty key wins every tie: what does not get in with it need not be looked up.
    if (!scores[i].has_value() || !best.WouldKeep(near)) continue;
    LIBKV_ASSIGN_OR_RETURN(near.neighbor.key, KeyOfDocument(space, read, documents[i]));
    const std::string& key = near.neighbor.key;
    if (key == without_key || !key.starts_with(options.prefix)) continue;
    PinnedValue pinned;
    Record record;
    // Only the record knows when it expires. A damaged one is found, and its reader is told.
    const absl::Status status = ReadLive(read, key, &pinned, &record);
    if (absl::IsNotFound(status)) continue;
    if (!status.ok() && !absl::IsDataLoss(status)) return status;
    best.Push(std::move(near));
  }
  return best.TakeSorted();
}

absl::StatusOr<std::string> Store::Impl::KeyOfDocument(const ActiveSpace& space,
                                                       const EngineRead& read,
                                                       uint64_t document) const {
  PinnedValue pinned;
  bool found = false;
  uint32_t words = 0;
  std::string_view key;
  LIBKV_RETURN_IF_ERROR(
      engine_->Get(Family::kIndex, read, DocumentKey(space.id(), document), &pinned, &found));
  if (!found || !ParseDocumentRow(pinned.view(), &words, &key)) {
    return DataLoss("the document map of space '", Printable(space.definition().prefix),
                    "' has no key for document ", document);
  }
  return std::string(key);
}

// The scores of `documents`, whatever they are; none for one without a vector.
absl::StatusOr<std::vector<std::optional<double>>> Store::Impl::VectorScores(
    const ActiveSpace& space, const StoreSnapshot& snapshot, std::span<const float> query,
    std::span<const uint64_t> documents) const {
  std::vector<std::optional<double>> scores(documents.size());
  for (size_t begin = 0; begin < documents.size(); begin += kRefineStep) {
    const size_t count = std::min(documents.size() - begin, kRefineStep);
    std::vector<std::string> row_keys;
    for (const uint64_t document : documents.subspan(begin, count)) {
      row_keys.push_back(VectorKey(space.vectors_id(), document));
    }
    const std::vector<std::string_view> views(row_keys.begin(), row_keys.end());
    std::vector<PinnedValue> rows(count);
    bool found[kRefineStep] = {};
    LIBKV_RETURN_IF_ERROR(engine_->MultiGet(Family::kVectors, {.snapshot = snapshot.rows.get()},
                                            views, rows.data(), found));
    for (size_t i = 0; i < count; ++i) {
      std::vector<float> stored;
      if (!found[i] ||
          !ParseVectorRow(row_keys[i], rows[i].view(), space.definition().dimension, &stored)
               .ok()) {
        LIBKV_RETURN_IF_ERROR(CheckNotLost(space, snapshot.rows.get(), documents[begin + i]));
        continue;
      }
      scores[begin + i] = ExactScore(space.metric(), query, Comparable(space, stored));
    }
  }
  return scores;
}

}  // namespace libkv
