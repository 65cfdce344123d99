#include "vector/list_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "base/check.h"
#include "vector/code_array.h"
#include "vector/kernels.h"
#include "vector/one_bit.h"
#include "vector/read_ahead.h"
#include "vector/scanned_centroids.h"

namespace libkv {
namespace {

// A group that shrinks below the first joins its neighbour if both together stay below the second.
constexpr size_t kGroupListsMin = 16;
constexpr size_t kGroupListsJoined = 48;

// Lists that are nearest by the first byte of a vector's coordinates are compared by both.
constexpr size_t kNearestTried = 4;

// One list of so many is compared ahead of the others, to tell how good the chosen ones will be;
// one of more when there are more groups than that.
constexpr size_t kSampleStep = 8;
constexpr size_t kSampleStepLarge = 32;
constexpr size_t kGroupsLarge = 32;

// Of what is scanned of a group; the rest comes by itself.
constexpr size_t kPrefetchBytesMax = 2'560;

constexpr float kNoThreshold = -std::numeric_limits<float>::infinity();

using Lists = std::vector<std::shared_ptr<PostingList>>;

// The centroids of a group.
struct Centroids {
  explicit Centroids(const Lists& lists, size_t padded);

  CodeArray codes;
  std::vector<double> norms2;  // of what the codes stand for
  std::unique_ptr<const ScannedCentroids> scanned;
};

Centroids::Centroids(const Lists& lists, size_t padded)
    : codes(lists.size(), padded), norms2(lists.size()) {
  for (size_t i = 0; i < lists.size(); ++i) {
    const CodeView view = lists[i]->centroid();
    codes.Set(i, view);
    norms2[i] = DecodedNorm2(view);
  }
  scanned = ScannedCentroids::Make(codes);
}

double Distance2(const ListQuery& query, double dot, double norm2) {
  return std::max(0.0, double{query.code.norm2} - 2 * dot + norm2);
}

bool SameCentroid(const PostingList& a, const PostingList& b) {
  const CodeView x = a.centroid(), y = b.centroid();
  return x.code.scale == y.code.scale && x.code.norm2 == y.code.norm2 &&
         std::equal(x.values.begin(), x.values.end(), y.values.begin(), y.values.end());
}

// A list that takes its place, or with null goes away.
struct Change {
  uint32_t number = 0;
  std::shared_ptr<PostingList> list;
};

// In ascending order of numbers, one for each.
std::vector<Change> SortedChanges(std::span<const uint32_t> removed,
                                  std::span<const std::shared_ptr<PostingList>> put) {
  std::vector<Change> changes;
  for (const std::shared_ptr<PostingList>& list : put) changes.push_back({list->number(), list});
  for (const uint32_t number : removed) changes.push_back({number, nullptr});
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.number < b.number; });
  const auto end =
      std::unique(changes.begin(), changes.end(),
                  [](const Change& a, const Change& b) { return a.number == b.number; });
  changes.erase(end, changes.end());
  return changes;
}

// The lists with `changes` made. `same` becomes false unless each only replaced a list by one of
// the same centroid.
Lists Changed(const Lists& lists, std::span<const Change> changes, bool* same) {
  Lists result;
  result.reserve(lists.size() + changes.size());
  auto next = lists.begin();
  for (const Change& change : changes) {
    while (next != lists.end() && (*next)->number() < change.number) result.push_back(*next++);
    const bool found = next != lists.end() && (*next)->number() == change.number;
    if (change.list != nullptr) result.push_back(change.list);
    if (found != (change.list != nullptr)) *same = false;
    if (found && change.list != nullptr && !SameCentroid(**next, *change.list)) *same = false;
    if (found) ++next;
  }
  result.insert(result.end(), next, lists.end());
  return result;
}

// A list among the nearest so far; small, because many pass through the heap.
struct Scored {
  float score = 0;
  uint32_t place = 0;  // kGroupLists * group + list: in the order of numbers
  int32_t high = 0;    // the dot product with the first bytes of the query
};

