// Definitions of spaces in a cluster of real processes: where one node is told, all follow; and
// what the spaces make of siblings.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "kvserver/cluster_process/embedding_server.h"
#include "kvserver/cluster_process/node_client.h"
#include "kvserver/cluster_process/process_cluster.h"

namespace kvserver::cluster_process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ClusterOptions AtLevelOne(std::vector<std::string> more = {}) {
  ClusterOptions options;
  options.arguments = {"--read-level", "one", "--write-level", "one"};
  options.arguments.insert(options.arguments.end(), more.begin(), more.end());
  return options;
}

// A cluster that is ready, and short ways to ask it.
class Asked {
 public:
  // `more` of each node; none: all have the same.
  explicit Asked(const ClusterOptions& options,
                 const std::vector<std::vector<std::string>>& more = {})
      : cluster(options), client_(cluster, seconds(20)) {
    for (size_t node = 0; node < more.size(); ++node) {
      cluster.Start(static_cast<int>(node), more[node]);
    }
    cluster.StartAll();
    RequireReady();
  }

  void RequireReady() { REQUIRE_MESSAGE(cluster.WaitUntilReady(seconds(30)), cluster.Logs()); }

  // The whole reply as text; an error as its message.
  std::string Ask(int node, std::initializer_list<std::string_view> arguments) {
    kvclient::Reply reply;
    const Answer answer = client_.Ask(node, arguments, &reply);
    return answer.outcome == Outcome::kOk ? TextOf(reply) : "error: " + answer.error;
  }

  // Waits until the node answers so; the last answer is shown if it does not.
  void Await(int node, std::initializer_list<std::string_view> arguments,
             const std::string& expected) {
    AwaitThat(
        node, arguments, [&](const std::string& text) { return text == expected; }, expected);
  }
  void AwaitOnAll(std::initializer_list<std::string_view> arguments, const std::string& expected) {
    for (int node = 0; node < cluster.size(); ++node) Await(node, arguments, expected);
  }
  void AwaitContains(int node, std::initializer_list<std::string_view> arguments,
                     const std::string& part) {
    AwaitThat(
        node, arguments,
        [&](const std::string& text) { return text.find(part) != std::string::npos; }, part);
  }

  void AwaitEqualFingerprints() {
    const auto print = [this](int node) {
      kvclient::Reply reply;
      const Answer answer = client_.Ask(node, {"KV.FINGERPRINT"}, &reply);
      const kvclient::Reply* const hash = reply.Find("fingerprint");
      return hash == nullptr ? answer.error : hash->bytes;
    };
    const auto until = std::chrono::steady_clock::now() + seconds(20);
    bool is_equal = false;
    while (!is_equal && std::chrono::steady_clock::now() < until) {
      const std::string first = print(0);
      is_equal = true;
      for (int node = 1; node < cluster.size(); ++node) is_equal &= print(node) == first;
      std::this_thread::sleep_for(milliseconds(100));
    }
    CHECK_MESSAGE(is_equal, cluster.Logs());
  }

  // The member of the reply to KV.GETX, or of another map.
  std::string Member(int node, std::initializer_list<std::string_view> arguments,
                     std::string_view name) {
    kvclient::Reply reply;
    const Answer answer = client_.Ask(node, arguments, &reply);
    const kvclient::Reply* const member = reply.Find(name);
    return member == nullptr ? "error: " + answer.error : TextOf(*member);
  }

  ProcessCluster cluster;

 private:
  static std::string TextOf(const kvclient::Reply& reply) {
    if (reply.is_nil()) return "nil";
    if (!reply.elements.empty() || reply.kind == kvclient::Reply::Kind::kArray) {
      std::string text = "(";
      for (const kvclient::Reply& element : reply.elements) {
        text += (text.size() > 1 ? " " : "") + TextOf(element);
      }
      return text + ")";
    }
    return reply.kind == kvclient::Reply::Kind::kInteger ? std::to_string(reply.integer)
                                                         : reply.bytes;
  }

