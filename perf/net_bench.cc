// net_bench: kvserver beside other servers, by one client, in turns.
//
//   net_bench [--seconds 2] [--rounds 3] [--rows set,get,...] [--kvrocks FILE] [--beside FILE]
//             [--dir FOLDER]
//
// Every sample starts a fresh server; one that is to be read from is filled, and asked for all keys
// once, before the measurement. The servers take turns within a round, and the order changes every
// round. Reported are the medians: operations a second, the median and 99 % latency of a
// round of a pipeline, CPU time of the server per operation, and for kvserver syncs per operation
// by its own counter. Then what is not beside a server: see net_bench_parts.h.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/load.h"
#include "net/server_process.h"
#include "net_bench_parts.h"
#include "report.h"
#include "support/loopback.h"

namespace libkv::perf {
namespace {

constexpr uint64_t kKeys = 200'000;
constexpr size_t kValueBytes = 100;

struct Contender {
  std::string name;
  std::vector<std::string> argv;
};

struct Row {
  std::string name;
  int connections, depth;
  bool fill = false;  // all keys are there before
  // By contender: null: it takes no part.
  std::function<Dialect(const std::string& contender)> dialect;
  std::vector<std::string> contenders;
};

struct Options {
  double seconds = 2;
  int rounds = 3;
  std::vector<std::string> rows;
  std::string kvrocks, beside, directory, programs;
};

struct Sample {
  LoadResult load;
  double cpu_us = 0, syncs = 0, resident_mb = 0;
};

uint64_t KvSyncs(uint16_t port) {
  std::string request;
  AppendResp(request, {"INFO", "stats"});
  const std::string info = Ask(port, request, RespDialect({}));
  const size_t at = info.find("kv_syncs:");
  return at == std::string::npos ? 0 : std::strtoull(info.c_str() + at + 9, nullptr, 10);
}

std::vector<Contender> Contenders(const Options& options) {
  const std::string bin = options.programs;
  std::vector<Contender> contenders = {
      {"null", {bin + "/perf/null_server", "{port}"}},
      {"kvserver", {bin + "/kvserver", "--port", "{port}", "--data-dir", "{dir}/store"}},
      {"kvserver-written",
       {bin + "/kvserver", "--port", "{port}", "--data-dir", "{dir}/store", "--durability",
        "written"}},
  };
  if (!options.beside.empty()) {
    for (const size_t i : {size_t{1}, size_t{2}}) {
      Contender other = contenders[i];
      other.name = i == 1 ? "beside" : "beside-written";
      other.argv[0] = options.beside;
      contenders.push_back(std::move(other));
    }
  }
  const auto add = [&](const std::string& program, const std::string& name,
                       std::vector<std::string> arguments) {
    const std::string file =
        program.find('/') == std::string::npos ? FindProgram(program) : program;
    if (file.empty()) {
      std::printf("%s is not installed: left out\n", program.c_str());
      return;
    }
    arguments.insert(arguments.begin(), file);
    contenders.push_back({name, std::move(arguments)});
  };
  const auto redis = [&](const std::string& name, const std::string& aof, const std::string& sync) {
    add("redis-server", name,
        {"--port", "{port}", "--bind", "127.0.0.1", "--dir", "{dir}", "--save", "", "--appendonly",
         aof, "--appendfsync", sync});
  };
  redis("redis-none", "no", "no");
  redis("redis-everysec", "yes", "everysec");
  redis("redis-always", "yes", "always");
  add("memcached", "memcached",
      {"-p", "{port}", "-l", "127.0.0.1", "-U", "0", "-t", "1", "-u", "nobody"});
  if (!options.kvrocks.empty()) {
    add(options.kvrocks, "kvrocks", {"--port", "{port}", "--bind", "127.0.0.1", "--dir", "{dir}"});
    add(options.kvrocks, "kvrocks-synced",
        {"--port", "{port}", "--bind", "127.0.0.1", "--dir", "{dir}",
         "--rocksdb.write_options.sync", "yes"});
  }
  return contenders;
}

std::vector<Row> Rows() {
  const auto set = [](const std::string& contender) {
    return contender == "memcached" ? MemcachedSet(kKeys, kValueBytes)
                                    : RespSet(kKeys, kValueBytes);
  };
  const auto get = [](const std::string& contender) {
    return contender == "memcached" ? MemcachedGet(kKeys) : RespGet(kKeys);
  };
  const std::vector<std::string> durable = {"null", "kvserver", "beside", "redis-always",
                                            "kvrocks-synced"};
  const std::vector<std::string> written = {"null",       "kvserver-written", "beside-written",
                                            "redis-none", "redis-everysec",   "memcached",
                                            "kvrocks"};
  std::vector<Row> rows;
  for (const auto& [connections, depth] :
       std::vector<std::pair<int, int>>{{1, 1}, {50, 1}, {1, 16}, {50, 16}}) {
    const std::string shape = std::to_string(connections) + "x" + std::to_string(depth);
    rows.push_back({"set-durable-" + shape, connections, depth, false, set, durable});
    rows.push_back({"set-written-" + shape, connections, depth, false, set, written});
    rows.push_back(
        {"get-" + shape,
         connections,
         depth,
         true,
         get,
         {"null", "kvserver-written", "beside-written", "redis-none", "memcached", "kvrocks"}});
  }
  rows.push_back({"json-set-written-50x16",
                  50,
                  16,
                  false,
                  [](const std::string&) { return JsonLineSet(kKeys, kValueBytes); },
                  {"kvserver-written"}});
  rows.push_back({"json-get-50x16",
                  50,
                  16,
                  true,
                  [](const std::string&) { return JsonLineGet(kKeys); },
                  {"kvserver-written"}});
  rows.push_back({"http-put-written-50x1",
                  50,
                  1,
                  false,
                  [](const std::string&) { return HttpPut(kKeys, kValueBytes); },
                  {"kvserver-written"}});
  rows.push_back({"http-get-50x1",
                  50,
                  1,
                  true,
                  [](const std::string&) { return HttpGet(kKeys); },
                  {"kvserver-written"}});
  return rows;
}

// Requests for so many random keys that nearly all are among them.
void RunForAllKeys(const Dialect& dialect, uint16_t port) {
  uint64_t next = 0;
  const Dialect counted = {[&](std::string& out, uint64_t) { dialect.request(out, next++); },
                           dialect.reply};
  while (next < 3 * kKeys) {
    RunLoad(counted, {.ports = {port}, .connections = 50, .depth = 64, .seconds = 0.3});
  }
}

Sample Measure(const Row& row, const Contender& contender, const Options& options) {
  const std::string directory = options.directory + "/net_bench-" + contender.name;
  std::filesystem::remove_all(directory);
  ServerProcess server(contender.argv, directory);
  if (row.fill) {
    const bool is_memcached = contender.name == "memcached";
    RunForAllKeys(is_memcached ? MemcachedSet(kKeys, kValueBytes) : RespSet(kKeys, kValueBytes),
                  server.port());
    RunForAllKeys(is_memcached ? MemcachedGet(kKeys) : RespGet(kKeys), server.port());
  }
  const bool is_ours = contender.name.starts_with("kvserver");
  const uint64_t syncs = is_ours ? KvSyncs(server.port()) : 0;
  const double cpu = server.cpu_seconds();
  Sample sample;
  sample.load = RunLoad(row.dialect(contender.name), {.ports = {server.port()},
                                                      .connections = row.connections,
                                                      .depth = row.depth,
                                                      .seconds = options.seconds});
  const auto operations = static_cast<double>(sample.load.operations);
  sample.cpu_us = (server.cpu_seconds() - cpu) * 1e6 / operations;
  sample.resident_mb = server.resident_mb();
  if (is_ours) sample.syncs = static_cast<double>(KvSyncs(server.port()) - syncs) / operations;
  return sample;
}

double MedianOf(const std::vector<Sample>& samples,
                const std::function<double(const Sample&)>& of) {
  std::vector<double> numbers;
  for (const Sample& sample : samples) numbers.push_back(of(sample));
  return Summarise(std::move(numbers)).median;
}

void Print(const Row& row, const std::vector<const Contender*>& contenders,
           const std::map<std::string, std::vector<Sample>>& samples) {
  std::printf("\n%s: %d connections, pipelines of %d\n", row.name.c_str(), row.connections,
              row.depth);
  std::printf("  %-18s %12s %8s %10s %10s %9s %9s %8s\n", "", "operations/s", "ours/it", "p50 us",
              "p99 us", "CPU us/op", "syncs/op", "RSS MB");
  const std::vector<Sample>* ours = nullptr;
  for (const auto& [name, list] : samples) {
    if (name.starts_with("kvserver")) ours = &list;
  }
  for (const Contender* const contender : contenders) {
    const std::vector<Sample>& list = samples.at(contender->name);
    std::vector<double> ratios;
    for (size_t i = 0; ours != nullptr && i < list.size(); ++i) {
      ratios.push_back((*ours)[i].load.per_second() / list[i].load.per_second());
    }
    std::printf("  %-18s %12.0f %8.2f %10.0f %10.0f %9.2f %9.4f %8.0f\n", contender->name.c_str(),
                MedianOf(list, [](const Sample& s) { return s.load.per_second(); }),
                ratios.empty() ? 0 : Summarise(ratios).median,
                MedianOf(list, [](const Sample& s) { return s.load.p50_us; }),
                MedianOf(list, [](const Sample& s) { return s.load.p99_us; }),
                MedianOf(list, [](const Sample& s) { return s.cpu_us; }),
                MedianOf(list, [](const Sample& s) { return s.syncs; }),
                MedianOf(list, [](const Sample& s) { return s.resident_mb; }));
  }
  std::fflush(stdout);
}

void RunRow(const Row& row, const std::vector<Contender>& all, const Options& options) {
  std::vector<const Contender*> contenders;
  for (const Contender& contender : all) {
    if (std::count(row.contenders.begin(), row.contenders.end(), contender.name) > 0) {
      contenders.push_back(&contender);
    }
  }
  std::map<std::string, std::vector<Sample>> samples;
  for (int round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      const Contender& contender =
          *contenders[(i + static_cast<size_t>(round)) % contenders.size()];
      samples[contender.name].push_back(Measure(row, contender, options));
    }
  }
  Print(row, contenders, samples);
}

}  // namespace
}  // namespace libkv::perf

