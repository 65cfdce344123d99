#include <cstdio>
#include <filesystem>
#include <string>

#include "net/load.h"
#include "net/server_process.h"
#include "net_bench_parts.h"

namespace libkv::perf {
namespace {

constexpr uint64_t kValues = 1'000'000;
constexpr size_t kValueBytes = 100;
constexpr double kShareMax = 1.2;  // of the budget

void RunMemoryRow(const PartOptions& options, int budget_mib) {
  const std::string directory = options.directory + "/net_bench-memory";
  std::filesystem::remove_all(directory);
  ServerProcess server({options.kvserver, "--port", "{port}", "--data-dir", "{dir}/store",
                        "--durability", "written", "--memory", std::to_string(budget_mib) + "MB"},
                       directory);
  const double empty = server.peak_mb();
  const LoadSettings load{.ports = {server.port()},
                          .connections = 50,
                          .depth = 16,
                          .seconds = 3'600,
                          .operations_max = kValues};
  RunLoad(RespSetEach(kValueBytes), load);
  const double loaded = server.peak_mb();
  RunLoad(RespDialect([](std::string& out, uint64_t n) {
            AppendResp(out, {"GET", EachKey(n)});
          }),
          load);
  const double read = server.peak_mb();
  const double share = read / (budget_mib * 1.048576);
  std::printf(
      "\nmemory-%d: most MB resident: empty %.0f, %llu values of %zu B written %.0f, read "
      "%.0f: %.2f of the budget (goal: %.1f)%s\n",
      budget_mib, empty, static_cast<unsigned long long>(kValues), kValueBytes, loaded, read, share,
      kShareMax, share <= kShareMax ? "" : ", MISSED");
  std::fflush(stdout);
}

}  // namespace

void RunMemoryRows(const PartOptions& options) {
  for (const int budget_mib : {256, 128}) {
    if (options.is_wanted("memory-" + std::to_string(budget_mib))) {
      RunMemoryRow(options, budget_mib);
    }
  }
}

}  // namespace libkv::perf
