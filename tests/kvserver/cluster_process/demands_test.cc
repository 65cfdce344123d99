// What requests ask for in a cluster of real processes: levels, sessions, request ids, versions.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kvclient/client.h"
#include "kvserver/cluster_process/contents.h"
#include "kvserver/cluster_process/node_client.h"
#include "kvserver/cluster_process/process_cluster.h"
#include "kvserver/support/http_client.h"

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kJson[] = "Content-Type: application/json\r\n";

// One connection to a node, in RESP.
class Talk {
 public:
  Talk(const ProcessCluster& cluster, int node) : client_(cluster.port(node)) {}
  std::string Ask(const std::vector<std::string>& words) { return client_.Ask(words); }
  // What is in a bulk string.
  std::string Text(const std::vector<std::string>& words) {
    const std::string reply = Ask(words);
    const size_t begin = reply.find("\r\n") + 2;
    REQUIRE_MESSAGE(reply.starts_with("$"), reply);
    return begin >= reply.size() ? "" : reply.substr(begin, reply.size() - begin - 2);
  }
  // Of a map: what follows the name.
  std::string Member(const std::vector<std::string>& words, const std::string& name) {
    const std::string reply = Ask(words);
    const size_t at = reply.find("\r\n" + name + "\r\n");
    REQUIRE_MESSAGE(at != std::string::npos, reply);
    const size_t begin = reply.find("\r\n", at + name.size() + 4) + 2;
    return reply.substr(begin, reply.find("\r\n", begin) - begin);
  }

 private:
  TestClient client_;
};

// The first part of a version, as it is on every node.
std::string Shown(const std::string& version) { return version.substr(0, version.find('.')); }

// One request in line JSON over a connection of its own; nullopt: there was no whole answer.
std::optional<std::string> TryJson(uint16_t port, const std::string& json) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval longest{.tv_sec = 8, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  const std::string line = json + "\n";
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
    char chunk[4096];
    ssize_t got = 0;
    while (!answer.ends_with('\n') && (got = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
      answer.append(chunk, static_cast<size_t>(got));
    }
  }
  close(fd);
  if (!answer.ends_with('\n')) return std::nullopt;
  return answer;
}

// Of a line of JSON: the text of a string member, or of a number.
std::string MemberOf(const std::string& json, const std::string& name) {
  size_t begin = json.find("\"" + name + "\":");
  if (begin == std::string::npos) return "";
  begin += name.size() + 3;
  if (json[begin] == '"') ++begin;
  return json.substr(begin, json.find_first_of("\",}", begin) - begin);
}

// Writes and reads a key of its own, each time at any node, with its token; reads at level one.
class SessionClient {
 public:
  SessionClient(const ProcessCluster& cluster, int number, uint64_t seed)
      : cluster_(cluster), key_("session" + std::to_string(number)), random_(seed) {}

  void Run(const std::atomic<bool>& is_over) {
    while (!is_over) {
      if (random_() % 2 == 0) {
        Write();
      } else {
        Read();
      }
    }
  }

  std::string wrong;  // what was read and should not have been
  int reads = 0, writes = 0, refused = 0;

 private:
  std::optional<std::string> Ask(const std::string& members) {
    const uint16_t port = cluster_.port(static_cast<int>(random_() % 3));
    if (port == 0) return std::nullopt;
    auto answer = TryJson(port, "{" + members + R"(,"r":"one","session":")" + token_ + "\"}");
    if (answer && answer->find(R"("status":"ok")") == std::string::npos) {
      ++refused;
      return std::nullopt;
    }
    return answer;
  }
  void Write() {
    ++next_;
    const auto answer =
        Ask(R"("command":"SET","key":")" + key_ + R"(","value":)" + std::to_string(next_));
    if (!answer) return;
    token_ = MemberOf(*answer, "session");
    acknowledged_ = next_;
    ++writes;
  }
  void Read() {
    const auto answer = Ask(R"("command":"GET","key":")" + key_ + "\"");
    if (!answer) return;
    ++reads;
    const int value = std::atoi(MemberOf(*answer, "result").c_str());
    if (value < acknowledged_) {
      wrong += key_ + " was " + *answer + " after " + std::to_string(acknowledged_) + "\n";
    }
  }

  const ProcessCluster& cluster_;
  const std::string key_;
  std::mt19937_64 random_;
  std::string token_;
  int next_ = 0, acknowledged_ = 0;
};

