// What deletions, overwrites, filters and the order of insertion do to recall and speed.
#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>

#include "harness.h"
#include "vector_bench_parts.h"

namespace libkv::perf {
namespace {

constexpr size_t kClusters = 64;  // that vectors are deleted and ordered by

// A copy of the settled store, removed at the end.
class StoreCopy {
 public:
  StoreCopy(VectorBench* bench, const std::string& name)
      : place_(bench->Place(name)), store_(bench->store->CopyTo(place_)) {
    store_->Settle();
  }
  ~StoreCopy() {
    store_.reset();
    std::filesystem::remove_all(place_);
  }
  VectorStore* get() { return store_.get(); }

 private:
  const std::string place_;
  std::unique_ptr<VectorStore> store_;
};

const std::vector<std::string> kColumns = {"recall@10", "best QPS", "median QPS", "p99 us"};

void ReportState(VectorBench* bench, const std::string& part, const std::string& state,
                 const SearchFigures& figures) {
  bench->report.Row("  " + state, {Text(figures.recall, 4), Text(figures.qps_best, 0),
                                   Text(figures.qps_median, 0), Text(figures.p99_us, 0)});
  bench->report.Json({{"part", part},
                      {"state", state},
                      {"recall_at_10", figures.recall},
                      {"qps_best", figures.qps_best},
                      {"qps_median", figures.qps_median},
                      {"p99_us", figures.p99_us}});
}

// The rival that can be changed, loaded again from its file: what is done to it is not seen by
// other parts. Null where there is none.
std::unique_ptr<VectorRival> FreshRival(VectorBench* bench, std::string* name) {
  for (const BuiltRival& rival : bench->rivals) {
    if (!rival.index->CanChange()) continue;
    *name = rival.kind.name;
    return rival.kind.load(bench->data.base, rival.path);
  }
  return nullptr;
}

VectorContender RivalAt(VectorRival* rival, const std::string& name, int depth, size_t queries) {
  return {.index = name,
          .depth = std::to_string(depth),
          .queries = queries,
          .prepare = [=] { rival->SetDepth(depth); },
          .search = [=](const float* query,
                        std::vector<uint32_t>* hits) { rival->Search(query, hits); }};
}

// The depth at which the untouched rival reaches the usual target.
int UsualDepth(VectorBench* bench, VectorRival* rival, const std::string& name, size_t queries) {
  constexpr int kDepths[] = {10, 15, 20, 30, 40, 60, 80, 120, 200, 400};
  for (const int depth : kDepths) {
    const auto contender = RivalAt(rival, name, depth, queries);
    const SearchFigures figures =
        MeasureSearches(std::span(&contender, 1), bench->data, bench->data.truth, 1)[0];
    if (figures.recall >= kUsualTarget) return depth;
  }
  return kDepths[std::size(kDepths) - 1];
}

SearchFigures MeasureOne(VectorBench* bench, const VectorContender& contender, const Truth& truth,
                         const std::function<uint32_t(uint32_t)>& vector_of = nullptr) {
  return MeasureSearches(std::span(&contender, 1), bench->data, truth, bench->passes, vector_of)[0];
}

void MeasureDeletion(VectorBench* bench, const std::string& name,
                     const std::vector<uint32_t>& doomed) {
  const VectorSet& base = bench->data.base;
  const size_t queries = std::min(bench->slow_queries, bench->data.queries.count());
  std::vector<bool> is_gone(base.count(), false);
  for (const uint32_t number : doomed) is_gone[number] = true;
  const Truth after = ComputeTruth(base, bench->data.queries, queries,
                                   [&](size_t number) { return !is_gone[number]; });
  bench->report.Table(
      name + ", " +
          Text(100.0 * static_cast<double>(doomed.size()) / static_cast<double>(base.count()), 0) +
          " % deleted",
      kColumns);
  {
    StoreCopy copy(bench, "deletes");
    const VectorContender ours = LibkvAt(copy.get(), kUsualTarget, queries);
    ReportState(bench, name, "libkv before", MeasureOne(bench, ours, bench->data.truth));
    const ProcessMeter meter;
    copy.get()->Delete(doomed);
    const double seconds = meter.Read(1).cpu_seconds;
    ReportState(bench, name, "libkv at once", MeasureOne(bench, ours, after));
    copy.get()->Settle();
    ReportState(bench, name, "libkv settled", MeasureOne(bench, ours, after));
    bench->report.Row("  libkv, us of CPU per Delete",
                      {Text(seconds * 1e6 / static_cast<double>(doomed.size()), 1)});
  }
  std::string rival_name;
  const std::unique_ptr<VectorRival> rival = FreshRival(bench, &rival_name);
  if (rival == nullptr) return;
  const int depth = UsualDepth(bench, rival.get(), rival_name, queries);
  const VectorContender theirs = RivalAt(rival.get(), rival_name, depth, queries);
  const std::string label = rival_name + " " + theirs.depth;
  ReportState(bench, name, label + " before", MeasureOne(bench, theirs, bench->data.truth));
  for (const uint32_t number : doomed) rival->Delete(number);
  ReportState(bench, name, label + " after", MeasureOne(bench, theirs, after));
}

std::vector<uint32_t> Shuffled(size_t count, uint64_t seed) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::mt19937_64 random(seed);
  std::shuffle(numbers.begin(), numbers.end(), random);
  return numbers;
}

// All numbers, cluster by cluster; clusters in random order.
std::vector<uint32_t> ByCluster(const VectorSet& base) {
  const std::vector<uint32_t> clusters = ClustersOf(base, kClusters);
  const std::vector<uint32_t> places = Shuffled(kClusters, 3);
  std::vector<uint32_t> numbers(base.count());
  std::iota(numbers.begin(), numbers.end(), 0);
  std::stable_sort(numbers.begin(), numbers.end(), [&](uint32_t a, uint32_t b) {
    return places[clusters[a]] < places[clusters[b]];
  });
  return numbers;
}

}  // namespace

