#include "text/search_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "text/length_norm.h"
#include "text/query_parser.h"

namespace libkv {
namespace {

const std::set<std::string> kStops = {"the", "of"};

// A document is its words; stop words are there for their positions only.
using Document = std::vector<std::string>;
using Collection = std::map<uint32_t, Document>;

std::map<std::string, std::vector<uint32_t>> PositionsOf(const Document& document) {
  std::map<std::string, std::vector<uint32_t>> positions;
  for (size_t i = 0; i < document.size(); ++i) {
    if (kStops.count(document[i]) == 0) {
      positions[document[i]].push_back(static_cast<uint32_t>(i));
    }
  }
  return positions;
}

uint32_t LengthOf(const Document& document) {
  return static_cast<uint32_t>(std::count_if(
      document.begin(), document.end(), [](const auto& word) { return kStops.count(word) == 0; }));
}

double NormOf(const Document& document) {
  double sum = 0;
  for (const auto& [term, positions] : PositionsOf(document)) {
    sum += std::pow(1 + std::log(static_cast<double>(positions.size())), 2);
  }
  return std::sqrt(sum);
}

// The simplest index that a plan can run over.
class TestSource : public PostingsSource {
 public:
  explicit TestSource(const Collection& collection) {
    for (const auto& [id, document] : collection) {
      const auto positions = PositionsOf(document);
      std::vector<uint32_t> frequencies;
      for (const auto& [term, list] : positions) {
        lists_[term].push_back({id, list});
        frequencies.push_back(static_cast<uint32_t>(list.size()));
      }
      lengths_[id] = EncodeLength(LengthOf(document));
      norms_[id] = static_cast<float>(libkv::CosineNorm(frequencies));
    }
  }

  std::unique_ptr<PostingsCursor> Open(std::string_view term) const override {
    const auto it = lists_.find(std::string(term));
    if (it == lists_.end()) return nullptr;
    return std::make_unique<Cursor>(it->second);
  }
  uint8_t LengthNorm(uint32_t document) const override { return lengths_.at(document); }
  float CosineNorm(uint32_t document) const override { return norms_.at(document); }

 private:
  struct Posting {
    uint32_t document;
    std::vector<uint32_t> positions;
  };
  class Cursor : public PostingsCursor {
   public:
    explicit Cursor(const std::vector<Posting>& list) : list_(list) { Update(); }
    void Next() override {
      REQUIRE(document_ != kNoDocument);
      ++at_;
      Update();
    }
    void SeekTo(uint32_t target) override {
      while (document_ < target) Next();
    }
    uint32_t frequency() override { return static_cast<uint32_t>(list_.at(at_).positions.size()); }
    void Positions(std::vector<uint32_t>* positions) override {
      *positions = list_.at(at_).positions;
    }
    uint32_t cost() const override { return static_cast<uint32_t>(list_.size()); }

   private:
    void Update() { document_ = at_ < list_.size() ? list_[at_].document : kNoDocument; }

    const std::vector<Posting>& list_;
    size_t at_ = 0;
  };

  std::map<std::string, std::vector<Posting>> lists_;
  std::map<uint32_t, uint8_t> lengths_;
  std::map<uint32_t, float> norms_;
};

// The oracle: reads the query tree and the words of one document after the other, and knows
// nothing of plans, terms, cursors or norms.
class Oracle {
 public:
  Oracle(const Collection& collection, const QueryNode& query, Ranking ranking)
      : collection_(collection), query_(query), ranking_(ranking) {
    uint64_t length = 0;
    for (const auto& [id, document] : collection_) length += LengthOf(document);
    average_ =
        length == 0 ? 1 : static_cast<double>(length) / static_cast<double>(collection_.size());
    CountUnits(query_, true);
    double squares = 0;
    for (const auto& [text, count] : counts_) {
      squares += std::pow((1 + std::log(count)) * Idf(Unit(text)), 2);
    }
    query_norm_ = std::sqrt(squares);
  }

  std::map<uint32_t, double> Run() {
    std::map<uint32_t, double> scores;
    for (const auto& [id, document] : collection_) {
      document_ = &document;
      const Answer answer = Evaluate(query_);
      if (answer.matches && !answer.dropped) scores[id] = answer.score;
    }
    return scores;
  }

 private:
  struct Answer {
    bool dropped = false, matches = false;
    double score = 0;
  };
  // The words of a leaf, the stop words within it as gaps (""), none at its ends.
  using Words = std::vector<std::string>;

