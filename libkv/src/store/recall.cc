// The recall contract: a search names the share of true neighbours it wants, and how deep it must
// look for that is measured, not guessed.
//
// The list keeper takes some of the stored vectors, and some of the latest queries, finds their
// true neighbours by comparing everything, and looks how deep a search in lists must go to find the
// wanted share of them. The table of that is stored beside the centroids, and made again when there
// are twice as many vectors, or a tenth of them was replaced. Until that is done searches go
// deeper; one deeper than the table knows compares everything.
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
#include "store/read_once.h"
#include "store/store_impl.h"
#include "store/stored_entries.h"
#include "vector/list_search.h"

namespace libkv {
namespace {

constexpr double kErrors = 2;            // standard errors by which the mean must be above a target
constexpr double kQueryErrors = 1;       // and that of the queries alone, of which there are fewer,
constexpr size_t kQueriesMin = 32;       // if there are as many
constexpr size_t kSampledVectors = 600;  // stored ones that are asked for their neighbours
// Where codes are on disk, and a search takes ten times as long; and while lists still change.
constexpr size_t kSampledFew = 200;
constexpr double kTargets[] = {0.90, 0.95, 0.99};
constexpr size_t kLimits[] = {10, 100};
constexpr uint64_t kEntriesMax = 65'536;
constexpr size_t kJudgedAtOnce = 128;  // questions: what is known of their best fits a cache
constexpr double kSafety = 1.15;       // more entries than that: queries may lie further from lists
constexpr double kDeeperGain = 0.2;    // of the neighbours a target leaves out, found by these
constexpr uint64_t kEntriesOfSame = 1'024;  // where all vectors are the same
constexpr size_t kVectorsMin = 1'000;       // fewer are compared at once
constexpr double kReadCost = 1'500;         // ns: a third of the wanted are read in full
constexpr double kEntryCost = 10;           // ns, of an entry that is scanned,
constexpr double kBitCost = 0.0025;         // and of each of its bits
constexpr double kGrowth = 2;               // from which on a table is outdated, and
constexpr double kChurn = 0.1;              // the share of vectors replaced
constexpr double kOutdatedFactor = 2;       // more entries, until it is measured again,
constexpr double kOutdatedDepthFactor = 4;  // which so much more depth is
constexpr double kUsualShare = 0.7;     // of list_due(): the length of a list, once all are split
constexpr size_t kFilteredAll = 5'000;  // when so few pass a filter, all lists are looked into
constexpr size_t kRefinedTimes = 4;     // then, of the limit

// A query and its true neighbours, best first.
struct Judged {
  std::vector<float> vector;  // as it is compared
  uint64_t without = 0;       // the document it was made from; 0: none
  ListQuery query;
  std::vector<NearDocument> truth;
};

// The `wanted` true neighbours; equally near ones count as well.
class GoodDocuments {
 public:
  GoodDocuments(std::span<const NearDocument> truth, size_t wanted) : wanted_(wanted) {
    for (const NearDocument& near : truth) {
      if (near.neighbor.score >= truth[wanted - 1].neighbor.score) good_.insert(near.document);
    }
  }

  double ShareAmong(std::span<const uint64_t> documents) const {
    size_t found = 0;
    for (const uint64_t document : documents) found += good_.contains(document) ? 1 : 0;
    return static_cast<double>(std::min(found, wanted_)) / static_cast<double>(wanted_);
  }

 private:
  const size_t wanted_;
  absl::flat_hash_set<uint64_t> good_;
};

// The mean of shares; and less so many standard errors: what chance may have added to it.
class LeastMean {
 public:
  explicit LeastMean(double errors) : errors_(errors) {}
  void Add(double share) {
    sum_ += share;
    squares_ += share * share;
    ++count_;
  }
  size_t count() const { return count_; }
  double mean() const { return sum_ / static_cast<double>(std::max<size_t>(count_, 1)); }
  double Get() const {
    const auto count = static_cast<double>(count_);
    const double deviation2 = squares_ / count - mean() * mean();
    return mean() - errors_ * std::sqrt(std::max(0.0, deviation2) / count);
  }

 private:
  const double errors_;
  double sum_ = 0, squares_ = 0;
  size_t count_ = 0;
};

// The recall of all questions, or that of the queries among them, if it is less: these may come
// from where no vectors are, which no stored vector tells.
class LeastRecall {
 public:
  void Add(const Judged& one, double share) {
    all_.Add(share);
    if (one.without == 0) queries_.Add(share);
  }
  double mean() const { return all_.mean(); }
  double Get() const {
    return queries_.count() < kQueriesMin ? all_.Get() : std::min(all_.Get(), queries_.Get());
  }

