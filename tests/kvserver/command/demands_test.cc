// What requests ask for beside their command, on a node that runs alone: all of it is taken, and
// means what it says of one node. In a cluster: cluster_process/demands_test.cc.
#include <doctest/doctest.h>

#include <string>

#include "kvserver/support/dialog.h"
#include "kvserver/support/http_client.h"
#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

class Lines {
 public:
  explicit Lines(TestServer& server) : client_(server.port()) {}
  std::string Ask(const std::string& json) {
    client_.Send(json + "\n");
    std::string reply = client_.ReadLine();
    reply.pop_back();
    return reply;
  }

 private:
  TestClient client_;
};

constexpr char kJson[] = "Content-Type: application/json\r\n";

}  // namespace

TEST_CASE("a connection has levels of its own until RESET") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("CLIENT WRITE-LEVEL") == "quorum");
  CHECK(dialog.Say("CLIENT READ-LEVEL") == "quorum");
  CHECK(dialog.Say("CLIENT WRITE-LEVEL all") == "OK");
  CHECK(dialog.Say("CLIENT READ-LEVEL One") == "OK");
  CHECK(dialog.Say("CLIENT WRITE-LEVEL") == "all");
  CHECK(dialog.Say("CLIENT READ-LEVEL") == "one");
  CHECK(dialog.Say("CLIENT WRITE-LEVEL two") == "-ERR a level is one of one, quorum, all");
  CHECK(dialog.Say("CLIENT WRITE-LEVEL") == "all");
  CHECK(dialog.Say("SET a 1") == "OK");
  CHECK(Dialog(server).Say("CLIENT WRITE-LEVEL") == "quorum");
  CHECK(dialog.Say("RESET") == "RESET");
  CHECK(dialog.Say("CLIENT WRITE-LEVEL") == "quorum");
}

TEST_CASE("KV.WITH stands in front of any command, and leaves the connection as it is") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("KV.WITH WRITE all DO SET a 1") == "OK");
  CHECK(dialog.Say("kv.with read ALL write one do GET a") == "1");
  CHECK(dialog.Say("KV.WITH DO MGET a b") == "[1, nil]");
  CHECK(dialog.Say("CLIENT WRITE-LEVEL") == "quorum");
  CHECK(dialog.Say("KV.WITH WRITE few DO SET a 2") == "-ERR a level is one of one, quorum, all");
  const std::string syntax =
      "-ERR KV.WITH [WRITE level] [READ level] [SESSION token] [ID request-id] DO command ...";
  for (const char* wrong :
       {"KV.WITH", "KV.WITH DO", "KV.WITH WRITE", "KV.WITH WRITE all", "KV.WITH WRITE all SET a 2",
        "KV.WITH ID '' DO INCR a", "KV.WITH LEVEL one DO GET a"}) {
    CAPTURE(wrong);
    CHECK(dialog.Say(wrong) == syntax);
  }
  CHECK(dialog.Say("KV.WITH WRITE all DO KV.WITH READ all DO GET a") ==
        "-ERR KV.WITH stands in front of a request, once");
  CHECK(dialog.Say("KV.WITH READ one DO NOSUCH").starts_with("-ERR unknown command 'NOSUCH'"));
  CHECK(dialog.Say("GET a") == "1");
}

TEST_CASE(
    "what stands in front of a request within MULTI has no effect, and a wrong one spoils it") {
  TestServer server;
  Dialog dialog(server);
  CHECK(dialog.Say("MULTI") == "OK");
  CHECK(dialog.Say("KV.WITH WRITE all DO SET a 1") == "QUEUED");
  CHECK(dialog.Say("KV.WITH WRITE all READ all DO EXEC") == "[OK]");
  CHECK(dialog.Say("MULTI") == "OK");
  CHECK(dialog.Say("KV.WITH WRITE any DO SET a 2").starts_with("-ERR"));
  CHECK(dialog.Say("EXEC").starts_with("-EXECABORT"));
  CHECK(dialog.Say("GET a") == "1");
}

