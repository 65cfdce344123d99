#include "libkv/word_vectors.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "embed/hex_digits.h"
#include "embed/lsa_words.h"
#include "embed/word_vector_file.h"
#include "libkv/analyzer.h"

namespace libkv {
namespace {

// The sum of 1/rank over a million words: a word's share in running text is 1 / (this * rank).
constexpr double kZipfSum = 14.39;
// What the vectors have in common is learnt from the words that make up nine tenths of any text.
constexpr size_t kCommonWordsMax = 20'000;
constexpr int kCommonRounds = 30;
constexpr size_t kWordBytes = 40;  // hash table entry and scale

double Share(size_t rank) { return 1 / (kZipfSum * static_cast<double>(rank)); }

double Weight(double rarity, size_t rank) {
  return rarity > 0 ? rarity / (rarity + Share(rank)) : 1;
}

// The vectors of words, each already multiplied by its weight.
class WordVectors {
 public:
  WordVectors(size_t dimension, bool int8) : dimension_(dimension), int8_(int8) {}

  size_t dimension() const { return dimension_; }
  size_t size() const { return row_of_.size(); }
  size_t memory_bytes() const { return size() * (dimension_ * (int8_ ? 1 : 4) + kWordBytes); }
  bool Contains(uint64_t word) const { return row_of_.contains(word); }

  void Add(uint64_t word, std::span<const float> vector) {
    row_of_.emplace(word, static_cast<uint32_t>(size()));
    if (!int8_) {
      floats_.insert(floats_.end(), vector.begin(), vector.end());
      return;
    }
    float largest = 0;
    for (const float x : vector) largest = std::max(largest, std::abs(x));
    const double scale = static_cast<double>(largest) / 127;
    scales_.push_back(static_cast<float>(scale));
    for (const float x : vector) {
      const double steps = scale > 0 ? std::floor(static_cast<double>(x) / scale + 0.5) : 0;
      bytes_.push_back(static_cast<int8_t>(std::clamp(steps, -127.0, 127.0)));
    }
  }

  // sums += factor * the word's vector, if there is one.
  void AddTo(std::span<double> sums, uint64_t word, double factor) const {
    const auto found = row_of_.find(word);
    if (found == row_of_.end()) return;
    const size_t row = found->second, first = row * dimension_;
    if (!int8_) {
      for (size_t i = 0; i < dimension_; ++i) {
        sums[i] += factor * static_cast<double>(floats_[first + i]);
      }
      return;
    }
    const double step = factor * static_cast<double>(scales_[row]);
    for (size_t i = 0; i < dimension_; ++i) sums[i] += step * bytes_[first + i];
  }

 private:
  const size_t dimension_;
  const bool int8_;
  absl::flat_hash_map<uint64_t, uint32_t> row_of_;
  std::vector<float> floats_, scales_;
  std::vector<int8_t> bytes_;
};

// The words of a file as they come, folded.
struct NumberedVector {
  size_t rank = 0;
  uint64_t word = 0;
  std::vector<float> vector;  // multiplied by its weight
};

// The direction that the words of a text have most in common: the first principal component, words
// counting as often as they occur. (Power method; sums in a fixed order.)
std::vector<double> CommonDirection(const std::vector<NumberedVector>& words, size_t dimension) {
  std::vector<double> direction(dimension, 1.0);
  for (int round = 0; round < kCommonRounds; ++round) {
    std::vector<double> next(dimension);
    for (const NumberedVector& word : words) {
      double dot = 0;
      for (size_t i = 0; i < dimension; ++i) {
        dot += direction[i] * static_cast<double>(word.vector[i]);
      }
      dot *= Share(word.rank);
      for (size_t i = 0; i < dimension; ++i) next[i] += dot * static_cast<double>(word.vector[i]);
    }
    double squares = 0;
    for (const double x : next) squares += x * x;
    if (!(squares > 0) || !std::isfinite(squares)) return std::vector<double>(dimension);
    for (double& x : next) x /= std::sqrt(squares);
    direction = std::move(next);
  }
  return direction;
}

void TakeOut(const std::vector<double>& direction, std::vector<float>* vector) {
  double dot = 0;
  for (size_t i = 0; i < direction.size(); ++i) {
    dot += direction[i] * static_cast<double>((*vector)[i]);
  }
  for (size_t i = 0; i < direction.size(); ++i) {
    (*vector)[i] = static_cast<float>(static_cast<double>((*vector)[i]) - dot * direction[i]);
  }
}

// Fills a WordVectors from a file.
class Loader {
 public:
  Loader(WordVectorFile file, const WordVectorOptions& options, const Analyzer& analyzer)
      : file_(std::move(file)),
        options_(options),
        analyzer_(analyzer),
        vectors_(file_.dimension(), options.int8) {}

