// Postings at rest are brought together on disk: an open walks over all of them.
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "format/keys.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr size_t kDimension = 64;
constexpr uint64_t kLooseBytes = uint64_t{2} << 20;

Options SmallBuffers() {
  Space space;
  space.prefix = "v";
  space.vector_dimension = kDimension;
  Options options = WithSpaces({space});
  options.exact_vectors_max = 1'000;
  options.memory_bytes = size_t{16} << 20;
  return options;
}

std::string KeyOf(size_t i) { return "v" + std::to_string(i); }

std::vector<float> VectorOf(size_t i) {
  std::mt19937 random(static_cast<uint32_t>(i));
  std::normal_distribution<float> normal;
  std::vector<float> vector(kDimension);
  for (float& x : vector) x = normal(random);
  return vector;
}

void Write(Store& store, size_t first, size_t last) {
  Batch batch;
  for (size_t i = first; i < last; ++i) {
    const std::vector<float> vector = VectorOf(i);
    batch.Set(KeyOf(i), "value", {.vector = vector});
  }
  REQUIRE_OK(store.Apply({.durability = Durability::kWritten}, batch));
}

// Of the tables with postings, as they are on disk now.
Engine::LevelBytes PostingBytes(const Store& store) {
  const TempDir copy;
  const std::string directory = copy.path("copy");
  REQUIRE_OK(store.Checkpoint(directory));
  const auto engine = Engine::Open({}, directory);
  REQUIRE_OK(engine);
  const std::string postings = VectorPrefix(1, VectorKind::kPosting);
  return (*engine)->BytesOf(Family::kVectors, postings, PrefixEnd(postings));
}

TEST_CASE("postings that came bit by bit are brought together at rest, and nothing changes") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), SmallBuffers());
  size_t count = 0;
  const auto is_loose = [&] {
    const Engine::LevelBytes bytes = PostingBytes(*store);
    return bytes.above > std::max(kLooseBytes, bytes.last / 4);
  };
  do {
    Write(*store, count, count + 1'000);
    count += 1'000;
    REQUIRE(count <= 60'000);
  } while (!is_loose());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (is_loose() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  CHECK_FALSE(is_loose());
  for (size_t i = 0; i < count; i += 487) {
    const auto near = store->Similar({.prefix = "v", .limit = 1}, VectorOf(i));
    REQUIRE_OK(near);
    CHECK(near->at(0).key == KeyOf(i));
  }
  CheckVerifies(*store);
}

TEST_CASE("a store that is closed and opened while postings are compacted has all of them") {
  const TempDir dir;
  for (size_t round = 0; round < 4; ++round) {
    CAPTURE(round);
    const auto store = OpenStore(dir.path(), SmallBuffers());
    Write(*store, round * 6'000, (round + 1) * 6'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500 + 400 * round));
  }
  const auto store = OpenStore(dir.path(), SmallBuffers());
  const auto report = store->Verify();
  REQUIRE_OK(report);
  CHECK(report->problem_count == 0);
  CHECK(report->vectors == 24'000);
}

}  // namespace
}  // namespace libkv
