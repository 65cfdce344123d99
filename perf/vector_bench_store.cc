#include "vector_bench_store.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <thread>

#include "data.h"
#include "harness.h"
#include "search/engine.h"

namespace libkv::perf {
namespace {

using std::chrono::milliseconds;

// Below, everything is compared and there are no lists; see SimilarOptions::recall_target.
constexpr uint64_t kListsFrom = 33'000;
constexpr milliseconds kLook = milliseconds(100);
constexpr int kQuietLooks = 12;         // longer than the store pauses between two looks of its own
constexpr double kQuietSeconds = 0.02;  // of CPU, which we take for looking
constexpr auto kSettleMax = std::chrono::minutes(2);

void Check(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

std::unique_ptr<Store> OpenOrFail(const Options& options, const std::string& directory) {
  auto store = Store::Open(options, directory);
  Check(store.status());
  return std::move(*store);
}

bool IsMeasured(const SpaceStats& space) {
  if (space.vectors < kListsFrom) return true;
  return space.vector_lists > 0 && !space.recall.empty();
}

}  // namespace

std::string VectorKeyOf(uint32_t number) {
  char key[16];
  const int bytes = std::snprintf(key, sizeof key, "v%08u", number);
  return {key, static_cast<size_t>(bytes)};
}

uint32_t FilterValueOf(uint32_t number) {
  return static_cast<uint32_t>(Mix(number) % kFilterValues);
}

std::string VectorValueOf(uint32_t number) {
  return "{\"r\":" + std::to_string(FilterValueOf(number)) + "}";
}

VectorStore::VectorStore(std::string directory, const VectorData& data, size_t memory_bytes)
    : directory_(std::move(directory)) {
  libkv::Space space;
  space.vector_dimension = static_cast<uint32_t>(data.base.dimension);
  space.metric = data.by_direction ? Metric::kCosine : Metric::kL2;
  space.vector_memory = data.bits_only ? VectorMemory::kBits : VectorMemory::kCodes;
  options_.memory_bytes = memory_bytes;
  options_.spaces.push_back(space);
  store_ = OpenOrFail(options_, directory_);
}

VectorStore::~VectorStore() = default;

void VectorStore::Load(const VectorSet* vectors, std::span<const uint32_t> numbers, size_t bulk,
                       Durability durability) {
  Batch batch;
  for (size_t i = 0; i < numbers.size(); ++i) {
    SetOptions options;
    if (vectors != nullptr) options.vector = {vectors->at(numbers[i]), vectors->dimension};
    batch.Set(VectorKeyOf(numbers[i]), VectorValueOf(numbers[i]), options);
    if (batch.count() < bulk && i + 1 < numbers.size()) continue;
    Check(store_->Apply({durability}, batch));
    batch.Clear();
  }
}

void VectorStore::Delete(std::span<const uint32_t> numbers) {
  constexpr size_t kBulk = 1'000;
  Batch batch;
  for (size_t i = 0; i < numbers.size(); ++i) {
    batch.Delete(VectorKeyOf(numbers[i]));
    if (batch.count() < kBulk && i + 1 < numbers.size()) continue;
    Check(store_->Apply({Durability::kWritten}, batch));
    batch.Clear();
  }
}

void VectorStore::Set(uint32_t number, const float* vector) {
  SetOptions options;
  if (vector != nullptr) {
    options.vector = {vector, options_.spaces[0].vector_dimension};
  }
  Check(store_->Set({Durability::kWritten}, VectorKeyOf(number), VectorValueOf(number), options));
}

double VectorStore::Settle() {
  const auto give_up = std::chrono::steady_clock::now() + kSettleMax;
  double busy_until = ProcessCpuSeconds();
  int quiet = 0;
  while (quiet < kQuietLooks || !IsMeasured(Space())) {
    const double before = ProcessCpuSeconds();
    std::this_thread::sleep_for(kLook);
    const double now = ProcessCpuSeconds();
    quiet = now - before < kQuietSeconds ? quiet + 1 : 0;
    if (quiet == 0) busy_until = now;
    if (std::chrono::steady_clock::now() > give_up) {
      std::puts("libkv: still not settled after two minutes");
      return now;
    }
  }
  return busy_until;
}

void VectorStore::Search(const SimilarOptions& options, const float* query,
                         std::vector<uint32_t>* hits) {
  const auto found = store_->Similar(options, {query, options_.spaces[0].vector_dimension});
  Check(found.status());
  hits->clear();
  for (const Neighbor& neighbor : *found) {
    uint32_t number = 0;
    const std::string& key = neighbor.key;
    if (std::from_chars(key.data() + 1, key.data() + key.size(), number).ec != std::errc()) {
      Fail("a key that is not ours: " + key);
    }
    hits->push_back(number);
  }
}

std::unique_ptr<VectorStore> VectorStore::CopyTo(const std::string& directory) {
  Check(store_->Checkpoint(directory));
  VectorData like;
  like.base.dimension = options_.spaces[0].vector_dimension;
  like.by_direction = options_.spaces[0].metric == Metric::kCosine;
  return std::make_unique<VectorStore>(directory, like, options_.memory_bytes);
}

}  // namespace libkv::perf
