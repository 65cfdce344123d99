// Filters, prefixes and keys to leave out, in lists: no neighbour is lost to them. Oracle:
// comparing everything, in the test.
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/slow_build.h"
#include "support/store_test.h"
#include "support/vector_lists.h"

namespace libkv {
namespace {

TEST_CASE("a prefix narrows a search in lists without losing neighbours") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    Model model, narrow;
    Points points(7, 100);
    Fill(
        *store, model, Scaled(8'000), [&](size_t) { return points.Any(); }, "a");
    Fill(
        *store, narrow, 400, [&](size_t) { return points.Any(); }, "b");
    WaitForLists(*store, model.size() + narrow.size());
    Recall recall;
    for (size_t q = 0; q < kQuestions; ++q) {
      const Vector query = points.Any();
      const std::vector<std::string> truth = Nearest(narrow, query, 10);
      SimilarOptions options{.prefix = "b", .recall_target = 0.95, .exact = true};
      if (q < 50) CHECK(KeysOf(store->Similar(options, query)) == truth);
      options.exact = false;
      const std::vector<std::string> keys = KeysOf(store->Similar(options, query));
      CHECK(keys.size() == 10);
      for (const std::string& key : keys) CHECK(narrow.contains(key));
      recall.Add(keys, truth);
    }
    CHECK(recall.mean() >= 0.95 - kRecallSlack);
  }
}

TEST_CASE("by bits alone a filter or a key to leave out loses no neighbour") {
  // Goal: what cannot be asked of an entry without its key is asked otherwise. Oracle: the same
  // space with all its codes.
  const TempDir dir;
  const std::unique_ptr<Store> store = [&] {
    Options options = VectorOptions(Metric::kL2, VectorMemory::kBits);
    options.spaces[0].prefix = "b";
    options.spaces[0].fields = {"n"};
    options.spaces.push_back(options.spaces[0]);
    options.spaces[1].prefix = "c";
    options.spaces[1].vector_memory = VectorMemory::kCodes;
    return OpenStore(dir.path(), options);
  }();
  Points points(9, 60);
  Batch batch;
  const size_t count = Scaled(10'000);
  for (size_t i = 0; i < count; ++i) {
    const Vector vector = points.Any();
    SetOptions with;
    with.vector = vector;
    const std::string value = "{\"n\":" + std::to_string(i % 1'000) + "}";
    for (const char* space : {"b", "c"}) {
      batch.Set(space + std::to_string(i % 7) + "/" + std::to_string(i), value, with);
    }
  }
  REQUIRE_OK(store->Apply({}, batch));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  const auto is_ready = [&] {
    const StoreStats stats = store->Stats();
    return stats.spaces[0].recall.size() + stats.spaces[1].recall.size() >= 2;
  };
  while (!is_ready() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  REQUIRE(is_ready());
  const auto found = [&](std::string space, SimilarOptions options, const Vector& query) {
    options.prefix = space + options.prefix;
    std::vector<std::string> keys = KeysOf(store->Similar(options, query));
    for (std::string& key : keys) key.erase(0, 1);
    return keys;
  };
  size_t same = 0, asked = 0;
  Recall recall;
  for (const char* prefix : {"", "3", "3/1"}) {
    for (const double passing : {1'000.0, 500.0, 100.0, 10.0, 1.0}) {
      CAPTURE(prefix);
      CAPTURE(passing);
      for (int q = 0; q < 20; ++q) {
        SimilarOptions options{.prefix = prefix, .exact = true};
        FieldFilter filter;
        filter.field = "n";
        filter.last = FieldValue(passing - 1);
        options.filters = {filter};
        const Vector query = points.Any();
        const std::vector<std::string> exact = found("c", options, query);
        CHECK(found("b", options, query) == exact);
        options.exact = false;
        options.recall_target = 0.99;
        const std::vector<std::string> by_bits = found("b", options, query);
        same += by_bits == exact ? 1 : 0;
        if (!exact.empty()) recall.Add(by_bits, exact);
        ++asked;
      }
    }
  }
  CHECK(same * 10 >= asked * 8);
  CHECK(recall.mean() >= 0.99 - kRecallSlack);
  const auto like = store->SimilarTo({.prefix = "b", .exact = true}, "b0/7");
  REQUIRE_OK(like);
  const auto like_codes = store->SimilarTo({.prefix = "c", .exact = true}, "c0/7");
  REQUIRE_OK(like_codes);
  REQUIRE(like->size() == like_codes->size());
  for (size_t i = 0; i < like->size(); ++i) {
    CHECK((*like)[i].key.substr(1) == (*like_codes)[i].key.substr(1));
    CHECK((*like)[i].key != "b0/7");
  }
  CheckVerifies(*store);
}

TEST_CASE("fields, words and prefixes of every width find in lists what was asked for") {
  // Goal: whether the nearest are asked one by one, or all that pass are known before, as many of
  // the true neighbours are found. Method: shares of values at random, down to one in a thousand,
  // and one that the nearest all fail; the field is the number of the key modulo 1,000, or above
  // 1,000 for a cluster, and the words say the same of the number. The keys are in five parts,
  // which a prefix tells apart.
  const TempDir dir;
  Options options = VectorOptions(Metric::kL2);
  options.spaces[0].fields = {"n"};
  options.spaces[0].text = true;
  options.spaces[0].text_fields = {"text"};
  const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  Points points(17, 20);
  const size_t count = Scaled(9'000);
  const size_t kAsked = Scaled(300);  // of each kind; there are no more values in a cluster
  constexpr double kLeast = 0.95 - kRecallSlack;
  struct Value {
    Vector vector;
    int number = 0;
    std::set<std::string> words;
  };
  std::map<std::string, Value> values;
  const auto key_of = [](size_t i) {
    return "v" + std::to_string(i % 5) + "/" + std::to_string(i);
  };
  Batch batch;
  for (size_t i = 0; i < count; ++i) {
    const bool is_apart = i % 20 == 0;
    Value value{points.Of(i % 20), static_cast<int>(i % 1'000 + (is_apart ? 1'000 : 0)), {}};
    std::string text;
    for (const auto& [word, last] : std::map<std::string, int>{
             {"single", 1}, {"tenfold", 10}, {"hundred", 100}, {"majority", 500}, {"near", 999}}) {
      if (value.number > last) continue;
      value.words.insert(word);
      text += word + " ";
    }
    SetOptions with;
    with.vector = value.vector;
    batch.Set(key_of(i),
              R"({"n":)" + std::to_string(value.number) + R"(,"text":")" + text + R"("})", with);
    values[key_of(i)] = value;
  }
  REQUIRE_OK(store->Apply({}, batch));
  WaitForLists(*store, count);

  // The share of the true neighbours that was found: of stored values with `of_keys`, else of other
  // vectors. The first are asked for exactly as well.
  const auto recall = [&](SimilarOptions similar, size_t query_cluster, bool of_keys,
                          const std::function<bool(const Value&)>& passes) {
    Model passing;
    for (const auto& [key, value] : values) {
      if (key.starts_with(similar.prefix) && passes(value)) passing[key] = value.vector;
    }
    Recall of_all;
    for (size_t q = 0; q < kAsked; ++q) {
      const std::string own = of_keys ? key_of(query_cluster + 20 * q) : "";
      const Vector query = of_keys ? values.at(own).vector : points.Of(query_cluster);
      const std::vector<std::string> truth = Nearest(passing, query, 10, own);
      const auto ask = [&] {
        return KeysOf(of_keys ? store->SimilarTo(similar, own) : store->Similar(similar, query));
      };
      similar.exact = true;
      if (q < 50) CHECK(ask() == truth);
      similar.exact = false;
      const std::vector<std::string> keys = ask();
      CHECK(keys.size() == truth.size());
      for (const std::string& key : keys) CHECK((passing.contains(key) && key != own));
      of_all.Add(keys, truth);
    }
    return of_all.mean();
  };
  const auto by_field = [](int last) {
    SimilarOptions similar;
    similar.filters = {{.field = "n", .last = FieldValue(double(last))}};
    return similar;
  };
  for (const int last : {1, 10, 20, 100, 300, 500, 999, 1'990}) {
    CAPTURE(last);
    const auto passes = [&](const Value& value) { return value.number <= last; };
    CHECK(recall(by_field(last), 7, false, passes) >= kLeast);
    CHECK(recall(by_field(last), 0, false, passes) >= kLeast);  // nearly all that is near fails
  }
  for (const std::string word : {"single", "tenfold", "hundred", "majority", "near"}) {
    CAPTURE(word);
    const auto passes = [&](const Value& value) { return value.words.contains(word); };
    SimilarOptions similar;
    similar.words = word;
    CHECK(recall(similar, 7, false, passes) >= kLeast);
    CHECK(recall(similar, 0, false, passes) >= kLeast);
  }
  for (const char* prefix : {"v3", "v3/1"}) {
    CAPTURE(prefix);
    for (const size_t cluster : {7, 8}) {  // numbers of values under other prefixes, and under it
      CAPTURE(cluster);
      SimilarOptions similar{.prefix = prefix};
      CHECK(recall(similar, cluster, true, [](const Value&) { return true; }) >= kLeast);
      similar = by_field(300);
      similar.prefix = prefix;
      CHECK(recall(similar, cluster, true,
                   [](const Value& value) { return value.number <= 300; }) >= kLeast);
    }
  }
}

TEST_CASE("texts find in lists what was asked for, under a prefix and with a filter too") {
  // Goal: SimilarText and SimilarTo with a prefix narrower than the space's lose no neighbours.
  // Method: texts of some subjects; what the embedder makes of them is compared here. Equally near
  // ones count as well: two texts may have the same words.
  const std::shared_ptr<const Embedder> embedder = MakeHashEmbedder();
  std::mt19937_64 random(19);
  const auto word = [&] {
    std::string letters;
    for (size_t i = 0, length = 4 + random() % 6; i < length; ++i) {
      letters += static_cast<char>('a' + random() % 26);
    }
    return letters;
  };
  constexpr size_t kSubjects = 20;
  std::vector<std::vector<std::string>> subjects(kSubjects);
  for (auto& words : subjects) {
    for (int i = 0; i < 30; ++i) words.push_back(word());
  }
  const auto text_of = [&](size_t subject) {
    std::string text;
    for (size_t i = 0, length = 8 + random() % 8; i < length; ++i) {
      text += subjects[subject][random() % 30] + " ";
    }
    return text;
  };
  const auto embed = [&](EmbedKind kind, const std::string& text) {
    Vector vector(embedder->dimension());
    const std::string_view view = text;
    REQUIRE_OK(embedder->Embed(kind, std::span(&view, 1), vector));
    return vector;
  };
  const TempDir dir;
  Options options;
  Space space;
  space.prefix = "t";
  space.text_fields = {"text"};
  space.fields = {"n"};
  space.embedder = embedder;
  options.spaces = {space};
  options.exact_vectors_max = kExactVectorsMin;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  Model model;
  std::map<std::string, int> numbers;
  Batch batch;
  const size_t count = kExactVectorsMin + 500;
  for (size_t i = 0; i < count; ++i) {
    const std::string key = "t" + std::to_string(i % 3) + "/" + std::to_string(i);
    const std::string text = text_of(random() % kSubjects);
    numbers[key] = static_cast<int>(random() % 10);
    model[key] = embed(EmbedKind::kDocument, text);
    batch.Set(key, R"({"n":)" + std::to_string(numbers[key]) + R"(,"text":")" + text + R"("})");
  }
  REQUIRE_OK(store->Apply({}, batch));
  WaitForLists(*store, count);

  constexpr double kSame = 1e-5;  // of scores, which are floats
  for (const bool by_key : {false, true}) {
    for (const char* prefix : {"t", "t1", "t1/1"}) {
      for (const int last : {9, 4, 0}) {  // all, a half, a tenth
        CAPTURE(by_key);
        CAPTURE(prefix);
        CAPTURE(last);
        SimilarOptions similar{.prefix = prefix, .recall_target = 0.95};
        if (last < 9) similar.filters = {{.field = "n", .last = FieldValue(double(last))}};
        Model passing;
        for (const auto& [key, vector] : model) {
          if (key.starts_with(prefix) && numbers[key] <= last) passing[key] = vector;
        }
        size_t found = 0, wanted = 0;
        for (size_t q = 0; q < 100; ++q) {
          const std::string own = "t" + std::to_string(q % 3) + "/" + std::to_string(q);
          const std::string text = text_of(random() % kSubjects);
          const Vector query = by_key ? model[own] : embed(EmbedKind::kQuery, text);
          const std::vector<std::string> truth =
              Nearest(passing, query, 10, by_key ? own : std::string());
          REQUIRE(truth.size() == 10);
          const double furthest = Distance2(query, passing[truth.back()]) + kSame;
          for (const bool exact : {true, false}) {
            if (exact && q >= 20) continue;
            similar.exact = exact;
            const std::vector<std::string> keys =
                KeysOf(by_key ? store->SimilarTo(similar, own) : store->SimilarText(similar, text));
            CHECK(keys.size() == 10);
            size_t near = 0;
            for (const std::string& key : keys) {
              REQUIRE(passing.contains(key));
              CHECK_FALSE((by_key && key == own));
              near += Distance2(query, passing[key]) <= furthest ? 1 : 0;
            }
            if (exact) CHECK(near == 10);
            if (!exact) found += near;
          }
          wanted += 10;
        }
        CHECK(static_cast<double>(found) / static_cast<double>(wanted) >= 0.95 - kRecallSlack);
      }
    }
  }
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
