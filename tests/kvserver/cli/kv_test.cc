// The program kv, run as a user runs it: against a server, and on a directory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "kvclient/client.h"
#include "kvserver/support/fake_server.h"
#include "kvserver/support/run_program.h"
#include "kvserver/support/test_server.h"
#include "libkv/store.h"
#include "support/temp_dir.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

Ran Kv(Words where, const Words& words, const std::string& input = "") {
  where.insert(where.begin(), KV_BINARY);
  where.insert(where.end(), words.begin(), words.end());
  return RunProgram(where, input);
}

std::string AddressOf(const TestServer& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

// A server with fewer commands is told from one with wrong ones.
bool Has(const TestServer& server, const Words& commands) {
  auto client = kvclient::Client::Connect({.addresses = {AddressOf(server)}});
  REQUIRE(client.ok());
  for (const std::string& command : commands) {
    if (!absl::IsUnimplemented(client->Command({command}).status())) continue;
    MESSAGE("left out: this server has no " << command);
    return false;
  }
  return true;
}

// The same on a directory and, if it has the commands, on a server.
void OnBoth(const Words& commands, const std::function<void(const Words& where)>& test) {
  {
    INFO("on a directory");
    const libkv::TempDir dir;
    test({"--dir", dir.path("store")});
  }
  INFO("on a server");
  const TestServer server;
  if (Has(server, commands)) test({"--server", AddressOf(server)});
}

// A store with words and vectors.
void MakeLibrary(const std::string& directory) {
  libkv::Space space{.prefix = "book:", .text = true};
  space.embedder = libkv::MakeHashEmbedder();
  const auto store = libkv::Store::Open({.spaces = {space}}, directory);
  REQUIRE_MESSAGE(store.ok(), std::string(store.status().message()));
  REQUIRE((*store)->Set({}, "book:1", "The sailor and the deep sea").ok());
  REQUIRE((*store)->Set({}, "book:2", "A history of bread").ok());
}

const std::string kBinary("\0\xff\r\n\t", 5);

}  // namespace

TEST_CASE("kv sets, gets and deletes, byte for byte") {
  OnBoth({"set", "get", "del"}, [](const Words& where) {
    CHECK(Kv(where, {"set", "a", "hello"}).out == "OK\n");
    CHECK(Kv(where, {"get", "a"}).out == "hello");
    CHECK(Kv(where, {"set", "bin", "-"}, kBinary).code == 0);
    CHECK(Kv(where, {"get", "bin"}).out == kBinary);
    CHECK(Kv(where, {"get", "-"}, "a").out == "hello");
    CHECK(Kv(where, {"set", "-", "-"}, "x").code == 2);
    CHECK(Kv(where, {"set", "[a]", "[1,2]"}).code == 0);
    CHECK(Kv(where, {"get", "[a]"}).out == "[1,2]");
    CHECK(Kv(where, {"set", "--", "-n", "--x"}).code == 0);
    CHECK(Kv(where, {"get", "--", "-n"}).out == "--x");

    const Ran miss = Kv(where, {"get", "none"});
    CHECK(miss.code == 1);
    CHECK(miss.out.empty());
    CHECK(miss.err == "kv: no such key\n");
    CHECK(Kv(where, {"del", "[a]", "none"}).out == "1\n");
    CHECK(Kv(where, {"del", "[a]"}).code == 1);
    CHECK(Kv(where, {"get", "a"}).out == "hello");
    CHECK(Kv(where, {"set", "", "x"}).code == 4);
  });
}

TEST_CASE("kv prints JSON and tables, errors too") {
  OnBoth({"set", "get"}, [](const Words& where) {
    Kv(where, {"set", "a", "x\ty"});
    Kv(where, {"set", "bin", "-"}, kBinary);
    CHECK(Kv(where, {"get", "a", "-o", "json"}).out == "{\"key\":\"a\",\"value\":\"x\\u0009y\"}\n");
    CHECK(Kv(where, {"-o", "json", "get", "bin"}).out ==
          "{\"key\":\"bin\",\"value_b64\":\"AP8NCgk=\"}\n");
    CHECK(Kv(where, {"get", "bin", "-o", "table"}).out == "\\x00\\xff\\x0d\\n\\t\n");
    const Ran miss = Kv(where, {"get", "none", "-o", "json"});
    CHECK(miss.code == 1);
    CHECK(miss.err == "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"no such key\"}}\n");
  });
  const Ran usage = Kv({}, {"-o", "json", "get"});
  CHECK(usage.code == 2);
  CHECK(Json::parse(usage.err)["error"]["code"] == "INVALID_ARGUMENT");
}