struct Nearer {
  bool operator()(const Scored& a, const Scored& b) const {
    return a.score != b.score ? a.score > b.score : a.place < b.place;
  }
};

// The best `limit` of many, without a heap: room for twice as many, cut in half when it is full.
class Shortlist {
 public:
  Shortlist(size_t limit, float threshold) : limit_(limit), threshold_(threshold) {
    items_.reserve(2 * limit + kOneBitRows);
  }

  // What is below it is out.
  float threshold() const { return threshold_; }

  void Add(const Scored& item) {
    if (item.score >= threshold_) items_.push_back(item);
  }

  // To be called after at most kOneBitRows additions.
  void Cut() {
    if (items_.size() >= 2 * limit_) Keep();
  }

  // Best first.
  std::vector<Scored> Take() {
    if (items_.size() > limit_) Keep();
    std::sort(items_.begin(), items_.end(), Nearer());
    return std::move(items_);
  }

 private:
  void Keep() {
    if (limit_ == 0) return items_.clear();
    const auto worst = items_.begin() + static_cast<ptrdiff_t>(limit_ - 1);
    std::nth_element(items_.begin(), worst, items_.end(), Nearer());
    threshold_ = worst->score;
    items_.resize(limit_);
  }

  const size_t limit_;
  float threshold_;
  std::vector<Scored> items_;
};

}  // namespace

struct ListTable::Group {
  Group(Lists these, std::shared_ptr<const Centroids> those)
      : lists(std::move(these)), centroids(std::move(those)), scanned(centroids->scanned.get()) {
    for (const std::shared_ptr<PostingList>& list : lists) size += list->size();
  }

  const Lists lists;  // in ascending order of their numbers, at least one
  const std::shared_ptr<const Centroids> centroids;
  const ScannedCentroids* const scanned;
  size_t size = 0;  // entries when the group was made
};

namespace {

// By the dot product with the first bytes of the query; greater is nearer.
float ScoreOf(const ListQuery& query, Metric metric, float scale, float norm2, int32_t high) {
  const double dot = double{query.code.scale} * scale * high;
  if (metric != Metric::kL2) return static_cast<float>(dot);
  return static_cast<float>(-Distance2(query, dot, norm2));
}

// Adds the scores of the first lists of a group, one for every `step`.
void AddSample(const ScannedCentroids& centroids, const ListQuery& query, Metric metric,
               size_t step, std::vector<float>* scores) {
  const size_t count = centroids.count() / step;
  int32_t dots[ListTable::kGroupLists / kSampleStep];
  ActiveKernels().dot_many(query.high.data(), centroids.values(0), query.padded, count,
                           query.padded, dots);
  for (size_t i = 0; i < count; ++i) {
    scores->push_back(ScoreOf(query, metric, centroids.scale(i), centroids.norm2(i), dots[i]));
  }
}

// Finds the best of the centroids that are offered, group by group. Those that their bits do not
// rule out are compared a block later, when their codes have come from memory.
class Chooser {
 public:
  Chooser(const ListQuery& query, Metric metric, size_t count, float threshold)
      : query_(query), metric_(metric), best_(count, threshold) {}

  // The lists of a group, which begin at `first_place`.
  void Offer(const ScannedCentroids& centroids, size_t first_place) {
    const CodeView mean = centroids.mean();
    const int32_t high = kernels_.dot_i8(query_.high.data(), mean.values.data(), query_.padded);
    const double mean_dot = double{query_.code.scale} * mean.code.scale * high;
    OneBitBound bound(query_, metric_, mean_dot,
                      std::sqrt(Distance2(query_, mean_dot, centroids.mean_norm2())));
    for (size_t begin = 0; begin < centroids.count(); begin += kOneBitRows) {
      const size_t block = begin / kOneBitRows;
      const size_t rows = std::min(kOneBitRows, centroids.count() - begin);
      const ScannedCentroids::Beside& beside = centroids.beside(block);
      uint32_t left = rows == kOneBitRows ? ~uint32_t{0} : (uint32_t{1} << rows) - 1;
      if (best_.threshold() > kNoThreshold) {
        alignas(kLineBytes) uint32_t sums[kOneBitRows];
        SumBits(kernels_, query_, centroids.bits(block), sums);
        left &= bound.Reach(kernels_, sums, beside.factors, beside.norms2, best_.threshold());
      }
      Settle();
      for (; left != 0; left &= left - 1) {
        const auto row = static_cast<size_t>(std::countr_zero(left));
        const int8_t* const values = centroids.values(begin + row);
        PrefetchRow(values, query_.padded);
        values_[waiting_] = values;
        places_[waiting_++] = {.place = static_cast<uint32_t>(first_place + begin + row),
                               .scale = beside.scales[row],
                               .norm2 = beside.norms2[row]};
      }
    }
  }

