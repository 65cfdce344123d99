// Writers that outrun the list keeper wait for it: list 0, which every search compares as a whole,
// never grows beyond its bound, and neither do the lists that wait to be looked after.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "format/keys.h"
#include "index/vector_rows.h"
#include "libkv/embedder.h"
#include "support/store_test.h"
#include "support/vector_lists.h"

namespace libkv {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr size_t kSmallDimension = 4;
constexpr size_t kFlatMax = 8 * kExactVectorsMin;  // libkv/doc/vectors.md, 13
constexpr seconds kForEver(60);

thread_local bool is_test_thread = false;

// The clock of a store, by which a test holds the list keeper: it asks for the time where it
// measures recall, and none of the test's threads and no thread that asked before there were
// vectors is the keeper.
class KeeperHold {
 public:
  KeeperHold() { is_test_thread = true; }
  ~KeeperHold() { Release(); }

  std::function<int64_t()> clock() {
    return [this] { return Now(); };
  }
  // Before there are vectors: whoever asks until then is not the keeper.
  void LearnOthers() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kForEver, [&] { return !others_.empty(); }));
    is_learning_ = false;
  }
  void Hold() {
    const std::lock_guard lock(mutex_);
    holds_ = true;
  }
  void WaitUntilHeld() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kForEver, [&] { return is_held_; }));
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    holds_ = false;
    changed_.notify_all();
  }

 private:
  int64_t Now() {
    if (is_test_thread) return kNow;
    std::unique_lock lock(mutex_);
    const std::thread::id id = std::this_thread::get_id();
    if (is_learning_) others_.insert(id);
    changed_.notify_all();
    if (others_.contains(id)) return kNow;
    is_held_ = holds_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !holds_; });
    is_held_ = false;
    return kNow;
  }

  static constexpr int64_t kNow = 1'700'000'000'000;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_learning_ = true, holds_ = false, is_held_ = false;
  std::set<std::thread::id> others_;
};

Options TwoSpaces(const std::function<int64_t()>& clock = nullptr) {
  Options options = WithSpaces({VectorSpace(kSmallDimension, Metric::kL2, "a/"),
                                VectorSpace(kSmallDimension, Metric::kL2, "b/")});
  options.exact_vectors_max = kExactVectorsMin;
  options.clock = clock;
  return options;
}

SpaceStats StatsOf(const Store& store, const std::string& prefix) {
  for (const SpaceStats& space : store.Stats().spaces) {
    if (space.prefix == prefix) return space;
  }
  FAIL("no such space");
  return {};
}

// No two are alike.
Vector SmallVector(size_t i) {
  std::mt19937 random(static_cast<uint32_t>(i) + 1);
  std::uniform_real_distribution<float> uniform(-50, 50);
  Vector vector(kSmallDimension);
  for (float& x : vector) x = uniform(random);
  return vector;
}

absl::Status SetMany(Store& store, const std::string& prefix, size_t first, size_t count) {
  Batch batch;
  std::vector<Vector> vectors;
  for (size_t i = first; i < first + count; ++i) vectors.push_back(SmallVector(i));
  for (size_t i = 0; i < count; ++i) {
    SetOptions with;
    with.vector = vectors[i];
    batch.Set(prefix + std::to_string(first + i), "", with);
  }
  return store.Apply({.durability = Durability::kWritten}, batch);
}

// Until then the keeper has something to measure, and is held there.
void HoldKeeperIn(KeeperHold& hold, Store& store, const std::string& prefix) {
  hold.Hold();
  REQUIRE_OK(SetMany(store, prefix, 0, kExactVectorsMin + 200));
  hold.WaitUntilHeld();
}

// Waits until `value` has not changed for a while: whoever changes it is held.
uint64_t AtRest(const std::function<uint64_t()>& value) {
  const auto end = steady_clock::now() + kForEver;
  uint64_t last = value();
  for (int quiet = 0; quiet < 10 && steady_clock::now() < end;) {
    std::this_thread::sleep_for(milliseconds(30));
    const uint64_t now = value();
    quiet = now == last ? quiet + 1 : 0;
    last = now;
  }
  return last;
}