  void AwaitThat(int node, std::initializer_list<std::string_view> arguments,
                 const std::function<bool(const std::string&)>& is_it,
                 const std::string& expected) {
    const auto until = std::chrono::steady_clock::now() + seconds(20);
    std::string text;
    do {
      text = Ask(node, arguments);
      if (is_it(text)) return;
      std::this_thread::sleep_for(milliseconds(50));
    } while (std::chrono::steady_clock::now() < until);
    CHECK_MESSAGE(false, "node " << node + 1 << " answers " << text << ", not " << expected
                                 << cluster.Logs(2'000));
  }

  NodeClient client_;
};

const std::string kList = "((prefix doc: definition doc::analyzer=english,fields=year))";

}  // namespace

TEST_CASE("a space that one node defines is on all nodes, and so is its drop") {
  Asked asked(AtLevelOne());
  REQUIRE(asked.Ask(0, {"SET", "doc:1", R"({"t":"old apples","year":1990})"}) == "OK");
  REQUIRE(asked.Ask(0, {"KV.SPACE", "DEFINE", "doc:", "TEXT", "FIELDS", "year"}) == "OK");
  REQUIRE(asked.Ask(1, {"SET", "doc:2", R"({"t":"new apples","year":2020})"}) == "OK");
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, kList);
  asked.AwaitOnAll({"KV.QUERYINDEX", "year", "MIN", "2000"}, "((key doc:2 value 2020))");
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(node, {"KV.SEARCH", "old"}, "doc:1");
    asked.AwaitContains(node, {"KV.SEARCH", "new"}, "doc:2");
    asked.AwaitContains(node, {"KV.CLUSTER"},
                        "definition doc::analyzer=english,fields=year state ready");
  }
  // The same once more is OK, another one is not; and keys are only those of clients.
  CHECK(asked.Ask(2, {"KV.SPACE", "DEFINE", "doc:", "TEXT", "FIELDS", "year"}) == "OK");
  CHECK(asked.Ask(2, {"KV.SPACE", "DEFINE", "doc:", "TEXT"}).find("defined otherwise") !=
        std::string::npos);
  CHECK(asked.Ask(2, {"KV.SPACE", "DEFINE", "late:", "EMBEDDER", "hash", "DEFERRED"})
            .find("deferred is not for clusters") != std::string::npos);
  REQUIRE(asked.Ask(2, {"KV.SPACE", "DEFINE", "v:", "DIMENSION", "2", "MEMORY", "bits"}) == "OK");
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(node, {"KV.SPACE", "LIST"}, "definition v::dimension=2,memory=bits");
  }
  REQUIRE(asked.Ask(0, {"KV.SPACE", "DROP", "v:"}) == "OK");
  CHECK(asked.Ask(2, {"DBSIZE"}) == "2");
  CHECK(asked.Ask(1, {"KEYS", "*"}) == "(doc:1 doc:2)");
  CHECK(
      asked.Ask(1, {"SET", std::string_view("\0kv.system\0space:x", 18), "y"}).find("cluster's") !=
      std::string::npos);

  CHECK(asked.Ask(1, {"KV.CREATEINDEX", "doc:", "t"}) == "OK");
  asked.AwaitOnAll({"KV.SPACE", "LIST"},
                   "((prefix doc: definition doc::analyzer=english,fields=year;t))");
  REQUIRE(asked.Ask(2, {"KV.SPACE", "DROP", "doc:"}) == "OK");
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, "()");
  CHECK(asked.Ask(0, {"KV.SPACE", "DROP", "doc:"}).find("NOTFOUND") != std::string::npos);
  asked.AwaitEqualFingerprints();
}