int main(int argc, char** argv) {
  using libkv::perf::Row;
  CLI::App app("kvserver beside other servers.");
  libkv::perf::Options options;
  options.directory = std::filesystem::temp_directory_path();
  options.programs = std::filesystem::canonical("/proc/self/exe").parent_path().parent_path();
  app.add_option("--seconds", options.seconds, "Of one sample")->capture_default_str();
  app.add_option("--rounds", options.rounds, "Samples per server")->capture_default_str();
  app.add_option("--rows", options.rows, "Only those whose names contain one of these")
      ->delimiter(',');
  app.add_option("--kvrocks", options.kvrocks, "Program of Apache Kvrocks, to be beside");
  app.add_option("--beside", options.beside, "Another build of kvserver, to be beside");
  app.add_option("--dir", options.directory, "Where the servers keep their data: the disk counts")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    const auto contenders = libkv::perf::Contenders(options);
    const auto is_wanted = [&](const std::string& row) {
      return options.rows.empty() ||
             std::any_of(options.rows.begin(), options.rows.end(), [&](const std::string& part) {
               return row.find(part) != std::string::npos;
             });
    };
    for (const Row& row : libkv::perf::Rows()) {
      if (is_wanted(row.name)) libkv::perf::RunRow(row, contenders, options);
    }
    const libkv::perf::PartOptions parts = {options.programs + "/kvserver", options.directory,
                                            options.rounds, is_wanted};
    libkv::perf::RunSearchRows(parts);
    libkv::perf::RunMemoryRows(parts);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "net_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
