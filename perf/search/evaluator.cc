#include "search/evaluator.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include "harness.h"

namespace libkv::perf {
namespace {

constexpr size_t kNdcgDepth = 10;

int GradeOf(const std::map<std::string, int>& grades, const std::string& document) {
  const auto found = grades.find(document);
  return found == grades.end() ? 0 : std::max(0, found->second);
}

double Discounted(int grade, size_t rank) {  // rank counts from 0
  return grade / std::log2(static_cast<double>(rank) + 2);
}

bool IsNear(double a, double b) { return std::abs(a - b) < 1e-9; }

void Expect(bool holds, const std::string& what) {
  if (!holds) Fail("the evaluator is wrong about " + what);
}

// Ends the process when the line does not hold what was to be read.
void RequireRead(const std::istringstream& in, const std::string& path, const std::string& line) {
  if (!in) Fail(path + ": not a line of this format: " + line);
}

}  // namespace

double NdcgAt(size_t depth, const std::map<std::string, int>& grades,
              const std::vector<Ranked>& ranked) {
  std::vector<int> ideal;
  for (const auto& [document, grade] : grades) {
    if (grade > 0) ideal.push_back(grade);
  }
  std::sort(ideal.begin(), ideal.end(), std::greater<>());
  double best = 0, gained = 0;
  for (size_t i = 0; i < std::min(depth, ideal.size()); ++i) best += Discounted(ideal[i], i);
  for (size_t i = 0; i < std::min(depth, ranked.size()); ++i) {
    gained += Discounted(GradeOf(grades, ranked[i].document), i);
  }
  return best == 0 ? 0 : gained / best;
}

double AveragePrecision(const std::map<std::string, int>& grades,
                        const std::vector<Ranked>& ranked) {
  const auto relevant = static_cast<double>(std::count_if(
      grades.begin(), grades.end(), [](const auto& entry) { return entry.second > 0; }));
  double found = 0, sum = 0;
  for (size_t i = 0; i < std::min(kRankedMax, ranked.size()); ++i) {
    if (GradeOf(grades, ranked[i].document) == 0) continue;
    found += 1;
    sum += found / static_cast<double>(i + 1);
  }
  return relevant == 0 ? 0 : sum / relevant;
}

Effectiveness Evaluate(const Judgements& judgements, const Rankings& run) {
  Effectiveness mean;
  for (const auto& [query, grades] : judgements) {
    const bool has_relevant = std::any_of(grades.begin(), grades.end(),
                                          [](const auto& entry) { return entry.second > 0; });
    if (!has_relevant) continue;
    ++mean.queries;
    const auto ranked = run.find(query);
    if (ranked == run.end()) continue;
    mean.ndcg10 += NdcgAt(kNdcgDepth, grades, ranked->second);
    mean.map += AveragePrecision(grades, ranked->second);
  }
  if (mean.queries == 0) Fail("no query has a relevant document");
  mean.ndcg10 /= static_cast<double>(mean.queries);
  mean.map /= static_cast<double>(mean.queries);
  return mean;
}

Judgements ReadJudgements(const std::string& path) {
  std::ifstream in(path);
  if (!in) Fail("cannot read " + path);
  Judgements judgements;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string query, any, document;
    int grade = 0;
    fields >> query >> any >> document >> grade;
    RequireRead(fields, path, line);
    judgements[query][document] = grade;
  }
  return judgements;
}

Rankings ReadRun(const std::string& path) {
  std::ifstream in(path);
  if (!in) Fail("cannot read " + path);
  Rankings run;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string query, any, document, rank;
    double score = 0;
    fields >> query >> any >> document >> rank >> score;
    RequireRead(fields, path, line);
    run[query].push_back({document, score});
  }
  return run;
}

void WriteRun(const Rankings& run, const std::string& name, const std::string& path) {
  std::ofstream out(path);
  for (const auto& [query, ranked] : run) {
    for (size_t i = 0; i < ranked.size(); ++i) {
      out << query << " Q0 " << ranked[i].document << ' ' << i + 1 << ' ' << ranked[i].score << ' '
          << name << '\n';
    }
  }
  if (!out.flush()) Fail("cannot write " + path);
}

void CheckEvaluator() {
  // Relevant: a (3), b (1), d (2); c was judged and is not; x never was.
  const std::map<std::string, int> grades = {{"a", 3}, {"b", 1}, {"c", 0}, {"d", 2}};
  const std::vector<Ranked> best = {{"a"}, {"d"}, {"b"}}, mixed = {{"x"}, {"a"}, {"c"}, {"b"}};
  const double log3 = std::log2(3.0), log5 = std::log2(5.0);
  const double ideal = 3 + 2 / log3 + 0.5;
  Expect(IsNear(NdcgAt(10, grades, best), 1), "the best ranking's nDCG");
  Expect(IsNear(AveragePrecision(grades, best), 1), "the best ranking's precision");
  Expect(IsNear(NdcgAt(10, grades, mixed), (3 / log3 + 1 / log5) / ideal), "a mixed ranking");
  Expect(IsNear(NdcgAt(2, grades, mixed), (3 / log3) / (3 + 2 / log3)), "a depth of two");
  // Relevant at ranks 2 and 4, and one is missing.
  Expect(IsNear(AveragePrecision(grades, mixed), (1.0 / 2 + 2.0 / 4) / 3), "precision");
  Expect(NdcgAt(10, grades, {}) == 0 && AveragePrecision(grades, {}) == 0, "no hits");

  std::vector<Ranked> late(kRankedMax, Ranked{"x"});
  late.push_back({"a"});
  Expect(AveragePrecision(grades, late) == 0, "hits beyond the last that counts");

  // A judged query without hits counts 0, one without relevant documents not at all.
  const Judgements judgements = {{"1", grades}, {"2", {{"a", 1}}}, {"3", {{"a", 0}}}};
  const Effectiveness mean = Evaluate(judgements, {{"1", best}, {"3", best}, {"9", best}});
  Expect(mean.queries == 2 && IsNear(mean.ndcg10, 0.5) && IsNear(mean.map, 0.5), "the mean");
}

}  // namespace libkv::perf
