#include "vector/list_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>

#include "base/check.h"
#include "base/top_k.h"
#include "vector/kernels.h"
#include "vector/one_bit.h"
#include "vector/read_ahead.h"

namespace libkv {
namespace {

constexpr float kNothingYet = -std::numeric_limits<float>::infinity();

// An entry among the best so far.
struct Kept {
  float score = 0;
  float margin = 0;
  uint32_t row = 0;
  const EntryBlock* block = nullptr;
  const std::string* key = nullptr;  // of one that was read
};

// An entry of which only the bits are known yet.
struct Far {
  float reach = 0;  // the best it can score
  float least = 0;  // what it scores very probably at least
  uint32_t list = 0, row = 0;
  const EntryBlock* block = nullptr;
};

bool ReachesFurther(const Far& a, const Far& b) {
  if (a.reach != b.reach) return a.reach > b.reach;
  return a.block->document(a.row) < b.block->document(b.row);
}

// Margins by which a score by bits is trusted to be no lower, when nothing but such scores decides
// what is not read at all.
constexpr float kLeastMargins = 2;

// An entry of the first lists, before anything was compared by its code.
struct Early {
  float guess = 0;  // what it probably scores
  float reach = 0;  // the best it can score
  uint32_t row = 0;
  const EntryBlock* block = nullptr;
};

bool GuessedBetter(const Early& a, const Early& b) {
  if (a.guess != b.guess) return a.guess > b.guess;
  return a.block->document(a.row) < b.block->document(b.row);
}

// How much is scanned while a code is on its way from memory.
constexpr size_t kWaitingBytes = 4 << 10;

// How many entries are only guessed before the first are compared by their codes.
constexpr size_t kEarlyMin = 256;
constexpr size_t kEarlyTimes = 3;  // of the limit

// The entries of a search that may have to be read: those that can still be among the best.
class FarEntries {
 public:
  explicit FarEntries(size_t limit) : count_max_(limit + kCandidatesExtraMax), least_(limit) {}

  float threshold() const { return threshold_; }

  void Add(const Far& entry) {
    least_.Push(entry.least);
    if (least_.full()) threshold_ = least_.worst();
    entries_.push_back(entry);
    if (entries_.size() >= 2 * count_max_) Clean();
  }

  // Then they are taken one by one, the furthest reaching first. Most never are: a heap costs less
  // than to sort them all.
  void Finish() {
    Clean();
    std::make_heap(entries_.begin(), entries_.end(), ReachesLess);
  }
  bool empty() const { return entries_.empty(); }
  const Far& next() const { return entries_.front(); }
  Far TakeNext() {
    std::pop_heap(entries_.begin(), entries_.end(), ReachesLess);
    const Far taken = entries_.back();
    entries_.pop_back();
    return taken;
  }

 private:
  static bool ReachesLess(const Far& a, const Far& b) { return ReachesFurther(b, a); }

  void Clean() {
    std::erase_if(entries_, [this](const Far& entry) { return entry.reach < threshold_; });
    if (entries_.size() <= count_max_) return;
    const auto end = entries_.begin() + static_cast<ptrdiff_t>(count_max_);
    std::nth_element(entries_.begin(), end, entries_.end(), ReachesFurther);
    entries_.erase(end, entries_.end());
  }

  const size_t count_max_;
  TopK<float, std::greater<>> least_;
  float threshold_ = kNothingYet;
  std::vector<Far> entries_;
};

struct BetterKept {
  bool operator()(const Kept& a, const Kept& b) const {
    if (a.score != b.score) return a.score > b.score;
    return a.block->document(a.row) < b.block->document(b.row);
  }
};

// One approximate search, on its way through the lists.
class Searcher {
 public:
  Searcher(const ListQuery& query, const ListSearch& search, AcceptEntry accept, ListStats* stats)
      : query_(query),
        kernels_(ActiveKernels()),
        formula_(query),
        estimate_(formula_.ForEstimates()),
        accept_(accept),
        far_reader_(search.far),
        limit_(search.limit),
        stats_(stats),
        best_(search.limit),
        far_(search.limit),
        waiting_blocks_max_(1 + kWaitingBytes / ScannedBytes(query.padded)),
        early_max_(search.filtered ? 0 : std::max(kEarlyMin, kEarlyTimes * search.limit)) {}

