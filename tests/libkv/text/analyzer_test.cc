#include "libkv/analyzer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/utf8.h"
#include "text/term.h"

namespace libkv {
namespace {

struct Found {
  std::string term;
  uint32_t position;
  std::string source;
  bool operator==(const Found&) const = default;
};

std::vector<Found> Analyze(const Analyzer& analyzer, std::string_view text) {
  std::vector<Found> found;
  analyzer.Analyze(text, [&](const Token& token) {
    REQUIRE(token.begin_byte < token.end_byte);
    REQUIRE(token.end_byte <= text.size());
    found.push_back(
        {std::string(token.term), token.position,
         std::string(text.substr(token.begin_byte, token.end_byte - token.begin_byte))});
  });
  return found;
}

std::vector<std::string> Terms(const Analyzer& analyzer, std::string_view text) {
  std::vector<std::string> terms;
  for (const Found& found : Analyze(analyzer, text)) terms.push_back(found.term);
  return terms;
}

using V = std::vector<std::string>;

TEST_CASE("English words are folded, stemmed and counted, and keep their place in the text") {
  const auto english = MakeEnglishAnalyzer();
  CHECK(english->id() == "english/1");
  const std::vector<Found> expected = {{"run", 1, "Running"},
                                       {"dog", 4, "dog\xE2\x80\x99s"},
                                       {"relat", 5, "RELATIONAL"},
                                       {"databas", 6, "databases"}};
  CHECK(Analyze(*english, "The Running of the dog\xE2\x80\x99s RELATIONAL databases.") == expected);
}

TEST_CASE("a token says how its word is spelt before it is stemmed") {
  // Twice: the second time every word comes from the cache.
  const std::string text =
      "running RUNNING dog's Dog\xE2\x80\x99s \xC3\x89T\xC3\x89 \xE6\xA4\x9C\xE7\xB4\xA2 " +
      std::string(40, 'A');
  for (int round = 0; round < 2; ++round) {
    V words;
    MakeEnglishAnalyzer()->Analyze(text, [&](const Token& token) {
      words.emplace_back(token.word.empty() ? token.term : token.word);
    });
    CHECK(words == V{"running", "running", "dog", "dog", "\xC3\xA9t\xC3\xA9",
                     "\xE6\xA4\x9C\xE7\xB4\xA2", std::string(40, 'a')});
  }
}

TEST_CASE("the simple analyzer keeps every word and its ending") {
  const auto simple = MakeSimpleAnalyzer();
  CHECK(simple->id() == "simple/1");
  CHECK(Terms(*simple, "The Running of dog's") == V{"the", "running", "of", "dog"});
}

TEST_CASE("all 33 stop words are left out and consume a position") {
  const auto english = MakeEnglishAnalyzer();
  const std::string_view all =
      "a an and are as at be but by for if in into is it no not of on or such that the their then "
      "there these they this to was will with END";
  const std::vector<Found> expected = {{"end", 33, "END"}};
  CHECK(Analyze(*english, all) == expected);
  CHECK(Terms(*english, "It's The THE") == V{});  // folded and without 's before it is looked up
}

TEST_CASE("spellings that differ in case, width or compatibility form are one term") {
  const auto simple = MakeSimpleAnalyzer();
  CHECK(Terms(*simple,
              "Stra\xC3\x9F"
              "e STRASSE") == V{"strasse", "strasse"});
  CHECK(Terms(*simple, "\xEF\xAC\x81sh fish") == V{"fish", "fish"});      // the fi ligature
  CHECK(Terms(*simple, "\xEF\xBC\xA1\xEF\xBC\xA2 ab") == V{"ab", "ab"});  // full width
  CHECK(Terms(*simple, "e\xCC\x81t\xC3\xA9 \xC3\x89T\xC3\x89")            // composed or not
        == V{"\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9"});
  CHECK(Terms(*simple, "don\xE2\x80\x99t don't") == V{"don't", "don't"});
}

TEST_CASE("words match as the page on the query language says") {
  const auto english = MakeEnglishAnalyzer();
  for (const char* word : {"connected", "connecting", "Connections"}) {
    CHECK(Terms(*english, word) == V{"connect"});
  }
  CHECK(Terms(*english, "STRASSE") == Terms(*english,
                                            "Stra\xC3\x9F"
                                            "e"));
  CHECK(Terms(*english, "cafe") != Terms(*english, "caf\xC3\xA9"));
  CHECK(Terms(*english, "don't example.org 3.14 1,000 snake_case AT&T C++") ==
        V{"don't", "example.org", "3.14", "1,000", "snake_cas", "t", "c"});
  CHECK(Terms(*english, "ada@example.org") == V{"ada", "example.org"});
  CHECK(Analyze(*english, "state of the art")[1].position == 3);
}

TEST_CASE("eastern text becomes overlapping pairs, alone a single character") {
  const auto english = MakeEnglishAnalyzer();
  const std::vector<Found> chinese = {{"\xE6\x90\x9C\xE7\xB4\xA2", 0, "\xE6\x90\x9C\xE7\xB4\xA2"},
                                      {"\xE7\xB4\xA2\xE5\xBC\x95", 1, "\xE7\xB4\xA2\xE5\xBC\x95"},
                                      {"x", 2, "x"},
                                      {"\xE4\xB8\xAD", 3, "\xE4\xB8\xAD"}};
  CHECK(Analyze(*english, "\xE6\x90\x9C\xE7\xB4\xA2\xE5\xBC\x95 x \xE4\xB8\xAD") == chinese);
  // Half-width katakana with a voicing mark is one character of the folded text, and a Hangul
  // syllable may come as its letters.
  const std::vector<Found> katakana = {
      {"\xE3\x82\xAC\xE3\x82\xB9", 0, "\xEF\xBD\xB6\xEF\xBE\x9E\xEF\xBD\xBD"}};
  CHECK(Analyze(*english, "\xEF\xBD\xB6\xEF\xBE\x9E\xEF\xBD\xBD") == katakana);
  CHECK(Terms(*english, "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xEA\xB5\xAD") ==
        Terms(*english, "\xED\x95\x9C\xEA\xB5\xAD"));
  // A variation selector is invisible.
  CHECK(Terms(*english, "\xE8\x91\x9B\xF3\xA0\x84\x80\xE5\x9F\x8E") ==
        Terms(*english, "\xE8\x91\x9B\xE5\x9F\x8E"));
}

TEST_CASE("terms over 64 bytes keep 48 and the hash of the whole, cut between characters") {
  const auto simple = MakeSimpleAnalyzer();
  const std::string longest(kTermBytesMax, 'x');
  CHECK(Terms(*simple, longest) == V{longest});

  const V cut = Terms(*simple, std::string(65, 'X'));
  REQUIRE(cut.size() == 1);
  CHECK(cut[0].substr(0, 48) == std::string(48, 'x'));
  CHECK(cut[0].size() == 64);
  CHECK(Terms(*simple, std::string(65, 'x')) == cut);
  CHECK(Terms(*simple, std::string(66, 'x')) != cut);

  std::string accents = "x";
  for (int i = 0; i < 40; ++i) accents += "\xC3\xA9";
  const V accented = Terms(*simple, accents);
  REQUIRE(accented.size() == 1);
  CHECK(accented[0].size() == 47 + 16);
  CHECK(IsValidUtf8(accented[0]));
}

TEST_CASE("the cache of terms changes no term") {
  // Goal: what an analyzer says of a word never depends on the words before it. Method: more words
  // than the cache has room for, twice, against the uncached function.
  const auto english = MakeEnglishAnalyzer();
  TermMaker maker(FindLanguage("english"));
  std::mt19937 random(3);
  const V endings = {"", "s", "ing", "ed", "ational", "'s", "ly", "\xC3\xA9"};
  for (int round = 0; round < 60'000; ++round) {
    std::string word;
    std::mt19937 letters(random() % 20'000);
    for (size_t count = 1 + letters() % 9; count > 0; --count) {
      word += static_cast<char>('a' + letters() % 26);
    }
    word += endings[letters() % endings.size()];
    const std::string term = maker.Make(word);
    CAPTURE(word);
    REQUIRE(Terms(*english, word) == (term.empty() ? V{} : V{term}));
  }
}

TEST_CASE("any bytes can be analyzed") {
  // Goal: no crash, terms of valid UTF-8 without NUL, offsets within the text and ascending.
  // Method: random bytes, random mixes of hostile pieces.
  const auto english = MakeEnglishAnalyzer();
  const V pieces = {std::string(1, '\0'),
                    "a",
                    "\xC3",
                    "\xED\xA0\x80",
                    "\xF4\x90\x80\x80",
                    "\xE4\xB8\xAD",
                    "\xE3\x82\x99",
                    "\xCC\x81",
                    "'s",
                    " ",
                    "\xE2\x80\x99s",
                    "\xF0\x9F\x91\xA8\xE2\x80\x8D",
                    "\xEF\xBD\xB6",
                    "\xEF\xBE\x9E",
                    "1",
                    ".",
                    "\xE0\xB8\x81\xE0\xB8\xB2",
                    "\xFF"};
  std::mt19937 random(4);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t count = random() % 40; count > 0; --count) {
      text += round % 2 == 0 ? std::string(1, static_cast<char>(random()))
                             : pieces[random() % pieces.size()];
    }
    CAPTURE(round);
    uint32_t begin = 0, next_position = 0;
    english->Analyze(text, [&](const Token& token) {
      REQUIRE(token.term.size() <= kTermBytesMax);
      REQUIRE(!token.term.empty());
      REQUIRE(IsValidUtf8(token.term));
      REQUIRE(token.term.find('\0') == std::string_view::npos);
      REQUIRE(token.begin_byte >= begin);
      REQUIRE(token.end_byte > token.begin_byte);
      REQUIRE(token.end_byte <= text.size());
      REQUIRE(token.position >= next_position);
      begin = token.begin_byte;
      next_position = token.position + 1;
    });
  }
}

TEST_CASE("hostile runs take time in proportion to their size") {
  // A megabyte of marks out of order after one letter, of one word, of one eastern run: each takes
  // hours or gigabytes where something is quadratic.
  const auto english = MakeEnglishAnalyzer();
  std::string marks = "a", eastern = "\xE4\xB8\xAD";
  for (int i = 0; i < 200'000; ++i) {
    marks += i % 2 == 0 ? "\xCC\x81" : "\xCC\xA3";
    eastern += i % 2 == 0 ? "\xE3\x82\x99" : "\xCC\xA3";
  }
  for (const std::string& text : {marks, eastern, std::string(1 << 20, 'x')}) {
    size_t count = 0;
    english->Analyze(text, [&](const Token&) { ++count; });
    CHECK(count > 0);
  }
}

TEST_CASE("many threads analyze at once") {
  const auto english = MakeEnglishAnalyzer();
  const std::string text =
      "Relational databases na\xC3\xAFvely caf\xC3\xA9s \xE6\x90\x9C\xE7\xB4\xA2 running";
  const V expected = Terms(*english, text);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        V terms;
        english->Analyze(text, [&](const Token& token) { terms.emplace_back(token.term); });
        wrong += terms != expected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("english/1 and simple/1 never change") {
  // Goal: a changed term is noticed, for it makes every stored index wrong. If this fails, the
  // change needs a new id ("english/2").
  const std::string text =
      "Generalizations of operators' skies, dying lies; Andes agreed: happiest 3,000 C++ x_y "
      "o'clock "
      "news howe inning caf\xC3\xA9s \xD0\xA1\xD0\xA3\xD0\x9F co-operate user@host.org 1st "
      "I\xE2\x80\x99m "
      "\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD";
  const auto joined = [&](const Analyzer& analyzer) {
    std::string terms;
    for (const std::string& term : Terms(analyzer, text)) terms += term + "|";
    return terms;
  };
  CHECK(
      joined(*MakeEnglishAnalyzer()) ==
      "general|oper|sky|die|lie|andes|agre|happiest|3,000|c|x_i|o'clock|news|howe|inning|café|суп|"
      "co|oper|user|host.org|1st|i'm|東京|京都|");
  CHECK(joined(*MakeSimpleAnalyzer()) ==
        "generalizations|of|operators|skies|dying|lies|andes|agreed|happiest|3,000|c|x_y|o'clock|"
        "news|howe|inning|cafés|суп|co|operate|user|host.org|1st|i'm|東京|京都|");
}

}  // namespace
}  // namespace libkv
