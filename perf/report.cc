#include "report.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

namespace libkv::perf {
namespace {

using Number = std::function<double(const Sample&)>;

std::vector<double> Each(const std::vector<Sample>& samples, const Number& number) {
  std::vector<double> numbers;
  for (const Sample& sample : samples) numbers.push_back(number(sample));
  return numbers;
}

// Round by round: neighbours in time met the same machine.
std::vector<double> Ratios(const Result& result, const Number& number) {
  std::vector<double> ratios;
  for (size_t i = 0; i < result.ours.size(); ++i) {
    ratios.push_back(number(result.ours[i]) / number(result.twin[i]));
  }
  return ratios;
}

double PerSecond(const Sample& sample) { return sample.per_second(); }
double CpuUs(const Sample& sample) { return sample.cpu_us(); }
double SyncsPerOperation(const Sample& sample) { return sample.syncs_per_operation(); }

void PrintSide(const std::string& name, const std::vector<Sample>& samples) {
  const Summary speed = Summarise(Each(samples, PerSecond));
  const int digits = speed.median < 1'000 ? 1 : 0;
  std::printf("  %-8s %12.*f/s (%.*f .. %.*f)   %9.3f us CPU   %7.4f syncs\n", name.c_str(), digits,
              speed.median, digits, speed.min, digits, speed.max,
              Summarise(Each(samples, CpuUs)).median,
              Summarise(Each(samples, SyncsPerOperation)).median);
}

nlohmann::json ToJson(const Summary& summary) {
  return {{"median", summary.median}, {"min", summary.min}, {"max", summary.max}};
}

nlohmann::json ToJson(const std::string& name, const std::vector<Sample>& samples) {
  nlohmann::json list = nlohmann::json::array();
  for (const Sample& sample : samples) {
    list.push_back({{"operations", sample.operations},
                    {"seconds", sample.seconds},
                    {"cpu_seconds", sample.cpu_seconds},
                    {"syncs", sample.syncs}});
  }
  return {{"name", name},
          {"per_second", ToJson(Summarise(Each(samples, PerSecond)))},
          {"cpu_us_per_operation", ToJson(Summarise(Each(samples, CpuUs)))},
          {"syncs_per_operation", ToJson(Summarise(Each(samples, SyncsPerOperation)))},
          {"samples", std::move(list)}};
}

}  // namespace

Summary Summarise(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const size_t half = numbers.size() / 2;
  const double median =
      numbers.size() % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
  return {median, numbers.front(), numbers.back()};
}

void PrintTable(const Workload& workload, const Result& result) {
  std::printf("%s: %s\n", workload.name.c_str(), workload.summary.c_str());
  PrintSide(workload.ours.name, result.ours);
  PrintSide(workload.twin.name, result.twin);
  const Summary speed = Summarise(Ratios(result, PerSecond));
  const Summary cpu = Summarise(Ratios(result, CpuUs));
  std::printf("  ratio    %12.3f   (%.3f .. %.3f)   CPU %.3f (%.3f .. %.3f)\n", speed.median,
              speed.min, speed.max, cpu.median, cpu.min, cpu.max);
  std::fflush(stdout);
}

std::string ToJson(const Workload& workload, const Settings& settings, const Result& result,
                   const std::string& command) {
  const nlohmann::json line = {
      {"workload", workload.name},
      {"summary", workload.summary},
      {"command", command},
      {"seconds", settings.duration.count()},
      {"rounds", settings.rounds},
      {"cpus", std::thread::hardware_concurrency()},
      {"ours", ToJson(workload.ours.name, result.ours)},
      {"twin", ToJson(workload.twin.name, result.twin)},
      {"ratio",
       {{"per_second", ToJson(Summarise(Ratios(result, PerSecond)))},
        {"cpu_us_per_operation", ToJson(Summarise(Ratios(result, CpuUs)))}}}};
  return line.dump();
}

}  // namespace libkv::perf