  static Words Unit(const std::string& text) {
    Words words;
    std::string word;
    for (const char c : text + " ") {
      if (c != ' ' && c != '-') {
        word += c;
      } else if (!word.empty()) {
        words.push_back(kStops.count(word) != 0 ? "" : word);
        word.clear();
      }
    }
    while (!words.empty() && words.back().empty()) words.pop_back();
    while (!words.empty() && words.front().empty()) words.erase(words.begin());
    return words;
  }
  static std::string Join(const Words& words) {
    std::string text;
    for (const std::string& word : words) text += (word.empty() ? "the" : word) + " ";
    return text;
  }

  void CountUnits(const QueryNode& node, bool wanted) {
    if (node.kind == QueryNode::Kind::kNot) wanted = false;
    const Words words = Unit(node.text);
    if (wanted && !words.empty()) ++counts_[Join(words)];
    for (const QueryNode& child : node.children) CountUnits(child, wanted);
  }

  double Idf(const Words& words) const {
    const auto n = static_cast<double>(collection_.size());
    double sum = 0;
    for (const std::string& word : words) {
      if (word.empty()) continue;
      double df = 0;
      for (const auto& [id, document] : collection_) {
        df += std::find(document.begin(), document.end(), word) != document.end();
      }
      if (ranking_ == Ranking::kBm25) {
        sum += std::max(1e-6, std::log(1 + (std::max(n, 1.0) - std::max(df, 1.0) + 0.5) /
                                               (std::max(df, 1.0) + 0.5)));
      } else {
        sum += std::max(1e-6, std::log(n / std::max(df, 1.0)));
      }
    }
    return sum;
  }

  Answer EvaluateUnit(const Words& words) {
    if (words.empty()) return {true, false, 0};
    double tf = 0;
    for (size_t i = 0; i + words.size() <= document_->size(); ++i) {
      bool here = true;
      for (size_t k = 0; k < words.size(); ++k) {
        here = here && (words[k].empty() || (*document_)[i + k] == words[k]);
      }
      tf += here;
    }
    if (tf == 0) return {};
    const double idf = Idf(words);
    if (ranking_ == Ranking::kBm25) {
      const double length = DecodeLength(EncodeLength(LengthOf(*document_)));
      return {false, true, idf * tf * 2.5 / (tf + 1.5 * (1 - 0.75 + 0.75 * length / average_))};
    }
    const double qtf = counts_.count(Join(words)) != 0 ? counts_.at(Join(words)) : 1;
    const double query_weight = (1 + std::log(qtf)) / qtf * idf / query_norm_;
    return {false, true,
            query_weight * (1 + std::log(tf)) /
                static_cast<double>(static_cast<float>(NormOf(*document_)))};
  }

  Answer Evaluate(const QueryNode& node) {
    if (node.kind == QueryNode::Kind::kWord || node.kind == QueryNode::Kind::kPhrase) {
      return EvaluateUnit(Unit(node.text));
    }
    const bool is_and = node.kind == QueryNode::Kind::kAnd;
    Answer sum{true, is_and, 0};
    bool excluded = false;
    for (const QueryNode& child : node.children) {
      if (child.kind == QueryNode::Kind::kNot) {
        const Answer answer = Evaluate(child.children[0]);
        excluded = excluded || (answer.matches && !answer.dropped);
        continue;
      }
      const Answer answer = Evaluate(child);
      if (answer.dropped) continue;
      sum.dropped = false;
      sum.matches = is_and ? sum.matches && answer.matches : sum.matches || answer.matches;
      if (answer.matches) sum.score += answer.score;
    }
    sum.matches = sum.matches && !excluded;
    return sum;
  }

