// Vectors that are made after their values. Oracle: the vector of every key is the one that the
// test's embedder makes of the value that stands there.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "libkv/store/deferred_values.h"
#include "support/store_test.h"

namespace libkv {
namespace {

// Waits while it is shut, fails while it is down, refuses texts with "bad", and all others with
// "cursed" fail.
class GatedEmbedder final : public Embedder {
 public:
  explicit GatedEmbedder(uint64_t model = 1, bool takes_all = false)
      : model_(model), takes_all_(takes_all) {}
  std::string identity() const override { return "gated/" + std::to_string(model_); }
  size_t dimension() const override { return kDeferredDimension; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    bool is_bad = false, is_cursed = false;
    for (const std::string_view text : texts) {
      is_bad = is_bad || text.find("bad") != std::string_view::npos;
      is_cursed = is_cursed || text.find("cursed") != std::string_view::npos;
    }
    {
      std::unique_lock lock(mutex_);
      ++calls_;
      inside_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !is_shut_; });
      inside_ = false;
    }
    if (is_down_) return absl::UnavailableError("the service is down");
    if (is_bad && !takes_all_) return absl::InvalidArgumentError("a bad text");
    if (is_cursed && !takes_all_ && !is_lifted_) return absl::InternalError("a cursed text");
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::vector<float> vector = VectorOf(texts[i], model_);
      std::copy(vector.begin(), vector.end(),
                vectors.begin() + static_cast<ptrdiff_t>(i * kDeferredDimension));
    }
    return absl::OkStatus();
  }

  void Shut(bool is_shut) {
    const std::lock_guard lock(mutex_);
    is_shut_ = is_shut;
    changed_.notify_all();
  }
  void WaitInside() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_; });
  }
  void SetDown(bool is_down) { is_down_ = is_down; }
  void LiftCurse() { is_lifted_ = true; }
  size_t calls() const { return calls_; }
  uint64_t model() const { return model_; }

 private:
  const uint64_t model_;
  const bool takes_all_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable bool inside_ = false;
  bool is_shut_ = false;
  std::atomic<bool> is_down_{false}, is_lifted_{false};
  mutable std::atomic<size_t> calls_{0};
};
using Gated = std::shared_ptr<GatedEmbedder>;

TEST_CASE("a deferred value is found by words at once, and by its vector when that is made") {
  const TempDir dir;
  const auto embedder = std::make_shared<GatedEmbedder>();
  const auto store = OpenStore(dir.path(), With(embedder));
  CHECK_OK(store->WaitIndexed(milliseconds(0)));
  embedder->Shut(true);
  REQUIRE_OK(store->Set({}, "d1", "some words"));
  CHECK(Search(*store, "words") == "d1");
  CHECK(Value(*store, "d1") == "some words");
  CHECK(absl::IsNotFound(store->GetVector({}, "d1").status()));
  CHECK(absl::IsNotFound(store->SimilarTo({.prefix = "d"}, "d1").status()));
  CHECK(StatsOf(*store).pending_vectors == 1);
  const absl::Status waited = store->WaitIndexed(kShort);
  CHECK(absl::IsDeadlineExceeded(waited));
  CHECK(StatusText(waited).find("1 values") != std::string::npos);
  CheckVerifies(*store);
  const auto before = store->GetSnapshot();
  embedder->Shut(false);
  CheckVectors(*store, {{"d1", "some words"}});
  // What was seen before does not change.
  const std::vector<float> query = VectorOf("some words");
  CHECK(Keys(store->Similar({.prefix = "d", .snapshot = before}, query)) == "");
  CHECK(Keys(store->Similar({.prefix = "d"}, query)) == "d1");
}

