#include "search/latency.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "report.h"

namespace libkv::perf {
namespace {

// The queries of one table.
struct Group {
  std::string name;
  QueryKind kind = QueryKind::kTerm;
  std::vector<size_t> queries;
};

// A group for each class, by kind; before those of a kind, all of them together.
std::vector<Group> Grouped(const std::vector<Query>& queries) {
  std::vector<Group> groups;
  const auto add = [&](const std::string& name, size_t query) {
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.name == name; });
    if (group == groups.end()) {
      groups.push_back({name, queries[query].kind, {}});
      group = groups.end() - 1;
    }
    group->queries.push_back(query);
  };
  for (size_t i = 0; i < queries.size(); ++i) {
    const std::string kind(NameOf(queries[i].kind));
    // Words and phrases differ too much within their kind for a common figure to mean anything.
    const bool of_one_kind =
        queries[i].kind == QueryKind::kOr || queries[i].kind == QueryKind::kAnd;
    if (of_one_kind && queries[i].query_class != kind) add(kind + " (all)", i);
    add(queries[i].query_class, i);
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.kind < b.kind; });
  return groups;
}

struct Times {
  double p50 = 0, mean = 0, p99 = 0;
};

// Of the medians of each query's rounds.
Times TimesOf(const std::vector<std::vector<Answer>>& rounds, const Group& group) {
  std::vector<double> times;
  for (const size_t query : group.queries) {
    std::vector<double> of_query;
    for (const std::vector<Answer>& round : rounds) of_query.push_back(round[query].us);
    times.push_back(Summarise(std::move(of_query)).median);
  }
  std::sort(times.begin(), times.end());
  Times result{.p50 = times[times.size() / 2], .p99 = times[times.size() * 99 / 100]};
  for (const double time : times) result.mean += time / static_cast<double>(times.size());
  return result;
}

double Total(const std::vector<Answer>& round, const Group& group) {
  double total = 0;
  for (const size_t query : group.queries) total += round[query].us;
  return total;
}

// The first's time over the other's, round by round.
Summary RatioOf(const std::vector<std::vector<Answer>>& first,
                const std::vector<std::vector<Answer>>& other, const Group& group) {
  std::vector<double> ratios;
  for (size_t round = 0; round < first.size(); ++round) {
    ratios.push_back(Total(first[round], group) / Total(other[round], group));
  }
  return Summarise(std::move(ratios));
}

// The share of the best hits that two engines have in common.
double Agreement(const std::vector<Answer>& a, const std::vector<Answer>& b, const Group& group) {
  double common = 0, possible = 0;
  for (const size_t query : group.queries) {
    const std::set<uint32_t> hits(a[query].hits.begin(), a[query].hits.end());
    for (const uint32_t hit : b[query].hits) common += hits.count(hit) ? 1 : 0;
    possible += static_cast<double>(std::max(a[query].hits.size(), b[query].hits.size()));
  }
  return possible == 0 ? 1 : common / possible;
}

void PrintGroup(const std::vector<Contender>& contenders, const Rounds& rounds, const Group& group,
                std::vector<std::string>* json) {
  std::printf("\n%-28s %9s %9s %9s   libkv's time / this one's   same hits\n",
              (group.name + ", " + std::to_string(group.queries.size()) + " queries").c_str(),
              "p50 us", "mean us", "p99 us");
  nlohmann::json line = {{"class", group.name}, {"queries", group.queries.size()}};
  for (size_t i = 0; i < contenders.size(); ++i) {
    const std::string& name = contenders[i].name;
    if (!contenders[i].engine->Supports(group.kind)) {
      std::printf("  %-26s has no such queries\n", name.c_str());
      continue;
    }
    const Times times = TimesOf(rounds[i], group);
    std::printf("  %-26s %9.1f %9.1f %9.1f", name.c_str(), times.p50, times.mean, times.p99);
    nlohmann::json entry = {
        {"name", name}, {"p50_us", times.p50}, {"mean_us", times.mean}, {"p99_us", times.p99}};
    if (i > 0) {
      const Summary ratio = RatioOf(rounds[0], rounds[i], group);
      const double agreement = Agreement(rounds[0][0], rounds[i][0], group);
      std::printf("   %7.3f (%.3f .. %.3f)   %8.0f %%", ratio.median, ratio.min, ratio.max,
                  agreement * 100);
      entry["ratio"] = {{"median", ratio.median}, {"min", ratio.min}, {"max", ratio.max}};
      entry["same_hits"] = agreement;
    }
    std::printf("\n");
    line["engines"].push_back(std::move(entry));
  }
  json->push_back(line.dump());
}

}  // namespace

Rounds Measure(std::vector<Contender>& contenders, const std::vector<Query>& queries, int rounds) {
  Rounds all(contenders.size());
  for (Contender& contender : contenders) contender.engine->Pass(queries);
  for (int round = 0; round < rounds; ++round) {
    for (size_t turn = 0; turn < contenders.size(); ++turn) {
      const size_t i = (turn + static_cast<size_t>(round)) % contenders.size();
      all[i].push_back(contenders[i].engine->Pass(queries));
    }
  }
  return all;
}

void PrintLatencies(const std::vector<Contender>& contenders, const std::vector<Query>& queries,
                    const Rounds& rounds, std::vector<std::string>* json) {
  for (const Group& group : Grouped(queries)) PrintGroup(contenders, rounds, group, json);
  std::fflush(stdout);
}

}  // namespace libkv::perf