  // Best first.
  std::vector<Scored> Take() {
    Settle();
    return best_.Take();
  }

 private:
  struct Place {
    uint32_t place;
    float scale, norm2;
  };

  void Settle() {
    if (waiting_ == 0) return;
    int32_t dots[kOneBitRows];
    kernels_.dot_each(query_.high.data(), values_, waiting_, query_.padded, dots);
    for (size_t i = 0; i < waiting_; ++i) {
      const Place& place = places_[i];
      best_.Add(
          {ScoreOf(query_, metric_, place.scale, place.norm2, dots[i]), place.place, dots[i]});
    }
    best_.Cut();
    waiting_ = 0;
  }

  const Kernels& kernels_ = ActiveKernels();
  const ListQuery& query_;
  const Metric metric_;
  Shortlist best_;
  size_t waiting_ = 0;
  const int8_t* values_[kOneBitRows];
  Place places_[kOneBitRows];
};

}  // namespace

std::shared_ptr<const ListTable> ListTable::Empty(size_t padded) {
  LIBKV_CHECK(padded > 0 && padded % 64 == 0);
  return std::shared_ptr<const ListTable>(new ListTable(padded));
}

void ListTable::AddGroups(std::vector<std::shared_ptr<PostingList>> lists) {
  // A small group joins the one before it.
  if (!groups_.empty() && !lists.empty()) {
    const Lists& before = groups_.back()->lists;
    if (std::min(before.size(), lists.size()) < kGroupListsMin &&
        before.size() + lists.size() <= kGroupListsJoined) {
      lists.insert(lists.begin(), before.begin(), before.end());
      groups_.pop_back();
    }
  }
  const size_t count = (lists.size() + kGroupLists - 1) / kGroupLists;
  for (size_t i = 0; i < count; ++i) {
    const auto begin = lists.begin() + static_cast<ptrdiff_t>(i * lists.size() / count);
    const auto end = lists.begin() + static_cast<ptrdiff_t>((i + 1) * lists.size() / count);
    Lists part(begin, end);
    auto centroids = std::make_shared<Centroids>(part, padded_);
    groups_.push_back(std::make_shared<Group>(std::move(part), std::move(centroids)));
  }
}

std::shared_ptr<const ListTable> ListTable::With(
    std::span<const uint32_t> removed, std::span<const std::shared_ptr<PostingList>> put) const {
  const std::shared_ptr<ListTable> table(new ListTable(padded_));
  table->flat_ = flat_;
  table->groups_.reserve(groups_.size() + 1);
  std::vector<Change> all = SortedChanges(removed, put);
  std::span<const Change> changes = all;
  if (!changes.empty() && changes.front().number == kFlatList) {
    table->flat_ = changes.front().list;
    changes = changes.subspan(1);
  }
  for (size_t i = 0; i < groups_.size(); ++i) {
    const bool is_last = i + 1 == groups_.size();
    size_t count = 0;
    while (count < changes.size() &&
           (is_last || changes[count].number < groups_[i + 1]->lists.front()->number())) {
      ++count;
    }
    if (count == 0) {
      table->groups_.push_back(groups_[i]);
      continue;
    }
    bool same = true;
    Lists lists = Changed(groups_[i]->lists, changes.first(count), &same);
    changes = changes.subspan(count);
    if (same) {
      table->groups_.push_back(std::make_shared<Group>(std::move(lists), groups_[i]->centroids));
    } else {
      table->AddGroups(std::move(lists));
    }
  }
  if (groups_.empty()) {
    bool same = true;
    table->AddGroups(Changed({}, changes, &same));
  }
  size_t size = 0;
  table->scanned_.reserve(table->groups_.size());
  for (const GroupPointer& group : table->groups_) {
    table->scanned_.push_back(group->scanned);
    table->list_count_ += group->lists.size();
    size += group->size;
  }
  table->usual_size_ = table->list_count_ == 0 ? 0 : size / table->list_count_;
  return table;
}