void StartReady(ProcessCluster& cluster) {
  cluster.StartAll();
  REQUIRE_MESSAGE(cluster.WaitUntilReady(seconds(30)), cluster.Logs());
}

milliseconds TimeOf(const std::function<void()>& work) {
  const Clock::time_point begin = Clock::now();
  work();
  return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

void SetAndAwait(ProcessCluster& cluster, const std::string& key, const std::string& value) {
  Talk talk(cluster, 0);
  REQUIRE(talk.Ask({"KV.WITH", "WRITE", "all", "DO", "SET", key, value}) == "+OK\r\n");
}

}  // namespace

TEST_CASE("each request has its own level, and waits for no other's") {
  // Goal: one dead node makes only those requests wait that ask for all nodes. Method: many of them
  // all the time, and beside them, in the same turns, writes that ask for a majority.
  ProcessCluster cluster({.nodes = 3});
  StartReady(cluster);
  Talk first(cluster, 0), second(cluster, 0);
  CHECK(first.Ask({"KV.WITH", "WRITE", "all", "DO", "SET", "all", "1"}) == "+OK\r\n");
  cluster.Kill(2);
  std::vector<std::future<std::string>> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(std::async(std::launch::async, [&cluster, i] {
      return Talk(cluster, 0)
          .Ask({"KV.WITH", "WRITE", "all", "DO", "SET", "slow" + std::to_string(i), "1"});
    }));
  }
  milliseconds longest{0};
  size_t done = 0;
  const Clock::time_point begin = Clock::now();
  while (Clock::now() - begin < seconds(3)) {
    longest = std::max(
        longest, TimeOf([&] {
          REQUIRE(first.Ask({"SET", "quick", "1"}) == "+OK\r\n");
          REQUIRE(second.Ask({"KV.WITH", "WRITE", "one", "DO", "INCR", "n"}).starts_with(":"));
        }));
    ++done;
  }
  MESSAGE(done << " pairs of writes beside, the slowest in " << longest.count() << " ms");
  CHECK(longest < seconds(1));
  for (std::future<std::string>& each : slow) {
    const std::string reply = each.get();
    CHECK_MESSAGE(reply.starts_with("-NOREPLICAS the write is on 2 nodes only"), reply);
  }
  CHECK(Clock::now() - begin < seconds(7));

  // Alone a node has no majority, but itself.
  cluster.Kill(1);
  CHECK(first.Ask({"KV.WITH", "WRITE", "one", "DO", "SET", "own", "1"}) == "+OK\r\n");
  CHECK(first.Ask({"KV.WITH", "READ", "one", "DO", "GET", "own"}) == "$1\r\n1\r\n");
  CHECK(first.Ask({"GET", "own"}).starts_with("-NOREPLICAS too few nodes have answered"));
  CHECK(first.Ask({"CLIENT", "READ-LEVEL", "one"}) == "+OK\r\n");
  CHECK(first.Ask({"GET", "own"}) == "$1\r\n1\r\n");
  TestClient lines(cluster.port(0));
  lines.Send(R"({"command":"SET","key":"own","value":2,"w":"one"})"
             "\n"
             R"({"command":"GET","key":"own","r":"one"})"
             "\n"
             R"({"command":"GET","key":"own"})"
             "\n");
  CHECK(lines.ReadLine() == "{\"status\":\"ok\",\"result\":\"OK\"}\n");
  CHECK(lines.ReadLine() == "{\"status\":\"ok\",\"result\":2}\n");
  CHECK(lines.ReadLine().starts_with(R"({"status":"error","code":"NOREPLICAS")"));
  HttpClient http(cluster.port(0));
  CHECK(http.Ask("PUT", "/v1/kv/own?w=one", "3").status == 204);
  CHECK(http.Ask("GET", "/v1/kv/own?r=one").body == "3");
  const HttpAnswer refused = http.Ask("GET", "/v1/kv/own");
  CHECK(refused.status == 503);
  CHECK(refused.fields.contains("retry-after"));
}