TEST_CASE("line JSON takes levels, a session and a request id as members") {
  TestServer server;
  Lines lines(server);
  CHECK(lines.Ask(R"({"command":"SET","key":"a","value":1,"w":"all"})") ==
        R"({"status":"ok","result":"OK"})");
  CHECK(lines.Ask(R"({"command":"GET","key":"a","r":"one"})") == R"({"status":"ok","result":1})");
  CHECK(lines.Ask(R"({"command":"GET","args":["a"],"r":"all"})") ==
        R"({"status":"ok","result":1})");
  CHECK(lines.Ask(R"({"id":1,"command":"GET","key":"a","r":"some"})") ==
        R"({"id":1,"status":"error","code":"BADARG","message":"'r' must be one, quorum or all"})");
  CHECK(lines.Ask(R"({"command":"SET","key":"a","value":1,"w":2})") ==
        R"({"status":"error","code":"BADARG","message":"'w' must be one, quorum or all"})");
  CHECK(lines.Ask(R"({"command":"INCR","key":"a","request_id":7})") ==
        R"({"status":"error","code":"BADARG",)"
        R"("message":"'request_id' must be a string of 1 to 128 bytes"})");
  CHECK(lines.Ask(R"({"command":"GET","key":"a","session":true})") ==
        R"({"status":"error","code":"BADARG",)"
        R"("message":"'session' must be a token, or \"\" to begin"})");
  const std::string answer = lines.Ask(R"({"command":"SET","key":"a","value":2,"session":""})");
  const std::string front = R"({"status":"ok","result":"OK","session":")";
  REQUIRE(answer.starts_with(front));
  const std::string token = answer.substr(front.size(), answer.size() - front.size() - 2);
  CHECK(lines.Ask(R"({"command":"GET","key":"a","session":")" + token + "\"}") ==
        R"({"status":"ok","result":2,"session":")" + token + "\"}");
  CHECK(lines.Ask(R"({"command":"GET","key":"a","session":"forged"})")
            .find("this is not a session token of this cluster") != std::string::npos);
  CHECK(lines.Ask(R"({"command":"KV.WITH","args":["DO","PING"]})").find("is for RESP only") !=
        std::string::npos);
  // Nothing of it stays.
  CHECK(lines.Ask(R"({"command":"GET","key":"a"})") == R"({"status":"ok","result":2})");
}

TEST_CASE("HTTP takes levels as parameters, a session and an idempotency key as header fields") {
  TestServer server;
  HttpClient http(server.port());
  CHECK(http.Ask("PUT", "/v1/kv/a?w=all", "1").status == 204);
  CHECK(http.Ask("GET", "/v1/kv/a?r=one").body == "1");
  CHECK(http.Ask("GET", "/v1/keys?r=one&prefix=a").status == 200);
  const HttpAnswer wrong = http.Ask("PUT", "/v1/kv/a?w=most", "2");
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("w is one, quorum or all") != std::string::npos);
  CHECK(http.Ask("GET", "/v1/kv/a?r=1").status == 400);
  CHECK(http.Ask("POST", "/v1/bulk?w=none", R"({"b":"1"})", kJson).status == 400);
  CHECK(http.Ask("POST", "/v1/command?w=none", R"({"command":"ping"})", kJson).status == 400);
  CHECK(http.Ask("POST", "/v1/command?w=one", R"({"command":"ping"})", kJson).status == 200);
  CHECK(http.Ask("GET", "/v1/kv/a", "", "X-Session: forged\r\n").status == 400);
  CHECK(http.Ask("GET", "/v1/kv/a").body == "1");
  // Alone, a node has a token only for who asks.
  CHECK(!http.Ask("PUT", "/v1/kv/a", "1").fields.contains("x-session"));
  const HttpAnswer put = http.Ask("PUT", "/v1/kv/a", "2", "X-Session: \r\n");
  REQUIRE(put.fields.contains("x-session"));
  CHECK(http.Ask("GET", "/v1/kv/a", "", "X-Session: " + put.fields.at("x-session") + "\r\n").body ==
        "2");
  CHECK(http.Ask("PUT", "/v1/kv/a", "3", "Idempotency-Key: x\r\n").status == 400);
}

