#include "index/corpus_counts.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/top_k.h"
#include "embed/lsa_words.h"
#include "text/expansion.h"

namespace libkv {
namespace {

constexpr uint32_t kNoRow = UINT32_MAX;
// Terms whose postings are fetched in one go, in their order: neighbours lie in one block on disk.
constexpr size_t kTermsAtOnce = 1'024;
// Words that are asked for their texts, most documents first, before it is seen who can be better.
constexpr size_t kAskedTogether = kLsaWordsMax + kLsaWordsMax / 2;
// Shares of the whole, for those who wait.
constexpr double kDrawn = 0.2, kChosen = 0.6, kCounted = 0.8;

struct CorpusWord {
  std::string term;
  uint64_t documents = 0;  // at most so many have it
};

class CorpusCounter {
 public:
  CorpusCounter(std::span<const TextPart* const> parts, const PartView& view, LsaProgress progress)
      : parts_(parts), view_(view), progress_(progress), rows_of_(parts.size()) {}

  absl::Status DrawTexts(uint64_t seed);
  absl::Status ChooseWords();
  absl::StatusOr<LsaCounts> Counts();

 private:
  struct Text {
    uint64_t draw = 0;
    uint32_t part = 0, ordinal = 0;
    bool operator<(const Text& other) const {
      return std::tie(draw, part, ordinal) < std::tie(other.draw, other.part, other.ordinal);
    }
  };
  struct ChosenWord {
    LsaCountedWord word;
    std::string term;
  };
  using VisitPosting = absl::FunctionRef<void(size_t word, uint32_t row, uint32_t frequency)>;

  absl::Status DrawFrom(uint32_t part, uint64_t seed);
  void KeepLeast();
  absl::StatusOr<std::vector<CorpusWord>> Dictionary() const;
  absl::Status ForEachPosting(std::span<const std::string> terms, double from, double to,
                              VisitPosting visit) const;
  absl::Status VisitSome(std::span<const std::string> terms, VisitPosting visit) const;
  absl::Status Report(double from, double to, size_t done, size_t all) const;

