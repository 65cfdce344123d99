// A SearchPlan is a query whose words have become terms: it says which terms it needs to know the
// document frequencies of, and then finds and scores the matches in any number of parts.
//
//   SearchPlan plan = SearchPlan::Make(parsed.root, analyzer);
//   CollectionStatistics statistics = ...;  // with the frequencies of plan.terms()
//   for (const PostingsSource& part : parts) plan.Run(part, statistics, Ranking::kBm25, visit);
#ifndef LIBKV_SRC_TEXT_SEARCH_PLAN_H_
#define LIBKV_SRC_TEXT_SEARCH_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "libkv/analyzer.h"
#include "libkv/search.h"
#include "text/postings.h"
#include "text/query.h"
#include "text/scoring.h"

namespace libkv {

// Threads    Run is called from many threads at once.
class SearchPlan {
 public:
  // A word that the analyzer cuts into several terms becomes a phrase of them. Stop words and words
  // without a letter drop out, within phrases they leave a gap; a clause of nothing else drops out.
  // A word that is there twice counts twice. At most kQueryTermsMax terms are used.
  static SearchPlan Make(const QueryNode& query, const Analyzer& analyzer);

  // Distinct; those after NOT included.
  const std::vector<std::string>& terms() const { return terms_; }

  // The terms a match has, for excerpts: all but those after NOT.
  std::vector<std::string> WantedTerms() const;

  // One sentence each: all that is left matches nothing, too many terms.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // No document can match, whatever the parts hold.
  bool MatchesNothing() const { return root_.kind == Node::Kind::kNothing; }

  // Calls `visit` for every match in `source`, documents ascending, scores above 0, until it
  // returns false. Costs about 10 ns a posting; a conjunction skips what its rarest term rules out.
  void Run(const PostingsSource& source, const CollectionStatistics& statistics, Ranking ranking,
           absl::FunctionRef<bool(uint32_t document, double score)> visit) const;

 private:
  friend class PlanBuilder;
  friend class PlanRun;

  // A term at its distance in words from the first one of the phrase.
  struct Place {
    uint32_t term;  // in terms_
    uint32_t offset;
    bool operator==(const Place&) const = default;
    auto operator<=>(const Place&) const = default;
  };
  // A term (one place) or a phrase.
  struct Leaf {
    std::vector<Place> places;
    uint32_t count = 0;  // how often the query asks for it, not counting those after NOT
  };
  struct Node {
    enum class Kind : uint8_t { kNothing, kLeaf, kAnd, kOr };
    Kind kind = Kind::kNothing;
    uint32_t leaf = 0;           // kLeaf: in leaves_
    uint32_t count = 0;          // kLeaf: how often the query asks for it here
    std::vector<Node> children;  // kAnd, kOr: at least one
    std::vector<Node> excluded;  // kAnd
  };

  std::vector<std::string> terms_;
  std::vector<Leaf> leaves_;
  Node root_;
  std::vector<std::string> warnings_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_SEARCH_PLAN_H_
