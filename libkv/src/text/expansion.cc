#include "text/expansion.h"

#include <memory>
#include <optional>
#include <tuple>

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
  EditDistance distance(word, edits);
  std::optional<BestWords> best(limit);
  uint32_t least = edits;  // of those found, with `closest`
  expansion.is_partial =
      !ForEachWordOf(parts, prefix, budget,
                     [&](std::string_view other, std::string_view term, uint64_t documents) {
                       const std::optional<uint32_t> apart = distance.To(other);
                       if (!apart.has_value() || *apart > least) return true;
                       if (closest && *apart < least) {
                         least = *apart;
                         best.emplace(limit);
                         expansion.found = 0;
                       }
                       ++expansion.found;
                       Offer(other, term, documents, *apart, &*best);
                       return true;
                     });
  expansion.words = best->TakeSorted();
  return expansion;
}

}  // namespace libkv
