// Hybrid search against what Search and Similar say by themselves.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Space HybridSpace(const std::string& prefix = "") {
  Space space = TextSpace(prefix);
  space.embedder = MakeHashEmbedder();
  space.text_fields = {"text"};
  space.fields = {"n"};
  return space;
}

std::string Keys(const absl::StatusOr<HybridResult>& result) {
  REQUIRE_OK(result);
  std::vector<std::string> keys;
  for (const HybridHit& hit : result->hits) keys.push_back(hit.key);
  return libkv::Keys(keys);
}

struct Expected {
  double score = 0, word_part = 0, vector_part = 0;
  std::string key;
};

// What the header says, by hand: lists of (score, key), best first, become parts.
std::map<std::string, double> PartsOf(const std::vector<std::pair<double, std::string>>& list,
                                      const HybridOptions& options, bool is_words) {
  std::map<std::string, double> parts;
  for (size_t i = 0; i < list.size(); ++i) {
    const double best = list.front().first;
    const double last = is_words && list.size() < options.candidates ? 0 : list.back().first;
    double part = 1;
    if (options.fusion == Fusion::kReciprocalRank) {
      part = 1.0 / (options.rank_constant + 1.0 + static_cast<double>(i));
    } else if (best != last) {
      part = (list[i].first - last) / (best - last);
    }
    parts[list[i].second] = part;
  }
  return parts;
}

std::vector<Expected> Oracle(const Store& store, const HybridOptions& options,
                             const std::string& words) {
  std::vector<std::pair<double, std::string>> by_word, by_vector;
  if (options.word_weight > 0) {
    SearchOptions search{.prefix = options.prefix, .limit = options.candidates};
    search.filters = options.filters;
    search.snapshot = options.snapshot;
    const auto found = store.Search(search, words);
    REQUIRE_OK(found);
    for (const Hit& hit : found->hits) by_word.emplace_back(hit.score, hit.key);
  }
  if (options.vector_weight > 0) {
    SimilarOptions similar{.prefix = options.prefix, .limit = options.candidates};
    similar.filters = options.filters;
    similar.snapshot = options.snapshot;
    const auto found = options.vector.empty() ? store.SimilarText(similar, words)
                                              : store.Similar(similar, options.vector);
    REQUIRE_OK(found);
    for (const Neighbor& near : *found) by_vector.emplace_back(near.score, near.key);
  }
  std::map<std::string, Expected> all;
  for (const auto& [key, part] : PartsOf(by_word, options, true)) all[key].word_part = part;
  for (const auto& [key, part] : PartsOf(by_vector, options, false)) all[key].vector_part = part;
  std::vector<Expected> order;
  for (auto& [key, expected] : all) {
    expected.key = key;
    expected.score = options.word_weight * expected.word_part;
    expected.score += options.vector_weight * expected.vector_part;
    order.push_back(expected);
  }
  std::stable_sort(order.begin(), order.end(), [](const Expected& a, const Expected& b) {
    return a.score != b.score ? a.score > b.score : a.key < b.key;
  });
  order.erase(order.begin(),
              order.begin() + static_cast<ptrdiff_t>(std::min(options.offset, order.size())));
  if (order.size() > options.limit) order.resize(options.limit);
  return order;
}

void CheckAgainstOracle(const Store& store, HybridOptions options, const std::string& query) {
  // Scores count dead values too: a merge in the background changes them, but not in a snapshot.
  options.snapshot = store.GetSnapshot();
  CAPTURE(query);
  const auto found = store.Hybrid(options, query);
  REQUIRE_OK(found);
  CHECK_FALSE(found->is_partial);
  const std::vector<Expected> expected = Oracle(store, options, query);
  REQUIRE(found->hits.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(found->hits[i].key == expected[i].key);
    CHECK(found->hits[i].score == expected[i].score);
    CHECK(found->hits[i].word_part == expected[i].word_part);
    CHECK(found->hits[i].vector_part == expected[i].vector_part);
  }
}

