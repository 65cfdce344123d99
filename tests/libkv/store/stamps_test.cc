// Stamps: bytes of the application's that go with a value. Oracle: a map of values with their
// stamps.
#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr WriteOptions kWritten{.durability = Durability::kWritten};
constexpr int64_t kFarAway = int64_t{1} << 45;  // an expiry time

const std::string kBinary("\0\xff stamp\n", 9);

// The stamp of `key`, however it is read.
std::string Stamp(const Store& store, const std::string& key, const ReadOptions& read = {}) {
  const absl::StatusOr<Entry> entry = store.GetEntry(read, key);
  if (!entry.ok()) return "(none)";
  const absl::Status viewed = store.ViewEntry(read, key, [&](const EntryView& view) {
    CHECK(view.value == entry->value);
    CHECK(view.stamp == entry->stamp);
    CHECK(view.expiry == entry->expiry);
  });
  CHECK_OK(viewed);
  const auto it = store.NewIterator(read, {.prefix = key});
  it->Seek(key);
  REQUIRE(it->Valid());
  CHECK(it->key() == key);
  CHECK(it->stamp() == entry->stamp);
  CHECK(it->value() == entry->value);
  CHECK_OK(it->status());
  return entry->stamp;
}

TEST_CASE("a stamp is given back unchanged, by every way to read and by another open") {
  const TempDir dir;
  const std::string large(100'000, 's');
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("t:")}));
    for (const std::string prefix : {"p:", "t:"}) {
      REQUIRE_OK(store->Set({}, prefix + "plain", "apple"));
      REQUIRE_OK(store->Set({}, prefix + "one", "apple", {.stamp = "v1"}));
      REQUIRE_OK(store->Set({}, prefix + "all", "", {.expires_at = kFarAway, .stamp = kBinary}));
      REQUIRE_OK(store->Set({}, prefix + "large", "pie", {.stamp = large}));
    }
  }
  const auto store = OpenStore(dir.path());
  for (const std::string prefix : {"p:", "t:"}) {
    CAPTURE(prefix);
    CHECK(Stamp(*store, prefix + "plain") == "");
    CHECK(Stamp(*store, prefix + "one") == "v1");
    CHECK(Stamp(*store, prefix + "all") == kBinary);
    CHECK(Stamp(*store, prefix + "large") == large);
    CHECK(Value(*store, prefix + "one") == "apple");
    CHECK(Value(*store, prefix + "large") == "pie");
    CHECK(store->GetEntry({}, prefix + "all")->expiry == kFarAway);
  }
  CHECK(Search(*store, "apple") == "t:one t:plain");
  CHECK(Search(*store, "ssss OR v1 OR stamp").empty());
  CheckVerifies(*store);
}

TEST_CASE("a snapshot has the stamps of its moment") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "k", "old", {.stamp = "v1"}));
  const ReadOptions before{.snapshot = store->GetSnapshot()};
  REQUIRE_OK(store->Set({}, "k", "new", {.stamp = "v2"}));
  CHECK(Stamp(*store, "k", before) == "v1");
  CHECK(Value(*store, "k", before) == "old");
  CHECK(Stamp(*store, "k") == "v2");
}

TEST_CASE("an iterator gives the stamp of each value, forward and backward") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  for (int i = 0; i < 10; ++i) {
    const std::string number = std::to_string(i);
    // Every third value has none.
    const std::string stamp = i % 3 == 0 ? "" : "stamp" + number;
    REQUIRE_OK(store->Set(kWritten, "k" + number, number, {.stamp = stamp}));
  }
  std::string forward, backward;
  const auto it = store->NewIterator({});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    forward.append(it->stamp()).append("=").append(it->value()).append(" ");
  }
  CHECK(forward == "=0 stamp1=1 stamp2=2 =3 stamp4=4 stamp5=5 =6 stamp7=7 stamp8=8 =9 ");
  for (it->SeekToLast(); it->Valid(); it->Prev()) backward.append(it->stamp()).append(" ");
  CHECK(backward == " stamp8 stamp7  stamp5 stamp4  stamp2 stamp1  ");
  CHECK_OK(it->status());
}