  // Reads the int8 codes of every entry.
  void ScanRows(const EntryBlock& block);

  // Scans the one-bit codes where there are some. `ahead` may be null.
  void ScanList(const PostingList& list, ReadAhead* ahead, double dot, double distance2);

  // The squared distance of the last of the best so far, but not less than what codes can tell
  // apart; 0: there are not as many yet, or scores are no distances.
  double FurthestDistance2() const;

  // As many entries as are wanted are known to score at least so much: others need not be kept.
  void SetFloor(float score) {
    floor_ = score;
    is_early_ = false;
  }

  // Whether anything was compared by its code yet: then Settle makes the best so far known.
  bool is_early() const { return is_early_; }
  void Settle() { ScoreWaiting(); }
  void Finish();
  std::span<const Kept> best() const { return best_.items(); }
  size_t kept() const { return kept_; }  // grows with every change of the best

  // The share of the entries that were accepted, of those that were shown.
  double accepted_share() const {
    return shown_ == 0 ? 0 : static_cast<double>(accepted_) / static_cast<double>(shown_);
  }

  void TakeHits(ListHits* result);

 private:
  float threshold() const { return best_.full() ? best_.worst().score : floor_; }
  void ScanBits(const EntryBlock& block, OneBitBound& bound);
  void AddEarly(const EntryBlock& block, const uint32_t* sums, const OneBitBound& bound);
  void ScoreEarly();
  void Wait(const EntryBlock& block, size_t row, bool is_accepted);
  void ScanFar(const EntryBlock& block, uint32_t list, const OneBitBound& bound);
  void ReadFar(std::deque<std::string>* keys);
  Kept Judge(const Code& code, const int8_t* values, int32_t high) const;
  void Keep(Kept kept, const Code& code);
  void ScoreWaiting();
  bool Accept(const EntryBlock& block, size_t row);
  void Offer(const EntryBlock& block, size_t row, int32_t high, bool is_accepted);

  const ListQuery& query_;
  const Kernels& kernels_;
  const ScoreFormula formula_, estimate_;
  const AcceptEntry accept_;
  FarReader* const far_reader_;
  const size_t limit_;
  ListStats* const stats_;
  TopK<Kept, BetterKept> best_;
  FarEntries far_;
  size_t shown_ = 0, accepted_ = 0;

  // Rows of the blocks before that may be among the best: their codes are on the way from memory
  // while the next blocks' bits are summed.
  struct Place {
    const EntryBlock* block;
    uint32_t row;
    bool is_accepted;
  };
  std::array<Place, 2 * kOneBitRows> waiting_;
  size_t waiting_count_ = 0;
  const size_t waiting_blocks_max_;
  size_t waiting_blocks_ = 0;
  size_t kept_ = 0;
  float floor_ = kNothingYet;

