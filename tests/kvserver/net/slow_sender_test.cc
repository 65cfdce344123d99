// HTTP requests that begin and do not come to an end.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kvserver/support/http_client.h"
#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

using std::chrono::milliseconds;

// Connections are looked at once a second, so answers come a second later at most.
constexpr milliseconds kTimeMax(300);

constexpr char kHead[] = "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\n";

void CheckLate(HttpClient& client) {
  const HttpAnswer answer = client.Receive();
  CHECK(answer.status == 408);
  CHECK(answer.fields.at("connection") == "close");
  CHECK(answer.body ==
        "{\"status\":\"error\",\"code\":\"ERR\","
        "\"message\":\"the rest of the request did not come in time\"}\n");
  CHECK(client.client().IsClosed());
}

}  // namespace

TEST_CASE("the time for a request is 30 seconds") {
  CHECK(SettingsValues().request_time_max == std::chrono::seconds(30));
}

TEST_CASE("a request that stops half way is answered with 408, and the connection closed") {
  TestServer server({.request_time_max = kTimeMax});
  const std::vector<std::string> halves = {
      "GET /v1/kv/a HTTP/1.1\r\n",
      kHead,
      std::string(kHead) + "Content-Length: 10\r\n\r\n",
      std::string(kHead) + "Content-Length: 10\r\n\r\n123456789",
      std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n",
      std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
  };
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (const std::string& half : halves) {
    clients.push_back(std::make_unique<HttpClient>(server.port()));
    clients.back()->Send(half);
  }
  // Behind whole requests, which are answered; and one client that only waits for its next.
  HttpClient later(server.port()), waiting(server.port());
  CHECK(waiting.Ask("PUT", "/v1/kv/b", "2").status == 204);
  later.Send("GET /v1/kv/b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  later.Send("PUT /v1/kv/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n3" + halves[3]);
  for (size_t i = 0; i < clients.size(); ++i) {
    CAPTURE(halves[i]);
    CheckLate(*clients[i]);
  }
  CHECK(later.Receive().body == "2");
  CHECK(later.Receive().status == 204);
  CheckLate(later);
  std::this_thread::sleep_for(milliseconds(1'200));
  CHECK(waiting.Ask("GET", "/v1/kv/b").body == "3");
  CHECK(waiting.Ask("GET", "/v1/kv/a").status == 404);
}

TEST_CASE("a client that sends a byte now and then cannot hold its connection") {
  TestServer server({.request_time_max = kTimeMax});
  for (const std::string& begin :
       {std::string(kHead) + "X: ", std::string(kHead) + "Content-Length: 1000\r\n\r\n",
        std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"}) {
    CAPTURE(begin);
    HttpClient client(server.port());
    client.Send(begin);
    const auto start = std::chrono::steady_clock::now();
    std::thread sender([&] {
      for (int i = 0; i < 60; ++i) {
        client.Send("x");
        std::this_thread::sleep_for(milliseconds(50));
      }
    });
    const std::string answer = client.client().ReadToEnd();
    const auto took = std::chrono::steady_clock::now() - start;
    sender.join();
    CHECK(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    CHECK(took < std::chrono::seconds(2));
  }
}

TEST_CASE("a large body may take its time") {
  // 384 KiB in three seconds, which is ten times the time for half a request.
  TestServer server({.request_time_max = kTimeMax});
  const std::string piece(size_t{32} << 10, 'x');
  constexpr int kPieces = 12;
  for (const bool is_chunked : {false, true}) {
    HttpClient client(server.port());
    client.Send(std::string(kHead) +
                (is_chunked
                     ? "Transfer-Encoding: chunked\r\n\r\n"
                     : "Content-Length: " + std::to_string(kPieces * piece.size()) + "\r\n\r\n"));
    for (int i = 0; i < kPieces; ++i) {
      client.Send(is_chunked ? "8000\r\n" + piece + "\r\n" : piece);
      std::this_thread::sleep_for(milliseconds(250));
    }
    if (is_chunked) client.Send("0\r\n\r\n");
    CHECK(client.Receive().status == 204);
    CHECK(client.Ask("GET", "/v1/kv/a").body.size() == kPieces * piece.size());
  }
}

}  // namespace kvserver