void MeasureDeletesPart(VectorBench* bench) {
  const size_t count = bench->data.base.count();
  std::vector<uint32_t> doomed = Shuffled(count, 1);
  doomed.resize(count / 2);
  MeasureDeletion(bench, "random deletes", doomed);
  doomed = ByCluster(bench->data.base);
  doomed.resize(count / 2);
  MeasureDeletion(bench, "cluster deletes", doomed);
}

void MeasureChurnPart(VectorBench* bench) {
  constexpr int kRounds = 10;
  constexpr size_t kShare = 8;  // an eighth in each round
  constexpr size_t kRivalOverwritesMax = 2'000;
  const VectorSet& base = bench->data.base;
  const size_t queries = std::min(bench->slow_queries, bench->data.queries.count());
  std::vector<uint32_t> vector_of(base.count());
  std::iota(vector_of.begin(), vector_of.end(), 0);
  const auto translate = [&](uint32_t hit) { return vector_of[hit]; };

  StoreCopy copy(bench, "churn");
  const VectorContender ours = LibkvAt(copy.get(), kUsualTarget, queries);
  bench->report.Table("churn, 12.5 % of the keys a round", kColumns);
  ReportState(bench, "churn", "libkv before", MeasureOne(bench, ours, bench->data.truth));
  double seconds = 0;
  size_t overwrites = 0;
  for (int round = 1; round <= kRounds; ++round) {
    std::vector<uint32_t> keys = Shuffled(base.count(), 100 + static_cast<uint64_t>(round));
    keys.resize(base.count() / kShare);
    // Each takes the vector of the next.
    const uint32_t first = vector_of[keys.front()];
    for (size_t i = 0; i + 1 < keys.size(); ++i) vector_of[keys[i]] = vector_of[keys[i + 1]];
    vector_of[keys.back()] = first;
    const ProcessMeter meter;
    for (const uint32_t key : keys) copy.get()->Set(key, base.at(vector_of[key]));
    seconds += meter.Read(1).cpu_seconds;
    overwrites += keys.size();
    if (round != 1 && round != kRounds) continue;
    ReportState(bench, "churn", "libkv, round " + std::to_string(round) + ", at once",
                MeasureOne(bench, ours, bench->data.truth, translate));
  }
  const ProcessMeter meter;
  copy.get()->Settle();
  seconds += meter.Read(1).cpu_seconds;
  const SpaceStats space = copy.get()->Space();
  ReportState(bench, "churn", "libkv, settled",
              MeasureOne(bench, ours, bench->data.truth, translate));
  bench->report.Row("  libkv, us of CPU per overwrite",
                    {Text(seconds * 1e6 / static_cast<double>(overwrites), 0)});
  bench->report.Row(
      "  libkv, RAM B/vector, lists",
      {Text(static_cast<double>(space.vector_bytes) / static_cast<double>(base.count()), 0),
       std::to_string(space.vector_lists)});
  bench->report.Json({{"part", "churn"},
                      {"overwrite_cpu_us", seconds * 1e6 / static_cast<double>(overwrites)},
                      {"memory_bytes", space.vector_bytes}});

  // The rival takes as long for one as for an insert, and is shown for a few only.
  std::string name;
  const std::unique_ptr<VectorRival> rival = FreshRival(bench, &name);
  if (rival == nullptr) return;
  std::vector<uint32_t> keys = Shuffled(base.count(), 99);
  keys.resize(std::min(keys.size(), kRivalOverwritesMax));
  const ProcessMeter rival_meter;
  for (size_t i = 0; i < keys.size(); ++i) {
    rival->Overwrite(keys[i], base.at(keys[(i + 1) % keys.size()]));
  }
  const double us = rival_meter.Read(keys.size()).cpu_us();
  bench->report.Row("  " + name + ", us of CPU per overwrite", {Text(us, 0)});
  bench->report.Json({{"part", "churn"}, {"index", name}, {"overwrite_cpu_us", us}});
}

