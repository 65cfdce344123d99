// The recall contract: a search names the share of true neighbours it wants, and how deep it must
// look for that is measured, not guessed.
//
// The list keeper takes some of the stored vectors, and some of the latest queries, finds their
// true neighbours by comparing everything, and looks how deep a search in lists must go to find the
// wanted share of them. The table of that is stored beside the centroids, and made again when there
// are twice as many vectors, or a tenth of them was replaced. Until that is done searches go
// twice as deep; one deeper than the table knows compares everything.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/store_impl.h"
#include "store/stored_entries.h"
#include "vector/list_search.h"

namespace libkv {
namespace {

constexpr double kErrors = 1.5;          // standard errors by which the mean must be above a target
constexpr size_t kSampledVectors = 600;  // stored ones that are asked for their neighbours
constexpr size_t kSampledFar =
    200;  // where codes are on disk, and a search takes ten times as long
constexpr double kTargets[] = {0.90, 0.95, 0.99};
constexpr size_t kLimits[] = {10, 100};
constexpr uint64_t kDepthMax = 65'536;
constexpr double kDepthStep = 1.15;     // between two depths that are tried
constexpr size_t kDepthMin = 256;       // entries
constexpr size_t kVectorsMin = 1'000;   // fewer are compared at once
constexpr double kReadCost = 5'000;     // ns, of a full vector and a third
constexpr double kGrowth = 2;           // from which on a table is outdated, and
constexpr double kChurn = 0.1;          // the share of vectors replaced
constexpr double kOutdatedFactor = 2;   // more entries, until it is measured again
constexpr size_t kFilteredAll = 5'000;  // when so few pass a filter, all lists are looked into
constexpr size_t kRefinedTimes = 4;     // then, of the limit

// A query and its true neighbours, best first.
struct Judged {
  std::vector<float> vector;  // as it is compared
  uint64_t without = 0;       // the document it was made from; 0: none
  ListQuery query;
  std::vector<NearDocument> truth;
};

// The share of the `wanted` true neighbours among the hits; equally near ones count as well.
double ShareFound(std::span<const ListHit> hits, std::span<const NearDocument> truth,
                  size_t wanted) {
  absl::flat_hash_set<uint64_t> good;
  for (const NearDocument& near : truth) {
    if (near.neighbor.score >= truth[wanted - 1].neighbor.score) good.insert(near.document);
  }
  size_t found = 0;
  for (const ListHit& hit : hits) found += good.contains(hit.document) ? 1 : 0;
  return static_cast<double>(std::min(found, wanted)) / static_cast<double>(wanted);
}

// Finds the smallest depths at which searches among the lists of one moment find enough.
class DepthFinder {
 public:
  using Search = std::function<ListHits(const Judged& one, const ListSearch& search)>;

  // `refines_far`: more than twice the limit may be refined.
  DepthFinder(std::span<const Judged> judged, uint64_t live, Search search, bool refines_far,
              const std::atomic<bool>* stop)
      : judged_(judged),
        live_(live),
        search_(std::move(search)),
        refines_far_(refines_far),
        stop_(stop) {}

  // The points for `limit`: none for a target that no depth short of everything reaches.
  std::vector<RecallPoint> Find(size_t limit) const {
    std::array<std::optional<RecallPoint>, std::size(kTargets)> found;
    // Codes alone, or more of them to be compared in full: what is cheaper in the end.
    for (const size_t refined : {size_t{0}, 2 * limit, 4 * limit}) {
      if (refined > 2 * limit && !refines_far_) continue;
      const uint64_t deepest = std::min(live_ / 2, kDepthMax);
      std::optional<double> best;
      uint64_t low = kDepthMin;
      for (size_t t = 0; t < std::size(kTargets); ++t) {
        RecallPoint point = {.limit = static_cast<uint32_t>(limit),
                             .target = kTargets[t],
                             .entries = low,
                             .refined = static_cast<uint32_t>(refined)};
        if (found[t].has_value() && Cost(*found[t]) <= Cost(point)) continue;
        if (!best.has_value()) best = RecallAt(limit, deepest, refined);
        if (*best < kTargets[t] || *stop_) break;
        uint64_t high = deepest;
        while (static_cast<double>(high) > static_cast<double>(low) * kDepthStep && !*stop_) {
          const auto middle = static_cast<uint64_t>(std::sqrt(static_cast<double>(low * high)));
          (RecallAt(limit, middle, refined) >= kTargets[t] ? high : low) = middle;
        }
        point.entries = high;
        if (!found[t].has_value() || Cost(point) < Cost(*found[t])) found[t] = point;
      }
    }
    std::vector<RecallPoint> points;
    for (const std::optional<RecallPoint>& point : found) {
      if (point.has_value()) points.push_back(*point);
    }
    return points;
  }

