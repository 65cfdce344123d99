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

namespace libkv {
namespace {

constexpr float kNothingYet = -std::numeric_limits<float>::infinity();

void Prefetch(const void* address) { __builtin_prefetch(address); }

void PrefetchRow(const int8_t* values, size_t padded) {
  for (size_t i = 0; i < padded; i += kLineBytes) Prefetch(values + i);
}

// What a scan of the bits reads, front to back.
void PrefetchBits(const EntryBlock& block, size_t padded) {
  const uint8_t* const bits = block.bits();
  if (bits == nullptr) return;
  const size_t bytes = OneBitBlockBytes(padded) + sizeof(OneBitFactors);
  for (size_t i = 0; i < bytes; i += kLineBytes) Prefetch(bits + i);
}

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

  // The furthest reaching first.
  std::vector<Far> Take() {
    Clean();
    std::sort(entries_.begin(), entries_.end(), ReachesFurther);
    return std::move(entries_);
  }

 private:
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
        far_(search.limit) {}

  // Reads the int8 codes of every entry.
  void ScanRows(const EntryBlock& block);

  // Scans the one-bit codes where there are some, and fetches those of `next`, which may be null.
  void ScanList(const PostingList& list, const PostingList* next, double dot, double distance2);

  // The share of the entries that were accepted, of those that were shown.
  double accepted_share() const {
    return shown_ == 0 ? 0 : static_cast<double>(accepted_) / static_cast<double>(shown_);
  }

  void TakeHits(ListHits* result);

 private:
  float threshold() const { return best_.full() ? best_.worst().score : kNothingYet; }
  void ScanBits(const EntryBlock& block, OneBitBound& bound);
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

  // Rows of the block before that may be among the best: their codes are on the way from memory
  // while the next block's bits are summed.
  const EntryBlock* waiting_block_ = nullptr;
  bool waiting_is_accepted_ = false;
  std::array<uint8_t, kOneBitRows> waiting_;
  size_t waiting_count_ = 0;
};

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
  if (waiting_count_ == 0) return;
  const int8_t* values[kOneBitRows];
  int32_t dots[kOneBitRows];
  for (size_t i = 0; i < waiting_count_; ++i) {
    values[i] = waiting_block_->values(waiting_[i]);
  }
  kernels_.dot_each(query_.high.data(), values, waiting_count_, query_.padded, dots);
  for (size_t i = 0; i < waiting_count_; ++i) {
    float score = 0, margin = 0;
    const size_t row = waiting_[i];
    estimate_.Evaluate(&dots[i], waiting_block_->scales() + row, waiting_block_->norms2() + row, 1,
                       &score, &margin);
    if (score + margin < threshold()) continue;
    Offer(*waiting_block_, row, dots[i], waiting_is_accepted_);
  }
  stats_->scored += waiting_count_;
  waiting_count_ = 0;
}

void Searcher::ScanBits(const EntryBlock& block, OneBitBound& bound) {
  const size_t rows = block.rows();
  stats_->entries += rows;
  alignas(kLineBytes) uint32_t sums[kOneBitRows];
  SumBits(kernels_, query_, block.bits(), sums);
  ScoreWaiting();
  uint32_t left = bound.Reach(kernels_, sums, block.factors(), block.norms2(), threshold());
  if (rows < kOneBitRows) left &= (uint32_t{1} << rows) - 1;
  waiting_block_ = &block;
  waiting_is_accepted_ = !best_.full();
  for (; left != 0; left &= left - 1) {
    const auto row = static_cast<uint8_t>(std::countr_zero(left));
    if (waiting_is_accepted_ && !Accept(block, row)) continue;
    PrefetchRow(block.values(row), query_.padded);
    waiting_[waiting_count_++] = row;
  }
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
  const std::vector<Far> far = far_.Take();
  std::vector<FarEntry> step;
  // The first as many as are wanted: before, nothing can be ruled out.
  for (size_t begin = 0; begin < far.size(); begin += step.size()) {
    if (far[begin].reach < threshold()) break;
    const size_t wanted = best_.full() ? kFarStep : std::max(limit_, kFarStep);
    const size_t end = std::min(far.size(), begin + wanted);
    step.clear();
    for (size_t i = begin; i < end; ++i) {
      step.push_back({far[i].list, far[i].block->document(far[i].row)});
    }
    const auto take = [&](size_t i, const CodeView& code, std::string_view key) {
      const int32_t high = kernels_.dot_i8(query_.high.data(), code.values.data(), query_.padded);
      Kept kept = Judge(code.code, code.values.data(), high);
      kept.row = far[begin + i].row;
      kept.block = far[begin + i].block;
      if (!best_.WouldKeep(kept)) return;
      kept.key = &keys->emplace_back(key);
      Keep(kept, code.code);
    };
    far_reader_->Read(step, take);
    stats_->scored += step.size();
    stats_->read += step.size();
  }
}

