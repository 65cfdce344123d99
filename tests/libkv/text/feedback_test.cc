#include "text/feedback.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace libkv {
namespace {

using Texts = std::vector<FeedbackText>;

TEST_CASE("the relevance model weighs what is frequent in texts by how good these are") {
  // By hand: P(pump) = 0.75 * 2/4 + 0.25 * 1/2 = 0.5, P(water) = 0.75 * 1/4 + 0.25 * 1/2 = 0.3125,
  // P(deep) = 0.75 * 1/4 = 0.1875.
  const Texts texts = {{"pumps pump the water deep", 3}, {"a pump of WATER", 1}};
  const auto model = RelevanceModel(texts, *MakeEnglishAnalyzer(), 20);
  REQUIRE(model.size() == 3);
  CHECK(model[0].term == "pump");
  CHECK(model[0].word == "pumps");
  CHECK(model[0].weight == doctest::Approx(0.5));
  CHECK(model[1].word == "water");
  CHECK(model[1].weight == doctest::Approx(0.3125));
  CHECK(model[2].weight == doctest::Approx(0.1875));
}

TEST_CASE("the terms that are kept share the whole weight") {
  const Texts texts = {{"pumps pump the water deep", 3}, {"a pump of WATER", 1}};
  const auto model = RelevanceModel(texts, *MakeEnglishAnalyzer(), 2);
  REQUIRE(model.size() == 2);
  CHECK(model[0].weight == doctest::Approx(0.5 / 0.8125));
  CHECK(model[1].weight == doctest::Approx(0.3125 / 0.8125));
}

TEST_CASE("equally probable terms come in their own order, whatever that of the texts") {
  const Texts one = {{"delta alpha", 1}, {"gamma beta", 1}};
  const Texts other = {{"beta gamma", 1}, {"alpha delta", 1}};
  for (const Texts& texts : {one, other}) {
    const auto model = RelevanceModel(texts, *MakeSimpleAnalyzer(), 3);
    REQUIRE(model.size() == 3);
    CHECK(model[0].term == "alpha");
    CHECK(model[1].term == "beta");
    CHECK(model[2].term == "delta");
  }
}

TEST_CASE("texts without words add nothing") {
  CHECK(RelevanceModel({}, *MakeEnglishAnalyzer(), 20).empty());
  const Texts texts = {{"", 1}, {"the of", 2}, {std::string(3, '\0'), 1}};
  CHECK(RelevanceModel(texts, *MakeEnglishAnalyzer(), 20).empty());
  const Texts some = {{"", 1}, {"pump", 1}};
  const auto model = RelevanceModel(some, *MakeEnglishAnalyzer(), 20);
  REQUIRE(model.size() == 1);
  CHECK(model[0].weight == 1);
  CHECK(RelevanceModel(some, *MakeEnglishAnalyzer(), 0).empty());
}

}  // namespace
}  // namespace libkv
