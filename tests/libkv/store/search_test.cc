// Words, values and vectors of committed writes: seen at once, gone at once, the same after an
// open.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

TEST_CASE("a search sees every write that was acknowledged and no deleted one") {
  const TempDir dir;
  const Options options = WithSpaces({TextSpace()});
  {
    const auto store = OpenStore(dir.path(), options);
    REQUIRE_OK(store->Set({}, "a", "The quick brown fox"));
    CHECK(Search(*store, "fox") == "a");
    REQUIRE_OK(store->Set({}, "b", "A lazy dog and a fox"));
    CHECK(Search(*store, "foxes") == "a b");  // stemmed; the shorter one first
    REQUIRE_OK(store->Set({}, "a", "a cat"));
    CHECK(Search(*store, "fox") == "b");
    CHECK(Search(*store, "cat") == "a");
    REQUIRE_OK(store->Delete({}, "b"));
    CHECK(Search(*store, "fox") == "");
    CheckVerifies(*store);
  }
  const auto store = OpenStore(dir.path());  // the space is remembered
  CHECK(Search(*store, "cat") == "a");
  CHECK(Search(*store, "fox OR dog") == "");
  CheckVerifies(*store);
}

TEST_CASE("queries combine words, phrases, alternatives and exclusions") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  const KeyValue items[] = {
      {"nginx", "small fast web server and proxy"},
      {"apache", "the web server with many modules"},
      {"squid", "caching proxy for the web"},
      {"bind", "domain name server"},
  };
  REQUIRE_OK(store->BulkSet({}, items));
  const auto sorted = [&](const std::string& query) {
    const auto result = store->Search({}, query);
    REQUIRE_OK(result);
    std::vector<std::string> keys;
    for (const Hit& hit : result->hits) keys.push_back(hit.key);
    std::sort(keys.begin(), keys.end());
    CHECK(result->total == keys.size());
    return Keys(keys);
  };
  CHECK(sorted("web server") == "apache nginx");
  CHECK(sorted("\"web server\"") == "apache nginx");
  CHECK(sorted("\"server web\"") == "");
  CHECK(sorted("web server -proxy") == "apache");
  CHECK(sorted("web NOT server") == "squid");
  CHECK(sorted("domain | caching") == "bind squid");
  CHECK(sorted("(domain OR web) server") == "apache bind nginx");
  CHECK(sorted("proxy OR \"many modules\"") == "apache nginx squid");

  SearchOptions page;
  page.limit = 1;
  const auto first = store->Search(page, "server");
  page.offset = 1;
  const auto second = store->Search(page, "server");
  CHECK(first->total == 3);
  CHECK(Keys(first) != Keys(second));
  page.ranking = Ranking::kTfIdf;
  CHECK_OK(store->Search(page, "server"));
}

TEST_CASE("a lenient query never fails and a strict one names the place") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->Set({}, "a", "C++ code for foo@example.org, full-text"));
  for (const std::string query : {"\"foo",     "(code", "code)", "C++",      "foo@example.org",
                                  "full-text", "OR",    "-",     "AND code", "code OR",
                                  "\"\"",      "()",    "   ",   "",         "-code",
                                  "NOT",       "the",   "+",     "|||",      "a|",
                                  "&&"}) {
    CAPTURE(query);
    CHECK_OK(store->Search({}, query));
  }
  CHECK(Search(*store, "foo@example.org") == "a");
  CHECK(Search(*store, "full-text") == "a");
  CHECK_FALSE(store->Search({}, "\"foo")->warnings.empty());
  SearchOptions strict;
  strict.strict = true;
  const auto result = store->Search(strict, "code (foo");
  CHECK(absl::IsInvalidArgument(result.status()));
  CHECK(StatusText(result).find("5") != std::string::npos);
}