TEST_CASE("the exit code says what kind of failure it was") {
  const libkv::TempDir dir;
  CHECK(Kv({}, {"--help"}).code == 0);
  for (const Words& words : {Words{},
                             {"nonsense"},
                             {"get"},
                             {"set", "a"},
                             {"get", "a", "b"},
                             {"get", "a", "-o", "xml"},
                             {"search", "x", "-n", "-1"},
                             {"similar"},
                             {"similar", "a", "--key", "b"},
                             {"bench", "-c", "0"},
                             {"get", "a", "--server", "host:port"},
                             {"get", "a", "--read-level", "most"},
                             {"get", "a", "--dir", dir.path("none"), "--read-level", "one"}}) {
    CAPTURE(words);
    CHECK(Kv({}, words).code == 2);
  }
  CHECK(Kv({"--dir", dir.path("none")}, {"shell"}).code == 3);
  CHECK(Kv({"--dir", dir.path("none"), "--space", "a:nonsense"}, {"shell"}).code == 2);
  CHECK(Kv({"-s", DeadAddress()}, {"get", "a"}).code == 3);
  CHECK(Kv({"--dir", dir.path("none")}, {"get", "a"}).code == 3);
  CHECK(Kv({"--dir", dir.path("none")}, {"del", "a"}).code == 3);
  FakeServer silent({FakeServer::kSilence});
  CHECK(Kv({"-s", silent.address(), "--timeout", "0.1"}, {"get", "a"}).code == 3);
  FakeServer wrong({"what?\r\n"});
  CHECK(Kv({"-s", wrong.address()}, {"get", "a"}).code == 3);

  const auto store = libkv::Store::Open({}, dir.path("held"));
  REQUIRE(store.ok());
  CHECK(Kv({"--dir", dir.path("held")}, {"set", "a", "1"}).code == 3);
}

TEST_CASE("several servers are tried in their order") {
  const TestServer server;
  const std::string list = DeadAddress() + "," + AddressOf(server);
  CHECK(Kv({"--server", list}, {"set", "a", "1"}).code == 0);
  CHECK(Kv({"--server", list, "--write-level", "all", "--read-level", "one"}, {"get", "a"}).code ==
        0);
  setenv("KV_SERVER", list.c_str(), 1);
  CHECK(Kv({}, {"get", "a"}).out == "1");
  unsetenv("KV_SERVER");
}

TEST_CASE("scan lists keys with a prefix, whatever characters it has") {
  OnBoth({"set", "scan"}, [](const Words& where) {
    for (const char* key : {"a*1", "a*2", "ab", "b", "c[x]"}) Kv(where, {"set", key, key});
    const auto sorted_lines = [&](const Words& words) {
      const std::string out = Kv(where, words).out;
      Words lines;
      for (size_t begin = 0; begin < out.size();) {
        const size_t end = out.find('\n', begin);
        lines.push_back(out.substr(begin, end - begin));
        begin = end + 1;
      }
      std::sort(lines.begin(), lines.end());
      return lines;
    };
    CHECK(sorted_lines({"scan"}) == Words{"a*1", "a*2", "ab", "b", "c[x]"});
    CHECK(sorted_lines({"scan", "--prefix", "a*"}) == Words{"a*1", "a*2"});
    CHECK(sorted_lines({"scan", "c[", "--values"}) == Words{"c[x]\tc[x]"});
    CHECK(sorted_lines({"scan", "--limit", "2"}).size() == 2);
    CHECK(sorted_lines({"scan", "b", "-o", "json", "--values"}) ==
          Words{R"({"key":"b","value":"b"})"});
  });
}

TEST_CASE("load stores what is before a bad line, names it, and may go on") {
  OnBoth({"mset", "get"}, [](const Words& where) {
    const libkv::TempDir dir;
    WriteFile(dir.path("a.ndjson"),
              "{\"key\":\"a\",\"value\":\"1\"}\nwrong\n{\"key\":\"b\",\"value\":\"2\"}\n");
    const Ran ran = Kv(where, {"load", dir.path("a.ndjson")});
    CHECK(ran.code == 5);
    CHECK(ran.err.find("a.ndjson:2: not a JSON object (1 records before it") != std::string::npos);
    CHECK(Kv(where, {"get", "a"}).out == "1");
    CHECK(Kv(where, {"get", "b"}).code == 1);

    const Ran skipped = Kv(where, {"load", dir.path("a.ndjson"), "--skip-errors", "-o", "json"});
    CHECK(skipped.code == 0);
    CHECK(Json::parse(skipped.out)["loaded"] == 2);
    CHECK(Json::parse(skipped.out)["skipped"] == 1);
    CHECK(Kv(where, {"get", "b"}).out == "2");

    CHECK(Kv(where, {"load", "--format", "csv", "--key", "id"}, "id,n\nx,5\n").code == 0);
    CHECK(Kv(where, {"get", "x"}).out == R"({"id":"x","n":5})");
    CHECK(Kv(where, {"load", dir.path("none")}).code == 5);
    CHECK(Kv(where, {"load", dir.path("")}).code == 5);
    WriteFile(dir.path("b.csv"), "a,b\n");
    CHECK(Kv(where, {"load", dir.path("b.csv")}).code == 5);
  });
}

