#include "command/request_ids.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "kvserver/support/dialog.h"
#include "kvserver/support/http_client.h"
#include "kvserver/support/test_server.h"
#include "libkv/store.h"
#include "support/temp_dir.h"

namespace kvserver {

TEST_CASE(
    "a repeated increment with a request id is answered as the first time, and counted once") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.WITH ID one DO INCRBY n 5") == "5");
  CHECK(dialog.Say("INCR n") == "6");
  CHECK(dialog.Say("KV.WITH ID one DO INCRBY n 5") == "5");
  CHECK(dialog.Say("KV.WITH ID two DO DECR n") == "5");
  CHECK(dialog.Say("GET n") == "5");
  SUBCASE("also after a restart") {
    server.Restart();
    Dialog later(server);
    CHECK(later.Say("KV.WITH ID one DO INCRBY n 5") == "5");
    CHECK(later.Say("KV.WITH ID two DO DECR n") == "5");
    CHECK(later.Say("KV.WITH ID three DO INCR n") == "6");
    CHECK(later.Say("GET n") == "6");
  }
  SUBCASE("also over JSON and HTTP") {
    TestClient lines(server.port());
    lines.Send(R"({"command":"INCR","key":"n","amount":5,"request_id":"one"})"
               "\n");
    CHECK(lines.ReadLine() == "{\"status\":\"ok\",\"result\":5}\n");
    HttpClient http(server.port());
    const std::string body = R"({"command":"incrby","key":"n","increment":5})";
    const std::string fields = "Content-Type: application/json\r\nIdempotency-Key: \"one\"\r\n";
    CHECK(http.Ask("POST", "/v1/command", body, fields).body ==
          "{\"status\":\"ok\",\"result\":5}\n");
    CHECK(dialog.Say("GET n") == "5");
  }
}

TEST_CASE("a pipeline that repeats its increments counts each of them once") {
  TestServer server;
  TestClient client(server.port());
  std::string requests, replies;
  for (int i = 0; i < 200; ++i) {
    requests += RespRequest({"KV.WITH", "ID", "id" + std::to_string(i / 2), "DO", "INCR", "n"});
    replies += ":" + std::to_string(i / 2 + 1) + "\r\n";
  }
  client.Send(requests);
  CHECK(client.Read(replies.size()) == replies);
}

TEST_CASE("a request id is refused where it means nothing") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.WITH ID one DO SET a b") ==
        "-ERR a request id is for INCR, DECR, INCRBY and DECRBY: other requests may be repeated as "
        "they are");
  CHECK(dialog.Say("GET a") == "nil");
  CHECK(dialog.Say("KV.WITH ID one DO INCR n") == "1");
  CHECK(dialog.Say("KV.WITH ID one DO INCR other") ==
        "-ERR the request id belongs to another request");
  CHECK(dialog.Say("KV.WITH ID one DO INCRBY n 2") ==
        "-ERR the request id belongs to another request");
  CHECK(dialog.Say("KV.WITH ID " + std::string(129, 'x') + " DO INCR n") ==
        "-ERR a request id has 1 to 128 bytes");
  CHECK(dialog.Say("KV.WITH ID " + std::string(128, 'x') + " DO INCR n") == "2");
  CHECK(dialog.Say("MULTI") == "OK");
  CHECK(dialog.Say("KV.WITH ID three DO INCR n") ==
        "-ERR a request with an id cannot be part of a transaction");
  CHECK(dialog.Say("EXEC").starts_with("-EXECABORT"));
  CHECK(dialog.Say("GET n") == "2");
  // An increment that failed may be tried again under its id.
  CHECK(dialog.Say("SET word x") == "OK");
  CHECK(dialog.Say("KV.WITH ID four DO INCR word").starts_with("-ERR value is not an integer"));
  CHECK(dialog.Say("SET word 1") == "OK");
  CHECK(dialog.Say("KV.WITH ID four DO INCR word") == "2");
}

TEST_CASE("the newest 65,536 request ids are remembered, also across a restart, and no more") {
  libkv::TempDir dir;
  auto store = libkv::Store::Open({}, dir.path());
  REQUIRE(store.ok());
  const uint64_t count = RequestIds::kRemembered + 100;
  const auto ask = [](const RequestIds& ids) {
    CHECK(ids.size() == RequestIds::kRemembered);
    CHECK(!ids.Find("id99"));
    REQUIRE(ids.Find("id100"));
    CHECK(ids.Find("id100")->sum == 100);
    CHECK(ids.Find("id100")->dot == cluster::Dot{{3, 4}, 100});
    CHECK(ids.Find("id100")->what == RequestIds::What("n", 100));
    CHECK(ids.Find("id" + std::to_string(count - 1)));
  };
  {
    RequestIds ids;
    libkv::Batch batch;
    for (uint64_t i = 0; i < count; ++i) {
      RequestIds::Done done;
      done.what = RequestIds::What("n", static_cast<int64_t>(i));
      done.sum = static_cast<int64_t>(i);
      done.dot = {{3, 4}, i};
      ids.Remember("id" + std::to_string(i), done,
                   [&](std::string_view name, std::string_view row) { batch.PutRow(name, row); });
    }
    ask(ids);
    REQUIRE((*store)->Apply({}, batch).ok());
  }
  RequestIds ids;
  REQUIRE(ids.Load(**store).ok());
  ask(ids);
  // The next one takes the place of the oldest.
  std::string row_name;
  ids.Remember("new", {}, [&](std::string_view name, std::string_view) { row_name = name; });
  CHECK(row_name.size() == 9);
  CHECK(!ids.Find("id100"));
  CHECK(ids.Find("id101"));
}

TEST_CASE("an id that is used again when it was forgotten is remembered for as long again") {
  RequestIds ids;
  const auto remember = [&](const std::string& id, int64_t sum) {
    RequestIds::Done done;
    done.sum = sum;
    ids.Remember(id, done, [](std::string_view, std::string_view) {});
  };
  remember("again", 1);
  remember("again", 2);
  for (size_t i = 0; i < RequestIds::kRemembered - 1; ++i) remember(std::to_string(i), 0);
  REQUIRE(ids.Find("again"));
  CHECK(ids.Find("again")->sum == 2);
  remember("last", 0);
  CHECK(!ids.Find("again"));
}

}  // namespace kvserver
