// The query language, from any bytes to matches in a tiny index.
//
// input := options:u8 query        options: 1 = TF-IDF, 2 = typos
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "index/delta_part.h"
#include "index/derive.h"
#include "text/correction.h"
#include "text/query_parser.h"
#include "text/search_plan.h"

namespace libkv {
namespace {

const Analyzer& English() {
  static const auto* const analyzer = new std::shared_ptr<const Analyzer>(MakeEnglishAnalyzer());
  return **analyzer;
}

const DeltaPart& TinyIndex() {
  static const DeltaPart* const index = [] {
    auto* const made = new DeltaPart;
    const char* const texts[] = {"a web server",
                                 "the server of the web",
                                 "web proxy and web server",
                                 "",
                                 "full-text search",
                                 "\xE6\x90\x9C\xE7\xB4\xA2\xE5\xBC\x95",
                                 "a b c d e f g h",
                                 "to be or not to be",
                                 "C++ 11 v1.2.3 foo@example.org",
                                 "don't stop"};
    uint64_t document = 0;
    for (const char* text : texts) {
      DerivedDocument derived;
      DeriveWords(English(), text, &derived);
      made->Add(++document, "key", 1, 0, derived);
    }
    return made;
  }();
  return *index;
}

size_t LevelsOf(const QueryNode& node) {
  size_t below = 0;
  for (const QueryNode& child : node.children) below = std::max(below, LevelsOf(child));
  return below + 1;
}

struct CheckingSink final : MatchSink {
  bool Visit(uint32_t document, double score) override {
    LIBKV_CHECK(documents.empty() || document > documents.back());
    LIBKV_CHECK(document < TinyIndex().documents().size());
    LIBKV_CHECK(std::isfinite(score) && score > 0);
    documents.push_back(document);
    scores.push_back(score);
    return true;
  }
  bool GoOn() override { return true; }

  std::vector<uint32_t> documents;
  std::vector<double> scores;
};

void Search(const QueryNode& root, Ranking ranking, bool typos) {
  LIBKV_CHECK(LevelsOf(root) <= kQueryLevelsMax);
  const DeltaPart& index = TinyIndex();
  SearchPlan plan = SearchPlan::Make(root, English());
  LIBKV_CHECK(plan.terms().size() <= kQueryTermsMax);
  const PostingsSource* const parts[] = {&index.delta()};
  ExpansionBudget budget;
  plan.Expand(parts, typos, &budget);
  CollectionStatistics statistics;
  statistics.documents = index.live_documents();
  statistics.total_length = index.total_words();
  for (const std::string& term : plan.terms()) {
    statistics.document_frequencies.push_back(index.delta().DocumentFrequency(term));
  }
  CheckingSink sink;
  plan.Run(index.delta(), statistics, {.ranking = ranking}, &sink);
  const std::vector<uint32_t>& documents = sink.documents;
  const auto explanations =
      plan.Explain(index.delta(), statistics, {.ranking = ranking}, documents);
  for (size_t i = 0; i < documents.size(); ++i) {
    double sum = 0;
    for (const ScorePart& part : explanations[i]) sum += part.score;
    LIBKV_CHECK(std::abs(sum - sink.scores[i]) <= 1e-9 * sink.scores[i]);
  }
  LIBKV_CHECK(!plan.MatchesNothing() || documents.empty());
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const Ranking ranking = input[0] & 1 ? Ranking::kTfIdf : Ranking::kBm25;
  const std::string_view query = input.substr(1);
  const absl::StatusOr<ParsedQuery> lenient = ParseQuery(query, false);
  LIBKV_CHECK(lenient.ok());
  LIBKV_CHECK(lenient->warnings.size() <= kQueryWarningsMax);
  const absl::StatusOr<ParsedQuery> strict = ParseQuery(query, true);
  LIBKV_CHECK(strict.ok() || absl::IsInvalidArgument(strict.status()));
  // What strict accepts is understood the same way by both, without a warning.
  if (strict.ok()) LIBKV_CHECK(strict->root == lenient->root && lenient->warnings.empty());
  Search(lenient->root, ranking, (input[0] & 2) != 0);
  const PostingsSource* const parts[] = {&TinyIndex().delta()};
  ExpansionBudget budget;
  const std::string better = CorrectQuery(query, English(), parts, &budget);
  if (!better.empty()) LIBKV_CHECK(better != query);
}

}  // namespace
}  // namespace libkv

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  libkv::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
