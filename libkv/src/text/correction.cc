#include "text/correction.h"

#include <algorithm>

#include "base/strings.h"
#include "text/edit_distance.h"
#include "text/fold.h"
#include "text/query_lexer.h"
#include "text/word_breaker.h"

namespace libkv {
namespace {

class Corrector {
 public:
  Corrector(const Analyzer& analyzer, PostingsSources parts, ExpansionBudget* budget)
      : analyzer_(analyzer), parts_(parts), budget_(budget) {}

  std::string Run(std::string_view query, const std::vector<std::string>* fields) {
    QueryProblems unused;
    bool is_left_out = false;
    for (const QueryToken& token : LexQuery(query, &unused, fields)) {
      const bool is_text =
          token.kind == QueryToken::Kind::kWord || token.kind == QueryToken::Kind::kPhrase;
      if (is_text && !is_left_out) CorrectText(query, token.text);
      is_left_out = token.kind == QueryToken::Kind::kNot;
    }
    if (copied_ == 0) return {};
    corrected_ += query.substr(copied_);
    return std::move(corrected_);
  }

 private:
  void CorrectText(std::string_view query, std::string_view text) {
    const auto begin = static_cast<size_t>(text.data() - query.data());
    analyzer_.Analyze(text, [&](const Token& token) {
      // An analyzer of the user may say anything.
      if (token.begin_byte >= token.end_byte || token.end_byte > text.size()) return;
      if (begin + token.begin_byte < copied_) return;
      const std::string_view word = token.word.empty() ? token.term : token.word;
      const std::string& better = CorrectionOf(token.term, word);
      if (better.empty()) return;
      corrected_ += query.substr(copied_, begin + token.begin_byte - copied_);
      corrected_ += better;
      copied_ = begin + token.end_byte;
    });
  }

  // Empty: none.
  const std::string& CorrectionOf(std::string_view term, std::string_view word) {
    const auto [it, is_new] = corrections_.try_emplace(std::string(word));
    if (is_new && MayBeTypo(parts_, term, word)) {
      const Expansion expansion = ExpandFuzzy(parts_, word, TypoEdits(CountCharacters(word)),
                                              /*closest=*/true, 1, budget_);
      if (!expansion.words.empty()) it->second = expansion.words[0].word;
    }
    return it->second;
  }

  const Analyzer& analyzer_;
  const PostingsSources parts_;
  ExpansionBudget* const budget_;
  StringMap<std::string> corrections_;
  size_t copied_ = 0;  // of the query
  std::string corrected_;
};

}  // namespace

bool MayBeTypo(PostingsSources parts, std::string_view term, std::string_view word) {
  const size_t characters = CountCharacters(word);
  if (characters < kTypoCharactersMin || word.size() > kDictionaryWordBytesMax) return false;
  const bool has_digit =
      std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  return !has_digit && std::all_of(parts.begin(), parts.end(), [term](const PostingsSource* part) {
    return part->Open(term) == nullptr;
  });
}

std::string CorrectQuery(std::string_view query, const Analyzer& analyzer, PostingsSources parts,
                         ExpansionBudget* budget, const std::vector<std::string>* fields) {
  return Corrector(analyzer, parts, budget).Run(query, fields);
}

bool FindLastWord(std::string_view text, LastWord* last) {
  Word word;
  ForEachWord(text, [&word](const Word& next) { word = next; });
  if (word.end == 0 || word.end != text.size()) return false;
  const std::string_view bytes = text.substr(word.begin);
  if (bytes.size() > kDictionaryWordBytesMax) return false;
  last->begin = word.begin;
  last->folded.clear();
  FoldWord(bytes, &last->folded);
  // Runs of these are in the dictionary as pairs.
  return word.kind != Word::Kind::kEastern || CountCharacters(last->folded) == 1;
}

}  // namespace libkv
