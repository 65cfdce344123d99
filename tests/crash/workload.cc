#include "crash/workload.h"

#include <charconv>
#include <memory>

namespace libkv::crash {
namespace {

// SplitMix64's finisher: numbers that look random and are the same in both processes.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string Words(uint64_t number, uint64_t count_max) {
  std::string words;
  for (uint64_t i = Mix(number) % (count_max + 1); i-- > 0;) {
    words += " word" + std::to_string(Mix(number + i) % 500);
  }
  return words;
}

// Cheap, and different for different texts.
class TextEmbedder : public Embedder {
 public:
  std::string identity() const override { return "crash/1"; }
  size_t dimension() const override { return kVectorDimension; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      uint64_t state = 1;
      for (const char c : texts[i]) state = Mix(state + static_cast<unsigned char>(c));
      for (size_t d = 0; d < kVectorDimension; ++d) {
        state = Mix(state + d);
        vectors[i * kVectorDimension + d] = static_cast<float>(state % 2'001) / 1'000 - 1;
      }
    }
    return absl::OkStatus();
  }
};

}  // namespace

Options StoreOptions() {
  Space texts;
  texts.prefix = "text:";
  texts.text = true;
  texts.metric = Metric::kL2;
  texts.embedder = std::make_shared<TextEmbedder>();
  texts.deferred = true;
  Space bulks;
  bulks.prefix = "bulk:";
  bulks.text = true;
  bulks.values = true;
  bulks.metric = Metric::kL2;
  bulks.embedder = texts.embedder;
  Space vectors;
  vectors.prefix = "vector:";
  vectors.metric = Metric::kL2;
  vectors.embedder = texts.embedder;
  vectors.vector_memory = VectorMemory::kBits;
  Options options;
  Space clusters;
  clusters.prefix = BlockPrefix(Role::kClusters);
  clusters.metric = Metric::kL2;
  clusters.vector_dimension = kVectorDimension;
  options.spaces = {texts, bulks, vectors, clusters};
  options.exact_vectors_max = kExactVectorsMin;  // lists are made early
  // Small buffers: flushes and compactions are interrupted too.
  options.memory_bytes = size_t{16} << 20;
  return options;
}

std::string KeyOf(size_t thread, uint64_t number) {
  return (RoleOf(thread) == Role::kTexts ? "text:" : "plain:") + std::to_string(thread) + ":" +
         std::to_string(Mix(number) % kKeysPerThread);
}

bool IsDelete(uint64_t number) { return Mix(number ^ 0xde1e7e) % 6 == 0; }

std::string ValueOf(size_t thread, uint64_t number) {
  const std::string head = std::to_string(number) + " ";
  if (RoleOf(thread) == Role::kTexts) return head + WordOf(thread, number) + Words(number, 30);
  return head + std::string(Mix(number) % 1'000, static_cast<char>('a' + number % 26));
}

std::string WordOf(size_t thread, uint64_t number) {
  return "thread" + std::to_string(thread) + "number" + std::to_string(number);
}

std::string BulkKey(size_t thread, size_t i) {
  return "bulk:" + std::to_string(thread) + ":" + std::to_string(i);
}

std::string BulkValue(size_t thread, uint64_t number, size_t i) {
  return std::to_string(number) + " " + WordOf(thread, number) + " item" + std::to_string(i) +
         Words(number + i, 10);
}

size_t BlocksOf(size_t thread) { return RoleOf(thread) == Role::kClusters ? 6 : kBlocksMax; }

size_t BlockKeys(size_t thread) { return RoleOf(thread) == Role::kClusters ? 250 : 100; }

size_t BlockOf(size_t thread, uint64_t number) { return Mix(number ^ 0xb10c) % BlocksOf(thread); }

std::string_view BlockPrefix(Role role) { return role == Role::kClusters ? "cluster:" : "vector:"; }

std::string BlockKey(size_t thread, size_t block, size_t i) {
  return std::string(BlockPrefix(RoleOf(thread))) + std::to_string(thread) + ":" +
         std::to_string(block) + ":" + std::to_string(i);
}

std::string BlockValue(size_t thread, uint64_t number, size_t i) {
  return std::to_string(number) + " " + WordOf(thread, number) + " item" + std::to_string(i);
}

std::vector<float> ClusterVector(size_t thread, uint64_t number, size_t i) {
  const auto uniform = [](uint64_t random) {
    return static_cast<float>(random % 2'001) / 1'000 - 1;
  };
  uint64_t centre = Mix(number * kThreads + thread), noise = Mix(centre + i + 1);
  std::vector<float> vector(kVectorDimension);
  for (float& x : vector) {
    centre = Mix(centre + 1);
    noise = Mix(noise + 1);
    x = uniform(centre) + 0.2F * uniform(noise);
  }
  return vector;
}

ListChanges ListChangesOf(const Store& store) {
  for (const SpaceStats& space : store.Stats().spaces) {
    if (space.prefix == BlockPrefix(Role::kClusters)) {
      return {.splits = space.list_splits, .merges = space.list_merges};
    }
  }
  return {};
}

std::string StampedKey(size_t thread, size_t i) {
  return (i % 2 == 0 ? "plain:stamped:" : "text:stamped:") + std::to_string(thread) + ":" +
         std::to_string(i);
}

std::string StampedValue(size_t thread, uint64_t number, size_t i) {
  return std::to_string(number) + " " + WordOf(thread, number) + " item" + std::to_string(i);
}

std::string StampOf(uint64_t number) {
  return std::to_string(number) + std::string(Mix(number) % 300, 's');
}

std::string RowName(size_t thread, size_t i) {
  return "thread/" + std::to_string(thread) + "/" + std::to_string(i);
}

std::string RowValue(uint64_t number, size_t i) {
  if (i + 1 == kBatchRows && IsDelete(number)) return "";
  return std::to_string(number) + " row" + std::string(Mix(number + i) % 500, 'r');
}

bool IsIncrement(uint64_t number) { return Mix(number ^ 0x1c) % 2 == 0; }

uint64_t NumberOf(std::string_view value) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc() ? number : 0;
}

}  // namespace libkv::crash
