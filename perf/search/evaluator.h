// How good rankings are, by the judgements of people: trec_eval's formulas for MAP and nDCG.
//
//   qrels := (query SP any SP document SP grade LF)*           grade > 0: relevant
//   run   := (query SP any SP document SP rank SP score SP name LF)*
//
// The order of a query's lines in a run is the order of its hits. (trec_eval orders by score and
// gives equal scores an order of its own; engines have theirs.)
#ifndef LIBKV_PERF_SEARCH_EVALUATOR_H_
#define LIBKV_PERF_SEARCH_EVALUATOR_H_

#include <map>
#include <string>
#include <vector>

namespace libkv::perf {

inline constexpr size_t kRankedMax = 1'000;  // hits of a query that count

struct Ranked {
  std::string document;
  double score = 0;
};
using Rankings = std::map<std::string, std::vector<Ranked>>;           // by query, best first
using Judgements = std::map<std::string, std::map<std::string, int>>;  // query, document: grade

struct Effectiveness {
  // Over the judged queries that have a relevant document; one without hits counts 0.
  double ndcg10 = 0, map = 0;
  size_t queries = 0;
};

Effectiveness Evaluate(const Judgements& judgements, const Rankings& run);

// The gain of a hit is its grade, its discount log2(rank + 1); the ideal ranking is that of all
// judged documents. (Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques",
// 2002, in the form that trec_eval gave it.)
double NdcgAt(size_t depth, const std::map<std::string, int>& grades,
              const std::vector<Ranked>& ranked);
// The mean of the precisions at each relevant document; those not found count 0.
double AveragePrecision(const std::map<std::string, int>& grades,
                        const std::vector<Ranked>& ranked);

// A line that is not of this form ends the process with a message.
Judgements ReadJudgements(const std::string& path);
Rankings ReadRun(const std::string& path);
void WriteRun(const Rankings& run, const std::string& name, const std::string& path);

// Compares the formulas with rankings worked out by hand; ends the process when one is wrong.
void CheckEvaluator();

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_EVALUATOR_H_
