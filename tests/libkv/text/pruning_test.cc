// What a search that wants the best only finds, against one that is shown everything.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "index/delta_part.h"
#include "index/derive.h"
#include "libkv/text/random_query.h"
#include "libkv/text/test_source.h"
#include "libkv/text/visit_all.h"
#include "text/query_parser.h"
#include "text/scoring.h"
#include "text/search_plan.h"
#include "text/union_cursor.h"

namespace libkv {
namespace {

using Match = std::pair<double, uint32_t>;  // score, document
using Matches = std::vector<Match>;

bool IsBetter(const Match& a, const Match& b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

// Keeps the `k` best and everything that ties with the last of them, as a caller does who breaks
// ties by something else.
class BestSink final : public MatchSink {
 public:
  explicit BestSink(size_t k) : k_(k) {}

  bool Visit(uint32_t document, double score) override {
    REQUIRE(int64_t{document} > last_);
    REQUIRE(score >= least());
    last_ = document;
    ++visits_;
    matches_.emplace_back(score, document);
    scores_.push_back(score);
    std::push_heap(scores_.begin(), scores_.end(), std::greater<>());
    if (scores_.size() > k_) {
      std::pop_heap(scores_.begin(), scores_.end(), std::greater<>());
      scores_.pop_back();
    }
    if (scores_.size() == k_) RaiseLeast(scores_.front());
    return true;
  }
  bool GoOn() override { return true; }

  Matches Take() {
    std::erase_if(matches_, [this](const Match& match) { return match.first < least(); });
    std::sort(matches_.begin(), matches_.end(), IsBetter);
    return std::move(matches_);
  }
  size_t visits() const { return visits_; }

 private:
  const size_t k_;
  int64_t last_ = -1;
  size_t visits_ = 0;
  Matches matches_;
  std::vector<double> scores_;
};

Matches AllOf(const SearchPlan& plan, const PostingsSource& source,
              const CollectionStatistics& statistics, const Scoring& scoring) {
  Matches matches;
  VisitAll(plan, source, statistics, scoring, [&](uint32_t document, double score) {
    matches.emplace_back(score, document);
    return true;
  });
  std::sort(matches.begin(), matches.end(), IsBetter);
  return matches;
}

// The best k and what ties with the last of them.
Matches BestOf(const Matches& all, size_t k) {
  if (all.size() <= k) return all;
  const double least = all[k - 1].first;
  Matches best = all;
  std::erase_if(best, [least](const Match& match) { return match.first < least; });
  return best;
}

CollectionStatistics StatisticsOf(const Collection& collection, const PostingsSource& source,
                                  const SearchPlan& plan) {
  CollectionStatistics statistics;
  statistics.documents = collection.size();
  for (const auto& [id, document] : collection) statistics.total_length += LengthOf(document);
  for (const std::string& term : plan.terms()) {
    statistics.document_frequencies.push_back(source.DocumentFrequency(term));
  }
  return statistics;
}

Scoring RandomScoring(std::mt19937& random) {
  Scoring scoring{.ranking = random() % 3 == 0 ? Ranking::kTfIdf : Ranking::kBm25};
  if (random() % 2 == 0) {
    constexpr double kK1[] = {0, 0.4, 1.2, 7, kBm25K1Max};
    scoring.k1 = kK1[random() % std::size(kK1)];
    scoring.b = static_cast<double>(random() % 5) / 4;
  }
  return scoring;
}

struct Tally {
  size_t searches = 0, pruned = 0, visits = 0, matches = 0;
};

void CheckPruned(const std::string& query, const Collection& collection,
                 const PostingsSource& source, std::mt19937& random, Tally* tally) {
  SearchPlan plan = SearchPlan::Make(ParseQuery(query, false)->root, *MakeEnglishAnalyzer());
  const PostingsSource* const parts[] = {&source};
  ExpansionBudget budget;
  plan.Expand(parts, false, &budget);
  const CollectionStatistics statistics = StatisticsOf(collection, source, plan);
  const Scoring scoring = RandomScoring(random);
  const Matches all = AllOf(plan, source, statistics, scoring);
  const size_t k = 1 + random() % 50;
  CAPTURE(query);
  CAPTURE(k);
  BestSink sink(k);
  plan.Run(source, statistics, scoring, &sink);
  const size_t visits = sink.visits();
  // Bit by bit.
  REQUIRE(sink.Take() == BestOf(all, k));
  ++tally->searches;
  tally->pruned += visits < all.size();
  tally->visits += visits;
  tally->matches += all.size();
}

// The same collection in an index in memory; documents without words are there too.
std::unique_ptr<DeltaPart> IndexOf(const Collection& collection) {
  const std::shared_ptr<const Analyzer> analyzer = MakeEnglishAnalyzer();
  auto index = std::make_unique<DeltaPart>();
  for (const auto& [id, document] : collection) {
    while (index->documents().size() < id) {
      index->Add(1 + index->documents().size(), "key", 1, 0, DerivedDocument());
    }
    std::string text;
    for (const std::string& word : document) text += word + " ";
    DerivedDocument derived;
    DeriveWords(*analyzer, text, &derived);
    index->Add(1 + id, "key", 1, 0, derived);
  }
  return index;
}

// Mostly of few parts, where pruning has a chance.
std::string RandomShape(std::mt19937& random) {
  std::string query;
  switch (random() % 6) {
    case 0:
      for (size_t words = 2 + random() % 5; words > 0; --words) {
        query += RandomWord(random, 14) + (words > 1 ? " OR " : "");
      }
      return query;
    case 1:
      for (size_t words = 2 + random() % 3; words > 0; --words) {
        query += RandomWord(random, 6) + (random() % 4 == 0 ? "^3 " : " ");
      }
      return query;
    case 2:
      return RandomPhrase(random) + (random() % 2 == 0 ? "" : " OR " + RandomWord(random, 14));
    case 3:
      return "(" + RandomWord(random, 9) + " OR " + RandomTerm(random) + ") " +
             RandomWord(random, 9);
    case 4:
      return "(" + RandomWord(random, 9) + " " + RandomTerm(random) + ") OR (" +
             RandomWord(random, 9) + " -" + RandomTerm(random) + ")" +
             (random() % 3 == 0 ? " OR *" : "");
    default:
      return RandomQuery(random, 3);
  }
}

TEST_CASE("the best are the same, to the last bit, as if everything had been scored") {
  // Goal: no bound is too tight, no order of additions differs. Method: random collections, small
  // and of several windows, dense and sparse, random queries of every kind, rankings, constants
  // and k; documents, scores and ties against a search that skips nothing, over exact bounds of
  // very short blocks and over the delta, which must agree with each other as well.
  constexpr uint32_t kSeed = 51;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  Tally tally;
  for (int round = 0; round < 40; ++round) {
    const uint32_t spread = round % 4 == 0 ? 40 : 2;
    const size_t documents = round % 10 == 0 ? 4'000 : 1 + random() % 800;
    const Collection collection = RandomCollection(random, spread, documents);
    const TestSource source(collection);
    const std::unique_ptr<DeltaPart> index = IndexOf(collection);
    CAPTURE(round);
    for (int i = 0; i < 40; ++i) {
      const std::string query = RandomShape(random);
      std::mt19937 same = random;
      CheckPruned(query, collection, source, random, &tally);
      CheckPruned(query, collection, index->delta(), same, &tally);
    }
  }
  // It pruned, and did not have to look at most of what matched.
  CHECK(tally.searches == 3'200);
  CHECK(tally.pruned > 1'000);
  CHECK(tally.visits * 2 < tally.matches);
}

TEST_CASE("a document scores the same in the delta and in any other source") {
  constexpr uint32_t kSeed = 52;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    const Collection collection = RandomCollection(random, 3, 200);
    const TestSource source(collection);
    const std::unique_ptr<DeltaPart> index = IndexOf(collection);
    for (int i = 0; i < 20; ++i) {
      const std::string query = RandomShape(random);
      CAPTURE(query);
      const SearchPlan plan =
          SearchPlan::Make(ParseQuery(query, false)->root, *MakeEnglishAnalyzer());
      const CollectionStatistics statistics = StatisticsOf(collection, source, plan);
      const Scoring scoring = RandomScoring(random);
      REQUIRE(AllOf(plan, source, statistics, scoring) ==
              AllOf(plan, index->delta(), statistics, scoring));
    }
  }
}

void CheckBounds(PostingsCursor& cursor, const PostingsSource& source, const Scorer& scorer) {
  const double whole = scorer.Bound(cursor.list_bounds());
  double bound = 0;
  uint32_t until = 0;
  for (bool is_first = true; cursor.document() != kNoDocument; cursor.Next(), is_first = false) {
    const uint32_t document = cursor.document();
    if (is_first || document > until) {
      ScoreBounds bounds;
      until = cursor.BoundsFrom(document, &bounds);
      REQUIRE(until >= document);
      bound = scorer.Bound(bounds);
    }
    REQUIRE(source.LengthNorm(document) > 0);
    const double score = scorer.Score(document, cursor.frequency(), 1);
    REQUIRE_FALSE(CannotReach(bound, score));
    REQUIRE_FALSE(CannotReach(whole, score));
  }
}

TEST_CASE("no score is above the bounds of its stretch or of its list") {
  constexpr uint32_t kSeed = 53;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 30; ++round) {
    const Collection collection = RandomCollection(random, round % 3 == 0 ? 100 : 2, 500);
    const TestSource exact(collection);
    const std::unique_ptr<DeltaPart> index = IndexOf(collection);
    CollectionStatistics statistics;
    statistics.documents = collection.size();
    statistics.total_length = 20 * collection.size();
    for (const PostingsSource* source : {static_cast<const PostingsSource*>(&exact),
                                         static_cast<const PostingsSource*>(&index->delta())}) {
      const Scorer scorer(RandomScoring(random), statistics, *source);
      for (int word = 0; word < 16; ++word) {
        const auto cursor = source->Open("w" + std::to_string(word));
        if (cursor != nullptr) CheckBounds(*cursor, *source, scorer);
      }
      for (const bool has_positions : {false, true}) {
        std::vector<std::unique_ptr<PostingsCursor>> cursors;
        for (int word = 2; word < 7; ++word) {
          auto cursor = source->Open("w" + std::to_string(word));
          if (cursor != nullptr) cursors.push_back(std::move(cursor));
        }
        if (cursors.empty()) continue;
        UnionCursor all(std::move(cursors), has_positions);
        CheckBounds(all, *source, scorer);
      }
    }
  }
}

// Wants `steps` steps and then no more.
class PatientSink final : public MatchSink {
 public:
  explicit PatientSink(size_t steps, double least = 0) : steps_(steps) { RaiseLeast(least); }
  bool Visit(uint32_t /*document*/, double /*score*/) override {
    ++visits_;
    return true;
  }
  bool GoOn() override { return ++asked_ < steps_; }

  size_t asked() const { return asked_; }
  size_t visits() const { return visits_; }

 private:
  const size_t steps_;
  size_t asked_ = 0, visits_ = 0;
};

TEST_CASE("a search that finds nothing asks now and then whether to go on, and stops if not") {
  // Method: w1 and w2 are never in one document, w3 w4 never in this order.
  Collection collection;
  for (uint32_t id = 0; id < 40'000; ++id) {
    collection[id] = {id % 2 == 0 ? "w1" : "w2", "w4", "w3"};
  }
  const TestSource source(collection);
  for (const std::string query :
       {"w1 w2", "\"w3 w4\"", "w3 -w4", "(w1 w2) OR (w2 w1 w3)", "(w1 OR w9) (w2 OR w8)",
        "w3 -(w1 OR w2)", "\"w3 w4\" OR \"w4 w4\""}) {
    CAPTURE(query);
    const SearchPlan plan =
        SearchPlan::Make(ParseQuery(query, false)->root, *MakeEnglishAnalyzer());
    const CollectionStatistics statistics = StatisticsOf(collection, source, plan);
    PatientSink patient(SIZE_MAX);
    plan.Run(source, statistics, {}, &patient);
    CHECK(patient.visits() == 0);
    CHECK(patient.asked() >= 20'000 / 5'000);
    PatientSink late(2);
    plan.Run(source, statistics, {}, &late);
    CHECK(late.asked() == 2);
  }
  for (const std::string query : {"w3", "w1 OR w2", "w3 w4", "*"}) {
    CAPTURE(query);
    const SearchPlan plan =
        SearchPlan::Make(ParseQuery(query, false)->root, *MakeEnglishAnalyzer());
    PatientSink late(1);
    plan.Run(source, StatisticsOf(collection, source, plan), {}, &late);
    CHECK(late.asked() == 1);
    CHECK(late.visits() < 10'000);
  }
}

TEST_CASE("a search with a least score from the start visits all that reach it, ties included") {
  const Collection collection = {{1, {"w1"}}, {5, {"w1"}}, {9, {"w1", "w2"}}, {12, {"w2"}}};
  const TestSource source(collection);
  const SearchPlan plan =
      SearchPlan::Make(ParseQuery("w1 OR w2", false)->root, *MakeEnglishAnalyzer());
  const CollectionStatistics statistics = StatisticsOf(collection, source, plan);
  const Matches all = AllOf(plan, source, statistics, {});
  REQUIRE(all.size() == 4);
  for (const Match& match : all) {
    PatientSink sink(SIZE_MAX, match.first);
    plan.Run(source, statistics, {}, &sink);
    CHECK(sink.visits() == BestOf(all, static_cast<size_t>(&match - all.data()) + 1).size());
    PatientSink above(SIZE_MAX, match.first * (1 + 1e-6));
    plan.Run(source, statistics, {}, &above);
    CHECK(above.visits() < sink.visits());
  }
}

}  // namespace
}  // namespace libkv
