#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "libkv/store.h"
#include "net/load.h"
#include "net/server_process.h"
#include "net_bench_parts.h"
#include "report.h"

namespace libkv::perf {
namespace {

constexpr size_t kTexts = 50'000, kWordsOfText = 40, kVocabulary = 20'000;
constexpr size_t kVectors = 20'000, kDimension = 128;
constexpr size_t kQueries = 300;
constexpr double kGoalUs = 100;

void Check(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}

// Words as frequent as in a language: the n-th about 1/n as often as the first.
std::string RandomWords(std::mt19937_64& random, size_t count) {
  static const double kLog = std::log(double{kVocabulary});
  std::uniform_real_distribution<double> share(0, 1);
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    const auto rank = static_cast<uint64_t>(std::exp(share(random) * kLog));
    if (i > 0) text += ' ';
    text += "w" + std::to_string(rank) + "x";
  }
  return text;
}

std::vector<float> RandomVector(std::mt19937_64& random) {
  std::normal_distribution<float> part;
  std::vector<float> vector(kDimension);
  for (float& element : vector) element = part(random);
  return vector;
}

std::unique_ptr<Store> OpenStore(const std::string& directory) {
  Options options;
  options.spaces = {{.prefix = "t:", .text = true},
                    {.prefix = "v:", .vector_dimension = kDimension}};
  auto store = Store::Open(options, directory);
  Check(store.status());
  return *std::move(store);
}

void Fill(const std::string& directory, std::mt19937_64& random) {
  const std::unique_ptr<Store> store = OpenStore(directory);
  Batch batch;
  const auto apply = [&](bool now) {
    if (batch.count() < 1'000 && !now) return;
    Check(store->Apply({.durability = Durability::kBuffered}, batch));
    batch.Clear();
  };
  for (size_t i = 0; i < kTexts; ++i) {
    batch.Set("t:" + std::to_string(i), RandomWords(random, kWordsOfText));
    apply(false);
  }
  for (size_t i = 0; i < kVectors; ++i) {
    batch.Set("v:" + std::to_string(i), "value", {.vector = RandomVector(random)});
    apply(false);
  }
  apply(true);
  Check(store->Flush());
}

struct Questions {
  std::vector<std::string> texts;
  std::vector<std::vector<float>> vectors;
};

// The median of asking each question once, by the library.
double InProcess(const Store& store, const Questions& questions, bool is_text) {
  std::vector<double> times;
  for (size_t i = 0; i < kQueries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    if (is_text) {
      Check(store.Search({.prefix = "t:"}, questions.texts[i]).status());
    } else {
      Check(store.Similar({.prefix = "v:"}, questions.vectors[i]).status());
    }
    const auto took = std::chrono::steady_clock::now() - start;
    times.push_back(std::chrono::duration<double, std::micro>(took).count());
  }
  return Summarise(std::move(times)).median;
}

double OverTheWire(uint16_t port, const Questions& questions, bool is_text) {
  const Dialect dialect = RespDialect([&](std::string& out, uint64_t n) {
    if (is_text) {
      return AppendResp(out, {"KV.SEARCH", questions.texts[n % kQueries], "PREFIX", "t:"});
    }
    const std::vector<float>& vector = questions.vectors[n % kQueries];
    const std::string_view bytes(reinterpret_cast<const char*>(vector.data()),
                                 vector.size() * sizeof(float));
    AppendResp(out, {"KV.SIMILAR", "PREFIX", "v:", "FP32", bytes});
  });
  return RunLoad(dialect, {.ports = {port}, .seconds = 600, .operations_max = kQueries}).p50_us;
}

}  // namespace

void RunSearchRows(const PartOptions& options) {
  const std::pair<const char*, bool> rows[] = {{"search-1x1", true}, {"similar-1x1", false}};
  if (std::none_of(std::begin(rows), std::end(rows),
                   [&](const auto& row) { return options.is_wanted(row.first); })) {
    return;
  }
  std::mt19937_64 random(1);
  const std::string directory = options.directory + "/net_bench-search";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  Fill(directory + "/store", random);
  Questions questions;
  for (size_t i = 0; i < kQueries; ++i) {
    questions.texts.push_back(RandomWords(random, 3));
    questions.vectors.push_back(RandomVector(random));
  }
  std::vector<double> library[2], server[2];
  for (int round = 0; round < options.rounds; ++round) {
    // The first time of each warms the caches.
    {
      const std::unique_ptr<Store> store = OpenStore(directory + "/store");
      for (const auto& [name, is_text] : rows) {
        InProcess(*store, questions, is_text);
        library[is_text].push_back(InProcess(*store, questions, is_text));
      }
    }
    const ServerProcess process(
        {options.kvserver, "--port", "{port}", "--data-dir", directory + "/store"},
        directory + "/log");
    for (const auto& [name, is_text] : rows) {
      OverTheWire(process.port(), questions, is_text);
      server[is_text].push_back(OverTheWire(process.port(), questions, is_text));
    }
  }
  for (const auto& [name, is_text] : rows) {
    std::vector<double> added;
    for (size_t i = 0; i < library[is_text].size(); ++i) {
      added.push_back(server[is_text][i] - library[is_text][i]);
    }
    const double by = Summarise(added).median;
    std::printf(
        "\n%s: p50 of %zu questions, the library %.0f us, kvserver %.0f us: adds %.0f us "
        "(goal: %.0f)%s\n",
        name, kQueries, Summarise(library[is_text]).median, Summarise(server[is_text]).median, by,
        kGoalUs, by <= kGoalUs ? "" : ", MISSED");
  }
  std::fflush(stdout);
  std::filesystem::remove_all(directory);
}

}  // namespace libkv::perf
