// Words gathered by term, against maps.
#include "index/term_groups.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/hash.h"
#include "index/derive.h"
#include "text/postings.h"
#include "text/scoring.h"

namespace libkv {
namespace {

struct Word {
  std::string term, word;
  uint32_t position;
};
struct Gathered {
  uint32_t frequency = 0;
  std::vector<uint32_t> positions;
  std::vector<std::string> spellings;  // sorted
  bool operator==(const Gathered&) const = default;
};
using Document = std::map<std::string, Gathered>;

Document Expected(const std::vector<Word>& words) {
  Document document;
  for (const Word& word : words) {
    Gathered& gathered = document[word.term];
    ++gathered.frequency;
    gathered.positions.push_back(word.position);
    const std::string spelling = word.word.empty() ? word.term : word.word;
    if (spelling.size() > kDictionaryWordBytesMax || gathered.spellings.size() == kSpellingsMax ||
        std::count(gathered.spellings.begin(), gathered.spellings.end(), spelling) != 0) {
      continue;
    }
    gathered.spellings.push_back(spelling);
  }
  for (auto& [term, gathered] : document) {
    std::sort(gathered.positions.begin(), gathered.positions.end());
    gathered.positions.resize(std::min<size_t>(gathered.positions.size(), kPositionsMax));
    std::sort(gathered.spellings.begin(), gathered.spellings.end());
  }
  return document;
}

Document Read(const DerivedDocument& derived) {
  Document document;
  for (const DerivedDocument::Term& term : derived.terms) {
    Gathered& gathered = document[std::string(derived.term(term))];
    CHECK(gathered.frequency == 0);  // every term once
    CHECK(term.hash == Hash64(derived.term(term)));
    gathered.frequency = term.frequency;
    Reader in(derived.positions(term));
    uint32_t position = 0, difference = 0;
    while (!in.rest().empty() && in.Varint32(&difference)) {
      gathered.positions.push_back(position += difference);
    }
    CHECK(in.done());
    for (uint32_t i = 0; i < term.spellings_count; ++i) {
      gathered.spellings.emplace_back(
          derived.spelling(derived.spellings[term.spellings_begin + i]));
    }
    std::sort(gathered.spellings.begin(), gathered.spellings.end());
  }
  return document;
}

DerivedDocument Gather(TermGroups& groups, const std::vector<Word>& words) {
  for (const Word& word : words) {
    groups.Add({.term = word.term, .position = word.position, .word = word.word});
  }
  DerivedDocument derived;
  groups.MoveTo(&derived);
  return derived;
}

TEST_CASE("terms, positions and spellings are those of a naive count, in texts of any size") {
  // Method: few and many terms in turn, so that the table grows and is used again; some words begin
  // with their term, some do not, some are too long; some texts break the order of positions.
  constexpr uint64_t kSeed = 41;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  TermGroups groups;
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const uint64_t vocabulary = uint64_t{1} << random() % 14;
    const bool is_ascending = round % 5 != 0;
    std::vector<Word> words(random() % (4 * vocabulary));
    uint32_t position = 0;
    for (Word& word : words) {
      word.term = "t" + std::to_string(random() % vocabulary);
      position += static_cast<uint32_t>(random() % 3 * (random() % 20 == 0 ? 1000 : 1));
      word.position = is_ascending ? position : static_cast<uint32_t>(random() % 100'000);
      const std::string number = std::to_string(random() % 50);
      switch (random() % 5) {
        case 0:
          word.word = word.term + number;
          break;
        case 1:
          word.word = "other" + number;
          break;
        case 2:
          word.word = word.term + "longer ending" + number;
          break;
        case 3:
          word.word = word.term + std::string(kDictionaryWordBytesMax, 'z');
          break;
        default:  // the term is the word
          break;
      }
    }
    const DerivedDocument derived = Gather(groups, words);
    const Document expected = Expected(words);
    CHECK(Read(derived) == expected);
    CHECK(derived.words == words.size());
    double squares = 0;
    for (const auto& [term, gathered] : expected) {
      squares += std::pow(LogFrequency(gathered.frequency), 2);
    }
    CHECK(derived.cosine_norm == doctest::Approx(std::sqrt(squares)));
  }
}

TEST_CASE("the norm is the same bits in whichever order terms come") {
  constexpr uint64_t kSeed = 43;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  std::vector<Word> words;
  for (uint32_t t = 0; t < 300; ++t) {
    for (uint64_t i = 1 + random() % (t % 10 == 0 ? 200 : 8); i-- > 0;) {
      words.push_back({"t" + std::to_string(t), "", 0});
    }
  }
  TermGroups groups;
  const float norm = Gather(groups, words).cosine_norm;
  for (int round = 0; round < 50; ++round) {
    std::shuffle(words.begin(), words.end(), random);
    CHECK(Gather(groups, words).cosine_norm == norm);
  }
}

TEST_CASE("what was in the table one turn of the epoch ago does not come back") {
  // Method: the first text leaves a slot for each of many words. Around the text in which the epoch
  // has the same number again each word is asked for, alone.
  constexpr uint32_t kWords = 64, kTurn = 1 << 16;
  TermGroups groups;
  std::vector<Word> words;
  for (uint32_t i = 0; i < kWords; ++i) words.push_back({"word" + std::to_string(i), "", i});
  Gather(groups, words);
  for (uint32_t text = 1; text < kTurn - kWords / 2; ++text) groups.Clear();
  for (const Word& word : words) {
    CAPTURE(word.term);
    CHECK(Read(Gather(groups, {word})) == Expected({word}));
  }
}

TEST_CASE("an analyzer that throws leaves nothing behind") {
  class Thrower : public Analyzer {
   public:
    std::string id() const override { return "thrower/1"; }
    void Analyze(std::string_view text, absl::FunctionRef<void(const Token&)> sink) const override {
      sink({.term = text});
      if (text == "throw") throw 1;
    }
  };
  DerivedDocument thrown, derived;
  CHECK_THROWS(DeriveWords(Thrower(), "throw", &thrown));
  DeriveWords(Thrower(), "fine", &derived);
  CHECK(Read(derived) == Expected({{"fine", "", 0}}));
}

TEST_CASE("positions of a term are kept up to their bound, its frequency counts on") {
  const uint32_t count = kPositionsMax + 1000;
  std::vector<Word> words;
  for (uint32_t i = 0; i < count; ++i) {
    words.push_back({"often", "", 2 * i});
    if (i % 1000 == 0 || i + 1 == count) words.push_back({"seldom", "", 2 * i + 1});
    if (i + 1 <= kPositionsMax) words.push_back({"exactly", "", 2 * i + 1});
  }
  TermGroups groups;
  for (const bool is_ascending : {true, false}) {
    CAPTURE(is_ascending);
    if (!is_ascending) std::reverse(words.begin(), words.end());
    const Document found = Read(Gather(groups, words));
    CHECK(found == Expected(words));
    CHECK(found.at("often").frequency == count);
    CHECK(found.at("often").positions.size() == kPositionsMax);
    CHECK(found.at("often").positions.back() == 2 * (kPositionsMax - 1));
    CHECK(found.at("exactly").positions.size() == kPositionsMax);
    CHECK(found.at("seldom").positions.back() == 2 * (count - 1) + 1);
  }
}

TEST_CASE("a value of 64 MiB is gathered as a small one is") {
  constexpr uint32_t kVocabulary = 300'000;
  std::string text;
  uint32_t count = 0;
  for (; text.size() < (64 << 20); ++count) text += "w" + std::to_string(count % kVocabulary) + " ";
  DerivedDocument derived;
  DeriveWords(*MakeSimpleAnalyzer(), text, &derived);
  CHECK(derived.words == count);
  REQUIRE(derived.terms.size() == kVocabulary);
  uint32_t wrong = 0;
  for (uint32_t t = 0; t < kVocabulary; ++t) {
    const DerivedDocument::Term& term = derived.terms[t];
    Reader in(derived.positions(term));
    uint32_t first = 0;
    in.Varint32(&first);
    wrong += derived.term(term) != "w" + std::to_string(t) || first != t ||
             term.frequency != (count - t + kVocabulary - 1) / kVocabulary;
  }
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace libkv
