// Nearest: the query is rotated and encoded like the stored vectors. Then either all codes are
// scanned, or those of the lists nearest to it, as deep as the recall target asks for; and the few
// candidates that can be among the best are compared by their full vectors.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/top_k.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/nearest.h"
#include "store/store_impl.h"
#include "store/stored_entries.h"
#include "vector/exact_candidates.h"
#include "vector/list_search.h"
#include "vector/metric.h"

namespace libkv {
namespace {

// Candidates whose full vectors are read at once.
constexpr size_t kRefineStep = 16;
// Of the margin of a hit, when recall below 1 is asked for: three deviations instead of six, which
// one in a thousand of those at the border exceeds, for half the reads.
constexpr float kRefinedMargins = 0.5f;
constexpr float kUnbounded = std::numeric_limits<float>::infinity();

struct Better {
  bool operator()(const NearDocument& a, const NearDocument& b) const {
    const Neighbor &x = a.neighbor, &y = b.neighbor;
    return x.score != y.score ? x.score > y.score : x.key < y.key;
  }
};

// Takes those out of `candidates`, which are sorted, that are among the best `limit` of them
// whatever their scores by codes have lost: no more than as many others can reach them.
std::vector<NearDocument> TakeSure(std::vector<ListCandidate>* candidates, size_t limit) {
  const float reached = candidates->size() > limit ? (*candidates)[limit].upper_bound : -kUnbounded;
  std::vector<NearDocument> sure;
  std::erase_if(*candidates, [&](const ListCandidate& candidate) {
    const float margin = candidate.upper_bound - candidate.score;
    if (candidate.score - margin <= reached) return false;
    sure.push_back({{std::string(candidate.key), candidate.score}, candidate.document});
    return true;
  });
  return sure;
}

// While it lives the keeper, which loads all lists, waits for this search.
class FirstInLine {
 public:
  FirstInLine(std::atomic<int>* searches, std::condition_variable* have_loaded)
      : searches_(*searches), have_loaded_(*have_loaded) {
    searches_.fetch_add(1);
  }
  ~FirstInLine() {
    // Without the lock, which is held by who waits for lists: the keeper may miss this, and waits
    // no longer than it does for any search.
    if (searches_.fetch_sub(1) == 1) have_loaded_.notify_all();
  }
  FirstInLine(const FirstInLine&) = delete;
  FirstInLine& operator=(const FirstInLine&) = delete;

