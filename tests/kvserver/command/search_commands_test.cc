// KV.SEARCH and its relatives over the wire. What is found is libkv's business and tested there;
// here: that every option arrives, that replies have their shape, and that errors are clear.
#include <doctest/doctest.h>

#include "kvserver/support/dialog.h"

namespace kvserver {
namespace {

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The keys of the hits, in order.
std::string KeysIn(const std::string& reply) {
  std::string keys;
  for (size_t at = reply.find("{key: "); at != std::string::npos;
       at = reply.find("{key: ", at + 1)) {
    const size_t begin = at + 6;
    keys += (keys.empty() ? "" : " ") + reply.substr(begin, reply.find(',', begin) - begin);
  }
  return keys;
}

// Three books and a note outside of their space.
void Fill(Dialog& dialog) {
  REQUIRE(
      dialog.Say("KV.SPACE DEFINE b: TEXT TEXTFIELDS t EMBEDDER hash FIELDS year,lang VALUES") ==
      "OK");
  REQUIRE(dialog.Say("KV.SPACE DEFINE n: TEXT") == "OK");
  dialog.Say({"SET", "b:1", R"({"t":"the sea, the boat and the whale","year":1851,"lang":"en"})"});
  dialog.Say({"SET", "b:2", R"({"t":"the whale hunt","year":1960,"lang":"de"})"});
  dialog.Say({"SET", "b:3", R"({"t":"a garden of roses","year":2001,"lang":"en"})"});
  dialog.Say({"SET", "n:1", "whale whale whale"});
}

}  // namespace

TEST_CASE("a search replies with a map, in RESP2 as a list of pairs") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  const std::string reply = dialog.Say3("KV.SEARCH hunt");
  CHECK(
      reply.starts_with("{total: 1, total_is_exact: #t, is_partial: #f, hits: [{key: b:2, "
                        "score: "));
  CHECK(Contains(reply, "}], facets: {}, warnings: [], did_you_mean: nil, took_us: "));
  CHECK(dialog.Say("KV.SEARCH hunt")
            .starts_with("[total, 1, total_is_exact, 1, is_partial, 0, hits, [[key, b:2, score, "));
}

TEST_CASE("every option of a search arrives") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  const auto keys = [&](const std::string& line) { return KeysIn(dialog.Say3(line)); };
  CHECK(keys("KV.SEARCH whale") == "b:2 n:1 b:1");
  CHECK(keys("KV.SEARCH whale PREFIX b:") == "b:2 b:1");
  CHECK(keys("KV.SEARCH whale LIMIT 1 OFFSET 1") == "n:1");
  CHECK(keys("KV.SEARCH whale PREFIX b: FIELD lang en") == "b:1");
  CHECK(keys("KV.SEARCH * PREFIX b: FIELD year 1960") == "b:2");
  CHECK(keys("KV.SEARCH * PREFIX b: RANGE year 1900 *") == "b:2 b:3");
  CHECK(keys("KV.SEARCH * PREFIX b: RANGE year 1960 (2001") == "b:2");
  CHECK(keys("KV.SEARCH * PREFIX b: MIN year 1900 MAX year 2000") == "b:2");
  CHECK(keys("KV.SEARCH * PREFIX b: SORT year") == "b:1 b:2 b:3");
  CHECK(keys("KV.SEARCH * PREFIX b: SORT year DESC LIMIT 2") == "b:3 b:2");
  CHECK(keys("KV.SEARCH * PREFIX b: SORT year AFTERKEY b:1 AFTERVALUE 1851") == "b:2 b:3");
  CHECK(keys("KV.SEARCH gardn TYPOS") == "b:3");
  CHECK(Contains(dialog.Say3("KV.SEARCH gardn"), "did_you_mean: garden"));
  CHECK(Contains(dialog.Say3("KV.SEARCH * PREFIX b: SORT year DESC LIMIT 1"), "sort_value: 2001"));
  CHECK(Contains(dialog.Say3("KV.SEARCH * PREFIX b: FACET lang FACET year FACETLIMIT 1"),
                 "facets: {lang: {values: [{value: en, count: 2}], distinct: 2, other_count: 1}, "
                 "year: {values: [{value: 1851, count: 1}], distinct: 3, other_count: 2}}"));
  CHECK(Contains(dialog.Say3("KV.SEARCH hunt EXCERPTS 100"),
                 "excerpts: [{text: the whale hunt, highlights: [[10, 14]]}]"));
  CHECK(Contains(dialog.Say3("KV.SEARCH hunt HTML"), "html: the whale <em>hunt</em>"));
  CHECK(Contains(dialog.Say3("KV.SEARCH hunt EXPLAIN"),
                 "explanation: [{what: hunt, frequency: 1, idf: "));
  CHECK(Contains(dialog.Say3("KV.SEARCH roses WITHVALUES"),
                 R"(value: {"t":"a garden of roses","year":2001,"lang":"en"})"));
  CHECK(Contains(dialog.Say3("KV.SEARCH 'unclosed (whale'"), "warnings: [B"));
  CHECK(
      keys(
          "KV.SEARCH whale PREFIX b: RANKING TFIDF TIMEOUT 1000 COUNTUPTO 1 FEEDBACK 1 K1 2 B 0") !=
      "");
}