TEST_CASE("definitions reach a node that was away, lost its disk or got an old one back") {
  Asked asked(AtLevelOne());
  REQUIRE(asked.Ask(0, {"KV.SPACE", "DEFINE", "gone:", "VALUES"}) == "OK");
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, "((prefix gone: definition gone::values))");
  asked.cluster.Stop(2);
  asked.cluster.SaveCopy(2);
  REQUIRE(asked.Ask(0, {"KV.SPACE", "DROP", "gone:"}) == "OK");
  REQUIRE(asked.Ask(1, {"KV.SPACE", "DEFINE", "doc:", "TEXT", "FIELDS", "year"}) == "OK");
  REQUIRE(asked.Ask(1, {"SET", "doc:1", R"({"t":"apples","year":1990})"}) == "OK");
  asked.cluster.Start(2);
  asked.RequireReady();
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, kList);
  asked.AwaitContains(2, {"KV.SEARCH", "apples"}, "doc:1");

  asked.cluster.Kill(0);
  asked.cluster.Wipe(0);
  asked.cluster.Start(0);
  asked.RequireReady();
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, kList);
  asked.AwaitContains(0, {"KV.SEARCH", "apples"}, "doc:1");

  asked.cluster.Kill(2);
  asked.cluster.RestoreCopy(2);
  asked.cluster.Start(2, {"--recover"});
  asked.RequireReady();
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, kList);
  asked.AwaitContains(2, {"KV.SEARCH", "apples"}, "doc:1");
  // A crash behind it changes nothing.
  asked.cluster.Kill(2);
  asked.cluster.Start(2);
  asked.RequireReady();
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, kList);
  asked.AwaitEqualFingerprints();
}

TEST_CASE("what the nodes are started with is defined once for all") {
  Asked asked(
      AtLevelOne({"--space", "doc::text,fields=year", "--space", "cart::conflict=set_union"}));
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(node, {"KV.CLUSTER"}, "cart::conflict=set_union state ready");
    asked.AwaitContains(node, {"KV.CLUSTER"}, "doc::analyzer=english,fields=year state ready");
  }
  REQUIRE(asked.Ask(0, {"SET", "doc:1", R"({"t":"apples","year":1990})"}) == "OK");
  for (int node = 0; node < 3; ++node) asked.AwaitContains(node, {"KV.SEARCH", "apples"}, "doc:1");
  // More than one of them may have defined it at the same time: a drop ends what its node has seen.
  asked.AwaitEqualFingerprints();
  REQUIRE(asked.Ask(1, {"KV.SPACE", "DROP", "cart:"}) == "OK");
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, kList);
}

TEST_CASE("siblings are one value, the same on all nodes, by the rule of their space") {
  Asked asked(AtLevelOne());
  REQUIRE(asked.Ask(0, {"KV.SPACE", "DEFINE", "cart:", "TEXT", "CONFLICT", "set_union"}) == "OK");
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(node, {"KV.CLUSTER"}, "conflict=set_union state ready");
  }
  CHECK(asked.Ask(0, {"KV.SPACE", "DEFINE", "x:", "CONFLICT", "newest"})
            .find("conflict must be one of json_merge, lww, max, min, set_union, siblings") !=
        std::string::npos);
  asked.cluster.Isolate(2, true);
  REQUIRE(asked.Ask(0, {"SET", "cart:1", R"(["apple","pear"])"}) == "OK");
  REQUIRE(asked.Ask(2, {"SET", "cart:1", R"(["pear","plum"])"}) == "OK");
  REQUIRE(asked.Ask(0, {"SET", "plain", "first"}) == "OK");
  std::this_thread::sleep_for(milliseconds(5));
  REQUIRE(asked.Ask(2, {"SET", "plain", "second"}) == "OK");
  asked.cluster.HealPaths();
  const std::string merged = R"(["apple","pear","plum"])";
  asked.AwaitOnAll({"GET", "cart:1"}, merged);
  asked.AwaitOnAll({"GET", "plain"}, "second");
  for (int node = 0; node < 3; ++node) {
    // Words of both are found, for they are in what GET answers.
    asked.AwaitContains(node, {"KV.SEARCH", "apple plum"}, "cart:1");
    CHECK(asked.Member(node, {"KV.GETX", "cart:1"}, "value") == merged);
    CHECK(asked.Member(node, {"KV.GETX", "cart:1"}, "conflict") == "set_union");
    const std::string siblings = asked.Member(node, {"KV.GETX", "cart:1"}, "siblings");
    CHECK(siblings.find(R"(["apple","pear"])") != std::string::npos);
    CHECK(siblings.find(R"(["pear","plum"])") != std::string::npos);
    CHECK(asked.Member(node, {"KV.GETX", "cart:1", "CONFLICT", "lww"}, "value") ==
          R"(["pear","plum"])");
    CHECK(asked.Member(node, {"KV.GETX", "plain", "CONFLICT", "siblings"}, "siblings")
              .find("first") != std::string::npos);
    CHECK(asked.Ask(node, {"KV.GETX", "plain", "CONFLICT", "x"}).find("must be one of") !=
          std::string::npos);
  }
  // Another rule, and what is stored follows it.
  REQUIRE(asked.Ask(1, {"KV.SPACE", "DROP", "cart:"}) == "OK");
  asked.AwaitOnAll({"GET", "cart:1"}, R"(["pear","plum"])");
  REQUIRE(asked.Ask(1, {"KV.SPACE", "DEFINE", "cart:", "CONFLICT", "set_union"}) == "OK");
  asked.AwaitOnAll({"GET", "cart:1"}, merged);
  // A write that has seen both replaces both.
  const std::string version = asked.Member(1, {"KV.GETX", "cart:1"}, "version");
  CHECK(asked.Ask(1, {"KV.SETX", "cart:1", "[]", "CTX", version}).find("error") ==
        std::string::npos);
  asked.AwaitOnAll({"GET", "cart:1"}, "[]");
  CHECK(asked.Member(0, {"KV.GETX", "cart:1"}, "siblings") == "([])");
  asked.AwaitEqualFingerprints();
}