const std::shared_ptr<PostingList>& ListTable::Find(uint32_t number) const {
  static const std::shared_ptr<PostingList> kNone;
  if (number == kFlatList) return flat_;
  const auto after = std::upper_bound(
      groups_.begin(), groups_.end(), number,
      [](uint32_t n, const GroupPointer& group) { return n < group->lists.front()->number(); });
  if (after == groups_.begin()) return kNone;
  const Lists& lists = (*std::prev(after))->lists;
  const auto found = std::lower_bound(
      lists.begin(), lists.end(), number,
      [](const std::shared_ptr<PostingList>& list, uint32_t n) { return list->number() < n; });
  return found != lists.end() && (*found)->number() == number ? *found : kNone;
}

uint32_t ListTable::Nearest(std::span<const float> rotated) const {
  if (groups_.empty()) return kFlatList;
  const std::vector<NearList> lists =
      NearestLists(MakeListQuery(rotated, Metric::kL2), kNearestTried);
  const auto nearest = std::min_element(
      lists.begin(), lists.end(),
      [](const NearList& a, const NearList& b) { return a.distance2 < b.distance2; });
  return nearest->list->number();
}

namespace {

// The greatest of `count` numbers above `least` and its place, the first of equals; `count`: none.
// Four lanes, which compilers keep in one register.
size_t FindGreatest(const float* numbers, size_t count, float* least) {
  constexpr size_t kLanes = 4;
  float greatest[kLanes] = {*least, *least, *least, *least};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      greatest[lane] = numbers[i + lane] > greatest[lane] ? numbers[i + lane] : greatest[lane];
    }
  }
  for (; i < count; ++i) greatest[0] = std::max(greatest[0], numbers[i]);
  const float most = *std::max_element(greatest, greatest + kLanes);
  if (most == *least) return count;
  *least = most;
  return static_cast<size_t>(std::find(numbers, numbers + count, most) - numbers);
}

}  // namespace

std::vector<uint32_t> ListTable::NearestOfMany(std::span<const CodeView> codes) const {
  std::vector<uint32_t> nearest(codes.size(), kFlatList);
  std::vector<float> best(codes.size(), -std::numeric_limits<float>::infinity());
  int32_t dots[kGroupLists];
  float scales[kGroupLists], norms2[kGroupLists], nearness[kGroupLists];
  for (const GroupPointer& group : groups_) {
    const Centroids& centroids = *group->centroids;
    const size_t count = centroids.codes.size();
    LIBKV_CHECK(count <= kGroupLists);
    for (size_t j = 0; j < count; ++j) {
      scales[j] = 2 * centroids.codes.code(j).scale;
      norms2[j] = static_cast<float>(centroids.norms2[j]);
    }
    for (size_t i = 0; i < codes.size(); ++i) {
      LIBKV_CHECK(codes[i].values.size() == padded_);
      ActiveKernels().dot_many(codes[i].values.data(), centroids.codes.values(), padded_, count,
                               padded_, dots);
      // Greater is nearer: |p|^2 - |p - c|^2.
      const float scale = codes[i].code.scale;
      for (size_t j = 0; j < count; ++j) {
        nearness[j] = scale * (scales[j] * static_cast<float>(dots[j])) - norms2[j];
      }
      const size_t place = FindGreatest(nearness, count, &best[i]);
      if (place < count) nearest[i] = group->lists[place]->number();
    }
  }
  return nearest;
}

