// A result as a table for people and as one line of JSON for programs.
#ifndef LIBKV_PERF_REPORT_H_
#define LIBKV_PERF_REPORT_H_

#include <string>
#include <vector>

#include "harness.h"

namespace libkv::perf {

struct Summary {
  double median = 0, min = 0, max = 0;
};
Summary Summarise(std::vector<double> numbers);  // of at least one

void PrintTable(const Workload& workload, const Result& result);

// One line: the workload, the command, the settings, every sample and the summaries.
std::string ToJson(const Workload& workload, const Settings& settings, const Result& result,
                   const std::string& command);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_REPORT_H_
