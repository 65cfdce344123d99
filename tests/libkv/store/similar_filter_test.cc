// Filters of Similar, SimilarTo and SimilarText, against comparing every value by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

constexpr uint32_t kDimension = 16;

Space FilteredSpace(const std::string& prefix = "") {
  Space space = TextSpace(prefix);
  space.text_fields = {"text"};
  space.fields = {"n", "tag"};
  space.vector_dimension = kDimension;
  return space;
}

struct Item {
  std::vector<float> vector;
  int number = 0;
  std::set<std::string> words;
};
using Model = std::map<std::string, Item>;

std::vector<float> RandomVector(std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(kDimension);
  for (float& x : vector) x = normal(random);
  return vector;
}

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return dot / std::sqrt(aa * bb);
}

// The keys of the nearest that pass, in order.
std::string Oracle(const Model& model, const std::vector<float>& query, size_t limit,
                   const std::function<bool(const std::string&, const Item&)>& passes) {
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [key, item] : model) {
    if (passes(key, item)) order.emplace_back(-Cosine(query, item.vector), key);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::string> keys;
  for (size_t i = 0; i < std::min(limit, order.size()); ++i) keys.push_back(order[i].second);
  return Keys(keys);
}

void SetItem(Store& store, const std::string& key, const Item& item) {
  std::string text;
  for (const std::string& word : item.words) text += (text.empty() ? "" : " ") + word;
  SetOptions set;
  set.vector = item.vector;
  const std::string value = R"({"text":")" + text + R"(","n":)" + std::to_string(item.number) + "}";
  REQUIRE_OK(store.Set({.durability = Durability::kBuffered}, key, value, set));
}