std::string RandomText(std::mt19937_64& random) {
  static const char* const kWords[] = {"server", "web",   "mail",  "proxy",  "editor", "photo",
                                       "image",  "music", "sound", "kernel", "driver", "archive"};
  std::string text;
  const size_t count = random() % 6;
  // Some words are much more frequent than others.
  for (size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "" : " ") + std::string(kWords[std::min(random() % 12, random() % 12)]);
  }
  return text;
}

TEST_CASE("a hybrid search is what its two sides say, mixed") {
  // Goal: lists, parts, weights, order and pages are those of the header. Method: an oracle that
  // asks Search and Similar, over random texts, vectors, options and states of the index.
  const uint64_t seed = 99;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  const TempDir dir;
  auto store = OpenStore(dir.path(), WithSpaces({HybridSpace("d:"), TextSpace("other:")}));
  REQUIRE_OK(store->Set({}, "d:vector", "sound"));
  REQUIRE_OK(store->Set({}, "other:1", "web server"));
  constexpr WriteOptions kFast{.durability = Durability::kBuffered};
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    for (int i = 0; i < 500; ++i) {
      const std::string key = "d:" + std::to_string(random() % 700);
      if (random() % 6 == 0) {
        REQUIRE_OK(store->Delete(kFast, key));
      } else {
        REQUIRE_OK(store->Set(kFast, key,
                              R"({"text":")" + RandomText(random) + R"(","n":)" +
                                  std::to_string(random() % 100) + "}"));
      }
    }
    if (round % 2 == 1) REQUIRE_OK(store->SealIndex("d:"));
    if (round == 3) REQUIRE_OK(store->MergeIndex("d:"));
    for (int q = 0; q < 40; ++q) {
      HybridOptions options{.prefix = random() % 4 == 0 ? "d:1" : "d:"};
      options.limit = random() % 30;
      options.offset = random() % 3 == 0 ? random() % 20 : 0;
      options.candidates = random() % 2 == 0 ? 200 : 1 + random() % 30;
      options.fusion = random() % 2 == 0 ? Fusion::kConvex : Fusion::kReciprocalRank;
      if (random() % 2 == 0) {
        options.word_weight = static_cast<double>(random() % 4);
        options.vector_weight = static_cast<double>(random() % 3) + (q % 2 == 0 ? 0.5 : 1);
      }
      if (random() % 3 == 0) {
        const double first = static_cast<double>(random() % 100);
        options.filters = {{.field = "n", .first = FieldValue(first)}};
      }
      const std::string text = RandomText(random);
      CheckAgainstOracle(*store, options, text);
      options.vector.resize(store->GetVector({}, "d:vector")->size());
      for (float& x : options.vector) x = normal(random);
      CheckAgainstOracle(*store, options, text);
    }
  }
  CheckVerifies(*store);
}

struct Small {
  TempDir dir;
  std::unique_ptr<Store> store;
};

// Values with vectors of two dimensions; "n:..." have none, "v:..." have no words.
void FillSmall(Small& small) {
  Space space = TextSpace("x:");
  space.vector_dimension = 2;
  space.fields = {"n"};
  small.store = OpenStore(small.dir.path(), WithSpaces({space, VectorSpace(2, Metric::kL2, "y:")}));
  const auto set = [&](const std::string& key, const std::string& value, float x, float y) {
    const float vector[] = {x, y};
    SetOptions options;
    if (x != 0 || y != 0) options.vector = vector;
    REQUIRE_OK(small.store->Set({}, key, value, options));
  };
  set("x:a", "web server", 1, 0);
  set("x:b", "web proxy of many words that make it long", 1, 1);
  set("x:c", "mail", 0, 1);
  set("x:n", "web", 0, 0);
  set("x:v", "!!!", 1, 0.1f);
}

const HybridHit& HitOf(const absl::StatusOr<HybridResult>& result, const std::string& key) {
  REQUIRE_OK(result);
  for (const HybridHit& hit : result->hits) {
    if (hit.key == key) return hit;
  }
  FAIL("not found: " << key);
  static const HybridHit none;
  return none;
}

