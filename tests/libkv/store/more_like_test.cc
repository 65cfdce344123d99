// What is made of stored values: others like one, and better queries.
#include <doctest/doctest.h>

#include <cmath>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

const KeyValue kValues[] = {
    {"nginx", "a small fast web server and reverse proxy"},
    {"apache", "the web server with many modules"},
    {"squid", "a caching proxy for the web"},
    {"bind", "a domain name server"},
    {"gimp", "image manipulation and painting"},
    {"krita", "digital painting for artists"},
    {"numbers", "1 2 3 4"},
};

std::unique_ptr<Store> OpenWithValues(const TempDir& dir) {
  auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->BulkSet({}, kValues));
  return store;
}

TEST_CASE("values that share telling words with a value are found, best first, without itself") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  const auto like = store->MoreLike({}, "nginx");
  REQUIRE_OK(like);
  CHECK(Keys(like) == "squid apache bind");  // web proxy; web server; server
  CHECK(like->total == 3);
  CHECK(like->total_is_exact);
  CHECK(Keys(store->MoreLike({}, "gimp")) == "krita");
  CHECK(Keys(store->MoreLike({.limit = 1}, "nginx")) == "squid");
  CHECK(store->MoreLike({.limit = 1}, "nginx")->total == 3);
  CHECK(Keys(store->MoreLike({.limit = 0}, "nginx")) == "");
  CHECK(Keys(store->MoreLike({.prefix = "b"}, "nginx")) == "bind");
  CHECK(store->MoreLike({.prefix = "b"}, "nginx")->total == 1);
  CHECK(Keys(store->MoreLike({}, "numbers")) == "");
  CHECK(store->MoreLike({}, "numbers")->total == 0);
}

TEST_CASE("what a value is like is explained by the words they share") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  const auto like = store->MoreLike({.explain = true}, "nginx");
  REQUIRE_OK(like);
  REQUIRE(like->hits.size() == 3);
  for (const Hit& hit : like->hits) {
    double sum = 0;
    for (const ScorePart& part : hit.explanation) {
      CHECK((part.what == "web" || part.what == "server" || part.what == "proxy"));
      sum += part.score;
    }
    CHECK(sum == doctest::Approx(hit.score));
  }
  const auto one = store->MoreLike({.terms = 1, .explain = true}, "nginx");
  REQUIRE_OK(one);
  CHECK(Keys(one) == "squid");
  REQUIRE(one->hits[0].explanation.size() == 1);
  CHECK(one->hits[0].explanation[0].what == "proxy");
}

TEST_CASE("more like this follows writes, snapshots and the order of a restart") {
  const TempDir dir;
  {
    const auto store = OpenWithValues(dir);
    const auto before = store->GetSnapshot();
    REQUIRE_OK(store->Set({}, "caddy", "web server and proxy"));
    REQUIRE_OK(store->Delete({}, "squid"));
    CHECK(Keys(store->MoreLike({}, "nginx")) == "caddy apache bind");
    CHECK(Keys(store->MoreLike({.snapshot = before}, "nginx")) == "squid apache bind");
    CHECK(absl::IsNotFound(store->MoreLike({.snapshot = before}, "caddy").status()));
    CHECK(absl::IsNotFound(store->MoreLike({}, "squid").status()));
  }
  CHECK(Keys(OpenStore(dir.path())->MoreLike({}, "nginx")) == "caddy apache bind");
}

TEST_CASE("values of another space are compared by its own words") {
  const TempDir dir;
  Space plain = TextSpace("plain:");
  plain.analyzer = MakeSimpleAnalyzer();
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("en:"), plain}));
  REQUIRE_OK(store->Set({}, "en:a", "connected pipes"));
  REQUIRE_OK(store->Set({}, "en:b", "connecting a pipe"));
  REQUIRE_OK(store->Set({}, "plain:c", "pipes"));
  REQUIRE_OK(store->Set({}, "plain:d", "connections"));
  CHECK(Keys(store->MoreLike({.prefix = "en:"}, "en:a")) == "en:b");
  CHECK(Keys(store->MoreLike({.prefix = "plain:"}, "en:a")) == "plain:c");
  CHECK(store->MoreLike({.prefix = "plain:"}, "en:a")->total == 1);
}