 private:
  LeastMean all_{kErrors}, queries_{kQueryErrors};
};

// How deep searches go is tried from `least` on, by steps, no deeper than `most`.
struct DepthScale {
  double least, most;
  double step;          // between two depths that are tried,
  double watched_step;  // and where trying costs nothing
  double usual;         // most targets are reached before; if one is not,
  double growth;        // so many times as deep is next
  double safety;        // what kSafety more entries are
};
constexpr DepthScale kByEntries = {.least = 256,
                                   .most = double{kEntriesMax},
                                   .step = 1.15,
                                   .watched_step = 1.03,
                                   .usual = 8'192,
                                   .growth = 2,
                                   .safety = kSafety};
// ListSearch::depth. 1.5 times the entries are 2.2 to 2.8 times the depth.
constexpr DepthScale kByDepth = {.least = 32,
                                 .most = double{1 << 24},
                                 .step = 1.4,
                                 .watched_step = 1.08,
                                 .usual = 32'768,
                                 .growth = 8,
                                 .safety = 1.4};

// Finds the smallest depths at which searches among the lists of one moment find enough.
class DepthFinder {
 public:
  using Search =
      std::function<ListHits(const Judged& one, const ListSearch& search, ListStats* stats)>;
  using Watch = std::function<void(const Judged& one, const ListSearch& search, WatchStep watch)>;

  // `watch` tells what searches of every depth find in one go; where it cannot, because codes are
  // on disk, it is empty, and each depth that is tried is a search.
  DepthFinder(std::span<const Judged> judged, uint64_t live, bool has_depths, Search search,
              Watch watch, const std::atomic<bool>* stop)
      : judged_(judged),
        has_depths_(has_depths),
        scale_(has_depths ? kByDepth : kByEntries),
        entries_max_(std::max(uint64_t{256}, std::min(live / 2, kEntriesMax))),
        deepest_(has_depths ? scale_.most : static_cast<double>(entries_max_)),
        search_(std::move(search)),
        watch_(std::move(watch)),
        stop_(stop) {}

  // The points for `limit`: none for a target that no depth short of everything reaches.
  std::vector<RecallPoint> Find(size_t limit) const {
    std::array<std::optional<RecallPoint>, std::size(kTargets)> found;
    // Codes alone, or more of them to be compared in full: what is cheaper in the end. Codes come
    // last: how deep they may go without being dearer is known then.
    for (const size_t refined : {limit + limit / 2, 4 * limit, size_t{0}}) {
      if (refined > 2 * limit && watch_ == nullptr) continue;
      Curve curve;  // where each depth is a search: those that were tried, in that order
      for (size_t t = 0; t < std::size(kTargets); ++t) {
        RecallPoint point = {.limit = static_cast<uint32_t>(limit),
                             .target = kTargets[t],
                             .refined = static_cast<uint32_t>(refined)};
        const double cost_max = found[t].has_value() ? Cost(*found[t]) : kNoCost;
        const std::optional<Tried> tried = watch_ != nullptr ? Watched(point, cost_max, &curve)
                                                             : Searched(point, cost_max, &curve);
        if (*stop_) break;
        if (!tried.has_value()) continue;
        const double depth = std::min(deepest_, tried->depth * scale_.safety);
        const Tried used = DeepAs(point, depth, &curve);
        // What codes alone confuse is not found by going deeper: then the target is met by chance,
        // and nothing is left for other queries. Full vectors tell it.
        const double wanted = point.target + kDeeperGain * (1 - point.target);
        if (refined == 0 && found[t].has_value() && used.recall < wanted) continue;
        point.entries = static_cast<uint64_t>(has_depths_ ? used.entries : depth);
        if (has_depths_) point.depth = static_cast<uint64_t>(depth);
        point.delivered = used.mean;
        found[t] = point;
      }
    }
    std::vector<RecallPoint> points;
    for (const std::optional<RecallPoint>& point : found) {
      if (point.has_value()) points.push_back(*point);
    }
    return points;
  }

 private:
  static constexpr double kNoCost = std::numeric_limits<double>::infinity();

  // What searches of one depth do.
  struct Tried {
    double depth = 0;
    double entries = 0;  // that they scan on average
    double recall = 0;   // at least, but for chance
    double mean = 0;     // recall as it was measured
  };
  using Curve = std::vector<Tried>;  // of growing depths

  // More neighbours of each are as good as more queries.
  size_t Step(size_t limit) const { return limit > kLimits[0] ? 2 : 1; }

