// Verify names what is wrong with the rows of vectors, and Reindex repairs it.
#include <chrono>
#include <functional>
#include <thread>

#include "engine/engine.h"
#include "format/keys.h"
#include "index/vector_rows.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr uint32_t kSpace = 1;
constexpr size_t kDimension = 8;
constexpr size_t kCount = 1'500;

Options VectorOptions() {
  Space space;
  space.vector_dimension = kDimension;
  space.metric = Metric::kL2;
  Options options;
  options.spaces = {space};
  options.exact_vectors_max = kExactVectorsMin;
  return options;
}

std::vector<float> VectorOf(size_t i) {
  std::vector<float> vector(kDimension);
  for (size_t d = 0; d < kDimension; ++d) {
    vector[d] = static_cast<float>((i * 7 + d * d * 31) % 101) - 50;
  }
  return vector;
}

void Fill(const std::string& directory) {
  const std::unique_ptr<Store> store = OpenStore(directory, VectorOptions());
  Batch batch;
  for (size_t i = 0; i < kCount; ++i) {
    const std::vector<float> vector = VectorOf(i);
    SetOptions with;
    with.vector = vector;
    batch.Set("k" + std::to_string(i), "", with);
  }
  REQUIRE_OK(store->Apply({}, batch));
  for (int i = 0; i < 300 && store->Stats().spaces[0].recall.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  REQUIRE(store->Stats().spaces[0].vector_lists > 0);
}

// The rows of a kind, by their keys.
std::vector<std::pair<std::string, std::string>> Rows(const Engine& engine, VectorKind kind) {
  std::vector<std::pair<std::string, std::string>> rows;
  const std::string prefix = VectorPrefix(kSpace, kind);
  const auto cursor = engine.NewCursor(Family::kVectors, {}, prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    rows.emplace_back(cursor->key(), cursor->value());
  }
  return rows;
}

TEST_CASE("whatever is wrong with postings and lists is named, and repaired by Reindex") {
  const struct {
    const char* what;
    std::function<void(const Engine& engine, EngineBatch& batch)> damage;
  } cases[] = {
      {"a posting is missing",
       [](const Engine& engine, EngineBatch& batch) {
         batch.Delete(Family::kVectors, Rows(engine, VectorKind::kPosting)[17].first);
       }},
      {"a posting has another code",
       [](const Engine& engine, EngineBatch& batch) {
         auto [key, value] = Rows(engine, VectorKind::kPosting)[23];
         value[9] = static_cast<char>(value[9] ^ 1);
         batch.Put(Family::kVectors, key, value);
       }},
      {"a posting has another key",
       [](const Engine& engine, EngineBatch& batch) {
         auto [key, value] = Rows(engine, VectorKind::kPosting)[29];
         batch.Put(Family::kVectors, key, value + "x");
       }},
      {"a posting stands in two lists",
       [](const Engine& engine, EngineBatch& batch) {
         const auto rows = Rows(engine, VectorKind::kPosting);
         uint32_t list = 0;
         uint64_t document = 0;
         const size_t prefix = VectorPrefix(kSpace, VectorKind::kPosting).size();
         REQUIRE(ParsePostingSuffix(rows[3].first.substr(prefix), &list, &document));
         batch.Put(Family::kVectors, PostingKey(kSpace, list + 1, document), rows[3].second);
       }},
      {"a posting of nobody",
       [](const Engine& engine, EngineBatch& batch) {
         batch.Put(Family::kVectors, PostingKey(kSpace, 1, 1'000'000),
                   Rows(engine, VectorKind::kPosting)[0].second);
       }},
      {"a list row is missing",
       [](const Engine& engine, EngineBatch& batch) {
         batch.Delete(Family::kVectors, Rows(engine, VectorKind::kList)[5].first);
       }},
      {"a list row names a list that is not there",
       [](const Engine& engine, EngineBatch& batch) {
         batch.Put(Family::kVectors, Rows(engine, VectorKind::kList)[5].first,
                   EncodeListRow(4'000'000));
       }},
      {"a centroid is damaged",
       [](const Engine& engine, EngineBatch& batch) {
         auto [key, value] = Rows(engine, VectorKind::kCentroid)[2];
         value[7] = static_cast<char>(value[7] ^ 1);
         batch.Put(Family::kVectors, key, value);
       }},
      {"a centroid is missing",
       [](const Engine& engine, EngineBatch& batch) {
         batch.Delete(Family::kVectors, Rows(engine, VectorKind::kCentroid)[2].first);
       }},
      {"a centroid of no list",
       [](const Engine& engine, EngineBatch& batch) {
         const auto [key, value] = Rows(engine, VectorKind::kCentroid)[2];
         batch.Put(Family::kVectors, key + "x", value);
       }},
      {"a list row of nobody",
       [](const Engine&, EngineBatch& batch) {
         batch.Put(Family::kVectors, ListKey(kSpace, 1'000'000), EncodeListRow(1));
       }},
  };
  for (const auto& [what, damage] : cases) {
    CAPTURE(what);
    const TempDir dir;
    Fill(dir.path());
    {
      auto engine = Engine::Open({}, dir.path());
      REQUIRE_OK(engine);
      const auto batch = (*engine)->NewBatch();
      damage(**engine, *batch);
      REQUIRE_OK((*engine)->Write(*batch, true));
    }
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions());
    const absl::StatusOr<VerifyReport> report = store->Verify();
    REQUIRE_OK(report);
    CHECK(report->problem_count > 0);
    REQUIRE_OK(store->Reindex(""));
    CheckVerifies(*store);
    for (size_t i = 0; i < kCount; i += 97) {
      const auto found = store->Similar({.limit = 1, .exact = true}, VectorOf(i));
      REQUIRE_OK(found);
      CHECK(found->at(0).score == 0);
    }
  }
}