TEST_CASE("more like this names what it cannot do") {
  const TempDir dir;
  Space values{.prefix = "v:", .values = true};
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("t:"), values}));
  REQUIRE_OK(store->Set({}, "t:a", "web server"));
  REQUIRE_OK(store->Set({}, "v:a", "web server"));
  REQUIRE_OK(store->Set({}, "plain", "web server"));
  CHECK(absl::IsNotFound(store->MoreLike({}, "t:none").status()));
  CHECK(absl::IsFailedPrecondition(store->MoreLike({}, "v:a").status()));
  CHECK(absl::IsFailedPrecondition(store->MoreLike({}, "plain").status()));
  CHECK(absl::IsFailedPrecondition(store->MoreLike({}, "").status()));
  CHECK(absl::IsFailedPrecondition(store->MoreLike({.prefix = "v:"}, "t:a").status()));
  CHECK(absl::IsInvalidArgument(store->MoreLike({.limit = kSearchLimitMax}, "t:a").status()));
  CHECK(absl::IsInvalidArgument(store->MoreLike({.terms = 0}, "t:a").status()));
  CHECK(absl::IsInvalidArgument(store->MoreLike({.terms = kMoreLikeTermsMax + 1}, "t:a").status()));
  CHECK_OK(store->MoreLike({.limit = kSearchLimitMax - 1, .terms = kMoreLikeTermsMax}, "t:a"));
}

TEST_CASE("hostile values are like nothing, or like each other") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  REQUIRE_OK(store->Set({}, "empty", ""));
  REQUIRE_OK(store->Set({}, "binary", std::string("web\0server", 10)));
  REQUIRE_OK(store->Set({}, "bytes", "web \xFF\xFE server \xED\xA0\x80"));
  std::string many;
  for (int i = 0; i < 300'000; ++i) many += "w" + std::to_string(i) + " ";
  REQUIRE_OK(store->Set({}, "many", many + "web"));
  for (const std::string key : {"empty", "binary", "many"}) {
    CAPTURE(key);
    CHECK(Keys(store->MoreLike({}, key)) == "");
  }
  CHECK(Keys(store->MoreLike({.limit = 1}, "bytes")) == "apache");
}

TEST_CASE("feedback finds what shares the words of the best hits") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  CHECK(Search(*store, "caching") == "squid");
  SearchOptions options;
  options.feedback.documents = 1;
  options.explain = true;
  const auto result = store->Search(options, "caching");
  REQUIRE_OK(result);
  // The words of squid are caching, proxy and web.
  CHECK(Keys(result) == "squid nginx apache");
  CHECK(result->total == 3);
  std::vector<std::string> added;
  double sum = 0;
  for (const ScorePart& part : result->hits[0].explanation) {
    added.push_back(part.what);
    sum += part.score;
  }
  CHECK(Keys(added) == "caching proxy web");
  CHECK(sum == doctest::Approx(result->hits[0].score));
}

TEST_CASE("sealed and merged values are like each other as those in memory are") {
  // Goal: where the words lie changes no answer. Method: the same values in memory, in two segments
  // and memory, and in one segment; keys and scores are compared.
  const TempDir dir;
  SearchOptions feedback;
  feedback.feedback.documents = 2;
  const auto answers = [&](const Store& store) {
    std::string out;
    for (const auto& result : {store.MoreLike({}, "nginx"), store.MoreLike({}, "krita"),
                               store.Search(feedback, "caching"), store.Search(feedback, "for")}) {
      REQUIRE_OK(result);
      for (const Hit& hit : result->hits) out += hit.key + " " + std::to_string(hit.score) + "\n";
      out += std::to_string(result->total) + "\n";
    }
    return out;
  };
  const std::string in_memory = answers(*OpenWithValues(dir));
  CHECK(in_memory.find("squid") != std::string::npos);

  const auto store = OpenStore(dir.path("other"), WithSpaces({TextSpace()}));
  for (size_t i = 0; i < std::size(kValues); ++i) {
    REQUIRE_OK(store->Set({}, kValues[i].key, kValues[i].value));
    if (i == 1 || i == 3) REQUIRE_OK(store->SealIndex(""));
  }
  CHECK(answers(*store) == in_memory);
  REQUIRE_OK(store->SealIndex(""));
  REQUIRE_OK(store->MergeIndex(""));
  CHECK(answers(*store) == in_memory);
}

TEST_CASE("feedback never brings back what the query leaves out") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  SearchOptions options;
  options.feedback.documents = 10;
  CHECK(Search(*store, "caching -fast", options) == "squid apache");
  CHECK(Search(*store, "caching -fast -modules", options) == "squid");
}

TEST_CASE("feedback without effect is the same search") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  SearchOptions options;
  options.feedback.documents = 10;
  // Nothing found; no words in the query; nothing may join; the query keeps all the weight.
  CHECK(Search(*store, "absent", options) == "");
  CHECK(Search(*store, "*", options) == Search(*store, "*"));
  options.feedback.terms = 0;
  CHECK(Search(*store, "caching", options) == "squid");
  options.feedback = {.documents = 10, .weight = 1};
  CHECK(Search(*store, "caching", options) == "squid");
  options.feedback = {.documents = 10, .terms = 20, .weight = 0};
  CHECK(Search(*store, "caching", options) == "squid nginx apache");
}

