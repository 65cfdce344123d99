#include "text/more_like.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace libkv {
namespace {

std::string Words(const std::vector<WeightedTerm>& terms) {
  std::string out;
  for (const WeightedTerm& term : terms) out += (out.empty() ? "" : " ") + term.word;
  return out;
}

TEST_CASE("terms are counted in the order of the text, with the first word that has them") {
  const auto counts =
      CountTerms("Connected pipes connect the pipe; CONNECTIONS.", *MakeEnglishAnalyzer());
  REQUIRE(counts.size() == 2);
  CHECK(counts[0].term == "connect");
  CHECK(counts[0].word == "connected");
  CHECK(counts[0].count == 3);
  CHECK(counts[1].word == "pipes");
  CHECK(counts[1].count == 2);
  CHECK(CountTerms("", *MakeEnglishAnalyzer()).empty());
  CHECK(CountTerms("the of", *MakeEnglishAnalyzer()).empty());
}

TEST_CASE("only the first part of a text is counted, whole characters of it") {
  std::string text;
  while (text.size() < kCountedTextBytesMax - 1) text += "word ";
  text.resize(kCountedTextBytesMax - 1);
  text += "\xC3\xA9 late";
  const auto counts = CountTerms(text, *MakeSimpleAnalyzer());
  for (const TermCount& count : counts) {
    CHECK(IsValidUtf8(count.term));
    CHECK(count.term != "late");
    CHECK(count.term.find('\xC3') == std::string::npos);
  }
}

TEST_CASE("the most telling terms have the greatest product of frequency and rarity") {
  // By hand, of 1,000 documents: idf = ln(1 + (N - df + 0.5) / (df + 0.5)).
  //   common  5 * ln(1 + 100.5 / 900.5) = 0.53      middle  2 * ln(1 + 900.5 / 100.5) = 4.6
  //   rare    1 * ln(1 + 998.5 /   2.5) = 5.99      alone   df 1: left out
  const std::vector<TermCount> candidates = {{"c", "common", 5},
                                             {"a", "alone", 3},
                                             {"m", "middle", 2},
                                             {"r", "rare", 1},
                                             {"u", "unknown", 9}};
  const std::vector<uint64_t> frequencies = {900, 1, 100, 2, 0};
  const auto all = TellingTerms(candidates, frequencies, 1'000, 2, 25);
  CHECK(Words(all) == "rare middle common");
  CHECK(all[0].weight == 1);
  CHECK(all[1].weight == doctest::Approx(1 + std::log(2)));
  CHECK(all[2].term == "c");
  CHECK(Words(TellingTerms(candidates, frequencies, 1'000, 2, 2)) == "rare middle");
  // In another space the text's own words are no reason to leave out; unknown ones still are.
  CHECK(Words(TellingTerms(candidates, frequencies, 1'000, 1, 25)) == "alone rare middle common");
  CHECK(TellingTerms({}, {}, 0, 2, 25).empty());
}

TEST_CASE("the number of terms that are looked up has a bound, and the most frequent ones are") {
  std::vector<TermCount> counts;
  for (uint32_t i = 0; i < 3'000; ++i) counts.push_back({std::to_string(i), "", 1 + i % 3});
  const auto candidates = TellingCandidates(counts);
  REQUIRE(candidates.size() == kTellingCandidatesMax);
  for (const TermCount& one : candidates) CHECK(one.count == 3);
  CHECK(candidates[0].term == "2");
  CHECK(candidates[1].term == "5");
}

}  // namespace
}  // namespace libkv