void MeasureFiltersPart(VectorBench* bench) {
  constexpr uint32_t kPassing[] = {500, 100, 10, 1};  // of kFilterValues
  const VectorSet& base = bench->data.base;
  const size_t queries = std::min(bench->slow_queries, bench->data.queries.count());
  StoreCopy copy(bench, "filters");
  const ProcessMeter meter;
  if (!copy.get()->store().CreateFieldIndex("", kFilterField).ok()) Fail("no field index");
  const double seconds = meter.Read(1).cpu_seconds;
  VectorStore* const store = copy.get();
  bench->report.Table("filters, target " + Text(kUsualTarget, 2), kColumns);
  ReportState(bench, "filters", "none",
              MeasureOne(bench, LibkvAt(store, kUsualTarget, queries), bench->data.truth));
  for (const uint32_t passing : kPassing) {
    const Truth truth = ComputeTruth(base, bench->data.queries, queries, [&](size_t number) {
      return FilterValueOf(static_cast<uint32_t>(number)) < passing;
    });
    const VectorContender contender{
        .index = "libkv",
        .depth = "",
        .queries = queries,
        .prepare = nullptr,
        .search = [=](const float* query, std::vector<uint32_t>* hits) {
          SimilarOptions options;
          options.limit = kNeighboursWanted;
          options.recall_target = kUsualTarget;
          options.filters.push_back({.field = std::string(kFilterField),
                                     .first = 0.0,
                                     .last = static_cast<double>(passing),
                                     .before_last = true});
          store->Search(options, query, hits);
        }};
    ReportState(bench, "filters", Text(passing * 100.0 / kFilterValues, 1) + " % pass",
                MeasureOne(bench, contender, truth));
  }
  bench->report.Row("  the field's index, CPU s", {Text(seconds, 2)});
}

void MeasureOrdersPart(VectorBench* bench) {
  const size_t queries = std::min(bench->slow_queries, bench->data.queries.count());
  constexpr size_t kBulk = 1'000;
  bench->report.Table("order of insertion", kColumns);
  const std::pair<const char*, std::vector<uint32_t>> orders[] = {
      {"random", Shuffled(bench->data.base.count(), 2)},
      {"cluster by cluster", ByCluster(bench->data.base)}};
  for (const auto& [name, numbers] : orders) {
    const std::string place = bench->Place("orders");
    {
      VectorStore store(place, bench->data, bench->memory_bytes);
      const ProcessMeter meter;
      store.Load(&bench->data.base, numbers, kBulk, Durability::kWritten);
      store.Settle();
      const double seconds = meter.Read(1).cpu_seconds;
      ReportState(bench, "orders", name,
                  MeasureOne(bench, LibkvAt(&store, kUsualTarget, queries), bench->data.truth));
      bench->report.Row("    CPU s to build, lists",
                        {Text(seconds, 2), std::to_string(store.Space().vector_lists)});
      bench->report.Json({{"part", "orders"}, {"order", name}, {"build_cpu_seconds", seconds}});
    }
    std::filesystem::remove_all(place);
  }
}

}  // namespace libkv::perf
