#include "text/word_breaker.h"

#include <doctest/doctest.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace libkv {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  ForEachWord(text, [&](const Word& word) {
    words.emplace_back(text.substr(word.begin, word.end - word.begin));
  });
  return words;
}

using Range = std::pair<uint32_t, uint32_t>;

std::vector<Range> Ranges(std::string_view text) {
  std::vector<Range> ranges;
  ForEachWord(text, [&](const Word& word) { ranges.emplace_back(word.begin, word.end); });
  return ranges;
}

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The words ICU finds in the whole text at once; '@' and ':' read as blanks (see word_breaker.h).
std::vector<Range> IcuRanges(std::string text) {
  std::replace(text.begin(), text.end(), '@', ' ');
  std::replace(text.begin(), text.end(), ':', ' ');
  UErrorCode error = U_ZERO_ERROR;
  UBreakIterator* breaks = ubrk_open(UBRK_WORD, "", nullptr, 0, &error);
  UText source = UTEXT_INITIALIZER;
  utext_openUTF8(&source, text.data(), static_cast<int64_t>(text.size()), &error);
  ubrk_setUText(breaks, &source, &error);
  REQUIRE(U_SUCCESS(error));
  std::vector<Range> ranges;
  int32_t begin = ubrk_first(breaks);
  for (int32_t end = ubrk_next(breaks); end != UBRK_DONE; end = ubrk_next(breaks)) {
    const bool has_letter = std::any_of(text.begin() + begin, text.begin() + end, [](char c) {
      return IsAlphanumeric(c) || static_cast<unsigned char>(c) >= 0x80;
    });
    if (ubrk_getRuleStatus(breaks) >= UBRK_WORD_NONE_LIMIT && has_letter) {
      ranges.emplace_back(begin, end);
    }
    begin = end;
  }
  utext_close(&source);
  ubrk_close(breaks);
  return ranges;
}

std::string RandomText(std::mt19937& random, const std::vector<std::string>& alphabet) {
  std::string text;
  for (size_t count = random() % 24; count > 0; --count)
    text += alphabet[random() % alphabet.size()];
  return text;
}

TEST_CASE("ASCII text is cut exactly where ICU cuts it") {
  // Goal: the own rules are UAX 29's. Method: random strings, first over the characters that have a
  // rule, then over all of ASCII, against ICU's iterator over the whole string.
  const std::vector<std::string> tricky = {"a", "Z", "7", "0", "'", ".",  ",",  ";",
                                           ":", "_", "@", " ", "-", "\"", "\n", "\r"};
  std::vector<std::string> all;
  for (int c = 0; c < 128; ++c) all.emplace_back(1, static_cast<char>(c));
  std::mt19937 random(1);
  for (int round = 0; round < 60'000; ++round) {
    const std::string text = RandomText(random, round % 3 == 0 ? all : tricky);
    CAPTURE(round);
    CAPTURE(text);
    REQUIRE(Ranges(text) == IcuRanges(text));
  }
}

TEST_CASE("text in other scripts is cut where ICU cuts it, however it is mixed with ASCII") {
  // Goal: cutting a text at white space, and only parts of it by ICU, changes nothing. Method: as
  // above, with marks, apostrophes, emoji and bytes that are not UTF-8 in between. Characters whose
  // class changes with the version of ICU, and eastern scripts, stay out.
  const std::vector<std::string> alphabet = {"a",
                                             "b",
                                             "1",
                                             "'",
                                             ".",
                                             ",",
                                             "_",
                                             " ",
                                             "  ",
                                             "\n",
                                             ":",
                                             "@",
                                             "-",
                                             "\xC3\xA9",
                                             "\xC3\x9F",
                                             "\xD0\x96",
                                             "\xCC\x81",
                                             "\xE2\x80\x99",
                                             "\xC2\xA0",
                                             "\xE2\x80\x8D",
                                             "\xD7\x90",
                                             "\"",
                                             "\xD9\xA3",
                                             "\xF0\x9F\x98\x80",
                                             "\xFF",
                                             "\xE4\xB8",
                                             "\xED\xA0\x80",
                                             "\xE2\x80\xAF"};
  std::mt19937 random(2);
  for (int round = 0; round < 60'000; ++round) {
    const std::string text = RandomText(random, alphabet);
    CAPTURE(round);
    CAPTURE(text);
    std::vector<Range> expected = IcuRanges(text);
    REQUIRE(Ranges(text) == expected);
  }
}

TEST_CASE("words are what a reader would call words") {
  using V = std::vector<std::string>;
  CHECK(Words("Don't stop, it's 3.14 or 1,000!") ==
        V{"Don't", "stop", "it's", "3.14", "or", "1,000"});
  CHECK(Words("ada@example.org:8080/x_y") == V{"ada", "example.org", "8080", "x_y"});
  CHECK(Words("C++ __ _ -- 'quoted'") == V{"C", "quoted"});
  CHECK(Words("caf\xC3\xA9 na\xC3\xAFve") == V{"caf\xC3\xA9", "na\xC3\xAFve"});
  CHECK(Words("iPhone\xE6\x89\x8B\xE6\x9C\xBA 15") ==
        V{"iPhone", "\xE6\x89\x8B\xE6\x9C\xBA", "15"});
  CHECK(Words("") == V{});
  CHECK(Words("\xF0\x9F\x98\x80 \xEF\xBF\xBD \xFF\xFE") == V{});
}

TEST_CASE("a run without white space is cut into pieces of a bounded size") {
  std::string run;
  while (run.size() < 3 * kBreakPieceBytesMax) run += "\xC3\xA9";
  const std::vector<Range> ranges = Ranges(run);
  REQUIRE(ranges.size() == 3);
  uint32_t end = 0;
  for (const Range& range : ranges) {
    CHECK(range.first == end);
    CHECK(range.second - range.first <= kBreakPieceBytesMax + 4);
    CHECK(IsValidUtf8(std::string_view(run).substr(range.first, range.second - range.first)));
    end = range.second;
  }
  CHECK(end == run.size());
}

TEST_CASE("the sink may break other texts") {
  std::vector<std::string> words;
  const std::string_view outer = "\xC3\xA9 b \xC3\xA8 c\xC3\xA9";
  ForEachWord(outer, [&](const Word& word) {
    words.emplace_back(outer.substr(word.begin, word.end - word.begin));
    for (const std::string& inner : Words("\xC3\xA0 y")) words.push_back(inner);
  });
  const std::vector<std::string> expected = {"\xC3\xA9", "\xC3\xA0",  "y",        "b",
                                             "\xC3\xA0", "y",         "\xC3\xA8", "\xC3\xA0",
                                             "y",        "c\xC3\xA9", "\xC3\xA0", "y"};
  CHECK(words == expected);
}

}  // namespace
}  // namespace libkv