TEST_CASE("the parts of short, equal and missing lists are what the header says") {
  Small small;
  FillSmall(small);
  const auto ask = [&](const std::string& query, HybridOptions options = {}) {
    options.prefix = "x:";
    if (options.vector.empty()) options.vector = {1, 0};
    return small.store->Hybrid(options, query);
  };
  // One value has the word: it is the best there is.
  CHECK(HitOf(ask("mail"), "x:c").word_part == 1);
  CHECK(HitOf(ask("mail"), "x:c").vector_part == 0);  // the last of its list
  CHECK(HitOf(ask("mail"), "x:c").score == doctest::Approx(0.6));
  // Others follow the best by their scores: all that do not match score 0.
  const auto web = ask("web");
  CHECK(HitOf(web, "x:n").word_part == 1);
  CHECK(HitOf(web, "x:b").word_part ==
        doctest::Approx(*HitOf(web, "x:b").word_score / *HitOf(web, "x:n").word_score));
  CHECK(HitOf(web, "x:b").word_part > 0);
  // A list that is cut ends with 0.
  HybridOptions two;
  two.candidates = 2;
  CHECK(HitOf(ask("web", two), "x:n").word_part == 1);
  CHECK(HitOf(ask("web", two), "x:a").word_part == 0);
  two.candidates = 1;
  CHECK(HitOf(ask("web", two), "x:n").word_part == 1);
  CHECK(HitOf(ask("web", two), "x:a").vector_part == 1);
  CHECK(ask("web", two)->hits.size() == 2);
  // Equal scores are equally good.
  const auto star = ask("*");
  for (const char* key : {"x:a", "x:b", "x:c", "x:n"}) CHECK(HitOf(star, key).word_part == 1);
  HybridOptions cut;
  cut.candidates = 3;
  CHECK(HitOf(ask("*", cut), "x:a").word_part == 1);
  // What a side does not name has 0 of it, and its score where it has one.
  CHECK(HitOf(web, "x:n").vector_part == 0);
  CHECK_FALSE(HitOf(web, "x:n").vector_score.has_value());
  CHECK(HitOf(web, "x:v").word_part == 0);
  CHECK_FALSE(HitOf(web, "x:v").word_score.has_value());
  CHECK(HitOf(web, "x:a").vector_score == doctest::Approx(1));
}

TEST_CASE("hits that one side names bring what the other side makes of them") {
  Small small;
  FillSmall(small);
  HybridOptions options{.prefix = "x:", .candidates = 1, .vector = {0, 1}};
  options.explain = true;
  options.excerpt_bytes = 60;
  // Words name x:n, vectors x:c; x:n has no vector, x:c not the word.
  const auto apart = small.store->Hybrid(options, "web");
  CHECK(Keys(apart) == "x:n x:c");
  CHECK(HitOf(apart, "x:n").explanation.size() == 1);
  CHECK(HitOf(apart, "x:c").explanation.empty());
  CHECK(HitOf(apart, "x:c").excerpts.at(0).text == "mail");
  CHECK(HitOf(apart, "x:c").excerpts.at(0).highlights.empty());
  // x:b is below the list of words, and below that of vectors.
  options.vector = {1, 1};
  SearchOptions all{.prefix = "x:"};
  const auto alone = small.store->Search(all, "web");
  const auto near = small.store->Hybrid(options, "web");
  CHECK(Keys(near) == "x:n x:b");
  CHECK(HitOf(near, "x:b").word_part == 0);
  for (const Hit& hit : alone->hits) {
    if (hit.key == "x:b") CHECK(HitOf(near, "x:b").word_score == doctest::Approx(hit.score));
  }
  CHECK(HitOf(near, "x:b").explanation.at(0).what == "web");
  CHECK(HitOf(near, "x:b").excerpts.at(0).highlights.size() == 1);
  options.explain = false;
  CHECK(HitOf(small.store->Hybrid(options, "web"), "x:b").word_score.has_value());
  CHECK(HitOf(small.store->Hybrid(options, "web"), "x:n").explanation.empty());
  options.vector = {1, 0};
  const auto mail = small.store->Hybrid(options, "mail");
  CHECK(*HitOf(mail, "x:c").vector_score == doctest::Approx(0));
}

