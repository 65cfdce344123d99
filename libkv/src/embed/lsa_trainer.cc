#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "embed/lsa_counts.h"
#include "embed/lsa_words.h"
#include "embed/text_sample.h"
#include "libkv/lsa.h"

namespace libkv {
namespace {

// How many texts each word is in.
class WordTable {
 public:
  void AddText(const std::vector<LsaWord>& words) {
    if (!words.empty()) ++text_count_;
    for (const LsaWord& word : words) ++texts_of_[word.hash];
    if (texts_of_.size() <= kLsaCountedWordsMax) return;
    // To the half: else the next text would ask for it again.
    for (uint32_t rare = 1; texts_of_.size() > kLsaCountedWordsMax / 2; ++rare) {
      absl::erase_if(texts_of_, [rare](const auto& entry) { return entry.second <= rare; });
    }
  }

  size_t text_count() const { return text_count_; }

  // Those in the most texts, in the order of their hashes.
  std::vector<LsaCountedWord> MostFrequent(size_t limit) const {
    std::vector<LsaCountedWord> words;
    for (const auto& [hash, texts] : texts_of_) words.push_back({hash, texts});
    std::sort(words.begin(), words.end(), InMoreTexts);
    if (words.size() > limit) words.resize(limit);
    std::sort(words.begin(), words.end(),
              [](const LsaCountedWord& a, const LsaCountedWord& b) { return a.hash < b.hash; });
    return words;
  }

 private:
  size_t text_count_ = 0;  // with words
  absl::flat_hash_map<uint64_t, uint32_t> texts_of_;
};

// A row for each text and a column for each word.
SparseMatrix CountMatrix(const std::vector<const TextSample::Text*>& texts,
                         const Analyzer& analyzer, const std::vector<LsaCountedWord>& words) {
  absl::flat_hash_map<uint64_t, uint32_t> column_of;
  for (const LsaCountedWord& word : words) {
    column_of.emplace(word.hash, static_cast<uint32_t>(column_of.size()));
  }
  SparseMatrix matrix(words.size());
  LsaWordCounter counter;
  for (const TextSample::Text* text : texts) {
    for (const LsaWord& word : counter.Count(analyzer, text->text)) {
      const auto found = column_of.find(word.hash);
      if (found != column_of.end()) matrix.Add(found->second, static_cast<float>(word.count));
    }
    matrix.EndRow();
    if (matrix.entry_count() > kLsaMatrixEntriesMax) break;
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

absl::StatusOr<std::string> LsaTrainer::Train(LsaProgress progress) const {
  const LsaOptions& options = impl_->options;
  const std::vector<const TextSample::Text*> texts = impl_->sample.InOrderOfDraw();
  WordTable table;
  LsaWordCounter counter;
  for (const TextSample::Text* text : texts) {
    table.AddText(counter.Count(*options.analyzer, text->text));
  }
  LsaCounts counts;
  counts.text_count = table.text_count();
  counts.words = table.MostFrequent(kLsaWordsMax);
  counts.counts = CountMatrix(texts, *options.analyzer, counts.words);
  return LearnLsaModel(std::move(counts), options, progress);
}

}  // namespace libkv