  // With nothing to compare to, every entry could be among the best. So the first some hundred are
  // only guessed; then those with the best guesses are compared first, and rule out most others.
  const size_t early_max_;  // 0: not under a filter, which would be asked about all of them
  bool is_early_ = early_max_ > 0;
  std::vector<Early> early_;
};

double Searcher::FurthestDistance2() const {
  if (query_.metric == Metric::kInnerProduct) return 0;
  const double score = std::max(threshold(), far_.threshold());
  if (score == kNothingYet) return 0;
  const double margin = best_.full() ? best_.worst().margin : 0;
  constexpr double kLeast = 1e-30;
  // Under cosine all have length 1.
  return query_.metric == Metric::kL2 ? std::max({-score, margin, kLeast})
                                      : std::max({2 - 2 * score, 2 * margin, kLeast});
}

bool Searcher::Accept(const EntryBlock& block, size_t row) {
  ++shown_;
  if (!accept_(BlockEntry(&block, row))) return false;
  ++accepted_;
  return true;
}

Kept Searcher::Judge(const Code& code, const int8_t* values, int32_t high) const {
  const DotEstimate estimate = EstimateDot(query_, code, values, high);
  const float factor = query_.metric == Metric::kL2 ? 2 : 1;
  Kept kept;
  kept.score = ScoreOfDot(query_, code, estimate.dot);
  kept.margin = factor * static_cast<float>(estimate.margin);
  return kept;
}

void Searcher::Keep(Kept kept, const Code& code) {
  kept.margin += formula_.ArithmeticMargin(query_, code);
  best_.Push(kept);
  ++kept_;
}

// As long as everything would be kept, asking comes first: a narrow filter then spares the codes.
void Searcher::Offer(const EntryBlock& block, size_t row, int32_t high, bool is_accepted) {
  if (!is_accepted && !best_.full()) {
    if (!Accept(block, row)) return;
    is_accepted = true;
  }
  const Code code{block.scales()[row], block.norms2()[row]};
  Kept kept = Judge(code, block.values(row), high);
  kept.row = static_cast<uint32_t>(row);
  kept.block = &block;
  if (best_.WouldKeep(kept) && (is_accepted || Accept(block, row))) Keep(kept, code);
}

void Searcher::ScanRows(const EntryBlock& block) {
  int32_t dots[EntryBlock::kRowsMax];
  float scores[EntryBlock::kRowsMax], margins[EntryBlock::kRowsMax];
  const size_t rows = block.rows();
  stats_->entries += rows;
  kernels_.dot_many(query_.high.data(), block.values(0), query_.padded, rows, query_.padded, dots);
  estimate_.Evaluate(dots, block.scales(), block.norms2(), rows, scores, margins);
  for (size_t row = 0; row < rows; ++row) {
    if (scores[row] + margins[row] >= threshold()) Offer(block, row, dots[row], false);
  }
}

void Searcher::ScoreWaiting() {
  waiting_blocks_ = 0;
  if (waiting_count_ == 0) return;
  const int8_t* values[2 * kOneBitRows];
  int32_t dots[2 * kOneBitRows];
  for (size_t i = 0; i < waiting_count_; ++i) {
    values[i] = waiting_[i].block->values(waiting_[i].row);
  }
  kernels_.dot_each(query_.high.data(), values, waiting_count_, query_.padded, dots);
  for (size_t i = 0; i < waiting_count_; ++i) {
    float score = 0, margin = 0;
    const EntryBlock& block = *waiting_[i].block;
    const size_t row = waiting_[i].row;
    estimate_.Evaluate(&dots[i], block.scales() + row, block.norms2() + row, 1, &score, &margin);
    if (score + margin < threshold()) continue;
    Offer(block, row, dots[i], waiting_[i].is_accepted);
  }
  stats_->scored += waiting_count_;
  waiting_count_ = 0;
}

void Searcher::ScanBits(const EntryBlock& block, OneBitBound& bound) {
  const size_t rows = block.rows();
  stats_->entries += rows;
  alignas(kLineBytes) uint32_t sums[kOneBitRows];
  SumBits(kernels_, query_, block.bits(), sums);
  if (is_early_) {
    AddEarly(block, sums, bound);
    if (early_.size() >= early_max_) ScoreEarly();
    return;
  }
  if (++waiting_blocks_ >= waiting_blocks_max_ || waiting_count_ + rows > waiting_.size() ||
      !best_.full()) {
    ScoreWaiting();
  }
  uint32_t left = bound.Reach(kernels_, sums, block.factors(), block.norms2(), threshold());
  if (rows < kOneBitRows) left &= (uint32_t{1} << rows) - 1;
  const bool asks = !best_.full();
  for (; left != 0; left &= left - 1) {
    const auto row = static_cast<size_t>(std::countr_zero(left));
    if (!asks || Accept(block, row)) Wait(block, row, asks);
  }
}

void Searcher::Wait(const EntryBlock& block, size_t row, bool is_accepted) {
  PrefetchRow(block.values(row), query_.padded);
  Prefetch(block.scales() + row);
  waiting_[waiting_count_++] = {&block, static_cast<uint32_t>(row), is_accepted};
}

void Searcher::AddEarly(const EntryBlock& block, const uint32_t* sums, const OneBitBound& bound) {
  float guesses[kOneBitRows], margins[kOneBitRows];
  bound.Scores(sums, block.factors(), block.norms2(), guesses, margins);
  for (uint32_t row = 0, rows = static_cast<uint32_t>(block.rows()); row < rows; ++row) {
    early_.push_back({guesses[row], guesses[row] + margins[row], row, &block});
  }
}

void Searcher::ScoreEarly() {
  is_early_ = false;
  const size_t first = std::min(limit_, early_.size());
  std::nth_element(early_.begin(), early_.begin() + static_cast<ptrdiff_t>(first), early_.end(),
                   GuessedBetter);
  for (size_t i = 0; i < early_.size(); ++i) {
    if (i == first) ScoreWaiting();
    if (early_[i].reach < threshold()) continue;
    Wait(*early_[i].block, early_[i].row, false);
    if (waiting_count_ == kOneBitRows) ScoreWaiting();
  }
  ScoreWaiting();
  early_.clear();
}

// What the bits alone say: who is read is decided when all lists were looked into.
void Searcher::ScanFar(const EntryBlock& block, uint32_t list, const OneBitBound& bound) {
  const size_t rows = block.rows();
  stats_->entries += rows;
  alignas(kLineBytes) uint32_t sums[kOneBitRows];
  float scores[kOneBitRows], margins[kOneBitRows];
  SumBits(kernels_, query_, block.bits(), sums);
  bound.Scores(sums, block.factors(), block.norms2(), scores, margins);
  for (size_t row = 0; row < rows; ++row) {
    const float reach = scores[row] + margins[row];
    if (reach < far_.threshold() || reach < threshold() || !Accept(block, row)) continue;
    far_.Add({reach, scores[row] - kLeastMargins * margins[row], list, static_cast<uint32_t>(row),
              &block});
  }
}

void Searcher::ReadFar(std::deque<std::string>* keys) {
  far_.Finish();
  std::vector<Far> far;
  std::vector<FarEntry> step;
  // The first as many as are wanted: before, nothing can be ruled out.
  while (!far_.empty() && far_.next().reach >= threshold()) {
    const size_t wanted = best_.full() ? kFarStep : std::max(limit_, kFarStep);
    far.clear();
    step.clear();
    while (!far_.empty() && far.size() < wanted) {
      const Far& taken = far.emplace_back(far_.TakeNext());
      step.push_back({taken.list, taken.block->document(taken.row)});
    }
    const auto take = [&](size_t i, const CodeView& code, std::string_view key) {
      const int32_t high = kernels_.dot_i8(query_.high.data(), code.values.data(), query_.padded);
      Kept kept = Judge(code.code, code.values.data(), high);
      kept.row = far[i].row;
      kept.block = far[i].block;
      if (!best_.WouldKeep(kept)) return;
      kept.key = &keys->emplace_back(key);
      Keep(kept, code.code);
    };
    far_reader_->Read(step, take);
    stats_->scored += step.size();
    stats_->read += step.size();
  }
}

void Searcher::ScanList(const PostingList& list, ReadAhead* ahead, double dot, double distance2) {
  OneBitBound bound(query_, query_.metric, dot, std::sqrt(distance2));
  const std::span<const EntryBlockPointer> blocks = list.blocks();
  LIBKV_CHECK(list.keeps_codes() || far_reader_ != nullptr);
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (ahead != nullptr) ahead->NextBlock();
    if (!list.keeps_codes()) {
      ScanFar(*blocks[i], list.number(), bound);
    } else if (blocks[i]->bits() != nullptr) {
      ScanBits(*blocks[i], bound);
    } else {
      ScanRows(*blocks[i]);
    }
  }
  for (size_t i = 0; i < PostingList::kTailCount; ++i) {
    const EntryBlock* const tail = list.tail(i);
    if (tail == nullptr) break;
    ScanRows(*tail);
  }
}

void Searcher::Finish() {
  if (is_early_) ScoreEarly();
  ScoreWaiting();
}

void Searcher::TakeHits(ListHits* result) {
  Finish();
  ReadFar(&result->keys);
  for (const Kept& kept : best_.TakeSorted()) {
    const std::string_view key = kept.key != nullptr ? *kept.key : kept.block->key(kept.row);
    result->hits.push_back({kept.block->document(kept.row), key, kept.score, kept.margin});
  }
}

// What `load` makes of the list and `loaded` keeps; null: nothing.
const PostingList* Loaded(const PostingList& list, LoadList load, LoadedLists* loaded) {
  std::shared_ptr<const PostingList> found = load(list);
  if (found == nullptr) return nullptr;
  LIBKV_CHECK(found->is_loaded() && found->number() == list.number());
  loaded->push_back(std::move(found));
  return loaded->back().get();
}

const PostingList* InMemory(const PostingList& list, LoadList load, LoadedLists* loaded) {
  return list.is_loaded() ? &list : Loaded(list, load, loaded);
}

// How many lists to ask the table for first: a little more than the budget is likely to need; where
// the query decides how deep the search goes, twice as many as usual.
size_t ListsFor(const ListTable& table, const ListSearch& search) {
  const size_t usual = std::max<size_t>(table.usual_size(), 1);
  const bool is_usual = search.usual_entries > 0 && search.usual_entries < search.entries / 2;
  const size_t count = (is_usual ? 2 * search.usual_entries : search.entries) / usual;
  return count >= table.list_count() ? table.list_count() : count + count / 4 + 4;
}

// n (d / r)^8, see ListSearch::depth.
double DepthAt(double scanned, double distance2, double furthest2) {
  if (furthest2 == 0) return 0;
  const double ratio2 = distance2 / furthest2, ratio4 = ratio2 * ratio2;
  return scanned * ratio4 * ratio4;
}

}  // namespace