TEST_CASE("of two definitions at the same time all nodes take one, and say which they did not") {
  Asked asked(AtLevelOne());
  asked.cluster.Isolate(2, true);
  REQUIRE(asked.Ask(0, {"KV.SPACE", "DEFINE", "doc:", "VALUES"}) == "OK");
  std::this_thread::sleep_for(milliseconds(5));
  REQUIRE(asked.Ask(2, {"KV.SPACE", "DEFINE", "doc:", "TEXT", "FIELDS", "year"}) == "OK");
  asked.cluster.HealPaths();
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, kList);
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(node, {"KV.CLUSTER"}, "state ready error  rejected (doc::values)");
  }
  REQUIRE(asked.Ask(1, {"SET", "doc:1", R"({"t":"apples","year":1990})"}) == "OK");
  for (int node = 0; node < 3; ++node) asked.AwaitContains(node, {"KV.SEARCH", "apples"}, "doc:1");
}

TEST_CASE("vectors that came with values outlive the definition of their space") {
  Asked asked(AtLevelOne());
  REQUIRE(asked.Ask(0, {"VADD", "set", "VALUES", "2", "1", "0", "east"}) == "1");
  REQUIRE(asked.Ask(0, {"VADD", "set", "VALUES", "2", "0", "1", "north"}) == "1");
  asked.AwaitOnAll({"VSIM", "set", "VALUES", "2", "1", "0.1", "COUNT", "1"}, "(east)");
  const std::string list = asked.Ask(1, {"KV.SPACE", "LIST"});
  const size_t begin = list.find("prefix ") + 7;
  const std::string prefix = list.substr(begin, list.find(" definition") - begin);
  REQUIRE(asked.Ask(1, {"KV.SPACE", "DROP", prefix}) == "OK");
  asked.AwaitOnAll({"KV.SPACE", "LIST"}, "()");
  REQUIRE(asked.Ask(2, {"KV.SPACE", "DEFINE", prefix, "DIMENSION", "2", "METRIC", "l2"}) == "OK");
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(
        node, {"KV.SIMILAR", "VALUES", "2", "0", "1", "PREFIX", prefix, "LIMIT", "1"}, "north");
  }
  // And it goes to a node that has lost its disk.
  asked.cluster.Kill(0);
  asked.cluster.Wipe(0);
  asked.cluster.Start(0);
  asked.RequireReady();
  asked.AwaitContains(0, {"KV.SIMILAR", "VALUES", "2", "0", "1", "PREFIX", prefix, "LIMIT", "1"},
                      "north");
  asked.AwaitEqualFingerprints();
}