TEST_CASE("what is wrong with a search is said") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.SEARCH whale").starts_with("-ERR no space"));
  Fill(dialog);
  CHECK(dialog.Say("KV.SEARCH").starts_with("-ERR wrong number of arguments"));
  CHECK(dialog.Say("KV.SEARCH a LIMIT x") ==
        "-ERR LIMIT must be an integer from 0 to 10000, not 'x'");
  CHECK(dialog.Say("KV.SEARCH a LIMIT 10000 OFFSET 10000").starts_with("-ERR "));
  CHECK(dialog.Say("KV.SEARCH a FIELD year") == "-ERR FIELD needs a value");
  CHECK(dialog.Say("KV.SEARCH a FIELD pages 5").starts_with("-ERR "));
  CHECK(dialog.Say("KV.SEARCH a SORT pages").starts_with("-ERR "));
  CHECK(dialog.Say("KV.SEARCH a RANKING best") == "-ERR RANKING must be BM25 or TFIDF");
  CHECK(dialog.Say("KV.SEARCH a NONSENSE") == "-ERR unknown option 'NONSENSE'");
  CHECK(dialog.Say("KV.SEARCH '\"open' STRICT").starts_with("-ERR "));
  CHECK(dialog.Say("KV.SEARCH a EXCERPTS 99999999").starts_with("-ERR EXCERPTS must be"));
  CHECK(dialog.Say("PING") == "PONG");
}

TEST_CASE("a search sees what the same pipeline wrote before it, and not what follows") {
  TestServer server;
  Dialog dialog(server);
  REQUIRE(dialog.Say("KV.SPACE DEFINE p: TEXT") == "OK");
  TestClient& client = dialog.client();
  const auto search = RespRequest({"FT.SEARCH", "p:", "fresh", "NOCONTENT"});
  client.Send(RespRequest({"SET", "p:1", "fresh"}) + search + RespRequest({"SET", "p:2", "fresh"}) +
              search + RespRequest({"DEL", "p:1"}) + search);
  std::string replies;
  for (int i = 0; i < 6; ++i) replies += ReplyText(client.ReadReply()) + " ";
  CHECK(replies == "OK [1, p:1] OK [2, p:1, p:2] 1 [1, p:2] ");
}

