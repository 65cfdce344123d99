#include "text/expansion.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/top_k.h"
#include "base/utf8.h"
#include "text/edit_distance.h"

namespace libkv {
namespace {

struct MoreFrequent {
  bool operator()(const ExpandedWord& a, const ExpandedWord& b) const {
    if (a.documents != b.documents) return a.documents > b.documents;
    return std::tie(a.word, a.term) < std::tie(b.word, b.term);
  }
};

using BestWords = TopK<ExpandedWord, MoreFrequent>;

// Most words of a long list do not enter: only those that do are copied.
void Offer(std::string_view word, std::string_view term, uint64_t documents, uint32_t edits,
           BestWords* best) {
  if (best->full() && (best->size() == 0 || documents < best->worst().documents)) return;
  best->Push({std::string(word), std::string(term), documents, edits});
}

void KeepClosest(std::vector<ExpandedWord>* words) {
  uint32_t least = UINT32_MAX;
  for (const ExpandedWord& word : *words) least = std::min(least, word.edits);
  std::erase_if(*words, [least](const ExpandedWord& word) { return word.edits > least; });
}

// What several parts say of one word becomes one.
void AddUp(std::vector<ExpandedWord>* words) {
  std::sort(words->begin(), words->end(), [](const ExpandedWord& a, const ExpandedWord& b) {
    return std::tie(a.word, a.term) < std::tie(b.word, b.term);
  });
  size_t kept = 0;
  for (ExpandedWord& word : *words) {
    if (kept > 0 && (*words)[kept - 1].word == word.word && (*words)[kept - 1].term == word.term) {
      (*words)[kept - 1].documents += word.documents;
    } else if (ExpandedWord& place = (*words)[kept++]; &place != &word) {
      place = std::move(word);
    }
  }
  words->resize(kept);
}

}  // namespace

bool ForEachWordOf(
    PostingsSources parts, std::string_view prefix, ExpansionBudget* budget,
    absl::FunctionRef<bool(std::string_view word, std::string_view term, uint64_t documents)>
        sink) {
  std::vector<std::unique_ptr<WordCursor>> cursors;
  for (const PostingsSource* part : parts) {
    std::unique_ptr<WordCursor> cursor = part->OpenWords(prefix);
    if (cursor->valid()) cursors.push_back(std::move(cursor));
  }
  std::string word, term;  // the views of a cursor die when it moves
  while (!cursors.empty()) {
    if (budget->looks == 0) return false;
    --budget->looks;
    if (cursors.size() == 1) {
      WordCursor& only = *cursors[0];
      if (!sink(only.word(), only.term(), only.documents())) return true;
      only.Next();
      if (!only.valid()) cursors.clear();
      continue;
    }
    const auto place = [](const std::unique_ptr<WordCursor>& cursor) {
      return std::make_tuple(cursor->word(), cursor->term());
    };
    const auto least = std::min_element(cursors.begin(), cursors.end(),
                                        [&](auto& a, auto& b) { return place(a) < place(b); });
    word = (*least)->word();
    term = (*least)->term();
    uint64_t documents = 0;
    for (const std::unique_ptr<WordCursor>& cursor : cursors) {
      if (cursor->word() != word || cursor->term() != term) continue;
      documents += cursor->documents();
      cursor->Next();
    }
    std::erase_if(cursors, [](const auto& cursor) { return !cursor->valid(); });
    if (!sink(word, term, documents)) return true;
  }
  return true;
}

Expansion ExpandPrefix(PostingsSources parts, std::string_view prefix, size_t limit,
                       ExpansionBudget* budget) {
  Expansion expansion;
  BestWords best(limit);
  expansion.is_partial = !ForEachWordOf(
      parts, prefix, budget, [&](std::string_view word, std::string_view term, uint64_t documents) {
        ++expansion.found;
        Offer(word, term, documents, 0, &best);
        return true;
      });
  expansion.words = best.TakeSorted();
  return expansion;
}

Expansion ExpandFuzzy(PostingsSources parts, std::string_view word, uint32_t edits, bool closest,
                      size_t limit, ExpansionBudget* budget) {
  Expansion expansion;
  if (word.empty()) return expansion;
  std::string_view prefix;
  if (CountCharacters(word) <= kFuzzyShortCharacters) {
    prefix = word.substr(0, DecodeCharacter(word).bytes);
  }
  // Part by part: few words are near, so it costs less to bring together those than all there are.
  EditDistance distance(word, edits);
  std::vector<ExpandedWord> near;
  for (const PostingsSource* part : parts) {
    const std::unique_ptr<WordCursor> words = part->OpenWords(prefix);
    while (words->valid()) {
      if (budget->looks == 0) {
        expansion.is_partial = true;
        break;
      }
      --budget->looks;
      if (const std::optional<uint32_t> apart = distance.To(words->word())) {
        near.push_back(
            {std::string(words->word()), std::string(words->term()), words->documents(), *apart});
        if (closest) distance.LowerMax(*apart);
      } else if (distance.out_bytes() > 0) {
        words->SkipBeginning(distance.out_bytes());
        continue;
      }
      words->Next();
    }
  }
  if (closest) KeepClosest(&near);
  AddUp(&near);
  expansion.found = near.size();
  BestWords best(limit);
  for (const ExpandedWord& found : near) {
    Offer(found.word, found.term, found.documents, found.edits, &best);
  }
  expansion.words = best.TakeSorted();
  return expansion;
}

}  // namespace libkv
