// Single writes: what they cost, and what readers notice of them.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "harness.h"
#include "report.h"
#include "search/engine.h"
#include "vector_bench_parts.h"

namespace libkv::perf {
namespace {

// Numbers of keys that are not in the store yet.
constexpr uint32_t kNewKeys = 50'000'000;

struct Waits {
  std::vector<double> wall_us, cpu_us;  // sorted
  // Of the reader, by the system: it waited for a lock or the disk; it could have gone on.
  int64_t waits = 0, preemptions = 0;
};

rusage OfThread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage;
}

// One reader, for so long.
Waits ReadFor(double seconds, const VectorContender& contender, const VectorData& data) {
  using Clock = std::chrono::steady_clock;
  Waits waits;
  std::vector<uint32_t> hits;
  const rusage before = OfThread();
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (size_t i = 0; Clock::now() < end; ++i) {
    const auto begin = Clock::now();
    const double cpu_begin = ThreadCpuSeconds();
    contender.search(data.queries.at(i % data.queries.count()), &hits);
    waits.cpu_us.push_back((ThreadCpuSeconds() - cpu_begin) * 1e6);
    waits.wall_us.push_back(std::chrono::duration<double>(Clock::now() - begin).count() * 1e6);
  }
  const rusage after = OfThread();
  waits.waits = after.ru_nvcsw - before.ru_nvcsw;
  waits.preemptions = after.ru_nivcsw - before.ru_nivcsw;
  std::sort(waits.wall_us.begin(), waits.wall_us.end());
  std::sort(waits.cpu_us.begin(), waits.cpu_us.end());
  return waits;
}

void ReportWaits(VectorBench* bench, const std::string& name, const Waits& waits,
                 double inserts_per_second) {
  bench->report.Row("  " + name,
                    {Text(Quantile(waits.wall_us, 0.5), 0), Text(Quantile(waits.wall_us, 0.99), 0),
                     Text(waits.wall_us.back(), 0), Text(Quantile(waits.cpu_us, 0.5), 0),
                     Text(Quantile(waits.cpu_us, 0.99), 0), std::to_string(waits.waits),
                     std::to_string(waits.preemptions), Text(inserts_per_second, 0)});
  bench->report.Json({{"part", "readers"},
                      {"state", name},
                      {"searches", waits.wall_us.size()},
                      {"p50_us", Quantile(waits.wall_us, 0.5)},
                      {"p99_us", Quantile(waits.wall_us, 0.99)},
                      {"max_us", waits.wall_us.back()},
                      {"cpu_p50_us", Quantile(waits.cpu_us, 0.5)},
                      {"cpu_p99_us", Quantile(waits.cpu_us, 0.99)},
                      {"waits", waits.waits},
                      {"preemptions", waits.preemptions},
                      {"inserts_per_second", inserts_per_second}});
}

}  // namespace

void MeasureReadersPart(VectorBench* bench) {
  const std::string place = bench->Place("readers");
  {
    const std::unique_ptr<VectorStore> store = bench->store->CopyTo(place);
    store->Settle();
    const VectorContender contender = LibkvAt(store.get(), kUsualTarget, 0);
    bench->report.Table(
        "one reader beside one writer",
        {"p50 us", "p99 us", "max us", "CPU p50", "CPU p99", "waits", "preempted", "inserts/s"});
    ReportWaits(bench, "idle", ReadFor(bench->reader_seconds, contender, bench->data), 0);
    std::atomic<bool> stop{false};
    uint32_t inserted = 0;
    std::thread writer([&] {
      const VectorSet& base = bench->data.base;
      while (!stop) {
        store->Set(kNewKeys + inserted, base.at(inserted % base.count()));
        ++inserted;
      }
    });
    const Waits waits = ReadFor(bench->reader_seconds, contender, bench->data);
    stop = true;
    writer.join();
    ReportWaits(bench, "while inserting", waits, inserted / bench->reader_seconds);
  }
  std::filesystem::remove_all(place);
}

void MeasureSetPart(VectorBench* bench) {
  constexpr int kRounds = 5;
  constexpr uint32_t kSets = 400;  // a round, of each
  const std::string place = bench->Place("set");
  const VectorSet& base = bench->data.base;
  std::vector<double> us[2], process_us[2];  // without a vector, with one
  {
    const std::unique_ptr<VectorStore> store = bench->store->CopyTo(place);
    store->Settle();
    uint32_t next = kNewKeys;
    for (int turn = 0; turn < 2 * kRounds; ++turn) {
      const bool has_vector = turn % 2 == 1;
      const double begin = ThreadCpuSeconds(), process_begin = ProcessCpuSeconds();
      for (uint32_t i = 0; i < kSets; ++i, ++next) {
        store->Set(next, has_vector ? base.at(next % base.count()) : nullptr);
      }
      us[has_vector].push_back((ThreadCpuSeconds() - begin) * 1e6 / kSets);
      store->Settle();  // what it set off is its own
      process_us[has_vector].push_back((ProcessCpuSeconds() - process_begin) * 1e6 / kSets);
    }
  }
  std::filesystem::remove_all(place);
  bench->report.Table("single Set, written", {"caller us", "process us"});
  for (const bool has_vector : {false, true}) {
    bench->report.Row(has_vector ? "  with a vector" : "  without",
                      {Text(Summarise(us[has_vector]).median, 1),
                       Text(Summarise(process_us[has_vector]).median, 1)});
  }
  const double added = Summarise(us[1]).median - Summarise(us[0]).median;
  const double process_added = Summarise(process_us[1]).median - Summarise(process_us[0]).median;
  bench->report.Row("  added", {Text(added, 1), Text(process_added, 1)});
  bench->report.Json({{"part", "set"},
                      {"caller_us_without", Summarise(us[0]).median},
                      {"caller_us_with", Summarise(us[1]).median},
                      {"process_us_without", Summarise(process_us[0]).median},
                      {"process_us_with", Summarise(process_us[1]).median}});
}

}  // namespace libkv::perf
