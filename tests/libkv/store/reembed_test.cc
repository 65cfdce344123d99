// Another embedder, or the same one with another model, for a space in use. Oracle: the vector of
// every key is the one that the test's embedder makes of its value.
#include <atomic>
#include <cmath>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/coding.h"
#include "base/hash.h"
#include "engine/engine.h"
#include "support/store_test.h"

namespace libkv {
namespace {

// Directions drawn at random, by text and model.
class DrawnEmbedder : public Embedder {
 public:
  DrawnEmbedder(std::string name, size_t dimension, uint64_t model)
      : name_(std::move(name)), dimension_(dimension), model_(model) {}
  std::string identity() const override { return name_; }
  size_t dimension() const override { return dimension_; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    if (is_down_) return absl::UnavailableError("the service is down");
    if (texts[0].starts_with("text") && --countdown_ == 0 && then_) then_();
    if (is_down_) return absl::UnavailableError("the service is down");
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::vector<float> vector = Of(texts[i]);
      std::copy(vector.begin(), vector.end(), vectors.begin() + i * dimension_);
    }
    return absl::OkStatus();
  }

  std::vector<float> Of(std::string_view text) const {
    if (text.find("nothing") != std::string_view::npos) return std::vector<float>(dimension_);
    std::mt19937_64 random(Hash64(text) + model_);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> vector(dimension_);
    for (float& x : vector) x = uniform(random);
    return vector;
  }
  void SetModel(uint64_t model) { model_ = model; }
  void SetDown(bool is_down) { is_down_ = is_down; }
  // `then` is called when values are embedded for the `call`th time from now on.
  void Then(int call, std::function<void()> then) {
    then_ = std::move(then);
    countdown_ = call;
  }

 private:
  const std::string name_;
  const size_t dimension_;
  std::atomic<uint64_t> model_;
  std::atomic<bool> is_down_{false};
  mutable std::atomic<int> countdown_{0};
  std::function<void()> then_;
};
using Drawn = std::shared_ptr<DrawnEmbedder>;

Drawn MakeDrawn(const std::string& name = "drawn/1", size_t dimension = 16, uint64_t model = 1) {
  return std::make_shared<DrawnEmbedder>(name, dimension, model);
}

Options With(const Drawn& embedder) {
  Space space;
  space.prefix = "d";
  space.text = true;
  space.embedder = embedder;
  Options options = WithSpaces({space});
  options.exact_vectors_max = kExactVectorsMin;
  return options;
}

using Model = std::map<std::string, std::string>;

std::string TextOf(size_t i) { return "text number " + std::to_string(i); }

void Fill(Store& store, Model& model, size_t count) {
  Batch batch;
  for (size_t i = 0; i < count; ++i) {
    const std::string key = "d" + std::to_string(i);
    model[key] = TextOf(i);
    batch.Set(key, model[key]);
    if (i % 500 != 499 && i + 1 < count) continue;
    REQUIRE_OK(store.Apply({.durability = Durability::kWritten}, batch));
    batch = Batch();
  }
}

// Every value has the vector of `embedder`, and is found by it.
void CheckVectors(const Store& store, const Model& model, const DrawnEmbedder& embedder) {
  size_t place = 0;
  for (const auto& [key, text] : model) {
    CAPTURE(key);
    const auto vector = store.GetVector({}, key);
    const std::vector<float> wanted = embedder.Of(text);
    if (text.find("nothing") != std::string::npos) {
      CHECK(absl::IsNotFound(vector.status()));
      continue;
    }
    REQUIRE_OK(vector);
    REQUIRE(*vector == wanted);
    if (place++ % 97 != 0) continue;
    const auto near = store.SimilarText({.prefix = "d", .limit = 1, .exact = true}, text);
    REQUIRE_OK(near);
    REQUIRE(near->size() == 1);
    CHECK(near->front().key == key);
    CHECK(near->front().score == doctest::Approx(1));
  }
  CheckVerifies(store);
}

// The ids of all rows of the vectors family.
std::set<uint32_t> GenerationsOf(const std::string& directory) {
  const auto engine = Engine::Open({.read_only = true}, directory);
  REQUIRE_OK(engine);
  std::set<uint32_t> ids;
  const auto cursor = (*engine)->NewCursor(Family::kVectors, {}, {}, {});
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    ids.insert(LoadFixed32(cursor->key().data()));
  }
  return ids;
}

