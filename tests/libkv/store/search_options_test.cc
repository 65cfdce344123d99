// The constants of BM25 as options of a search.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "support/store_test.h"

namespace libkv {
namespace {

TEST_CASE("k1 and b of BM25 are bounded, and rank") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->Set({}, "long", "fox fox fox dog cat bird fish horse mouse cow sheep goat"));
  REQUIRE_OK(store->Set({}, "short", "fox dog"));
  const auto best = [&](double k1, double b) {
    const auto result = store->Search({.bm25_k1 = k1, .bm25_b = b, .explain = true}, "fox");
    REQUIRE_OK(result);
    REQUIRE(result->hits.size() == 2);
    for (const Hit& hit : result->hits) {
      REQUIRE(hit.explanation.size() == 1);
      CHECK(hit.explanation[0].score == hit.score);
    }
    return result->hits[0].key;
  };
  CHECK(best(1.5, 1) == "short");  // length is held against a value fully
  CHECK(best(1.5, 0) == "long");   // not at all
  CHECK(best(kBm25K1Max, 0) == "long");
  CHECK(best(0, 1) == "long");  // all score the same: by key
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const double k1 : {-0.1, kBm25K1Max + 0.1, kNan, double{INFINITY}}) {
    CHECK(absl::IsInvalidArgument(store->Search({.bm25_k1 = k1}, "fox").status()));
  }
  for (const double b : {-0.1, 1.1, kNan, -double{INFINITY}}) {
    CHECK(absl::IsInvalidArgument(store->Search({.bm25_b = b}, "fox").status()));
  }
}

}  // namespace
}  // namespace libkv