TEST_CASE("a node answers a session only when it has seen what the session has written") {
  ProcessCluster cluster({.nodes = 3, .arguments = {"--read-level", "one"}});
  StartReady(cluster);
  SetAndAwait(cluster, "k", "old");
  cluster.Isolate(2, true);
  Talk writer(cluster, 0), reader(cluster, 2);
  CHECK(writer.Ask({"SET", "k", "new"}) == "+OK\r\n");
  const std::string token = writer.Text({"KV.SESSION"});
  // The other one of the majority has it at once, and who does not ask sees what there is.
  CHECK(Talk(cluster, 1).Text({"KV.WITH", "SESSION", token, "DO", "GET", "k"}) == "new");
  CHECK(reader.Text({"GET", "k"}) == "old");
  const std::string late =
      "-TRYAGAIN this node has not yet seen all that the session has written: ask again, or ask "
      "another node\r\n";
  std::string reply;
  const milliseconds took = TimeOf([&] {
    reply = reader.Ask({"KV.WITH", "SESSION", token, "DO", "GET", "k"});
  });
  CHECK(reply == late);
  CHECK(took > seconds(1));
  CHECK(took < seconds(4));
  CHECK(reader.Ask({"KV.SESSION", token}) == late);
  HttpClient http(cluster.port(2));
  CHECK(http.Ask("GET", "/v1/kv/k", "", "X-Session: " + token + "\r\n").status == 503);
  TestClient lines(cluster.port(2));
  lines.Send(R"({"command":"GET","key":"k","session":")" + token + "\"}\n");
  CHECK(lines.ReadLine().starts_with(R"({"status":"error","code":"TRYAGAIN")"));
  // Damaged, it is refused at once.
  std::string damaged = token;
  damaged[10] = damaged[10] == 'A' ? 'B' : 'A';
  CHECK(reader.Ask({"KV.WITH", "SESSION", damaged, "DO", "GET", "k"})
            .starts_with("-ERR this is not a session token of this cluster"));
  CHECK(http.Ask("GET", "/v1/kv/k", "", "X-Session: " + damaged + "\r\n").status == 400);

  // One that waits is answered when the node has caught up.
  std::future<std::string> waiting = std::async(std::launch::async, [&] {
    Talk other(cluster, 2);
    for (int i = 0; i < 20; ++i) {
      const std::string got = other.Ask({"KV.SESSION", token});
      if (got == "+OK\r\n") return other.Text({"GET", "k"});
    }
    return std::string();
  });
  cluster.HealPaths();
  CHECK(waiting.get() == "new");
}

TEST_CASE("a client that takes its token from node to node always reads what it wrote last") {
  ProcessCluster cluster({.nodes = 3, .arguments = {"--read-level", "one"}});
  StartReady(cluster);
  for (int node = 0; node < 3; ++node) {
    cluster.SetPath(node, (node + 1) % 3, {.delay_ms = 30});
  }
  TestClient lines[] = {TestClient(cluster.port(0)), TestClient(cluster.port(1)),
                        TestClient(cluster.port(2))};
  HttpClient http[] = {HttpClient(cluster.port(0)), HttpClient(cluster.port(1)),
                       HttpClient(cluster.port(2))};
  std::string token;
  const auto ask = [&](int node, const std::string& members) {
    lines[node].Send("{" + members + R"(,"session":")" + token + "\"}\n");
    const std::string reply = lines[node].ReadLine();
    const std::string name = R"("session":")";
    const size_t at = reply.find(name);
    REQUIRE_MESSAGE(at != std::string::npos, reply);
    token = reply.substr(at + name.size(), reply.find('"', at + name.size()) - at - name.size());
    return reply.substr(0, at);
  };
  size_t tokens_longest = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string value = std::to_string(i);
    if (i % 2 == 0) {
      REQUIRE(ask(i % 3, R"("command":"SET","key":"k","w":"one","value":)" + value)
                  .starts_with(R"({"status":"ok")"));
    } else {
      const HttpAnswer put =
          http[i % 3].Ask("PUT", "/v1/kv/k?w=one", value, "X-Session: " + token + "\r\n");
      REQUIRE(put.status == 204);
      token = put.fields.at("x-session");
    }
    tokens_longest = std::max(tokens_longest, token.size());
    REQUIRE(ask((i + 1) % 3, R"("command":"GET","key":"k")") ==
            R"({"status":"ok","result":)" + value + ",");
    REQUIRE(http[(i + 2) % 3].Ask("GET", "/v1/kv/k", "", "X-Session: " + token + "\r\n").body ==
            value);
  }
  MESSAGE("the longest token had " << tokens_longest << " characters");
  CHECK(tokens_longest < 1'000);
}

