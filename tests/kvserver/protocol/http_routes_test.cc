// What the routes of HTTP answer, on a running server.
#include "protocol/http_routes.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <thread>

#include "kvserver/support/http_client.h"

namespace kvserver {
namespace {

namespace json = boost::json;

json::value Result(const HttpAnswer& answer) {
  CAPTURE(answer.body);
  REQUIRE(answer.status == 200);
  const json::value body = json::parse(answer.body);
  CHECK(body.at("status") == "ok");
  return body.at("result");
}

std::string CodeOf(const HttpAnswer& answer) {
  const json::value body = json::parse(answer.body);
  CHECK(body.at("status") == "error");
  CHECK(!body.at("message").as_string().empty());
  return std::string(body.at("code").as_string());
}

}  // namespace

TEST_CASE("values are raw bytes under any key") {
  TestServer server;
  HttpClient http(server.port());
  const std::string bytes("\0\xff\r\n<script>", 12);
  CHECK(http.Ask("PUT", "/v1/kv/a", bytes).status == 204);
  const HttpAnswer got = http.Ask("GET", "/v1/kv/a");
  CHECK(got.status == 200);
  CHECK(got.body == bytes);
  CHECK(got.fields.at("content-type") == "application/octet-stream");
  CHECK(got.fields.at("x-content-type-options") == "nosniff");
  CHECK(got.fields.at("content-security-policy").starts_with("default-src 'self'"));
  CHECK(got.fields.count("access-control-allow-origin") == 0);

  const HttpAnswer head = http.Ask("HEAD", "/v1/kv/a");
  CHECK(head.status == 200);
  CHECK(head.fields.at("content-length") == "12");
  CHECK(head.fields.at("etag") == got.fields.at("etag"));

  CHECK(http.Ask("PUT", "/v1/kv/users/1%20x", "v").status == 204);
  TestClient redis(server.port());
  CHECK(redis.Ask({"GET", "users/1 x"}) == "$1\r\nv\r\n");
  CHECK(http.Ask("PUT", "/v1/kv/_wD-?enc=b64", "binary").status == 204);
  CHECK(redis.Ask({"GET", std::string("\xff\x00\xfe", 3)}) == "$6\r\nbinary\r\n");
  CHECK(http.Ask("PUT", "/v1/kv/empty", "").status == 204);
  CHECK(http.Ask("GET", "/v1/kv/empty").body.empty());

  CHECK(http.Ask("DELETE", "/v1/kv/a").status == 204);
  CHECK(CodeOf(http.Ask("DELETE", "/v1/kv/a")) == "NOTFOUND");
  const HttpAnswer missing = http.Ask("GET", "/v1/kv/a");
  CHECK(missing.status == 404);
  CHECK(CodeOf(missing) == "NOTFOUND");
  CHECK(http.Ask("HEAD", "/v1/kv/a").status == 404);
  CHECK(http.Ask("GET", "/v1/kv/empty").status == 200);  // the connection is sane
}

TEST_CASE("an ETag is the version of a value: conditional reads and writes keep to it") {
  TestServer server;
  HttpClient http(server.port());
  const std::string first = http.Ask("PUT", "/v1/kv/a", "1").fields.at("etag");
  CHECK(http.Ask("GET", "/v1/kv/a").fields.at("etag") == first);
  const auto ask = [&](const char* method, const char* field, const std::string& tag) {
    return http.Ask(method, "/v1/kv/a", "2", std::string(field) + ": " + tag + "\r\n");
  };
  CHECK(ask("GET", "If-None-Match", first).status == 304);
  CHECK(ask("GET", "If-None-Match", "W/" + first).status == 304);
  CHECK(ask("GET", "If-None-Match", "\"x\"").body == "1");
  CHECK(ask("GET", "If-Match", "\"x\"").status == 412);
  CHECK(ask("GET", "If-Match", first).body == "1");

  CHECK(ask("PUT", "If-None-Match", "*").status == 412);
  CHECK(ask("PUT", "If-Match", "\"0000000000000000\"").status == 412);
  CHECK(ask("PUT", "If-Match", "W/" + first).status == 412);
  CHECK(ask("PUT", "If-Match", "nonsense").status == 400);
  CHECK(http.Ask("GET", "/v1/kv/a").body == "1");
  const HttpAnswer swapped = ask("PUT", "If-Match", first);
  CHECK(swapped.status == 204);
  CHECK(swapped.fields.at("etag") != first);
  CHECK(ask("PUT", "If-Match", first).status == 412);
  CHECK(CodeOf(ask("DELETE", "If-Match", first)) == "VERSIONMISMATCH");
  CHECK(ask("DELETE", "If-Match", swapped.fields.at("etag")).status == 204);
  CHECK(ask("PUT", "If-Match", "*").status == 412);
  CHECK(ask("PUT", "If-None-Match", "*").status == 204);
  CHECK(ask("PUT", "If-Match", "*").status == 204);
}

TEST_CASE("a read may say what makes one value of siblings") {
  // A node that runs alone has none: any rule shows the value, and its name is checked.
  TestServer server;
  HttpClient http(server.port());
  CHECK(http.Ask("PUT", "/v1/kv/a", "7").status == 204);
  const HttpAnswer merged = http.Ask("GET", "/v1/kv/a?conflict=json_merge");
  CHECK(merged.body == "7");
  CHECK(merged.fields.contains("etag"));
  const HttpAnswer all = http.Ask("GET", "/v1/kv/a?conflict=siblings");
  CHECK(all.status == 200);
  CHECK(all.body.find("{\"status\":\"ok\",\"result\":{\"version\":\"") == 0);
  CHECK(all.body.find("\"value\":7") != std::string::npos);
  const HttpAnswer wrong = http.Ask("GET", "/v1/kv/a?conflict=newest");
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("conflict must be one of json_merge, lww, max, min, set_union, siblings") !=
        std::string::npos);
  TestClient json(server.port());
  json.Send("{\"command\":\"kv.getx\",\"key\":\"a\",\"conflict\":\"max\"}\n");
  CHECK(json.ReadLine().find("\"value\":7") != std::string::npos);
  CHECK(TestClient(server.port())
            .Ask({"KV.SPACE", "DEFINE", "a:", "CONFLICT", "max"})
            .find("conflict is of clusters") != std::string::npos);
}

