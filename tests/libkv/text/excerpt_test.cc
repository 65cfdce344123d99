#include "text/excerpt.h"

#include <doctest/doctest.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "text/cluster_breaker.h"

namespace libkv {
namespace {

using V = std::vector<std::string>;

// The excerpt with its highlights in [brackets].
std::string Show(const Excerpt& excerpt) {
  std::string out;
  size_t at = 0;
  for (const Excerpt::Highlight& h : excerpt.highlights) {
    out += excerpt.text.substr(at, h.begin - at) + "[" +
           excerpt.text.substr(h.begin, h.end - h.begin) + "]";
    at = h.end;
  }
  return out + excerpt.text.substr(at);
}

// Of one piece; empty when there is none.
Excerpt MakeExcerpt(std::string_view text, const V& terms, const Analyzer& analyzer, size_t bytes) {
  const std::vector<Excerpt> excerpts = MakeExcerpts(text, terms, analyzer, bytes, 1);
  REQUIRE(excerpts.size() <= 1);
  return excerpts.empty() ? Excerpt() : excerpts[0];
}

Excerpt Make(std::string_view text, const V& terms, size_t bytes) {
  return MakeExcerpt(text, terms, *MakeEnglishAnalyzer(), bytes);
}

// Several, each in a line.
std::string ShownMany(std::string_view text, const V& terms, size_t bytes, size_t count) {
  std::string out;
  for (const Excerpt& one : MakeExcerpts(text, terms, *MakeEnglishAnalyzer(), bytes, count)) {
    out += (out.empty() ? "" : "\n") + Show(one);
  }
  return out;
}

std::string Shown(std::string_view text, const V& terms, size_t bytes) {
  return Show(Make(text, terms, bytes));
}

TEST_CASE("a short text is its own excerpt, with the words of the query highlighted as written") {
  CHECK(Shown("Running a Web server.", {"run", "server"}, 100) == "[Running] a Web [server].");
  CHECK(Shown("The dog\xE2\x80\x99s bowl", {"dog"}, 100) == "The [dog\xE2\x80\x99s] bowl");
  CHECK(Shown("nothing here", {"absent"}, 100) == "nothing here");
  CHECK(Shown("nothing here", {}, 100) == "nothing here");
  CHECK(Shown("", {"x"}, 100).empty());
  CHECK(Shown("text", {"text"}, 0).empty());
}

TEST_CASE("the excerpt shows the most different words, then the most, then the earliest") {
  const std::string filler = " One two three four five six seven eight nine ten eleven twelve.";
  const std::string text = "Alpha alpha alpha." + filler + filler + " Alpha then beta." + filler +
                           filler + " Alpha then beta again." + filler + filler;
  CHECK(Shown(text, {"alpha", "beta"}, 40) == "…[Alpha] then [beta]. One two three four five…");
  CHECK(Shown(text, {"alpha"}, 40) == "[Alpha] [alpha] [alpha]. One two three four…");
  CHECK(Shown(text, {"absent"}, 40) == "Alpha alpha alpha. One two three four…");
}

TEST_CASE("cuts fall between words, the first one at a sentence if there is one near") {
  const std::string text =
      "First sentence of the text goes here and on. Then comes the needle in the second one. "
      "Then others follow that nobody asked for, on and on.";
  CHECK(Shown(text, {"needl"}, 60) ==
        "…Then comes the [needle] in the second one. Then others follow…");
  CHECK(Shown(text, {"needl"}, 20) == "…the [needle] in the…");
  CHECK(Shown(text, {"on"}, 500) == text);
  // Near the end the excerpt begins earlier instead of being short.
  CHECK(Shown(text, {"nobodi"}, 60) ==
        "…one. Then others follow that [nobody] asked for, on and on.");
}

TEST_CASE("white space and controls become one blank and highlights move along") {
  CHECK(Shown("  a\t\n  needle \r\n\r\n x\x1B[2Jy  ", {"needl"}, 100) == "a [needle] x [2Jy");
  CHECK(Shown("a\xC2\xA0\xE3\x80\x80needle\xC2\x85z", {"needl"}, 100) == "a [needle] z");
}

TEST_CASE("bytes that are not UTF-8 become replacement characters") {
  const Excerpt excerpt = Make("\xFF needle \xED\xA0\x80 \xC3", {"needl"}, 100);
  CHECK(Show(excerpt) == "\xEF\xBF\xBD [needle] \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD");
  CHECK(IsValidUtf8(excerpt.text));
}

TEST_CASE("controls that change the direction of text do not get out") {
  // Marks stay: they act on their neighbours only. Embeddings and overrides act until they are
  // ended, which may be beyond the cut.
  CHECK(Shown("\xE2\x80\xAE needle \xE2\x80\x8F\xD7\x90\xE2\x80\xAC \xE2\x81\xA6x", {"needl"},
              100) == "[needle] \xE2\x80\x8F\xD7\x90 x");
}

TEST_CASE("eastern text is highlighted where its pairs overlap and cut between characters") {
  const std::string text = "全文検索エンジンは、大量の文書から目的の語を探す。検索は速い。";
  CHECK(Shown(text, {"検索"}, 200) ==
        "全文[検索]エンジンは、大量の文書から目的の語を探す。[検索]は速い。");
  CHECK(Shown(text, {"目的", "的の", "の語"}, 30) == "…から[目的の語]を探す。…");
}

TEST_CASE("a cut never falls into a character or what a reader sees as one") {
  // Goal: every cut is a boundary of ICU's, found over the whole text. Method: texts without
  // blanks, of clusters of several code points, cut at every size; the excerpt's ends are looked
  // up.
  const V clusters = {
      "e\xCC\x81",                                                                 // e, acute
      "\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA",                                          // a flag
      "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",  // a family
      "\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD",  // a thumb, a tone
      "\xE0\xA4\xA8\xE0\xA4\xBF",
      "\xE4\xB8\xAD",
      "1\xEF\xB8\x8F\xE2\x83\xA3"};
  std::mt19937 random(41);
  for (int round = 0; round < 300; ++round) {
    std::set<size_t> boundaries = {0};
    std::string text;
    for (int i = 0; i < 40; ++i) {
      text += i == 20 ? std::string(" needle ") : clusters[random() % clusters.size()];
      boundaries.insert(text.size());
    }
    for (size_t bytes = 6; bytes < 120; bytes += 7) {
      const Excerpt excerpt = Make(text, {"needl"}, bytes);
      CAPTURE(text);
      CAPTURE(bytes);
      CAPTURE(excerpt.text);
      REQUIRE(IsValidUtf8(excerpt.text));
      REQUIRE(excerpt.highlights.size() == 1);
      std::string piece = excerpt.text;
      const std::string cut = "…";
      if (piece.starts_with(cut)) piece.erase(0, cut.size());
      if (piece.ends_with(cut)) piece.resize(piece.size() - cut.size());
      const size_t needle = piece.find("needle");
      REQUIRE(needle != std::string::npos);
      const size_t begin = text.find("needle") - needle;
      // ICU may see fewer boundaries than ours (a flag after a flag): it decides.
      REQUIRE(ClusterStart(text, begin) == begin);
      REQUIRE(ClusterStart(text, begin + piece.size()) == begin + piece.size());
      REQUIRE(text.substr(begin, piece.size()) == piece);
    }
  }
}

TEST_CASE("a heap of marks is cut at last") {
  std::string text = "needle a";
  for (int i = 0; i < 100'000; ++i) text += "\xCC\x81";
  text += " end";
  const Excerpt excerpt = Make(text, {"needl"}, 50);
  CHECK(IsValidUtf8(excerpt.text));
  CHECK(excerpt.text.size() < 50 + kClusterBytesMax + 10);
  CHECK(Make(text, {"end"}, 50).text.size() < 50 + 2 * kClusterBytesMax + 10);
}

TEST_CASE("a word longer than the excerpt is cut, and so is its highlight") {
  const std::string text = "a " + std::string(5'000, 'x') + " b";
  const V terms = [&] {
    V found;
    MakeEnglishAnalyzer()->Analyze(text, [&](const Token& t) { found.emplace_back(t.term); });
    return found;
  }();
  REQUIRE(terms.size() == 2);
  CHECK(Shown(text, {terms[0]}, 20) == "…[" + std::string(20, 'x') + "]…");
}

TEST_CASE("a huge text costs its first part only") {
  std::string text = "needle ";
  text.resize(size_t{64} << 20, 'y');
  CHECK(Make(text, {"needl"}, 100).text.size() < 200);
  const std::string late = std::string(kExcerptTextBytesMax, ' ') + "needle";
  CHECK(Shown(late, {"needl"}, 100) == "…");
}

TEST_CASE("HTML holds no markup but ours, whatever the value holds") {
  const std::string text = "<script>alert('needle & \"co\"')</script><em>needle</em>";
  const std::string html = ToHtml(Make(text, {"needl"}, 500));
  CHECK(html ==
        "&lt;script&gt;alert(&#39;<em>needle</em> &amp; &quot;co&quot;&#39;)&lt;/script&gt;"
        "&lt;em&gt;<em>needle</em>&lt;/em&gt;");
  CHECK(ToHtml(Excerpt{"a<b", {}}) == "a&lt;b");
  CHECK(ToHtml(Excerpt{"", {}}).empty());
  // Highlights that a caller made up.
  CHECK(ToHtml(Excerpt{"abc", {{1, 2}, {0, 1}, {2, 2}, {2, 9}, {5, 6}, {2, 3}}}) ==
        "a<em>b</em><em>c</em>");
}

TEST_CASE("any bytes make a sound excerpt") {
  // Goal: valid UTF-8, highlights in order and never empty, about the size asked for, and HTML in
  // which every '<' is ours. Method: random mixes of hostile pieces.
  const V pieces = {"needle",
                    " ",
                    "\n\n",
                    ". ",
                    "<b>",
                    "&",
                    "\"",
                    "'",
                    "\xFF",
                    "\xE2\x80",
                    "\xED\xA0\x80",
                    "\xE2\x80\xAE",
                    "\xE2\x80\x8D",
                    "\xCC\x81",
                    "\xF0\x9F\x91\xA8\xE2\x80\x8D",
                    "\xE4\xB8\xAD",
                    "\xE6\x96\x87",
                    "x",
                    "needles",
                    "\r",
                    "\xD8\x80",
                    std::string(1, '\0')};
  std::mt19937 random(42);
  size_t highlighted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t count = random() % 60; count > 0; --count) text += pieces[random() % pieces.size()];
    const size_t bytes = random() % 80;
    CAPTURE(round);
    CAPTURE(text);
    const Excerpt excerpt = Make(text, {"needl", "\xE4\xB8\xAD\xE6\x96\x87", "x"}, bytes);
    REQUIRE(IsValidUtf8(excerpt.text));
    REQUIRE(excerpt.text.size() <= 3 * bytes + kClusterBytesMax);
    REQUIRE(excerpt.text.find("  ") == std::string::npos);
    size_t at = 0;
    for (const Excerpt::Highlight& h : excerpt.highlights) {
      REQUIRE(h.begin >= at);
      REQUIRE(h.end > h.begin);
      REQUIRE(h.end <= excerpt.text.size());
      at = h.end;
    }
    highlighted += excerpt.highlights.size();
    std::string html = ToHtml(excerpt);
    for (const std::string tag : {"<em>", "</em>"}) {
      size_t tags = 0;
      for (size_t i = html.find(tag); i != std::string::npos; i = html.find(tag, i)) {
        html.erase(i, tag.size());
        ++tags;
      }
      REQUIRE(tags == excerpt.highlights.size());
    }
    REQUIRE(html.find_first_of("<>\"'") == std::string::npos);
  }
  CHECK(highlighted > 10'000);
}

TEST_CASE("a window does not begin inside a compound word") {
  const auto analyzer = MakeEnglishAnalyzer();
  const std::string text =
      "C++ Object-Relational Mapping (ORM) is an open-source, cross-platform and cross-database "
      "system for everyone";
  for (size_t bytes = 25; bytes < text.size(); ++bytes) {
    const Excerpt excerpt = MakeExcerpt(text, {"relat", "databas"}, *analyzer, bytes);
    CAPTURE(excerpt.text);
    if (!excerpt.text.starts_with("…")) continue;
    const std::string first = excerpt.text.substr(std::string("…").size(), 6);
    const size_t at = text.find(first);
    REQUIRE(at != std::string::npos);
    CHECK((text[at - 1] == ' ' || text[at - 1] == '-'));
  }
}

TEST_CASE("a window full of matches still ends between words") {
  const auto analyzer = MakeEnglishAnalyzer();
  const std::string text =
      "easy to use distributed version control system (documentation) is a distributed version "
      "control system designed to be easy to use";
  for (size_t bytes = 30; bytes < text.size(); ++bytes) {
    CAPTURE(bytes);
    const Excerpt excerpt = MakeExcerpt(text, {"version", "control", "system"}, *analyzer, bytes);
    CAPTURE(excerpt.text);
    for (const Excerpt::Highlight& mark : excerpt.highlights) {
      const std::string word = excerpt.text.substr(mark.begin, mark.end - mark.begin);
      CHECK((word == "version" || word == "control" || word == "system"));
    }
    const size_t cut = excerpt.text.rfind("…");
    if (cut == std::string::npos || cut == 0) continue;
    const size_t blank = excerpt.text.rfind(' ', cut);
    const std::string last = excerpt.text.substr(blank + 1, cut - blank - 1);
    CHECK((" " + text + " ").find(last + " ") != std::string::npos);
  }
}

TEST_CASE("several excerpts show words that the others have not, in the order of the text") {
  const std::string filler = " One two three four five six seven eight nine ten eleven twelve.";
  const std::string text = "Gamma here." + filler + " Alpha then beta." + filler + filler +
                           " Alpha, beta again." + filler + " Delta at the end." + filler;
  const V terms = {"alpha", "beta", "gamma", "delta"};
  CHECK(ShownMany(text, terms, 24, 1) == "…[Alpha] then [beta]. One two…");
  CHECK(ShownMany(text, terms, 24, 2) == "[Gamma] here. One two…\n…[Alpha] then [beta]. One two…");
  // The second place of alpha and beta comes after what is new.
  CHECK(ShownMany(text, terms, 24, 3) ==
        "[Gamma] here. One two…\n…[Alpha] then [beta]. One two…\n…[Delta] at the end. One…");
  CHECK(ShownMany(text, terms, 24, 4) ==
        "[Gamma] here. One two…\n…[Alpha] then [beta]. One two…\n…[Alpha], [beta] again. One…\n"
        "…[Delta] at the end. One…");
  CHECK(ShownMany(text, terms, 24, 16) == ShownMany(text, terms, 24, 4));
  CHECK(ShownMany(text, {"absent"}, 24, 3) == "Gamma here. One two…");
  CHECK(ShownMany("alpha beta", terms, 100, 3) == "[alpha] [beta]");
  CHECK(ShownMany("", terms, 100, 3).empty());
  CHECK(ShownMany(text, terms, 24, 0).empty());
}

TEST_CASE("an excerpt says where it and its highlights stand in the text") {
  const std::string filler = " one two three four five six seven eight nine ten eleven twelve.";
  const std::string text =
      "  \n An  ﬁne\tneedle,  a \x01 NEEDLE." + filler + filler + "\r\n needles";
  const auto found = MakeExcerpts(text, {"needl"}, *MakeEnglishAnalyzer(), 40, 2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].begin_byte == 4);
  CHECK(text.substr(found[0].begin_byte, 3) == "An ");
  CHECK(found[1].end_byte == text.size());
  V words;
  for (const Excerpt& excerpt : found) {
    for (const Excerpt::Highlight& mark : excerpt.highlights) {
      CHECK(mark.source_begin >= excerpt.begin_byte);
      CHECK(mark.source_end <= excerpt.end_byte);
      const std::string source =
          text.substr(mark.source_begin, mark.source_end - mark.source_begin);
      CHECK(source == excerpt.text.substr(mark.begin, mark.end - mark.begin));
      words.push_back(source);
    }
  }
  CHECK(words == V{"needle", "NEEDLE", "needles"});
}

TEST_CASE("any bytes make sound excerpts that do not overlap") {
  // Goal: whatever the text, several pieces ascend, keep apart, show only what the text has, and
  // none is empty. Method: random mixes of hostile pieces, all counts.
  const V pieces = {"needle",
                    "x",
                    " ",
                    "\n\n",
                    ". ",
                    "<script>",
                    "\xFF",
                    "\xED\xA0\x80",
                    "\xE2\x80\xAE",
                    "\xE2\x80\x8F",
                    "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9",
                    "\xCC\x81",
                    "\xE4\xB8\xAD\xE6\x96\x87",
                    "plain words in between",
                    std::string(1, '\0')};
  constexpr unsigned kSeed = 43;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  size_t several = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string text;
    for (size_t n = random() % 120; n > 0; --n) text += pieces[random() % pieces.size()];
    const size_t bytes = 1 + random() % 60, count = 1 + random() % 16;
    CAPTURE(round);
    CAPTURE(text);
    const auto excerpts = MakeExcerpts(text, {"needl", "\xE4\xB8\xAD\xE6\x96\x87", "x"},
                                       *MakeEnglishAnalyzer(), bytes, count);
    REQUIRE(excerpts.size() <= count);
    REQUIRE(excerpts.empty() == text.empty());
    several += excerpts.size() > 2;
    size_t end = 0;
    for (const Excerpt& excerpt : excerpts) {
      REQUIRE(IsValidUtf8(excerpt.text));
      REQUIRE(excerpt.text.size() <= 3 * bytes + kClusterBytesMax);
      REQUIRE(excerpt.begin_byte >= end);
      REQUIRE(excerpt.end_byte >= excerpt.begin_byte);
      end = excerpt.end_byte;
      REQUIRE((excerpts.size() == 1 || !excerpt.highlights.empty()));
      for (const Excerpt::Highlight& mark : excerpt.highlights) {
        REQUIRE(mark.source_begin >= excerpt.begin_byte);
        REQUIRE(mark.source_end > mark.source_begin);
        REQUIRE(mark.source_end <= excerpt.end_byte + 4 * kClusterBytesMax);
      }
    }
    REQUIRE(end <= text.size());
    const std::string html = ToHtml(excerpts);
    REQUIRE(html.find("<script") == std::string::npos);
  }
  CHECK(several > 1'000);
}

TEST_CASE("a megabyte without a blank is cut like any other text") {
  const std::string text = std::string(500'000, 'y') + "-needle-" + std::string(500'000, 'z');
  const auto excerpts = MakeExcerpts(text, {"needl"}, *MakeEnglishAnalyzer(), 100, 16);
  REQUIRE(excerpts.size() == 1);
  CHECK(excerpts[0].text.find("needle-") != std::string::npos);
  CHECK(excerpts[0].text.size() < 200);
  std::string many;
  while (many.size() < 1'000'000) many += "needle-";
  const auto pieces = MakeExcerpts(many, {"needl"}, *MakeEnglishAnalyzer(), 100, 16);
  CHECK(pieces.size() == 16);
  const std::string eastern = [] {
    std::string one;
    while (one.size() < 1'000'000) one += "検索語";
    return one;
  }();
  CHECK(MakeExcerpts(eastern, {"検索"}, *MakeEnglishAnalyzer(), 100, 16).size() == 16);
}

}  // namespace
}  // namespace libkv