 private:
  // The mean share of true neighbours that is found, less what chance may have added to it.
  double RecallAt(size_t limit, uint64_t entries, size_t refined) const {
    double sum = 0, squares = 0, count = 0;
    // More neighbours of each are as good as more queries.
    for (size_t i = 0; i<judged_.size(); i += limit> kLimits[0] ? 2 : 1) {
      const Judged& one = judged_[i];
      const ListHits found = search_(one, {.limit = std::max(limit, refined), .entries = entries});
      const double share = ShareFound(found.hits, one.truth, std::min(limit, one.truth.size()));
      sum += share;
      squares += share * share;
      ++count;
    }
    const double mean = sum / count;
    return mean - kErrors * std::sqrt(std::max(0.0, squares / count - mean * mean) / count);
  }

  // In ns, roughly: entries are scanned by their bits; of what is refined about a third more than
  // the limit is read.
  double Cost(const RecallPoint& point) const {
    const double bits = static_cast<double>(judged_.front().query.padded);
    const double scan = static_cast<double>(point.entries) * (1 + bits / 150);
    return point.refined == 0 ? scan : scan + point.limit * kReadCost;
  }

  const std::span<const Judged> judged_;
  const uint64_t live_;
  const Search search_;
  const bool refines_far_;
  const std::atomic<bool>* const stop_;
};

}  // namespace

SearchDepth Store::Impl::DepthOf(const NearestQuery& query, const StoreSnapshot::Space& space) {
  const std::shared_ptr<SpaceIndex> index = space.space->index();
  const VectorIndex& vectors = *index->vectors();
  if (query.is_exact || query.recall_target >= 1) return {};
  if (space.vectors.lists->list_count() == 0) return {};
  // The bits of everything, which are an eighth of the codes: what passes and can be among the best
  // is compared by its code, and the best of that in full. More than any target that is measured.
  if (query.filtered.has_value() && *query.filtered <= kFilteredAll) {
    if (query.recall_target > kTargets[std::size(kTargets) - 1]) return {};
    return {.is_exact = false,
            .entries = std::numeric_limits<uint64_t>::max(),
            .refined = kRefinedTimes * query.limit};
  }
  const std::shared_ptr<const RecallTable> table = vectors.recall();
  if (table == nullptr) return {};
  const uint64_t live = vectors.is_loaded() ? vectors.live() : table->vectors;

  // The smallest measured point that promises as much; more neighbours take more entries.
  const RecallPoint* point = nullptr;
  for (const RecallPoint& candidate : table->points) {
    if (candidate.target < query.recall_target) continue;
    const bool reaches = candidate.limit >= query.limit;
    if (point == nullptr) {
      point = &candidate;
      continue;
    }
    const bool point_reaches = point->limit >= query.limit;
    const bool better = reaches != point_reaches ? reaches
                        : candidate.limit != point->limit
                            ? (candidate.limit < point->limit) == reaches
                            : candidate.target < point->target;
    if (better) point = &candidate;
  }
  if (point == nullptr) return {};
  double factor = std::max(1.0, static_cast<double>(query.limit) / point->limit);
  // With more vectors than were measured there are more lists: the same share of them is enough.
  factor *= std::max(1.0, static_cast<double>(live) / static_cast<double>(table->vectors));
  if (RecallIsDue(vectors, kGrowth)) factor *= kOutdatedFactor;
  // Lists that wait to be split have more in them that is not near.
  const auto usual = static_cast<double>(space.vectors.lists->usual_size());
  factor *= std::max(1.0, 2 * usual / static_cast<double>(vectors.list_due()));
  const auto entries = static_cast<uint64_t>(static_cast<double>(point->entries) * factor);
  if (entries >= live) return {};
  const size_t refined =
      point->refined == 0
          ? 0
          : static_cast<size_t>(point->refined * static_cast<double>(query.limit) / point->limit);
  return {.is_exact = false, .entries = entries, .refined = refined};
}

bool Store::Impl::RecallIsDue(const VectorIndex& vectors, double growth) {
  if (!vectors.has_lists() || vectors.live() < kVectorsMin) return false;
  const std::shared_ptr<const RecallTable> table = vectors.recall();
  if (table == nullptr) return true;
  const auto measured = static_cast<double>(table->vectors);
  return static_cast<double>(vectors.live()) > growth * measured ||
         static_cast<double>(vectors.deaths() - vectors.recall_deaths()) > kChurn * measured;
}

absl::Status Store::Impl::LoadRecall(const ActiveSpace& space, VectorIndex& vectors) const {
  PinnedValue row;
  bool found = false;
  const std::string row_key = RecallKey(space.vectors_id());
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, {}, row_key, &row, &found));
  auto table = std::make_shared<RecallTable>();
  // One that cannot be read is measured again.
  if (found && ParseRecallRow(row_key, row.view(), table.get()).ok()) {
    vectors.SetRecall(std::move(table));
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::MeasureRecall(const ActiveSpace& space) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  VectorIndex& vectors = *index->vectors();
  const uint64_t deaths = vectors.deaths();
  const std::shared_ptr<const StoreSnapshot> snapshot = GetSnapshot();
  const StoreSnapshot::Space* const captured = snapshot->Find(space);
  // A generation that is being built is measured once it is in force.
  if (captured == nullptr || captured->space->vectors_id() != space.vectors_id()) {
    return absl::OkStatus();
  }
  const ListTable& lists = *captured->vectors.lists;
  const uint64_t sequence = snapshot->rows->sequence();
  const int64_t now = Now();
  absl::Status status;
  const auto load = [&](const PostingList& list) -> std::shared_ptr<const PostingList> {
    auto read = ReadList(space, list, snapshot->rows.get(), kDocumentMax, ListStorage::kCodes);
    if (!read.ok()) status = read.status();
    return read.ok() ? *read : nullptr;
  };

  StoredEntries far(*this, space, snapshot->rows.get(), &status);

  // The questions: stored vectors, evenly over the lists, and what was asked lately.
  const size_t live = lists.live();
  const size_t sampled = vectors.keeps_codes() ? kSampledVectors : kSampledFar;
  const size_t step = std::max<size_t>(1, live / sampled);
  std::vector<Judged> judged;
  size_t place = 0;
  lists.ForEach([&](const std::shared_ptr<PostingList>& list) {
    if (!list->is_loaded()) return;
    list->ForEach([&](const ListItem& item) {
      if (item.died != kAlive || place++ % step != step / 2) return;
      judged.emplace_back().without = item.document;
    });
  });
  for (std::vector<float>& query : vectors.RecentQueries()) {
    if (query.size() != space.definition().dimension) continue;  // asked of another generation
    if (judged.size() >= sampled + sampled / 4) break;
    judged.emplace_back().vector = std::move(query);
  }

  const size_t limit_max = *std::max_element(std::begin(kLimits), std::end(kLimits));
  std::vector<float> rotated(space.rotation()->padded());
  for (Judged& one : judged) {
    if (stop_keeper_) return absl::OkStatus();
    if (one.without != 0) {
      const std::string row_key = VectorKey(space.vectors_id(), one.without);
      PinnedValue row;
      bool found = false;
      LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, {.snapshot = snapshot->rows.get()},
                                         row_key, &row, &found));
      if (!found) continue;  // removed meanwhile
      LIBKV_RETURN_IF_ERROR(
          ParseVectorRow(row_key, row.view(), space.definition().dimension, &one.vector));
      one.vector = Comparable(space, one.vector);
    }
    space.rotation()->Apply(one.vector, rotated);
    one.query = MakeListQuery(rotated, space.metric());
    const auto accept = [&](const BlockEntry& entry) {
      return entry.document() != one.without && entry.VisibleAt(sequence, now);
    };
    // All lists, and twice as many as are wanted: as good as comparing everything, and faster.
    const ListHits hits =
        SearchLists(lists, one.query, {.limit = 2 * limit_max, .far = &far}, accept, load);
    LIBKV_RETURN_IF_ERROR(status);
    LIBKV_ASSIGN_OR_RETURN(one.truth, Refine(space, snapshot->rows.get(), one.vector,
                                             CandidatesOf(hits.hits), limit_max));
  }
  // Without neighbours, or with more that are as near as the last one than were asked for.
  std::erase_if(judged, [&](const Judged& one) {
    return one.truth.empty() ||
           (one.truth.size() == limit_max &&
            one.truth.front().neighbor.score == one.truth.back().neighbor.score);
  });

  const DepthFinder finder(
      judged, live,
      [&](const Judged& one, ListSearch search) {
        search.far = &far;
        const auto accept = [&](const BlockEntry& entry) {
          return entry.document() != one.without && entry.VisibleAt(sequence, now);
        };
        return SearchLists(lists, one.query, search, accept, load);
      },
      vectors.keeps_codes(), &stop_keeper_);
  auto table = std::make_shared<RecallTable>();
  table->vectors = vectors.live();
  // Without questions nothing can be told: searches compare everything.
  for (const size_t limit : kLimits) {
    if (judged.empty()) break;
    const std::vector<RecallPoint> points = finder.Find(limit);
    table->points.insert(table->points.end(), points.begin(), points.end());
  }
  if (stop_keeper_) return absl::OkStatus();
  LIBKV_RETURN_IF_ERROR(status);

  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    const ActiveSpace* const there = Spaces().ByVectors(space.vectors_id());
    if (there == nullptr || there->index() != index) return;
    const std::string row_key = RecallKey(space.vectors_id());
    batch.Put(Family::kVectors, row_key, EncodeRecallRow(row_key, *table));
  };
  LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  vectors.SetRecall(std::move(table), deaths);
  return absl::OkStatus();
}

}  // namespace libkv