TEST_CASE("of many writers with the same ETag one wins") {
  constexpr int kWriters = 4, kRounds = 25;
  TestServer server;
  HttpClient(server.port()).Ask("PUT", "/v1/kv/n", "0");
  // Every writer adds 1 so often, each time by compare-and-set.
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&server] {
      HttpClient http(server.port());
      for (int done = 0; done < kRounds;) {
        const HttpAnswer old = http.Ask("GET", "/v1/kv/n");
        const std::string next = std::to_string(std::atoi(old.body.c_str()) + 1);
        const HttpAnswer put = http.Ask("PUT", "/v1/kv/n?durability=buffered", next,
                                        "If-Match: " + old.fields.at("etag") + "\r\n");
        done += put.status == 204 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(HttpClient(server.port()).Ask("GET", "/v1/kv/n").body == "100");
}

TEST_CASE("values expire, and say when") {
  TestServer server;
  HttpClient http(server.port());
  CHECK(http.Ask("PUT", "/v1/kv/a?ttl=60", "v").status == 204);
  const HttpAnswer got = http.Ask("GET", "/v1/kv/a");
  CHECK(got.fields.at("x-expires-at").size() == 13);
  TestClient redis(server.port());
  CHECK(http.Ask("PUT", "/v1/kv/b?ttl=1ms", "v").status == 204);
  int status = 200;
  for (int i = 0; i < 1'000 && status == 200; ++i) status = http.Ask("GET", "/v1/kv/b").status;
  CHECK(status == 404);
  for (const char* ttl : {"", "0", "-1", "x", "1.5", "99999999999999999999", "ms"}) {
    CAPTURE(ttl);
    CHECK(http.Ask("PUT", std::string("/v1/kv/a?ttl=") + ttl, "v").status == 400);
  }
}

TEST_CASE("bulk sets all or nothing, from an object, an array or lines") {
  TestServer server;
  HttpClient http(server.port());
  if (const Command* bulk = CommandOf(*FindRoute("POST", "/v1/bulk").route); bulk == nullptr) {
    CHECK(http.PostJson("/v1/bulk", "{}").status == 501);
    return;
  }
  CHECK(http.PostJson("/v1/bulk", R"({"a": "one", "b": {"n": 2}})").status == 200);
  CHECK(http.Ask("GET", "/v1/kv/b").body == R"({"n":2})");
  CHECK(http.PostJson("/v1/bulk", R"([{"key": "c", "value": "three"}, ["d", 4]])").status == 200);
  CHECK(http.Ask("POST", "/v1/bulk", "{\"key\":\"e\",\"value\":5}\r\n\n[\"f\",6]\n",
                 "Content-Type: application/x-ndjson\r\n")
            .status == 200);
  CHECK(http.Ask("GET", "/v1/kv/f").body == "6");
  CHECK(http.PostJson("/v1/bulk", R"([{"key": "g", "value": "7"}, {"key": "", "value": "8"}])")
            .status == 400);
  CHECK(http.PostJson("/v1/bulk", R"([{"key": "g", "value": "7"}, {"no": 1}])").status == 400);
  CHECK(http.Ask("GET", "/v1/kv/g").status == 404);
  CHECK(http.PostJson("/v1/bulk", "").status == 400);
  CHECK(http.PostJson("/v1/bulk", "7").status == 400);
}

TEST_CASE("keys are listed in order, page by page") {
  TestServer server;
  HttpClient http(server.port());
  for (int i = 0; i < 25; ++i) {
    http.Ask("PUT", "/v1/kv/k" + std::to_string(100 + i) + "?durability=buffered", "v");
  }
  http.Ask("PUT", "/v1/kv/other", "v");
  std::vector<std::string> keys;
  std::string cursor;
  int pages = 0;
  do {
    const json::value page = Result(http.Ask(
        "GET", "/v1/keys?prefix=k&limit=10" + (cursor.empty() ? "" : "&cursor=" + cursor)));
    for (const json::value& key : page.at("keys").as_array()) {
      keys.emplace_back(key.as_string());
    }
    cursor = page.at("cursor").is_null() ? "" : std::string(page.at("cursor").as_string());
    ++pages;
  } while (!cursor.empty());
  CHECK(pages == 3);
  REQUIRE(keys.size() == 25);
  CHECK(keys.front() == "k100");
  CHECK(keys.back() == "k124");
  CHECK(http.Ask("GET", "/v1/keys?limit=0").status == 400);
  CHECK(http.Ask("GET", "/v1/keys?cursor=x").status == 400);
  CHECK(http.Ask("GET", "/v1/keys?unknown=x").status == 400);
}

TEST_CASE("any command of the table can be posted, but for those about a connection") {
  TestServer server;
  HttpClient http(server.port());
  CHECK(Result(http.PostJson("/v1/command", R"({"command":"set","key":"a","value":1})")) == "OK");
  CHECK(Result(http.PostJson("/v1/command", R"({"command":"INCR","key":"a"})")) == 2);
  CHECK(http.PostJson("/v1/command", R"({"command":"nonsense"})").status == 404);
  CHECK(http.PostJson("/v1/command", R"({"command":"get"})").status == 400);
  CHECK(http.PostJson("/v1/command", R"({"command":"get","key":"a","x":1})").status == 400);
  CHECK(http.PostJson("/v1/command", R"({"command":"multi"})").status == 400);
  CHECK(http.PostJson("/v1/command", R"({"command":7})").status == 400);
  CHECK(http.PostJson("/v1/command", "[]").status == 400);
  CHECK(http.PostJson("/v1/command", "{").status == 400);
  CHECK(http.PostJson("/v1/command", "").status == 400);
}

TEST_CASE("pages of other servers can neither write nor be served under their own name") {
  TestServer server(SettingsValues{.allowed_hosts = {"db.example"}});
  HttpClient http(server.port());
  const auto with_host = [&](const std::string& host) {
    http.Send("GET /livez HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return http.Receive().status;
  };
  CHECK(with_host("127.0.0.1") == 200);
  CHECK(with_host("db.example:1") == 200);
  CHECK(with_host("evil.example") == 421);
  const auto put = [&](const std::string& origin) {
    return http.Ask("PUT", "/v1/kv/a", "1", "Origin: " + origin + "\r\n").status;
  };
  CHECK(put("http://127.0.0.1") == 204);
  CHECK(put("http://evil.example") == 403);
  CHECK(put("null") == 403);
  // What a form can send.
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}) {
    const std::string field = std::string("Content-Type: ") + type + "\r\n";
    CHECK(http.Ask("POST", "/v1/command", R"({"command":"ping"})", field).status == 415);
    CHECK(http.Ask("POST", "/v1/bulk", R"({"a":1})", field).status != 200);
  }
  CHECK(http.Ask("POST", "/v1/admin/verify").status == 415);
  CHECK(http.Ask("OPTIONS", "/v1/kv/a").status == 405);
}

TEST_CASE("unknown paths, wrong methods and wrong queries are told apart") {
  TestServer server;
  HttpClient http(server.port());
  CHECK(http.Ask("GET", "/nothing").status == 404);
  CHECK(http.Ask("GET", "/v1/kv/").status == 404);
  const HttpAnswer wrong = http.Ask("DELETE", "/v1/keys");
  CHECK(wrong.status == 405);
  CHECK(wrong.fields.at("allow") == "GET, HEAD");
  CHECK(http.Ask("PATCH", "/v1/kv/a").fields.at("allow") == "GET, HEAD, PUT, DELETE");
  CHECK(http.Ask("GET", "/v1/keys?a=%").status == 400);
  CHECK(http.Ask("GET", "/v1/kv/%zz").status == 400);
  CHECK(http.Ask("GET", "/v1/kv/abc?enc=hex").status == 400);
  CHECK(http.Ask("GET", "/v1/kv/a!?enc=b64").status == 400);
  CHECK(http.Ask("PUT", "/v1/kv/a?durability=maybe", "1").status == 400);
  http.Send("PUT /v1/kv/a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  CHECK(http.Receive().status == 411);
}

TEST_CASE("a pipeline is answered in order, and a connection stays or ends as was asked") {
  TestServer server;
  HttpClient http(server.port());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    const std::string value = std::to_string(i);
    requests += "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(value.size()) + "\r\n\r\n" + value +
                "GET /v1/kv/a HTTP/1.1\r\nHost: localhost\r\n\r\n"
                "GET /v1/keys HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }
  http.Send(requests);
  for (int i = 0; i < 50; ++i) {
    CHECK(http.Receive().status == 204);
    CHECK(http.Receive().body == std::to_string(i));
    CHECK(Result(http.Receive()).at("keys").as_array().size() == 1);
  }
  http.Send(
      "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
      "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(http.Receive().fields.at("connection") == "close");
  CHECK(http.client().IsClosed());

  HttpClient old(server.port());
  old.Send("GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /livez HTTP/1.0\r\n\r\n");
  CHECK(old.Receive().fields.at("connection") == "keep-alive");
  CHECK(old.Receive().fields.at("connection") == "close");
  CHECK(old.client().IsClosed());
}

TEST_CASE("a request that makes no sense is answered, and the connection is closed") {
  TestServer server;
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n"}) {
    CAPTURE(request);
    HttpClient http(server.port());
    http.Send(request);
    const HttpAnswer answer = http.Receive();
    CHECK(answer.status == 400);
    CHECK(answer.fields.at("connection") == "close");
    CHECK(http.client().IsClosed());
  }
  // Once HTTP, always HTTP: a body or what follows it is no command of another protocol.
  HttpClient http(server.port());
  http.Send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n*1\r\n$4\r\nPING\r\n\r\n\r\n");
  CHECK(http.Receive().status == 200);
  CHECK(http.Receive().status == 400);
}

TEST_CASE("a body follows 100 (Continue)") {
  TestServer server;
  HttpClient http(server.port());
  http.Send(
      "PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  CHECK(http.client().ReadLine() == "HTTP/1.1 100 Continue\r\n");
  CHECK(http.client().ReadLine() == "\r\n");
  http.Send("ab");
  CHECK(http.Receive().status == 204);
  CHECK(http.Ask("GET", "/v1/kv/a").body == "ab");
}

TEST_CASE("metrics follow the text format to the letter, whatever a space is called") {
  // Goal: what promtool accepts. Method: every line is parsed by the grammar of version 0.0.4; a
  // family has one HELP, one TYPE and then its samples, each series once; buckets only grow, the
  // last is the count; counters end with _total.
  TestServer server({}, {.spaces = {{.prefix = "q\"\\\n\xff:", .text = true}}});
  HttpClient http(server.port());
  http.Ask("PUT", "/v1/kv/a", "1");
  http.Ask("GET", "/v1/kv/a");
  const HttpAnswer answer = http.Ask("GET", "/metrics");
  CHECK(answer.fields.at("content-type").starts_with("text/plain; version=0.0.4"));
  const std::regex help("# HELP ([a-z_]+) [^\\\\]+");
  const std::regex type("# TYPE ([a-z_]+) (counter|gauge|histogram)");
  const std::regex sample(
      "([a-z_]+)(\\{([a-z_]+=\"([^\"\\\\]|\\\\[\"\\\\n])*\",?)+\\})? "
      "([0-9.]+(e[-+]?[0-9]+)?)");
  std::set<std::string> families, series;
  std::string family, kind;
  double last_bucket = 0;
  size_t begin = 0;
  while (begin < answer.body.size()) {
    const size_t end = answer.body.find('\n', begin);
    REQUIRE(end != std::string::npos);
    const std::string line = answer.body.substr(begin, end - begin);
    begin = end + 1;
    CAPTURE(line);
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      family = match[1];
      kind.clear();
      CHECK(families.insert(family).second);
    } else if (std::regex_match(line, match, type)) {
      CHECK(match[1] == family);
      kind = match[2];
      CHECK((kind == "counter") == family.ends_with("_total"));
    } else {
      REQUIRE(std::regex_match(line, match, sample));
      REQUIRE(!kind.empty());
      const std::string name = match[1];
      CHECK(series.insert(name + match[2].str()).second);
      const double value = std::stod(match[5]);
      if (kind != "histogram") {
        CHECK(name == family);
      } else if (name == family + "_bucket") {
        if (line.find("le=\"1e-05\"") == std::string::npos) CHECK(value >= last_bucket);
        last_bucket = value;
      } else if (name == family + "_count") {
        CHECK(value == last_bucket);
      } else {
        CHECK(name == family + "_sum");
      }
    }
  }
  CHECK(series.size() > 20);
  CHECK(series.count("kv_space_documents{prefix=\"q\\\"\\\\\\\\x0a\\\\xff:\"}") == 1);
  CHECK(answer.body.find("kv_command_seconds_count{command=\"kv.setx\"} 1\n") != std::string::npos);
}

TEST_CASE("every operation of /openapi.json is there, and no other route answers as if it were") {
  // Method: the document is walked; each operation is called with what its parameters ask for, and
  // must not answer that the path, the method or the command is unknown.
  TestServer server;
  HttpClient http(server.port());
  const json::value document = json::parse(http.Ask("GET", "/openapi.json").body);
  CHECK(document.at("openapi") == "3.1.0");
  size_t operations = 0;
  for (const auto& [path, methods] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : methods.as_object()) {
      ++operations;
      std::string target(path), upper(method);
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      CAPTURE(target);
      CAPTURE(upper);
      CHECK(!operation.at("summary").as_string().empty());
      CHECK(!operation.at("operationId").as_string().empty());
      if (const size_t key = target.find("{key}"); key != std::string::npos) {
        target.replace(key, 5, "some%20key");
      }
      const HttpAnswer answer = upper == "POST"
                                    ? http.PostJson(target, R"({"command":"ping"})")
                                    : http.Ask(upper, target, upper == "PUT" ? "value" : "");
      CHECK(answer.status != 405);
      CHECK(answer.status != 501);
      if (target.find("/v1/kv/") == std::string::npos) CHECK(answer.status != 404);
      // Every status is one that the document names, or 400 for the body of this walk.
      const bool is_listed =
          operation.at("responses").as_object().contains(std::to_string(answer.status));
      CHECK((is_listed || answer.status == 409));
      CHECK(http.Ask("PATCH", target).status == 405);
    }
  }
  CHECK(operations >= 14);
  for (const json::value& command : document.at("x-commands").as_array()) {
    CHECK(command.at("schema").at("type") == "object");
  }
}

TEST_CASE("pages come packed or plain, and only when they changed") {
  TestServer server;
  HttpClient http(server.port());
  for (const char* path : {"/", "/docs", "/docs.js", "/search.js", "/style.css"}) {
    CAPTURE(path);
    const HttpAnswer plain = http.Ask("GET", path);
    CHECK(plain.status == 200);
    CHECK(plain.body.size() > 100);
    const HttpAnswer packed = http.Ask("GET", path, "", "Accept-Encoding: gzip, br\r\n");
    CHECK(packed.fields.at("content-encoding") == "gzip");
    CHECK(packed.body.starts_with("\x1f\x8b"));
    CHECK(packed.body.size() < plain.body.size());
    CHECK(packed.fields.at("etag") != plain.fields.at("etag"));
    CHECK(http.Ask("GET", path, "", "If-None-Match: " + plain.fields.at("etag") + "\r\n").status ==
          304);
    CHECK(http.Ask("HEAD", path).fields.at("content-length") == std::to_string(plain.body.size()));
    // Nothing is loaded from elsewhere.
    CHECK(plain.body.find("https://") == std::string::npos);
    CHECK(plain.body.find("innerHTML") == std::string::npos);
  }
}

}  // namespace kvserver
