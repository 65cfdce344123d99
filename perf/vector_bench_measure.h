// Recall and speed of searches, measured in turns in one thread, and how they are reported.
#ifndef LIBKV_PERF_VECTOR_BENCH_MEASURE_H_
#define LIBKV_PERF_VECTOR_BENCH_MEASURE_H_

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "vector_bench_data.h"

namespace libkv::perf {

// One index at one depth.
struct VectorContender {
  std::string index, depth;
  size_t queries = 0;  // it is asked the first ones
  std::function<void()> prepare;
  std::function<void(const float* query, std::vector<uint32_t>* hits)> search;
};

struct SearchFigures {
  double recall = 0;
  double qps_best = 0, qps_median = 0;  // of the passes; per second of the thread's CPU
  double p50_us = 0, p99_us = 0;        // of CPU, over the queries, in the best pass
};

// `passes` times all contenders, one after another, and the other way round every second time; a
// few queries of each before that are not measured. vector_of, where set, tells which vector of the
// base a hit stands for.
std::vector<SearchFigures> MeasureSearches(
    std::span<const VectorContender> contenders, const VectorData& data, const Truth& truth,
    int passes, const std::function<uint32_t(uint32_t hit)>& vector_of = nullptr);

// Queries per second at this recall, between the two depths around it; 0: it is not reached.
double QpsAtRecall(const std::vector<SearchFigures>& curve, double recall);

// Lines for people at once, lines for programs at the end.
class VectorReport {
 public:
  // A header of columns; the first is the name.
  void Table(const std::string& title, const std::vector<std::string>& columns);
  void Row(const std::string& name, const std::vector<std::string>& cells);
  void Json(nlohmann::json object) { lines_.push_back(std::move(object)); }
  // Appends all lines, each with the data set and the command.
  void Save(const std::string& path, const std::string& data, const std::string& command) const;

 private:
  std::vector<nlohmann::json> lines_;
};

std::string Text(double number, int digits);

// The p-th part of the numbers, which are sorted, 0 <= p <= 1.
double Quantile(const std::vector<double>& sorted, double p);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_VECTOR_BENCH_MEASURE_H_