TEST_CASE("the vectors of a space are made anew by another embedder, of another dimension too") {
  const Drawn before = MakeDrawn();
  for (const size_t dimension : {16, 40}) {
    for (const size_t count : {300, 2'500}) {
      CAPTURE(dimension);
      CAPTURE(count);
      const TempDir dir;
      const Drawn after = MakeDrawn("drawn/2", dimension, 2);
      Model model;
      {
        const auto store = OpenStore(dir.path(), With(before));
        Fill(*store, model, count);
        CheckVectors(*store, model, *before);
        REQUIRE_OK(store->Reembed("d", after));
        CheckVectors(*store, model, *after);
        CHECK(store->Stats().spaces[0].vectors == count);
        CHECK(store->Stats().spaces[0].reembed_total == 0);
        REQUIRE_OK(store->Set({}, "dnew", model["dnew"] = "text of later"));
        REQUIRE_OK(store->Delete({}, "d7"));
        model.erase("d7");
        REQUIRE_OK(store->CreateFieldIndex("d", "x"));  // the definition is written again
        CheckVectors(*store, model, *after);
        const float wrong[] = {1, 2, 3};
        CHECK(absl::IsInvalidArgument(store->Similar({.prefix = "d"}, wrong).status()));
        CHECK(Search(*store, "later") == "dnew");
      }
      CHECK(GenerationsOf(dir.path()) == std::set<uint32_t>{2});
      CHECK(absl::IsFailedPrecondition(Store::Open(With(before), dir.path()).status()));
      {
        const auto store = OpenStore(dir.path(), With(after));
        CheckVectors(*store, model, *after);
        REQUIRE_OK(store->Reembed("d", before));
        CheckVectors(*store, model, *before);
      }
      const auto store = OpenStore(dir.path(), With(before));
      CheckVectors(*store, model, *before);
      REQUIRE_OK(store->DropSpace("d"));
      CheckVerifies(*store);
    }
  }
}

TEST_CASE("values written and deleted while a space is embedded anew have the vectors of the end") {
  const TempDir dir;
  const Drawn before = MakeDrawn(), after = MakeDrawn("drawn/2", 24, 2);
  Model model;
  {
    const auto store = OpenStore(dir.path(), With(before));
    Fill(*store, model, 3'000);
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    std::vector<Model> written(3);
    for (size_t w = 0; w < written.size(); ++w) {
      writers.emplace_back([&, w] {
        std::mt19937_64 random(w);
        Model& mine = written[w];
        for (size_t i = 0; !stop; ++i) {
          const std::string key = "d" + std::to_string(random() % 1'000 * 3 + w);
          std::string value = "text of " + std::to_string(w) + " and " + std::to_string(i);
          if (random() % 8 == 0) value += " nothing";
          absl::Status status;
          if (random() % 4 == 0) {
            value.clear();
            status = store->Delete({.durability = Durability::kWritten}, key);
          } else {
            status = store->Set({.durability = Durability::kWritten}, key, value);
          }
          if (!status.ok()) MESSAGE(StatusText(status));
          mine[key] = status.ok() ? value : "?";
        }
      });
    }
    size_t searches = 0;
    std::thread searcher([&] {
      while (!stop) {
        const auto near = store->SimilarText({.prefix = "d", .limit = 3}, "text number 5");
        CHECK_OK(near);
        ++searches;
      }
    });
    for (int round = 0; round < 2; ++round) {
      CHECK_OK(store->Reembed("d", after));
      CHECK_OK(store->Reembed("d", before));
    }
    CHECK_OK(store->Reembed("d", after));
    stop = true;
    for (std::thread& writer : writers) writer.join();
    searcher.join();
    CHECK(searches > 0);
    for (const Model& mine : written) {
      CHECK(!mine.empty());
      for (const auto& [key, value] : mine) {
        model[key] = value;
        if (value.empty()) model.erase(key);
      }
    }
    CheckVectors(*store, model, *after);
  }
  const auto store = OpenStore(dir.path(), With(after));
  CheckVectors(*store, model, *after);
}

TEST_CASE("a snapshot of before goes on with the old vectors") {
  const TempDir dir;
  const Drawn before = MakeDrawn(), after = MakeDrawn("drawn/2", 24, 2);
  Model model;
  const auto store = OpenStore(dir.path(), With(before));
  Fill(*store, model, 1'500);
  SimilarOptions old = {.prefix = "d", .limit = 5, .snapshot = store->GetSnapshot()};
  const std::string by_text = Keys(store->SimilarText(old, TextOf(3)));
  const std::string by_key = Keys(store->SimilarTo(old, "d3"));
  const std::vector<float> query = before->Of("a question");
  const std::string by_vector = Keys(store->Similar(old, query));
  HybridOptions hybrid{.prefix = "d", .limit = 5, .snapshot = old.snapshot};
  const auto words_and_vectors = store->Hybrid(hybrid, TextOf(3));
  REQUIRE_OK(words_and_vectors);

  REQUIRE_OK(store->Reembed("d", after));
  REQUIRE_OK(store->Set({}, "d3", "text that was changed"));
  CHECK(Keys(store->SimilarText(old, TextOf(3))) == by_text);
  CHECK(Keys(store->SimilarTo(old, "d3")) == by_key);
  CHECK(Keys(store->Similar(old, query)) == by_vector);
  CHECK(absl::IsInvalidArgument(store->Similar(old, after->Of("a question")).status()));
  const auto again = store->Hybrid(hybrid, TextOf(3));
  REQUIRE_OK(again);
  REQUIRE(again->hits.size() == words_and_vectors->hits.size());
  for (size_t i = 0; i < again->hits.size(); ++i) {
    CHECK(again->hits[i].key == words_and_vectors->hits[i].key);
    CHECK(again->hits[i].vector_score == words_and_vectors->hits[i].vector_score);
  }
  CHECK_OK(store->Similar({.prefix = "d"}, after->Of("a question")));
}

TEST_CASE(
    "a copy taken in the middle has the old vectors, and nothing of the new ones once opened") {
  const TempDir dir;
  const Drawn before = MakeDrawn(), after = MakeDrawn("drawn/2", 24, 2);
  Model model;
  const auto store = OpenStore(dir.path("store"), With(before));
  Fill(*store, model, 1'500);
  Model at_copy;
  after->Then(5, [&] {
    REQUIRE_OK(store->Set({}, "dnew", model["dnew"] = "text of meanwhile"));
    const SpaceStats stats = store->Stats().spaces[0];
    CHECK(stats.reembed_total == 1'500);
    CHECK(stats.reembedded == 4 * 128);
    CheckVectors(*store, model, *before);
    REQUIRE_OK(store->Checkpoint(dir.path("copy")));
    at_copy = model;
  });
  REQUIRE_OK(store->Reembed("d", after));
  CheckVectors(*store, model, *after);

  REQUIRE(at_copy.size() == 1'501);
  CHECK(GenerationsOf(dir.path("copy")) == std::set<uint32_t>{1, 2});
  {
    Options reading = With(before);
    reading.read_only = true;
    CheckVectors(*OpenStore(dir.path("copy"), reading), at_copy, *before);
  }
  {
    const auto copy = OpenStore(dir.path("copy"), With(before));
    CheckVectors(*copy, at_copy, *before);
  }
  CHECK(GenerationsOf(dir.path("copy")) == std::set<uint32_t>{1});
  const auto copy = OpenStore(dir.path("copy"), With(before));
  REQUIRE_OK(copy->Reembed("d", after));
  CheckVectors(*copy, at_copy, *after);
}

TEST_CASE("expiry times that are changed while vectors are made anew count in both generations") {
  // Method: in the middle, so that values before and behind that place get another time.
  const TempDir dir;
  const Drawn before = MakeDrawn(), after = MakeDrawn("drawn/2", 24, 2);
  std::atomic<int64_t> now{1'000'000};
  Options options = With(before);
  options.clock = [&] { return now.load(); };
  Model model;
  const auto store = OpenStore(dir.path(), options);
  Fill(*store, model, 1'500);
  after->Then(5, [&] {
    Batch batch;
    for (size_t i = 0; i < 1'500; i += 10) {
      batch.SetExpiry("d" + std::to_string(i), i % 20 == 0 ? 2'000'000 : 3'000'000);
    }
    REQUIRE_OK(store->Apply({}, batch));
    CheckVectors(*store, model, *before);
  });
  REQUIRE_OK(store->Reembed("d", after));
  CheckVectors(*store, model, *after);
  CheckVerifies(*store);
  for (const int64_t moment : {2'000'000, 3'000'000}) {
    now = moment;
    std::erase_if(model, [&](const auto& entry) {
      const size_t i = std::stoul(entry.first.substr(1));
      return i % 10 == 0 && (moment == 3'000'000 || i % 20 == 0);
    });
    CheckVectors(*store, model, *after);
    const auto near =
        store->Similar({.prefix = "d", .limit = 1'500, .exact = true}, after->Of("a"));
    REQUIRE_OK(near);
    CHECK(near->size() == model.size());
  }
}

TEST_CASE("an embedder that fails in the middle leaves everything as it was") {
  const TempDir dir;
  const Drawn before = MakeDrawn(), after = MakeDrawn("drawn/2", 24, 2);
  Model model;
  {
    const auto store = OpenStore(dir.path(), With(before));
    Fill(*store, model, 700);
    after->Then(3, [&] { after->SetDown(true); });
    CHECK(absl::IsUnavailable(store->Reembed("d", after)));
    CHECK(store->Stats().spaces[0].reembed_total == 0);
    REQUIRE_OK(store->Set({}, "dnew", model["dnew"] = "text of later"));
    CheckVectors(*store, model, *before);
    CHECK(absl::IsUnavailable(store->Reembed("d", after)));  // at its first word
    after->SetDown(false);
    REQUIRE_OK(store->Reembed("d", after));
    CheckVectors(*store, model, *after);
  }
  CHECK(GenerationsOf(dir.path()).size() == 1);
}

TEST_CASE("a model that has changed under its name is refused until the space is embedded anew") {
  const TempDir dir;
  const Drawn embedder = MakeDrawn();
  Model model;
  {
    const auto store = OpenStore(dir.path(), With(embedder));
    Fill(*store, model, 400);
  }
  embedder->SetModel(2);
  const auto store = OpenStore(dir.path(), With(embedder));
  const auto refused = [&](const absl::Status& status) {
    CHECK(absl::IsFailedPrecondition(status));
    CHECK(StatusText(status).find("'drawn/1' has changed") != std::string::npos);
    CHECK(StatusText(status).find("Reembed") != std::string::npos);
  };
  embedder->SetDown(true);
  CHECK(absl::IsUnavailable(store->Set({}, "dnew", "text")));  // nothing is known yet
  embedder->SetDown(false);
  refused(store->Set({}, "dnew", "text"));
  refused(store->SimilarText({.prefix = "d"}, "text").status());
  refused(store->Hybrid({.prefix = "d"}, "text").status());
  // What needs no embedding goes on.
  CHECK(Value(*store, "d1") == TextOf(1));
  CHECK_OK(store->SimilarTo({.prefix = "d"}, "d1"));
  const std::vector<float> given(16, 0.5F);
  REQUIRE_OK(store->Set({}, "dgiven", model["dgiven"] = "text with a vector", {.vector = given}));
  REQUIRE_OK(store->Delete({}, "d1"));
  model.erase("d1");

  // Values written meanwhile have vectors of the new model only.
  embedder->Then(2, [&] {
    REQUIRE_OK(store->Set({}, "dnew", model["dnew"] = "text of meanwhile"));
    REQUIRE_OK(store->Set({}, "d2", model["d2"] = "text that was changed"));
    CHECK(absl::IsNotFound(store->GetVector({}, "d2").status()));
    CheckVerifies(*store);
  });
  REQUIRE_OK(store->Reembed("d"));
  CheckVectors(*store, model, *embedder);
  REQUIRE_OK(store->Set({}, "dlast", model["dlast"] = "text at the end"));
  CheckVectors(*store, model, *embedder);
}

TEST_CASE("a space that is embedded anew can be dropped, and not be embedded anew twice at once") {
  const TempDir dir;
  const Drawn before = MakeDrawn(), after = MakeDrawn("drawn/2", 24, 2);
  Model model;
  {
    const auto store = OpenStore(dir.path(), With(before));
    Fill(*store, model, 700);
    after->Then(2, [&] {
      CHECK(absl::IsFailedPrecondition(store->Reembed("d", before)));
      CHECK_OK(store->CreateFieldIndex("d", "x"));  // goes on beside it
    });
    REQUIRE_OK(store->Reembed("d", after));
    CheckVectors(*store, model, *after);
    before->Then(3, [&] { REQUIRE_OK(store->DropSpace("d")); });
    CHECK(absl::IsFailedPrecondition(store->Reembed("d", before)));
    CheckVerifies(*store);
    CHECK(store->Stats().spaces.empty());
    CHECK(Value(*store, "d5") == TextOf(5));
  }
  CHECK(GenerationsOf(dir.path()).empty());
}

TEST_CASE("what cannot be embedded anew says why") {
  const TempDir dir;
  const auto store =
      OpenStore(dir.path(), WithSpaces({TextSpace("t"), VectorSpace(3, Metric::kL2, "v")}));
  CHECK(absl::IsNotFound(store->Reembed("x", MakeDrawn())));
  CHECK(absl::IsFailedPrecondition(store->Reembed("t", MakeDrawn())));
  CHECK(absl::IsFailedPrecondition(store->Reembed("v", MakeDrawn())));
  Space space;
  space.prefix = "e";
  space.embedder = MakeDrawn();
  REQUIRE_OK(store->DefineSpace(space));
  CHECK(absl::IsInvalidArgument(store->Reembed("e", MakeDrawn("", 4))));
  CHECK(absl::IsInvalidArgument(store->Reembed("e", MakeDrawn("none/1", 0))));
  CHECK_OK(store->Reembed("e"));  // nothing there, and nothing changed
}

TEST_CASE("an embedder that was not given can be replaced") {
  const TempDir dir;
  const Drawn before = MakeDrawn(), after = MakeDrawn("drawn/2", 24, 2);
  Model model;
  {
    const auto store = OpenStore(dir.path(), With(before));
    Fill(*store, model, 300);
  }
  const auto store = OpenStore(dir.path());
  CHECK(absl::IsFailedPrecondition(store->Set({}, "dnew", "text")));
  CHECK(absl::IsFailedPrecondition(store->Reembed("d")));
  REQUIRE_OK(store->Reembed("d", after));
  REQUIRE_OK(store->Set({}, "dnew", model["dnew"] = "text"));
  CheckVectors(*store, model, *after);
}

TEST_CASE("a space is not defined with an embedder that fails") {
  const TempDir dir;
  const Drawn embedder = MakeDrawn();
  embedder->SetDown(true);
  const auto failed = Store::Open(With(embedder), dir.path());
  CHECK(absl::IsUnavailable(failed.status()));
  CHECK(StatusText(failed).find("drawn/1") != std::string::npos);
  const auto store = OpenStore(dir.path());
  CHECK(store->Stats().spaces.empty());
  embedder->SetDown(false);
  CHECK_OK(store->DefineSpace(With(embedder).spaces[0]));
}

TEST_CASE("given vectors are replaced, and values without one get theirs") {
  const TempDir dir;
  const Drawn before = MakeDrawn();
  Model model;
  const auto store = OpenStore(dir.path(), With(before));
  const std::vector<float> given(16, 0.5F);
  REQUIRE_OK(store->Set({}, "da", model["da"] = "text", {.vector = given}));
  REQUIRE_OK(store->Set({}, "db", model["db"] = "text with nothing", {.vector = given}));
  REQUIRE_OK(store->Set({}, "dc", model["dc"] = "text with nothing"));
  REQUIRE_OK(store->Set({}, "dd", "\xff\xfe binary", {.vector = given}));
  CHECK(store->GetVector({}, "db").ok());
  CHECK(absl::IsNotFound(store->GetVector({}, "dc").status()));
  REQUIRE_OK(store->Reembed("d"));
  CheckVectors(*store, model, *before);
  // hash/1 has something to say about all of them.
  REQUIRE_OK(store->Reembed("d", MakeHashEmbedder()));
  for (const char* key : {"da", "db", "dc"}) {
    const auto vector = store->GetVector({}, key);
    REQUIRE_OK(vector);
    CHECK(vector->size() == 1'024);
  }
  CHECK(Search(*store, "nothing") == "db dc");
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