TEST_CASE("feedback goes with pages, prefixes, both rankings and excerpts") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  for (const Ranking ranking : {Ranking::kBm25, Ranking::kTfIdf}) {
    SearchOptions options;
    options.ranking = ranking;
    options.feedback.documents = 1;
    options.excerpt_bytes = 100;
    const auto all = store->Search(options, "caching");
    REQUIRE_OK(all);
    REQUIRE(all->hits.size() == 3);
    CHECK(ToHtml(all->hits[0].excerpts) == "a <em>caching</em> proxy for the web");
    options.limit = 1;
    for (size_t page = 0; page < 3; ++page) {
      options.offset = page;
      CHECK(Keys(store->Search(options, "caching")) == all->hits[page].key);
    }
    options.offset = 0;
    options.after = {all->hits[0].score, all->hits[0].key};
    CHECK(Keys(store->Search(options, "caching")) == all->hits[1].key);
    options.after.reset();
    options.prefix = "ngin";  // the first search is under the prefix too
    CHECK(Keys(store->Search(options, "caching")) == "");
  }
}

TEST_CASE("feedback has bounds") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  const auto status = [&](const Feedback& feedback) {
    SearchOptions options;
    options.feedback = feedback;
    return store->Search(options, "web").status();
  };
  CHECK_OK(status({kFeedbackDocumentsMax, kFeedbackTermsMax, 0.5}));
  CHECK(absl::IsInvalidArgument(status({kFeedbackDocumentsMax + 1, 20, 0.5})));
  CHECK(absl::IsInvalidArgument(status({10, kFeedbackTermsMax + 1, 0.5})));
  CHECK(absl::IsInvalidArgument(status({10, 20, -0.1})));
  CHECK(absl::IsInvalidArgument(status({10, 20, 1.1})));
  CHECK(absl::IsInvalidArgument(status({10, 20, std::nan("")})));
}

TEST_CASE("a search brings as many excerpts as it is asked for") {
  const TempDir dir;
  const auto store = OpenWithValues(dir);
  const std::string filler = " One two three four five six seven eight nine ten eleven twelve.";
  REQUIRE_OK(store->Set({}, "long", "Alpha here." + filler + " Omega <b>there</b>." + filler));
  SearchOptions options;
  options.excerpt_bytes = 20;
  REQUIRE(store->Search(options, "alpha omega")->hits[0].excerpts.size() == 1);
  options.excerpt_count = 3;
  const auto result = store->Search(options, "alpha omega");
  REQUIRE_OK(result);
  REQUIRE(result->hits[0].excerpts.size() == 2);
  CHECK(ToHtml(result->hits[0].excerpts) ==
        "<em>Alpha</em> here. One two… …<em>Omega</em> &lt;b&gt;there&lt;/b&gt;.…");
  options.excerpt_count = 0;
  CHECK(store->Search(options, "alpha")->hits[0].excerpts.empty());
  options.excerpt_count = kExcerptCountMax + 1;
  CHECK(absl::IsInvalidArgument(store->Search(options, "alpha").status()));
  CHECK(store->Search({}, "alpha")->hits[0].excerpts.empty());
}

TEST_CASE("a store remembers the language of a space") {
  const TempDir dir;
  {
    Space german = TextSpace();
    german.analyzer = *MakeAnalyzer("german");
    const auto store = OpenStore(dir.path(), WithSpaces({german}));
    REQUIRE_OK(store->Set({}, "a", "Die Häuser der Städte"));
    CHECK(Search(*store, "Stadt") == "a");
    CHECK(Search(*store, "die") == "");
  }
  {
    const auto store = OpenStore(dir.path());
    CHECK(Search(*store, "Haus") == "a");
    REQUIRE_OK(store->Set({}, "b", "das kleine Haus"));
    CHECK(Search(*store, "HÄUSERN") == "a b");
    CheckVerifies(*store);
  }
  Space other = TextSpace();
  other.analyzer = *MakeAnalyzer("dutch");
  const auto refused = Store::Open(WithSpaces({other}), dir.path());
  REQUIRE(absl::IsFailedPrecondition(refused.status()));
  CHECK(StatusText(refused).find("german/1") != std::string::npos);
  CHECK(StatusText(refused).find("dutch/1") != std::string::npos);
}

}  // namespace
}  // namespace libkv
