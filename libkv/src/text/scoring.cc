#include "text/scoring.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace libkv {
namespace {

std::array<double, 256> MakeLogFrequencies() {
  std::array<double, 256> logs{};
  for (size_t n = 1; n < logs.size(); ++n) logs[n] = 1 + std::log(static_cast<double>(n));
  return logs;
}

}  // namespace

double InverseDocumentFrequency(Ranking ranking, uint64_t documents, uint64_t document_frequency) {
  const auto df = static_cast<double>(std::max<uint64_t>(document_frequency, 1));
  // The dead may be counted in df: it must not exceed N.
  const double n = std::max(static_cast<double>(documents), df);
  const double idf =
      ranking == Ranking::kBm25 ? std::log(1 + (n - df + 0.5) / (df + 0.5)) : std::log(n / df);
  return std::max(idf, kIdfMin);
}

double LogFrequency(uint32_t n) {
  // Made at first use: a store may be opened before main.
  static const std::array<double, 256> logs = MakeLogFrequencies();
  return n < logs.size() ? logs[n] : 1 + std::log(static_cast<double>(n));
}

double CosineNorm(std::span<const uint32_t> frequencies) {
  double sum = 0;
  for (const uint32_t tf : frequencies) sum += LogFrequency(tf) * LogFrequency(tf);
  return std::sqrt(sum);
}

Scorer::Scorer(const Scoring& scoring, const CollectionStatistics& statistics,
               const PostingsSource& source)
    : is_bm25_(scoring.ranking == Ranking::kBm25), source_(source), norms_(source.length_norms()) {
  const bool has_length = statistics.documents > 0 && statistics.total_length > 0;
  const double average = has_length ? static_cast<double>(statistics.total_length) /
                                          static_cast<double>(statistics.documents)
                                    : 1;
  for (size_t code = 0; code < length_factors_.size(); ++code) {
    length_factors_[code] = scoring.k1 * (1 - scoring.b + scoring.b * kLengths[code] / average);
  }
}

void Scorer::ScoreAll(std::span<const uint32_t> documents, std::span<const uint32_t> frequencies,
                      double weight, double* scores) const {
  const size_t n = documents.size();
  LIBKV_CHECK(n <= kPostingsBlock && n <= frequencies.size());
  if (is_bm25_) {
    std::array<double, kPostingsBlock> factors;
    LengthFactors(documents, factors.data());
    // Apart from the look-ups, so that several are divided at once.
    for (size_t i = 0; i < n; ++i) scores[i] = OfBm25(frequencies[i], factors[i], weight);
  } else {
    std::array<float, kPostingsBlock> norms;
    source_.CosineNorms(documents, norms.data());
    for (size_t i = 0; i < n; ++i) scores[i] = OfTfIdf(frequencies[i], norms[i], weight);
  }
}

void Scorer::LengthFactors(std::span<const uint32_t> documents, double* factors) const {
  if (norms_ != nullptr) {
    for (const uint32_t document : documents) *factors++ = length_factors_[norms_[document]];
    return;
  }
  std::array<uint8_t, kPostingsBlock> norms;
  source_.LengthNorms(documents, norms.data());
  for (size_t i = 0; i < documents.size(); ++i) factors[i] = length_factors_[norms[i]];
}

double Scorer::Bound(const ScoreBounds& bounds) const {
  // Bounds are floats, scores are not.
  constexpr double kFloatSlack = 1.0 / (1 << 20);
  if (!is_bm25_) return static_cast<double>(bounds.cosine) * (1 + kFloatSlack);
  double greatest = 0;
  for (uint32_t i = 0; i < bounds.count; ++i) {
    const Impact& impact = bounds.impacts[i];
    greatest = std::max(greatest, OfBm25(impact.frequency, length_factors_[impact.length_norm], 1));
  }
  return greatest;
}

}  // namespace libkv