  const std::span<const TextPart* const> parts_;
  const PartView view_;
  const LsaProgress progress_;
  std::vector<Text> texts_;                     // row by row
  std::vector<std::vector<uint32_t>> rows_of_;  // by part and ordinal
  std::vector<ChosenWord> chosen_;              // hashes ascend
};

absl::Status CorpusCounter::Report(double from, double to, size_t done, size_t all) const {
  const double share = all == 0 ? 1 : static_cast<double>(done) / static_cast<double>(all);
  if (progress_(from + (to - from) * share)) return absl::OkStatus();
  return absl::AbortedError("learning was stopped");
}

// -- 1 --------------------------------------------------------------------------------------------

absl::Status CorpusCounter::DrawTexts(uint64_t seed) {
  for (uint32_t part = 0; part < parts_.size(); ++part) {
    LIBKV_RETURN_IF_ERROR(DrawFrom(part, seed));
    LIBKV_RETURN_IF_ERROR(Report(0, kDrawn, part + 1, parts_.size()));
  }
  KeepLeast();
  std::sort(texts_.begin(), texts_.end());
  for (uint32_t row = 0; row < texts_.size(); ++row) {
    std::vector<uint32_t>& rows = rows_of_[texts_[row].part];
    if (rows.size() <= texts_[row].ordinal) rows.resize(texts_[row].ordinal + 1, kNoRow);
    rows[texts_[row].ordinal] = row;
  }
  return absl::OkStatus();
}

absl::Status CorpusCounter::DrawFrom(uint32_t part, uint64_t seed) {
  const std::unique_ptr<PartReader> reader = parts_[part]->NewReader(view_);
  std::vector<uint32_t> shown;
  const std::unique_ptr<PostingsCursor> cursor = reader->postings().OpenAll();
  while (cursor->document() != kNoDocument) {
    const std::span<const uint32_t> documents = cursor->documents_ahead();
    shown.clear();
    for (const uint32_t ordinal : documents) {
      if (reader->Shows(ordinal)) shown.push_back(ordinal);
    }
    cursor->SkipAhead(documents.size());
    reader->PrefetchKeys(shown);
    for (const uint32_t ordinal : shown) {
      const std::string_view key = reader->KeyOf(ordinal);
      texts_.push_back({Hash64(key, seed), part, ordinal});
    }
    if (texts_.size() >= 2 * kLsaTextsMax) KeepLeast();
    LIBKV_RETURN_IF_ERROR(reader->status());
  }
  return reader->status();
}

void CorpusCounter::KeepLeast() {
  if (texts_.size() <= kLsaTextsMax) return;
  std::nth_element(texts_.begin(), texts_.begin() + kLsaTextsMax, texts_.end());
  texts_.resize(kLsaTextsMax);
}

// -- 2 --------------------------------------------------------------------------------------------

// All words, or those in the most documents of more than kLsaCountedWordsMax; most documents first.
absl::StatusOr<std::vector<CorpusWord>> CorpusCounter::Dictionary() const {
  std::vector<std::unique_ptr<PartReader>> readers;
  std::vector<const PostingsSource*> sources;
  for (const TextPart* part : parts_) {
    readers.push_back(part->NewReader(view_));
    sources.push_back(&readers.back()->postings());
  }
  // Words of one term are apart in the dictionary, and may share documents.
  StringMap<uint64_t> documents_of;
  ExpansionBudget budget{.looks = std::numeric_limits<size_t>::max()};
  bool goes_on = true;
  size_t seen = 0;
  ForEachWordOf(sources, "", &budget,
                [&](std::string_view /*word*/, std::string_view term, uint64_t documents) {
                  documents_of[term] += documents;
                  if (documents_of.size() > kLsaCountedWordsMax) {
                    // To the half: else the next word would ask for it again.
                    for (uint64_t rare = 1; documents_of.size() > kLsaCountedWordsMax / 2; ++rare) {
                      absl::erase_if(documents_of,
                                     [rare](const auto& entry) { return entry.second <= rare; });
                    }
                  }
                  if (++seen % 65'536 == 0) goes_on = progress_(kDrawn);
                  return goes_on;
                });
  if (!goes_on) return absl::AbortedError("learning was stopped");
  for (const auto& reader : readers) LIBKV_RETURN_IF_ERROR(reader->status());
  std::vector<CorpusWord> words;
  words.reserve(documents_of.size());
  for (auto& [term, documents] : documents_of) words.push_back({term, documents});
  std::sort(words.begin(), words.end(), [](const CorpusWord& a, const CorpusWord& b) {
    return a.documents != b.documents ? a.documents > b.documents : a.term < b.term;
  });
  return words;
}

absl::Status CorpusCounter::ChooseWords() {
  LIBKV_ASSIGN_OR_RETURN(const std::vector<CorpusWord> words, Dictionary());
  struct Better {
    bool operator()(const ChosenWord& a, const ChosenWord& b) const {
      return InMoreTexts(a.word, b.word);
    }
  };
  TopK<ChosenWord, Better> best(kLsaWordsMax);
  for (size_t first = 0; first < words.size(); first += kAskedTogether) {
    if (best.full() && words[first].documents < best.worst().word.texts) break;
    std::vector<std::string> terms;
    for (size_t i = first; i < std::min(first + kAskedTogether, words.size()); ++i) {
      terms.push_back(words[i].term);
    }
    std::sort(terms.begin(), terms.end());
    std::vector<uint32_t> texts(terms.size());
    LIBKV_RETURN_IF_ERROR(ForEachPosting(terms, first == 0 ? kDrawn : kChosen, kChosen,
                                         [&](size_t word, uint32_t, uint32_t) { ++texts[word]; }));
    for (size_t i = 0; i < terms.size(); ++i) {
      if (texts[i] == 0) continue;
      best.Push({{Hash64(terms[i], kLsaWordSeed), texts[i]}, std::move(terms[i])});
    }
  }
  chosen_ = best.TakeSorted();
  std::sort(chosen_.begin(), chosen_.end(),
            [](const ChosenWord& a, const ChosenWord& b) { return a.word.hash < b.word.hash; });
  const auto same = [](const ChosenWord& a, const ChosenWord& b) {
    return a.word.hash == b.word.hash;
  };
  chosen_.erase(std::unique(chosen_.begin(), chosen_.end(), same), chosen_.end());
  return absl::OkStatus();
}

// Of the texts that were drawn, term after term, which ascend.
absl::Status CorpusCounter::ForEachPosting(std::span<const std::string> terms, double from,
                                           double to, VisitPosting visit) const {
  for (size_t first = 0; first < terms.size(); first += kTermsAtOnce) {
    const size_t count = std::min(kTermsAtOnce, terms.size() - first);
    LIBKV_RETURN_IF_ERROR(
        VisitSome(terms.subspan(first, count), [&](size_t word, uint32_t row, uint32_t frequency) {
          visit(first + word, row, frequency);
        }));
    LIBKV_RETURN_IF_ERROR(Report(from, to, first + count, terms.size()));
  }
  return absl::OkStatus();
}

absl::Status CorpusCounter::VisitSome(std::span<const std::string> terms,
                                      VisitPosting visit) const {
  for (size_t part = 0; part < parts_.size(); ++part) {
    const std::vector<uint32_t>& rows = rows_of_[part];
    if (rows.empty()) continue;
    const std::unique_ptr<PartReader> reader = parts_[part]->NewReader(view_);
    reader->postings().Prefetch(terms);
    for (size_t word = 0; word < terms.size(); ++word) {
      const std::unique_ptr<PostingsCursor> cursor = reader->postings().Open(terms[word]);
      if (cursor == nullptr) continue;
      while (cursor->document() < rows.size()) {
        const std::span<const uint32_t> documents = cursor->documents_ahead();
        const std::span<const uint32_t> frequencies = cursor->frequencies_ahead();
        for (size_t i = 0; i < documents.size(); ++i) {
          if (documents[i] >= rows.size()) break;  // it came later
          if (rows[documents[i]] != kNoRow) visit(word, rows[documents[i]], frequencies[i]);
        }
        cursor->SkipAhead(documents.size());
      }
    }
    LIBKV_RETURN_IF_ERROR(reader->status());
  }
  return absl::OkStatus();
}

// -- 3 --------------------------------------------------------------------------------------------

absl::StatusOr<LsaCounts> CorpusCounter::Counts() {
  std::vector<std::pair<std::string, uint32_t>> column_of;
  for (uint32_t i = 0; i < chosen_.size(); ++i) column_of.emplace_back(chosen_[i].term, i);
  std::sort(column_of.begin(), column_of.end());
  std::vector<std::string> terms;
  for (const auto& [term, column] : column_of) terms.push_back(term);
  // How many words each text has, then where its entries begin.
  std::vector<size_t> places(texts_.size());
  LIBKV_RETURN_IF_ERROR(ForEachPosting(terms, kChosen, kCounted,
                                       [&](size_t, uint32_t row, uint32_t) { ++places[row]; }));
  size_t rows = 0, entry_count = 0;
  for (; rows < places.size() && entry_count <= kLsaMatrixEntriesMax; ++rows) {
    entry_count += std::exchange(places[rows], entry_count);
  }
  std::vector<SparseMatrix::Entry> entries(entry_count);
  LIBKV_RETURN_IF_ERROR(
      ForEachPosting(terms, kCounted, 1, [&](size_t word, uint32_t row, uint32_t frequency) {
        if (row >= rows) return;
        entries[places[row]++] = {column_of[word].second, static_cast<float>(frequency)};
      }));
  places.resize(rows);  // each is where its text's entries end now
  LsaCounts counts;
  counts.text_count = texts_.size();
  for (const ChosenWord& chosen : chosen_) counts.words.push_back(chosen.word);
  counts.counts = SparseMatrix(chosen_.size(), std::move(entries), std::move(places));
  return counts;
}

}  // namespace

absl::StatusOr<LsaCounts> CountCorpus(std::span<const TextPart* const> parts, const PartView& view,
                                      uint64_t seed, LsaProgress progress) {
  PartView once = view;
  once.fill_cache = false;
  CorpusCounter counter(parts, once, progress);
  LIBKV_RETURN_IF_ERROR(counter.DrawTexts(seed));
  LIBKV_RETURN_IF_ERROR(counter.ChooseWords());
  return counter.Counts();
}

}  // namespace libkv
