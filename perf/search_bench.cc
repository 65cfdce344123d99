// search_bench: libkv's word index beside Lucene, Xapian and SQLite FTS5. What the numbers mean:
// perf/README.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness.h"
#include "report.h"
#include "search/documents.h"
#include "search/engine.h"
#include "search/latency.h"
#include "search/libkv_engine.h"
#include "search/libkv_index.h"
#include "search/query.h"

namespace libkv::perf {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string data, queries;  // files; empty: invented
  size_t documents = 50'000;
  uint64_t delta_megabytes = 30;
  int rounds = 5;
  int index_rounds = 3;
  bool quick = false;
  bool alone = false;
  bool keeps = false;
  std::vector<std::string> classes;  // empty: all
  std::string json_path;
  std::string directory = fs::temp_directory_path() / "search_bench";
};

constexpr size_t kQuickDocuments = 10'000;
constexpr int kQuickRounds = 3;
constexpr size_t kQuickStride = 4;        // every fourth query
constexpr size_t kInventedQueries = 100;  // of a class

struct Built {
  EngineKind kind;
  std::string directory;
  std::vector<BuildCost> costs;  // by round
};

double Megabytes(uint64_t bytes) { return static_cast<double>(bytes) * 1e-6; }

double MedianOf(const std::vector<BuildCost>& costs, double (*number)(const BuildCost&)) {
  std::vector<double> numbers;
  for (const BuildCost& cost : costs) numbers.push_back(number(cost));
  return Summarise(std::move(numbers)).median;
}
double WriteSeconds(const BuildCost& cost) { return cost.write_cpu_seconds; }
double MergeSeconds(const BuildCost& cost) { return cost.merge_cpu_seconds; }

// Each index in a process of its own, so that its CPU time is its own.
void BuildOnce(const std::vector<Document>& documents, Built* built) {
  fs::remove_all(built->directory);
  built->costs.push_back(
      ResultOfChild<BuildCost>([&] { return built->kind.build(documents, built->directory); }));
}

// Makes every index; ours and the plain store in turns and several times, the rivals once.
void BuildAll(const Arguments& arguments, const std::vector<Document>& documents,
              std::vector<Built>* ours, std::vector<Built>* rivals) {
  for (int round = 0; round < arguments.index_rounds; ++round) {
    for (Built& built : *ours) BuildOnce(documents, &built);
  }
  for (Built& built : *rivals) BuildOnce(documents, &built);
}

void PrintIndexing(uint64_t text_bytes, const std::vector<Built>& all,
                   std::vector<std::string>* json) {
  std::printf("\n%-28s %12s %12s %12s %12s\n", "indexing", "CPU s", "MB / CPU s", "merge CPU s",
              "disk / text");
  for (const Built& built : all) {
    const double write = MedianOf(built.costs, WriteSeconds);
    const double merge = MedianOf(built.costs, MergeSeconds);
    const double size =
        static_cast<double>(built.costs.back().disk_bytes) / static_cast<double>(text_bytes);
    std::printf("  %-26s %12.2f %12.1f %12.2f %12.3f\n", built.kind.name.c_str(), write,
                Megabytes(text_bytes) / write, merge, size);
    json->push_back(nlohmann::json({{"indexing", built.kind.name},
                                    {"cpu_seconds", write},
                                    {"merge_cpu_seconds", merge},
                                    {"disk_per_text", size}})
                        .dump());
  }
}

// What the index alone took: the store with it less the store without.
void PrintIndexAlone(uint64_t text_bytes, const Built& with, const Built& without) {
  const double seconds = MedianOf(with.costs, WriteSeconds) - MedianOf(without.costs, WriteSeconds);
  const double bytes = static_cast<double>(with.costs.back().disk_bytes) -
                       static_cast<double>(without.costs.back().disk_bytes);
  std::printf("  %-26s %12.2f %12.1f %12s %12.3f\n", "libkv, index only", seconds,
              Megabytes(text_bytes) / seconds, "", bytes / static_cast<double>(text_bytes));
}

