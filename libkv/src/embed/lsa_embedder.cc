#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "embed/log_frequency.h"
#include "embed/lsa_model.h"
#include "embed/lsa_words.h"
#include "libkv/lsa.h"

namespace libkv {
namespace {

// The part of a text that its axes cannot say, and words that the model does not know, still tell
// texts apart: the words are hashed into a few more sums, with this weight beside the axes.
// Measured on Cranfield and CACM: without it very short texts are found too often, and above 0.4
// the collisions show.
constexpr double kHashedShare = 0.3;

class LsaEmbedder : public Embedder {
 public:
  LsaEmbedder(LsaModel model, std::shared_ptr<const Analyzer> analyzer)
      : model_(std::move(model)), analyzer_(std::move(analyzer)) {}

  std::string identity() const override { return model_.identity(); }
  size_t dimension() const override { return model_.axes() + kLsaHashedDimension; }

  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    if (vectors.size() != texts.size() * dimension()) {
      return InvalidArgument("lsa/1: room for ", vectors.size(), " floats, needed ",
                             texts.size() * dimension());
    }
    LsaWordCounter counter;
    for (size_t i = 0; i < texts.size(); ++i) {
      EmbedOne(counter.Count(*analyzer_, texts[i]), vectors.subspan(i * dimension(), dimension()));
    }
    return absl::OkStatus();
  }

 private:
  void EmbedOne(const std::vector<LsaWord>& words, std::span<float> vector) const {
    std::fill(vector.begin(), vector.end(), 0.0F);
    const std::span<float> axes = vector.first(model_.axes());
    const std::span<float> hashed = vector.subspan(model_.axes());
    for (const LsaWord& word : words) {
      const double frequency = DampedFrequency(word.count);
      const double weight = kHashedShare * frequency * model_.AddTo(axes, word.hash, frequency);
      // Bits that do not choose the slot of a hash table.
      hashed[(word.hash >> 40) % kLsaHashedDimension] +=
          static_cast<float>((word.hash >> 63) != 0 ? weight : -weight);
    }
    double squares = 0;
    for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
    const double length = std::sqrt(squares);
    if (length == 0) return;
    for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / length);
  }

  const LsaModel model_;
  const std::shared_ptr<const Analyzer> analyzer_;
};

absl::StatusOr<std::shared_ptr<const Analyzer>> BuiltInAnalyzer(std::string_view id) {
  const std::string_view language = id.substr(0, id.find('/'));
  auto analyzer = MakeAnalyzer(language);
  if (analyzer.ok() && (*analyzer)->id() == id) return analyzer;
  return FailedPrecondition("the LSA model was learnt with the analyzer '", Printable(id),
                            "', which is not built in: it must be given");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Embedder>> MakeLsaEmbedder(
    std::string_view model_bytes, std::shared_ptr<const Analyzer> analyzer) {
  LIBKV_ASSIGN_OR_RETURN(LsaModel model, LsaModel::Read(model_bytes));
  if (analyzer == nullptr) {
    LIBKV_ASSIGN_OR_RETURN(analyzer, BuiltInAnalyzer(model.analyzer()));
  } else if (analyzer->id() != model.analyzer()) {
    return FailedPrecondition("the LSA model was learnt with the analyzer '",
                              Printable(model.analyzer()), "', not with '",
                              Printable(analyzer->id()), "'");
  }
  return std::make_shared<LsaEmbedder>(std::move(model), std::move(analyzer));
}

}  // namespace libkv