TEST_CASE("either side may be empty") {
  Small small;
  FillSmall(small);
  HybridOptions options{.prefix = "x:", .vector = {1, 0}};
  for (const char* query : {"unknown", "", "...", "the of"}) {
    CAPTURE(query);
    const auto found = small.store->Hybrid(options, query);
    CHECK(Keys(found) == "x:a x:v x:b x:c");
    CHECK(found->hits[0].score == doctest::Approx(0.4));
  }
  // A value without words has nothing that is left out.
  CHECK(Keys(small.store->Hybrid(options, "mail -web")) == "x:c x:v");
  options.vector_weight = 0;
  CHECK(Keys(small.store->Hybrid(options, "web")) == "x:n x:a x:b");
  CHECK(Keys(small.store->Hybrid(options, "unknown")) == "");
  options.vector_weight = 1;
  options.word_weight = 0;
  CHECK(Keys(small.store->Hybrid(options, "mail")) == "x:a x:v x:b x:c");
  CHECK_FALSE(HitOf(small.store->Hybrid(options, "mail"), "x:c").word_score.has_value());

  // A query without direction, and one that has nothing but a prefix.
  const TempDir dir;
  const auto texts = OpenStore(dir.path(), WithSpaces({HybridSpace()}));
  CHECK(Keys(texts->Hybrid({}, "web")) == "");
  REQUIRE_OK(texts->Set({}, "a", "web server"));
  REQUIRE_OK(texts->Set({}, "b", "!!!"));
  CHECK(Keys(texts->Hybrid({}, "...")) == "");
  CHECK(Keys(texts->Hybrid({}, "*")) == "a");
  CHECK(Keys(texts->Hybrid({}, "web")) == "a");
}

TEST_CASE("what a query leaves out or demands of fields holds for both sides") {
  const TempDir dir;
  auto store = OpenStore(dir.path(), WithSpaces({HybridSpace()}));
  REQUIRE_OK(store->Set({}, "1", R"({"text":"photo editor for web pages","n":1})"));
  REQUIRE_OK(store->Set({}, "2", R"({"text":"photos edited","n":2})"));
  REQUIRE_OK(store->Set({}, "3", R"({"text":"photography","n":2})"));
  REQUIRE_OK(store->Set({}, "4", "photo viewer, no JSON"));
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    const auto found = [&](const std::string& query) {
      const auto result = store->Hybrid({}, query);
      REQUIRE_OK(result);
      std::vector<std::string> keys;
      for (const HybridHit& hit : result->hits) keys.push_back(hit.key);
      std::sort(keys.begin(), keys.end());
      return libkv::Keys(keys);
    };
    CHECK(found("photo") == "1 2 3 4");
    CHECK(found("photo -web") == "2 3 4");
    CHECK(found("photo n:2") == "2 3");
    CHECK(found("photo -n:2") == "1 4");
    CHECK(found("photo (n:1 OR n:2) -edited") == "1 3");
    CHECK(found("photo -(edited OR web) -n:7") == "3 4");
    CHECK(found("photo -(edited n:2)") == "1 3 4");
    CHECK(found("photo n:* -(n:1 OR n:3)") == "2 3");
    CHECK(found("photo -(n:2 -edited)") == "1 2 4");
    CHECK(found("photo -edi* -the") == "3 4");
    CHECK(found("photo (n:1 OR web)") == "1 2 3 4");  // an alternative demands nothing of fields
    CHECK(found("n:2") == "2 3");                     // without words there is no direction
    HybridOptions options;
    options.filters = {{.field = "n", .first = FieldValue(2.0)}};
    CHECK(Keys(store->Hybrid(options, "photo")) == "2 3");
    // Fields and what is left out are not what is wanted: the vector is that of the word alone.
    const auto plain = store->Hybrid({}, "photo");
    const auto with = store->Hybrid({}, "photo n:2 -web");
    CHECK(*HitOf(with, "3").vector_score == *HitOf(plain, "3").vector_score);
    if (round == 0) REQUIRE_OK(store->SealIndex(""));
    if (round == 1) store = nullptr, store = OpenStore(dir.path());
  }
}