TEST_CASE("what is exported is imported again: keys, values, expiry times, bytes") {
  OnBoth({"mset", "scan", "pexpiretime", "get", "del"}, [](const Words& where) {
    const libkv::TempDir dir;
    std::string records =
        "{\"key_b64\":\"AP8NCgk=\",\"value_b64\":\"/wA=\"}\n"
        "{\"key\":\"t\",\"value\":\"x\",\"expires_at\":4102444800000}\n";
    for (int i = 0; i < 2'500; ++i) {
      records += "{\"key\":\"k" + std::to_string(i) + "\",\"value\":" + std::to_string(i) + "}\n";
    }
    CHECK(Kv(where, {"import", "-"}, records).code == 0);
    const std::string first = dir.path("first.ndjson");
    CHECK(Kv(where, {"export", first}).code == 0);
    CHECK(Kv(where, {"export", first}).code == 5);  // it is there
    const Words other = {"--dir", dir.path("other")};
    CHECK(Kv(other, {"import", first}).code == 0);
    const auto sorted_lines = [](std::string text) {
      Words lines;
      for (size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
        lines.push_back(text.substr(0, end));
      }
      std::sort(lines.begin(), lines.end());
      return lines;
    };
    const Words lines = sorted_lines(ReadFile(first));
    CHECK(lines.size() == 2'502);
    CHECK(lines == sorted_lines(Kv(other, {"export"}).out));
    CHECK(std::binary_search(lines.begin(), lines.end(),
                             R"({"key":"t","value":"x","expires_at":4102444800000})"));
    CHECK(std::binary_search(lines.begin(), lines.end(),
                             R"({"key_b64":"AP8NCgk=","value_b64":"/wA="})"));
  });
}

TEST_CASE("a store is searched by words and by likeness in its directory") {
  const libkv::TempDir dir;
  MakeLibrary(dir.path("store"));
  const Words where = {"--dir", dir.path("store")};
  CHECK(Kv(where, {"search", "sea"}).out.starts_with("book:1\t"));
  const Ran json = Kv(where, {"search", "sea", "-o", "json"});
  REQUIRE(json.code == 0);
  const Json reply = Json::parse(json.out);
  CHECK(reply["total"] == 1);
  CHECK(reply["hits"][0]["key"] == "book:1");
  CHECK(reply["hits"][0]["excerpts"][0]["highlights"].size() == 1);
  const Ran table = Kv(where, {"search", "sea", "-o", "table"});
  CHECK(table.out.find("The sailor and the deep sea") != std::string::npos);
  CHECK(table.out.find("1 of 1\n") != std::string::npos);
  CHECK(Kv(where, {"search", "nothingness"}).code == 1);
  CHECK(Kv(where, {"similar", "--key", "book:1"}).out.starts_with("book:2\t"));
  CHECK(Kv(where, {"search", "sea", "--prefix", "no:"}).code == 4);
}

TEST_CASE("a server is searched as a directory is") {
  libkv::Space space{.text = true};
  space.embedder = libkv::MakeHashEmbedder();
  const TestServer server({}, {.spaces = {space}});
  if (!Has(server, {"kv.search", "kv.similar", "kv.hybrid"})) return;
  const Words where = {"--server", AddressOf(server)};
  Kv(where, {"set", "1", "The sailor and the deep sea"});
  Kv(where, {"set", "2", "A history of bread"});
  CHECK(Kv(where, {"search", "sea"}).out.starts_with("1\t"));
  CHECK(Kv(where, {"search", "sea", "-o", "table"}).out.find("the deep sea") != std::string::npos);
  CHECK(Kv(where, {"similar", "deep sea"}).out.starts_with("1\t"));
  CHECK(Kv(where, {"similar", "--key", "1"}).out.starts_with("2\t"));
  CHECK(Kv(where, {"hybrid", "sea"}).out.starts_with("1\t"));
  CHECK(Kv(where, {"search", "nothingness"}).code == 1);
  // Only RESP3 has maps.
  if (!Has(server, {"hello"})) return;
  CHECK(Json::parse(Kv(where, {"search", "sea", "-o", "json"}).out)["total"] == 1);
}

TEST_CASE("a directory is opened with its spaces, and new words are found") {
  const libkv::TempDir dir;
  const Words where = {"--dir", dir.path("store"), "--space", "doc::text,embedder=hash"};
  CHECK(Kv(where, {"set", "doc:1", "deep sea"}).code == 0);
  CHECK(Kv(where, {"set", "doc:2", "fresh bread"}).code == 0);
  CHECK(Kv(where, {"search", "bread"}).out.starts_with("doc:2\t"));
  CHECK(Kv(where, {"similar", "the sea", "-n", "1"}).out.starts_with("doc:1\t"));
  CHECK(Kv(where, {"hybrid", "sea"}).out.starts_with("doc:1\t"));
  CHECK(Kv({"--dir", dir.path("store"), "--space", "doc::nonsense"}, {"get", "a"}).code == 2);
}

TEST_CASE("a directory is verified, copied and counted") {
  const libkv::TempDir dir;
  MakeLibrary(dir.path("store"));
  const Words where = {"--dir", dir.path("store")};
  const Ran verified = Kv(where, {"verify", "-o", "json"});
  CHECK(verified.code == 0);
  CHECK(Json::parse(verified.out)["problem_count"] == 0);
  CHECK(Json::parse(verified.out)["keys"] == 2);
  CHECK(Kv(where, {"stats", "-o", "json"}).out.find("\"keys_estimate\":2") != std::string::npos);
  CHECK(Kv(where, {"backup", dir.path("copy")}).code == 0);
  CHECK(Kv(where, {"backup", dir.path("copy")}).code == 4);
  CHECK(Kv({"--dir", dir.path("copy")}, {"get", "book:2"}).out == "A history of bread");
}

TEST_CASE("a server is verified, copied and counted") {
  const TestServer server;
  const Words where = {"--server", AddressOf(server)};
  Kv(where, {"set", "a", "1"});
  if (Has(server, {"kv.stats"}) || Has(server, {"info"})) {
    const Ran stats = Kv(where, {"stats", "-o", "json"});
    CHECK(stats.code == 0);
    CHECK(stats.out.size() > 100);
  }
  if (Has(server, {"kv.verify"})) CHECK(Kv(where, {"verify"}).code == 0);
  if (Has(server, {"kv.backup"})) {
    CHECK(Kv(where, {"backup", "one"}).code == 0);
    CHECK(Kv(where, {"backup", "../../escape"}).code == 4);
  }
}

TEST_CASE("bench measures, and leaves nothing behind") {
  OnBoth({"set", "get", "scan", "del"}, [](const Words& where) {
    Kv(where, {"set", "mine", "1"});
    const Ran ran = Kv(
        where, {"bench", "--seconds", "1", "-c", "2", "-P", "4", "--keys", "3000", "-o", "json"});
    REQUIRE(ran.code == 0);
    const Json rows = Json::parse(ran.out);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0]["operation"] == "set");
    CHECK(rows[0]["per_second"] > 0);
    CHECK(rows[1]["p99_us"] >= rows[1]["p50_us"]);
    CHECK(Kv(where, {"scan"}).out == "mine\n");
  });
}