TEST_CASE("a session reads its own writes at level one while nodes are killed and cut off") {
  // Goal: the promise of tokens, under faults. Method: clients that write at quorum and read at
  // one, always at another node, while one node after the other is killed, cut off, or loses its
  // disk.
  const char* const given = std::getenv("KV_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  MESSAGE("KV_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  ProcessCluster cluster({.nodes = 3});
  StartReady(cluster);
  std::vector<std::unique_ptr<SessionClient>> clients;
  std::vector<std::thread> threads;
  std::atomic<bool> is_over = false;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<SessionClient>(cluster, i, random()));
    threads.emplace_back([&client = *clients.back(), &is_over] { client.Run(is_over); });
  }
  for (int i = 0; i < 6; ++i) {
    const int node = static_cast<int>(random() % 3);
    switch (random() % 3) {
      case 0:
        cluster.Kill(node);
        if (random() % 2 == 0) cluster.Wipe(node);
        std::this_thread::sleep_for(milliseconds(300));
        cluster.Start(node);
        break;
      case 1:
        cluster.Isolate(node, true);
        std::this_thread::sleep_for(milliseconds(1'000));
        cluster.HealPaths();
        break;
      default:
        cluster.SetPath(node, (node + 1) % 3, {.delay_ms = 50});
        std::this_thread::sleep_for(milliseconds(700));
        cluster.HealPaths();
    }
    CHECK_MESSAGE(cluster.WaitUntilReady(seconds(30)), cluster.Logs());
    std::this_thread::sleep_for(milliseconds(300));
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  int reads = 0, writes = 0, refused = 0;
  for (const auto& client : clients) {
    CHECK(client->wrong.empty());
    if (!client->wrong.empty()) MESSAGE(client->wrong);
    reads += client->reads;
    writes += client->writes;
    refused += client->refused;
  }
  MESSAGE(writes << " writes, " << reads << " reads, " << refused << " refused");
  CHECK(reads > 100);
  CHECK(writes > 100);
}

TEST_CASE("the client library reads what it wrote elsewhere, or says that it cannot yet") {
  // Goal: with reads_own_writes no read goes back before the client's own writes, at level one,
  // when its node dies. Method: the others cannot have the write yet; then they can.
  ProcessCluster cluster({});
  cluster.StartAll();
  REQUIRE(cluster.WaitUntilReady(seconds(20)));
  kvclient::ClientOptions options;
  for (const int node : {0, 1}) {
    options.addresses.push_back("127.0.0.1:" + std::to_string(cluster.port(node)));
  }
  options.write_level = options.read_level = "one";
  auto plain = kvclient::Client::Connect(options);
  options.reads_own_writes = true;
  auto own = kvclient::Client::Connect(options);
  REQUIRE(plain.ok());
  REQUIRE(own.ok());
  CHECK(own->Command({"CLIENT", "WRITE-LEVEL"})->bytes == "one");
  CHECK(plain->Command({"CLIENT", "READ-LEVEL"})->bytes == "one");
  cluster.Isolate(0, /*is_losing=*/true);
  REQUIRE(plain->Set("theirs", "x").ok());
  kvclient::Pipeline writes;
  writes.Append({"SET", "mine", "1"}).Append({"INCR", "mine"});
  const auto replies = own->Execute(writes);
  REQUIRE(replies.ok());
  REQUIRE(replies->size() == 2);
  CHECK((*replies)[1].integer == 2);

  cluster.Kill(0);
  const absl::Status missed = plain->Get("theirs").status();
  CHECK_MESSAGE(absl::IsNotFound(missed), missed.ToString());
  const absl::Status refused = own->Get("mine").status();
  CHECK_MESSAGE(absl::IsUnavailable(refused), std::string(refused.message()));
  cluster.HealPaths();
  cluster.Start(0);
  REQUIRE(cluster.WaitUntilReady(seconds(20)));
  CHECK(own->Get("mine").value() == "2");
  CHECK(own->Command({"CLIENT", "READ-LEVEL"})->bytes == "one");

  options.write_level = "most";
  CHECK(!kvclient::Client::Connect(options).ok());
}

TEST_CASE("an increment that is repeated at its node is counted once, whatever came in between") {
  ProcessCluster cluster({.nodes = 3});
  StartReady(cluster);
  const std::vector<std::string> request = {"KV.WITH", "ID", "a", "DO", "INCRBY", "n", "5"};
  CHECK(Talk(cluster, 0).Ask(request) == ":5\r\n");
  CHECK(Talk(cluster, 0).Ask(request) == ":5\r\n");
  cluster.Kill(0);
  cluster.Start(0);
  REQUIRE(cluster.WaitUntilReady(seconds(30)));
  CHECK(Talk(cluster, 0).Ask(request) == ":5\r\n");
  CHECK(Talk(cluster, 1).Text({"GET", "n"}) == "5");
  // What is promised of this node alone: another one counts it anew.
  CHECK(Talk(cluster, 1).Ask(request) == ":10\r\n");
  CHECK(Talk(cluster, 0).Ask(request) == ":5\r\n");

  // It was stored, but not acknowledged; repeated, it is, as soon as others have it.
  cluster.Isolate(0, true);
  const std::vector<std::string> late = {"KV.WITH", "ID", "b", "DO", "INCR", "n"};
  CHECK(Talk(cluster, 0).Ask(late).starts_with("-NOREPLICAS"));
  CHECK(Talk(cluster, 0).Ask(late).starts_with("-NOREPLICAS"));
  cluster.HealPaths();
  std::string reply;
  for (int i = 0; i < 5 && !reply.starts_with(":"); ++i) reply = Talk(cluster, 0).Ask(late);
  CHECK(reply.starts_with(":"));
  CHECK(Talk(cluster, 2).Text({"GET", "n"}) == "11");
}

TEST_CASE("a version is the same on every node, and changes with its key alone") {
  ProcessCluster cluster({.nodes = 3});
  StartReady(cluster);
  HttpClient first(cluster.port(0)), second(cluster.port(1));
  const HttpAnswer put = first.Ask("PUT", "/v1/kv/k", "1");
  REQUIRE(put.fields.contains("etag"));
  const std::string tag = put.fields.at("etag");
  CHECK(Shown(first.Ask("GET", "/v1/kv/k").fields.at("etag")) == Shown(tag));
  CHECK(first.Ask("PUT", "/v1/kv/other", "1").status == 204);
  CHECK(Shown(second.Ask("GET", "/v1/kv/k").fields.at("etag")) == Shown(tag));
  CHECK(second.Ask("GET", "/v1/kv/k", "", "If-None-Match: " + tag + "\r\n").status == 304);
  CHECK(second.Ask("GET", "/v1/kv/k", "", "If-Match: " + tag + "\r\n").status == 200);
  // Over the version that was shown, by whichever node, and only over that.
  const HttpAnswer again = second.Ask("PUT", "/v1/kv/k", "2", "If-Match: " + tag + "\r\n");
  CHECK(again.status == 204);
  CHECK(Shown(again.fields.at("etag")) != Shown(tag));
  CHECK(first.Ask("GET", "/v1/kv/k", "", "If-Match: " + tag + "\r\n").status == 412);
  const std::string seen = "X-Session: " + again.fields.at("x-session") + "\r\n";
  CHECK(first.Ask("PUT", "/v1/kv/k", "3", "If-Match: " + tag + "\r\n" + seen).status == 412);
  CHECK(first.Ask("DELETE", "/v1/kv/k", "", "If-Match: " + tag + "\r\n").status == 412);
  CHECK(first.Ask("GET", "/v1/kv/k").body == "2");
  CHECK(
      first.Ask("DELETE", "/v1/kv/k", "", "If-Match: " + again.fields.at("etag") + "\r\n").status ==
      204);
  CHECK(second.Ask("GET", "/v1/kv/k").status == 404);
  CHECK(first.Ask("PUT", "/v1/kv/k", "4", "If-Match: " + again.fields.at("etag") + "\r\n").status ==
        412);
  // The first part of a version is enough for a condition, and stands for no context.
  const std::string short_tag = Shown(first.Ask("PUT", "/v1/kv/k", "5").fields.at("etag"));
  CHECK(first.Ask("PUT", "/v1/kv/k", "6", "If-Match: " + short_tag + "\"\r\n").status == 204);
  CHECK(first.Ask("PUT", "/v1/kv/k", "7", "If-Match: " + short_tag + "\"\r\n").status == 412);
  CHECK(Talk(cluster, 0)
            .Ask({"KV.SETX", "k", "7", "CTX", short_tag.substr(1)})
            .starts_with("-ERR this is not a context"));
}

TEST_CASE("siblings are shown with one context, which overwrites them and nothing later") {
  ProcessCluster cluster({.nodes = 3, .arguments = {"--read-level", "one"}});
  StartReady(cluster);
  cluster.Isolate(2, true);
  CHECK(Talk(cluster, 0).Ask({"SET", "k", "here"}) == "+OK\r\n");
  CHECK(Talk(cluster, 2).Ask({"KV.WITH", "WRITE", "one", "DO", "SET", "k", "there"}) == "+OK\r\n");
  cluster.HealPaths();
  REQUIRE(WaitUntilEqual(cluster, {}, seconds(30)).difference.empty());
  TestClient lines(cluster.port(1));
  const auto ask = [&](const std::string& json) {
    lines.Send(json + "\n");
    return lines.ReadLine();
  };
  const std::string shown = ask(R"({"command":"KV.GETX","key":"k"})");
  CHECK_MESSAGE((shown.find(R"("siblings":["here","there"])") != std::string::npos ||
                 shown.find(R"("siblings":["there","here"])") != std::string::npos),
                shown);
  const std::string name = R"("version":")";
  const size_t at = shown.find(name) + name.size();
  const std::string context = shown.substr(at, shown.find('"', at) - at);
  CHECK(Shown(Talk(cluster, 0).Member({"KV.GETX", "k"}, "version")) == Shown(context));
  // Both conditions are by what was shown: a later write makes if_ctx fail, and stays beside ctx.
  CHECK(ask(R"({"command":"SET","key":"k","value":"both","ctx":")" + context + "\"}")
            .starts_with(R"({"status":"ok","result":{"version":")"));
  CHECK(ask(R"({"command":"SET","key":"k","value":"late","if_ctx":")" + context + "\"}")
            .starts_with(R"({"status":"error","code":"VERSIONMISMATCH")"));
  CHECK(ask(R"({"command":"KV.GETX","key":"k"})").find(R"("siblings":["both"])") !=
        std::string::npos);
  CHECK(ask(R"({"command":"SET","key":"k","value":"late","ctx":")" + context + "\"}")
            .starts_with(R"({"status":"ok")"));
  const std::string now = ask(R"({"command":"KV.GETX","key":"k"})");
  CHECK(now.find("both") != std::string::npos);
  CHECK(now.find("late") != std::string::npos);
}

