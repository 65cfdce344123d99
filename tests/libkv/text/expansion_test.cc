// Expansions, corrections and unions of terms, over small dictionaries.
#include "text/expansion.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "index/delta_part.h"
#include "index/derive.h"
#include "text/correction.h"
#include "text/edit_distance.h"
#include "text/union_cursor.h"

namespace libkv {
namespace {

// An index of texts.
class Texts {
 public:
  explicit Texts(const std::vector<std::string>& texts) {
    uint64_t document = 0;
    for (const std::string& text : texts) {
      DerivedDocument derived;
      DeriveWords(*analyzer_, text, &derived);
      part_.Add(++document, "key", 1, 0, derived);
    }
  }
  const PostingsSource* part() const { return &part_.delta(); }

 private:
  const std::shared_ptr<const Analyzer> analyzer_ = MakeEnglishAnalyzer();
  DeltaPart part_;
};

// "word=documents ..." in their order.
std::string Show(const Expansion& expansion) {
  std::string text;
  for (const ExpandedWord& word : expansion.words) {
    if (!text.empty()) text += " ";
    text += word.word + "=" + std::to_string(word.documents);
  }
  return text;
}

TEST_CASE("the most frequent words of a beginning come first, counted over all parts") {
  const Texts first({"connected connecting", "connecting CONNECTING", "web's the"});
  const Texts second({"connecting connection", "connection"});
  const PostingsSource* const parts[] = {first.part(), second.part()};
  ExpansionBudget budget;
  const Expansion all = ExpandPrefix(parts, "conn", 10, &budget);
  CHECK(Show(all) == "connecting=3 connection=2 connected=1");
  for (const ExpandedWord& word : all.words) CHECK(word.term == "connect");
  const Expansion cut = ExpandPrefix(parts, "conn", 2, &budget);
  CHECK(Show(cut) == "connecting=3 connection=2");
  CHECK(cut.found == 3);
  CHECK_FALSE(cut.is_partial);
  CHECK(Show(ExpandPrefix(parts, "we", 9, &budget)) == "web=1");  // without its possessive
  CHECK(Show(ExpandPrefix(parts, "th", 9, &budget)) == "");       // stop words are no words
  CHECK(Show(ExpandPrefix({}, "", 9, &budget)) == "");
}

TEST_CASE("fuzzy words are all within the edits, or only the closest") {
  const Texts texts({"server servers serve", "server never", "cat car cart bat"});
  const PostingsSource* const parts[] = {texts.part()};
  ExpansionBudget budget;
  CHECK(Show(ExpandFuzzy(parts, "servr", 1, false, 9, &budget)) == "server=2 serve=1");
  CHECK(Show(ExpandFuzzy(parts, "servr", 2, false, 9, &budget)) == "server=2 serve=1 servers=1");
  CHECK(Show(ExpandFuzzy(parts, "servres", 2, true, 9, &budget)) == "servers=1");
  CHECK(Show(ExpandFuzzy(parts, "esrver", 1, false, 9, &budget)) == "server=2");  // a swap
  // Up to three letters the first one must be right; from four on it need not.
  CHECK(Show(ExpandFuzzy(parts, "cat", 1, false, 9, &budget)) == "car=1 cart=1 cat=1");
  CHECK(Show(ExpandFuzzy(parts, "dart", 1, false, 9, &budget)) == "cart=1");
  CHECK(Show(ExpandFuzzy(parts, "", 2, false, 9, &budget)) == "");
}

TEST_CASE("the work of an expansion is bounded and says when it was cut") {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "w" + std::to_string(i) + " ";
  const Texts texts({text});
  const PostingsSource* const parts[] = {texts.part(), texts.part()};
  ExpansionBudget budget{.looks = 1'200};
  CHECK_FALSE(ExpandPrefix(parts, "w", 9, &budget).is_partial);
  const Expansion partial = ExpandFuzzy(parts, "w99999", 2, false, 9, &budget);
  CHECK(partial.is_partial);
  CHECK(budget.looks == 0);
  CHECK(ExpandPrefix(parts, "w", 9, &budget).is_partial);
}

TEST_CASE("fuzzy words of random dictionaries are those that comparing each one finds") {
  constexpr uint32_t kSeed = 73;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  const auto word = [&random] {
    std::string made;
    for (size_t length = 1 + random() % 7; length > 0; --length) made += "bcd"[random() % 3];
    return made;
  };
  for (int round = 0; round < 50; ++round) {
    std::map<std::string, uint64_t> counts;
    std::vector<std::string> texts;
    for (int i = 0; i < 100; ++i) {
      texts.push_back(word());
      ++counts[texts.back()];
    }
    const auto half = texts.begin() + 50;
    const Texts first({texts.begin(), half}), second({half, texts.end()});
    const PostingsSource* const parts[] = {first.part(), second.part()};
    for (int i = 0; i < 20; ++i) {
      const std::string wanted = word();
      const uint32_t edits = 1 + random() % 2;
      std::map<std::string, uint64_t> expected, found;
      for (const auto& [other, count] : counts) {
        if (wanted.size() <= 3 && other[0] != wanted[0]) continue;
        if (EditDistance(wanted, edits).To(other).has_value()) expected[other] = count;
      }
      ExpansionBudget budget;
      for (const ExpandedWord& e : ExpandFuzzy(parts, wanted, edits, false, 999, &budget).words) {
        found[e.word] = e.documents;
      }
      CAPTURE(wanted);
      REQUIRE(found == expected);
    }
  }
}

TEST_CASE("a query is corrected word by word and otherwise left as it is") {
  const Texts texts({"the web server", "proxy server", "na\xC3\xAFve caching"});
  const PostingsSource* const parts[] = {texts.part()};
  const auto correct = [&](std::string_view query) {
    ExpansionBudget budget;
    return CorrectQuery(query, *MakeEnglishAnalyzer(), parts, &budget);
  };
  CHECK(correct("web server") == "");
  CHECK(correct("web Servr") == "web server");
  CHECK(correct("(\"web  servr\"~2 OR  PROXX)^2 -*") == "(\"web  server\"~2 OR  proxy)^2 -*");
  CHECK(correct("serveer servr") == "server server");
  CHECK(correct("nai\xCC\x88vve") == "na\xC3\xAFve");
  CHECK(correct("wxb -servr serv* servr~ servr2 xxxxxxx") == "");
  CHECK(correct("servr \"") == "server \"");
  CHECK(correct("") == "");
}

TEST_CASE("the last word of a text is found if the text ends with one") {
  LastWord last;
  REQUIRE(FindLastWord("the WEB-Ser", &last));
  CHECK(last.begin == 8);
  CHECK(last.folded == "ser");
  for (const char* text : {"", "web ", "web-", "\xE6\xA4\x9C\xE7\xB4\xA2", "!"}) {
    CAPTURE(text);
    CHECK_FALSE(FindLastWord(text, &last));
  }
  CHECK_FALSE(FindLastWord(std::string(1'000, 'x'), &last));
  CHECK(FindLastWord("\xE6\xA4\x9C", &last));
}

TEST_CASE("a union of terms is the sum of their postings") {
  constexpr uint32_t kSeed = 74;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 100; ++round) {
    const size_t terms = 1 + random() % 6;
    std::vector<std::string> texts;
    std::map<uint32_t, std::vector<uint32_t>> oracle;
    for (uint32_t document = 0; document < 60; ++document) {
      std::string text;
      for (uint32_t position = 0; position < 8; ++position) {
        const size_t term = random() % 12;
        text += "w" + std::to_string(term) + " ";
        if (term < terms) oracle[document].push_back(position);
      }
      texts.push_back(text);
    }
    const Texts index(texts);
    const auto make = [&](bool has_positions) {
      std::vector<std::unique_ptr<PostingsCursor>> cursors;
      for (size_t term = 0; term < terms; ++term) {
        auto cursor = index.part()->Open("w" + std::to_string(term));
        if (cursor != nullptr) cursors.push_back(std::move(cursor));
      }
      return UnionCursor(std::move(cursors), has_positions);
    };
    for (const bool has_positions : {false, true}) {
      UnionCursor all = make(has_positions);
      std::vector<uint32_t> positions;
      for (const auto& [document, expected] : oracle) {
        REQUIRE(all.document() == document);
        REQUIRE(all.frequency() == expected.size());
        if (has_positions) {
          all.Positions(&positions);
          REQUIRE(positions == expected);
        }
        all.Next();
      }
      REQUIRE(all.document() == kNoDocument);
      UnionCursor seeking = make(has_positions);
      for (uint32_t target = 0; target < 70; target += random() % 9) {
        seeking.SeekTo(target);
        const auto first = oracle.lower_bound(target);
        REQUIRE(seeking.document() >= target);
        if (first == oracle.end()) {
          REQUIRE(seeking.document() == kNoDocument);
        } else {
          REQUIRE(oracle.lower_bound(std::max(target, seeking.document()))->first ==
                  seeking.document());
        }
      }
    }
  }
}

}  // namespace
}  // namespace libkv
