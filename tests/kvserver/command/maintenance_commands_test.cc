// KV.COMPACT: what it leaves to be done at the next start.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "kvserver/support/dialog.h"
#include "kvserver/support/http_client.h"

namespace kvserver {
namespace {

// Bytes of the logs that the next start would read.
uintmax_t LogBytes(TestServer& server) {
  uintmax_t bytes = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(server.node().settings().fixed.data_dir)) {
    if (entry.path().extension() == ".log") bytes += entry.file_size();
  }
  return bytes;
}

void Fill(Dialog& dialog) {
  REQUIRE(dialog.Say("KV.SPACE DEFINE t: TEXT") == "OK");
  REQUIRE(dialog.Say("KV.SPACE DEFINE v: DIMENSION 2") == "OK");
  for (int i = 0; i < 100; ++i) {
    dialog.Say({"SET", "t:" + std::to_string(i), "some words of document " + std::to_string(i)});
  }
  dialog.Say({"SET", "plain", std::string(100'000, 'x')});
}

}  // namespace

TEST_CASE("after KV.COMPACT all words are in one segment on disk, and the log is empty") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(LogBytes(server) > 100'000);
  CHECK(server.node().store().Stats().spaces[0].sealed_documents == 0);
  SUBCASE("over RESP") { CHECK(dialog.Say("KV.COMPACT") == "[spaces, 2]"); }
  SUBCASE("over HTTP") {
    HttpClient client(server.port());
    CHECK(client.PostJson("/v1/admin/compact", "").body ==
          "{\"status\":\"ok\",\"result\":{\"spaces\":2}}\n");
  }
  SUBCASE("one space") { CHECK(dialog.Say("KV.COMPACT t:") == "[spaces, 1]"); }
  const auto stats = server.node().store().Stats();
  CHECK(stats.spaces[0].documents == 100);
  CHECK(stats.spaces[0].sealed_documents == 100);
  CHECK(stats.spaces[0].segments == 1);
  CHECK(LogBytes(server) < 10'000);
  server.Restart();
  Dialog again(server);
  CHECK(again.Say3("KV.SEARCH document LIMIT 0").starts_with("{total: 100,"));
}

TEST_CASE("KV.COMPACT empties the log of a store without spaces, and names a space that is none") {
  TestServer server;
  Dialog dialog(server);
  dialog.Say({"SET", "plain", std::string(100'000, 'x')});
  CHECK(dialog.Say("KV.COMPACT none:") == "-NOTFOUND no such space");
  CHECK(LogBytes(server) > 100'000);
  CHECK(dialog.Say("KV.COMPACT") == "[spaces, 0]");
  CHECK(LogBytes(server) < 10'000);
}

}  // namespace kvserver