TEST_CASE("what becomes of a value while its vector is made decides which vector it has") {
  // Goal: the vector of a value that was overwritten, deleted or given one is never stored.
  // Method: everything happens while the embedder holds the texts of before.
  const TempDir dir;
  const auto embedder = std::make_shared<GatedEmbedder>();
  const auto store = OpenStore(dir.path(), With(embedder));
  embedder->Shut(true);
  Batch batch;
  for (const char* key : {"d1", "d2", "d3", "d4", "d5"}) batch.Set(key, "old text");
  REQUIRE_OK(store->Apply({}, batch));
  embedder->WaitInside();
  REQUIRE_OK(store->Set({}, "d1", "new text"));
  REQUIRE_OK(store->Delete({}, "d2"));
  const std::vector<float> given(kDeferredDimension, 0.25F);
  REQUIRE_OK(store->SetVector({}, "d3", given));
  batch.Clear();
  batch.SetExpiry("d4", 7'258'118'400'000);
  batch.Set("d6", "in one batch");
  batch.Set("d6", "and again");
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(StatsOf(*store).pending_vectors == 4);
  CheckVerifies(*store);
  embedder->Shut(false);
  REQUIRE_OK(store->WaitIndexed(kLong));
  CHECK(*store->GetVector({}, "d1") == VectorOf("new text"));
  CHECK(absl::IsNotFound(store->GetVector({}, "d2").status()));
  CHECK(*store->GetVector({}, "d3") == given);
  CHECK(*store->GetVector({}, "d4") == VectorOf("old text"));
  CHECK(*store->GetVector({}, "d5") == VectorOf("old text"));
  CHECK(*store->GetVector({}, "d6") == VectorOf("and again"));
  CHECK(StatsOf(*store).vectors == 5);
  CHECK(*store->GetExpiry({}, "d4").value() == 7'258'118'400'000);
  // Once made, another expiry time keeps it.
  const size_t calls = embedder->calls();
  batch.Clear();
  batch.SetExpiry("d4", 7'258'118'400'001);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(*store->GetVector({}, "d4") == VectorOf("old text"));
  CHECK(embedder->calls() == calls);
  CheckVerifies(*store);
}

TEST_CASE("values wait for an embedder that is down, also over an open") {
  const TempDir dir;
  const auto embedder = std::make_shared<GatedEmbedder>();
  Model model;
  {
    const auto store = OpenStore(dir.path(), With(embedder));
    embedder->SetDown(true);
    for (int i = 0; i < 300; ++i) {
      const std::string key = "d" + std::to_string(i);
      model[key] = "text " + key;
      REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, model[key]));
    }
    const absl::Status waited = store->WaitIndexed(milliseconds(300));
    CHECK(absl::IsDeadlineExceeded(waited));
    CHECK(StatusText(waited).find("the service is down") != std::string::npos);
    CHECK(StatsOf(*store).embedder_error.find("down") != std::string::npos);
    REQUIRE_OK(store->Delete({}, "d7"));
    model.erase("d7");
    CHECK(StatsOf(*store).pending_vectors == 299);
  }
  Options reading = With(embedder);
  reading.read_only = true;
  CHECK(absl::IsFailedPrecondition(OpenStore(dir.path(), reading)->WaitIndexed(kShort)));
  {
    const auto store = OpenStore(dir.path(), With(embedder));
    CHECK(StatsOf(*store).pending_vectors == 299);
    CHECK(Search(*store, "d8") == "d8");
    CheckVerifies(*store);
  }
  embedder->SetDown(false);
  const auto store = OpenStore(dir.path(), With(embedder));
  CheckVectors(*store, model);
  CHECK(StatsOf(*store).embedder_error.empty());
}

TEST_CASE("a text that the embedder refuses, or cannot digest, holds up no other") {
  const TempDir dir;
  const auto embedder = std::make_shared<GatedEmbedder>();
  const auto store = OpenStore(dir.path(), With(embedder));
  embedder->Shut(true);
  Model good;
  for (int i = 0; i < 40; ++i) {
    const std::string key = "d" + std::to_string(i);
    const std::string text = (i == 3 || i == 4    ? "bad "
                              : i == 0 || i == 20 ? "cursed "
                                                  : "good ") +
                             key;
    REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, text));
    if (text.starts_with("good")) good[key] = text;
  }
  embedder->Shut(false);
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (StatsOf(*store).vectors < good.size() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  SpaceStats stats = StatsOf(*store);
  CHECK(stats.vectors == 36);
  CHECK(stats.pending_vectors == 2);
  CHECK(stats.refused_vectors == 2);
  CHECK(stats.embedder_error.find("cursed") != std::string::npos);
  CheckVerifies(*store);
  embedder->LiftCurse();
  good["d0"] = "cursed d0";
  good["d20"] = "cursed d20";
  CheckVectors(*store, good);
  // Written again it is asked for again.
  REQUIRE_OK(store->Set({}, "d3", "good now"));
  good["d3"] = "good now";
  CheckVectors(*store, good);
  CHECK(StatsOf(*store).refused_vectors == 1);
  // And of another embedder all are.
  REQUIRE_OK(store->Reembed("d", std::make_shared<GatedEmbedder>(2, /*takes_all=*/true)));
  good["d4"] = "bad d4";
  CheckVectors(*store, good, 2);
  CHECK(StatsOf(*store).refused_vectors == 0);
}

