// Batch::SetExpiry: another expiry time, and nothing else. Oracle: a map of values with their
// times.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

constexpr WriteOptions kWritten{.durability = Durability::kWritten};
constexpr uint32_t kDimension = 8;

// Counts the texts it is asked for.
class CountingEmbedder : public Embedder {
 public:
  std::string identity() const override { return "counting/1"; }
  size_t dimension() const override { return kDimension; }
  absl::Status Embed(EmbedKind kind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    if (kind == EmbedKind::kDocument) texts_ += static_cast<int>(texts.size());
    for (size_t i = 0; i < vectors.size(); ++i) vectors[i] = static_cast<float>(i % kDimension + 1);
    return absl::OkStatus();
  }
  int texts() const { return texts_; }

 private:
  mutable std::atomic<int> texts_{0};
};

absl::Status SetExpiry(Store& store, const std::string& key, std::optional<int64_t> expires_at) {
  Batch batch;
  batch.SetExpiry(key, expires_at);
  return store.Apply(kWritten, batch);
}

std::vector<float> AnyVector(std::mt19937_64& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> vector(kDimension);
  for (float& x : vector) x = uniform(random);
  return vector;
}

struct Clock {
  std::atomic<int64_t> now{1'000'000};
  Options With(std::vector<Space> spaces) {
    Options options = WithSpaces(std::move(spaces));
    options.clock = [this] { return now.load(); };
    return options;
  }
};

