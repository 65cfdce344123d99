// kv_bench: libkv beside its twin. What the numbers mean: perf/README.md.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "durability.h"
#include "report.h"
#include "workloads.h"

namespace libkv::perf {
namespace {

struct Arguments {
  bool list = false;
  std::vector<std::string> names;
  double seconds = 2;
  int rounds = 5;
  int kills = 100;
  uint64_t seed = 1;
  std::string json_path;
  std::string directory = std::filesystem::temp_directory_path() / "kv_bench";
};

constexpr char kDurability[] = "durability";

// "set-synced" stands for itself and for set-synced-1, set-synced-8 and so on.
bool Matches(const std::string& wanted, const std::string& name) {
  return wanted == "all" || wanted == name || name.starts_with(wanted + "-");
}

bool IsWanted(const Arguments& arguments, const std::string& name) {
  for (const std::string& wanted : arguments.names) {
    if (Matches(wanted, name)) return true;
  }
  return false;
}

void PrintList(const std::vector<Workload>& workloads) {
  for (const Workload& workload : workloads) {
    std::printf("%-24s %s against %s: %s\n", workload.name.c_str(), workload.ours.name.c_str(),
                workload.twin.name.c_str(), workload.summary.c_str());
  }
  std::printf("%-24s kill -9 while writing, then compare every acknowledged key\n", kDurability);
}

// A misspelt name is an error before anything runs, not a workload silently left out.
void CheckNames(const Arguments& arguments, const std::vector<Workload>& workloads) {
  if (arguments.names.empty()) Fail("name a workload, or `all`; --list shows them");
  for (const std::string& wanted : arguments.names) {
    bool found = Matches(wanted, kDurability);
    for (const Workload& workload : workloads) found = found || Matches(wanted, workload.name);
    if (!found) Fail("no workload is named " + wanted + "; --list shows them");
  }
}

class JsonFile {
 public:
  explicit JsonFile(const std::string& path) {
    if (path.empty()) return;
    out_.open(path, std::ios::app);
    if (!out_) Fail("cannot write " + path);
  }
  void Add(const std::string& line) {
    if (out_.is_open()) out_ << line << std::endl;
  }

 private:
  std::ofstream out_;
};

int RunAll(const Arguments& arguments, const std::string& command) {
  const std::vector<Workload> workloads = AllWorkloads();
  if (arguments.list) {
    PrintList(workloads);
    return 0;
  }
  CheckNames(arguments, workloads);
  JsonFile json(arguments.json_path);
  const Settings settings{.duration = std::chrono::duration<double>(arguments.seconds),
                          .rounds = arguments.rounds,
                          .directory = arguments.directory};
  std::filesystem::create_directories(settings.directory);
  for (const Workload& workload : workloads) {
    if (!IsWanted(arguments, workload.name)) continue;
    const Result result = Run(workload, settings);
    PrintTable(workload, result);
    json.Add(ToJson(workload, settings, result, command));
  }
  if (!IsWanted(arguments, kDurability)) return 0;
  const DurabilityReport report =
      RunDurability(settings.directory + "/durability", arguments.kills, arguments.seed);
  Print(report);
  json.Add(ToJson(report, command));
  return report.ok() ? 0 : 1;
}

}  // namespace
}  // namespace libkv::perf

int main(int argc, char** argv) {
  libkv::perf::Arguments arguments;
  CLI::App app("Measures libkv beside a twin on raw RocksDB, in turns.");
  app.add_flag("--list", arguments.list, "Show the workloads and what they compare");
  app.add_option("NAME", arguments.names, "Workloads to run; `all`; or the beginning of names");
  app.add_option("--seconds", arguments.seconds, "Length of one sample")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "Samples of each side")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--kills", arguments.kills, "How often durability kills the writer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", arguments.seed, "Of the moments when durability kills")
      ->capture_default_str();
  app.add_option("--json", arguments.json_path,
                 "Append one line of JSON per workload to this file");
  app.add_option("--dir", arguments.directory, "Where the stores are made, on the disk to measure")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::string command;
  for (int i = 0; i < argc; ++i) command += (i > 0 ? " " : "") + std::string(argv[i]);
  return libkv::perf::RunAll(arguments, command);
}