  ListSearch SearchTo(const RecallPoint& point, double depth) const {
    ListSearch search = {.limit = std::max(point.limit, point.refined), .entries = entries_max_};
    if (has_depths_) {
      search.depth = depth;
    } else {
      search.entries = static_cast<size_t>(depth);
    }
    return search;
  }

  Curve CurveUpTo(double deepest, const RecallPoint& point) const {
    Curve curve;
    for (double depth = scale_.least; depth < deepest; depth *= scale_.watched_step) {
      curve.push_back({.depth = std::floor(depth)});
    }
    curve.push_back({.depth = deepest});
    std::vector<LeastRecall> means(curve.size());
    std::vector<double> shares(curve.size()), scanned(curve.size());
    size_t asked = 0;
    for (size_t i = 0; i < judged_.size() && !*stop_; i += Step(point.limit)) {
      const Judged& one = judged_[i];
      const GoodDocuments good(one.truth, std::min<size_t>(point.limit, one.truth.size()));
      std::fill(shares.begin(), shares.end(), 0);
      std::fill(scanned.begin(), scanned.end(), 0);
      const auto watch = [&](const SearchStep& step) {
        const double before = has_depths_ ? step.depth : step.entries;
        const auto deeper = [&](double at, const Tried& tried) { return at < tried.depth; };
        const auto first =
            std::upper_bound(curve.begin(), curve.end(), before, deeper) - curve.begin();
        std::fill(scanned.begin() + first, scanned.end(), static_cast<double>(step.scanned));
        if (!step.has_new_best) return;
        std::fill(shares.begin() + first, shares.end(), good.ShareAmong(step.best));
      };
      watch_(one, SearchTo(point, deepest), watch);
      ++asked;
      for (size_t j = 0; j < curve.size(); ++j) {
        means[j].Add(one, shares[j]);
        curve[j].entries += scanned[j];
      }
    }
    for (size_t j = 0; j < curve.size(); ++j) {
      curve[j].recall = means[j].Get();
      curve[j].mean = means[j].mean();
      curve[j].entries /= static_cast<double>(std::max<size_t>(asked, 1));
    }
    return curve;
  }

  // The first depth of a curve that reaches the point's target, if it costs less than `cost_max`.
  // Most are not deep: the curve is made longer if it must be.
  std::optional<Tried> Watched(RecallPoint point, double cost_max, Curve* curve) const {
    if (curve->empty()) *curve = CurveUpTo(std::min(deepest_, scale_.usual), point);
    while (true) {
      for (const Tried& tried : *curve) {
        point.entries = static_cast<uint64_t>(tried.entries * kSafety);
        if (Cost(point) >= cost_max) return std::nullopt;
        if (tried.recall >= point.target) return tried;
      }
      const double last = curve->back().depth;
      if (last >= deepest_ || *stop_) return std::nullopt;
      *curve = CurveUpTo(std::min(deepest_, scale_.growth * last), point);
    }
  }

  // The same, each depth by searches of its own. What was tried for other targets is in `tried`.
  std::optional<Tried> Searched(RecallPoint point, double cost_max, Curve* tried) const {
    const auto is_dear = [&](const Tried& at) {
      point.entries = static_cast<uint64_t>(at.entries * kSafety);
      return Cost(point) >= cost_max;
    };
    double low = scale_.least;
    std::optional<Tried> high;
    for (const Tried& at : *tried) {
      if (at.recall >= point.target && (!high.has_value() || at.depth < high->depth)) high = at;
    }
    for (const Tried& at : *tried) {
      if (at.recall >= point.target || (high.has_value() && at.depth > high->depth)) continue;
      low = std::max(low, at.depth);
    }
    // No deeper than it takes: the deepest search may read everything.
    while (!high.has_value()) {
      const Tried at = TryOnce(point, std::min(deepest_, scale_.growth * low), tried);
      if (at.recall >= point.target) {
        high = at;
      } else if (at.depth >= deepest_ || is_dear(at) || *stop_) {
        return std::nullopt;
      } else {
        low = at.depth;
      }
    }
    while (high->depth > low * scale_.step && !*stop_) {
      const Tried middle = TryOnce(point, std::sqrt(low * high->depth), tried);
      if (middle.recall >= point.target) {
        high = middle;
      } else {
        low = middle.depth;
      }
    }
    if (is_dear(*high)) return std::nullopt;
    return high;
  }

  Tried TryOnce(const RecallPoint& point, double depth, Curve* tried) const {
    const auto same = std::find_if(tried->begin(), tried->end(),
                                   [&](const Tried& at) { return at.depth == depth; });
    if (same != tried->end()) return *same;
    tried->push_back(Try(point, depth));
    return tried->back();
  }