void Searcher::ScanList(const PostingList& list, const PostingList* next, double dot,
                        double distance2) {
  OneBitBound bound(query_, query_.metric, dot, std::sqrt(distance2));
  const std::span<const EntryBlockPointer> blocks = list.blocks();
  LIBKV_CHECK(list.keeps_codes() || far_reader_ != nullptr);
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i + 1 < blocks.size()) {
      PrefetchBits(*blocks[i + 1], query_.padded);
    } else if (next != nullptr && !next->blocks().empty()) {
      PrefetchBits(*next->blocks().front(), query_.padded);
    }
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

void Searcher::TakeHits(ListHits* result) {
  ScoreWaiting();
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

// Brings what comes after the list at `i` nearer, one step of its pointers for each list.
void PrefetchAfter(std::span<const NearList> lists, size_t i) {
  if (i + 3 < lists.size()) Prefetch(lists[i + 3].list);
  if (i + 2 < lists.size()) Prefetch(lists[i + 2].list->blocks().data());
  if (i + 1 >= lists.size()) return;
  for (const EntryBlockPointer& block : lists[i + 1].list->blocks()) Prefetch(block.get());
}

// How many lists to ask the table for first: a little more than the budget is likely to need.
size_t ListsFor(const ListTable& table, size_t entries) {
  const size_t usual = std::max<size_t>(table.usual_size(), 1);
  const size_t count = entries / usual;
  return count >= table.list_count() ? table.list_count() : count + count / 4 + 4;
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
  if (table.flat() != nullptr) {
    const PostingList* const flat = InMemory(*table.flat(), load, &result.loaded);
    if (flat != nullptr) {
      flat->ForEachBlock([&](const EntryBlock& block) { searcher.ScanRows(block); });
    }
  }

  double used = 0;
  std::vector<uint32_t> seen;  // numbers, ascending
  for (size_t count = ListsFor(table, search.entries);; count *= 4) {
    const std::vector<NearList> lists = table.NearestLists(query, count);
    for (size_t i = 0; i < lists.size() && used < static_cast<double>(search.entries); ++i) {
      PrefetchAfter(lists, i);
      const uint32_t number = lists[i].list->number();
      if (std::binary_search(seen.begin(), seen.end(), number)) continue;
      const PostingList* const list = InMemory(*lists[i].list, load, &result.loaded);
      if (list == nullptr) continue;
      ++stats->lists;
      const size_t before = stats->entries;
      const PostingList* const next = i + 1 < lists.size() ? lists[i + 1].list : nullptr;
      searcher.ScanList(*list, next, lists[i].dot, lists[i].distance2);
      const auto scanned = static_cast<double>(stats->entries - before);
      used += search.filtered ? scanned * searcher.accepted_share() : scanned;
    }
    if (used >= static_cast<double>(search.entries) || count >= table.list_count()) break;
    seen.clear();
    for (const NearList& near : lists) seen.push_back(near.list->number());
    std::sort(seen.begin(), seen.end());
  }
  searcher.TakeHits(&result);
  return result;
}

namespace {

bool Before(const ListCandidate& a, const ListCandidate& b) {
  return a.upper_bound != b.upper_bound ? a.upper_bound > b.upper_bound : a.document < b.document;
}

// What an exhaustive scan has found so far. `threshold` is the `limit`-th best lower bound: so many
// entries are at least as good, and whatever cannot reach it is out.
class Candidates {
 public:
  explicit Candidates(size_t limit) : limit_(limit), lower_bounds_(limit) {}

  float threshold() const { return threshold_; }

  // `copies_key`: the list that holds it will not stay.
  void Add(const ListCandidate& candidate, float lower_bound, bool copies_key) {
    lower_bounds_.Push(lower_bound);
    if (lower_bounds_.full()) threshold_ = lower_bounds_.worst();
    kept_.push_back(candidate);
    if (copies_key) kept_.back().key = keys_.emplace_back(candidate.key);
    // Twice the room, so that each cleaning pays for as many additions.
    if (kept_.size() / 2 >= limit_ + kCandidatesExtraMax) Clean();
  }

  void Take(ListCandidates* result, bool* is_complete) {
    Clean();
    std::sort(kept_.begin(), kept_.end(), Before);
    *is_complete = !dropped_ || best_dropped_ < threshold_;
    result->candidates = std::move(kept_);
    result->keys = std::move(keys_);
  }

 private:
  void Clean() {
    Drop();
    if (keys_.empty()) return;
    std::deque<std::string> keys;
    for (ListCandidate& candidate : kept_) candidate.key = keys.emplace_back(candidate.key);
    keys_ = std::move(keys);
  }

  void Drop() {
    std::erase_if(kept_, [this](const ListCandidate& c) { return c.upper_bound < threshold_; });
    if (kept_.size() <= kCandidatesExtraMax || kept_.size() - kCandidatesExtraMax <= limit_) return;
    const auto end = kept_.begin() + static_cast<ptrdiff_t>(limit_ + kCandidatesExtraMax);
    std::nth_element(kept_.begin(), end, kept_.end(), Before);
    dropped_ = true;
    best_dropped_ = std::max(best_dropped_, end->upper_bound);
    kept_.erase(end, kept_.end());
  }

  const size_t limit_;
  TopK<float, std::greater<>> lower_bounds_;
  float threshold_ = kNothingYet;
  bool dropped_ = false;
  float best_dropped_ = kNothingYet;
  std::vector<ListCandidate> kept_;
  std::deque<std::string> keys_;
};

void AddCandidates(const EntryBlock& block, const ListQuery& query, const ScoreFormula& formula,
                   AcceptEntry accept, bool copies_keys, Candidates* candidates) {
  int32_t dots[EntryBlock::kRowsMax];
  float scores[EntryBlock::kRowsMax], margins[EntryBlock::kRowsMax];
  const size_t rows = block.rows();
  ActiveKernels().dot_many(query.high.data(), block.values(0), query.padded, rows, query.padded,
                           dots);
  formula.Evaluate(dots, block.scales(), block.norms2(), rows, scores, margins);
  for (size_t row = 0; row < rows; ++row) {
    const float upper_bound = scores[row] + margins[row];
    if (upper_bound < candidates->threshold()) [[likely]]
      continue;
    if (!accept(BlockEntry(&block, row))) continue;
    candidates->Add({block.document(row), block.key(row), scores[row], upper_bound},
                    scores[row] - margins[row], copies_keys);
  }
}

}  // namespace

ListCandidates ExactCandidates(const ListTable& table, const ListQuery& query, size_t limit,
                               AcceptEntry accept, LoadList load, bool* is_complete) {
  LIBKV_CHECK(query.padded == table.padded());
  bool ignored = true;
  if (is_complete == nullptr) is_complete = &ignored;
  *is_complete = true;
  ListCandidates result;
  if (limit == 0) return result;
  const ScoreFormula formula(query);
  Candidates candidates(limit);
  table.ForEach([&](const std::shared_ptr<PostingList>& list) {
    const bool is_here = list->is_loaded() && list->keeps_codes();
    LoadedLists held;
    const PostingList* const loaded = is_here ? list.get() : Loaded(*list, load, &held);
    if (loaded == nullptr) return;
    LIBKV_CHECK(loaded->keeps_codes());
    loaded->ForEachBlock([&](const EntryBlock& block) {
      AddCandidates(block, query, formula, accept, !is_here, &candidates);
    });
  });
  candidates.Take(&result, is_complete);
  return result;
}

}  // namespace libkv