TEST_CASE("a hybrid search speaks of typos, bad queries and the time as a search does") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({HybridSpace()}));
  REQUIRE_OK(store->Set({}, "a", "relational database"));
  REQUIRE_OK(store->Set({}, "b", "web server"));
  HybridOptions options;
  CHECK(store->Hybrid(options, "databaes")->did_you_mean == "database");
  options.typos = true;
  const auto typo = store->Hybrid(options, "databaes");
  CHECK(HitOf(typo, "a").word_part == 1);
  REQUIRE(typo->warnings.size() == 1);
  CHECK(typo->did_you_mean == "database");
  CHECK(store->Hybrid({}, "\"web server")->warnings.size() == 1);
  options.strict = true;
  CHECK(absl::IsInvalidArgument(store->Hybrid(options, "\"web server").status()));
  options = {};
  options.time_limit = std::chrono::milliseconds(1);
  std::vector<std::string> keys;
  std::vector<KeyValue> items;
  for (int i = 0; i < 20'000; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) items.push_back({key, R"({"n":1,"text":"web"})"});
  REQUIRE_OK(store->BulkSet({.durability = Durability::kBuffered}, items));
  options.filters = {{.field = "n"}};
  const auto cut = store->Hybrid(options, "web -server");
  REQUIRE_OK(cut);
  CHECK(cut->is_partial);
}