TEST_CASE("writers that outrun the keeper wait at eight times the bound of list 0, and go on") {
  // Goal: the bound holds at every moment, whatever the keeper does, and nothing is lost. Method:
  // the keeper is held in one space while four threads write to another, which has no lists yet, so
  // that all its vectors are in list 0.
  constexpr size_t kWriters = 4, kBatch = 50, kEach = 4'000;
  const TempDir dir;
  KeeperHold hold;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), TwoSpaces(hold.clock()));
  hold.LearnOthers();
  HoldKeeperIn(hold, *store, "a/");

  std::atomic<size_t> failed{0}, finished{0};
  std::vector<std::thread> writers;
  for (size_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      is_test_thread = true;
      for (size_t i = 0; i < kEach; i += kBatch) {
        if (!SetMany(*store, "b/", writer * kEach + i, kBatch).ok()) ++failed;
      }
      ++finished;
    });
  }
  // Each writer may have one batch on its way when the bound is passed.
  constexpr size_t kMost = kFlatMax + kWriters * kBatch;
  uint64_t most = 0;
  const auto look = [&] {
    const SpaceStats stats = StatsOf(*store, "b/");
    if (stats.vector_lists == 0) most = std::max(most, stats.vectors);
    return stats.vectors;
  };
  CHECK(AtRest(look) > kFlatMax);
  CHECK(finished == 0);
  CHECK(most <= kMost);
  // Readers are not held.
  const auto found = store->Similar({.prefix = "b/", .limit = 1, .exact = true}, SmallVector(7));
  REQUIRE_OK(found);
  CHECK(found->at(0).score == 0);
  CHECK(Value(*store, "b/7").empty());

  hold.Release();
  while (finished < kWriters) {
    look();
    std::this_thread::sleep_for(milliseconds(1));
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(most <= kMost);
  CHECK(failed == 0);
  const auto end = steady_clock::now() + kForEver;
  while (StatsOf(*store, "b/").vector_lists == 0 && steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  CHECK(StatsOf(*store, "b/").vector_lists > 0);
  CHECK(StatsOf(*store, "b/").vectors == kWriters * kEach);
  CheckVerifies(*store);
}

TEST_CASE("writers wait while more than 512 lists are due, and go on") {
  // Method: as many lists, at rest; then deletions, which leave each of them crowded with the dead.
  constexpr size_t kCount = 40'000, kBatch = 200;
  const TempDir dir;
  KeeperHold hold;
  Options options = TwoSpaces(hold.clock());
  options.exact_vectors_max = kCount - 1;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  hold.LearnOthers();
  for (size_t i = 0; i < kCount; i += 1'000) REQUIRE_OK(SetMany(*store, "b/", i, 1'000));
  const auto end = steady_clock::now() + kForEver;
  while (StatsOf(*store, "b/").recall.empty() && steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  CHECK(StatsOf(*store, "b/").vector_lists > 560);

  // With a fifth of them gone the keeper measures, and is held.
  constexpr size_t kFifth = kCount / 5;
  hold.Hold();
  const auto remove = [&](size_t first) {
    Batch batch;
    for (size_t i = first; i < first + kBatch; ++i) batch.Delete("b/" + std::to_string(i));
    return store->Apply({.durability = Durability::kWritten}, batch);
  };
  for (size_t first = 0; first < kFifth; first += kBatch) REQUIRE_OK(remove(first));
  hold.WaitUntilHeld();
  std::atomic<size_t> deleted{kFifth}, failed{0};
  std::thread writer([&] {
    is_test_thread = true;
    for (size_t first = kFifth; first < kCount; first += kBatch) {
      if (!remove(first).ok()) ++failed;
      deleted += kBatch;
    }
  });
  const uint64_t before = AtRest([&] { return deleted.load(); });
  CHECK(before > kFifth);
  CHECK(before < kCount);
  hold.Release();
  writer.join();
  CHECK(failed == 0);
  CHECK(StatsOf(*store, "b/").vectors == 0);
  CheckVerifies(*store);
}

// Says nothing while it is shut.
class LateEmbedder final : public Embedder {
 public:
  std::string identity() const override { return "late"; }
  size_t dimension() const override { return kSmallDimension; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !is_shut_; });
    for (size_t i = 0; i < vectors.size(); ++i) {
      const size_t size = texts[i / kSmallDimension].size();
      vectors[i] = static_cast<float>(1 + size + i % kSmallDimension);
    }
    ++answers_;
    changed_.notify_all();
    return absl::OkStatus();
  }
  void Shut() {
    const std::lock_guard lock(mutex_);
    is_shut_ = true;
    answers_ = 0;
  }
  void Speak() {
    std::unique_lock lock(mutex_);
    is_shut_ = false;
    changed_.notify_all();
    REQUIRE(changed_.wait_for(lock, kForEver, [&] { return answers_ > 0; }));
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable size_t answers_ = 0;
  bool is_shut_ = false;
};

