// Verify names what is wrong with the rows of vectors, and Reindex repairs it.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

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
std::vector<std::pair<std::string, std::string>> Rows(const Engine& engine, VectorKind kind,
                                                      uint32_t space = kSpace) {
  std::vector<std::pair<std::string, std::string>> rows;
  const std::string prefix = VectorPrefix(space, kind);
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

// -- Full vectors that are lost -------------------------------------------------------------------

// Enough for a bit of each to tell something.
constexpr size_t kLossyDimension = 60;

// Around some centres; no two are alike.
std::vector<float> RandomVector(size_t i) {
  std::mt19937 of_centre(static_cast<uint32_t>(i % 30)), of_vector(static_cast<uint32_t>(i) + 100);
  std::uniform_real_distribution<float> uniform(-50, 50);
  std::vector<float> vector(kLossyDimension);
  for (float& x : vector) x = uniform(of_centre) + uniform(of_vector) / 10;
  return vector;
}

// Texts are numbers of vectors.
class NumberEmbedder final : public Embedder {
 public:
  std::string identity() const override { return "numbers"; }
  size_t dimension() const override { return kLossyDimension; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string text(texts[i]);
      const bool is_number = text.find_first_not_of("0123456789") == std::string::npos;
      const std::vector<float> vector = RandomVector(is_number ? std::stoul(text) : 1'000'000);
      std::copy(vector.begin(), vector.end(),
                vectors.begin() + static_cast<ptrdiff_t>(i * kLossyDimension));
    }
    return absl::OkStatus();
  }
};

constexpr size_t kMissing = 100, kDamaged = 200;
constexpr int64_t kExpiry = 7'258'118'400'000;

struct LossySpace {
  std::string prefix;
  bool is_given = false;  // vectors come with values; else an embedder makes them
  VectorMemory memory = VectorMemory::kCodes;
  bool is_deferred = false;
};
const LossySpace kLossySpaces[] = {{"a/", true, VectorMemory::kCodes},
                                   {"b/", true, VectorMemory::kBits},
                                   {"c/", false, VectorMemory::kCodes},
                                   {"d/", false, VectorMemory::kBits},
                                   {"e/", false, VectorMemory::kCodes, true}};

Options LossyOptions() {
  Options options;
  options.exact_vectors_max = kExactVectorsMin;
  for (const LossySpace& one : kLossySpaces) {
    Space space;
    space.prefix = one.prefix;
    space.fields = {"n"};
    space.metric = Metric::kL2;
    space.vector_memory = one.memory;
    space.deferred = one.is_deferred;
    if (one.is_given) space.vector_dimension = kLossyDimension;
    if (!one.is_given) space.text_fields = {"t"};
    if (!one.is_given) space.embedder = std::make_shared<NumberEmbedder>();
    options.spaces.push_back(space);
  }
  return options;
}

std::string LossyValue(size_t i) {
  return "{\"n\":" + std::to_string(i) + ",\"t\":\"" + std::to_string(i) + "\"}";
}

void SetLossy(Batch& batch, const LossySpace& space, size_t i, const std::vector<float>& vector) {
  SetOptions with;
  if (space.is_given) with.vector = vector;
  const std::string stamp = "stamp " + std::to_string(i);
  with.stamp = stamp;
  with.expires_at = kExpiry;
  batch.Set(space.prefix + std::to_string(i), LossyValue(i), with);
}

