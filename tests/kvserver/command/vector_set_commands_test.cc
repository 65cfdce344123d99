// Vector sets, in the shapes of Redis 8.
#include <doctest/doctest.h>

#include <cstring>

#include "kvserver/support/dialog.h"

namespace kvserver {
namespace {

std::string Blob(std::initializer_list<float> numbers) {
  std::string bytes(numbers.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), numbers.begin(), bytes.size());
  return bytes;
}

void Fill(Dialog& dialog) {
  REQUIRE(dialog.Say("VADD v VALUES 2 1 0 a SETATTR '{\"year\":2001,\"g\":\"x\"}'") == "1");
  REQUIRE(dialog.Say({"VADD", "v", "FP32", Blob({0, 2}), "b"}) == "1");
  REQUIRE(dialog.Say("VADD v VALUES 2 -1 0 c CAS NOQUANT EF 100 M 8 SETATTR '{\"year\":1990}'") ==
          "1");
}

}  // namespace

TEST_CASE("elements are added, changed, counted and removed") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("VCARD v") == "0");
  CHECK(dialog.Say("VDIM v") == "-ERR key does not exist");
  CHECK(dialog.Say("VREM v a") == "0");
  Fill(dialog);
  CHECK(dialog.Say("VADD v VALUES 2 1 1 a Q8") == "0");
  CHECK(dialog.Say3("VEMB v a") == "[1, 1]");
  CHECK(dialog.Say("VGETATTR v a") == "{\"year\":2001,\"g\":\"x\"}");  // kept
  CHECK(dialog.Say("VCARD v") == "3");
  CHECK(dialog.Say("VDIM v") == "2");
  CHECK(dialog.Say("VISMEMBER v a") == "1");
  CHECK(dialog.Say3("VISMEMBER v none") == "#f");
  CHECK(dialog.Say("VREM v a") == "1");
  CHECK(dialog.Say("VREM v a") == "0");
  CHECK(dialog.Say("VISMEMBER v a") == "0");
  CHECK(dialog.Say("VCARD v") == "2");
  CHECK(dialog.Say3("VINFO v") ==
        "{quant-type: f32, vector-dim: 2, projection-input-dim: 0, "
        "size: 2, vector-lists: 0}");
  CHECK(dialog.Say("VINFO none") == "nil");
}

TEST_CASE("scores are (1 + cosine) / 2, and replies have the shapes of Redis") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(dialog.Say("VSIM v VALUES 2 1 0") == "[a, b, c]");
  CHECK(dialog.Say("VSIM v ELE a COUNT 2") == "[a, b]");
  CHECK(dialog.Say("VSIM v ELE a WITHSCORES") == "[a, 1, b, 0.5, c, 0]");
  CHECK(dialog.Say3("VSIM v ELE a WITHSCORES") == "{a: 1, b: 0.5, c: 0}");
  CHECK(dialog.Say3("VSIM v ELE a WITHATTRIBS COUNT 2") ==
        "{a: {\"year\":2001,\"g\":\"x\"}, b: nil}");
  CHECK(dialog.Say("VSIM v ELE a WITHSCORES WITHATTRIBS COUNT 2") ==
        "[a, 1, {\"year\":2001,\"g\":\"x\"}, b, 0.5, nil]");
  CHECK(dialog.Say3("VSIM v ELE c WITHSCORES WITHATTRIBS COUNT 1") == "{c: [1, {\"year\":1990}]}");
  CHECK(dialog.Say({"VSIM", "v", "FP32", Blob({1, 0}), "EPSILON", "0.4"}) == "[a]");
  CHECK(dialog.Say("VSIM v ELE a EPSILON 0.5 TRUTH NOTHREAD EF 200") == "[a, b]");
  CHECK(dialog.Say("VSIM none VALUES 2 1 0") == "[]");
}

TEST_CASE("FILTER asks indexed fields of the attributes, and names what is missing") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(dialog.Say("VSIM v ELE a FILTER '.year >= 2000'") ==
        "-ERR FILTER needs an index of .year: KV.CREATEINDEX v: year");
  REQUIRE(dialog.Say("KV.CREATEINDEX v: year") == "OK");
  REQUIRE(dialog.Say("KV.CREATEINDEX v: g") == "OK");
  CHECK(dialog.Say("VSIM v VALUES 2 1 0 FILTER '.year >= 2000' FILTER-EF 500") == "[a]");
  CHECK(dialog.Say("VSIM v VALUES 2 1 0 FILTER '.year < 2000'") == "[c]");
  CHECK(dialog.Say({"VSIM", "v", "ELE", "b", "FILTER", ".year > 1 and .g == \"x\""}) == "[a]");
  CHECK(
      dialog.Say("VSIM v ELE a FILTER '.year != 5'").starts_with("-ERR FILTER is not understood"));
}

