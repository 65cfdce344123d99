#include <chrono>
#include <thread>

#include "harness.h"
#include "search/engine.h"
#include "vector_bench_parts.h"

namespace libkv::perf {
namespace {

struct Curve {
  std::string index;
  std::vector<SearchFigures> points;
};

// All of one index, in their order.
std::vector<Curve> CurvesOf(const std::vector<VectorContender>& contenders,
                            const std::vector<SearchFigures>& figures) {
  std::vector<Curve> curves;
  for (size_t i = 0; i < contenders.size(); ++i) {
    if (curves.empty() || curves.back().index != contenders[i].index) {
      curves.push_back({contenders[i].index, {}});
    }
    curves.back().points.push_back(figures[i]);
  }
  return curves;
}

void ReportPoint(VectorBench* bench, const VectorContender& contender,
                 const SearchFigures& figures) {
  bench->report.Row(
      "  " + contender.index + " " + contender.depth,
      {Text(figures.recall, 4), Text(figures.qps_best, 0), Text(figures.qps_median, 0),
       Text(figures.p50_us, 0), Text(figures.p99_us, 0)});
  bench->report.Json({{"part", "search"},
                      {"index", contender.index},
                      {"depth", contender.depth},
                      {"queries", contender.queries},
                      {"recall_at_10", figures.recall},
                      {"qps_best", figures.qps_best},
                      {"qps_median", figures.qps_median},
                      {"p50_us", figures.p50_us},
                      {"p99_us", figures.p99_us}});
}

// libkv's speed over a rival's, where the rival has the recall that libkv reached.
void ReportRatios(VectorBench* bench, const std::vector<VectorContender>& contenders,
                  const std::vector<SearchFigures>& figures) {
  const std::vector<Curve> curves = CurvesOf(contenders, figures);
  std::vector<std::string> columns;
  for (size_t i = 1; i < curves.size(); ++i) columns.push_back(curves[i].index);
  if (columns.empty()) return;
  bench->report.Table("libkv's QPS / theirs, at equal recall", columns);
  for (size_t i = 0; i < curves[0].points.size(); ++i) {
    const SearchFigures& ours = figures[i];
    std::vector<std::string> cells;
    nlohmann::json line = {{"part", "ratio"},
                           {"depth", contenders[i].depth},
                           {"recall_at_10", ours.recall},
                           {"qps", ours.qps_best}};
    for (size_t k = 1; k < curves.size(); ++k) {
      const double theirs = QpsAtRecall(curves[k].points, ours.recall);
      cells.push_back(theirs > 0 ? Text(ours.qps_best / theirs, 3) : "unreached");
      if (theirs > 0) line["ratio_" + curves[k].index] = ours.qps_best / theirs;
    }
    bench->report.Row("  " + contenders[i].depth + ", recall " + Text(ours.recall, 4), cells);
    bench->report.Json(std::move(line));
  }
}

}  // namespace

VectorContender LibkvAt(VectorStore* store, double target, size_t queries) {
  return {.index = "libkv",
          .depth = "target " + Text(target, 2),
          .queries = queries,
          .prepare = nullptr,
          .search = [store, target](const float* query, std::vector<uint32_t>* hits) {
            SimilarOptions options;
            options.limit = kNeighboursWanted;
            options.recall_target = target;
            store->Search(options, query, hits);
          }};
}

VectorContender LibkvExact(VectorStore* store, size_t queries) {
  return {.index = "libkv",
          .depth = "exact",
          .queries = queries,
          .prepare = nullptr,
          .search = [store](const float* query, std::vector<uint32_t>* hits) {
            SimilarOptions options;
            options.limit = kNeighboursWanted;
            options.exact = true;
            store->Search(options, query, hits);
          }};
}

void MeasureSearchPart(VectorBench* bench) {
  const size_t queries = bench->data.queries.count();
  const size_t few = std::min(bench->slow_queries, queries);
  std::vector<VectorContender> contenders;
  for (const double target : kRecallTargets) {
    contenders.push_back(LibkvAt(bench->store.get(), target, queries));
  }
  contenders.push_back(LibkvExact(bench->store.get(), few));
  for (const BuiltRival& rival : bench->rivals) {
    VectorRival* const index = rival.index.get();
    for (const int depth : rival.kind.depths) {
      contenders.push_back(
          {.index = rival.kind.name,
           .depth = rival.kind.is_slow ? "exact" : rival.kind.depth_name + " " + Text(depth, 0),
           .queries = rival.kind.is_slow ? few : queries,
           .prepare = [=] { index->SetDepth(depth); },
           .search = [=](const float* query,
                         std::vector<uint32_t>* hits) { index->Search(query, hits); }});
    }
  }
  const std::vector<SearchFigures> figures =
      MeasureSearches(contenders, bench->data, bench->data.truth, bench->passes);
  bench->report.Table("search, one thread, 10 neighbours",
                      {"recall@10", "best QPS", "median QPS", "p50 us", "p99 us"});
  for (size_t i = 0; i < contenders.size(); ++i) ReportPoint(bench, contenders[i], figures[i]);
  ReportRatios(bench, contenders, figures);
}

void MeasureOpenPart(VectorBench* bench) {
  constexpr auto kWarmMax = std::chrono::minutes(1);
  constexpr auto kLook = std::chrono::milliseconds(5);
  const std::string place = bench->Place("open");
  bench->store->CopyTo(place);  // and closes it again
  const uint64_t vectors = bench->store->Space().vectors;

  const ProcessMeter meter;
  VectorStore store(place, bench->data, bench->memory_bytes);
  const double opened = meter.Read(1).seconds;
  std::vector<uint32_t> hits;
  LibkvAt(&store, kUsualTarget, 1).search(bench->data.queries.at(0), &hits);
  const Sample answered = meter.Read(1);
  const double recall = RecallOf(bench->data, bench->data.truth, 0, hits);
  const auto give_up = std::chrono::steady_clock::now() + kWarmMax;
  while (store.Space().vectors < vectors && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(kLook);
  }
  const Sample warm = meter.Read(1);
  const bool is_warm = store.Space().vectors == vectors;
  bench->report.Table("open of " + std::to_string(vectors) + " vectors", {"ms", "CPU ms"});
  bench->report.Row("  Open returned", {Text(opened * 1e3, 1), ""});
  bench->report.Row("  first answer, recall " + Text(recall, 1),
                    {Text(answered.seconds * 1e3, 1), Text(answered.cpu_seconds * 1e3, 1)});
  bench->report.Row(is_warm ? "  all vectors in memory" : "  NOT all in memory, given up",
                    {Text(warm.seconds * 1e3, 1), Text(warm.cpu_seconds * 1e3, 1)});
  bench->report.Json({{"part", "open"},
                      {"vectors", vectors},
                      {"open_seconds", opened},
                      {"first_answer_seconds", answered.seconds},
                      {"first_answer_recall", recall},
                      {"warm_seconds", warm.seconds},
                      {"warm_cpu_seconds", warm.cpu_seconds},
                      {"is_warm", is_warm}});
}

}  // namespace libkv::perf
