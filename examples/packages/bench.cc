#include "packages/bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace packages {
namespace {

constexpr size_t kQuestions = 200;

struct Sample {
  std::string key, title;
};

std::vector<Sample> TakeSamples(const libkv::Store& store) {
  std::vector<Sample> all;
  const auto it = store.NewIterator({.fill_cache = false});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const auto json = nlohmann::json::parse(it->value(), nullptr, false);
    if (!json.is_object() || !json.contains("name")) continue;
    all.push_back({std::string(it->key()), json.value("summary", json.value("name", ""))});
  }
  std::vector<Sample> samples;
  for (size_t i = 0; i < kQuestions && !all.empty(); ++i) {
    samples.push_back(all[i * all.size() / kQuestions]);
  }
  return samples;
}

// The first two words of `title`.
std::string TwoWords(const std::string& title) {
  const size_t first = title.find(' ');
  return first == std::string::npos ? title : title.substr(0, title.find(' ', first + 1));
}

void Measure(const char* name, const std::vector<Sample>& samples,
             const std::function<absl::Status(const Sample&)>& ask) {
  std::vector<double> times;
  for (const Sample& sample : samples) {
    const auto start = std::chrono::steady_clock::now();
    const absl::Status status = ask(sample);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (!status.ok()) std::cerr << sample.key << ": " << status << "\n";
    times.push_back(time.count());
  }
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  std::printf("  %-28s %8.3f ms  %8.3f ms  %8.3f ms\n", name, times[times.size() / 2],
              times[times.size() * 95 / 100], times.back());
}

}  // namespace

void Bench(const libkv::Store& store) {
  const std::vector<Sample> samples = TakeSamples(store);
  std::printf("\n%zu questions of each kind   %11s  %11s  %11s\n", samples.size(), "median", "95 %",
              "greatest");
  Measure("one word", samples, [&](const Sample& sample) {
    return store.Search({}, sample.title.substr(0, sample.title.find(' '))).status();
  });
  Measure("two words", samples,
          [&](const Sample& sample) { return store.Search({}, TwoWords(sample.title)).status(); });
  Measure("two words, with excerpts", samples, [&](const Sample& sample) {
    return store.Search({.excerpt_bytes = 160}, TwoWords(sample.title)).status();
  });
  Measure("a phrase of two words", samples, [&](const Sample& sample) {
    return store.Search({}, "\"" + TwoWords(sample.title) + "\"").status();
  });
  Measure("like a stored text", samples,
          [&](const Sample& sample) { return store.SimilarTo({}, sample.key).status(); });
  Measure("like a new text", samples,
          [&](const Sample& sample) { return store.SimilarText({}, sample.title).status(); });
}

}  // namespace packages