TEST_CASE("another expiry time leaves the value, and counts from then on") {
  const TempDir dir;
  Clock clock;
  const auto store = OpenStore(dir.path(), clock.With({TextSpace("t:")}));
  for (const std::string key : {"t:k", "plain"}) {
    CAPTURE(key);
    clock.now = 1'000;
    REQUIRE_OK(store->Set({}, key, "apple", {.expires_at = 2'000}));
    REQUIRE_OK(SetExpiry(*store, key, 5'000));
    CHECK(store->GetEntry({}, key)->value == "apple");
    CHECK(store->GetEntry({}, key)->expiry == 5'000);
    clock.now = 4'999;
    CHECK(Value(*store, key) == "apple");
    CHECK(Search(*store, "apple") == (key == "t:k" ? "t:k" : ""));
    REQUIRE_OK(SetExpiry(*store, key, std::nullopt));
    clock.now = 10'000;
    CHECK(Value(*store, key) == "apple");
    CHECK_FALSE(store->GetExpiry({}, key)->has_value());
    REQUIRE_OK(SetExpiry(*store, key, 10'000));
    CHECK(Value(*store, key) == "(none)");
    CHECK(Search(*store, "apple").empty());
    REQUIRE_OK(store->Delete({}, key));  // the clock goes back
  }
  CheckVerifies(*store);
}

TEST_CASE("a key that is not there, or has expired, stays so") {
  const TempDir dir;
  Clock clock;
  const auto store = OpenStore(dir.path(), clock.With({TextSpace("t:")}));
  REQUIRE_OK(SetExpiry(*store, "t:never", 2'000'000));
  REQUIRE_OK(store->Set({}, "t:gone", "apple", {.expires_at = 999'999}));
  REQUIRE_OK(SetExpiry(*store, "t:gone", std::nullopt));
  CHECK(AllKeys(*store).empty());
  CHECK(Search(*store, "apple").empty());
  Batch batch;
  batch.SetExpiry("t:never", 2'000'000);
  batch.Set("other", "v");
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(AllKeys(*store) == "other");
  CheckVerifies(*store);
}

TEST_CASE("in a batch a new expiry time is that of the value set before it") {
  const TempDir dir;
  Clock clock;
  const auto store = OpenStore(dir.path(), clock.With({TextSpace("t:")}));
  REQUIRE_OK(store->Set({}, "t:deleted", "apple"));
  REQUIRE_OK(store->Set({}, "t:over", "apple"));
  REQUIRE_OK(store->Set({}, "t:twice", "apple"));
  Batch batch;
  batch.Set("t:new", "apple");
  batch.SetExpiry("t:new", 2'000'000);
  batch.Delete("t:deleted");
  batch.SetExpiry("t:deleted", 2'000'000);
  batch.SetExpiry("t:over", 2'000'000);
  batch.Set("t:over", "apple pie");
  batch.SetExpiry("t:twice", 2'000'000);
  batch.SetExpiry("t:twice", 3'000'000);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(store->GetEntry({}, "t:new")->expiry == 2'000'000);
  CHECK(Value(*store, "t:deleted") == "(none)");
  CHECK_FALSE(store->GetExpiry({}, "t:over")->has_value());
  CHECK(Value(*store, "t:over") == "apple pie");
  CHECK(**store->GetExpiry({}, "t:twice") == 3'000'000);
  CHECK(store->Search({.prefix = "t:"}, "apple")->hits.size() == 3);
  CheckVerifies(*store);
}

TEST_CASE("an expiry time that is not positive is refused, with its whole batch") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "k", "v"));
  for (const int64_t wrong : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    Batch batch;
    batch.Set("first", "v");
    batch.SetExpiry("k", wrong);
    CHECK(absl::IsInvalidArgument(store->Apply({}, batch)));
  }
  Batch empty;
  empty.SetExpiry("", 5);
  CHECK(absl::IsInvalidArgument(store->Apply({}, empty)));
  CHECK(AllKeys(*store) == "k");
}

TEST_CASE("values of a batch of new expiry times count for its bound") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  Batch batch;
  for (const std::string key : {"a", "b", "c"}) {
    REQUIRE_OK(store->Set(kWritten, key, std::string(kBatchBytesMax / 3, 'v')));
    batch.SetExpiry(key, int64_t{1} << 45);
  }
  CHECK(absl::IsInvalidArgument(store->Apply(kWritten, batch)));
  CHECK_FALSE(store->GetExpiry({}, "a")->has_value());
}

TEST_CASE("the embedder is not asked again, and a vector of one's own stays") {
  const TempDir dir;
  Clock clock;
  const auto embedder = std::make_shared<CountingEmbedder>();
  Space space = TextSpace();
  space.embedder = embedder;
  const auto store = OpenStore(dir.path(), clock.With({space}));
  const std::vector<float> own = {0, 0, 1, 0, 0, 0, 0, 0};
  REQUIRE_OK(store->Set({}, "embedded", "apple"));
  REQUIRE_OK(store->Set({}, "given", "pear", {.vector = own}));
  const std::vector<float> embedded = *store->GetVector({}, "embedded");
  const int asked = embedder->texts();
  Batch batch;
  batch.SetExpiry("embedded", 2'000'000);
  batch.SetExpiry("given", 2'000'000);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(embedder->texts() == asked);
  CHECK(*store->GetVector({}, "embedded") == embedded);
  CHECK(*store->GetVector({}, "given") == own);
  CHECK(Keys(store->Similar({.limit = 1}, own)) == "given");
  CheckVerifies(*store);
  clock.now = 2'000'000;
  CHECK(Keys(store->Similar({.limit = 9}, own)).empty());
}

TEST_CASE("half precision, fields and values under a new expiry time are those of before") {
  const TempDir dir;
  Clock clock;
  Space space = VectorSpace(kDimension, Metric::kL2);
  space.text = true;
  space.values = true;
  space.fields = {"n"};
  space.precision = VectorPrecision::kFloat16;
  const auto store = OpenStore(dir.path(), clock.With({space}));
  const std::string value = R"({"n": 7, "title": "apple"})";
  REQUIRE_OK(store->Set({}, "k", value, {.vector = std::vector<float>(kDimension, 0.1F)}));
  const std::vector<float> before = *store->GetVector({}, "k");
  for (const int64_t moment : {2'000'000, 3'000'000}) {
    REQUIRE_OK(SetExpiry(*store, "k", moment));
    CHECK(*store->GetVector({}, "k") == before);
    CHECK(Keys(store->FindByValue({}, value)) == "k");
    CHECK(Keys(store->FindByValue({.field = "n"}, "7")) == "k");
    CHECK(Search(*store, "apple n:7") == "k");
  }
  CheckVerifies(*store);
}

TEST_CASE("writers of the same key lose nothing to those who change its expiry time") {
  // Goal: the value written last is there, whatever was read before the commit. Method: one thread
  // counts up in a key, others change its time through both ways to write.
  for (const std::string key : {"plain", "t:indexed"}) {
    CAPTURE(key);
    const TempDir dir;
    Clock clock;
    Space space = VectorSpace(kDimension, Metric::kCosine, "t:");
    space.text = true;
    const auto store = OpenStore(dir.path(), clock.With({space}));
    REQUIRE_OK(store->Set(kWritten, key, "w0"));
    std::atomic<bool> done{false};
    std::atomic<int> failed{0}, waiting{0};
    std::vector<std::thread> changers;
    for (int64_t thread = 0; thread < 2; ++thread) {
      changers.emplace_back([&, thread] {
        for (int64_t i = 0; !done; ++i) {
          Batch batch;
          batch.SetExpiry(key, 2'000'000 + i * 2 + thread);
          if (thread == 0) {
            failed += store->Apply(kWritten, batch).ok() ? 0 : 1;
          } else {
            while (waiting >= 4) std::this_thread::yield();
            ++waiting;
            store->Write(kWritten, batch, [&](const absl::Status& status) {
              failed += status.ok() ? 0 : 1;
              --waiting;
            });
          }
        }
      });
    }
    std::mt19937_64 random(7);
    std::vector<float> vector;
    std::string value;
    for (int i = 1; i <= 400; ++i) {
      value = "w" + std::to_string(i);
      SetOptions options;
      if (key != "plain") options.vector = vector = AnyVector(random);
      REQUIRE_OK(store->Set(kWritten, key, value, options));
      // Between two writes of mine nobody brings back another value.
      REQUIRE(Value(*store, key) == value);
      if (key != "plain") REQUIRE(*store->GetVector({}, key) == vector);
    }
    done = true;
    for (std::thread& changer : changers) changer.join();
    while (waiting > 0) std::this_thread::yield();
    CHECK(failed == 0);
    CHECK(Value(*store, key) == value);
    if (key != "plain") {
      CHECK(Search(*store, value) == key);
      CHECK(*store->GetVector({}, key) == vector);
      CHECK(store->Stats().spaces[0].documents == 1);
    }
    CheckVerifies(*store);
  }
}

// ThreadSanitizer ends a forked child that starts threads.
#ifdef __SANITIZE_THREAD__
constexpr bool kCannotFork = true;
#else
constexpr bool kCannotFork = false;
#endif

TEST_CASE("after kill -9 every expiry time is the last one that was acknowledged" *
          doctest::skip(kCannotFork)) {
  const TempDir dir;
  Clock clock;
  Space space = VectorSpace(kDimension, Metric::kCosine, "t:");
  space.text = true;
  const Options options = clock.With({space});
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // No check here: a failed one would go on as a second test runner.
    const auto store = Store::Open(options, dir.path());
    if (!store.ok()) _exit(1);
    Batch first, second;
    for (int64_t i = 0; i < 50; ++i) {
      const std::string key = (i % 2 == 0 ? "t:" : "p") + std::to_string(i);
      const std::vector<float> vector(i % 2 == 0 ? kDimension : 0, 1.0F);
      first.Set(key, "apple", {.expires_at = 2'000'000, .vector = vector});
      second.SetExpiry(key, i % 3 == 0 ? std::nullopt : std::optional(3'000'000 + i));
    }
    if (!(*store)->Apply(kWritten, first).ok()) _exit(2);
    if (!(*store)->SealIndex("t:").ok()) _exit(3);
    if (!(*store)->Apply(kWritten, second).ok()) _exit(4);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));

  clock.now = 2'000'000;  // the old time means nothing any more
  const auto store = OpenStore(dir.path(), options);
  for (int64_t i = 0; i < 50; ++i) {
    CAPTURE(i);
    const auto entry = store->GetEntry({}, (i % 2 == 0 ? "t:" : "p") + std::to_string(i));
    REQUIRE_OK(entry);
    CHECK(entry->expiry == (i % 3 == 0 ? std::nullopt : std::optional(3'000'000 + i)));
  }
  CHECK(store->Search({.prefix = "t:", .limit = 100}, "apple")->hits.size() == 25);
  CHECK(store->Stats().spaces[0].documents == 25);
  CheckVerifies(*store);
  clock.now = 4'000'000;
  CHECK(store->Search({.prefix = "t:", .limit = 100}, "apple")->hits.size() == 9);
  CHECK(store->Similar({.limit = 100}, std::vector<float>(kDimension, 1.0F))->size() == 9);
}

struct Stored {
  std::string value;
  std::optional<int64_t> expiry;
  std::vector<float> vector;
};

class Schedule {
 public:
  explicit Schedule(uint64_t seed) : random_(seed) {
    Space space = VectorSpace(kDimension, Metric::kCosine, "t:");
    space.text = true;
    options_ = clock_.With({space});
    store_ = OpenStore(dir_.path("0"), options_);
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      CAPTURE(i);
      Step();
      if (i % 10 == 9) Compare();
    }
    CheckVerifies(*store_);
    REQUIRE_OK(store_->MergeIndex("t:"));
    Compare();
    CheckVerifies(*store_);
  }

 private:
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  std::string AnyKey() { return (Below(4) == 0 ? "p" : "t:") + std::to_string(Below(40)); }
  std::optional<int64_t> AnyMoment() {
    if (Below(3) == 0) return std::nullopt;
    return clock_.now + static_cast<int64_t>(Below(200)) - 20;
  }

  void AddSet(Batch& batch) {
    const std::string key = AnyKey();
    Stored stored{"word" + std::to_string(Below(10)), AnyMoment(), {}};
    if (key[0] == 't' && Below(2) == 0) stored.vector = AnyVector(random_);
    batch.Set(key, stored.value,
              {.expires_at = stored.expiry.value_or(0), .vector = stored.vector});
    model_[key] = stored;
  }

  void AddExpiry(Batch& batch) {
    const std::string key = AnyKey();
    const std::optional<int64_t> moment = AnyMoment();
    batch.SetExpiry(key, moment);
    const auto it = model_.find(key);
    if (it != model_.end()) it->second.expiry = moment;
  }

  void Expire() {
    std::erase_if(model_, [&](const auto& entry) {
      return entry.second.expiry.has_value() && *entry.second.expiry <= clock_.now;
    });
  }

  void Step() {
    const uint32_t what = Below(100);
    if (what < 70) {
      Batch batch;
      for (uint32_t n = 1 + Below(6); n-- > 0;) {
        const uint32_t kind = Below(10);
        if (kind < 4) {
          AddSet(batch);
        } else if (kind < 9) {
          AddExpiry(batch);
        } else {
          const std::string key = AnyKey();
          batch.Delete(key);
          model_.erase(key);
        }
      }
      REQUIRE_OK(store_->Apply(kWritten, batch));
      Expire();
    } else if (what < 82) {
      clock_.now += Below(40);
      Expire();
    } else if (what < 90) {
      REQUIRE_OK(store_->SealIndex("t:"));
    } else if (what < 94) {
      REQUIRE_OK(store_->MergeIndex("t:"));
    } else if (what < 96) {
      REQUIRE_OK(store_->Reindex("t:"));
    } else if (what < 98) {
      store_ = nullptr;
      store_ = OpenStore(dir_.path(std::to_string(opened_)), options_);
    } else {
      // What a process that was killed leaves: all that was written, and no close.
      const std::string from = dir_.path(std::to_string(opened_));
      const std::string to = dir_.path(std::to_string(++opened_));
      REQUIRE_OK(store_->Checkpoint(to));
      store_ = nullptr;
      std::filesystem::remove_all(from);
      store_ = OpenStore(to, options_);
    }
  }

  void Compare() {
    std::string keys;
    for (const auto& [key, stored] : model_) {
      keys += (keys.empty() ? "" : " ") + key;
      CAPTURE(key);
      const absl::StatusOr<Entry> entry = store_->GetEntry({}, key);
      REQUIRE_OK(entry);
      CHECK(entry->value == stored.value);
      CHECK(entry->expiry == stored.expiry);
      if (key[0] != 't') continue;
      const auto vector = store_->GetVector({}, key);
      CHECK(vector.ok() == !stored.vector.empty());
      if (vector.ok()) CHECK(*vector == stored.vector);
    }
    CHECK(AllKeys(*store_) == keys);
    for (int word = 0; word < 10; ++word) {
      const std::string text = "word" + std::to_string(word);
      std::set<std::string> wanted, found;
      for (const auto& [key, stored] : model_) {
        if (key[0] == 't' && stored.value == text) wanted.insert(key);
      }
      const auto result = store_->Search({.prefix = "t:", .limit = 100}, text);
      REQUIRE_OK(result);
      for (const Hit& hit : result->hits) found.insert(hit.key);
      CHECK(found == wanted);
    }
    std::set<std::string> wanted, found;
    for (const auto& [key, stored] : model_) {
      if (!stored.vector.empty()) wanted.insert(key);
    }
    const auto near = store_->Similar({.prefix = "t:", .limit = 100}, AnyVector(random_));
    REQUIRE_OK(near);
    for (const Neighbor& neighbor : *near) found.insert(neighbor.key);
    CHECK(found == wanted);
  }

  std::mt19937_64 random_;
  TempDir dir_;
  Clock clock_;
  Options options_;
  std::unique_ptr<Store> store_;
  int opened_ = 0;
  std::map<std::string, Stored> model_;
};

TEST_CASE("whatever is set, timed anew, sealed, merged and reopened: keys go at their last time") {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    Schedule(seed).Run(120);
  }
}

}  // namespace
}  // namespace libkv