TEST_CASE("a batch copies stamps, and may be written without waiting") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  Batch batch;
  for (const std::string key : {"a", "b"}) {
    std::string stamp = "stamp of " + key;
    batch.Set(key, "value", {.stamp = stamp});
    stamp.assign(stamp.size(), '?');
  }
  batch.Set("c", "value");
  batch.Delete("d");
  CHECK(batch.change(0).stamp == "stamp of a");
  CHECK(batch.change(0).value == "value");
  CHECK(batch.change(2).stamp.empty());
  CHECK(batch.size_bytes() == 4 + 3 * 5 + 2 * 10);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(Stamp(*store, "a") == "stamp of a");
  CHECK(Stamp(*store, "b") == "stamp of b");
  CHECK(Stamp(*store, "c") == "");

  batch.Clear();
  batch.Set("c", "value", {.stamp = kBinary});
  std::atomic<int> done{0};
  store->Write({}, batch, [&](const absl::Status& status) { done = status.ok() ? 1 : -1; });
  while (done == 0) std::this_thread::yield();
  CHECK(done == 1);
  CHECK(Stamp(*store, "c") == kBinary);
}

TEST_CASE("a stamp counts for the bound of its batch, and has one of its own") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const std::string longest(kStampBytesMax, 's');
  const absl::Status too_long = store->Set({}, "k", "", {.stamp = longest + "s"});
  CHECK(absl::IsInvalidArgument(too_long));
  CHECK(StatusText(too_long).find("the stamp of key 'k'") != std::string::npos);
  CHECK(absl::IsInvalidArgument(store->Set({}, "k", "", {.stamp = longest})));
  const std::string_view fits = std::string_view(longest).substr(2);
  CHECK(absl::IsInvalidArgument(store->Set({}, "k", "vv", {.stamp = fits})));
  CHECK(Value(*store, "k") == "(none)");
  REQUIRE_OK(store->Set(kWritten, "k", "v", {.stamp = fits}));
  CHECK(Stamp(*store, "k") == fits);
  // A change of the time alone writes value and stamp again: both count.
  Batch batch;
  batch.SetExpiry("k", kFarAway);
  batch.Set("l", "v");
  CHECK(absl::IsInvalidArgument(store->Apply(kWritten, batch)));
  CHECK_FALSE(store->GetExpiry({}, "k")->has_value());
}

TEST_CASE("who writes a value writes its stamp, or none") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("t:")}));
  for (const std::string key : {"p:k", "t:k"}) {
    CAPTURE(key);
    const auto stamp = [&] { REQUIRE_OK(store->Set({}, key, "7", {.stamp = "v1"})); };
    stamp();
    REQUIRE_OK(store->Set({}, key, "7"));
    CHECK(Stamp(*store, key) == "");
    stamp();
    const KeyValue items[] = {{key, "7"}};
    REQUIRE_OK(store->BulkSet({}, items));
    CHECK(Stamp(*store, key) == "");
    stamp();
    REQUIRE_OK(store->CompareAndSet({}, key, "7", "8"));
    CHECK(Stamp(*store, key) == "");
    stamp();
    CHECK(absl::IsAborted(store->CompareAndSet({}, key, "8", "9")));
    CHECK(Stamp(*store, key) == "v1");
    CHECK(*store->Increment({}, key) == 8);
    CHECK(Stamp(*store, key) == "");
    stamp();
    REQUIRE_OK(store->Delete({}, key));
    CHECK(Stamp(*store, key) == "(none)");
    CHECK(*store->Increment({}, key) == 1);
    CHECK(Stamp(*store, key) == "");
    stamp();
    Batch batch;
    batch.Set(key, "first", {.stamp = "v2"});
    batch.Set(key, "last");
    REQUIRE_OK(store->Apply({}, batch));
    CHECK(Stamp(*store, key) == "");
  }
  CheckVerifies(*store);
}

TEST_CASE("another vector leaves the stamp") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({VectorSpace(2, Metric::kL2)}));
  const std::vector<float> first = {1, 0}, second = {0, 1};
  REQUIRE_OK(store->Set({}, "k", "v", {.vector = first, .stamp = kBinary}));
  REQUIRE_OK(store->SetVector({}, "k", second));
  CHECK(*store->GetVector({}, "k") == second);
  CHECK(Stamp(*store, "k") == kBinary);
  CHECK(Value(*store, "k") == "v");
  CheckVerifies(*store);
}