TEST_CASE("excerpts show where the words stand and cannot carry markup into a page") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->Set({}, "x", "<script>alert('x')</script> A hostile server & \"quotes\""));
  SearchOptions options;
  options.excerpt_bytes = 200;
  const auto result = store->Search(options, "servers");
  REQUIRE_OK(result);
  REQUIRE(result->hits.size() == 1);
  const Excerpt& excerpt = result->hits[0].excerpts.at(0);
  REQUIRE(excerpt.highlights.size() == 1);
  const Excerpt::Highlight mark = excerpt.highlights[0];
  CHECK(excerpt.text.substr(mark.begin, mark.end - mark.begin) == "server");
  const std::string html = ToHtml(excerpt);
  CHECK(html.find("<em>server</em>") != std::string::npos);
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("&lt;script&gt;") != std::string::npos);
}

TEST_CASE("of JSON values the named fields are searched and found by value") {
  const TempDir dir;
  Space space = TextSpace("pkg:");
  space.text_fields = {"name", "summary"};
  space.fields = {"section", "size", "tags", "free"};
  space.values = true;
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  REQUIRE_OK(store->Set({}, "pkg:a", R"({"name":"nginx","summary":"web server","section":"httpd",
      "size":1,"tags":["net","web"],"free":true,"hidden":"secret"})"));
  REQUIRE_OK(
      store->Set({}, "pkg:b", R"({"name":"vim","section":"editors","size":1.0,"free":false})"));
  REQUIRE_OK(store->Set({}, "pkg:c", R"({"size":"1","tags":"net","section":null})"));
  REQUIRE_OK(store->Set({}, "pkg:d", "plain"));
  CHECK(Search(*store, "server") == "pkg:a");
  CHECK(Search(*store, "secret") == "");
  CHECK(Search(*store, "httpd") == "");
  const auto find = [&](const std::string& field, const std::string& value) {
    return Keys(store->FindByValue({.prefix = "pkg:", .field = field}, value));
  };
  CHECK(find("section", "httpd") == "pkg:a");
  CHECK(find("section", "null") == "pkg:c");
  CHECK(find("size", "1") == "pkg:a pkg:b pkg:c");
  CHECK(find("size", "2") == "");
  CHECK(find("tags", "net") == "pkg:a pkg:c");
  CHECK(find("free", "true") == "pkg:a");
  CHECK(find("", "plain") == "pkg:d");
  CHECK(absl::IsFailedPrecondition(
      store->FindByValue({.prefix = "pkg:", .field = "none"}, "x").status()));

  REQUIRE_OK(store->Set({}, "pkg:a", R"({"section":"web"})"));
  CHECK(find("section", "httpd") == "");
  CHECK(find("section", "web") == "pkg:a");
  REQUIRE_OK(store->Delete({}, "pkg:d"));
  CHECK(find("", "plain") == "");
  const std::string long_text(1'000, 'x');
  REQUIRE_OK(store->Set({}, "pkg:l", "{\"section\":\"" + long_text + "1\"}"));
  CHECK(find("section", long_text + "1") == "pkg:l");
  CHECK(find("section", long_text + "2") == "");
  CheckVerifies(*store);
}

TEST_CASE("a field is walked in the order of its values, within bounds, up or down") {
  const TempDir dir;
  Space space;
  space.prefix = "p";
  space.fields = {"v", "w"};
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  const std::string long_text(300, 'z');
  const std::vector<std::pair<std::string, std::string>> values = {
      {"p1", "3"},     {"p2", "-10"},  {"p3", "\"abc\""},
      {"p4", "true"},  {"p5", "null"}, {"p6", "[2.5, \"a\", 2.5]"},
      {"p7", "false"}, {"p8", "3.0"},  {"p9", "\"" + long_text + "\""}};
  for (const auto& [key, value] : values) {
    REQUIRE_OK(store->Set({}, key, "{\"v\":" + value + ",\"w\":0}"));
  }
  const auto ask = [&](const FieldQuery& query) {
    const auto hits = store->QueryField(query);
    REQUIRE_OK(hits);
    std::vector<std::string> keys;
    for (const FieldHit& hit : *hits) keys.push_back(hit.key);
    return Keys(keys);
  };
  CHECK(ask({.field = "v"}) == "p5 p7 p4 p2 p6 p1 p8 p6 p3 p9");
  CHECK(ask({.field = "v", .descending = true}) == "p9 p3 p6 p8 p1 p6 p2 p4 p7 p5");
  CHECK(ask({.field = "v", .limit = 3}) == "p5 p7 p4");
  CHECK(ask({.field = "v", .first = FieldValue(2.5), .last = FieldValue(3.0)}) == "p6 p1 p8");
  CHECK(ask({.field = "v", .first = FieldValue(std::string("b"))}) == "p9");
  CHECK(ask({.field = "v", .last = FieldValue(false)}) == "p5 p7");
  CHECK(ask({.field = "v", .first = FieldValue(1e9), .last = FieldValue(-1e9)}) == "");
  CHECK(ask({.prefix = "p8", .field = "v"}) == "p8");
  const auto last = store->QueryField({.field = "v", .descending = true, .limit = 1});
  CHECK(std::get<std::string>((*last)[0].value) == long_text);
  CHECK(absl::IsInvalidArgument(
      store->QueryField({.field = "v", .first = FieldValue(std::nan(""))}).status()));
  CHECK(absl::IsInvalidArgument(
      store->QueryField({.field = "v", .limit = kFindLimitMax + 1}).status()));
  CHECK(absl::IsFailedPrecondition(store->QueryField({.field = "none"}).status()));

  const auto before = store->GetSnapshot();
  REQUIRE_OK(store->Delete({}, "p2"));
  REQUIRE_OK(store->Set({}, "p1", "{}"));
  CHECK(ask({.field = "v", .first = FieldValue(-1e9), .last = FieldValue(1e9)}) == "p6 p8");
  CHECK(
      ask({.field = "v", .first = FieldValue(-1e9), .last = FieldValue(1e9), .snapshot = before}) ==
      "p2 p6 p1 p8");
  CHECK(Keys(store->FindByValue({.field = "v", .snapshot = before}, "3")) == "p1 p8");
  CheckVerifies(*store);
}

TEST_CASE("searches stay within a key prefix and each key has the space with the longest one") {
  const TempDir dir;
  Options options = WithSpaces({TextSpace("a:"), TextSpace("a:b:")});
  const auto store = OpenStore(dir.path(), options);
  REQUIRE_OK(store->Set({}, "a:1", "word"));
  REQUIRE_OK(store->Set({}, "a:b:1", "word"));
  REQUIRE_OK(store->Set({}, "c:1", "word"));
  const auto stats = store->Stats();
  REQUIRE(stats.spaces.size() == 2);
  CHECK(stats.spaces[0].documents == 1);
  CHECK(stats.spaces[1].documents == 1);
  SearchOptions search;
  CHECK(Search(*store, "word", search) == "a:1 a:b:1");
  search.prefix = "a:b:";
  CHECK(Search(*store, "word", search) == "a:b:1");
  search.prefix = "a:1";
  CHECK(Search(*store, "word", search) == "a:1");
  search.prefix = "c:";
  CHECK(absl::IsFailedPrecondition(store->Search(search, "word").status()));
}

TEST_CASE("neighbours are the same as by comparing every vector in full") {
  // Goal: the scan over 8-bit codes loses nothing. Method: an oracle in doubles, for each metric.
  for (const Metric metric : {Metric::kCosine, Metric::kL2, Metric::kInnerProduct}) {
    for (const VectorPrecision precision : {VectorPrecision::kFloat32, VectorPrecision::kFloat16}) {
      const uint64_t seed = 11;
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      std::normal_distribution<float> normal;
      const TempDir dir;
      Space space = VectorSpace(20, metric);
      space.precision = precision;
      std::map<std::string, std::vector<float>> model;
      {
        const auto store = OpenStore(dir.path(), WithSpaces({space}));
        for (int i = 0; i < 500; ++i) {
          std::vector<float> vector(20);
          for (float& x : vector) x = normal(random);
          const std::string key = "k" + std::to_string(random() % 300);
          SetOptions set;
          set.vector = vector;
          REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, "v", set));
          model[key] = *store->GetVector({}, key);
          if (precision == VectorPrecision::kFloat32) CHECK(model[key] == vector);
        }
        CheckVerifies(*store);
      }
      const auto store = OpenStore(dir.path());
      CheckVerifies(*store);
      for (int q = 0; q < 20; ++q) {
        std::vector<float> query(20);
        for (float& x : query) x = normal(random);
        std::vector<std::pair<double, std::string>> oracle;
        for (const auto& [key, vector] : model) {
          double dot = 0, qq = 0, vv = 0;
          for (size_t i = 0; i < 20; ++i) {
            dot += double{query[i]} * vector[i];
            qq += double{query[i]} * query[i];
            vv += double{vector[i]} * vector[i];
          }
          const double score = metric == Metric::kCosine ? dot / std::sqrt(qq * vv)
                               : metric == Metric::kL2   ? 2 * dot - qq - vv
                                                         : dot;
          oracle.emplace_back(-score, key);
        }
        std::sort(oracle.begin(), oracle.end());
        SimilarOptions options;
        options.limit = 7;
        const auto found = store->Similar(options, query);
        REQUIRE_OK(found);
        REQUIRE(found->size() == 7);
        for (size_t i = 0; i < 7; ++i) {
          CHECK((*found)[i].key == oracle[i].second);
          CHECK((*found)[i].score == doctest::Approx(-oracle[i].first).epsilon(1e-4));
        }
      }
    }
  }
}

