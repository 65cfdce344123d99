// Searches, in the shapes that the JSON protocols promise.
#include <doctest/doctest.h>

#include <string>

#include "command/table.h"
#include "kvserver/support/test_server.h"
#include "protocol/json_reader.h"

namespace kvserver {
namespace {

std::string Frame(std::string_view json) {
  std::string length;
  for (int shift = 24; shift >= 0; shift -= 8) length += static_cast<char>(json.size() >> shift);
  return length + std::string(json);
}

std::string AskFramed(TestClient& client, std::string_view json) {
  client.Send(Frame(json));
  size_t length = 0;
  for (const char c : client.Read(4)) length = length << 8 | static_cast<unsigned char>(c);
  return client.Read(length);
}

std::string Ask(TestClient& client, std::string_view line) {
  client.Send(std::string(line) + "\n");
  return client.ReadLine();
}

// The text of the member; "" if there is none.
std::string MemberOf(std::string_view json, std::string_view name) {
  Arena arena;
  std::vector<JsonField> fields;
  REQUIRE_MESSAGE(ReadJsonObject(json, arena, fields).ok(), json);
  for (const JsonField& field : fields) {
    if (field.name == name) return std::string(field.text);
  }
  return "";
}

}  // namespace

TEST_CASE("searches by words, by likeness and by value in both JSON protocols") {
  if (FindCommand("kv.search") == nullptr || FindCommand("kv.space|define") == nullptr) {
    MESSAGE("there is no KV.SEARCH: nothing is searched");
    return;
  }
  TestServer server;
  TestClient lines(server.port()), frames(server.port());
  CHECK(Ask(lines,
            R"({"command":"KV.SPACE DEFINE","prefix":"","text":true,)"
            R"("embedder":"hash","values":true})") == "{\"status\":\"ok\",\"result\":\"OK\"}\n");
  CHECK(Ask(lines, R"({"command":"BULK_SET","items":{"a":"the white whale","b":"a red <fox>",)"
                   R"("c":{"category":"fruit","name":"apple"},"d":{"category":"5","name":"x"},)"
                   R"("e":{"category":5,"name":"y"}}})") == "{\"status\":\"ok\",\"result\":5}\n");

  const std::string hits = Ask(lines, R"({"command":"SEARCH","query":"whale","top_k":3})");
  CHECK(hits.starts_with("{\"status\":\"ok\",\"result\":[{\"key\":\"a\",\"score\":"));
  CHECK(Ask(lines, R"({"command":"SEARCH_FULLTEXT","query":"nothing"})") ==
        "{\"status\":\"ok\",\"result\":[]}\n");
  const std::string similar =
      Ask(lines, R"({"command":"SEMANTIC_SEARCH","query":"the white whale","top_k":1})");
  CHECK(similar.starts_with("{\"status\":\"ok\",\"result\":[{\"key\":\"a\",\"similarity\":"));
  CHECK(Ask(lines, R"({"command":"SEARCH_VALUE","value":"the white whale"})") ==
        "{\"status\":\"ok\",\"result\":[\"a\"]}\n");
  CHECK(Ask(lines, R"({"command":"SEARCH_VALUE","value":{"category":"fruit","name":"apple"}})") ==
        "{\"status\":\"ok\",\"result\":[\"c\"]}\n");

  CHECK(Ask(lines, R"({"command":"CREATE_INDEX","field":"category"})") ==
        "{\"status\":\"ok\",\"result\":\"OK\"}\n");
  CHECK(Ask(lines, R"({"command":"QUERY_INDEX","field":"category","value":"fruit"})") ==
        "{\"status\":\"ok\",\"result\":[\"c\"]}\n");
  CHECK(Ask(lines, R"({"command":"QUERY_INDEX","field":"category","value":"5"})") ==
        "{\"status\":\"ok\",\"result\":[\"d\"]}\n");
  CHECK(Ask(lines, R"({"command":"QUERY_INDEX","field":"category","value":5})") ==
        "{\"status\":\"ok\",\"result\":[\"e\"]}\n");
  CHECK(Ask(lines, R"({"command":"SEARCH_VALUE","field":"category","value":"fruit"})") ==
        "{\"status\":\"ok\",\"result\":[\"c\"]}\n");

  const std::string found = AskFramed(frames, R"({"cmd":"SEARCH","query":"fox","k":2})");
  CHECK(MemberOf(found, "keys") == "[\"b\"]");
  CHECK(MemberOf(found, "scores").size() > 2);
  CHECK(MemberOf(found, "excerpts").find("<em>fox</em>&gt;") != std::string::npos);
  const std::string near = AskFramed(frames, R"({"cmd":"SIMILAR","key":"a","k":2})");
  CHECK(MemberOf(near, "status") == "ok");
  CHECK(MemberOf(near, "keys").size() > 2);
  CHECK(MemberOf(AskFramed(frames, R"({"cmd":"SIMILAR","query":"the white whale","k":1})"),
                 "keys") == "[\"a\"]");
  CHECK(MemberOf(AskFramed(frames, R"({"cmd":"EMBED_VALUE","value":"text"})"), "embedding")
            .starts_with("["));
  CHECK(MemberOf(AskFramed(frames, R"({"cmd":"BULK","data":[["k1","v1"],["k2",[2]]]})"),
                 "result") == "2");
}

}  // namespace kvserver
