#include "text/edit_distance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace libkv {
namespace {

// The whole table, by the definition, over code points.
size_t EditsByDefinition(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<size_t>> edits(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      edits[i][j] = i + j;
      if (i == 0 || j == 0) continue;
      edits[i][j] = std::min({edits[i - 1][j] + 1, edits[i][j - 1] + 1,
                              edits[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        edits[i][j] = std::min(edits[i][j], edits[i - 2][j - 2] + 1);
      }
    }
  }
  return edits[a.size()][b.size()];
}

struct Text {
  std::string bytes;
  std::u32string characters;
};

Text RandomWord(std::mt19937& random) {
  static const std::pair<std::string, char32_t> kLetters[] = {
      {"a", U'a'}, {"b", U'b'}, {"c", U'c'}, {"\xC3\xA9", 0xE9}, {"\xE6\xA4\x9C", 0x691C}};
  Text word;
  for (size_t length = random() % 8; length > 0; --length) {
    const auto& [bytes, character] = kLetters[random() % std::size(kLetters)];
    word.bytes += bytes;
    word.characters += character;
  }
  return word;
}

TEST_CASE("distances are those of the definition, whatever the order of the words") {
  // Goal: rows that are kept from one word to the next never falsify a distance, and no word is
  // given up too early. Method: words of five letters, some of them several bytes long, sorted as
  // in a dictionary and at random, against the whole table.
  constexpr uint32_t kSeed = 71;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  size_t near = 0;
  for (int round = 0; round < 300; ++round) {
    const Text word = RandomWord(random);
    const uint32_t edits_max = random() % 3;
    std::vector<Text> others;
    while (others.size() < 200) others.push_back(RandomWord(random));
    if (round % 4 != 0) {
      std::sort(others.begin(), others.end(),
                [](const Text& a, const Text& b) { return a.bytes < b.bytes; });
    }
    EditDistance distance(word.bytes, edits_max);
    for (const Text& other : others) {
      CAPTURE(word.bytes);
      CAPTURE(other.bytes);
      const size_t expected = EditsByDefinition(word.characters, other.characters);
      const std::optional<uint32_t> found = distance.To(other.bytes);
      REQUIRE(found.has_value() == (expected <= edits_max));
      if (found.has_value()) REQUIRE(*found == expected);
      near += found.has_value();
    }
  }
  CHECK(near > 1'000);
}

TEST_CASE("words below a beginning that is out are out, also when the bound is lowered") {
  // Goal: who skips by out_bytes() misses nothing. Method: sorted words of five letters against the
  // whole table; at times the bound falls by one.
  constexpr uint32_t kSeed = 74;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  size_t skipped = 0;
  for (int round = 0; round < 300; ++round) {
    const Text word = RandomWord(random);
    uint32_t edits_max = 1 + random() % 3;
    std::vector<Text> others(200);
    for (Text& other : others) other = RandomWord(random);
    std::sort(others.begin(), others.end(),
              [](const Text& a, const Text& b) { return a.bytes < b.bytes; });
    EditDistance distance(word.bytes, edits_max);
    std::string out;  // empty: none
    for (const Text& other : others) {
      CAPTURE(word.bytes);
      CAPTURE(other.bytes);
      const size_t expected = EditsByDefinition(word.characters, other.characters);
      if (!out.empty() && other.bytes.starts_with(out)) {
        REQUIRE(expected > edits_max);
        ++skipped;
        continue;
      }
      const std::optional<uint32_t> found = distance.To(other.bytes);
      REQUIRE(found.has_value() == (expected <= edits_max));
      if (found.has_value()) REQUIRE(*found == expected);
      out = found.has_value() ? "" : other.bytes.substr(0, distance.out_bytes());
      if (edits_max > 0 && random() % 64 == 0) distance.LowerMax(--edits_max);
    }
  }
  CHECK(skipped > 1'000);
}

TEST_CASE("long words and bytes that are no text do no harm") {
  EditDistance distance(std::string(300, 'a'), 2);
  CHECK_FALSE(distance.To("").has_value());
  CHECK_FALSE(distance.To(std::string(400, 'b')).has_value());
  CHECK(EditDistance("\xFF", 2).To("\xEF\xBF\xBD") == 0U);
  CHECK(EditDistance("", 2).To("ab") == 2U);
}

TEST_CASE("longer words may have more typos") {
  CHECK(TypoEdits(8) == 1);
  CHECK(TypoEdits(9) == 2);
  CHECK(CountCharacters("\xC3\xA9t\xC3\xA9") == 3);
}

}  // namespace
}  // namespace libkv