TEST_CASE("another expiry time leaves the stamp, of what is stored and of what the batch sets") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("t:")}));
  for (const std::string key : {"p:", "t:"}) {
    CAPTURE(key);
    REQUIRE_OK(store->Set({}, key, "apple", {.stamp = kBinary}));
    for (const std::optional<int64_t> moment :
         {std::optional(kFarAway), std::optional<int64_t>()}) {
      Batch batch;
      batch.SetExpiry(key, moment);
      REQUIRE_OK(store->Apply({}, batch));
      CHECK(store->GetEntry({}, key)->expiry == moment);
      CHECK(Stamp(*store, key) == kBinary);
    }
    Batch batch;
    batch.Set(key, "apple", {.stamp = "v2"});
    batch.SetExpiry(key, kFarAway);
    REQUIRE_OK(store->Apply({}, batch));
    CHECK(store->GetEntry({}, key)->expiry == kFarAway);
    CHECK(Stamp(*store, key) == "v2");
  }
  CheckVerifies(*store);
}

TEST_CASE("who changes an expiry time beside a writer never mixes stamps and values") {
  // Goal: a value that is read at one moment and committed at another goes with its own stamp.
  // Method: one thread sets values stamped with themselves, others change the time; a group often
  // has both.
  for (const std::string key : {"plain", "t:indexed"}) {
    CAPTURE(key);
    const TempDir dir;
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("t:")}));
    REQUIRE_OK(store->Set(kWritten, key, "w0", {.stamp = "w0"}));
    std::atomic<bool> done{false};
    std::atomic<int> failed{0};
    std::vector<std::thread> changers;
    for (int64_t thread = 0; thread < 3; ++thread) {
      changers.emplace_back([&, thread] {
        for (int64_t i = 0; !done; ++i) {
          Batch batch;
          batch.SetExpiry(key, kFarAway + i * 3 + thread);
          failed += store->Apply(kWritten, batch).ok() ? 0 : 1;
        }
      });
    }
    int mixed = 0;  // no REQUIRE while threads are running
    for (int i = 1; i <= 500; ++i) {
      const std::string value = "w" + std::to_string(i);
      failed += store->Set(kWritten, key, value, {.stamp = value}).ok() ? 0 : 1;
      const absl::StatusOr<Entry> entry = store->GetEntry({}, key);
      mixed += entry.ok() && entry->value == value && entry->stamp == value ? 0 : 1;
    }
    done = true;
    for (std::thread& changer : changers) changer.join();
    CHECK(mixed == 0);
    CHECK(failed == 0);
    CHECK(Stamp(*store, key) == "w500");
    CheckVerifies(*store);
  }
}

// Has nothing to say about texts with the word that it does not know.
class PartialEmbedder : public Embedder {
 public:
  explicit PartialEmbedder(std::string unknown) : unknown_(std::move(unknown)) {}
  std::string identity() const override { return "partial/" + unknown_; }
  size_t dimension() const override { return 2; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      const bool is_known = texts[i].find(unknown_) == std::string_view::npos;
      vectors[2 * i] = vectors[2 * i + 1] = is_known ? 1.0F : 0.0F;
    }
    return absl::OkStatus();
  }

 private:
  const std::string unknown_;
};