TEST_CASE("KV.SESSION gives a token that this node takes, and refuses what is none") {
  TestServer server;
  Dialog dialog(server);
  dialog.Say("SET a 1");
  const std::string token = dialog.Say("KV.SESSION");
  CHECK(Dialog(server).Say("KV.SESSION " + token) == "OK");
  CHECK(dialog.Say("KV.WITH SESSION " + token + " DO GET a") == "1");
  CHECK(dialog.Say("KV.SESSION x").starts_with("-ERR this is not a session token"));
  CHECK(dialog.Say("KV.WITH SESSION x DO GET a").starts_with("-ERR this is not a session token"));
  CHECK(dialog.Say("KV.SESSION a b") == "-ERR syntax error");
}

TEST_CASE("both JSON protocols set and delete by the version that they were shown") {
  TestServer server;
  Lines lines(server);
  TestClient frames(server.port());
  const auto framed = [&](const std::string& json) {
    std::string frame(4, '\0');
    frame[3] = static_cast<char>(json.size());
    frames.Send(frame + json);
    const std::string length = frames.Read(4);
    return frames.Read(static_cast<size_t>(static_cast<unsigned char>(length[2])) << 8 |
                       static_cast<unsigned char>(length[3]));
  };
  CHECK(lines.Ask(R"({"command":"SET","key":"k","value":{"n":1}})") ==
        R"({"status":"ok","result":"OK"})");
  const std::string shown = framed(R"({"cmd":"GET","key":"k"})");
  const std::string front = R"({"status":"ok","val":{"n":1},"meta":{"found":true,"version":")";
  REQUIRE(shown.starts_with(front));
  const std::string version = shown.substr(front.size(), 16);
  CHECK(shown == front + version + R"(","expires_at":null}})");
  CHECK(lines.Ask(R"({"command":"KV.GETX","key":"k"})") ==
        R"({"status":"ok","result":{"version":")" + version +
            R"(","expires_at":null,"value":{"n":1}}})");
  CHECK(framed(R"({"cmd":"GET","key":"none"})") ==
        R"({"status":"ok","val":null,"meta":{"found":false}})");

  CHECK(framed(R"({"cmd":"SET","key":"k","val":2,"if_ctx":")" + version + "\"}")
            .starts_with(R"({"status":"ok","result":{"version":")"));
  CHECK(lines.Ask(R"({"command":"SET","key":"k","value":3,"if_ctx":")" + version + "\"}")
            .starts_with(R"({"status":"error","code":"VERSIONMISMATCH")"));
  CHECK(lines.Ask(R"({"command":"DELETE","key":"k","if_ctx":")" + version + "\"}")
            .starts_with(R"({"status":"error","code":"VERSIONMISMATCH")"));
  CHECK(lines.Ask(R"({"command":"GET","key":"k"})") == R"({"status":"ok","result":2})");
  // A context needs siblings, which are of clusters.
  CHECK(lines.Ask(R"({"command":"SET","key":"k","value":3,"ctx":"x"})")
            .find("contexts are of clusters") != std::string::npos);
  CHECK(framed(R"({"cmd":"DEL","key":"k","ctx":"x"})").find("contexts are of clusters") !=
        std::string::npos);
}

TEST_CASE("a framed GET tells bytes from a value that looks like them") {
  TestServer server;
  TestClient resp(server.port()), frames(server.port());
  resp.Ask({"SET", "bytes", std::string("\xff\x00", 2)});
  resp.Ask({"SET", "json", R"({"b64":"/wA="})"});
  const auto get = [&](const std::string& key) {
    const std::string json = R"({"cmd":"GET","key":")" + key + "\"}";
    std::string frame(4, '\0');
    frame[3] = static_cast<char>(json.size());
    frames.Send(frame + json);
    return frames.Read(static_cast<unsigned char>(frames.Read(4)[3]));
  };
  CHECK(get("bytes").starts_with(R"({"status":"ok","val_b64":"/wA=","meta":{"found":true,)"));
  CHECK(get("json").starts_with(R"({"status":"ok","val":{"b64":"/wA="},"meta":{"found":true,)"));
}

}  // namespace kvserver
