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

#include "libkv/text/random_query.h"
#include "libkv/text/test_source.h"
#include "libkv/text/visit_all.h"
#include "text/length_norm.h"
#include "text/query_parser.h"

namespace libkv {
namespace {

// Edits between two words of ASCII, by the definition.
size_t EditsBetween(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> edits(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        edits[i][j] = i + j;
        continue;
      }
      edits[i][j] = std::min({edits[i - 1][j] + 1, edits[i][j - 1] + 1,
                              edits[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        edits[i][j] = std::min(edits[i][j], edits[i - 2][j - 2] + 1);
      }
    }
  }
  return edits[a.size()][b.size()];
}

// The oracle: reads the query tree and the words of one document after the other, and knows
// nothing of plans, terms, cursors or norms.
class Oracle {
 public:
  Oracle(const Collection& collection, const QueryNode& query, Ranking ranking)
      : collection_(collection), query_(query), ranking_(ranking) {
    uint64_t length = 0;
    for (const auto& [id, document] : collection_) {
      length += LengthOf(document);
      for (const auto& [word, positions] : PositionsOf(document)) ++frequencies_[word];
    }
    average_ =
        length == 0 ? 1 : static_cast<double>(length) / static_cast<double>(collection_.size());
    std::map<std::string, double> idfs;
    CountUnits(query_, true, &idfs);
    double squares = 0;
    for (const auto& [name, count] : counts_) {
      squares += std::pow((1 + std::log(count)) * idfs[name], 2);
    }
    query_norm_ = std::sqrt(squares);
  }

  std::map<uint32_t, double> Run() {
    std::map<uint32_t, double> scores;
    for (const auto& [id, document] : collection_) {
      document_ = &document;
      const Answer answer = Evaluate(query_, 1);
      if (answer.matches && !answer.dropped) scores[id] = answer.score;
    }
    return scores;
  }

 private:
  struct Answer {
    bool dropped = false, matches = false;
    double score = 0;
  };
  // What may stand at one place; a gap may be any word.
  struct Element {
    std::string name;
    std::set<std::string> words;
    bool is_gap = false;
  };
  // A word or phrase, without gaps at its ends, and perhaps another one near it.
  struct Unit {
    std::vector<Element> left, right;
    size_t left_slop = 0, right_slop = 0, near = 0;

    std::string name() const {
      return NameOf(left, left_slop) + "/" + std::to_string(near) + "/" + NameOf(right, right_slop);
    }
    static std::string NameOf(const std::vector<Element>& elements, size_t slop) {
      std::string name;
      for (const Element& element : elements) name += element.name + " ";
      return name + std::to_string(slop);
    }
  };
  using Span = std::pair<size_t, size_t>;

  static std::vector<std::string> Split(const std::string& text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text + " ") {
      if (c != ' ' && c != '-') {
        word += c;
      } else if (!word.empty()) {
        words.push_back(word);
        word.clear();
      }
    }
    return words;
  }

  Element Expand(const QueryNode& node, const std::string& word) const {
    const bool is_prefix = node.kind == QueryNode::Kind::kPrefix;
    size_t edits = node.distance;
    if (edits == 0) edits = word.size() < 9 ? 1 : 2;
    Element element{is_prefix ? word + "*" : word + "~" + std::to_string(edits), {}, false};
    for (const auto& [other, documents] : frequencies_) {
      const bool is_meant = is_prefix ? other.starts_with(word)
                                      : EditsBetween(word, other) <= edits &&
                                            (word.size() > 3 || other[0] == word[0]);
      if (is_meant) element.words.insert(other);
    }
    return element;
  }

  std::vector<Element> ElementsOf(const QueryNode& node) const {
    std::vector<Element> elements;
    for (const std::string& word : Split(node.text)) {
      const bool is_stop = kStops.count(word) != 0;
      elements.push_back({is_stop ? "" : word, {word}, is_stop});
    }
    if (node.kind == QueryNode::Kind::kPrefix || node.kind == QueryNode::Kind::kFuzzy) {
      if (!elements.empty()) elements.back() = Expand(node, Split(node.text).back());
    }
    while (!elements.empty() && elements.back().is_gap) elements.pop_back();
    while (!elements.empty() && elements.front().is_gap) elements.erase(elements.begin());
    return elements;
  }

