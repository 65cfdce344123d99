// The query language through a store: weights, distances, beginnings, misspelt words, suggestions,
// explanations and paging.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

std::unique_ptr<Store> OpenTexts(const TempDir& dir,
                                 const std::vector<std::pair<std::string, std::string>>& texts) {
  auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  for (const auto& [key, text] : texts) REQUIRE_OK(store->Set({}, key, text));
  return store;
}

// The keys of all hits, sorted.
std::string Sorted(const Store& store, const std::string& query,
                   const SearchOptions& options = {.limit = 1'000}) {
  const auto result = store.Search(options, query);
  REQUIRE_OK(result);
  std::vector<std::string> keys;
  for (const Hit& hit : result->hits) keys.push_back(hit.key);
  std::sort(keys.begin(), keys.end());
  return Keys(keys);
}

double ScoreOf(const Store& store, const std::string& query, const std::string& key,
               Ranking ranking = Ranking::kBm25) {
  SearchOptions options;
  options.ranking = ranking;
  const auto result = store.Search(options, query);
  REQUIRE_OK(result);
  for (const Hit& hit : result->hits) {
    if (hit.key == key) return hit.score;
  }
  return 0;
}

const std::vector<std::pair<std::string, std::string>> kServers = {
    {"apache", "the web server with many modules"},
    {"bind", "domain name server, serving names"},
    {"nginx", "small fast web server and proxy"},
    {"squid", "caching proxy for the relational web"},
};

TEST_CASE("a weight multiplies the score of its term, phrase or group") {
  const TempDir dir;
  const auto store = OpenTexts(dir, kServers);
  for (const Ranking ranking : {Ranking::kBm25, Ranking::kTfIdf}) {
    const auto score = [&](const std::string& query) {
      return ScoreOf(*store, query, "nginx", ranking);
    };
    CHECK(score("proxy^2") == doctest::Approx(2 * score("proxy")));
    CHECK(score("\"web server\"^0.5") == doctest::Approx(score("\"web server\"") / 2));
    CHECK(score("(web proxy)^3") == doctest::Approx(3 * score("web proxy")));
    CHECK(score("((web OR proxy)^3)^2") == doctest::Approx(6 * score("web OR proxy")));
  }
  CHECK(ScoreOf(*store, "web proxy^3", "nginx") ==
        doctest::Approx(ScoreOf(*store, "web", "nginx") + 3 * ScoreOf(*store, "proxy", "nginx")));
  // The heavier term decides who comes first.
  CHECK(Keys(store->Search({.limit = 1}, "domain^9 OR caching")) == "bind");
  CHECK(Keys(store->Search({.limit = 1}, "domain OR caching^9")) == "squid");
  CHECK(Sorted(*store, "proxy -server^5") == "squid");
}

TEST_CASE("a star stands for every living value with words") {
  const TempDir dir;
  auto options = WithSpaces({TextSpace("t:")});
  std::atomic<int64_t> now{1'000};
  options.clock = [&now] { return now.load(); };
  const auto store = OpenStore(dir.path(), options);
  for (const char* key : {"t:a", "t:b", "t:c", "t:d"}) REQUIRE_OK(store->Set({}, key, "web word"));
  REQUIRE_OK(store->Set({}, "t:none", "!!!"));
  REQUIRE_OK(store->Set({}, "t:stop", "the of"));
  REQUIRE_OK(store->Set({}, "plain", "web"));
  REQUIRE_OK(store->Set({}, "t:b", "other"));
  REQUIRE_OK(store->Delete({}, "t:c"));
  REQUIRE_OK(store->Set({}, "t:d", "web", {.ttl = std::chrono::milliseconds(1'000)}));
  CHECK(Sorted(*store, "*") == "t:a t:b t:d");
  now = 3'000;
  CHECK(Sorted(*store, "*") == "t:a t:b");
  CHECK(Sorted(*store, "* -web") == "t:b");
  CHECK(Sorted(*store, "web OR *") == "t:a t:b");
  CHECK(Sorted(*store, "* -*") == "");
  CHECK(Sorted(*store, "-web") == "");
  CHECK(ScoreOf(*store, "*", "t:a") == 1);
  CHECK(ScoreOf(*store, "*^2.5", "t:a", Ranking::kTfIdf) == 2.5);
  CHECK(ScoreOf(*store, "web *", "t:a") == doctest::Approx(ScoreOf(*store, "web", "t:a") + 1));
  CHECK(store->Search({}, "*")->total == 2);
}

TEST_CASE("phrases with room and words near each other are what the language says") {
  const TempDir dir;
  const auto store = OpenTexts(dir, {{"0", "alpha beta gamma"},
                                     {"1", "alpha one beta gamma"},
                                     {"2", "alpha one beta two gamma"},
                                     {"3", "gamma beta alpha"},
                                     {"4", "alpha of the beta gamma"}});
  CHECK(Sorted(*store, "\"alpha beta gamma\"") == "0");
  CHECK(Sorted(*store, "\"alpha beta gamma\"~0") == "0");
  CHECK(Sorted(*store, "\"alpha beta gamma\"~1") == "0 1");
  CHECK(Sorted(*store, "\"alpha beta gamma\"~2") == "0 1 2 4");  // stop words are words too
  CHECK(Sorted(*store, "\"alpha the beta\"") == "1 2");          // a gap must be filled
  CHECK(Sorted(*store, "\"alpha the beta\"~1") == "1 2 4");
  CHECK(Sorted(*store, "alpha NEAR/1 gamma") == "0 3");
  CHECK(Sorted(*store, "gamma NEAR/2 alpha") == "0 1 3");
  CHECK(Sorted(*store, "alpha NEAR gamma") == "0 1 2 3 4");
  CHECK(Sorted(*store, "alpha NEAR/1 \"beta gamma\"") == "0 1");
  CHECK(Sorted(*store, "one NEAR/1 two beta") == "2");  // binds tighter than AND
  CHECK(Sorted(*store, "alpha NEAR/1 alpha") == "");    // not itself
  CHECK(Sorted(*store, "alp* NEAR/1 gamm~") == "0 3");
  CHECK(ScoreOf(*store, "alpha NEAR/2 gamma", "1") ==
        doctest::Approx(ScoreOf(*store, "gamma NEAR/2 alpha", "1")));
}

TEST_CASE("a beginning finds words as they are written, not as they are stemmed") {
  const TempDir dir;
  const auto store = OpenTexts(dir, kServers);
  CHECK(Sorted(*store, "relational*") == "squid");  // its stem, relat, is shorter
  CHECK(Sorted(*store, "RELATION*") == "squid");
  CHECK(Sorted(*store, "serv*") == "apache bind nginx");
  CHECK(Sorted(*store, "servi*") == "bind");
  CHECK(Sorted(*store, "web pro*") == "nginx squid");
  CHECK(Sorted(*store, "full-web*") == "");
  CHECK(Sorted(*store, "fast-we*") == "nginx");  // as a phrase
  CHECK(Sorted(*store, "server-man*") == "");    // there is a word in between
  CHECK(Sorted(*store, "server-with-man*") == "apache");
  CHECK(Sorted(*store, "for-the-relat*") == "squid");  // the words before are too common
  CHECK(Sorted(*store, "zzz* OR squ*") == "");
  CHECK(store->Search({}, "zzz*")->warnings.empty());
  // All forms count as one term.
  const auto explained = store->Search({.explain = true}, "nam*");
  REQUIRE(explained->hits.size() == 1);
  CHECK(explained->hits[0].explanation[0].what == "nam*");
  CHECK(explained->hits[0].explanation[0].frequency == 2);
  // What is overwritten is no longer found; what is new is.
  REQUIRE_OK(store->Set({}, "squid", "replaced webmaster"));
  CHECK(Sorted(*store, "relational*") == "");
  CHECK(Sorted(*store, "webma*") == "squid");
  const auto excerpt = store->Search({.excerpt_bytes = 99}, "webm*");
  CHECK(excerpt->hits[0].excerpts.at(0).highlights.size() == 1);
  CheckVerifies(*store);
}

TEST_CASE("a beginning of too many words is cut to the most frequent, with a warning") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  std::vector<KeyValue> items;
  std::vector<std::string> keys, values;
  for (int i = 0; i < 200; ++i) {
    keys.push_back("k" + std::to_string(i));
    values.push_back("word" + std::to_string(i) + (i < 50 ? " x wordy" : ""));
  }
  for (size_t i = 0; i < keys.size(); ++i) items.push_back({keys[i], values[i]});
  REQUIRE_OK(store->BulkSet({}, items));
  const auto result = store->Search({}, "wor*");
  CHECK(result->warnings ==
        std::vector<std::string>{"'wor*' stands for 201 words; the 128 most frequent were "
                                 "searched for."});
  // wordy (50 values, of which some have one of the others too) and 127 others.
  CHECK(result->total >= 127);
  CHECK(result->total < 200);
}

TEST_CASE("misspelt words are found when they are marked, and by themselves when asked for") {
  const TempDir dir;
  const auto store = OpenTexts(dir, kServers);
  CHECK(Sorted(*store, "servr") == "");
  CHECK(Sorted(*store, "servr~") == "apache bind nginx");
  CHECK(Sorted(*store, "srvr~1") == "");
  CHECK(Sorted(*store, "srvr~2") == "apache bind nginx");
  CHECK(Sorted(*store, "relatoinal~") == "squid");
  CHECK(Sorted(*store, "caching -prxoy~") == "");

  SearchOptions typos;
  typos.typos = true;
  const auto result = store->Search(typos, "web servr");
  CHECK(Keys(result) == "apache nginx");
  CHECK(result->warnings ==
        std::vector<std::string>{"'servr' was not found; searched for 'server'."});
  CHECK(result->did_you_mean == "web server");
  CHECK(Sorted(*store, "\"web servr\"", typos) == "apache nginx");
  CHECK(Sorted(*store, "prxy", typos) == "");                // too short to be taken for a typo
  CHECK(Sorted(*store, "proxies", typos) == "nginx squid");  // a word's form is no typo
  CHECK(store->Search(typos, "proxies")->warnings.empty());
  CHECK(Sorted(*store, "web -servr", typos) == "apache nginx squid");  // not what is left out
  CHECK(store->Search(typos, "web -servr")->warnings.empty());
  CHECK(Sorted(*store, "serverr2", typos) == "");
  CHECK(Sorted(*store, "xxxxxxxx", typos) == "");

  // Without the option the correction is offered when nothing is found, and only then.
  CHECK(store->Search({}, "Web servr")->did_you_mean == "Web server");
  CHECK(store->Search({}, "web OR servr")->did_you_mean == "");
  CHECK(store->Search(typos, "web OR servr")->did_you_mean == "web OR server");
  CHECK(store->Search({}, "web name")->did_you_mean == "");
  CHECK(Keys(store->Search({}, store->Search({}, "web servr")->did_you_mean)) == "apache nginx");
}

TEST_CASE("the last word of a text is completed by the words that are there") {
  const TempDir dir;
  const auto store = OpenTexts(dir, kServers);
  const auto suggest = [&](const std::string& text, size_t limit = 10) {
    const auto suggestions = store->Suggest({.limit = limit}, text);
    REQUIRE_OK(suggestions);
    std::string shown;
    for (const Suggestion& s : *suggestions) {
      CHECK(s.text.ends_with(s.word));
      shown += s.text + "=" + std::to_string(s.documents) + "; ";
    }
    return shown;
  };
  CHECK(suggest("The web Se") == "The web server=3; The web serving=1; ");
  CHECK(suggest("se", 1) == "server=3; ");
  CHECK(suggest("se", 0) == "");
  CHECK(suggest("relat") == "relational=1; ");
  CHECK(suggest("web ") == "");
  CHECK(suggest("") == "");
  CHECK(suggest("zzz") == "");
  CHECK(absl::IsInvalidArgument(store->Suggest({.limit = 9'999}, "x").status()));
  const TempDir other;
  const auto plain = OpenStore(other.path());
  CHECK(absl::IsFailedPrecondition(plain->Suggest({}, "x").status()));
}

TEST_CASE("suggestions come from all spaces under the prefix together, and survive an open") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("a:"), TextSpace("b:")}));
    REQUIRE_OK(store->Set({}, "a:1", "websites website"));
    REQUIRE_OK(store->Set({}, "b:1", "website webcam"));
    REQUIRE_OK(store->Set({}, "b:2", "webcam WEBCAM"));
  }
  const auto store = OpenStore(dir.path());
  const auto words = [&](const std::string& prefix) {
    const auto suggestions = store->Suggest({.prefix = prefix}, "web");
    REQUIRE_OK(suggestions);
    std::string shown;
    for (const Suggestion& s : *suggestions) {
      shown += s.word + "=" + std::to_string(s.documents) + " ";
    }
    return shown;
  };
  CHECK(words("") == "webcam=2 website=2 websites=1 ");
  CHECK(words("a:") == "website=1 websites=1 ");
  CHECK(words("b:") == "webcam=2 website=1 ");
}

TEST_CASE("the parts of an explanation sum up to the score and are named as in the query") {
  const TempDir dir;
  const auto store = OpenTexts(dir, kServers);
  for (const Ranking ranking : {Ranking::kBm25, Ranking::kTfIdf}) {
    for (const std::string query :
         {"server", "web^2 server", "web OR (proxy server) OR caching", "\"web server\"~3 *",
          "web NEAR/3 server", "serv* OR relatoinal~", "server server -caching"}) {
      CAPTURE(query);
      SearchOptions options;
      options.ranking = ranking;
      options.explain = true;
      const auto result = store->Search(options, query);
      REQUIRE_OK(result);
      REQUIRE_FALSE(result->hits.empty());
      for (const Hit& hit : result->hits) {
        double sum = 0;
        for (const ScorePart& part : hit.explanation) sum += part.score;
        CHECK(sum == doctest::Approx(hit.score).epsilon(1e-9));
      }
    }
  }
  const auto result =
      store->Search({.limit = 1, .explain = true}, "proxy NEAR web \"web the server\"~2 * OR zz");
  CHECK(result->hits.empty());
  const auto found =
      store->Search({.limit = 1, .explain = true}, "proxy NEAR/4 web \"fast web\" *");
  REQUIRE(found->hits.size() == 1);
  std::vector<std::string> names;
  for (const ScorePart& part : found->hits[0].explanation) {
    names.push_back(part.what);
    CHECK(part.frequency == 1);
  }
  CHECK(names == std::vector<std::string>{"proxy NEAR/4 web", "\"fast web\"", "*"});
  CHECK(store->Search({}, "web")->hits[0].explanation.empty());
}

TEST_CASE("pages that go on after a hit are the whole answer, each hit once") {
  // Goal: exact also among equal scores. Method: many values with few different texts, pages of
  // several sizes against one long page.
  constexpr uint32_t kSeed = 75;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("a:"), TextSpace("b:")}));
  for (int i = 0; i < 300; ++i) {
    std::string text = "web";
    for (size_t more = random() % 3; more > 0; --more) text += random() % 2 == 0 ? " web" : " x";
    const std::string prefix = random() % 2 == 0 ? "a:" : "b:";
    REQUIRE_OK(store->Set({}, prefix + std::to_string(random() % 900), text));
  }
  const auto whole = store->Search({.limit = 1'000}, "web");
  REQUIRE_OK(whole);
  REQUIRE(whole->hits.size() > 200);
  for (const size_t limit : {1, 7, 64, 1'000}) {
    SearchOptions options{.limit = limit};
    std::vector<std::string> keys;
    for (;;) {
      const auto page = store->Search(options, "web");
      REQUIRE_OK(page);
      CHECK(page->total == whole->total);
      if (page->hits.empty()) break;
      for (const Hit& hit : page->hits) keys.push_back(hit.key);
      options.after = SearchAfter{page->hits.back().score, page->hits.back().key};
    }
    CHECK(Keys(keys) == Keys(whole));
  }
  SearchOptions bad;
  bad.after = SearchAfter{std::numeric_limits<double>::quiet_NaN(), ""};
  CHECK(absl::IsInvalidArgument(store->Search(bad, "web").status()));
}

// Two letters of a word are a term; says nothing of words.
class PairAnalyzer : public Analyzer {
 public:
  std::string id() const override { return "pairs/1"; }
  void Analyze(std::string_view text, absl::FunctionRef<void(const Token&)> sink) const override {
    uint32_t position = 0;
    for (uint32_t at = 0; at + 2 <= text.size(); at += 2) {
      sink({text.substr(at, 2), position++, at, at + 2});
    }
  }
};

TEST_CASE("the words of an analyzer that names none are its terms") {
  const TempDir dir;
  Space space = TextSpace();
  space.analyzer = std::make_shared<PairAnalyzer>();
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  REQUIRE_OK(store->Set({}, "a", "abcdab"));
  REQUIRE_OK(store->Set({}, "b", "acxx"));
  CHECK(Sorted(*store, "a*") == "a b");
  CHECK(Sorted(*store, "ac*") == "b");
  CHECK(Keys(store->Search({.explain = true}, "a*")) == "a b");
}

TEST_CASE("queries that stand for everything many times over stay cheap") {
  // Goal: every bound holds end to end. Method: the worst of each kind over a dictionary of 20,000
  // words; the time is generous, to notice work that is not bounded at all.
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  std::vector<std::string> keys, values;
  for (int i = 0; i < 200; ++i) {
    keys.push_back("k" + std::to_string(i));
    values.emplace_back();
    for (int w = 0; w < 100; ++w) values.back() += "a" + std::to_string(i * 100 + w) + "x ";
  }
  std::vector<KeyValue> items;
  for (size_t i = 0; i < keys.size(); ++i) items.push_back({keys[i], values[i]});
  REQUIRE_OK(store->BulkSet({}, items));
  const auto repeated = [](const std::string& piece, int count) {
    std::string query;
    for (int i = 0; i < count; ++i) query += piece + std::to_string(i) + "* OR ";
    return query + "b";
  };
  std::string fuzzy, groups;
  for (int i = 0; i < 1'000; ++i) fuzzy += "a" + std::to_string(i) + "yy~2 OR ";
  for (int i = 0; i < 64; ++i) groups += "(a* ";
  for (int i = 0; i < 64; ++i) groups += ")^1000";
  const std::string nul("a\0*", 3);
  for (const std::string& query :
       {std::string("a*"), repeated("a", 1'000), fuzzy, groups, nul, "\"" + fuzzy + "\"~50",
        std::string(70'000, '*'), std::string(60'000, 'a') + "~2", std::string("a~2 NEAR a*")}) {
    CAPTURE(query.substr(0, 30));
    SearchOptions options;
    options.typos = options.explain = true;
    const auto start = std::chrono::steady_clock::now();
    const auto result = store->Search(options, query);
    CHECK_OK(result);
    for (const Hit& hit : result->hits) CHECK(std::isfinite(hit.score));
    CHECK(result->warnings.size() <= 16);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  }
}

}  // namespace
}  // namespace libkv