TEST_CASE("spaces, fields and embedders that come and go leave every stamp") {
  // Goal: whoever writes a record again keeps its stamp. Method: values that are indexed and such
  // as the indexes have nothing to say about, before each change.
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  std::map<std::string, std::string> model;
  for (int i = 0; i < 600; ++i) {
    const std::string key = "d" + std::to_string(i);
    model[key] = i % 4 == 0 ? "" : "stamp" + std::to_string(i);
    const char* const fruit = i % 2 == 0 ? R"({"a": "apple"})" : R"({"b": "pear"})";
    REQUIRE_OK(store->Set(kWritten, key, fruit,
                          {.expires_at = i % 3 == 0 ? kFarAway : 0, .stamp = model[key]}));
  }
  const auto check = [&] {
    const auto it = store->NewIterator({});
    size_t seen = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next(), ++seen) {
      REQUIRE(it->stamp() == model.at(std::string(it->key())));
    }
    REQUIRE_OK(it->status());
    CHECK(seen == model.size());
    CheckVerifies(*store);
  };
  const auto documents = [&] { return store->Stats().spaces.at(0).documents; };
  const auto vectors = [&] { return store->Stats().spaces.at(0).vectors; };

  Space space;
  space.prefix = "d";
  space.fields = {"a"};
  space.embedder = std::make_shared<PartialEmbedder>("pear");
  REQUIRE_OK(store->DefineSpace(space));
  CHECK(vectors() == 300);
  check();
  REQUIRE_OK(store->Reembed("d", std::make_shared<PartialEmbedder>("apple")));
  CHECK(vectors() == 300);
  CHECK(store->GetVector({}, "d1").ok());
  check();
  REQUIRE_OK(store->Reindex("d"));
  check();
  REQUIRE_OK(store->DropSpace("d"));
  check();

  space = {};
  space.prefix = "d";
  space.fields = {"a"};
  REQUIRE_OK(store->DefineSpace(space));
  check();
  REQUIRE_OK(store->CreateFieldIndex("d", "b"));
  CHECK(store->FindByValue({.field = "b", .limit = 1'000}, "pear")->size() == 300);
  check();
  REQUIRE_OK(store->DropFieldIndex("d", "b"));
  check();
  REQUIRE_OK(store->DropSpace("d"));

  REQUIRE_OK(store->DefineSpace(TextSpace("d")));
  CHECK(documents() == 600);
  REQUIRE_OK(store->SealIndex("d"));
  REQUIRE_OK(store->MergeIndex("d"));
  REQUIRE_OK(store->Reindex("d"));
  check();
}

TEST_CASE("values and stamps up to their bound are written again beside others") {
  // Goal: a step of what an index does with older values is never too large for one batch. Method:
  // small values around one that fills a batch alone.
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const std::string apple = R"({"a": "apple"})", pear = R"({"b": "pear"})";
  const std::string stamp(kBatchBytesMax - 3 - pear.size(), 's');
  REQUIRE_OK(store->Set(kWritten, "da1", apple));
  REQUIRE_OK(store->Set(kWritten, "db1", pear));
  REQUIRE_OK(store->Set(kWritten, "db2", pear, {.stamp = stamp}));
  REQUIRE_OK(store->Set(kWritten, "db3", pear));
  Space space;
  space.prefix = "d";
  space.fields = {"a"};
  space.embedder = std::make_shared<PartialEmbedder>("pear");
  CHECK_OK(store->DefineSpace(space));
  CHECK(Keys(store->FindByValue({.field = "a"}, "apple")) == "da1");
  CHECK_OK(store->Reembed("d", std::make_shared<PartialEmbedder>("plum")));
  CHECK(store->Stats().spaces.at(0).vectors == 4);
  REQUIRE_OK(store->DropSpace("d"));
  space.embedder = nullptr;
  CHECK_OK(store->DefineSpace(space));
  CHECK_OK(store->CreateFieldIndex("d", "b"));
  CHECK(Keys(store->FindByValue({.field = "b"}, "pear")) == "db1 db2 db3");
  CHECK(Stamp(*store, "db2") == stamp);
  CheckVerifies(*store);
}

TEST_CASE("a definition that the next open carries out leaves every stamp") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path());
    REQUIRE_OK(store->Set({}, "d", "apple", {.stamp = kBinary}));
  }
  {
    const auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    SpaceDefinition definition;
    definition.state = SpaceState::kBuilding;
    definition.text = true;
    definition.analyzer = MakeEnglishAnalyzer()->id();
    const auto batch = (*engine)->NewBatch();
    batch->Put(Family::kDefault, kIdsKey, EncodeIdsRow({.next_document = 1, .next_space = 2}));
    batch->Put(Family::kDefault, SpaceKey(1), EncodeSpaceDefinition(1, definition));
    REQUIRE_OK((*engine)->Write(*batch, /*sync=*/true));
  }
  const auto store = OpenStore(dir.path());
  CHECK(Search(*store, "apple") == "d");
  CHECK(Stamp(*store, "d") == kBinary);
}

