// FT.*: replies in the shape of RediSearch.
#include <doctest/doctest.h>

#include "base/json_members.h"
#include "kvserver/support/dialog.h"

namespace kvserver {
namespace {

void Fill(Dialog& dialog) {
  REQUIRE(dialog.Say("KV.SPACE DEFINE b: TEXT FIELDS year") == "OK");
  REQUIRE(dialog.Say("KV.SPACE DEFINE n: TEXT") == "OK");
  dialog.Say({"SET", "b:1", R"({"title":"the \"white\" whale","year":1851,"tags":["sea",{}]})"});
  dialog.Say({"SET", "b:2", R"({"title":"whale hunt","year":1960})"});
  dialog.Say({"SET", "n:1", "a whale of a time"});
}

std::string Members(std::string_view json) {
  const auto members = JsonMembers(json);
  if (!members) return "none";
  std::string text;
  for (const JsonMember& member : *members) text += member.name + "=" + member.value + ";";
  return text;
}

}  // namespace

TEST_CASE("the members of an object are shown as they stand") {
  CHECK(Members(
            R"( {"a" : "b\n\u00e4\ud83d\ude00\"", "c":[1,"]",{"d":2}],"e":-1.5e3 , "f":null} )") ==
        "a=b\nä😀\";c=[1,\"]\",{\"d\":2}];e=-1.5e3;f=null;");
  CHECK(Members("{}").empty());
  for (const std::string_view wrong :
       {"", "[]", "x", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{\"a\":1}x",
        "{\"a\":\"", "{\"a\":\"\\u12\"}", "{\"a\":[1}", "{a:1}", "\"{}\""}) {
    CAPTURE(wrong);
    CHECK(Members(wrong) == "none");
  }
  CHECK(Members("{\"a\":" + std::string(1'000'000, '[')) == "none");
}

TEST_CASE("a search replies with the count, and each key with its fields") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(dialog.Say("FT.SEARCH b: hunt") == "[1, b:2, [title, whale hunt, year, 1960]]");
  CHECK(dialog.Say("FT.SEARCH n: whale") == "[1, n:1, [value, a whale of a time]]");
  CHECK(dialog.Say("FT.SEARCH b: whale NOCONTENT SORTBY year DESC") == "[2, b:2, b:1]");
  CHECK(dialog.Say("FT.SEARCH b: whale NOCONTENT SORTBY year LIMIT 1 1 DIALECT 2") == "[2, b:2]");
  CHECK(dialog.Say("FT.SEARCH b: white RETURN 2 tags title") ==
        "[1, b:1, [tags, [\"sea\",{}], title, the \"white\" whale]]");
  CHECK(dialog.Say("FT.SEARCH b: white RETURN 3 $.year AS y") == "[1, b:1, [y, 1851]]");
  CHECK(dialog.Say("FT.SEARCH b: white RETURN 0") == "[1, b:1]");
  CHECK(dialog.Say("FT.SEARCH * whale NOCONTENT LIMIT 0 0") == "[3]");
  CHECK(dialog.Say({"FT.SEARCH", "", "whale", "NOCONTENT", "LIMIT", "0", "0"}) == "[3]");
  const std::string scored = dialog.Say("FT.SEARCH n: whale WITHSCORES NOCONTENT");
  CHECK(scored.starts_with("[1, n:1, 0."));
  CHECK(dialog.Say3("FT.SEARCH b: hunt NOCONTENT") == "[1, b:2]");
}

TEST_CASE("what was found is marked in an extra field") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(dialog.Say("FT.SEARCH n: whale HIGHLIGHT") ==
        "[1, n:1, [excerpt, a <b>whale</b> of a time, value, a whale of a time]]");
  CHECK(dialog.Say("FT.SEARCH n: time SUMMARIZE FIELDS 1 value FRAGS 1 LEN 10 SEPARATOR / "
                   "HIGHLIGHT TAGS [ ] RETURN 1 excerpt") ==
        "[1, n:1, [excerpt, a whale of a [time]]]");
}

TEST_CASE("indexes are listed and described") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("FT._LIST") == "[]");
  Fill(dialog);
  CHECK(dialog.Say("FT._LIST") == "[b:, n:]");
  CHECK(dialog.Say3("FT._LIST") == "(b:, n:)");
  CHECK(dialog.Say3("FT.INFO b:")
            .starts_with("{index_name: b:, index_options: [], index_definition: [key_type, JSON, "
                         "prefixes, [b:]], "
                         "attributes: [[identifier, value, attribute, value, type, TEXT], "
                         "[identifier, year, attribute, year, type, TAG]], num_docs: 2, "));
  CHECK(dialog.Say3("FT.INFO *").find("num_docs: 3") != std::string::npos);
}

TEST_CASE("what RediSearch has and we have not is said") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  for (const char* const line :
       {"FT.CREATE i ON HASH SCHEMA t TEXT", "FT.DROPINDEX i", "FT.AGGREGATE i *", "FT.ALTER i"}) {
    CHECK(dialog.Say(line).starts_with("-ERR indexes are spaces here: KV.SPACE DEFINE"));
  }
  CHECK(dialog.Say("FT.SEARCH x: a").starts_with("-ERR 'x:': no such index"));
  CHECK(dialog.Say("FT.INFO x:").starts_with("-ERR 'x:': no such index"));
  CHECK(dialog.Say("FT.SEARCH b: a PARAMS 2 a b") == "-ERR unknown option 'PARAMS'");
  CHECK(dialog.Say("FT.SEARCH b: a LIMIT 0") == "-ERR LIMIT needs a value");
  CHECK(dialog.Say("FT.SEARCH b: a SORTBY pages").starts_with("-ERR "));
}

}  // namespace kvserver