  Unit UnitOf(const QueryNode& node) const {
    if (node.kind != QueryNode::Kind::kNear) {
      Unit unit{ElementsOf(node), {}};
      const bool has_slop = node.kind == QueryNode::Kind::kPhrase && unit.left.size() > 1;
      unit.left_slop = has_slop ? node.distance : 0;
      return unit;
    }
    Unit left = UnitOf(node.children[0]);
    const Unit right = UnitOf(node.children[1]);
    if (left.left.empty()) return right;
    if (right.left.empty()) return left;
    left.right = right.left;
    left.right_slop = right.left_slop;
    left.near = node.distance;
    return left;
  }

  static bool IsUnit(const QueryNode& node) {
    return !node.text.empty() || node.kind == QueryNode::Kind::kNear;
  }

  void CountUnits(const QueryNode& node, bool wanted, std::map<std::string, double>* idfs) {
    if (node.kind == QueryNode::Kind::kNot) wanted = false;
    if (IsUnit(node)) {
      const Unit unit = UnitOf(node);
      if (!wanted || unit.left.empty()) return;
      ++counts_[unit.name()];
      (*idfs)[unit.name()] = Idf(unit);
      return;
    }
    for (const QueryNode& child : node.children) CountUnits(child, wanted, idfs);
  }

  double Idf(const Unit& unit) const {
    double sum = 0;
    for (const std::vector<Element>* elements : {&unit.left, &unit.right}) {
      for (const Element& element : *elements) sum += element.is_gap ? 0 : Idf(element);
    }
    return sum;
  }

  double Idf(const Element& element) const {
    double df = 0;
    for (const std::string& word : element.words) {
      const auto found = frequencies_.find(word);
      if (found != frequencies_.end()) df += found->second;
    }
    df = std::max(df, 1.0);
    const double n = std::max(static_cast<double>(collection_.size()), df);
    return std::max(1e-6, ranking_ == Ranking::kBm25 ? std::log(1 + (n - df + 0.5) / (df + 0.5))
                                                     : std::log(n / df));
  }

  // Whether the elements from `i` on can stand behind `at`, where the one before stands, with
  // `room` more words in between; the earliest end.
  std::optional<size_t> EndFrom(const std::vector<Element>& elements, size_t i, size_t at,
                                size_t room) const {
    if (i == elements.size()) return at;
    size_t step = 1;
    for (; elements[i].is_gap; ++i) ++step;
    std::optional<size_t> best;
    for (size_t extra = 0; extra <= room && at + step + extra < document_->size(); ++extra) {
      const size_t place = at + step + extra;
      if (elements[i].words.count((*document_)[place]) == 0) continue;
      const std::optional<size_t> end = EndFrom(elements, i + 1, place, room - extra);
      if (end.has_value() && (!best.has_value() || *end < *best)) best = end;
    }
    return best;
  }

  std::vector<Span> SpansOf(const std::vector<Element>& elements, size_t slop) const {
    std::vector<Span> spans;
    for (size_t begin = 0; begin < document_->size(); ++begin) {
      if (elements[0].words.count((*document_)[begin]) == 0) continue;
      if (kStops.count((*document_)[begin]) != 0) continue;
      const std::optional<size_t> end = EndFrom(elements, 1, begin, slop);
      if (end.has_value()) spans.emplace_back(begin, *end);
    }
    return spans;
  }

  static size_t CountNear(const std::vector<Span>& from, const std::vector<Span>& to, size_t near) {
    return static_cast<size_t>(std::count_if(from.begin(), from.end(), [&](const Span& a) {
      return std::any_of(to.begin(), to.end(), [&](const Span& b) {
        return (b.first > a.second && b.first - a.second - 1 <= near) ||
               (a.first > b.second && a.first - b.second - 1 <= near);
      });
    }));
  }

  double FrequencyOf(const Unit& unit) const {
    const std::vector<Span> left = SpansOf(unit.left, unit.left_slop);
    if (unit.near == 0) return static_cast<double>(left.size());
    const std::vector<Span> right = SpansOf(unit.right, unit.right_slop);
    return static_cast<double>(
        std::min(CountNear(left, right, unit.near), CountNear(right, left, unit.near)));
  }