TEST_CASE("filters of every width find what comparing every value finds, wherever words are") {
  // Goal: exact answers, whether much passes (the scan asks the filter) or little (vectors are
  // read). Method: a model; `n` is uneven so that ranges of it are 50, 10, 1 and 0.1 percent.
  const uint64_t seed = 20'251;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const TempDir dir;
  auto store = OpenStore(dir.path(), WithSpaces({FilteredSpace()}));
  Model model;
  const auto write = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const std::string key = "k" + std::to_string(random() % 6'000);
      if (random() % 10 == 0) {
        REQUIRE_OK(store->Delete({.durability = Durability::kBuffered}, key));
        model.erase(key);
        continue;
      }
      Item item{RandomVector(random), static_cast<int>(random() % 1'000), {}};
      if (random() % 8 != 0) item.words.insert(random() % 2 == 0 ? "even" : "odd");
      if (random() % 100 == 0) item.words.insert("rare");
      if (random() % 10 == 0) item.words.insert("seldom");
      SetItem(*store, key, item);
      model[key] = item;
    }
  };
  for (int round = 0; round < 4; ++round) {
    CAPTURE(round);
    write(round == 0 ? 6'000 : 1'500);
    if (round == 1) REQUIRE_OK(store->SealIndex(""));
    if (round == 2) REQUIRE_OK(store->MergeIndex(""));
    if (round == 3) store = nullptr, store = OpenStore(dir.path());
    for (const int below : {500, 100, 10, 1}) {
      CAPTURE(below);
      const std::vector<float> query = RandomVector(random);
      SimilarOptions options{.limit = 10};
      options.filters = {{.field = "n", .last = FieldValue(below - 1.0)}};
      CHECK(Keys(store->Similar(options, query)) ==
            Oracle(model, query, 10, [&](auto&, auto& item) { return item.number < below; }));
      options.prefix = "k1";
      CHECK(Keys(store->Similar(options, query)) ==
            Oracle(model, query, 10, [&](auto& key, auto& item) {
              return key.starts_with("k1") && item.number < below;
            }));
      options.prefix = "";
      options.words = "odd OR rare";
      CHECK(Keys(store->Similar(options, query)) == Oracle(model, query, 10, [&](auto&, auto& i) {
              return i.number < below && (i.words.contains("odd") || i.words.contains("rare"));
            }));
      options.prefix = "k1";
      options.filters.push_back({.field = "n", .first = FieldValue(below / 2.0)});
      CHECK(Keys(store->Similar(options, query)) ==
            Oracle(model, query, 10, [&](auto& key, auto& i) {
              return key.starts_with("k1") && i.number < below && i.number >= below / 2.0 &&
                     (i.words.contains("odd") || i.words.contains("rare"));
            }));
    }
    // Two wide ones, of which much, little or nothing passes both.
    std::mt19937_64 random_wide(seed + static_cast<uint64_t>(round));
    for (const double from : {100.0, 400.0, 590.0, 599.5, 700.0}) {
      CAPTURE(from);
      const std::vector<float> query = RandomVector(random_wide);
      SimilarOptions options{.limit = 10, .exact = random_wide() % 2 == 0};
      options.filters = {{.field = "n", .last = FieldValue(599.0)},
                         {.field = "n", .first = FieldValue(from)}};
      CHECK(Keys(store->Similar(options, query)) == Oracle(model, query, 10, [&](auto&, auto& i) {
              return i.number <= 599 && i.number >= from;
            }));
    }
    for (const std::string word : {"even", "seldom", "rare"}) {
      CAPTURE(word);
      const std::vector<float> query = RandomVector(random);
      SimilarOptions options{.limit = 25};
      options.words = word;
      const auto passes = [&](auto&, auto& item) { return item.words.contains(word); };
      CHECK(Keys(store->Similar(options, query)) == Oracle(model, query, 25, passes));
      options.limit = kSimilarLimitMax;
      CHECK(Keys(store->Similar(options, query)) == Oracle(model, query, 10'000, passes));
    }
    const auto& [key, item] = *model.begin();
    SimilarOptions options;
    options.words = "* -even";
    options.filters = {{.field = "n", .last = FieldValue(300.0)}};
    CHECK(Keys(store->SimilarTo(options, key)) ==
          Oracle(model, item.vector, 10, [&](auto& other, auto& i) {
            return other != key && i.number <= 300 && !i.words.empty() && !i.words.contains("even");
          }));
  }
  CheckVerifies(*store);
}

TEST_CASE("a filter sees the moment of the vectors, and no expired value") {
  const TempDir dir;
  Options options = WithSpaces({FilteredSpace("v:")});
  std::atomic<int64_t> now{1'000};
  options.clock = [&now] { return now.load(); };
  const auto store = OpenStore(dir.path(), options);
  std::mt19937_64 random(3);
  // Enough that reading what passes is cheaper than a scan.
  for (int i = 0; i < 1'000; ++i) {
    SetItem(*store, "v:" + std::to_string(i), {RandomVector(random), 0, {"common"}});
  }
  const std::vector<float> query = RandomVector(random);
  SetOptions set;
  set.vector = query;
  set.ttl = std::chrono::milliseconds(1'000);
  REQUIRE_OK(store->Set({}, "v:short", R"({"text":"gone soon","n":7})", set));
  set.ttl = {};
  REQUIRE_OK(store->Set({}, "v:long", R"({"text":"gone never","n":7})", set));
  SimilarOptions by_field{.prefix = "v:"};
  by_field.filters = {{.field = "n", .first = FieldValue(7.0), .last = FieldValue(7.0)}};
  SimilarOptions by_word{.prefix = "v:"};
  by_word.words = "gone";
  CHECK(Keys(store->Similar(by_field, query)) == "v:long v:short");
  CHECK(Keys(store->Similar(by_word, query)) == "v:long v:short");
  CHECK(Keys(store->SimilarTo(by_word, "v:long")) == "v:short");
  now = 3'000;
  CHECK(Keys(store->Similar(by_field, query)) == "v:long");
  CHECK(Keys(store->Similar(by_word, query)) == "v:long");

  by_field.snapshot = by_word.snapshot = store->GetSnapshot();
  REQUIRE_OK(store->Set({}, "v:long", R"({"text":"other","n":8})", set));
  REQUIRE_OK(store->Set({}, "v:new", R"({"text":"gone","n":7})", set));
  REQUIRE_OK(store->SealIndex("v:"));
  CHECK(Keys(store->Similar(by_field, query)) == "v:long");
  CHECK(Keys(store->Similar(by_word, query)) == "v:long");
  by_field.snapshot = by_word.snapshot = nullptr;
  CHECK(Keys(store->Similar(by_field, query)) == "v:new");
  CHECK(Keys(store->Similar(by_word, query)) == "v:new");
  // Another vector is another document; the words and fields stay.
  REQUIRE_OK(store->SetVector({}, "v:new", RandomVector(random)));
  CHECK(Keys(store->Similar(by_field, query)) == "v:new");
  CHECK(Keys(store->Similar(by_word, query)) == "v:new");
  REQUIRE_OK(store->Delete({}, "v:new"));
  CHECK(Keys(store->Similar(by_field, query)) == "");
  CHECK(Keys(store->Similar(by_word, query)) == "");
}

TEST_CASE("a wide filter that everything near fails still finds the nearest that pass") {
  // Goal: what the documents that were asked about first say of a filter may be wrong for the rest.
  // Method: a field that follows the vectors, so that far ones alone pass, or near ones alone.
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FilteredSpace()}));
  std::mt19937_64 random(3);
  Model model;
  std::vector<float> query(kDimension);
  query[0] = 1;
  for (int i = 0; i < 4'000; ++i) {
    Item item{RandomVector(random), 0, {}};
    item.number = static_cast<int>(500 * (1 + Cosine(query, item.vector)));
    const std::string key = "k" + std::to_string(i);
    SetItem(*store, key, item);
    model[key] = item;
  }
  for (const double bound : {200.0, 400.0, 500.0, 600.0, 900.0}) {
    for (const bool below : {true, false}) {
      CAPTURE(bound);
      CAPTURE(below);
      SimilarOptions options{.limit = 10};
      FieldFilter filter{.field = "n"};
      (below ? filter.last : filter.first) = FieldValue(bound);
      options.filters = {filter};
      CHECK(Keys(store->Similar(options, query)) == Oracle(model, query, 10, [&](auto&, auto& i) {
              return below ? i.number <= bound : i.number >= bound;
            }));
    }
  }
}

TEST_CASE("texts are filtered as vectors are, and only the space with vectors counts") {
  const TempDir dir;
  Space texts = FilteredSpace("t:");
  texts.vector_dimension = 0;
  texts.embedder = MakeHashEmbedder();
  const auto store = OpenStore(dir.path(), WithSpaces({texts, TextSpace("t:inner:")}));
  REQUIRE_OK(store->Set({}, "t:1", R"({"text":"edit pictures","n":1})"));
  REQUIRE_OK(store->Set({}, "t:2", R"({"text":"edit photographs","n":2})"));
  REQUIRE_OK(store->Set({}, "t:inner:3", "edit pictures of mine"));
  SimilarOptions options{.prefix = "t:"};
  CHECK(Keys(store->SimilarText(options, "edit pictures")) == "t:1 t:2");
  options.filters = {{.field = "n", .first = FieldValue(2.0)}};
  CHECK(Keys(store->SimilarText(options, "edit pictures")) == "t:2");
  options.words = "n:1";
  CHECK(Keys(store->SimilarText(options, "edit pictures")) == "");
  options.filters = {};
  CHECK(Keys(store->SimilarText(options, "edit pictures")) == "t:1");
  options.words = "of";  // nothing but a word that is too common
  CHECK(Keys(store->SimilarText(options, "edit pictures")) == "");
}

TEST_CASE("a filter that makes no sense is refused, and says why") {
  const TempDir dir;
  Space plain = VectorSpace(2, Metric::kL2, "v:");
  Space fields = VectorSpace(2, Metric::kL2, "f:");
  fields.fields = {"n"};
  const auto store = OpenStore(dir.path(), WithSpaces({plain, fields, FilteredSpace("t:")}));
  const float query[] = {1, 2};
  SetOptions set;
  set.vector = query;
  REQUIRE_OK(store->Set({}, "v:1", R"({"n":1})", set));
  REQUIRE_OK(store->Set({}, "f:1", R"({"n":1})", set));
  const auto refused = [&](const SimilarOptions& options) {
    return store->Similar(options, query).status();
  };
  SimilarOptions words{.prefix = "v:"};
  words.words = "one";
  CHECK(absl::IsFailedPrecondition(refused(words)));
  CHECK(std::string(refused(words).message()).find("indexes no text") != std::string::npos);
  SimilarOptions field{.prefix = "v:"};
  field.filters = {{.field = "n"}};
  CHECK(absl::IsFailedPrecondition(refused(field)));
  CHECK(std::string(refused(field).message()).find("indexes the field 'n'") != std::string::npos);
  field.limit = 0;
  CHECK(absl::IsFailedPrecondition(refused(field)));
  field.limit = 10;
  // Without text, fields are enough for filters.
  field.prefix = "f:";
  CHECK(Keys(store->Similar(field, query)) == "f:1");
  field.filters[0].first = FieldValue(std::numeric_limits<double>::quiet_NaN());
  CHECK(absl::IsInvalidArgument(refused(field)));
  field.filters.assign(kFiltersMax + 1, {.field = "n"});
  CHECK(absl::IsInvalidArgument(refused(field)));
  field.filters.resize(kFiltersMax);
  CHECK(Keys(store->Similar(field, query)) == "f:1");

  const std::vector<float> longer(kDimension, 1);
  SimilarOptions strict{.prefix = "t:"};
  for (const char* bad : {"\"never closed", "a AND", ")", "-only"}) {
    CAPTURE(bad);
    strict.words = bad;
    CHECK(absl::IsInvalidArgument(store->Similar(strict, longer).status()));
  }
}

}  // namespace
}  // namespace libkv
