#include "search/ngram_embedder.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>

namespace libkv::perf {
namespace {

constexpr size_t kDimension = 1'024;
constexpr size_t kRun = 3;

class NgramEmbedder final : public Embedder {
 public:
  std::string identity() const override { return "ngrams/1"; }
  size_t dimension() const override { return kDimension; }

  absl::Status Embed(EmbedKind /*kind*/, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::span<float> vector = vectors.subspan(i * kDimension, kDimension);
      std::fill(vector.begin(), vector.end(), 0.0F);
      std::string text(texts[i]);
      for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      for (size_t j = 0; j + kRun <= text.size(); ++j) {
        vector[std::hash<std::string_view>()(std::string_view(text).substr(j, kRun)) %
               kDimension] += 1;
      }
      float squares = 0;
      for (const float x : vector) squares += x * x;
      if (squares == 0) continue;
      for (float& x : vector) x /= std::sqrt(squares);
    }
    return absl::OkStatus();
  }
};

}  // namespace

std::shared_ptr<const Embedder> MakeNgramEmbedder() { return std::make_shared<NgramEmbedder>(); }

}  // namespace libkv::perf