TEST_CASE("similar values are found by text, by key and by vector") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(KeysIn(dialog.Say3("KV.SIMILAR TEXT 'whale hunting' PREFIX b: LIMIT 2")) == "b:2 b:1");
  CHECK(KeysIn(dialog.Say3("KV.SIMILAR KEY b:1 LIMIT 1 PREFIX b:")) == "b:2");
  CHECK(KeysIn(dialog.Say3("KV.SIMILAR TEXT whale FIELD lang en LIMIT 5 EXACT")) == "b:1 b:3");
  CHECK(KeysIn(dialog.Say3("KV.SIMILAR TEXT whale WORDS roses RECALL 1")) == "b:3");
  CHECK(Contains(dialog.Say3("KV.SIMILAR TEXT roses LIMIT 1 WITHVALUES"), "value: {\"t\":\"a gar"));
  REQUIRE(dialog.Say("KV.SPACE DEFINE v: DIMENSION 2 METRIC l2") == "OK");
  CHECK(dialog.Say3("KV.SIMILAR VALUES 2 1 0 PREFIX v:").starts_with("{hits: [], warnings: []"));
  CHECK(dialog.Say("KV.SIMILAR VALUES 2 1 0").starts_with("-ERR prefix '' leads to 2 spaces"));
  CHECK(dialog.Say("KV.SIMILAR VALUES 3 1 0 0 PREFIX v:").starts_with("-ERR "));
  CHECK(dialog.Say("KV.SIMILAR TEXT a PREFIX v:").starts_with("-ERR space 'v:' has no embedder"));
  CHECK(dialog.Say("KV.SIMILAR KEY b:none PREFIX b:").starts_with("-NOTFOUND"));
  CHECK(dialog.Say("KV.SIMILAR LIMIT 5") == "-ERR one of TEXT, KEY, VALUES or FP32 is needed");
  CHECK(dialog.Say("KV.SIMILAR TEXT a KEY b") == "-ERR one of TEXT, KEY, VALUES or FP32 is needed");
  CHECK(dialog.Say("KV.SIMILAR TEXT whale RECALL 0 PREFIX b:").starts_with("-ERR a recall target"));
}

TEST_CASE("hybrid hits say what each side made of them") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  const std::string reply = dialog.Say3("KV.HYBRID 'whale hunt' PREFIX b: LIMIT 1 HTML EXPLAIN");
  CHECK(reply.starts_with("{is_partial: #f, hits: [{key: b:2, score: 1, word_score: "));
  CHECK(Contains(reply, "word_part: 1, vector_part: 1, html: the <em>whale</em> <em>hunt</em>"));
  CHECK(Contains(reply, "explanation: [{what: whale, "));
  CHECK(Contains(dialog.Say3("KV.HYBRID roses PREFIX b: WEIGHTS 0 1 LIMIT 1"), "word_score: nil"));
  CHECK(
      KeysIn(dialog.Say3("KV.HYBRID whale PREFIX b: RRF RANKCONSTANT 1 CANDIDATES 5 FIELD lang de "
                         "WORDWEIGHT 1 VECTORWEIGHT 1")) == "b:2");
  CHECK(dialog.Say("KV.HYBRID a PREFIX b: WEIGHTS 0 0").starts_with("-ERR "));
  CHECK(dialog.Say("KV.HYBRID a WEIGHTS 1") == "-ERR WEIGHTS needs a value");
  CHECK(dialog.Say("KV.HYBRID a PREFIX n:").starts_with("-ERR "));
}

TEST_CASE("the score of one key is explained, wherever it stands among the hits") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  dialog.Say("SET n:10 'whale whale'");  // begins with n:1 too
  const std::string whole = dialog.Say3("KV.SEARCH whale PREFIX n:");
  const size_t at = whole.find("key: n:1, score: ") + 17;
  const std::string score = whole.substr(at, whole.find('}', at) - at);
  const std::string reply = dialog.Say3("KV.EXPLAIN whale n:1");
  CHECK(reply.starts_with("{key: n:1, matches: #t, score: "));
  CHECK(Contains(reply, "explanation: [{what: whale, frequency: 3, idf: "));
  CHECK_FALSE(score.empty());
  CHECK(dialog.Say3("KV.EXPLAIN roses n:1") ==
        "{key: n:1, matches: #f, score: 0, explanation: []}");
  CHECK(dialog.Say("KV.EXPLAIN roses ''") == "-ERR the empty key cannot be stored");
}

TEST_CASE("completions and values like one") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(dialog.Say3("KV.SUGGEST 'the wh' LIMIT 1 PREFIX b:") ==
        "[{text: the whale, word: whale, documents: 2}]");
  CHECK(dialog.Say("KV.SUGGEST wh LIMIT 9999").starts_with("-ERR LIMIT must be"));
  CHECK(KeysIn(dialog.Say3("KV.MORELIKE n:1 PREFIX b: LIMIT 2 TERMS 5")) == "b:2 b:1");
  CHECK(dialog.Say("KV.MORELIKE n:none").starts_with("-NOTFOUND"));
}

}  // namespace kvserver
