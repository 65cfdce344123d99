// How long engines take for queries, measured in turns.
#ifndef LIBKV_PERF_SEARCH_LATENCY_H_
#define LIBKV_PERF_SEARCH_LATENCY_H_

#include <string>
#include <vector>

#include "search/engine.h"

namespace libkv::perf {

struct Contender {
  std::string name;
  std::unique_ptr<Engine> engine;
};

// All answers: [contender][round][query]. One pass of each contender before the first round is not
// measured; in each round every contender makes one pass, and the order turns from round to round.
using Rounds = std::vector<std::vector<std::vector<Answer>>>;
Rounds Measure(std::vector<Contender>& contenders, const std::vector<Query>& queries, int rounds);

// A table for each class of queries and each kind that has several: the first contender's times,
// the others' beside them. `json` gets one line per table.
void PrintLatencies(const std::vector<Contender>& contenders, const std::vector<Query>& queries,
                    const Rounds& rounds, std::vector<std::string>* json);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_LATENCY_H_
