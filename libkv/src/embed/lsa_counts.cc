#include "embed/lsa_counts.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "embed/log_frequency.h"
#include "embed/lsa_model.h"
#include "embed/randomized_svd.h"

namespace libkv {
namespace {

constexpr size_t kAxesMax = 768;
// As many axes as texts would give each text one of its own: words that meet in none would stay
// apart, and nothing would be learnt.
constexpr size_t kTextsPerAxis = 5;

// From how often a word is in a text to what that counts: the damped frequency times the word's
// weight, rows of length 1.
void Weigh(const LsaCounts& counts, SparseMatrix* matrix) {
  std::vector<double> weights;
  for (const LsaCountedWord& word : counts.words) {
    weights.push_back(LsaWordWeight(counts.text_count, word.texts));
  }
  for (size_t row = 0; row < matrix->rows(); ++row) {
    double squares = 0;
    for (SparseMatrix::Entry& entry : matrix->Row(row)) {
      const double value =
          DampedFrequency(static_cast<uint32_t>(entry.value)) * weights[entry.column];
      squares += value * value;
      entry.value = static_cast<float>(value);
    }
    if (squares > 0) matrix->ScaleRow(row, static_cast<float>(1 / std::sqrt(squares)));
  }
}

}  // namespace

absl::StatusOr<std::string> LearnLsaModel(LsaCounts counts, const LsaOptions& options,
                                          LsaProgress progress) {
  if (options.axes < 1 || options.axes > kAxesMax) {
    return InvalidArgument("an LSA model has 1 to ", kAxesMax, " axes, not ", options.axes);
  }
  LIBKV_CHECK(options.analyzer != nullptr);
  if (counts.text_count < kLsaTextsMin) {
    return FailedPrecondition("LSA cannot learn from ", counts.text_count,
                              " texts with words: ", kLsaTextsMin, " are the least");
  }
  // The axes along which the texts differ most.
  SparseMatrix matrix = std::move(counts.counts);
  Weigh(counts, &matrix);
  const size_t axes = std::min<size_t>(options.axes, counts.text_count / kTextsPerAxis);
  const std::optional<Svd> svd = RandomizedSvd(matrix, axes, options.seed, progress);
  if (!svd.has_value()) return absl::AbortedError("learning was stopped");
  if (svd->values.empty()) return FailedPrecondition("LSA found nothing to learn in these texts");
  // Where each word lies on them.
  LsaModelWriter writer(svd->values.size(), counts.text_count, options.analyzer->id());
  for (size_t i = 0; i < counts.words.size(); ++i) {
    writer.Add(counts.words[i].hash, counts.words[i].texts,
               {svd->right.Row(i), svd->values.size()});
  }
  return std::move(writer).Finish();
}

}  // namespace libkv