TEST_CASE("a space with values that wait can be embedded anew") {
  const TempDir dir;
  const auto old = std::make_shared<GatedEmbedder>(1);
  const auto store = OpenStore(dir.path(), With(old));
  Model model;
  const auto set = [&](int i) {
    const std::string key = "d" + std::to_string(i);
    model[key] = "text " + std::to_string(model.size()) + key;
    REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, model[key]));
  };
  for (int i = 0; i < 200; ++i) set(i);
  REQUIRE_OK(store->WaitIndexed(kLong));
  old->Shut(true);
  for (int i = 150; i < 300; ++i) set(i);  // wait
  const auto next = std::make_shared<GatedEmbedder>(2);
  std::thread reembed([&] { CHECK_OK(store->Reembed("d", next)); });
  // Half of what is written meanwhile comes before the switch, as chance will have it.
  for (int i = 100; i < 350; ++i) set(i);
  old->Shut(false);
  const std::vector<float> given(kDeferredDimension, 0.5F);
  for (int i = 10; i < 20; ++i) REQUIRE_OK(store->SetVector({}, "d" + std::to_string(i), given));
  reembed.join();
  REQUIRE_OK(store->WaitIndexed(kLong));
  for (int i = 10; i < 20; ++i) {
    // Given to the old or the new generation.
    const auto vector = store->GetVector({}, "d" + std::to_string(i));
    REQUIRE_OK(vector);
    CHECK((*vector == given || *vector == VectorOf(model["d" + std::to_string(i)], 2)));
    set(i);
  }
  CheckVectors(*store, model, 2);
}

TEST_CASE("whatever happens to deferred values, each gets its vector in the end") {
  const uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const TempDir dir;
  uint64_t by = 1;
  Gated embedder = std::make_shared<GatedEmbedder>(by);
  auto store = OpenStore(dir.path(), With(embedder));
  Model model;
  for (int step = 0; step < 600; ++step) {
    const std::string key = "d" + std::to_string(random() % 60);
    switch (random() % 40) {
      case 0:
        embedder->SetDown(true);
        break;
      case 1:
        embedder->SetDown(false);
        break;
      case 2:
        store.reset();
        store = OpenStore(dir.path(), With(embedder));
        break;
      case 3:
        embedder->SetDown(false);
        if (store->Reembed("d", std::make_shared<GatedEmbedder>(by + 1)).ok()) {
          embedder = std::make_shared<GatedEmbedder>(++by);
          store.reset();
          store = OpenStore(dir.path(), With(embedder));
        }
        break;
      case 4:
      case 5: {
        Batch batch;
        batch.SetExpiry(key, 7'258'118'400'000 + step);
        REQUIRE_OK(store->Apply({.durability = Durability::kWritten}, batch));
        break;
      }
      case 6:
      case 7:
      case 8:
        REQUIRE_OK(store->Delete({.durability = Durability::kWritten}, key));
        model.erase(key);
        break;
      case 9:
        CheckVerifies(*store);
        break;
      default:
        model[key] = "text " + std::to_string(step);
        REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, model[key]));
    }
  }
  embedder->SetDown(false);
  CheckVectors(*store, model, by);
  store.reset();
  store = OpenStore(dir.path(), With(embedder));
  CheckVectors(*store, model, by);
}

TEST_CASE("deferred is part of the definition, and needs an embedder that is given") {
  const TempDir dir;
  Space space;
  space.prefix = "d";
  space.deferred = true;
  space.vector_dimension = 4;
  CHECK(absl::IsInvalidArgument(OpenStore(dir.path())->DefineSpace(space)));
  const auto embedder = std::make_shared<GatedEmbedder>();
  {
    const auto store = OpenStore(dir.path());
    REQUIRE_OK(store->Set({}, "d1", "was there before"));
    REQUIRE_OK(store->DefineSpace(With(embedder).spaces[0]));
    CHECK(store->SpaceOf("d")->deferred);
    CheckVectors(*store, {{"d1", "was there before"}});
  }
  Options at_once = With(embedder);
  at_once.spaces[0].deferred = false;
  const absl::Status refused = Store::Open(at_once, dir.path()).status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(StatusText(refused).find("deferred") != std::string::npos);
  // Without the embedder values wait.
  Model model = {{"d1", "was there before"}, {"d2", "came later"}};
  {
    const auto store = OpenStore(dir.path());
    REQUIRE_OK(store->Set({}, "d2", "came later"));
    CHECK(absl::IsDeadlineExceeded(store->WaitIndexed(milliseconds(100))));
    CHECK(StatsOf(*store).embedder_error.find("give it in Options") != std::string::npos);
  }
  CheckVectors(*OpenStore(dir.path(), With(embedder)), model);
}

}  // namespace
}  // namespace libkv
