// vector_bench: libkv's vector index beside hnswlib and Faiss. What the numbers mean:
// perf/README.md.
#include "vector_bench_parts.h"

#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <set>

#include "harness.h"
#include "search/engine.h"

namespace libkv::perf {
namespace {

namespace fs = std::filesystem;

struct Part {
  const char* name;
  void (*measure)(VectorBench*);
  bool needs_rivals;
};

constexpr Part kParts[] = {
    {"build", nullptr, true},  // reported while the others get what they need
    {"search", MeasureSearchPart, true},
    {"open", MeasureOpenPart, false},
    {"filters", MeasureFiltersPart, false},
    {"deletes", MeasureDeletesPart, true},
    {"churn", MeasureChurnPart, true},
    {"set", MeasureSetPart, false},
    {"readers", MeasureReadersPart, false},
    {"orders", MeasureOrdersPart, false},
};

constexpr size_t kBulk = 1'000;

// Where a run looks for vectors when it is told nothing: beside the project's folder, from which it
// is started.
constexpr const char* kUsualFolder = "../shared/data/vectors";
const std::string kGenerated = "50000x128";

struct Arguments {
  std::string data;
  std::string generate;
  size_t vectors_max = SIZE_MAX;
  size_t queries = 400;
  int passes = 3;
  uint64_t memory_megabytes = 1'024;
  size_t synced_vectors = 10'000;
  double reader_seconds = 3;
  std::vector<std::string> parts, rivals;
  bool alone = false, bits_only = false;
  std::string rival_cache, store_cache;
  std::string json_path;
  std::string directory = fs::temp_directory_path();
};

bool IsNamed(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

VectorData MakeData(const Arguments& arguments) {
  if (!arguments.data.empty()) {
    return ReadVectorData(arguments.data, arguments.vectors_max, arguments.queries);
  }
  size_t count = 0, dimension = 0;
  constexpr size_t kFloatsMax = size_t{1} << 31;
  const std::string& generate = arguments.generate.empty() ? kGenerated : arguments.generate;
  if (std::sscanf(generate.c_str(), "%zux%zu", &count, &dimension) != 2 || count == 0 ||
      dimension == 0 || dimension > kVectorDimensionMax || count > kFloatsMax / dimension) {
    Fail("--generate takes COUNTxDIMENSION");
  }
  return InventVectorData(std::min(count, arguments.vectors_max), dimension, arguments.queries);
}

uint64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// In a cache: by the data, so that runs with other data do not take it for theirs.
std::string CachedPlace(const std::string& cache, const VectorBench& bench) {
  fs::create_directories(cache);
  return cache + "/" + bench.data.name + "-" + std::to_string(bench.data.base.count());
}

// A rival's index, from the cache where it is there already.
BuiltRival BuildRival(const Arguments& arguments, const VectorBench& bench, VectorRivalKind kind) {
  BuiltRival built;
  const bool is_cached = !arguments.rival_cache.empty();
  built.path =
      CachedPlace(is_cached ? arguments.rival_cache : arguments.directory, bench) + "." + kind.name;
  const uint64_t before = HeapBytes();
  if (is_cached && fs::exists(built.path)) {
    built.index = kind.load(bench.data.base, built.path);
  } else {
    const double begin = ProcessCpuSeconds();
    built.index = kind.build(bench.data.base);
    built.build_seconds = ProcessCpuSeconds() - begin;
    built.index->Save(built.path);
  }
  built.memory_bytes = HeapBytes() - before;
  built.kind = std::move(kind);
  return built;
}

std::vector<uint32_t> AllNumbers(const VectorSet& base) {
  std::vector<uint32_t> numbers(base.count());
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

struct LoadFigures {
  size_t vectors = 0;
  double write_seconds = 0;   // of the process, until the last write was acknowledged
  double settle_seconds = 0;  // until nothing was left to do
  SpaceStats space;
  uint64_t disk_bytes = 0, files_bytes = 0;  // by Stats and by the file system
};

LoadFigures LoadAndSettle(VectorStore* store, const VectorSet* vectors,
                          std::span<const uint32_t> numbers, const std::string& directory,
                          Durability durability) {
  LoadFigures figures{.vectors = numbers.size()};
  const double begin = ProcessCpuSeconds();
  store->Load(vectors, numbers, kBulk, durability);
  figures.write_seconds = ProcessCpuSeconds() - begin;
  figures.settle_seconds = store->Settle() - begin;
  if (!store->store().Flush().ok()) Fail("cannot flush");
  store->Settle();
  figures.space = store->Space();
  figures.disk_bytes = store->store().Stats().disk_bytes;
  figures.files_bytes = DirectoryBytes(directory);
  return figures;
}

void ReportLoad(VectorBench* bench, const std::string& name, const LoadFigures& with) {
  const auto count = static_cast<double>(with.vectors);
  bench->report.Row("  " + name,
                    {Text(with.settle_seconds, 2), Text(count / with.settle_seconds, 0),
                     Text(count / with.write_seconds, 0),
                     Text(static_cast<double>(with.space.vector_bytes) / count, 0)});
  bench->report.Json({{"part", "build"},
                      {"index", name},
                      {"vectors", with.vectors},
                      {"cpu_seconds", with.settle_seconds},
                      {"write_cpu_seconds", with.write_seconds},
                      {"memory_bytes", with.space.vector_bytes},
                      {"lists", with.space.vector_lists}});
}

// Bytes on disk of a store with vectors beyond one without them.
void ReportDisk(VectorBench* bench, const LoadFigures& with, const LoadFigures& without) {
  const auto count = static_cast<double>(with.vectors);
  const double whole = static_cast<double>(with.disk_bytes - without.disk_bytes) / count;
  const double raw = static_cast<double>(bench->data.base.dimension * sizeof(float));
  bench->report.Row("  libkv on disk, bytes per vector", {Text(whole, 0)});
  bench->report.Row("  beyond its " + Text(raw, 0) + " as floats", {Text(whole - raw, 0)});
  bench->report.Json({{"part", "disk"},
                      {"bytes_per_vector", whole},
                      {"float_bytes", raw},
                      {"beyond", whole - raw},
                      {"with_files_bytes", with.files_bytes},
                      {"without_files_bytes", without.files_bytes}});
}

void ReportShares(VectorBench* bench, const SpaceStats& space) {
  std::printf("  %llu vectors in %llu lists; looked at for a target:",
              static_cast<unsigned long long>(space.vectors),
              static_cast<unsigned long long>(space.vector_lists));
  for (const SpaceStats::Recall& point : space.recall) {
    std::printf(" %.2f: %.2f %%, .%04.0f found", point.target, point.share * 100,
                point.delivered * 10'000);
    bench->report.Json({{"part", "depth"},
                        {"target", point.target},
                        {"share", point.share},
                        {"delivered", point.delivered}});
  }
  std::printf("%s\n", space.recall.empty() ? " everything" : "");
}

LoadFigures LoadInto(VectorBench* bench, const std::string& place, const VectorSet* vectors,
                     std::span<const uint32_t> numbers, Durability durability,
                     std::unique_ptr<VectorStore>* kept) {
  auto store = std::make_unique<VectorStore>(place, bench->data, bench->memory_bytes);
  const LoadFigures figures = LoadAndSettle(store.get(), vectors, numbers, place, durability);
  if (kept != nullptr) {
    *kept = std::move(store);
  } else {
    store.reset();
    fs::remove_all(place);
  }
  return figures;
}

// The settled store of an earlier run. False: the cache has none.
bool FindStore(const std::string& place, VectorBench* bench) {
  if (!fs::exists(place)) return false;
  bench->store = std::make_unique<VectorStore>(place, bench->data, bench->memory_bytes);
  bench->store->Settle();
  const SpaceStats space = bench->store->Space();
  if (space.vectors != bench->data.base.count())
    Fail("remove " + place + ": it was left unfinished");
  const auto count = static_cast<double>(space.vectors);
  bench->report.Row(
      "  libkv", {"from files", "", "", Text(static_cast<double>(space.vector_bytes) / count, 0)});
  ReportShares(bench, space);
  return true;
}

void LoadStores(bool reports_build, const std::string& place, VectorBench* bench) {
  const std::vector<uint32_t> numbers = AllNumbers(bench->data.base);
  const LoadFigures with =
      LoadInto(bench, place, &bench->data.base, numbers, Durability::kWritten, &bench->store);
  ReportLoad(bench, "libkv, written", with);
  ReportShares(bench, with.space);
  if (!reports_build) return;
  const auto few = std::span(numbers).first(std::min(bench->synced_vectors, numbers.size()));
  ReportLoad(bench, "libkv, synced, " + std::to_string(few.size()),
             LoadInto(bench, bench->Place("synced"), &bench->data.base, few, Durability::kSynced,
                      nullptr));
  ReportLoad(bench, "libkv, written, " + std::to_string(few.size()),
             LoadInto(bench, bench->Place("written"), &bench->data.base, few, Durability::kWritten,
                      nullptr));
  const LoadFigures without =
      LoadInto(bench, bench->Place("without"), nullptr, numbers, Durability::kWritten, nullptr);
  ReportLoad(bench, "libkv without vectors", without);
  ReportDisk(bench, with, without);
}

void Prepare(const Arguments& arguments, bool reports_build, bool needs_rivals,
             VectorBench* bench) {
  bench->report.Table("build (CPU of all threads)",
                      {"CPU s", "vectors/s", "writes/s", "RAM B/vector"});
  const bool is_cached = !arguments.store_cache.empty();
  const std::string kind = bench->data.bits_only ? ".bits.libkv" : ".libkv";
  const std::string place =
      is_cached ? CachedPlace(arguments.store_cache, *bench) + kind : bench->Place("main");
  if (!is_cached || !FindStore(place, bench)) LoadStores(reports_build, place, bench);
  if (!needs_rivals || arguments.alone) return;
  const auto count = static_cast<double>(bench->data.base.count());
  for (VectorRivalKind& rival_kind : VectorRivals()) {
    if (!IsNamed(arguments.rivals, rival_kind.name)) continue;
    const BuiltRival& rival =
        bench->rivals.emplace_back(BuildRival(arguments, *bench, std::move(rival_kind)));
    const bool was_built = rival.build_seconds > 0;
    bench->report.Row("  " + rival.kind.name,
                      {was_built ? Text(rival.build_seconds, 2) : "from file",
                       was_built ? Text(count / rival.build_seconds, 0) : "", "",
                       Text(static_cast<double>(rival.memory_bytes) / count, 0)});
    bench->report.Json({{"part", "build"},
                        {"index", rival.kind.name},
                        {"vectors", bench->data.base.count()},
                        {"cpu_seconds", rival.build_seconds},
                        {"memory_bytes", rival.memory_bytes}});
  }
}

class EmptyDirectory {
 public:
  explicit EmptyDirectory(std::string path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~EmptyDirectory() { fs::remove_all(path_); }

 private:
  const std::string path_;
};

// The folders to take data from, one after the other: that of --data, or those of kUsualFolder if
// nothing is asked for. Empty: the data is invented.
std::vector<std::string> FoldersFor(const Arguments& arguments) {
  if (!arguments.data.empty()) return {arguments.data};
  if (!arguments.generate.empty()) return {};
  const std::vector<std::string> folders = FindVectorFolders(kUsualFolder);
  if (folders.empty()) {
    std::printf("no vectors in %s: they are invented, %s\n", kUsualFolder, kGenerated.c_str());
  } else {
    std::printf("the vectors of %s:", kUsualFolder);
    for (const std::string& folder : folders) {
      std::printf(" %s", fs::path(folder).filename().c_str());
    }
    std::puts("");
  }
  return folders;
}

void RunOn(const Arguments& arguments, const std::string& command) {
  VectorData data = MakeData(arguments);
  data.bits_only = arguments.bits_only;
  std::printf("%s: %zu vectors, %zu dimensions, %zu queries, %s\n", data.name.c_str(),
              data.base.count(), data.base.dimension, data.queries.count(),
              data.by_direction ? "cosine" : "L2");
  if (data.base.count() < kNeighboursWanted || data.queries.count() == 0) Fail("too few vectors");

  const EmptyDirectory directory(arguments.directory);
  VectorBench bench{.data = data,
                    .directory = arguments.directory,
                    .passes = arguments.passes,
                    .memory_bytes = arguments.memory_megabytes << 20,
                    .synced_vectors = arguments.synced_vectors,
                    .reader_seconds = arguments.reader_seconds,
                    .store = nullptr,
                    .rivals = {},
                    .report = {}};
  bool needs_rivals = false;
  for (const Part& part : kParts) {
    needs_rivals = needs_rivals || (part.needs_rivals && IsNamed(arguments.parts, part.name));
  }
  Prepare(arguments, IsNamed(arguments.parts, "build"), needs_rivals, &bench);
  for (const Part& part : kParts) {
    if (part.measure != nullptr && IsNamed(arguments.parts, part.name)) part.measure(&bench);
  }
  bench.report.Save(arguments.json_path, data.name, command);
}

int RunAll(Arguments arguments, const std::string& command) {
  arguments.directory += "/vector_bench_" + std::to_string(getpid());  // of this run alone
  for (const std::string& name : arguments.parts) {
    if (std::none_of(std::begin(kParts), std::end(kParts),
                     [&](const Part& part) { return name == part.name; })) {
      Fail("no part " + name);
    }
  }
  const std::vector<std::string> folders = FoldersFor(arguments);
  if (folders.empty()) RunOn(arguments, command);
  for (const std::string& folder : folders) {
    arguments.data = folder;
    RunOn(arguments, command);
  }
  return 0;
}

}  // namespace
}  // namespace libkv::perf

int main(int argc, char** argv) {
  libkv::perf::Arguments arguments;
  CLI::App app("Measures libkv's vector index beside others, in turns.");
  app.add_option("--data", arguments.data,
                 "A folder with vectors; else those in " + std::string(libkv::perf::kUsualFolder) +
                     ", if it is there, else they are invented");
  app.add_option("--generate", arguments.generate,
                 "Invents COUNTxDIMENSION, " + libkv::perf::kGenerated + " unless told");
  app.add_option("--vectors", arguments.vectors_max, "Vectors at most")->check(CLI::PositiveNumber);
  app.add_option("--queries", arguments.queries, "Queries at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--passes", arguments.passes, "Times that all queries are asked")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--parts", arguments.parts,
                 "Of build,search,open,filters,deletes,churn,set,readers,orders; else all")
      ->delimiter(',');
  app.add_option("--rivals", arguments.rivals,
                 "Of hnswlib,faiss-hnsw,faiss-ivf,faiss-flat; else all that are there")
      ->delimiter(',');
  app.add_flag("--alone", arguments.alone, "Without the other indexes");
  app.add_option("--rival-cache", arguments.rival_cache,
                 "A folder where the others' indexes are kept, to be read by the next run");
  app.add_option("--store-cache", arguments.store_cache,
                 "A folder where libkv's store is kept, to be opened by the next run: it is not "
                 "built then");
  app.add_flag("--bits", arguments.bits_only, "libkv keeps a bit per dimension in memory");
  app.add_option("--memory-megabytes", arguments.memory_megabytes, "Of each store")
      ->check(CLI::Range(8, 1 << 20))
      ->capture_default_str();
  app.add_option("--synced-vectors", arguments.synced_vectors,
                 "So many are loaded once more with a sync for every thousand")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--reader-seconds", arguments.reader_seconds, "Of the part readers")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  app.add_option("--json", arguments.json_path, "Append one line of JSON per figure to this file");
  app.add_option("--dir", arguments.directory,
                 "Where the stores are made, in a folder that is removed again")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::string command;
  for (int i = 0; i < argc; ++i) command += (i > 0 ? " " : "") + std::string(argv[i]);
  return libkv::perf::RunAll(arguments, command);
}
