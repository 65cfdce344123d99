#include "search/libkv_engine.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "harness.h"
#include "libkv/store.h"
#include "report.h"
#include "search/libkv_index.h"

namespace libkv::perf {
namespace {

constexpr size_t kBatch = 1'000;
constexpr size_t kKeyDigits = 8;

// Eight digits.
std::string KeyOf(size_t number) {
  std::string key = std::to_string(number);
  key.insert(0, kKeyDigits - key.size(), '0');
  return key;
}

uint32_t NumberOf(std::string_view key) {
  uint32_t number = 0;
  std::from_chars(key.data(), key.data() + key.size(), number);
  return number;
}

Options OptionsFor(bool with_index) {
  Options options;
  if (with_index) options.spaces.push_back({.prefix = "", .text = true});
  return options;
}

// Writes documents [begin, end) in batches of 1,000.
void Load(Store& store, const std::vector<Document>& documents, size_t begin, size_t end) {
  std::vector<std::string> keys;
  std::vector<KeyValue> items;
  for (size_t first = begin; first < end; first += kBatch) {
    const size_t last = std::min(end, first + kBatch);
    keys.clear();
    items.clear();
    for (size_t i = first; i < last; ++i) keys.push_back(KeyOf(i));
    for (size_t i = first; i < last; ++i) items.push_back({keys[i - first], documents[i].text});
    Require(store.BulkSet({.durability = Durability::kWritten}, items));
  }
}

BuildCost BuildOneSegment(const std::vector<Document>& documents, bool with_index,
                          const std::string& directory) {
  const std::unique_ptr<Store> store = OpenStore(OptionsFor(with_index), directory);
  BuildCost cost;
  const double begin = ProcessCpuSeconds();
  Load(*store, documents, 0, documents.size());
  if (with_index) SealIndex(*store, "");
  Require(store->Flush());
  cost.write_cpu_seconds = ProcessCpuSeconds() - begin;
  if (with_index) MergeIndex(*store, "");
  cost.merge_cpu_seconds = ProcessCpuSeconds() - begin - cost.write_cpu_seconds;
  return cost;
}

// How many documents at the end stay in memory.
size_t DeltaCount(const std::vector<Document>& documents, uint64_t delta_bytes) {
  size_t count = 0;
  for (uint64_t bytes = 0; count < documents.size() / 2; ++count) {
    bytes += documents[documents.size() - 1 - count].text.size();
    if (bytes > delta_bytes) break;
  }
  return count;
}

BuildCost BuildManySegments(const std::vector<Document>& documents, uint64_t delta_bytes,
                            const std::string& directory) {
  const std::unique_ptr<Store> store = OpenStore(OptionsFor(true), directory);
  const double begin = ProcessCpuSeconds();
  const size_t sealed = documents.size() - DeltaCount(documents, delta_bytes);
  for (size_t i = 0; i < kSegments; ++i) {
    Load(*store, documents, sealed * i / kSegments, sealed * (i + 1) / kSegments);
    SealIndex(*store, "");
  }
  Load(*store, documents, sealed, documents.size());
  return {.write_cpu_seconds = ProcessCpuSeconds() - begin};
}

std::string InLibkvsLanguage(const Query& query) {
  std::string text;
  for (size_t i = 0; i < query.words.size(); ++i) {
    if (i > 0) text += query.kind == QueryKind::kOr ? " OR " : " ";
    text += query.words[i];
  }
  switch (query.kind) {
    case QueryKind::kTerm:
    case QueryKind::kOr:
    case QueryKind::kAnd:
      return text;
    case QueryKind::kPhrase:
      return '"' + text + '"';
    case QueryKind::kPrefix:
      return text + '*';
    case QueryKind::kFuzzy:
      return text + "~1";
  }
  Fail("a kind of query that libkv does not know");
}

class LibkvEngine final : public Engine {
 public:
  explicit LibkvEngine(const std::string& directory)
      : store_(OpenStore(OptionsFor(true), directory)) {}

  std::vector<Answer> Pass(const std::vector<Query>& queries) override {
    std::vector<Answer> answers(queries.size());
    const SearchOptions options{.limit = kTopHits};
    for (size_t i = 0; i < queries.size(); ++i) {
      const std::string text = InLibkvsLanguage(queries[i]);
      const double begin = ThreadCpuSeconds();
      const absl::StatusOr<SearchResult> result = store_->Search(options, text);
      answers[i].us = (ThreadCpuSeconds() - begin) * 1e6;
      Require(result.status());
      for (const Hit& hit : result->hits) answers[i].hits.push_back(NumberOf(hit.key));
    }
    return answers;
  }

