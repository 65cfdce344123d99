// A space that learns its embedder from its values.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "format/keys.h"
#include "support/store_test.h"

namespace libkv {
namespace {

// Texts of two subjects, whose words do not meet.
std::string TextOf(size_t i) {
  static const char* const kSubjects[2][8] = {
      {"ship", "harbour", "sail", "captain", "anchor", "wave", "island", "storm"},
      {"bread", "oven", "flour", "baker", "yeast", "butter", "salt", "dough"}};
  std::mt19937 random(static_cast<uint32_t>(i));
  std::string text;
  for (int word = 0; word < 6; ++word) {
    text += kSubjects[i % 2][random() % 8];
    text += ' ';
  }
  return text + std::to_string(i);
}

Options Learning() {
  Space space;
  space.prefix = "d";
  space.text = true;
  space.learn = true;
  return WithSpaces({space});
}

void Fill(Store& store, size_t first, size_t last) {
  Batch batch;
  for (size_t i = first; i < last; ++i) batch.Set("d" + std::to_string(i), TextOf(i));
  REQUIRE_OK(store.Apply({.durability = Durability::kWritten}, batch));
}

size_t DimensionOf(const Store& store) {
  const auto vector = store.GetVector({}, "d3");
  REQUIRE_OK(vector);
  return vector->size();
}

// The best hits for a word are of its subject.
void CheckSubjects(const Store& store) {
  for (const auto& [word, subject] : {std::pair("anchor", 0), {"flour", 1}}) {
    const auto near = store.SimilarText({.prefix = "d", .limit = 40}, word);
    REQUIRE_OK(near);
    REQUIRE(near->size() == 40);
    for (const Neighbor& hit : *near) CHECK(std::stoi(hit.key.substr(1)) % 2 == subject);
  }
  CheckVerifies(store);
}

TEST_CASE("an embedder is learnt on command, kept in the store, and needs nothing at open") {
  const TempDir dir;
  size_t dimension = 0;
  std::vector<float> vector;
  {
    const auto store = OpenStore(dir.path(), Learning());
    CHECK(absl::IsFailedPrecondition(store->TrainEmbedder("d")));  // from nothing
    Fill(*store, 0, 300);
    CHECK(DimensionOf(*store) == 1'024);  // hash/1
    REQUIRE_OK(store->TrainEmbedder("d"));
    dimension = DimensionOf(*store);
    CHECK(dimension < 1'024);
    CheckSubjects(*store);
    vector = *store->GetVector({}, "d3");
  }
  for (const Options& options : {Options(), Learning()}) {
    const auto store = OpenStore(dir.path(), options);
    CHECK(*store->GetVector({}, "d3") == vector);
    REQUIRE_OK(store->Set({}, "d3", TextOf(3)));
    CHECK(*store->GetVector({}, "d3") == vector);  // by the same model
    CheckSubjects(*store);
    REQUIRE_OK(store->TrainEmbedder("d"));
    CheckSubjects(*store);
    vector = *store->GetVector({}, "d3");
  }
  Options other = Learning();
  other.spaces[0].learn = false;
  CHECK(absl::IsFailedPrecondition(Store::Open(other, dir.path()).status()));
}

TEST_CASE("an embedder is learnt by itself from 2,000 values, and again at twice as many") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), Learning());
  const auto wait = [&](const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK(done());
  };
  Fill(*store, 0, 1'900);
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  CHECK(DimensionOf(*store) == 1'024);
  Fill(*store, 1'900, 2'000);
  wait([&] { return DimensionOf(*store) != 1'024; });
  CheckSubjects(*store);
  const std::vector<float> before = *store->GetVector({}, "d3");
  Fill(*store, 2'000, 3'900);
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  CHECK(*store->GetVector({}, "d3") == before);
  Fill(*store, 3'900, 4'100);
  wait([&] { return *store->GetVector({}, "d3") != before; });
  CheckSubjects(*store);
}

SpaceStats StatsOf(const Store& store) { return store.Stats().spaces.at(0); }

TEST_CASE("stores of the same texts learn the same model, however the texts came to be there") {
  std::vector<size_t> order(400);
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937 random(3);
  std::string embedder;
  for (const bool sealed : {false, true}) {
    CAPTURE(sealed);
    const TempDir dir;
    const auto store = OpenStore(dir.path(), Learning());
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t i : order) {
      const std::string key = "d" + std::to_string(i);
      if (i % 5 == 0) REQUIRE_OK(store->Set({Durability::kWritten}, key, "something else"));
      REQUIRE_OK(store->Set({Durability::kWritten}, key, TextOf(i)));
      REQUIRE_OK(store->Set({Durability::kWritten}, "dgone", TextOf(i + 1'000)));
    }
    REQUIRE_OK(store->Delete({Durability::kWritten}, "dgone"));
    if (sealed) REQUIRE_OK(store->SealIndex("d"));
    CHECK((StatsOf(*store).sealed_documents > 0) == sealed);
    REQUIRE_OK(store->TrainEmbedder("d"));
    const SpaceStats stats = StatsOf(*store);
    CHECK(stats.learnt_from == 400);
    CHECK(stats.embedder.starts_with("lsa/1:"));
    if (!embedder.empty()) CHECK(stats.embedder == embedder);
    embedder = stats.embedder;
    CheckSubjects(*store);
  }
}

TEST_CASE("a space without a word index learns from its values") {
  const TempDir dir;
  Options options = Learning();
  options.spaces[0].text = false;
  const auto store = OpenStore(dir.path(), options);
  Fill(*store, 0, 300);
  REQUIRE_OK(store->TrainEmbedder("d"));
  CHECK(StatsOf(*store).learnt_from == 300);
  CheckSubjects(*store);
}

TEST_CASE("the progress of a training is visible from its first words to its last vector") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), Learning());
  Fill(*store, 0, 1'900);
  CHECK_FALSE(StatsOf(*store).is_learning);
  std::atomic<bool> ended{false};
  std::vector<SpaceStats> seen;
  std::thread watcher([&] {
    while (!ended) seen.push_back(StatsOf(*store));
  });
  REQUIRE_OK(store->TrainEmbedder("d"));
  ended = true;
  watcher.join();
  std::set<double> shares;
  uint64_t most_reembedded = 0;
  double last_share = 0;
  for (const SpaceStats& stats : seen) {
    if (!stats.is_learning) continue;
    CHECK(stats.learning_progress >= last_share);
    last_share = stats.learning_progress;
    shares.insert(stats.learning_progress);
    if (stats.reembed_total > 0) CHECK(stats.learning_progress == 1);
    most_reembedded = std::max(most_reembedded, stats.reembedded);
  }
  CHECK(shares.size() >= 5);
  CHECK(last_share == 1);
  CHECK(most_reembedded > 0);
  CHECK_FALSE(StatsOf(*store).is_learning);
  CHECK(StatsOf(*store).learning_error.empty());
}

// Finds no words.
class SilentAnalyzer final : public Analyzer {
 public:
  std::string id() const override { return "silent/1"; }
  void Analyze(std::string_view /*text*/,
               absl::FunctionRef<void(const Token&)> /*sink*/) const override {}
};

TEST_CASE("a training that fails by itself is told, until one does not") {
  const TempDir dir;
  Options options = Learning();
  options.spaces[0].analyzer = std::make_shared<SilentAnalyzer>();
  const auto store = OpenStore(dir.path(), options);
  Fill(*store, 0, 2'000);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (StatsOf(*store).learning_error.empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(StatsOf(*store).learning_error ==
        "LSA cannot learn from 0 texts with words: 16 are the least");
  CHECK(StatsOf(*store).learnt_from == 0);
  CHECK(DimensionOf(*store) == 1'024);  // hash/1 stays in force
}

TEST_CASE("a store is closed while an embedder is being learnt, and is whole afterwards") {
  const TempDir dir;
  for (int round = 0; round < 6; ++round) {
    CAPTURE(round);
    const auto store = OpenStore(dir.path(), Learning());
    CheckVerifies(*store);
    Fill(*store, round * 2'500, (round + 1) * 2'500);
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 150));
  }
  CheckSubjects(*OpenStore(dir.path(), Learning()));
}

TEST_CASE("a damaged model is none: the store opens, Verify names it, and another one is learnt") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), Learning());
    Fill(*store, 0, 300);
    REQUIRE_OK(store->TrainEmbedder("d"));
  }
  {
    const auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    const auto batch = (*engine)->NewBatch();
    batch->Put(Family::kVectors, ModelKey(2, 0), "damaged");
    REQUIRE_OK((*engine)->Write(*batch, /*sync=*/true));
  }
  const auto store = OpenStore(dir.path(), Learning());
  CHECK(Value(*store, "d3") == TextOf(3));
  CHECK_OK(store->SimilarTo({.prefix = "d"}, "d3"));
  CHECK(absl::IsFailedPrecondition(store->Set({}, "dnew", "anchor")));
  CHECK(store->Verify()->problem_count == 1);
  REQUIRE_OK(store->TrainEmbedder("d"));
  REQUIRE_OK(store->Set({}, "d301", TextOf(301)));
  CheckSubjects(*store);
}

TEST_CASE("what contradicts learning is refused") {
  const TempDir dir;
  Options options = Learning();
  options.spaces[0].embedder = MakeHashEmbedder();
  CHECK(absl::IsInvalidArgument(Store::Open(options, dir.path()).status()));
  options = Learning();
  options.spaces[0].vector_dimension = 1'024;
  CHECK(absl::IsInvalidArgument(Store::Open(options, dir.path()).status()));
  options = Learning();
  options.spaces.push_back(TextSpace("t"));
  const auto store = OpenStore(dir.path(), options);
  CHECK(absl::IsNotFound(store->TrainEmbedder("x")));
  CHECK(absl::IsFailedPrecondition(store->TrainEmbedder("t")));
  CHECK(absl::IsFailedPrecondition(store->Reembed("d", MakeHashEmbedder())));
}

}  // namespace
}  // namespace libkv