float ListTable::ExpectedThreshold(const ListQuery& query, Metric metric, size_t count) const {
  if (count == 0 || count > list_count_ / 4) return kNoThreshold;
  std::vector<float> scores;
  scores.reserve(list_count_ / kSampleStep + 1);
  const size_t step = groups_.size() > kGroupsLarge ? kSampleStepLarge : kSampleStep;
  for (const ScannedCentroids* scanned : scanned_) {
    AddSample(*scanned, query, metric, step, &scores);
  }
  // The share of the sample that should be among the chosen, and half as much again.
  const size_t place = count * scores.size() / list_count_ * 3 / 2 + 4;
  if (place >= scores.size()) return kNoThreshold;
  const auto worst = scores.begin() + static_cast<ptrdiff_t>(place);
  std::nth_element(scores.begin(), worst, scores.end(), std::greater<>());
  return *worst;
}

std::vector<NearList> ListTable::NearestLists(const ListQuery& query, size_t count) const {
  LIBKV_CHECK(query.padded == padded_);
  // Cosine chooses by distance too: centroids are means of directions, and shorter than one.
  const Metric metric = query.metric == Metric::kInnerProduct ? Metric::kInnerProduct : Metric::kL2;
  count = std::min(list_count_, count);
  const float threshold = ExpectedThreshold(query, metric, count);
  std::vector<Scored> found;
  for (const float start : {threshold, kNoThreshold}) {
    Chooser chooser(query, metric, count, start);
    for (size_t i = 0; i < scanned_.size(); ++i) {
      if (i + 1 < scanned_.size()) {
        const ScannedCentroids* const next = scanned_[i + 1];
        PrefetchRange(next, std::min(next->bytes(), kPrefetchBytesMax));
      }
      chooser.Offer(*scanned_[i], i * kGroupLists);
    }
    found = chooser.Take();
    if (found.size() == count) break;  // otherwise too much was expected
  }
  std::vector<const int8_t*> values(found.size());
  std::vector<int32_t> low(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const Group& group = *groups_[found[i].place / kGroupLists];
    values[i] = group.centroids->codes[found[i].place % kGroupLists].values.data();
  }
  ActiveKernels().dot_each(query.low.data(), values.data(), found.size(), padded_, low.data());
  std::vector<NearList> lists;
  lists.reserve(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const Group& group = *groups_[found[i].place / kGroupLists];
    const size_t place = found[i].place % kGroupLists;
    const Code& centroid = group.centroids->codes.code(place);
    const double dot = PreciseDot(query, centroid, found[i].high, low[i]);
    const double distance2 = Distance2(query, dot, group.centroids->norms2[place]);
    lists.push_back({group.lists[place].get(), static_cast<float>(distance2), dot});
  }
  return lists;
}

void ListTable::ForEach(
    absl::FunctionRef<void(const std::shared_ptr<PostingList>& list)> visit) const {
  if (flat_ != nullptr) visit(flat_);
  for (const GroupPointer& group : groups_) {
    for (const std::shared_ptr<PostingList>& list : group->lists) visit(list);
  }
}

size_t ListTable::size() const {
  size_t sum = 0;
  ForEach([&](const std::shared_ptr<PostingList>& list) { sum += list->size(); });
  return sum;
}

size_t ListTable::live() const {
  size_t sum = 0;
  ForEach([&](const std::shared_ptr<PostingList>& list) { sum += list->live(); });
  return sum;
}

size_t ListTable::memory_bytes() const {
  const size_t centroid_bytes = padded_ + padded_ / 8 +
                                sizeof(ScannedCentroids::Beside) / kOneBitRows + sizeof(Code) +
                                sizeof(double);
  size_t sum = sizeof(ListTable) + groups_.size() * (sizeof(GroupPointer) + sizeof(Group)) +
               list_count_ * (centroid_bytes + sizeof(std::shared_ptr<PostingList>));
  ForEach([&](const std::shared_ptr<PostingList>& list) { sum += list->memory_bytes(); });
  return sum;
}

}  // namespace libkv