void PrintOpened(uint64_t text_bytes, const Built& built) {
  const OpenedIndex index =
      ResultOfChild<OpenedIndex>([&] { return MeasureOpen(built.directory); });
  std::printf("  %s: %.2f s of CPU to open, memory / text %.3f, %llu terms",
              built.kind.name.c_str(), index.open_cpu_seconds,
              static_cast<double>(index.memory_bytes) / static_cast<double>(text_bytes),
              static_cast<unsigned long long>(index.terms));
  if (index.segments >= 0) {
    std::printf(", %lld segments", static_cast<long long>(index.segments));
  }
  std::printf("\n");
}

void PrintLogBytes(const std::vector<Document>& documents, const std::string& directory) {
  double bytes[2];
  for (const bool with_index : {false, true}) {
    fs::remove_all(directory);
    bytes[with_index] =
        ResultOfChild<double>([&] { return LogBytesPerSet(documents, with_index, directory); });
  }
  fs::remove_all(directory);
  std::printf("  log bytes per Set beyond key and value: %.0f, of which the index %.0f\n", bytes[1],
              bytes[1] - bytes[0]);
}

void PrintExcerpts(const std::vector<Document>& documents, const std::vector<Query>& queries,
                   const std::string& directory) {
  fs::remove_all(directory);
  const ExcerptCost cost =
      ResultOfChild<ExcerptCost>([&] { return MeasureExcerpts(documents, queries, directory); });
  fs::remove_all(directory);
  std::printf("\nexcerpts of 10 hits of 10 KB: %.0f us of CPU (%.0f with the search for them)\n",
              cost.with_us - cost.without_us, cost.with_us);
}

bool IsWanted(const Arguments& arguments, const Query& query) {
  const std::vector<std::string>& classes = arguments.classes;
  return classes.empty() ||
         std::find(classes.begin(), classes.end(), query.query_class) != classes.end();
}

std::vector<Query> QueriesFor(const Arguments& arguments, const std::vector<Document>& documents) {
  const size_t count = arguments.quick ? kInventedQueries / kQuickStride : kInventedQueries;
  std::vector<Query> queries =
      arguments.queries.empty()
          ? InventQueries(documents, count)
          : ReadQueries(arguments.queries, arguments.quick ? kQuickStride : 1);
  for (Query& query : InventDictionaryQueries(documents, count / 2)) {
    queries.push_back(std::move(query));
  }
  std::erase_if(queries, [&](const Query& query) { return !IsWanted(arguments, query); });
  return queries;
}

void SaveJson(const Arguments& arguments, const std::string& command,
              const std::vector<std::string>& lines) {
  if (arguments.json_path.empty()) return;
  std::ofstream out(arguments.json_path, std::ios::app);
  for (const std::string& line : lines) {
    nlohmann::json object = nlohmann::json::parse(line);
    object["command"] = command;
    out << object.dump() << '\n';
  }
  if (!out.flush()) Fail("cannot write " + arguments.json_path);
}

// Makes the indexes and prints what they cost.
void BuildAndReport(const Arguments& arguments, const std::vector<Document>& documents,
                    const std::vector<Query>& queries, std::vector<Built> ours,
                    std::vector<Built> rivals, std::vector<std::string>* json) {
  const uint64_t text_bytes = TextBytes(documents);
  BuildAll(arguments, documents, &ours, &rivals);
  std::vector<Built> all = ours;
  all.insert(all.end(), rivals.begin(), rivals.end());
  PrintIndexing(text_bytes, all, json);
  PrintIndexAlone(text_bytes, ours[0], ours[1]);
  for (const Built& built : ours) {
    if (&built != &ours[1]) PrintOpened(text_bytes, built);
  }
  PrintLogBytes(documents, arguments.directory + "/log");
  PrintExcerpts(documents, queries, arguments.directory + "/excerpts");
}

