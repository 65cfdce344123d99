// KV.SPACE: defining, listing and dropping spaces, and what a restart keeps of them.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "kvserver/support/dialog.h"

namespace kvserver {

TEST_CASE("a space is defined, listed, described and dropped") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.SPACE LIST") == "[]");
  CHECK(dialog.Say("KV.SPACE DEFINE doc: TEXT FIELDS year,lang fields author.name") == "OK");
  CHECK(dialog.Say("kv.space define v: dimension 3 metric l2") == "OK");
  CHECK(dialog.Say("KV.SPACE DEFINE v: METRIC l2 DIMENSION 3") == "OK");  // the same again
  CHECK(dialog.Say("KV.SPACE LIST") ==
        "[[prefix, doc:, definition, doc::analyzer=english,fields=year;lang;author.name], "
        "[prefix, v:, definition, v::dimension=3,metric=l2]]");
  CHECK(dialog.Say3("KV.SPACE LIST").starts_with("[{prefix: doc:, definition: doc::analyzer="));
  dialog.Say("SET doc:1 'words of a value'");
  const std::string info = dialog.Say3("KV.SPACE INFO doc:");
  CHECK(info.starts_with("{prefix: doc:, definition: doc::analyzer=english"));
  CHECK(info.find("documents: 1, ") != std::string::npos);
  CHECK(info.find("embedder: nil, dimension: 0, ") != std::string::npos);
  CHECK(dialog.Say3("KV.SPACE INFO v:").find("dimension: 3, ") != std::string::npos);
  CHECK(dialog.Say("KV.SPACE DROP doc:") == "OK");
  CHECK(dialog.Say("KV.SPACE INFO doc:") == "-NOTFOUND no space has the prefix 'doc:'");
  CHECK(dialog.Say("GET doc:1") == "words of a value");
}

TEST_CASE("every wrong definition is refused with its reason") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.SPACE") == "-ERR wrong number of arguments for 'kv.space' command");
  CHECK(dialog.Say("KV.SPACE DEFINE a:").starts_with("-ERR wrong number of arguments"));
  CHECK(dialog.Say("KV.SPACE DEFINE a: TXT") == "-ERR unknown option 'TXT'");
  CHECK(dialog.Say("KV.SPACE DEFINE a: DIMENSION") == "-ERR DIMENSION needs a value");
  CHECK(dialog.Say("KV.SPACE DEFINE a: DIMENSION 9999") ==
        "-ERR dimension must be an integer from 1 to 8192, not '9999'");
  CHECK(dialog.Say("KV.SPACE DEFINE a: METRIC far") ==
        "-ERR metric must be cosine, l2 or ip, not 'far'");
  CHECK(dialog.Say("KV.SPACE DEFINE a: METRIC l2").starts_with("-ERR space 'a:': it asks for no"));
  CHECK(dialog.Say("KV.SPACE DEFINE a: LEARN DIMENSION 3").starts_with("-ERR space 'a:': learn"));
  CHECK(dialog.Say("KV.SPACE DEFINE a: TEXT") == "OK");
  CHECK(
      dialog.Say("KV.SPACE DEFINE a: VALUES").starts_with("-ERR space 'a:' is defined otherwise"));
  CHECK(dialog.Say("KV.SPACE DROP b:") == "-NOTFOUND no space has the prefix 'b:'");
  CHECK(dialog.Say("KV.SPACE SELL a:").starts_with("-ERR unknown subcommand 'SELL'"));
  CHECK(dialog.Say("MULTI") == "OK");
  CHECK(dialog.Say("KV.SPACE DEFINE c: TEXT") == "-ERR Command not allowed inside a transaction");
}

TEST_CASE("spaces of every built-in kind are usable after a restart") {
  TestServer server;
  {
    Dialog dialog(server);
    for (const char* const definition :
         {"g: ANALYZER german", "h: TEXT EMBEDDER hash", "l: TEXT LEARN",
          "v: DIMENSION 2 MEMORY bits", "f: FIELDS n VALUES", "d: EMBEDDER hash DEFERRED"}) {
      CHECK(dialog.Say(std::string("KV.SPACE DEFINE ") + definition) == "OK");
    }
    dialog.Say("SET g:1 'die Häuser'");
    dialog.Say("SET h:1 'a red apple'");
    dialog.Say("SET l:1 'a blue whale'");
    dialog.Say(R"(SET f:1 '{"n":5}')");
    dialog.Say("SET d:1 'a green frog'");
  }
  server.Restart();
  Dialog dialog(server);
  dialog.Say("SET h:2 'blue whale'");
  CHECK(dialog.Say("FT.SEARCH g: haus NOCONTENT") == "[1, g:1]");
  CHECK(dialog.Say3("KV.SIMILAR TEXT whale PREFIX h: LIMIT 1").starts_with("{hits: [{key: h:2, "));
  CHECK(dialog.Say3("KV.SIMILAR TEXT whale PREFIX l: LIMIT 1").starts_with("{hits: [{key: l:1, "));
  CHECK(dialog.Say("KV.FIND 5 FIELD n") == "[f:1]");
  CHECK(dialog.Say3("KV.SPACE INFO v:").find("definition: v::dimension=2,memory=bits, ") !=
        std::string::npos);
  CHECK(dialog.Say3("KV.SPACE INFO d:").find("definition: d::embedder=hash,deferred, ") !=
        std::string::npos);
  // Its vector is made soon.
  const auto waits = [&] {
    return dialog.Say3("KV.SPACE INFO d:").find("pending_vectors: 0, ") == std::string::npos;
  };
  for (int i = 0; i < 1'000 && waits(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(!waits());
  CHECK(dialog.Say3("KV.SIMILAR TEXT frog PREFIX d:").starts_with("{hits: [{key: d:1, "));
}

}  // namespace kvserver