  // What is known of the depth that will be used.
  Tried DeepAs(const RecallPoint& point, double depth, Curve* curve) const {
    if (watch_ == nullptr) return TryOnce(point, depth, curve);
    const auto deeper = [&](const Tried& tried, double at) { return tried.depth < at; };
    const auto found = std::lower_bound(curve->begin(), curve->end(), depth, deeper);
    return found != curve->end() ? *found : curve->back();
  }

  Tried Try(const RecallPoint& point, double depth) const {
    Tried tried = {.depth = depth};
    LeastRecall mean;
    size_t asked = 0;
    for (size_t i = 0; i < judged_.size() && !*stop_; i += Step(point.limit)) {
      const Judged& one = judged_[i];
      ListStats stats;
      const ListHits found = search_(one, SearchTo(point, depth), &stats);
      std::vector<uint64_t> documents;
      for (const ListHit& hit : found.hits) documents.push_back(hit.document);
      const GoodDocuments good(one.truth, std::min<size_t>(point.limit, one.truth.size()));
      mean.Add(one, good.ShareAmong(documents));
      tried.entries += static_cast<double>(stats.entries);
      ++asked;
    }
    tried.entries /= static_cast<double>(std::max<size_t>(asked, 1));
    tried.recall = mean.Get();
    tried.mean = mean.mean();
    return tried;
  }

  // In ns, roughly: entries are scanned by their bits, from memory; of what is refined only the
  // hits are read that the codes leave in doubt.
  double Cost(const RecallPoint& point) const {
    const double entry = kEntryCost + kBitCost * static_cast<double>(judged_.front().query.padded);
    const double reads = point.refined == 0 ? 0 : point.limit * kReadCost;
    return static_cast<double>(point.entries) * entry + reads;
  }

  const std::span<const Judged> judged_;
  const bool has_depths_;
  const DepthScale& scale_;
  const uint64_t entries_max_;
  const double deepest_;
  const Search search_;
  const Watch watch_;
  const std::atomic<bool>* const stop_;
};

}  // namespace

SearchDepth Store::Impl::DepthOf(const NearestQuery& query, const StoreSnapshot::Space& space) {
  const std::shared_ptr<SpaceIndex> index = space.space->index();
  const VectorIndex& vectors = *index->vectors();
  if (query.is_exact || query.recall_target >= 1) return {};
  if (space.vectors.lists->list_count() == 0) return {};
  if (query.recall_target > kTargets[std::size(kTargets) - 1]) return {};
  // The bits of everything, which are an eighth of the codes: what passes and can be among the best
  // is compared by its code, and the best of that in full. More than any target that is measured.
  const SearchDepth all_lists = {.is_exact = false,
                                 .entries = std::numeric_limits<uint64_t>::max(),
                                 .refined = kRefinedTimes * query.limit};
  if (query.filtered.has_value() && *query.filtered <= kFilteredAll) return all_lists;
  const std::shared_ptr<const RecallTable> table = vectors.recall();
  // Nothing was measured yet. Comparing every code would read every code where they are on disk.
  if (table == nullptr) return vectors.keeps_codes() ? SearchDepth() : all_lists;
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
  if (RecallIsDue(vectors, kGrowth)) {
    factor *= point->depth > 0 ? kOutdatedDepthFactor : kOutdatedFactor;
  }
  // Lists that wait to be split have more in them that is not near than those that were measured.
  const size_t measured = vectors.recall_list_size();
  const double expected =
      measured > 0 ? static_cast<double>(measured) : kUsualShare * vectors.list_due();
  const auto usual = static_cast<double>(space.vectors.lists->usual_size());
  factor *= std::max(1.0, usual / expected);
  const double entries = static_cast<double>(point->entries) * factor;
  if (entries >= static_cast<double>(live)) return all_lists;
  SearchDepth depth = {.is_exact = false, .entries = static_cast<uint64_t>(entries)};
  if (point->depth > 0) {
    depth.usual_entries = depth.entries;
    depth.entries = static_cast<uint64_t>(double{kEntriesMax} * factor);
    depth.depth = static_cast<double>(point->depth) * factor;
  }
  if (point->refined > 0) {
    depth.refined =
        static_cast<size_t>(point->refined * static_cast<double>(query.limit) / point->limit);
  }
  return depth;
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

// `is_rough`: it will be done again soon, so fewer questions do.
absl::Status Store::Impl::MeasureRecall(const ActiveSpace& space, bool is_rough) {
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

  StoredEntries stored(*this, space, snapshot->rows.get(), &status);
  ReadOnce far(&stored);

  // The questions: stored vectors, evenly over the lists, and what was asked lately.
  const size_t live = lists.live();
  bool has_codes = true;  // of these lists: what they shall keep may have changed since
  lists.ForEach([&](const std::shared_ptr<PostingList>& list) {
    has_codes = has_codes && (!list->is_loaded() || list->keeps_codes());
  });
  const size_t sampled = has_codes && !is_rough ? kSampledVectors : kSampledFew;
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
      // Removed meanwhile, or damaged, which Verify names: no question.
      if (!found ||
          !ParseVectorRow(row_key, row.view(), space.definition().dimension, &one.vector).ok()) {
        continue;
      }
      one.vector = Comparable(space, one.vector);
    }
    space.rotation()->Apply(one.vector, rotated);
    one.query = MakeListQuery(rotated, space.metric());
  }
  std::erase_if(judged, [](const Judged& one) { return one.query.padded == 0; });