int RunAll(Arguments arguments, const std::string& command) {
  if (arguments.quick) {
    arguments.documents = std::min(arguments.documents, kQuickDocuments);
    arguments.rounds = std::min(arguments.rounds, kQuickRounds);
    arguments.index_rounds = 1;
  }
  const std::vector<Document> documents = arguments.data.empty()
                                              ? InventDocuments(arguments.documents)
                                              : ReadDocuments(arguments.data, arguments.documents);
  const uint64_t text_bytes = TextBytes(documents);
  std::printf("%zu documents, %.1f MB of text%s\n", documents.size(), Megabytes(text_bytes),
              arguments.data.empty() ? ", invented" : "");
  if (!HasSegments()) std::puts("libkv: this version keeps its whole word index in memory");

  fs::create_directories(arguments.directory);
  const auto place = [&](const EngineKind& kind) {
    return Built{kind, arguments.directory + "/" + kind.name, {}};
  };
  std::vector<Built> ours = {place(LibkvOneSegment()), place(LibkvWithoutIndex())};
  if (HasSegments())
    ours.push_back(place(LibkvManySegments(arguments.delta_megabytes * 1'000'000)));
  std::vector<Built> rivals;
  if (!arguments.alone) {
    for (const EngineKind& kind : Rivals()) rivals.push_back(place(kind));
  }

  std::vector<Built> all = ours;
  all.insert(all.end(), rivals.begin(), rivals.end());
  const bool are_there =
      arguments.keeps && std::all_of(all.begin(), all.end(), [](const Built& built) {
        return fs::exists(built.directory);
      });
  std::vector<std::string> json;
  const std::vector<Query> queries = QueriesFor(arguments, documents);
  if (!are_there) BuildAndReport(arguments, documents, queries, ours, rivals, &json);
  std::fflush(stdout);

  // From here on this process has threads and starts no child by fork.
  std::vector<Contender> contenders;
  for (const Built& built : all) {
    if (&built == &all[1]) continue;  // the store without an index has no answers
    contenders.push_back({built.kind.name, built.kind.open(built.directory)});
  }
  const Rounds rounds = Measure(contenders, queries, arguments.rounds);
  PrintLatencies(contenders, queries, rounds, &json);
  SaveJson(arguments, command, json);
  contenders.clear();
  if (arguments.keeps) return 0;
  for (const Built& built : all) fs::remove_all(built.directory);
  return 0;
}

}  // namespace
}  // namespace libkv::perf

int main(int argc, char** argv) {
  libkv::perf::Arguments arguments;
  CLI::App app("Measures libkv's word index beside other search engines, in turns.");
  app.add_option("--data", arguments.data,
                 "Documents, lines of id TAB text, packed by xz or not; else invented ones");
  app.add_option("--queries", arguments.queries,
                 "Queries, lines of class TAB words; else taken from the documents");
  app.add_option("--documents", arguments.documents, "Documents at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--delta-megabytes", arguments.delta_megabytes,
                 "Text that is not sealed beside the ten segments, at most half of all")
      ->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "Passes of each engine over the queries")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--index-rounds", arguments.index_rounds, "How often libkv's indexes are made")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--quick", arguments.quick,
               "10,000 documents, a quarter of the queries, fewer rounds");
  app.add_flag("--alone", arguments.alone, "Without the other engines");
  app.add_option("--classes", arguments.classes, "Only queries of these classes")->delimiter(',');
  app.add_flag("--keep", arguments.keeps,
               "Leave the indexes there; if all of them are there already, only search them");
  app.add_option("--json", arguments.json_path, "Append one line of JSON per table to this file");
  app.add_option("--dir", arguments.directory, "Where the indexes are made and removed again")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::string command;
  for (int i = 0; i < argc; ++i) command += (i > 0 ? " " : "") + std::string(argv[i]);
  return libkv::perf::RunAll(arguments, command);
}
