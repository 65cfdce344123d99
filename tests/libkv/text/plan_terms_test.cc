// Terms that are put into a plan: the same as if the query had been written with them.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "libkv/text/test_source.h"
#include "libkv/text/visit_all.h"
#include "text/query_parser.h"
#include "text/search_plan.h"

namespace libkv {
namespace {

using Scores = std::map<uint32_t, double>;
using Terms = std::vector<WeightedTerm>;

const std::vector<std::string> kWords = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta"};

Collection RandomCollection(unsigned seed) {
  std::mt19937 random(seed);
  Collection collection;
  for (uint32_t id = 0; id < 200; ++id) {
    for (size_t count = 1 + random() % 12; count > 0; --count) {
      collection[id].push_back(kWords[random() % kWords.size()]);
    }
  }
  return collection;
}

CollectionStatistics StatisticsOf(const Collection& collection, const TestSource& source,
                                  const SearchPlan& plan) {
  CollectionStatistics statistics{.documents = collection.size()};
  for (const auto& [id, document] : collection) statistics.total_length += LengthOf(document);
  for (const std::string& term : plan.terms()) {
    statistics.document_frequencies.push_back(source.DocumentFrequency(term));
  }
  return statistics;
}

SearchPlan PlanOf(const std::string& query, const TestSource& source) {
  const auto parsed = ParseQuery(query, /*strict=*/true);
  REQUIRE(parsed.ok());
  SearchPlan plan = SearchPlan::Make(parsed->root, *MakeSimpleAnalyzer());
  const PostingsSource* const parts[] = {&source};
  ExpansionBudget budget;
  plan.Expand(parts, /*typos=*/false, &budget);
  return plan;
}

Scores ScoresOf(const SearchPlan& plan, const Collection& collection, const TestSource& source) {
  Scores scores;
  VisitAll(plan, source, StatisticsOf(collection, source, plan), Scoring(),
           [&](uint32_t document, double score) {
             scores[document] = score;
             return true;
           });
  return scores;
}

void CheckEqual(const Scores& found, const Scores& expected) {
  REQUIRE(found.size() == expected.size());
  for (const auto& [document, score] : expected) {
    CAPTURE(document);
    REQUIRE(found.contains(document));
    REQUIRE(found.at(document) == doctest::Approx(score).epsilon(1e-9));
  }
}

TEST_CASE("a plan from terms is the alternative of them, each with its weight") {
  const Collection collection = RandomCollection(1);
  const TestSource source(collection);
  const Terms terms = {{"alpha", "alpha", 2}, {"beta", "betas", 0.5}, {"absent", "absent", 9}};
  const SearchPlan plan = SearchPlan::FromTerms(terms);
  CheckEqual(ScoresOf(plan, collection, source),
             ScoresOf(PlanOf("alpha^2 OR beta^0.5", source), collection, source));
  CHECK(plan.terms() == std::vector<std::string>{"alpha", "beta", "absent"});
  CHECK(SearchPlan::FromTerms({}).MatchesNothing());
}

TEST_CASE("terms that join a query take their share of the weight") {
  // Goal: AddTerms means what its comment says. Method: the same query written out, whose scores
  // the plan's must equal, over a random collection.
  const struct {
    const char* query;
    double share;
    Terms terms;
    const char* same;
  } kCases[] = {
      {"alpha", 0.5, {{"beta", "", 0.6}, {"gamma", "", 0.4}}, "alpha^0.5 OR beta^0.3 OR gamma^0.2"},
      {"alpha OR beta", 0.5, {{"beta", "", 1}}, "alpha^0.5 OR beta^1.5"},
      {"alpha OR beta", 0.5, {{"gamma", "", 1}}, "alpha^0.5 OR beta^0.5 OR gamma"},
      {"alpha beta", 0.25, {{"gamma", "", 1}}, "(alpha beta)^0.25 OR gamma^1.5"},
      {"alpha beta -delta", 0.25, {{"gamma", "", 1}}, "((alpha beta)^0.25 OR gamma^1.5) -delta"},
      {"alpha -delta", 0.5, {{"beta", "", 1}}, "(alpha^0.5 OR beta^0.5) -delta"},
      {"alpha -delta", 0.5, {{"delta", "", 1}}, "(alpha^0.5 OR delta^0.5) -delta"},
      // What one alternative leaves out does not concern the others.
      {"(alpha -delta) OR zeta",
       0.5,
       {{"delta", "", 1}},
       "((alpha -delta)^0.5 OR zeta^0.5) OR delta"},
      {"\"alpha beta\"", 0.5, {{"beta", "", 1}}, "\"alpha beta\"^0.5 OR beta^0.5"},
      {"alpha^3 beta*", 0.5, {{"beta", "", 1}}, "(alpha^1.5 beta*^0.5) OR beta^2"},
      {"alpha", 1, {{"beta", "", 1}}, "alpha"},
      {"alpha", 0.5, {}, "alpha"},
      {"*", 0.5, {{"beta", "", 1}}, "*"},
  };
  const Collection collection = RandomCollection(2);
  const TestSource source(collection);
  for (const auto& one : kCases) {
    CAPTURE(std::string(one.query));
    SearchPlan plan = PlanOf(one.query, source);
    plan.AddTerms(one.terms, one.share);
    CheckEqual(ScoresOf(plan, collection, source),
               ScoresOf(PlanOf(one.same, source), collection, source));
  }
}

TEST_CASE("explanations name the terms that joined") {
  const Collection collection = {{1, {"alpha", "beta"}}, {2, {"beta", "beta", "gamma"}}};
  const TestSource source(collection);
  SearchPlan plan = PlanOf("alpha", source);
  plan.AddTerms(Terms{{"beta", "betas", 1}}, 0.5);
  const uint32_t documents[] = {1, 2};
  const auto parts =
      plan.Explain(source, StatisticsOf(collection, source, plan), Scoring(), documents);
  REQUIRE(parts[0].size() == 2);
  CHECK(parts[0][0].what == "alpha");
  CHECK(parts[0][1].what == "betas");
  REQUIRE(parts[1].size() == 1);
  CHECK(parts[1][0].what == "betas");
  CHECK(parts[1][0].frequency == 2);
}

}  // namespace
}  // namespace libkv