  absl::StatusOr<WordVectors> Load() && {
    // The first words wait until it is known what they have in common.
    std::vector<NumberedVector> first;
    bool more = true;
    const size_t first_max =
        options_.remove_common
            ? std::min(kCommonWordsMax, 1 + options_.memory_bytes_max / (4 * file_.dimension()))
            : 0;
    while (first.size() < first_max && more) {
      NumberedVector word;
      LIBKV_ASSIGN_OR_RETURN(more, Next(&word));
      if (more) first.push_back(std::move(word));
    }
    if (options_.remove_common) common_ = CommonDirection(first, file_.dimension());
    for (NumberedVector& word : first) Keep(&word);
    first = {};
    while (more) {
      NumberedVector word;
      LIBKV_ASSIGN_OR_RETURN(more, Next(&word));
      if (more) Keep(&word);
    }
    if (vectors_.size() == 0) return InvalidArgument("a file of word vectors without words");
    return std::move(vectors_);
  }

  uint64_t hash() const { return file_.hash(); }

 private:
  // False: the end of the file, or of what may be read.
  absl::StatusOr<bool> Next(NumberedVector* word) {
    while (rank_ < options_.words_max && vectors_.memory_bytes() < options_.memory_bytes_max) {
      LIBKV_ASSIGN_OR_RETURN(const bool any, file_.Next());
      if (!any) return false;
      ++rank_;
      const std::vector<LsaWord>& terms = counter_.Count(analyzer_, file_.word());
      // What the analyzer cuts, or drops, is in no text.
      if (terms.size() != 1 || terms[0].count != 1) continue;
      word->rank = rank_;
      word->word = terms[0].hash;
      const double weight = Weight(options_.rarity, rank_);
      for (const float x : file_.vector()) {
        word->vector.push_back(static_cast<float>(weight * static_cast<double>(x)));
      }
      return true;
    }
    return false;
  }

  void Keep(NumberedVector* word) {
    if (vectors_.Contains(word->word)) return;
    if (options_.remove_common) TakeOut(common_, &word->vector);
    vectors_.Add(word->word, word->vector);
  }

  WordVectorFile file_;
  const WordVectorOptions& options_;
  const Analyzer& analyzer_;
  LsaWordCounter counter_;
  size_t rank_ = 0;
  std::vector<double> common_;
  WordVectors vectors_;
};

class WordVectorEmbedder : public Embedder {
 public:
  WordVectorEmbedder(std::string identity, WordVectors vectors,
                     std::shared_ptr<const Analyzer> analyzer)
      : identity_(std::move(identity)),
        vectors_(std::move(vectors)),
        analyzer_(std::move(analyzer)) {}

  std::string identity() const override { return identity_; }
  size_t dimension() const override { return vectors_.dimension(); }

  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    if (vectors.size() != texts.size() * dimension()) {
      return InvalidArgument("words/1: room for ", vectors.size(), " floats, needed ",
                             texts.size() * dimension());
    }
    LsaWordCounter counter;
    std::vector<double> sums(dimension());
    for (size_t i = 0; i < texts.size(); ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (const LsaWord& word : counter.Count(*analyzer_, texts[i])) {
        vectors_.AddTo(sums, word.hash, word.count);
      }
      double squares = 0;
      for (const double sum : sums) squares += sum * sum;
      const double length = std::sqrt(squares);
      for (size_t k = 0; k < dimension(); ++k) {
        vectors[i * dimension() + k] = length > 0 ? static_cast<float>(sums[k] / length) : 0.0F;
      }
    }
    return absl::OkStatus();
  }

 private:
  const std::string identity_;
  const WordVectors vectors_;
  const std::shared_ptr<const Analyzer> analyzer_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Embedder>> MakeWordVectorEmbedder(
    const std::string& path, const WordVectorOptions& options) {
  if (options.words_max == 0 || options.memory_bytes_max == 0) {
    return InvalidArgument("words_max and memory_bytes_max must be at least 1");
  }
  if (!(options.rarity >= 0 && options.rarity <= 1)) {
    return InvalidArgument("rarity must be 0 to 1, not ", options.rarity);
  }
  const bool binary = options.format == WordVectorFormat::kBinary ||
                      (options.format == WordVectorFormat::kAuto && path.ends_with(".bin"));
  LIBKV_ASSIGN_OR_RETURN(WordVectorFile file, WordVectorFile::Open(path, binary));
  const auto analyzer = MakeSimpleAnalyzer();
  Loader loader(std::move(file), options, *analyzer);
  LIBKV_ASSIGN_OR_RETURN(WordVectors vectors, std::move(loader).Load());
  std::string identity =
      Concat("words/1:", HexDigits(loader.hash()), ":", analyzer->id(), ",rarity=", options.rarity,
             options.remove_common ? ",common" : "", options.int8 ? ",int8" : "");
  return std::make_shared<WordVectorEmbedder>(std::move(identity), std::move(vectors), analyzer);
}

}  // namespace libkv