TEST_CASE("bad options are refused and extreme ones answered") {
  Small small;
  FillSmall(small);
  const HybridOptions good{.prefix = "x:", .vector = {1, 0}};
  const auto status = [&](const HybridOptions& options) {
    return small.store->Hybrid(options, "web").status();
  };
  CHECK(status(good).ok());
  const auto invalid = [&](auto change) {
    HybridOptions options = good;
    change(options);
    CHECK(absl::IsInvalidArgument(status(options)));
  };
  invalid([](auto& o) { o.limit = 1'000'000'000; });
  invalid([](auto& o) { o.offset = kSearchLimitMax; });
  invalid([](auto& o) { o.offset = SIZE_MAX; });
  invalid([](auto& o) { o.candidates = 0; });
  invalid([](auto& o) { o.candidates = kHybridCandidatesMax + 1; });
  invalid([](auto& o) { o.word_weight = o.vector_weight = 0; });
  invalid([](auto& o) { o.excerpt_count = kExcerptCountMax + 1; });
  invalid([](auto& o) { o.recall_target = 0; });
  for (const double bad : {kNan, -0.1, double{INFINITY}, -double{INFINITY}, 1e7}) {
    CAPTURE(bad);
    invalid([bad](auto& o) { o.word_weight = bad; });
    invalid([bad](auto& o) { o.vector_weight = bad; });
    invalid([bad](auto& o) { o.rank_constant = bad; });
    invalid([bad](auto& o) { o.recall_target = bad; });
  }
  const auto nan = static_cast<float>(kNan);
  for (const std::vector<float>& bad :
       {std::vector<float>{1}, {1, 2, 3}, {nan, 1}, {0, 0}, {INFINITY, 1}}) {
    invalid([&bad](auto& o) { o.vector = bad; });
    invalid([&bad](auto& o) { o.vector = bad, o.vector_weight = 0; });
  }
  invalid([](auto& o) { o.filters = {{.field = "n", .first = FieldValue(kNan)}}; });
  invalid([](auto& o) { o.filters.assign(kFiltersMax + 1, {.field = "n"}); });
  invalid([](auto& o) { o.prefix = ""; });  // two spaces with vectors

  const auto wrong = [&](auto change) {
    HybridOptions options = good;
    change(options);
    CHECK(absl::IsFailedPrecondition(status(options)));
  };
  wrong([](auto& o) { o.filters = {{.field = "unknown"}}; });
  wrong([](auto& o) { o.prefix = "z:"; });   // nothing there
  wrong([](auto& o) { o.prefix = "y:"; });   // no text
  wrong([](auto& o) { o.vector.clear(); });  // no embedder

  HybridOptions options = good;
  options.limit = 0;
  CHECK(Keys(small.store->Hybrid(options, "web")) == "");
  options.limit = kSearchLimitMax;
  options.candidates = kHybridCandidatesMax;
  CHECK(small.store->Hybrid(options, "web")->hits.size() == 5);
  options = good;
  options.offset = 5;
  CHECK(Keys(small.store->Hybrid(options, "web")) == "");
  options = good;
  options.fusion = Fusion::kReciprocalRank;
  options.rank_constant = 0;
  options.word_weight = options.vector_weight = kHybridWeightMax;
  CHECK(HitOf(small.store->Hybrid(options, "web"), "x:n").score == kHybridWeightMax);
  const std::string long_query(100'000, '(');
  CHECK(small.store->Hybrid(good, long_query).ok());
}

TEST_CASE("both sides see one snapshot while writers, seals and merges go on") {
  // Goal: a value is never found by an old text and a new vector. Method: text and vector of each
  // value name the same generation; both scores of every hit must belong together.
  const TempDir dir;
  Space space = TextSpace();
  space.vector_dimension = 4;
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  std::atomic<bool> stop{false};
  std::atomic<int> errors{0};
  // Even generations: the word and the vector; odd ones: neither.
  const auto write = [&](int generation) {
    Batch batch;
    const bool even = generation % 2 == 0;
    const float vector[] = {even ? 1.0f : 0.0f, even ? 0.0f : 1.0f, 0, 0};
    SetOptions set;
    set.vector = vector;
    for (int i = 0; i < 8; ++i) batch.Set("k" + std::to_string(i), even ? "even" : "odd", set);
    if (!store->Apply({.durability = Durability::kBuffered}, batch).ok()) ++errors;
  };
  write(0);
  std::thread writer([&] {
    for (int generation = 1; !stop; ++generation) {
      write(generation);
      if (generation % 50 == 0 && !store->SealIndex("").ok()) ++errors;
      if (generation % 200 == 0 && !store->MergeIndex("").ok()) ++errors;
    }
  });
  for (int round = 0; round < 300; ++round) {
    HybridOptions options{.vector = {1, 0, 0, 0}};
    const auto snapshot = store->GetSnapshot();
    if (round % 2 == 0) options.snapshot = snapshot;
    const auto found = store->Hybrid(options, "even");
    if (!found.ok() || found->hits.size() != 8) {
      ++errors;
      continue;
    }
    for (const HybridHit& hit : found->hits) {
      if (hit.word_score.has_value() != (hit.vector_score.value_or(0) > 0.5)) ++errors;
    }
    // So does a filter: every generation has one of the words.
    SimilarOptions similar;
    similar.words = "even OR odd";
    const auto near = store->Similar(similar, options.vector);
    if (!near.ok() || near->size() != 8) ++errors;
    if (options.snapshot == nullptr) continue;
    const auto again = store->Hybrid(options, "even");
    if (!again.ok() || again->hits[0].score != found->hits[0].score) ++errors;
  }
  stop = true;
  writer.join();
  CHECK(errors == 0);
  // A space that is younger than the snapshot is empty in it.
  HybridOptions before{.prefix = "new:", .vector = {1, 0}};
  before.snapshot = store->GetSnapshot();
  Space younger = TextSpace("new:");
  younger.vector_dimension = 2;
  REQUIRE_OK(store->DefineSpace(younger));
  CHECK(Keys(store->Hybrid(before, "web")) == "");
}

}  // namespace
}  // namespace libkv