TEST_CASE("with a damaged centroid every vector is found as before") {
  // Goal: what is derived never keeps a store from being opened, nor a vector from being found.
  const TempDir dir;
  Fill(dir.path());
  {
    auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    const auto batch = (*engine)->NewBatch();
    for (auto& [key, value] : Rows(**engine, VectorKind::kCentroid)) {
      value[7] = static_cast<char>(value[7] ^ 1);
      batch->Put(Family::kVectors, key, value);
    }
    REQUIRE_OK((*engine)->Write(*batch, true));
  }
  Options read_only = VectorOptions();
  read_only.read_only = true;
  for (const Options& options : {read_only, VectorOptions()}) {
    const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
    for (size_t i = 0; i < kCount; i += 13) {
      for (const bool is_exact : {false, true}) {
        const auto found = store->Similar({.limit = 1, .exact = is_exact}, VectorOf(i));
        REQUIRE_OK(found);
        REQUIRE(found->size() == 1);
        CHECK(VectorOf(std::stoul(found->at(0).key.substr(1))) == VectorOf(i));
      }
    }
    const absl::StatusOr<VerifyReport> report = store->Verify();
    REQUIRE_OK(report);
    CHECK(report->problem_count > 0);
  }
}

TEST_CASE("Reindex goes on beside writers") {
  const TempDir dir;
  Fill(dir.path());
  const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions());
  std::thread writer([&] {
    for (size_t i = 0; i < 1'000; ++i) {
      const std::vector<float> vector = VectorOf(i + 5);
      SetOptions with;
      with.vector = vector;
      CHECK_OK(store->Set({.durability = Durability::kWritten}, "k" + std::to_string(i), "", with));
    }
  });
  for (int round = 0; round < 3; ++round) CHECK_OK(store->Reindex(""));
  writer.join();
  CheckVerifies(*store);
  CHECK(store->Stats().spaces[0].vectors == kCount);
}

}  // namespace
}  // namespace libkv