 private:
  const std::unique_ptr<Store> store_;
};

std::unique_ptr<Engine> OpenEngine(const std::string& directory) {
  return std::make_unique<LibkvEngine>(directory);
}

// The store must be closed before its files are counted.
EngineKind Kind(std::string name,
                std::function<BuildCost(const std::vector<Document>&, const std::string&)> build) {
  return {std::move(name),
          [build = std::move(build)](const std::vector<Document>& documents,
                                     const std::string& directory) {
            BuildCost cost = build(documents, directory);
            cost.disk_bytes = DirectoryBytes(directory);
            return cost;
          },
          OpenEngine};
}

}  // namespace

EngineKind LibkvOneSegment() {
  return Kind(HasSegments() ? "libkv, 1 segment" : "libkv, index in memory",
              [](const std::vector<Document>& documents, const std::string& directory) {
                return BuildOneSegment(documents, true, directory);
              });
}

EngineKind LibkvManySegments(uint64_t delta_bytes) {
  return Kind("libkv, 10 segments + delta",
              [=](const std::vector<Document>& documents, const std::string& directory) {
                return BuildManySegments(documents, delta_bytes, directory);
              });
}

EngineKind LibkvWithoutIndex() {
  return Kind("libkv without index",
              [](const std::vector<Document>& documents, const std::string& directory) {
                return BuildOneSegment(documents, false, directory);
              });
}

OpenedIndex MeasureOpen(const std::string& directory) {
  const double begin = ProcessCpuSeconds();
  const std::unique_ptr<Store> store = OpenStore(OptionsFor(true), directory);
  OpenedIndex index{.open_cpu_seconds = ProcessCpuSeconds() - begin};
  const StoreStats stats = store->Stats();
  const SpaceStats& space = stats.spaces.at(0);
  index.memory_bytes = space.index_bytes;
  index.terms = space.terms;
  index.segments = SegmentCount(space);
  return index;
}

double LogBytesPerSet(const std::vector<Document>& documents, bool with_index,
                      const std::string& directory) {
  constexpr size_t kSets = 2'000;
  const std::unique_ptr<Store> store = OpenStore(OptionsFor(with_index), directory);
  const auto log_bytes = [&] {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().extension() == ".log") bytes += entry.file_size();
    }
    return bytes;
  };
  const uint64_t before = log_bytes();
  const size_t count = std::min(kSets, documents.size());
  uint64_t given = 0;
  for (size_t i = 0; i < count; ++i) {
    Require(store->Set({.durability = Durability::kWritten}, KeyOf(i), documents[i].text));
    given += kKeyDigits + documents[i].text.size();
  }
  return static_cast<double>(log_bytes() - before - given) / static_cast<double>(count);
}

ExcerptCost MeasureExcerpts(const std::vector<Document>& documents,
                            const std::vector<Query>& queries, const std::string& directory) {
  constexpr size_t kValueBytes = 10'000, kValues = 500, kExcerptBytes = 200;
  const std::unique_ptr<Store> store = OpenStore(OptionsFor(true), directory);
  for (size_t i = 0, next = 0; i < kValues; ++i) {
    std::string value;
    for (; value.size() < kValueBytes; next = (next + 1) % documents.size()) {
      value += documents[next].text + '\n';
    }
    Require(store->Set({.durability = Durability::kWritten}, KeyOf(i),
                       std::string_view(value).substr(0, kValueBytes)));
  }
  MergeIndex(*store, "");

  std::vector<double> with, without;
  for (const Query& query : queries) {
    if (query.kind != QueryKind::kOr) continue;
    const std::string text = InLibkvsLanguage(query);
    for (const size_t excerpt_bytes : {size_t{0}, kExcerptBytes}) {
      const double begin = ThreadCpuSeconds();
      const auto result = store->Search({.limit = kTopHits, .excerpt_bytes = excerpt_bytes}, text);
      const double us = (ThreadCpuSeconds() - begin) * 1e6;
      Require(result.status());
      if (result->hits.size() < kTopHits) break;  // too rare: not ten excerpts
      (excerpt_bytes == 0 ? without : with).push_back(us);
    }
  }
  if (with.empty()) return {};
  return {Summarise(with).median, Summarise(without).median};
}

}  // namespace libkv::perf