TEST_CASE("similar keys, similar texts, and vectors that change or go") {
  const TempDir dir;
  Space space = TextSpace();
  space.embedder = MakeHashEmbedder();
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  REQUIRE_OK(store->Set({}, "jpg", "tool to edit photographs and pictures"));
  REQUIRE_OK(store->Set({}, "png", "edit pictures"));
  REQUIRE_OK(store->Set({}, "sql", "relational database with transactions"));
  REQUIRE_OK(store->Set({}, "bin", std::string("\0\1\2", 3)));
  CHECK(Keys(store->SimilarTo({}, "jpg")) == "png sql");
  CHECK(Keys(store->SimilarText({}, "photograph editing")).substr(0, 3) == "jpg");
  CHECK(Keys(store->SimilarText({}, "...")) == "");
  CHECK(absl::IsNotFound(store->SimilarTo({}, "bin").status()));
  CHECK(absl::IsNotFound(store->SimilarTo({}, "none").status()));
  REQUIRE_OK(store->SetVector({}, "sql", *store->GetVector({}, "png")));
  CHECK(Value(*store, "sql") == "relational database with transactions");
  CHECK((*store->SimilarTo({}, "png"))[0].key == "sql");
  CHECK((*store->SimilarTo({}, "png"))[0].score == doctest::Approx(1).epsilon(1e-6));
  CHECK(Search(*store, "database") == "sql");
  REQUIRE_OK(store->Delete({}, "sql"));
  CHECK(Keys(store->SimilarTo({}, "png")) == "jpg");
  const auto snapshot = store->GetSnapshot();
  REQUIRE_OK(store->Delete({}, "jpg"));
  SimilarOptions then;
  then.snapshot = snapshot;
  CHECK(Keys(store->SimilarTo(then, "png")) == "jpg");
  CHECK(Keys(store->SimilarTo({}, "png")) == "");
  CheckVerifies(*store);
}

