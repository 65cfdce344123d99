// KV.FIND, KV.QUERYINDEX and the rest of what works on fields and vectors.
#include <doctest/doctest.h>

#include "kvserver/support/dialog.h"

namespace kvserver {

TEST_CASE("indexes of fields are made, asked in order, and dropped") {
  TestServer server;
  Dialog dialog(server);
  dialog.Say({"KV.BULKSET", "b:1", R"({"year":1851,"lang":"en"})", "b:2",
              R"({"year":1960,"lang":"de"})", "b:3", R"({"year":2001,"lang":"en"})"});
  CHECK(dialog.Say("KV.CREATEINDEX b: year") == "OK");  // makes the space
  CHECK(dialog.Say("KV.CREATEINDEX b: lang") == "OK");
  CHECK(dialog.Say("KV.SPACE LIST") == "[[prefix, b:, definition, b::fields=year;lang]]");
  CHECK(dialog.Say("KV.FIND en FIELD lang") == "[b:1, b:3]");
  CHECK(dialog.Say("KV.FIND en FIELD lang LIMIT 1 PREFIX b:") == "[b:1]");
  CHECK(dialog.Say3("KV.QUERYINDEX year RANGE 1900 *") ==
        "[{key: b:2, value: 1960}, {key: b:3, value: 2001}]");
  CHECK(dialog.Say3("KV.QUERYINDEX year MAX 1960 DESC LIMIT 1 PREFIX b:") ==
        "[{key: b:2, value: 1960}]");
  CHECK(dialog.Say("KV.QUERYINDEX lang EQ de") == "[[key, b:2, value, de]]");
  CHECK(dialog.Say("KV.QUERYINDEX lang MIN de") ==
        "[[key, b:2, value, de], [key, b:1, value, en], [key, b:3, value, en]]");
  CHECK(dialog.Say("KV.QUERYINDEX year RANGE 1 a").starts_with("-ERR the bounds must both be"));
  CHECK(dialog.Say("KV.QUERYINDEX year MIN (1").starts_with("-ERR bounds of KV.QUERYINDEX"));
  CHECK(dialog.Say("KV.QUERYINDEX pages").starts_with("-ERR "));
  CHECK(dialog.Say("KV.DROPINDEX b: lang") == "OK");
  CHECK(dialog.Say("KV.FIND en FIELD lang").starts_with("-ERR "));
  CHECK(dialog.Say("KV.DROPINDEX none: lang").starts_with("-NOTFOUND"));
  CHECK(dialog.Say("KV.CREATEINDEX b: ''").starts_with("-ERR the path of a field"));
}

TEST_CASE("whole values are found where the space keeps them") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.FIND x").starts_with("-ERR no space"));
  REQUIRE(dialog.Say("KV.SPACE DEFINE '' VALUES") == "OK");
  dialog.Say("KV.BULKSET a x b y c x");
  CHECK(dialog.Say("KV.FIND x") == "[a, c]");
  CHECK(dialog.Say("KV.FIND x PREFIX c") == "[c]");
}

TEST_CASE("a bulk is one: bad items change nothing, pipelines see it") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.BULKSET a 1 b 2") == "2");
  CHECK(dialog.Say("KV.BULKSET a 5 b") == "-ERR every key needs a value: the last one has none");
  CHECK(dialog.Say({"KV.BULKSET", "a", "5", "", "6"}) == "-ERR the empty key cannot be stored");
  CHECK(dialog.Say("GET a") == "1");
  TestClient& client = dialog.client();
  client.Send(RespRequest({"KV.BULKSET", "a", "7", "n", "1"}) + RespRequest({"INCR", "n"}) +
              RespRequest({"GET", "a"}));
  CHECK(ReplyText(client.ReadReply()) == "2");
  CHECK(ReplyText(client.ReadReply()) == "2");
  CHECK(ReplyText(client.ReadReply()) == "7");
  CHECK(dialog.Say("MULTI") == "OK");
  CHECK(dialog.Say("KV.BULKSET m 1 k 2") == "QUEUED");
  CHECK(dialog.Say("EXEC") == "[2]");
}

TEST_CASE("vectors are made, shown and learnt anew") {
  TestServer server;
  Dialog dialog(server);
  REQUIRE(dialog.Say("KV.SPACE DEFINE h: EMBEDDER hash") == "OK");
  dialog.Say("SET h:1 'red apple'");
  const std::string vector = dialog.Say("KV.EMBED 'red apple' PREFIX h:");
  CHECK(vector.starts_with("["));
  CHECK(vector == dialog.Say("KV.GETVECTOR h:1"));
  CHECK(vector == dialog.Say("KV.EMBED 'red apple' QUERY PREFIX h:"));
  CHECK(dialog.Say("KV.GETVECTOR h:2") == "nil");
  CHECK(dialog.Say("KV.GETVECTOR other").starts_with("-ERR "));
  CHECK(dialog.Say("KV.EMBED a PREFIX x").starts_with("-ERR no space"));
  CHECK(dialog.Say("KV.TRAIN h:").starts_with("-ERR space 'h:' does not learn"));
  CHECK(dialog.Say("KV.TRAIN none").starts_with("-NOTFOUND"));
  REQUIRE(dialog.Say("KV.SPACE DEFINE l: LEARN") == "OK");
  for (int i = 0; i < 20; ++i) {
    dialog.Say("SET l:" + std::to_string(i) + (i % 2 ? " 'red apple'" : " 'blue sea'"));
  }
  CHECK(dialog.Say("KV.TRAIN l:") == "OK");
  CHECK(dialog.Say3("KV.SPACE INFO l:").find("embedder: lsa/1:") != std::string::npos);
}

}  // namespace kvserver
