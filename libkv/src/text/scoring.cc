#include "text/scoring.h"

#include <algorithm>
#include <cmath>

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

Scorer::Scorer(Ranking ranking, const CollectionStatistics& statistics,
               const PostingsSource& source)
    : ranking_(ranking), source_(source) {
  const bool has_length = statistics.documents > 0 && statistics.total_length > 0;
  const double average = has_length ? static_cast<double>(statistics.total_length) /
                                          static_cast<double>(statistics.documents)
                                    : 1;
  for (size_t code = 0; code < length_factors_.size(); ++code) {
    length_factors_[code] = kBm25K1 * (1 - kBm25B + kBm25B * kLengths[code] / average);
  }
}

}  // namespace libkv
