#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/strings.h"
#include "embed/log_frequency.h"
#include "embed/lsa_model.h"
#include "embed/lsa_words.h"
#include "embed/randomized_svd.h"
#include "embed/sparse_matrix.h"
#include "embed/text_sample.h"
#include "libkv/lsa.h"

namespace libkv {
namespace {

// The words that a model knows: those in the most texts.
constexpr size_t kWordsMax = 32'768;
// While words are counted. When there are more, those in the fewest texts are forgotten.
constexpr size_t kCountedWordsMax = 1'000'000;
// Words of texts in the matrix: 64 MiB, and the time of the decomposition. Texts beyond it are
// counted, but teach no axes; it takes more than 100,000 texts of 80 different words.
constexpr size_t kMatrixEntriesMax = 8'000'000;
constexpr size_t kAxesMax = 768;

struct KnownWord {
  uint64_t hash = 0;
  uint32_t texts = 0;
};

// How many texts each word is in.
class WordTable {
 public:
  void AddText(const std::vector<LsaWord>& words) {
    if (!words.empty()) ++text_count_;
    for (const LsaWord& word : words) ++texts_of_[word.hash];
    if (texts_of_.size() <= kCountedWordsMax) return;
    // To the half: else the next text would ask for it again.
    for (uint32_t rare = 1; texts_of_.size() > kCountedWordsMax / 2; ++rare) {
      absl::erase_if(texts_of_, [rare](const auto& entry) { return entry.second <= rare; });
    }
  }

  size_t text_count() const { return text_count_; }

  // Those in the most texts, in the order of their hashes.
  std::vector<KnownWord> MostFrequent(size_t limit) const {
    std::vector<KnownWord> words;
    for (const auto& [hash, texts] : texts_of_) words.push_back({hash, texts});
    std::sort(words.begin(), words.end(), [](const KnownWord& a, const KnownWord& b) {
      return a.texts != b.texts ? a.texts > b.texts : a.hash < b.hash;
    });
    if (words.size() > limit) words.resize(limit);
    std::sort(words.begin(), words.end(),
              [](const KnownWord& a, const KnownWord& b) { return a.hash < b.hash; });
    return words;
  }

 private:
  size_t text_count_ = 0;  // with words
  absl::flat_hash_map<uint64_t, uint32_t> texts_of_;
};

// A row for each text and a column for each word: the damped frequency times the word's weight,
// rows of length 1.
SparseMatrix WeightMatrix(const std::vector<const TextSample::Text*>& texts,
                          const Analyzer& analyzer, size_t text_count,
                          const std::vector<KnownWord>& words) {
  absl::flat_hash_map<uint64_t, uint32_t> column_of;
  std::vector<double> weights;
  for (const KnownWord& word : words) {
    column_of[word.hash] = static_cast<uint32_t>(weights.size());
    weights.push_back(LsaWordWeight(text_count, word.texts));
  }
  SparseMatrix matrix(words.size());
  LsaWordCounter counter;
  for (const TextSample::Text* text : texts) {
    double squares = 0;
    for (const LsaWord& word : counter.Count(analyzer, text->text)) {
      const auto found = column_of.find(word.hash);
      if (found == column_of.end()) continue;
      const double value = DampedFrequency(word.count) * weights[found->second];
      squares += value * value;
      matrix.Add(found->second, static_cast<float>(value));
    }
    if (squares > 0) matrix.ScaleLastRow(static_cast<float>(1 / std::sqrt(squares)));
    matrix.EndRow();
    if (matrix.entry_count() > kMatrixEntriesMax) break;
  }
  return matrix;
}

}  // namespace

struct LsaTrainer::Impl {
  LsaOptions options;
  TextSample sample;
};

LsaTrainer::LsaTrainer(LsaOptions options)
    : impl_(new Impl{options, TextSample(kLsaTextsMax, kLsaSampleBytesMax, options.seed)}) {
  if (impl_->options.analyzer == nullptr) impl_->options.analyzer = MakeEnglishAnalyzer();
}
LsaTrainer::~LsaTrainer() = default;
LsaTrainer::LsaTrainer(LsaTrainer&&) noexcept = default;
LsaTrainer& LsaTrainer::operator=(LsaTrainer&&) noexcept = default;

void LsaTrainer::Add(std::string_view text) { impl_->sample.Add(text.substr(0, kLsaTextBytesMax)); }

uint64_t LsaTrainer::text_count() const { return impl_->sample.seen(); }

absl::StatusOr<std::string> LsaTrainer::Train() const {
  const LsaOptions& options = impl_->options;
  if (options.axes < 1 || options.axes > kAxesMax) {
    return InvalidArgument("an LSA model has 1 to ", kAxesMax, " axes, not ", options.axes);
  }
  // 1. Which words are there, and in how many texts?
  const std::vector<const TextSample::Text*> texts = impl_->sample.InOrderOfDraw();
  WordTable table;
  LsaWordCounter counter;
  for (const TextSample::Text* text : texts) {
    table.AddText(counter.Count(*options.analyzer, text->text));
  }
  if (table.text_count() < kLsaTextsMin) {
    return FailedPrecondition("LSA cannot learn from ", table.text_count(),
                              " texts with words: ", kLsaTextsMin, " are the least");
  }
  const std::vector<KnownWord> words = table.MostFrequent(kWordsMax);
  // 2. The axes along which the texts differ most.
  const Svd svd = RandomizedSvd(WeightMatrix(texts, *options.analyzer, table.text_count(), words),
                                options.axes, options.seed);
  if (svd.values.empty()) return FailedPrecondition("LSA found nothing to learn in these texts");
  // 3. Where each word lies on them.
  LsaModelWriter writer(svd.values.size(), table.text_count(), options.analyzer->id());
  for (size_t i = 0; i < words.size(); ++i) {
    writer.Add(words[i].hash, words[i].texts, {svd.right.Row(i), svd.values.size()});
  }
  return std::move(writer).Finish();
}

}  // namespace libkv
