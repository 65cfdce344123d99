// A SearchPlan is a query whose words have become terms: it says which terms it needs to know the
// document frequencies of, and then finds and scores the matches in any number of parts.
//
//   SearchPlan plan = SearchPlan::Make(parsed.root, analyzer);
//   plan.Expand(parts, typos, &budget);
//   CollectionStatistics statistics = ...;  // with the frequencies of plan.terms()
//   for (const PostingsSource* part : parts) plan.Run(*part, statistics, Scoring(), &sink);
//
// What stands at one place of a query, a word, a prefix or a misspelt word, is a slot: one term or
// several that count as one. A document has a slot as often as all its terms together, and its
// document frequency is the sum of theirs: a beginning that stands for much says little.
#ifndef LIBKV_SRC_TEXT_SEARCH_PLAN_H_
#define LIBKV_SRC_TEXT_SEARCH_PLAN_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "libkv/analyzer.h"
#include "libkv/search.h"
#include "text/document_set.h"
#include "text/expansion.h"
#include "text/match_sink.h"
#include "text/postings.h"
#include "text/query.h"
#include "text/scoring.h"
#include "text/weighted_term.h"

namespace libkv {

// Sums of boosts are kept within these, so that every score is above 0 and finite.
inline constexpr double kWeightMin = 1e-30, kWeightMax = 1e30;

// Threads    Run and Explain are called from many threads at once.
class SearchPlan {
 public:
  // A word that the analyzer cuts into several terms becomes a phrase of them. Stop words and words
  // without a letter drop out, within phrases they leave a gap; a clause of nothing else drops out.
  // A word that is there twice counts twice. At most kQueryTermsMax slots are used. The last word
  // of a prefix or fuzzy term is folded only; those before it are words of a phrase with it.
  //
  // `filters` must hold in addition, whatever the query is. A filter scores nothing beside words;
  // where nothing else says what is wanted, it scores its weight, as "*" does.
  static SearchPlan Make(const QueryNode& query, const Analyzer& analyzer,
                         std::span<const FieldFilter> filters = {});

  // What has to be looked up for filters: a document passes one if a value of its field lies in one
  // of the ranges.
  struct Filter {
    std::vector<FieldFilter> ranges;  // of one field
    std::string text;                 // for explanations
  };
  const std::vector<Filter>& filters() const { return filters_; }

  // Matches what has at least one of `terms`, which are distinct.
  static SearchPlan FromTerms(std::span<const WeightedTerm> terms);

  // Looks up which words prefixes and misspelt words stand for, in all parts that will be searched;
  // without it they match nothing. With `typos`, also the words, but for those after NOT, that no
  // part has, if they are long enough (kTypoCharactersMin) and have no digit: each then stands for
  // the words with the fewest edits, at most TypoEdits. Call it once, before all below.
  void Expand(PostingsSources parts, bool typos, ExpansionBudget* budget);

  // Adds `terms`, which are distinct and have weights that add up to 1, after Expand: from now on
  // what has one of them matches too, unless the query as a whole leaves it out (`a b -c`). Of the
  // weight of all words, `share` (within 0 and 1) stays with those of the query; a query without
  // words stays as it is.
  void AddTerms(std::span<const WeightedTerm> terms, double share);

  // Distinct; those after NOT included.
  const std::vector<std::string>& terms() const { return terms_; }

  // The terms a match has, for excerpts: all but those after NOT.
  std::vector<std::string> WantedTerms() const;

  // One sentence each: all that is left matches nothing, too many terms, expansions that were cut,
  // words that were taken for typos.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // No document can match, whatever the parts hold.
  bool MatchesNothing() const { return root_.kind == Node::Kind::kNothing; }

  // Shows `sink` the matches in `source`: all of them while sink->least() is 0, else all that are
  // not below it, with the very same scores. If source.status() is not OK afterwards, what was
  // shown is not to be used. Costs about 3 ns a posting that is read; libkv/doc/search.md says
  // which are. `passing` are the documents of `source` that pass the filters, parallel to
  // filters(); a filter without a set lets nothing through.
  void Run(const PostingsSource& source, const CollectionStatistics& statistics,
           const Scoring& scoring, MatchSink* sink,
           std::span<const DocumentSet> passing = {}) const;

  // What the scores of `documents` of `source`, ascending, are made of: parallel to them, empty for
  // one that does not match. Costs another walk over the postings up to the last one.
  std::vector<std::vector<ScorePart>> Explain(const PostingsSource& source,
                                              const CollectionStatistics& statistics,
                                              const Scoring& scoring,
                                              std::span<const uint32_t> documents,
                                              std::span<const DocumentSet> passing = {}) const;

 private:
  friend class PlanBuilder;
  friend class PlanRun;

  struct Slot {
    enum class Kind : uint8_t { kWord, kPrefix, kFuzzy };
    Kind kind = Kind::kWord;
    uint32_t edits = 0;           // kFuzzy
    std::string word;             // folded
    std::vector<uint32_t> terms;  // in terms_; distinct
    bool is_wanted = false;       // stands somewhere but after NOT
  };
  // A slot at its distance in words from the first one of the phrase.
  struct Place {
    uint32_t slot;
    uint32_t offset;
    bool operator==(const Place&) const = default;
    auto operator<=>(const Place&) const = default;
  };
  // One word (one place), a phrase, or two of these that are near each other.
  struct Pattern {
    std::vector<Place> places;
    uint32_t slop = 0;
    uint32_t near = 0;   // above 0: from `right` on, places belong to the right one
    uint32_t right = 0;  // in places
    uint32_t right_slop = 0;
    bool IsWord() const { return places.size() == 1; }
    bool operator==(const Pattern&) const = default;
    auto operator<=>(const Pattern&) const = default;
  };
  struct Leaf {
    Pattern pattern;
    std::string text;    // for explanations
    uint32_t count = 0;  // how often the query asks for it, not counting those after NOT
  };
  struct Node {
    enum class Kind : uint8_t { kNothing, kLeaf, kAll, kAnd, kOr, kFilter };
    Kind kind = Kind::kNothing;
    uint32_t leaf = 0;           // kLeaf: in leaves_; kFilter: in filters_
    double weight = 0;           // kLeaf, kAll: sum of the boosts with which the query asks for it
                                 // kFilter: the same, or 0
    std::vector<Node> children;  // kAnd, kOr: at least one
    std::vector<Node> excluded;  // kAnd
  };

  static bool IsFilter(const Node& node);  // it, or several: nothing below scores beside words
  void ExpandSlot(PostingsSources parts, ExpansionBudget* budget, Slot* slot);
  void ExpandTypo(PostingsSources parts, ExpansionBudget* budget, Slot* slot);
  void SetTerms(const Expansion& expansion, ExpansionBudget* budget, Slot* slot);
  uint32_t TermNumber(std::string_view term);
  uint32_t TermLeaf(const WeightedTerm& term);
  void Alternate(std::span<const WeightedTerm> terms, double factor);
  static double WordWeight(const Node& node);
  static void Scale(double factor, Node* node);
  void Warn(std::string warning);

  std::vector<std::string> terms_;
  StringMap<uint32_t> term_numbers_;
  std::vector<Slot> slots_;
  std::vector<Leaf> leaves_;
  std::vector<Filter> filters_;
  Node root_;
  std::vector<std::string> warnings_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_SEARCH_PLAN_H_