TEST_CASE("a transaction reads what was acknowledged, and contexts work within it") {
  ProcessCluster cluster({.nodes = 3});
  StartReady(cluster);
  SetAndAwait(cluster, "k", "old");
  // The node misses a write, and hears of it only when it asks.
  cluster.SetPath(0, 2, {.is_losing = true});
  cluster.SetPath(2, 0, {.is_losing = true});
  cluster.SetPath(1, 2, {.delay_ms = 100});
  CHECK(Talk(cluster, 0).Ask({"SET", "k", "new"}) == "+OK\r\n");
  Talk talk(cluster, 2);
  CHECK(talk.Ask({"MULTI"}) == "+OK\r\n");
  CHECK(talk.Ask({"GET", "k"}) == "+QUEUED\r\n");
  CHECK(talk.Ask({"SET", "k", "mine"}) == "+QUEUED\r\n");
  CHECK(talk.Ask({"GET", "k"}) == "+QUEUED\r\n");
  CHECK(talk.Ask({"EXEC"}) == "*3\r\n$3\r\nnew\r\n+OK\r\n$4\r\nmine\r\n");
  cluster.HealPaths();
  // It has overwritten what it has read.
  CHECK(Talk(cluster, 0).Text({"GET", "k"}) == "mine");
  CHECK(Talk(cluster, 0).Ask({"KV.GETX", "k"}).find("*1\r\n$4\r\nmine\r\n") != std::string::npos);

  const std::string version = talk.Member({"KV.GETX", "k"}, "version");
  CHECK(talk.Ask({"MULTI"}) == "+OK\r\n");
  CHECK(talk.Ask({"KV.SETX", "k", "next", "IFVERSION", version}) == "+QUEUED\r\n");
  CHECK(talk.Ask({"KV.GETX", "k"}) == "+QUEUED\r\n");
  CHECK(talk.Ask({"KV.DELX", "k", "IFVERSION", version}) == "+QUEUED\r\n");
  const std::string reply = talk.Ask({"EXEC"});
  CHECK(reply.find("$4\r\nnext\r\n") != std::string::npos);
  CHECK(reply.find("-VERSIONMISMATCH") != std::string::npos);
  CHECK(talk.Text({"GET", "k"}) == "next");
  CHECK(talk.Ask({"MULTI"}) == "+OK\r\n");
  CHECK(talk.Ask({"KV.VERSIONS", "k"}) == "-ERR Command not allowed inside a transaction\r\n");
  CHECK(talk.Ask({"DISCARD"}).starts_with("-ERR") == false);
}

