#include "vector/flat_scan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/check.h"
#include "base/top_k.h"
#include "vector/kernels.h"

namespace libkv {
namespace {

constexpr size_t kBlockRows = CodeSet::kBlockRows;

// The score of a row and its margin, as sums that need no decision per row:
//   score  = dot * dot_factor * scale - norm2 * norm2_factor - constant
//   margin = scale * scale_margin + norm * norm_margin + norm2 * norm2_margin + constant_margin
struct Formula {
  float dot_factor = 0, norm2_factor = 0, constant = 0;
  float scale_margin = 0, norm_margin = 0, norm2_margin = 0, constant_margin = 0;
};

Formula MakeFormula(const Code& query, Metric metric, size_t padded) {
  constexpr float kFloatError = 0x1p-24f;  // of one operation
  constexpr float kUnderflow = 0x1p-126f;  // what sums lose below the range of floats
  constexpr float kTinyNorm = 0x1p-63f;    // below it a squared norm has lost its digits
  constexpr float kRotationSteps = 128;    // additions on the way of a coordinate, and some
  const float rounding = (static_cast<float>(padded) / 16 + kRotationSteps) * kFloatError;
  const float deviations = kScanDeviations / std::sqrt(12.0f);
  const float norm = std::sqrt(query.norm2) + kTinyNorm;

  Formula formula;
  formula.dot_factor = query.scale;
  formula.scale_margin = deviations * norm;
  formula.norm_margin = deviations * query.scale + rounding * norm;
  formula.constant_margin = kUnderflow + formula.norm_margin * kTinyNorm;
  if (metric != Metric::kL2) return formula;

  // -(|q|^2 + |v|^2 - 2 q.v)
  formula.dot_factor *= 2;
  formula.norm2_factor = 1;
  formula.constant = query.norm2;
  formula.scale_margin *= 2;
  formula.norm_margin *= 2;
  formula.norm2_margin = rounding;
  formula.constant_margin = 2 * formula.constant_margin + rounding * query.norm2;
  return formula;
}

struct Bounds {
  float scores[kBlockRows];
  float margins[kBlockRows];
};

void Evaluate(const Formula& formula, const CodeSet::Block& block, const int32_t* dots,
              size_t count, Bounds* bounds) {
  for (size_t i = 0; i < count; ++i) {
    // Factors apply one after the other: their product could be too small for a float.
    const float product = static_cast<float>(dots[i]) * formula.dot_factor * block.scales[i];
    bounds->scores[i] = product - block.norms2[i] * formula.norm2_factor - formula.constant;
    bounds->margins[i] = block.scales[i] * formula.scale_margin +
                         block.norms[i] * formula.norm_margin +
                         block.norms2[i] * formula.norm2_margin + formula.constant_margin;
  }
}

bool Before(const Candidate& a, const Candidate& b) {
  return a.upper_bound != b.upper_bound ? a.upper_bound > b.upper_bound : a.slot < b.slot;
}

// What has been found so far. `threshold` is the `limit`-th best lower bound: so many slots are at
// least as good, and whatever cannot reach it is out.
class Candidates {
 public:
  explicit Candidates(size_t limit) : count_max_(limit + kScanExtraMax), lower_bounds_(limit) {}

  float threshold() const { return threshold_; }

  void Add(const Candidate& candidate, float lower_bound) {
    lower_bounds_.Push(lower_bound);
    if (lower_bounds_.full()) threshold_ = lower_bounds_.worst();
    kept_.push_back(candidate);
    // Twice the room, so that each cleaning pays for as many additions.
    if (kept_.size() >= 2 * count_max_) Clean();
  }

  std::vector<Candidate> Take(bool* is_complete) {
    Clean();
    std::sort(kept_.begin(), kept_.end(), Before);
    if (is_complete != nullptr) *is_complete = !dropped_ || best_dropped_ < threshold_;
    return std::move(kept_);
  }

 private:
  void Clean() {
    std::erase_if(kept_, [this](const Candidate& c) { return c.upper_bound < threshold_; });
    if (kept_.size() <= count_max_) return;
    const auto end = kept_.begin() + static_cast<ptrdiff_t>(count_max_);
    std::nth_element(kept_.begin(), end, kept_.end(), Before);
    dropped_ = true;
    best_dropped_ = std::max(best_dropped_, end->upper_bound);
    kept_.erase(end, kept_.end());
  }

  const size_t count_max_;
  TopK<float, std::greater<>> lower_bounds_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  bool dropped_ = false;
  float best_dropped_ = -std::numeric_limits<float>::infinity();
  std::vector<Candidate> kept_;
};

}  // namespace

QueryCode MakeQueryCode(std::span<const float> rotated) {
  QueryCode query;
  query.values.resize(rotated.size());
  query.code = Encode(rotated, query.values.data());
  return query;
}

std::vector<Candidate> Scan(const CodeSet& codes, const QueryCode& query, Metric metric,
                            size_t limit, size_t count,
                            absl::FunctionRef<bool(uint32_t slot)> alive, bool* is_complete) {
  LIBKV_CHECK(query.values.size() == codes.padded() && count <= codes.size());
  if (is_complete != nullptr) *is_complete = true;
  if (limit == 0 || count == 0) return {};
  const Kernels& kernels = ActiveKernels();
  const Formula formula = MakeFormula(query.code, metric, codes.padded());
  Candidates candidates(std::min(limit, count));
  int32_t dots[kBlockRows];
  Bounds bounds;
  for (size_t first = 0; first < count; first += kBlockRows) {
    const CodeSet::Block block = codes.block(first);
    const size_t rows = std::min(kBlockRows, count - first);
    kernels.dot_many(query.values.data(), block.values, codes.padded(), rows, codes.padded(), dots);
    Evaluate(formula, block, dots, rows, &bounds);
    for (size_t i = 0; i < rows; ++i) {
      const float upper_bound = bounds.scores[i] + bounds.margins[i];
      if (upper_bound < candidates.threshold()) [[likely]]
        continue;
      const auto slot = static_cast<uint32_t>(first + i);
      if (!alive(slot)) continue;
      candidates.Add({slot, bounds.scores[i], upper_bound}, bounds.scores[i] - bounds.margins[i]);
    }
  }
  return candidates.Take(is_complete);
}

}  // namespace libkv