TEST_CASE("the vector that a slow embedder makes goes with the value, and no other node asks") {
  // Goal: one request per value in the whole cluster. Method: the nodes have embedding servers of
  // their own, which count; the third node has none.
  EmbeddingServer servers[2];
  std::vector<std::vector<std::string>> more;
  for (const EmbeddingServer& server : servers) {
    more.push_back({"--embedder", "compass=" + server.url() + ",model=m,dimension=2"});
  }
  more.push_back({});
  Asked asked(AtLevelOne(), more);
  REQUIRE(asked.Ask(2, {"SET", "doc:0", "north of all"}) == "OK");
  asked.AwaitOnAll({"GET", "doc:0"}, "north of all");
  REQUIRE(asked.Ask(0, {"KV.SPACE", "DEFINE", "doc:", "TEXT", "EMBEDDER", "compass"}) == "OK");
  // Of what was there a vector was made, once, and it has come to all.
  const int first = servers[0].texts();
  CHECK(first == 1);
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(
        node, {"KV.SIMILAR", "VALUES", "2", "0", "1", "PREFIX", "doc:", "LIMIT", "1"}, "doc:0");
  }
  REQUIRE(asked.Ask(1, {"KV.SPACE", "DEFINE", "doc:", "TEXT", "EMBEDDER", "compass"}) == "OK");
  CHECK(servers[1].texts() == 0);
  CHECK(asked.Ask(1, {"DEL", "doc:0"}) == "1");
  for (int node = 0; node < 2; ++node) {
    asked.AwaitContains(node, {"KV.CLUSTER"}, "embedder=compass,dimension=2 state ready");
  }
  asked.AwaitContains(2, {"KV.CLUSTER"},
                      "state no embedder error this node was not given the embedder 'compass'");
  REQUIRE(asked.Ask(0, {"SET", "doc:1", "go north"}) == "OK");
  REQUIRE(asked.Ask(0, {"MSET", "doc:2", "go east", "doc:3", "go south", "other", "x"}) == "OK");
  REQUIRE(asked.Ask(0, {"KV.SETX", "doc:4", R"({"way":"west"})"}).find("error") ==
          std::string::npos);
  CHECK(servers[0].texts() == first + 4);
  for (int node = 0; node < 3; ++node) {
    asked.AwaitContains(
        node, {"KV.SIMILAR", "VALUES", "2", "0", "1", "PREFIX", "doc:", "LIMIT", "1"}, "doc:1");
    asked.AwaitContains(node, {"KV.SIMILAR", "KEY", "doc:2", "LIMIT", "2"}, "doc:4");
  }
  asked.AwaitContains(1, {"KV.SIMILAR", "TEXT", "northwards", "PREFIX", "doc:", "LIMIT", "1"},
                      "doc:1");
  asked.AwaitContains(1, {"KV.HYBRID", "north", "PREFIX", "doc:", "LIMIT", "1"}, "doc:1");
  const int asked_by_second = servers[1].texts();
  CHECK(asked_by_second >= 1);  // the questions
  CHECK(asked_by_second <= 2);
  CHECK(asked.Ask(2, {"KV.SIMILAR", "TEXT", "north", "PREFIX", "doc:"}).find("was not given") !=
        std::string::npos);

  // Without its embedder a node takes no value that would have no vector; what else it takes.
  CHECK(asked.Ask(2, {"SET", "doc:5", "go north"}).find("was not given") != std::string::npos);
  CHECK(asked.Ask(2, {"SET", "other", "y"}) == "OK");
  servers[0].Refuse(true);
  CHECK(asked.Ask(0, {"SET", "doc:5", "go up"}).find("the embedder 'compass' fails") !=
        std::string::npos);
  CHECK(asked.Ask(0, {"GET", "doc:5"}) == "nil");
  REQUIRE(asked.Ask(1, {"SET", "doc:5", "go down"}) == "OK");
  asked.AwaitOnAll({"GET", "doc:5"}, "go down");
  CHECK(servers[1].texts() == asked_by_second + 1);
  servers[0].Refuse(false);

  // A node that has lost everything gets the vectors from the others.
  asked.cluster.Kill(2);
  asked.cluster.Wipe(2);
  asked.cluster.Start(2);
  asked.RequireReady();
  asked.AwaitContains(2, {"KV.SIMILAR", "VALUES", "2", "0", "1", "PREFIX", "doc:", "LIMIT", "1"},
                      "doc:1");
  asked.AwaitContains(2, {"KV.SIMILAR", "KEY", "doc:5", "LIMIT", "3"}, "doc:2");
  CHECK(servers[0].texts() == first + 4);
  CHECK(servers[1].texts() == asked_by_second + 1);
  asked.AwaitEqualFingerprints();
}

}  // namespace kvserver::cluster_process