TEST_CASE("KV.EXPLAIN of a key tells which nodes have which writes") {
  ProcessCluster cluster({.nodes = 3});
  StartReady(cluster);
  SetAndAwait(cluster, "k", "everywhere");
  Talk talk(cluster, 0);
  // What others have on disk is heard within a second.
  const auto explained = [&](const std::string& nodes) {
    std::string reply;
    for (int i = 0; i < 100; ++i) {
      reply = talk.Ask({"KV.EXPLAIN", "k"});
      if (reply.find(nodes) != std::string::npos) break;
      std::this_thread::sleep_for(milliseconds(50));
    }
    CHECK_MESSAGE(reply.find(nodes) != std::string::npos, reply);
    return reply;
  };
  explained("$8\r\non_nodes\r\n*3\r\n:1\r\n:2\r\n:3\r\n$12\r\nnot_on_nodes\r\n*0\r\n");
  cluster.Kill(2);
  CHECK(talk.Ask({"SET", "k", "mostly"}) == "+OK\r\n");
  const std::string reply =
      explained("$8\r\non_nodes\r\n*2\r\n:1\r\n:2\r\n$12\r\nnot_on_nodes\r\n*1\r\n:3\r\n");
  CHECK(reply.find("$5\r\nvalue\r\n$6\r\nmostly\r\n") != std::string::npos);
  CHECK(reply.find("$8\r\nis_shown\r\n:1\r\n") != std::string::npos);
  CHECK(reply.find("$9\r\nconnected\r\n:0\r\n") != std::string::npos);
  CHECK(talk.Ask({"KV.EXPLAIN", "none"}).find("$8\r\nversions\r\n*0\r\n") != std::string::npos);
  CHECK(talk.Ask({"KV.EXPLAIN", ""}) == "-ERR the empty key cannot be stored\r\n");
}

}  // namespace kvserver::cluster_process