TEST_CASE("a close ends the waiting, and what waited is done after the next open") {
  // Method: the thread that makes vectors of values is held as a writer; the store is closed while
  // it is, and the keeper goes on when the close has begun.
  const TempDir dir;
  KeeperHold hold;
  const auto embedder = std::make_shared<LateEmbedder>();
  Options options = TwoSpaces(hold.clock());
  Space deferred;
  deferred.prefix = "d/";
  deferred.embedder = embedder;
  deferred.deferred = true;
  options.spaces.push_back(deferred);
  std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  embedder->Shut();
  hold.LearnOthers();
  REQUIRE_OK(store->Set({}, "d/1", "a text"));
  HoldKeeperIn(hold, *store, "a/");
  size_t written = 0;
  for (; written <= kFlatMax; written += 100) REQUIRE_OK(SetMany(*store, "b/", written, 100));
  embedder->Speak();
  CHECK(AtRest([&] { return StatsOf(*store, "d/").pending_vectors; }) == 1);
  CHECK(absl::IsDeadlineExceeded(store->WaitIndexed(milliseconds(1))));

  std::atomic<bool> is_closed{false};
  std::thread closer([&] {
    is_test_thread = true;
    store.reset();
    is_closed = true;
  });
  std::this_thread::sleep_for(milliseconds(50));
  CHECK_FALSE(is_closed);  // the keeper is held still
  hold.Release();
  closer.join();

  // A store that nobody writes to has nobody to wait.
  Options read_only = options;
  read_only.read_only = true;
  {
    const std::unique_ptr<Store> reader = OpenStore(dir.path(), read_only);
    const auto near = reader->Similar({.prefix = "b/", .limit = 1}, SmallVector(5));
    REQUIRE_OK(near);
    CHECK(near->at(0).score == 0);
    CHECK(absl::IsFailedPrecondition(SetMany(*reader, "b/", 0, 1)));
  }
  store = OpenStore(dir.path(), options);
  REQUIRE_OK(store->WaitIndexed(kForEver));
  CHECK_OK(store->GetVector({}, "d/1"));
  REQUIRE_OK(SetMany(*store, "b/", written, 1'000));
  for (size_t i = 0; i < written + 1'000; i += 101) {
    const auto vector = store->GetVector({}, "b/" + std::to_string(i));
    REQUIRE_OK(vector);
    CHECK(*vector == SmallVector(i));
  }
  CheckVerifies(*store);
}

TEST_CASE("a space whose lists cannot be read stops no other, and its writers are told so") {
  // Method: a store as a crash in the middle of draining list 0 leaves it, with a damaged row in
  // the one list that there is; the other space outruns the keeper meanwhile.
  constexpr size_t kCount = kFlatMax + 500;
  constexpr uint32_t kSpace = 1;
  const TempDir dir;
  {
    Options options = TwoSpaces();
    options.exact_vectors_max = 2 * kCount;
    const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
    for (size_t i = 0; i < kCount; i += 500) REQUIRE_OK(SetMany(*store, "a/", i, 500));
  }
  {
    auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    const auto batch = (*engine)->NewBatch();
    const std::vector<int8_t> values(64, 1);
    const std::string centroid = CentroidKey(kSpace, 1);
    batch->Put(Family::kVectors, centroid, EncodeCentroidRow(centroid, {{1, 1}, values}));
    batch->Put(Family::kVectors, PostingPrefix(kSpace, 1) + "x", "damaged");
    REQUIRE_OK((*engine)->Write(*batch, true));
  }
  const std::unique_ptr<Store> store = OpenStore(dir.path(), TwoSpaces());
  for (size_t i = 0; i < kCount; i += 500) REQUIRE_OK(SetMany(*store, "b/", i, 500));
  const auto end = steady_clock::now() + kForEver;
  while (StatsOf(*store, "b/").recall.empty() && steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  CHECK(StatsOf(*store, "b/").vector_lists > 0);
  CHECK_FALSE(StatsOf(*store, "b/").recall.empty());

  // The search brings list 0 into memory; the damaged one it names.
  const auto near = store->Similar({.prefix = "a/", .limit = 1, .exact = true}, SmallVector(3));
  CHECK(absl::IsDataLoss(near.status()));
  CHECK(StatusText(near).find("is damaged") != std::string::npos);
  absl::Status status;
  for (size_t i = 0; status.ok() && i < 2'000; ++i) {
    status = SetMany(*store, "a/", kCount + i, 1);
    std::this_thread::sleep_for(milliseconds(2));
  }
  CHECK(absl::IsDataLoss(status));
  CHECK(StatusText(status).find("is damaged") != std::string::npos);

  REQUIRE_OK(store->Reindex("a/"));
  while (!status.ok() && steady_clock::now() < end) {
    status = SetMany(*store, "a/", 0, 1);
    std::this_thread::sleep_for(milliseconds(20));
  }
  CHECK_OK(status);
  CHECK_OK(store->Similar({.prefix = "a/", .limit = 1, .exact = true}, SmallVector(3)));
  CheckVerifies(*store);
}

TEST_CASE("a space that is defined at open may have more values than writers may be ahead") {
  // Goal: whoever waits for the keeper has one. Method: values first, vectors of them later.
  constexpr size_t kCount = kFlatMax + 1'500;
  const TempDir dir;
  {
    const std::unique_ptr<Store> store = OpenStore(dir.path());
    Batch batch;
    for (size_t i = 0; i < kCount; ++i) {
      batch.Set("t" + std::to_string(i), "word" + std::to_string(i) + " and more");
    }
    REQUIRE_OK(store->Apply({}, batch));
  }
  Options options;
  Space space;
  space.prefix = "t";
  space.embedder = MakeHashEmbedder();
  options.spaces = {space};
  options.exact_vectors_max = kExactVectorsMin;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  CHECK(StatsOf(*store, "t").vectors == kCount);
  CHECK(Keys(store->SimilarText({.prefix = "t", .limit = 1}, "word77 and more")) == "t77");
}

}  // namespace
}  // namespace libkv