TEST_CASE("attributes change without the vector, also within one pipeline") {
  TestServer server;
  Dialog dialog(server);
  Fill(dialog);
  CHECK(dialog.Say("VGETATTR v b") == "nil");
  CHECK(dialog.Say("VSETATTR v b '{\"n\":1}'") == "1");
  CHECK(dialog.Say("VGETATTR v b") == "{\"n\":1}");
  CHECK(dialog.Say3("VEMB v b") == "[0, 2]");
  CHECK(dialog.Say({"VSETATTR", "v", "b", ""}) == "1");
  CHECK(dialog.Say("VGETATTR v b") == "nil");
  CHECK(dialog.Say("VSETATTR v none {}") == "0");
  CHECK(dialog.Say("VGETATTR none none") == "nil");
  TestClient& client = dialog.client();
  client.Send(RespRequest({"VADD", "v", "VALUES", "2", "3", "4", "d"}) +
              RespRequest({"VSETATTR", "v", "d", "{}"}) + RespRequest({"VGETATTR", "v", "d"}) +
              RespRequest({"VEMB", "v", "d"}) + RespRequest({"VCARD", "v"}));
  std::string replies;
  for (int i = 0; i < 5; ++i) replies += ReplyText(client.ReadReply()) + " ";
  CHECK(replies == "1 1 {} [3, 4] 4 ");
  CHECK(dialog.Say3({"VEMB", "v", "d", "RAW"}) == "[fp32, " + Blob({0.6F, 0.8F}) + ", 5]");
  CHECK(dialog.Say("VEMB v none") == "nil");
}

TEST_CASE("members are drawn without repetition, or with") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("VRANDMEMBER v") == "nil");
  CHECK(dialog.Say("VRANDMEMBER v 3") == "[]");
  Fill(dialog);
  const std::string one = dialog.Say("VRANDMEMBER v");
  CHECK((one == "a" || one == "b" || one == "c"));
  const std::string all = dialog.Say("VRANDMEMBER v 10");
  CHECK(all.size() == std::string_view("[a, b, c]").size());
  for (const char member : {'a', 'b', 'c'}) CHECK(all.find(member) != std::string::npos);
  CHECK(dialog.Say("VRANDMEMBER v -10").size() == 30);
  CHECK(dialog.Say("VRANDMEMBER v 0") == "[]");
  CHECK(dialog.Say("VRANDMEMBER v x").starts_with("-ERR COUNT must be an integer"));
  // Every element is drawn sooner or later: of 200 draws all miss one with probability 1e-35.
  std::string drawn;
  for (int i = 0; i < 200; ++i) drawn += dialog.Say("VRANDMEMBER v");
  for (const char member : {'a', 'b', 'c'}) CHECK(drawn.find(member) != std::string::npos);
}

TEST_CASE("wrong requests change nothing and say what is wrong") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("VADD v REDUCE 2 VALUES 3 1 2 3 a") ==
        "-ERR REDUCE is not supported: project the vectors before VADD");
  CHECK(dialog.Say("VADD v VECTOR 2 1 0 a") == "-ERR the vector must begin with VALUES or FP32");
  CHECK(dialog.Say("VADD v VALUES 2 1 0") == "-ERR the element is missing");
  CHECK(dialog.Say("VADD v VALUES 2 1 0 a NONE") == "-ERR unknown option 'NONE'");
  CHECK(dialog.Say("VCARD v") == "0");
  CHECK(dialog.Say("KV.SPACE LIST") == "[]");
  Fill(dialog);
  CHECK(dialog.Say("VADD v VALUES 3 1 0 0 d") ==
        "-ERR Vector dimension mismatch - got 3 but set has 2");
  CHECK(dialog.Say("VADD v VALUES 2 0 0 d").starts_with("-ERR a vector of zeros"));
  CHECK(dialog.Say("VSIM v ELE none") == "-ERR element not found in set");
  CHECK(dialog.Say("VSIM v KEY a").starts_with("-ERR what to compare with must begin"));
  CHECK(dialog.Say("VSIM v ELE a COUNT 0").starts_with("-ERR COUNT must be"));
  CHECK(dialog.Say("VSIM v ELE a EPSILON 2").starts_with("-ERR EPSILON must be"));
  CHECK(dialog.Say("VADD v:w VALUES 2 1 0 a").starts_with("-ERR the keys of the vector sets"));
  dialog.Say("SET u:1 x");
  CHECK(dialog.Say("VADD u VALUES 2 1 0 a").find("KV.SPACE DEFINE u: DIMENSION 2") !=
        std::string::npos);
  REQUIRE(dialog.Say("KV.SPACE DEFINE t: TEXT") == "OK");
  CHECK(dialog.Say("VADD t VALUES 2 1 0 a").starts_with("-ERR the space 't:' has no vectors"));
  CHECK(dialog.Say("VCARD v") == "3");
}

TEST_CASE("VADD is part of a transaction, but for the first of a set") {
  TestServer server;
  Dialog dialog(server);
  dialog.Say("MULTI");
  CHECK(dialog.Say("VADD v VALUES 2 1 0 a") == "QUEUED");
  CHECK(dialog.Say("EXEC") == "[-ERR the first VADD to a set cannot be part of a transaction]");
  Fill(dialog);
  dialog.Say("MULTI");
  dialog.Say("VADD v VALUES 2 1 1 d");
  dialog.Say("VSETATTR v d {}");
  dialog.Say("VREM v a");
  CHECK(dialog.Say("EXEC") == "[1, 1, 1]");
  CHECK(dialog.Say("VSIM v VALUES 2 1 1") == "[d, b, c]");
}

TEST_CASE("a set is there after a restart") {
  TestServer server;
  {
    Dialog dialog(server);
    Fill(dialog);
  }
  server.Restart();
  Dialog dialog(server);
  CHECK(dialog.Say("VCARD v") == "3");
  CHECK(dialog.Say("VSIM v ELE a WITHSCORES") == "[a, 1, b, 0.5, c, 0]");
  CHECK(dialog.Say("VADD v VALUES 2 1 1 d") == "1");
}

}  // namespace kvserver