TEST_CASE("data, words and vectors agree under random changes, reopens and concurrent readers") {
  // Goal: index == data, always. Method: random batches; words are found by an oracle that reads
  // the values; a reader thread checks that every hit really holds its word.
  for (const uint64_t seed : {5, 6}) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const char* const words[] = {"red", "green", "blue", "apple", "pear", "plum", "sky", "sea"};
    const TempDir dir;
    Space space = TextSpace("d");
    space.vector_dimension = 8;
    space.metric = Metric::kL2;
    space.values = true;
    const WriteOptions fast{.durability = Durability::kWritten};
    std::map<std::string, std::string> model;
    for (int round = 0; round < 3; ++round) {
      const auto store = OpenStore(dir.path(), WithSpaces({space}));
      std::atomic<bool> stop{false};
      std::atomic<int> ghosts{0};
      std::thread reader([&] {
        while (!stop) {
          const auto snapshot = store->GetSnapshot();
          SearchOptions options;
          options.snapshot = snapshot;
          const auto result = store->Search(options, "apple");
          if (!result.ok()) ++ghosts;
          for (const Hit& hit : result->hits) {
            const auto value = store->Get({.snapshot = snapshot}, hit.key);
            if (!value.ok() || value->find("apple") == std::string::npos) ++ghosts;
          }
        }
      });
      for (int i = 0; i < 150; ++i) {
        Batch batch;
        for (uint64_t n = random() % 4 + 1; n-- > 0;) {
          const std::string key =
              (random() % 5 == 0 ? "plain" : "d") + std::to_string(random() % 40);
          if (random() % 4 == 0) {
            batch.Delete(key);
            model.erase(key);
            continue;
          }
          std::string value;
          for (uint64_t w = random() % 5; w-- > 0;) value += std::string(words[random() % 8]) + " ";
          std::vector<float> vector(8);
          for (float& x : vector) x = static_cast<float>(random() % 100);
          SetOptions set;
          if (key[0] == 'd' && random() % 2 == 0) set.vector = vector;
          batch.Set(key, value, set);
          model[key] = value;
        }
        REQUIRE_OK(store->Apply(fast, batch));
      }
      stop = true;
      reader.join();
      CHECK(ghosts == 0);
      CheckVerifies(*store);
      for (const std::string word : words) {
        std::set<std::string> expected, found;
        for (const auto& [key, value] : model) {
          if (key[0] == 'd' && value.find(word) != std::string::npos) expected.insert(key);
        }
        SearchOptions all;
        all.limit = 1'000;
        const auto result = store->Search(all, word);
        REQUIRE_OK(result);
        for (const Hit& hit : result->hits) found.insert(hit.key);
        CHECK(found == expected);
      }
      for (const auto& [key, value] : model) {
        if (key[0] != 'd') continue;
        const auto found = store->FindByValue({}, value);
        REQUIRE_OK(found);
        CHECK(std::find(found->begin(), found->end(), key) != found->end());
      }
    }
  }
}