namespace {

// Looks into lists until the search is deep enough; `after` is told after each what was used before
// it.
void LookIntoLists(const ListTable& table, const ListQuery& query, const ListSearch& search,
                   LoadList load, Searcher& searcher, LoadedLists* loaded, ListStats* stats,
                   absl::FunctionRef<void(double used, double depth)> after) {
  if (table.flat() != nullptr) {
    const PostingList* const flat = InMemory(*table.flat(), load, loaded);
    if (flat != nullptr) {
      flat->ForEachBlock([&](const EntryBlock& block) { searcher.ScanRows(block); });
    }
  }
  double used = 0, depth = 0;
  bool is_deep = false;
  std::vector<uint32_t> seen;  // numbers, ascending
  for (size_t count = ListsFor(table, search);; count *= 4) {
    const std::vector<NearList> lists = table.NearestLists(query, count);
    ReadAhead ahead(lists, query.padded);
    for (size_t i = 0; i < lists.size(); ++i) {
      ahead.BeginList(i);
      const uint32_t number = lists[i].list->number();
      if (std::binary_search(seen.begin(), seen.end(), number)) continue;
      depth = std::max(depth, DepthAt(used, lists[i].distance2, searcher.FurthestDistance2()));
      is_deep = used >= static_cast<double>(search.entries) || depth >= search.depth;
      if (is_deep) break;
      const PostingList* const list = InMemory(*lists[i].list, load, loaded);
      if (list == nullptr) continue;
      ++stats->lists;
      const size_t scanned_before = stats->entries;
      searcher.ScanList(*list, &ahead, lists[i].dot, lists[i].distance2);
      const auto scanned = static_cast<double>(stats->entries - scanned_before);
      const double before = used;
      used += search.filtered ? scanned * searcher.accepted_share() : scanned;
      after(before, depth);
    }
    if (is_deep || count >= table.list_count()) break;
    seen.clear();
    for (const NearList& near : lists) seen.push_back(near.list->number());
    std::sort(seen.begin(), seen.end());
  }
}

}  // namespace

