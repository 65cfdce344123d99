// What a plan knows of its terms, and what it looks up in the dictionary.
#include "text/search_plan.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "text/correction.h"
#include "text/edit_distance.h"

namespace libkv {
namespace {

// Words that a warning names.
constexpr size_t kNamedWordsMax = 3;

// 'a', 'b', 'c' and 5 more
std::string NameWords(const std::vector<ExpandedWord>& words) {
  std::string text;
  const size_t named = std::min(words.size(), kNamedWordsMax);
  for (size_t i = 0; i < named; ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += Concat("'", words[i].word, "'");
  }
  if (words.size() > named) text += Concat(" and ", words.size() - named, " more");
  return ToValidUtf8(text);
}

}  // namespace

uint32_t SearchPlan::TermNumber(std::string_view term) {
  const auto [it, is_new] =
      term_numbers_.try_emplace(std::string(term), static_cast<uint32_t>(terms_.size()));
  if (is_new) terms_.emplace_back(term);
  return it->second;
}

void SearchPlan::Warn(std::string warning) {
  if (warnings_.size() < kQueryWarningsMax) warnings_.push_back(std::move(warning));
}

void SearchPlan::Expand(PostingsSources parts, bool typos, ExpansionBudget* budget) {
  for (Slot& slot : slots_) {
    if (slot.kind != Slot::Kind::kWord) {
      ExpandSlot(parts, budget, &slot);
    } else if (typos && slot.is_wanted) {
      ExpandTypo(parts, budget, &slot);
    }
  }
}

void SearchPlan::ExpandSlot(PostingsSources parts, ExpansionBudget* budget, Slot* slot) {
  const bool is_prefix = slot->kind == Slot::Kind::kPrefix;
  const Expansion expansion = is_prefix
                                  ? ExpandPrefix(parts, slot->word, kExpansionWordsMax, budget)
                                  : ExpandFuzzy(parts, slot->word, slot->edits, /*closest=*/false,
                                                kExpansionWordsMax, budget);
  SetTerms(expansion, budget, slot);
  const std::string name = ToValidUtf8(slot->word) + (is_prefix ? "*" : "~");
  if (expansion.is_partial) {
    Warn(Concat("'", name,
                "' was looked for in a part of the dictionary only: the "
                "query stands for too many words."));
  } else if (expansion.found > expansion.words.size()) {
    Warn(Concat("'", name, "' stands for ", expansion.found, " words; the ", expansion.words.size(),
                " most frequent were searched for."));
  }
}

void SearchPlan::ExpandTypo(PostingsSources parts, ExpansionBudget* budget, Slot* slot) {
  if (!MayBeTypo(parts, terms_[slot->terms[0]], slot->word)) return;
  const Expansion expansion = ExpandFuzzy(parts, slot->word, TypoEdits(CountCharacters(slot->word)),
                                          /*closest=*/true, kExpansionWordsMax, budget);
  if (expansion.words.empty()) return;
  SetTerms(expansion, budget, slot);
  Warn(Concat("'", ToValidUtf8(slot->word), "' was not found; searched for ",
              NameWords(expansion.words), "."));
}

void SearchPlan::SetTerms(const Expansion& expansion, ExpansionBudget* budget, Slot* slot) {
  slot->terms.clear();
  for (const ExpandedWord& word : expansion.words) {
    const uint32_t term = TermNumber(word.term);
    if (std::find(slot->terms.begin(), slot->terms.end(), term) != slot->terms.end()) continue;
    if (budget->terms == 0) {
      Warn("The query stands for more than 4,096 terms; the rest was left out.");
      return;
    }
    --budget->terms;
    slot->terms.push_back(term);
  }
}

std::vector<std::string> SearchPlan::WantedTerms() const {
  std::vector<bool> wanted(terms_.size());
  for (const Slot& slot : slots_) {
    for (const uint32_t term : slot.terms) wanted[term] = wanted[term] || slot.is_wanted;
  }
  std::vector<std::string> terms;
  for (size_t i = 0; i < terms_.size(); ++i) {
    if (wanted[i]) terms.push_back(terms_[i]);
  }
  return terms;
}

}  // namespace libkv