// All spaces full, and of each the row of one vector gone, and that of another damaged.
void MakeLossy(const std::string& directory) {
  {
    const std::unique_ptr<Store> store = OpenStore(directory, LossyOptions());
    for (const LossySpace& space : kLossySpaces) {
      Batch batch;
      std::vector<std::vector<float>> vectors;
      for (size_t i = 0; i < kCount; ++i) vectors.push_back(RandomVector(i));
      for (size_t i = 0; i < kCount; ++i) SetLossy(batch, space, i, vectors[i]);
      REQUIRE_OK(store->Apply({}, batch));
    }
    REQUIRE_OK(store->WaitIndexed(std::chrono::seconds(60)));
    for (size_t i = 0; i < std::size(kLossySpaces); ++i) {
      for (int tries = 0; tries < 1'000 && store->Stats().spaces[i].recall.empty(); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
      REQUIRE_FALSE(store->Stats().spaces[i].recall.empty());
    }
  }
  auto engine = Engine::Open({}, directory);
  REQUIRE_OK(engine);
  const auto batch = (*engine)->NewBatch();
  for (uint32_t id = 1; id <= std::size(kLossySpaces); ++id) {
    auto rows = Rows(**engine, VectorKind::kVector, id);
    REQUIRE(rows.size() == kCount);  // in the order of the values
    batch->Delete(Family::kVectors, rows[kMissing].first);
    auto& [key, value] = rows[kDamaged];
    value[9] = static_cast<char>(value[9] ^ 1);
    batch->Put(Family::kVectors, key, value);
  }
  REQUIRE_OK((*engine)->Write(*batch, true));
}

// A copy of the one that is made once.
void CopyLossy(const std::string& directory) {
  static const TempDir made;
  static const bool is_made = (MakeLossy(made.path()), true);
  REQUIRE(is_made);
  std::filesystem::copy(made.path(), directory, std::filesystem::copy_options::recursive);
}

// The number of the value that is nearest to number `i`; nothing: the search says that the vector
// of one of the two is lost.
std::optional<size_t> NearestTo(const Store& store, const LossySpace& space, size_t i,
                                const SimilarOptions& options) {
  SimilarOptions similar = options;
  similar.prefix = space.prefix;
  similar.limit = 1;
  const auto found = store.Similar(similar, RandomVector(i));
  if (!found.ok()) {
    CHECK(absl::IsDataLoss(found.status()));
    const std::string text = StatusText(found);
    const std::string begin = "the vector of key '" + space.prefix;
    const bool is_told =
        text.find(begin + std::to_string(kMissing) + "' is missing: Reindex") != text.npos ||
        text.find(begin + std::to_string(kDamaged) + "' is damaged: Reindex") != text.npos;
    CHECK_MESSAGE(is_told, text);
    return std::nullopt;
  }
  REQUIRE(found->size() == 1);
  return std::stoul(found->at(0).key.substr(space.prefix.size()));
}

SimilarOptions Filtered(size_t first, size_t last) {
  SimilarOptions options;
  FieldFilter filter;
  filter.field = "n";
  filter.first = FieldValue(static_cast<double>(first));
  filter.last = FieldValue(static_cast<double>(last));
  options.filters = {filter};
  return options;
}

bool Names(const VerifyReport& report, const std::string& text) {
  return std::any_of(report.problems.begin(), report.problems.end(),
                     [&](const std::string& one) { return one.find(text) != std::string::npos; });
}

TEST_CASE("a lost full vector is named by Verify, and makes no search answer wrongly") {
  // Goal: whoever needs the vector is told whose it is; all others are answered as before. Method:
  // a missing and a damaged row in each kind of space, and every thirteenth value asked for.
  const TempDir dir;
  CopyLossy(dir.path());
  Options read_only = LossyOptions();
  read_only.read_only = true;
  for (const Options& options : {read_only, LossyOptions()}) {
    const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
    const auto report = store->Verify();
    REQUIRE_OK(report);
    for (const LossySpace& space : kLossySpaces) {
      CAPTURE(space.prefix);
      const std::string missing = space.prefix + std::to_string(kMissing);
      const std::string damaged = space.prefix + std::to_string(kDamaged);
      CHECK(Names(*report, "key '" + missing + "': the vector row is missing"));
      CHECK(Names(*report, "key '" + damaged + "': vector row"));
      CHECK(Value(*store, missing) == LossyValue(kMissing));
      CHECK(Value(*store, damaged) == LossyValue(kDamaged));
      size_t answered = 0, asked = 0;
      for (const bool is_exact : {false, true}) {
        CAPTURE(is_exact);
        SimilarOptions similar;
        similar.exact = is_exact;
        for (size_t i = 0; i < kCount; i += 13) {
          const std::optional<size_t> nearest = NearestTo(*store, space, i, similar);
          if (nearest.has_value()) CHECK(*nearest == i);
          answered += nearest.has_value() ? 1 : 0;
          ++asked;
        }
        // Its code is still there: it may be answered with it, but nobody else.
        for (const size_t lost : {kMissing, kDamaged}) {
          const std::optional<size_t> nearest = NearestTo(*store, space, lost, similar);
          if (nearest.has_value()) CHECK(*nearest == lost);
          if (is_exact) CHECK_FALSE(nearest.has_value());
        }
      }
      CHECK(answered * 10 >= asked * 9);
      CHECK(NearestTo(*store, space, 300, Filtered(250, 350)) == 300);
      CHECK_FALSE(NearestTo(*store, space, kMissing, Filtered(kMissing, kMissing)).has_value());
      CHECK_FALSE(NearestTo(*store, space, kDamaged, Filtered(kDamaged, kDamaged)).has_value());
      CHECK(absl::IsDataLoss(store->GetVector({}, damaged).status()));
      CHECK(absl::IsDataLoss(store->SimilarTo({.prefix = space.prefix}, damaged).status()));
      // Where an embedder makes the vectors, a value may have none.
      const absl::Status gone = store->GetVector({}, missing).status();
      CHECK((space.is_given ? absl::IsDataLoss(gone) : absl::IsNotFound(gone)));
      CHECK(store->SimilarTo({.prefix = space.prefix}, missing).status().code() == gone.code());
      if (options.read_only) continue;
      // Another expiry does not hide the loss: it is refused, or the embedder is asked again.
      for (const std::string& key : {missing, damaged}) {
        Batch batch;
        batch.SetExpiry(key, kExpiry + 1);
        const absl::Status status = store->Apply({}, batch);
        const bool is_made_again = key == missing && !space.is_given;
        CHECK((is_made_again ? status.ok() : absl::IsDataLoss(status)));
        CHECK(*store->GetExpiry({}, key) == (is_made_again ? kExpiry + 1 : kExpiry));
        if (is_made_again) {
          REQUIRE_OK(store->WaitIndexed(std::chrono::seconds(60)));
          CHECK(*store->GetVector({}, key) == RandomVector(kMissing));
        }
      }
    }
  }
}

TEST_CASE("Reindex makes lost vectors again where an embedder can, and leaves others out") {
  const TempDir dir;
  CopyLossy(dir.path());
  std::unique_ptr<Store> store = OpenStore(dir.path(), LossyOptions());
  for (const LossySpace& space : kLossySpaces) REQUIRE_OK(store->Reindex(space.prefix));
  REQUIRE_OK(store->WaitIndexed(std::chrono::seconds(60)));
  for (const bool is_opened_again : {false, true}) {
    CAPTURE(is_opened_again);
    if (is_opened_again) store.reset();
    if (is_opened_again) store = OpenStore(dir.path(), LossyOptions());
    const auto report = store->Verify();
    REQUIRE_OK(report);
    CHECK(report->problem_count == 4);  // two of each space whose vectors were given
    for (const LossySpace& space : kLossySpaces) {
      CAPTURE(space.prefix);
      for (const size_t lost : {kMissing, kDamaged}) {
        CAPTURE(lost);
        const std::string key = space.prefix + std::to_string(lost);
        CHECK(Names(*report, "key '" + key + "'") == space.is_given);
        // The value is as it was.
        const auto entry = store->GetEntry({}, key);
        REQUIRE_OK(entry);
        CHECK(entry->value == LossyValue(lost));
        CHECK(entry->stamp == "stamp " + std::to_string(lost));
        CHECK(*store->GetExpiry({}, key) == kExpiry);
        const auto vector = store->GetVector({}, key);
        CHECK(vector.ok() == !space.is_given);
        if (vector.ok()) CHECK(*vector == RandomVector(lost));
        if (!vector.ok()) CHECK(absl::IsDataLoss(vector.status()));
        const auto filtered = store->Similar(
            [&] {
              SimilarOptions options = Filtered(lost, lost);
              options.prefix = space.prefix;
              return options;
            }(),
            RandomVector(lost));
        REQUIRE_OK(filtered);
        CHECK(filtered->size() == (space.is_given ? 0 : 1));
      }
      for (const bool is_exact : {false, true}) {
        SimilarOptions similar;
        similar.exact = is_exact;
        for (size_t i = 0; i < kCount; i += 20) {
          const std::optional<size_t> nearest = NearestTo(*store, space, i, similar);
          REQUIRE(nearest.has_value());
          const bool is_lost = space.is_given && (i == kMissing || i == kDamaged);
          CHECK((*nearest == i) == !is_lost);
        }
      }
    }
  }
  // Given once more they are whole.
  Batch batch;
  const std::vector<float> missing = RandomVector(kMissing), damaged = RandomVector(kDamaged);
  for (const LossySpace& space : kLossySpaces) {
    SetLossy(batch, space, kMissing, missing);
    SetLossy(batch, space, kDamaged, damaged);
  }
  REQUIRE_OK(store->Apply({}, batch));
  REQUIRE_OK(store->WaitIndexed(std::chrono::seconds(60)));
  CheckVerifies(*store);
  for (const LossySpace& space : kLossySpaces) {
    for (const size_t i : {kMissing, kDamaged}) {
      CHECK(NearestTo(*store, space, i, {.exact = true}) == i);
    }
  }
}

Options LossyOptionsOfOne() {
  Options options = VectorOptions();
  options.spaces[0].vector_dimension = kLossyDimension;
  return options;
}

TEST_CASE("lost full vectors do not keep lists from being made, nor recall from being measured") {
  const TempDir dir;
  Options options = LossyOptionsOfOne();
  options.exact_vectors_max = 2 * kCount;
  {
    const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
    Batch batch;
    std::vector<std::vector<float>> vectors;
    for (size_t i = 0; i < kCount; ++i) vectors.push_back(RandomVector(i));
    for (size_t i = 0; i < kCount; ++i) {
      SetOptions with;
      with.vector = vectors[i];
      batch.Set("k" + std::to_string(i), "", with);
    }
    REQUIRE_OK(store->Apply({}, batch));
  }
  {
    auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    const auto batch = (*engine)->NewBatch();
    auto rows = Rows(**engine, VectorKind::kVector);
    for (size_t i = 0; i < rows.size(); i += 100) {
      auto& [key, value] = rows[i];
      value[9] = static_cast<char>(value[9] ^ 1);
      if (i % 200 == 0) batch->Put(Family::kVectors, key, value);
      if (i % 200 != 0) batch->Delete(Family::kVectors, key);
    }
    REQUIRE_OK((*engine)->Write(*batch, true));
  }
  const std::unique_ptr<Store> store = OpenStore(dir.path(), LossyOptionsOfOne());
  for (int i = 0; i < 1'000 && store->Stats().spaces[0].recall.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(store->Stats().spaces[0].vector_lists > 0);
  CHECK(store->Stats().spaces[0].recall.size() == 3);
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