ListHits SearchLists(const ListTable& table, const ListQuery& query, const ListSearch& search,
                     AcceptEntry accept, LoadList load, ListStats* stats) {
  LIBKV_CHECK(query.padded == table.padded());
  ListHits result;
  ListStats own_stats;
  if (stats == nullptr) stats = &own_stats;
  *stats = {};
  if (search.limit == 0) return result;
  Searcher searcher(query, search, accept, stats);
  LookIntoLists(table, query, search, load, searcher, &result.loaded, stats, [](double, double) {});
  searcher.TakeHits(&result);
  return result;
}

std::vector<ListHits> SearchAllLists(const ListTable& table,
                                     std::span<const ListQuery* const> queries, size_t limit,
                                     AcceptEntryFor accept, LoadList load) {
  LIBKV_CHECK(limit > 0);
  // A short search of each tells how good its best are at least.
  constexpr size_t kFirstTimes = 8;
  struct One {
    AcceptEntryFor accept;
    size_t i;
    bool operator()(const BlockEntry& entry) const { return accept(i, entry); }
  };
  std::deque<One> accepts;
  std::deque<Searcher> searchers;
  ListStats stats;
  const ListSearch search = {.limit = limit, .entries = kFirstTimes * limit};
  for (size_t i = 0; i < queries.size(); ++i) {
    const One& one = accepts.emplace_back(One{accept, i});
    Searcher& searcher = searchers.emplace_back(*queries[i], search, one, &stats);
    const ListHits first = SearchLists(table, *queries[i], search, one, load);
    if (first.hits.size() == limit) searcher.SetFloor(first.hits.back().score);
  }
  std::vector<ListHits> results(queries.size());
  LoadedLists loaded;
  table.ForEach([&](const std::shared_ptr<PostingList>& unloaded) {
    const PostingList* const list = InMemory(*unloaded, load, &loaded);
    if (list == nullptr) return;
    if (list->number() == kFlatList) {
      list->ForEachBlock([&](const EntryBlock& block) {
        for (Searcher& searcher : searchers) searcher.ScanRows(block);
      });
      return;
    }
    const CodeView centroid = list->centroid();
    const double norm2 = DecodedNorm2(centroid);
    for (size_t i = 0; i < queries.size(); ++i) {
      const ListQuery& query = *queries[i];
      const int8_t* const values = centroid.values.data();
      const int32_t high = ActiveKernels().dot_i8(query.high.data(), values, query.padded);
      const double dot = PreciseDot(query, centroid.code, values, high);
      const double distance2 = double{query.code.norm2} - 2 * dot + norm2;
      searchers[i].ScanList(*list, nullptr, dot, std::max(0.0, distance2));
      searchers[i].Settle();
    }
  });
  for (size_t i = 0; i < queries.size(); ++i) {
    searchers[i].TakeHits(&results[i]);
    results[i].loaded = loaded;
  }
  return results;
}

void WatchSearch(const ListTable& table, const ListQuery& query, const ListSearch& search,
                 AcceptEntry accept, LoadList load, WatchStep watch) {
  LIBKV_CHECK(query.padded == table.padded() && search.limit > 0);
  LoadedLists loaded;
  ListStats stats;
  Searcher searcher(query, search, accept, &stats);
  std::vector<uint64_t> documents;
  size_t told = 0;
  SearchStep step;
  const auto tell = [&](double entries, double depth) {
    step.entries = entries;
    step.depth = depth;
    step.scanned = stats.entries;
    searcher.Settle();
    step.has_new_best = !searcher.is_early() && searcher.kept() != told;
    if (step.has_new_best) {
      told = searcher.kept();
      documents.clear();
      for (const Kept& kept : searcher.best()) {
        documents.push_back(kept.block->document(kept.row));
      }
      step.best = documents;
    }
    watch(step);
  };
  LookIntoLists(table, query, search, load, searcher, &loaded, &stats, tell);
  searcher.Finish();
  tell(step.entries, step.depth);
}

}  // namespace libkv