  Answer EvaluateUnit(const Unit& unit, double boost) {
    if (unit.left.empty()) return {true, false, 0};
    const double tf = FrequencyOf(unit);
    if (tf == 0) return {};
    const double idf = Idf(unit);
    if (ranking_ == Ranking::kBm25) {
      const double length = DecodeLength(EncodeLength(LengthOf(*document_)));
      return {false, true,
              boost * idf * tf * 2.5 / (tf + 1.5 * (1 - 0.75 + 0.75 * length / average_))};
    }
    const double qtf = counts_.count(unit.name()) != 0 ? counts_.at(unit.name()) : 1;
    const double query_weight = (1 + std::log(qtf)) / qtf * idf / query_norm_;
    return {false, true,
            boost * query_weight * (1 + std::log(tf)) / static_cast<double>(NormOf(*document_))};
  }

  Answer Evaluate(const QueryNode& node, double boost) {
    boost *= node.boost;
    if (IsUnit(node)) return EvaluateUnit(UnitOf(node), boost);
    if (node.kind == QueryNode::Kind::kAll) return {false, LengthOf(*document_) > 0, boost};
    const bool is_and = node.kind == QueryNode::Kind::kAnd;
    Answer sum{true, is_and, 0};
    bool excluded = false;
    for (const QueryNode& child : node.children) {
      if (child.kind == QueryNode::Kind::kNot) {
        const Answer answer = Evaluate(child.children[0], 1);
        excluded = excluded || (answer.matches && !answer.dropped);
        continue;
      }
      const Answer answer = Evaluate(child, boost);
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
  std::map<std::string, double> counts_, frequencies_;
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
  VisitAll(plan, source, statistics, {.ranking = ranking}, [&](uint32_t document, double score) {
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

// What the parts of an explanation sum up to.
std::map<uint32_t, double> SumsOf(const SearchPlan& plan, const PostingsSource& source,
                                  const CollectionStatistics& statistics, Ranking ranking,
                                  const std::map<uint32_t, double>& found) {
  std::vector<uint32_t> documents;
  for (const auto& [document, score] : found) documents.push_back(document);
  const auto explanations = plan.Explain(source, statistics, {.ranking = ranking}, documents);
  std::map<uint32_t, double> sums;
  for (size_t i = 0; i < documents.size(); ++i) {
    for (const ScorePart& part : explanations[i]) {
      REQUIRE(part.score > 0);
      REQUIRE(part.frequency > 0);
      REQUIRE_FALSE(part.what.empty());
      sums[documents[i]] += part.score;
    }
  }
  return sums;
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
    const Collection collection =
        RandomCollection(random, round % 4 == 0 ? 50'000'000 : 3, 1 + random() % 40);
    Collection halves[2];
    for (const auto& entry : collection) halves[random() % 2].insert(entry);
    const TestSource whole(collection), first(halves[0]), second(halves[1]);
    for (int i = 0; i < 25; ++i) {
      const std::string query = RandomQuery(random, 3);
      CAPTURE(round);
      CAPTURE(query);
      const QueryNode root = ParseQuery(query, false)->root;
      SearchPlan plan = SearchPlan::Make(root, *MakeEnglishAnalyzer());
      SearchPlan parted = plan;
      const PostingsSource* const one[] = {&whole};
      const PostingsSource* const two[] = {&first, &second};
      ExpansionBudget budget, parted_budget;
      plan.Expand(one, false, &budget);
      parted.Expand(two, false, &parted_budget);
      REQUIRE(plan.terms() == parted.terms());
      const CollectionStatistics statistics = StatisticsOf(collection, plan);
      for (const Ranking ranking : {Ranking::kBm25, Ranking::kTfIdf}) {
        const auto expected = Oracle(collection, root, ranking).Run();
        CheckSame(RunPlan(plan, whole, statistics, ranking), expected);
        CheckSame(SumsOf(plan, whole, statistics, ranking, expected), expected);
        auto found = RunPlan(parted, first, statistics, ranking);
        found.merge(RunPlan(parted, second, statistics, ranking));
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
    VisitAll(plan, source, StatisticsOf(collection, plan), {},
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