  const Collection& collection_;
  const QueryNode& query_;
  const Ranking ranking_;
  double average_ = 1, query_norm_ = 1;
  std::map<std::string, double> counts_;
  const Document* document_ = nullptr;
};

CollectionStatistics StatisticsOf(const Collection& collection, const SearchPlan& plan) {
  CollectionStatistics statistics;
  statistics.documents = collection.size();
  statistics.document_frequencies.resize(plan.terms().size());
  for (const auto& [id, document] : collection) {
    statistics.total_length += LengthOf(document);
    const auto positions = PositionsOf(document);
    for (size_t i = 0; i < plan.terms().size(); ++i) {
      statistics.document_frequencies[i] += positions.count(plan.terms()[i]);
    }
  }
  return statistics;
}

std::map<uint32_t, double> RunPlan(const SearchPlan& plan, const PostingsSource& source,
                                   const CollectionStatistics& statistics, Ranking ranking) {
  std::map<uint32_t, double> scores;
  int64_t last = -1;
  plan.Run(source, statistics, ranking, [&](uint32_t document, double score) {
    REQUIRE(int64_t{document} > last);
    last = document;
    scores[document] = score;
    return true;
  });
  return scores;
}

void CheckSame(const std::map<uint32_t, double>& found,
               const std::map<uint32_t, double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (auto a = found.begin(), b = expected.begin(); a != found.end(); ++a, ++b) {
    REQUIRE(a->first == b->first);
    REQUIRE(std::abs(a->second - b->second) <= 1e-9);
    REQUIRE(a->second > 0);
  }
}

SearchPlan PlanOf(const std::string& query) {
  return SearchPlan::Make(ParseQuery(query, false)->root, *MakeEnglishAnalyzer());
}

std::string RandomWord(std::mt19937& random, size_t vocabulary) {
  // Squared, so that some words are in most documents and some in few.
  const double x = static_cast<double>(random() % 1000) / 1000;
  const auto i = static_cast<size_t>(x * x * static_cast<double>(vocabulary));
  return random() % 6 == 0 ? (random() % 2 == 0 ? "the" : "of") : "w" + std::to_string(i);
}

Collection RandomCollection(std::mt19937& random, uint32_t spread) {
  Collection collection;
  const size_t vocabulary = 4 + random() % 12;
  uint32_t id = random() % spread;
  for (size_t count = 1 + random() % 40; count > 0; --count, id += 1 + random() % spread) {
    Document document;
    const size_t length = random() % 5 == 0 ? 40 + random() % 200 : 1 + random() % 20;
    while (document.size() < length) document.push_back(RandomWord(random, vocabulary));
    if (LengthOf(document) > 0) collection[id] = document;
  }
  return collection;
}

std::string RandomQuery(std::mt19937& random, int depth) {
  std::string query;
  for (size_t count = 1 + random() % 4; count > 0; --count) {
    if (!query.empty()) query += random() % 3 == 0 ? " OR " : " ";
    if (random() % 5 == 0) query += "-";
    switch (random() % (depth > 0 ? 6 : 4)) {
      case 0:
        query += RandomWord(random, 12) + "-" + RandomWord(random, 12);
        break;
      case 1: {
        query += "\"";
        for (size_t words = 1 + random() % 4; words > 0; --words) {
          query += RandomWord(random, 5) + " ";
        }
        query += "\"";
        break;
      }
      case 4:
      case 5:
        query += "(" + RandomQuery(random, depth - 1) + ")";
        break;
      default:
        query += RandomWord(random, 12);
    }
  }
  return query;
}

TEST_CASE("a plan finds and scores what reading every document finds and scores") {
  // Goal: all operators, both rankings, equal to 1e-9. Method: small random collections and random
  // queries against the oracle above; document numbers dense and far apart; the collection in one
  // part and cut in two.
  constexpr uint32_t kSeed = 31;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  size_t matches = 0, with_match = 0;
  for (int round = 0; round < 200; ++round) {
    const Collection collection = RandomCollection(random, round % 4 == 0 ? 50'000'000 : 3);
    Collection halves[2];
    for (const auto& entry : collection) halves[random() % 2].insert(entry);
    const TestSource whole(collection), first(halves[0]), second(halves[1]);
    for (int i = 0; i < 25; ++i) {
      const std::string query = RandomQuery(random, 3);
      CAPTURE(round);
      CAPTURE(query);
      const QueryNode root = ParseQuery(query, false)->root;
      const SearchPlan plan = SearchPlan::Make(root, *MakeEnglishAnalyzer());
      const CollectionStatistics statistics = StatisticsOf(collection, plan);
      for (const Ranking ranking : {Ranking::kBm25, Ranking::kTfIdf}) {
        const auto expected = Oracle(collection, root, ranking).Run();
        CheckSame(RunPlan(plan, whole, statistics, ranking), expected);
        auto found = RunPlan(plan, first, statistics, ranking);
        found.merge(RunPlan(plan, second, statistics, ranking));
        CheckSame(found, expected);
        matches += expected.size();
        with_match += !expected.empty();
        if (plan.MatchesNothing()) REQUIRE(expected.empty());
      }
    }
  }
  CHECK(with_match > 2'500);
  CHECK(matches > 25'000);
}

TEST_CASE("a visitor can stop the walk") {
  Collection collection;
  for (uint32_t id = 0; id < 20'000; ++id) collection[id] = {"w1", id % 2 == 0 ? "w2" : "w3"};
  const TestSource source(collection);
  for (const char* query : {"w1", "w2 OR w3", "w1 (w2 OR w3)", "\"w1 w2\""}) {
    const SearchPlan plan = PlanOf(query);
    int visits = 0;
    plan.Run(source, StatisticsOf(collection, plan), Ranking::kBm25,
             [&](uint32_t, double) { return ++visits < 7; });
    CHECK(visits == 7);
  }
}

TEST_CASE("a search for a word that is there twice weighs it twice") {
  const Collection collection = {{1, {"w1", "w2"}}, {2, {"w2", "w3"}}, {3, {"w4"}}};
  const TestSource source(collection);
  const SearchPlan once = PlanOf("w1 w2"), twice = PlanOf("w1 w2 w1");
  const double a =
      RunPlan(PlanOf("w1"), source, StatisticsOf(collection, PlanOf("w1")), Ranking::kBm25)[1];
  const double b = RunPlan(once, source, StatisticsOf(collection, once), Ranking::kBm25)[1];
  const double c = RunPlan(twice, source, StatisticsOf(collection, twice), Ranking::kBm25)[1];
  CHECK(c - b == doctest::Approx(a));
}

TEST_CASE("words become terms as the analyzer says") {
  using V = std::vector<std::string>;
  CHECK(PlanOf("Running full-text \xE6\x90\x9C\xE7\xB4\xA2\xE5\xBC\x95 -Dogs runs").terms() ==
        V{"run", "full", "text", "\xE6\x90\x9C\xE7\xB4\xA2", "\xE7\xB4\xA2\xE5\xBC\x95", "dog"});
  CHECK(PlanOf("a b -dogs \"cats the dogs\" -birds").WantedTerms() == V{"b", "cat", "dog"});
}

TEST_CASE("what analysis leaves nothing of drops out, with a warning if it was all") {
  CHECK(PlanOf("the w1").warnings().empty());
  CHECK(PlanOf("the w1").terms().size() == 1);
  CHECK(PlanOf("w1 -the").warnings().empty());
  CHECK(PlanOf("(the of) OR (w1 !!)").warnings().empty());
  for (const char* query : {"the", "the OR of", "\"to be or not to be\"", "!!! ???", "the -w1"}) {
    CAPTURE(query);
    const SearchPlan plan = PlanOf(query);
    CHECK(plan.MatchesNothing());
    CHECK(plan.warnings().size() == 1);
  }
  CHECK(PlanOf("").MatchesNothing());
  CHECK(PlanOf("").warnings().empty());  // the parser has said so already
}

TEST_CASE("the number of terms is bounded even when one word holds them all") {
  std::string word = "w0";
  for (int i = 1; i < 5'000; ++i) word += "-w" + std::to_string(i);
  const SearchPlan plan = PlanOf(word);
  CHECK(plan.terms().size() == kQueryTermsMax);
  CHECK(plan.warnings().size() == 1);
}

TEST_CASE("document frequencies above the number of documents do no harm") {
  // The dead are counted until they are merged away.
  const Collection collection = {{1, {"w1"}}};
  const TestSource source(collection);
  const SearchPlan plan = PlanOf("w1");
  CollectionStatistics statistics;
  statistics.document_frequencies = {1'000'000};
  for (const Ranking ranking : {Ranking::kBm25, Ranking::kTfIdf}) {
    for (const uint64_t documents : {0, 1, 5}) {
      statistics.documents = documents;
      const double score = RunPlan(plan, source, statistics, ranking)[1];
      CHECK(score > 0);
      CHECK(std::isfinite(score));
    }
  }
}

TEST_CASE("known scores") {
  // Worked out by hand from the formulas of scoring.h: N = 3, df = 1, tf = 2, length = average = 2.
  const Collection collection = {{1, {"w1", "w1"}}, {2, {"w2", "w3"}}, {3, {"w2", "w3"}}};
  const TestSource source(collection);
  const SearchPlan plan = PlanOf("w1");
  const CollectionStatistics statistics = StatisticsOf(collection, plan);
  CHECK(RunPlan(plan, source, statistics, Ranking::kBm25)[1] ==
        doctest::Approx(std::log(1 + 2.5 / 1.5) * 2 * 2.5 / 3.5));
  CHECK(RunPlan(plan, source, statistics, Ranking::kTfIdf)[1] == doctest::Approx(1));
}

}  // namespace
}  // namespace libkv