TEST_CASE("memory of overwritten documents is given back while searches go on") {
  // Goal: a store that overwrites the same keys for ever does not grow for ever. Method: more dead
  // documents than a rebuild tolerates; wait for the rebuild; everything is still found.
  const TempDir dir;
  Space space = TextSpace();
  space.vector_dimension = 4;
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  const float vector[] = {1, 2, 3, 4};
  const auto snapshot = store->GetSnapshot();
  // A rebuild may come in the middle and leave fewer dead ones than start another: write until one
  // is seen, however slow this machine is.
  uint64_t before = 0, now = 0;
  int round = 0;
  for (; now >= before; ++round) {
    REQUIRE(round < 10'000);
    Batch batch;
    for (int k = 0; k < 500; ++k) {
      SetOptions set;
      set.vector = vector;
      batch.Set("k" + std::to_string(k), "common word" + std::to_string(round), set);
    }
    REQUIRE_OK(store->Apply({.durability = Durability::kWritten}, batch));
    before = now;
    now = store->Stats().spaces[0].index_bytes;
  }
  CHECK(round > 20);  // not before there are enough dead ones
  const auto result = store->Search({}, "common");
  REQUIRE_OK(result);
  CHECK(result->total == 500);
  CHECK(store->Search({}, "word" + std::to_string(round - 1))->total == 500);
  CHECK(store->Search({}, "word" + std::to_string(round - 2))->total == 0);
  SearchOptions then;
  then.snapshot = snapshot;
  CHECK(store->Search(then, "common")->total == 0);
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