  // All lists, and twice as many as are wanted: as good as comparing everything, and faster.
  for (size_t begin = 0; begin < judged.size(); begin += kJudgedAtOnce) {
    if (stop_keeper_) return absl::OkStatus();
    const size_t count = std::min(kJudgedAtOnce, judged.size() - begin);
    const std::span<Judged> some = std::span(judged).subspan(begin, count);
    const auto accept = [&](size_t i, const BlockEntry& entry) {
      return entry.document() != some[i].without && entry.VisibleAt(sequence, now);
    };
    std::vector<ListHits> hits;
    if (has_codes) {
      std::vector<const ListQuery*> queries;
      for (const Judged& one : some) queries.push_back(&one.query);
      hits = SearchAllLists(lists, queries, 2 * limit_max, accept, load);
    } else {
      for (size_t i = 0; i < count && !stop_keeper_; ++i) {
        const auto accept_one = [&](const BlockEntry& entry) { return accept(i, entry); };
        hits.push_back(SearchLists(lists, some[i].query, {.limit = 2 * limit_max, .far = &far},
                                   accept_one, load));
      }
    }
    LIBKV_RETURN_IF_ERROR(status);
    for (size_t i = 0; i < hits.size(); ++i) {
      auto truth = Refine(space, snapshot->rows.get(), some[i].vector, CandidatesOf(hits[i].hits),
                          limit_max);
      if (absl::IsDataLoss(truth.status())) continue;  // near a vector that is lost
      LIBKV_RETURN_IF_ERROR(truth.status());
      some[i].truth = *std::move(truth);
    }
  }
  // Without neighbours, or with more that are as near as the last one than were asked for.
  std::erase_if(judged, [](const Judged& one) { return one.truth.empty(); });
  const bool has_questions = !judged.empty();
  std::erase_if(judged, [&](const Judged& one) {
    return one.truth.size() == limit_max &&
           one.truth.front().neighbor.score == one.truth.back().neighbor.score;
  });

  const auto watch = [&](const Judged& one, const ListSearch& search, WatchStep watch_step) {
    const auto accept = [&](const BlockEntry& entry) {
      return entry.document() != one.without && entry.VisibleAt(sequence, now);
    };
    WatchSearch(lists, one.query, search, accept, load, watch_step);
  };
  const DepthFinder finder(
      judged, live, space.metric() != Metric::kInnerProduct,
      [&](const Judged& one, ListSearch search, ListStats* stats) {
        search.far = &far;
        const auto accept = [&](const BlockEntry& entry) {
          return entry.document() != one.without && entry.VisibleAt(sequence, now);
        };
        return SearchLists(lists, one.query, search, accept, load, stats);
      },
      has_codes ? DepthFinder::Watch(watch) : DepthFinder::Watch(), &stop_keeper_);
  auto table = std::make_shared<RecallTable>();
  table->vectors = live;
  // Without questions nothing can be told: searches compare everything. Where all vectors are the
  // same, whatever is found first is right.
  for (const size_t limit : kLimits) {
    for (const double target : kTargets) {
      if (!has_questions || !judged.empty()) break;
      table->points.push_back({.limit = static_cast<uint32_t>(limit),
                               .target = target,
                               .entries = kEntriesOfSame,
                               .refined = static_cast<uint32_t>(limit + limit / 2),
                               .delivered = 1});
    }
    if (judged.empty()) continue;
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
  vectors.SetRecall(std::move(table), deaths, lists.usual_size());
  vectors.keeper_notes().is_recall_rough = is_rough;
  return absl::OkStatus();
}

}  // namespace libkv