TEST_CASE("the shell reads lines of words, and tells of errors at the end") {
  OnBoth({"set", "get", "incr"}, [](const Words& where) {
    CHECK(Kv(where, {"set", "there", "1"}).code == 0);
    const Ran ran = Kv(where, {"shell", "-o", "table"},
                       "set \"a b\" \"x\\ny\"\nget 'a b'\nincr n\n\nget none\nquit\nset a b\n");
    CHECK(ran.code == 0);
    CHECK(ran.out == "OK\n\"x\\ny\"\n(integer) 1\n(nil)\n");
    const Ran wrong = Kv(where, {"shell", "-o", "json"}, "nonsense\n\"open\nget n\n");
    CHECK(wrong.code == 4);
    CHECK(wrong.out == "\"1\"\n");
    CHECK(wrong.err.find("UNIMPLEMENTED") != std::string::npos);
    CHECK(wrong.err.find("not closed") != std::string::npos);
    CHECK(Kv(where, {"get", "n"}).out == "1");
  });
}

TEST_CASE("the shell on a directory runs transactions, slow commands and searches") {
  const libkv::TempDir dir;
  MakeLibrary(dir.path("store"));
  const Words where = {"--dir", dir.path("store")};
  const Ran ran = Kv(where, {"shell", "-o", "json"},
                     "multi\nset x 1\nincr x\nexec\nkv.verify\nkv.search sea\ndbsize\n");
  CHECK(ran.code == 0);
  std::istringstream lines(ran.out);
  std::vector<Json> replies;
  for (std::string line; std::getline(lines, line);) replies.push_back(Json::parse(line));
  REQUIRE(replies.size() == 7);
  CHECK(replies[3] == Json::parse(R"(["OK", 2])"));
  CHECK(replies[4]["problem_count"] == 0);
  CHECK(replies[5]["hits"][0]["key"] == "book:1");
  CHECK(replies[6].get<int>() > 1);
  CHECK(Kv(where, {"get", "x"}).out == "2");
}

}  // namespace kvserver
