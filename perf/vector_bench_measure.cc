#include "vector_bench_measure.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "harness.h"
#include "report.h"
#include "search/engine.h"

namespace libkv::perf {
namespace {

constexpr size_t kWarmQueries = 20;
constexpr int kNameColumns = 34, kCellColumns = 12;

struct Pass {
  double qps = 0, recall = 0;
  std::vector<double> us;  // sorted
};

Pass RunPass(const VectorContender& contender, const VectorData& data, const Truth& truth,
             const std::function<uint32_t(uint32_t)>& vector_of) {
  if (contender.prepare) contender.prepare();
  Pass pass;
  double seconds = 0;
  std::vector<uint32_t> hits;
  for (size_t i = 0; i < contender.queries; ++i) {
    const double begin = ThreadCpuSeconds();
    contender.search(data.queries.at(i), &hits);
    const double taken = ThreadCpuSeconds() - begin;
    seconds += taken;
    pass.us.push_back(taken * 1e6);
    if (vector_of) {
      for (uint32_t& hit : hits) hit = vector_of(hit);
    }
    pass.recall += RecallOf(data, truth, i, hits);
  }
  const auto count = static_cast<double>(contender.queries);
  pass.qps = count / seconds;
  pass.recall /= count;
  std::sort(pass.us.begin(), pass.us.end());
  return pass;
}

SearchFigures FiguresOf(const std::vector<Pass>& passes) {
  std::vector<double> speeds;
  for (const Pass& pass : passes) speeds.push_back(pass.qps);
  const Summary summary = Summarise(speeds);
  const Pass& best = *std::max_element(passes.begin(), passes.end(),
                                       [](auto& a, auto& b) { return a.qps < b.qps; });
  return {best.recall, summary.max, summary.median, Quantile(best.us, 0.5),
          Quantile(best.us, 0.99)};
}

}  // namespace

double Quantile(const std::vector<double>& sorted, double p) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(std::lround(p * last))];
}

std::vector<SearchFigures> MeasureSearches(std::span<const VectorContender> contenders,
                                           const VectorData& data, const Truth& truth, int passes,
                                           const std::function<uint32_t(uint32_t)>& vector_of) {
  for (const VectorContender& contender : contenders) {
    VectorContender warm = contender;
    warm.queries = std::min(warm.queries, kWarmQueries);
    RunPass(warm, data, truth, vector_of);
  }
  std::vector<std::vector<Pass>> all(contenders.size());
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      const size_t turn = pass % 2 == 0 ? i : contenders.size() - 1 - i;
      all[turn].push_back(RunPass(contenders[turn], data, truth, vector_of));
    }
  }
  std::vector<SearchFigures> figures;
  for (const std::vector<Pass>& one : all) figures.push_back(FiguresOf(one));
  return figures;
}

double QpsAtRecall(const std::vector<SearchFigures>& curve, double recall) {
  // Of all pairs of depths that enclose it the fastest, between them by the logarithm of the speed.
  double best = 0;
  for (const SearchFigures& above : curve) {
    if (above.recall < recall) continue;
    best = std::max(best, above.qps_best);
    for (const SearchFigures& below : curve) {
      if (below.recall >= recall || below.qps_best <= above.qps_best) continue;
      const double share = (recall - below.recall) / (above.recall - below.recall);
      best = std::max(best, std::exp(std::log(below.qps_best) * (1 - share) +
                                     std::log(above.qps_best) * share));
    }
  }
  return best;
}

void VectorReport::Table(const std::string& title, const std::vector<std::string>& columns) {
  std::printf("\n");
  Row(title, columns);
}

void VectorReport::Row(const std::string& name, const std::vector<std::string>& cells) {
  std::printf("%-*s", kNameColumns, name.c_str());
  for (const std::string& cell : cells) std::printf(" %*s", kCellColumns, cell.c_str());
  std::printf("\n");
  std::fflush(stdout);
}

void VectorReport::Save(const std::string& path, const std::string& data,
                        const std::string& command) const {
  if (path.empty()) return;
  std::ofstream out(path, std::ios::app);
  for (nlohmann::json line : lines_) {
    line["data"] = data;
    line["command"] = command;
    out << line.dump() << '\n';
  }
  if (!out.flush()) Fail("cannot write " + path);
}

std::string Text(double number, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

}  // namespace libkv::perf