 private:
  std::atomic<int>& searches_;
  std::condition_variable& have_loaded_;
};

// Whether `loaded` is the list `unloaded` with its codes, and not one of another generation.
bool HasCodesOf(const PostingList& loaded, const PostingList& unloaded) {
  const std::span<const int8_t> a = loaded.centroid().values, b = unloaded.centroid().values;
  return loaded.is_loaded() && loaded.keeps_codes() &&
         std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

absl::Status LostVector(std::string_view key, bool is_there) {
  return DataLoss("the vector of key '", Printable(key), "' is ", is_there ? "damaged" : "missing",
                  ": Reindex the space");
}

// Compares candidates by their full vectors, those with the greatest bounds first: once `limit`
// exact scores are above what the next one can reach, the rest need not be read.
absl::StatusOr<std::vector<NearDocument>> Store::Impl::Refine(
    const ActiveSpace& space, const EngineSnapshot* rows, std::span<const float> query,
    std::span<const ListCandidate> candidates, size_t limit) const {
  TopK<NearDocument, Better> best(limit);
  for (size_t begin = 0, end = 0; begin < candidates.size(); begin = end) {
    // As many as are wanted, and then those alone that can be among them.
    const size_t step = best.full() ? kRefineStep : std::min(kRefineStep, limit - best.size());
    while (end < candidates.size() && end - begin < step &&
           !(best.full() && best.worst().neighbor.score > candidates[end].upper_bound)) {
      ++end;
    }
    if (end == begin) break;
    std::vector<std::string> row_keys;
    for (size_t i = begin; i < end; ++i) {
      row_keys.push_back(VectorKey(space.vectors_id(), candidates[i].document));
    }
    const std::vector<std::string_view> views(row_keys.begin(), row_keys.end());
    std::vector<PinnedValue> pinned(views.size());
    bool found[kRefineStep] = {};
    LIBKV_RETURN_IF_ERROR(
        engine_->MultiGet(Family::kVectors, {.snapshot = rows}, views, pinned.data(), found));
    for (size_t i = begin; i < end; ++i) {
      std::vector<float> stored;
      if (!found[i - begin] || !ParseVectorRow(row_keys[i - begin], pinned[i - begin].view(),
                                               space.definition().dimension, &stored)
                                    .ok()) {
        return LostVector(candidates[i].key, found[i - begin]);
      }
      const double score = ExactScore(space.metric(), query, Comparable(space, stored));
      best.Push({{std::string(candidates[i].key), score}, candidates[i].document});
    }
  }
  return best.TakeSorted();
}

absl::StatusOr<std::vector<NearDocument>> Store::Impl::FindNearest(
    const NearestQuery& query, const ActiveSpace& space, const StoreSnapshot& snapshot,
    absl::FunctionRef<bool(const BlockEntry&)> accept) const {
  const StoreSnapshot::Space* const captured = snapshot.Find(space);
  if (captured == nullptr || query.limit == 0) return std::vector<NearDocument>();
  const ListTable& lists = *captured->vectors.lists;
  const std::vector<float> comparable = Comparable(space, query.vector);
  std::vector<float> rotated(space.rotation()->padded());
  space.rotation()->Apply(comparable, rotated);
  const ListQuery list_query = MakeListQuery(rotated, space.metric());

  // Lists that are not in memory are brought there, for the searches to come as well. As they were
  // at the snapshot they are read once more if something was written since.
  absl::Status status;
  std::optional<FirstInLine> first_in_line;
  const auto load = [&](const PostingList& list) -> std::shared_ptr<const PostingList> {
    if (!first_in_line.has_value())
      first_in_line.emplace(&loading_searches_, &searches_have_loaded_);
    if (status.ok()) status = LoadList(space, list.number());
    if (!status.ok()) return nullptr;
    const VectorView newest = space.index()->vectors()->view();
    std::shared_ptr<const PostingList> loaded = newest.lists->Find(list.number());
    const bool is_complete = newest.complete_from <= snapshot.rows->sequence();
    if (is_complete && loaded != nullptr && HasCodesOf(*loaded, list)) return loaded;
    auto read = ReadList(space, list, snapshot.rows.get(), kDocumentMax, ListStorage::kCodes);
    status = read.status();
    return status.ok() ? *read : nullptr;
  };
  const int64_t now = Now();
  const uint64_t sequence = snapshot.rows->sequence();
  const auto accept_visible = [&](const BlockEntry& entry) {
    return entry.VisibleAt(sequence, now) && accept(entry);
  };

  captured->space->index()->vectors()->Remember(comparable);
  const SearchDepth depth = DepthOf(query, *captured);
  if (depth.is_exact) {
    bool is_complete = true;
    ListCandidates found =
        ExactCandidates(lists, list_query, query.limit, accept_visible, load, &is_complete);
    if (status.ok() && !is_complete) {
      // Thousands of vectors are nearly the same: only comparing all of them in full tells the
      // best.
      return CompareAll(space, snapshot.rows.get(), comparable, lists, query.limit, accept_visible,
                        load);
    }
    LIBKV_RETURN_IF_ERROR(status);
    return Refine(space, snapshot.rows.get(), comparable, found.candidates, query.limit);
  }

  StoredEntries far(*this, space, snapshot.rows.get(), &status);
  const ListSearch search = {.limit = std::max(query.limit, depth.refined),
                             .entries = depth.entries,
                             .depth = depth.depth,
                             .usual_entries = depth.usual_entries,
                             .filtered = query.filtered.has_value(),
                             .far = &far};
  const ListHits found = SearchLists(lists, list_query, search, accept_visible, load);
  LIBKV_RETURN_IF_ERROR(status);
  std::vector<ListCandidate> unsure = CandidatesOf(found.hits, kRefinedMargins);
  std::vector<NearDocument> best =
      TakeSure(&unsure, depth.refined > 0 ? query.limit : unsure.size());
  if (best.size() < query.limit && !unsure.empty()) {
    LIBKV_ASSIGN_OR_RETURN(
        const std::vector<NearDocument> rest,
        Refine(space, snapshot.rows.get(), comparable, unsure, query.limit - best.size()));
    best.insert(best.end(), rest.begin(), rest.end());
  }
  std::sort(best.begin(), best.end(), Better());
  return best;
}

// Hits as Refine takes them; `margins`: how many of theirs a score may be off.
std::vector<ListCandidate> Store::Impl::CandidatesOf(std::span<const ListHit> hits, float margins) {
  std::vector<ListCandidate> candidates;
  candidates.reserve(hits.size());
  for (const ListHit& hit : hits) {
    candidates.push_back({hit.document, hit.key, hit.score, hit.score + margins * hit.margin});
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const auto& a, const auto& b) { return a.upper_bound > b.upper_bound; });
  return candidates;
}

// By the full vectors of all accepted entries, one list after the other.
absl::StatusOr<std::vector<NearDocument>> Store::Impl::CompareAll(
    const ActiveSpace& space, const EngineSnapshot* rows, std::span<const float> query,
    const ListTable& lists, size_t limit, absl::FunctionRef<bool(const BlockEntry&)> accept,
    absl::FunctionRef<std::shared_ptr<const PostingList>(const PostingList&)> load) const {
  TopK<NearDocument, Better> best(limit);
  absl::Status status;
  lists.ForEach([&](const std::shared_ptr<PostingList>& list) {
    if (!status.ok()) return;
    std::shared_ptr<const PostingList> loaded = list;
    if (!list->is_loaded() || !list->keeps_codes()) loaded = load(*list);
    if (loaded == nullptr) return;
    std::vector<ListCandidate> candidates;
    loaded->ForEachBlock([&](const EntryBlock& block) {
      const size_t count = block.rows();
      for (size_t row = 0; row < count; ++row) {
        const BlockEntry entry(&block, row);
        if (!accept(entry)) continue;
        candidates.push_back(
            {.document = entry.document(), .key = entry.key(), .upper_bound = kUnbounded});
      }
    });
    auto refined = Refine(space, rows, query, candidates, limit);
    status = refined.status();
    if (!status.ok()) return;
    for (NearDocument& near : *refined) best.Push(std::move(near));
  });
  LIBKV_RETURN_IF_ERROR(status);
  return best.TakeSorted();
}

}  // namespace libkv
