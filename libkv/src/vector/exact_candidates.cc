#include "vector/exact_candidates.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/top_k.h"
#include "vector/kernels.h"
#include "vector/score_formula.h"

namespace libkv {
namespace {

constexpr float kNothingYet = -std::numeric_limits<float>::infinity();

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
    const std::shared_ptr<const PostingList> loaded = is_here ? list : load(*list);
    if (loaded == nullptr) return;
    LIBKV_CHECK(loaded->is_loaded() && loaded->number() == list->number());
    LIBKV_CHECK(loaded->keeps_codes());
    loaded->ForEachBlock([&](const EntryBlock& block) {
      AddCandidates(block, query, formula, accept, !is_here, &candidates);
    });
  });
  candidates.Take(&result, is_complete);
  return result;
}

}  // namespace libkv