TEST_CASE("of a damaged record neither the value nor the stamp is given") {
  const TempDir dir;
  { REQUIRE_OK(OpenStore(dir.path())->Set({}, "k", "value", {.stamp = "stamp"})); }
  std::string record;
  {
    const auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    PinnedValue row;
    bool found = false;
    REQUIRE_OK((*engine)->Get(Family::kData, {}, "k", &row, &found));
    record = row.view();
  }
  // Some no longer parse; some parse as another record, without a stamp or with another one.
  for (size_t at = 0; at < record.size(); ++at) {
    CAPTURE(at);
    {
      const auto engine = Engine::Open({}, dir.path());
      REQUIRE_OK(engine);
      std::string damaged = record;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      const auto batch = (*engine)->NewBatch();
      batch->Put(Family::kData, "k", damaged);
      REQUIRE_OK((*engine)->Write(*batch, /*sync=*/false));
    }
    const auto store = OpenStore(dir.path());
    CHECK(absl::IsDataLoss(store->GetEntry({}, "k").status()));
    bool lent = false;
    CHECK(absl::IsDataLoss(store->ViewEntry({}, "k", [&](const EntryView&) { lent = true; })));
    CHECK_FALSE(lent);
    const auto it = store->NewIterator({});
    it->SeekToFirst();
    if (it->Valid()) CHECK(it->stamp().empty());
    CHECK(absl::IsDataLoss(it->status()));
  }
}

TEST_CASE("an exception of a reader of an entry is caught") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "k", "v"));
  const absl::Status thrown =
      store->ViewEntry({}, "k", [](const EntryView&) { throw std::runtime_error("tired"); });
  CHECK(absl::IsInternal(thrown));
  CHECK(StatusText(thrown).find("tired") != std::string::npos);
  CHECK(absl::IsNotFound(store->ViewEntry({}, "none", [](const EntryView&) {})));
}

struct Stored {
  std::string value, stamp;
  std::optional<int64_t> expiry;
};

TEST_CASE("under random changes every value has the stamp that came with it") {
  for (const uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const TempDir dir;
    const Options options = WithSpaces({VectorSpace(2, Metric::kL2, "v"), TextSpace("t")});
    std::map<std::string, Stored> model;
    const auto any_stamp = [&] { return std::string(random() % 3 * (random() % 40), 's'); };
    for (int round = 0; round < 3; ++round) {
      const auto store = OpenStore(dir.path(), options);
      for (int i = 0; i < 300; ++i) {
        const std::string key = std::string(1, "pvt"[random() % 3]) + std::to_string(random() % 15);
        const std::string number = std::to_string(random() % 100);
        const std::vector<float> vector = {static_cast<float>(random() % 9), 1};
        const auto there = model.find(key);
        switch (random() % 7) {
          case 0:
            REQUIRE_OK(store->Delete(kWritten, key));
            model.erase(key);
            break;
          case 1: {
            const auto sum = store->Increment(kWritten, key);
            REQUIRE_OK(sum);
            model[key].value = std::to_string(*sum);
            model[key].stamp.clear();
            break;
          }
          case 2: {
            std::optional<std::string_view> expected;
            if (there != model.end()) expected = there->second.value;
            REQUIRE_OK(store->CompareAndSet(kWritten, key, expected, number));
            model[key] = {number, "", {}};
            break;
          }
          case 3: {
            const absl::Status status = store->SetVector(kWritten, key, vector);
            CHECK(status.ok() == (key[0] == 'v' && there != model.end()));
            break;
          }
          case 4: {
            Batch batch;
            const std::optional<int64_t> moment =
                random() % 2 == 0 ? std::nullopt : std::optional(kFarAway + i);
            batch.SetExpiry(key, moment);
            REQUIRE_OK(store->Apply(kWritten, batch));
            if (there != model.end()) there->second.expiry = moment;
            break;
          }
          default: {
            Batch batch;
            const Stored stored{number, any_stamp(), {}};
            batch.Set(key, "overwritten", {.stamp = "overwritten"});
            batch.Set(key, stored.value, {.stamp = stored.stamp});
            REQUIRE_OK(store->Apply(kWritten, batch));
            model[key] = stored;
          }
        }
        if (random() % 60 == 0) REQUIRE_OK(store->SealIndex("t"));
      }
      const auto it = store->NewIterator({});
      auto expected = model.begin();
      for (it->SeekToFirst(); it->Valid(); it->Next(), ++expected) {
        REQUIRE(expected != model.end());
        REQUIRE(it->key() == expected->first);
        REQUIRE(it->value() == expected->second.value);
        REQUIRE(it->stamp() == expected->second.stamp);
        REQUIRE(store->GetEntry({}, it->key())->expiry == expected->second.expiry);
      }
      REQUIRE_OK(it->status());
      CHECK(expected == model.end());
      CheckVerifies(*store);
    }
  }
}

}  // namespace
}  // namespace libkv
