#include "net/peer_network.h"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kvserver/support/fake_server.h"
#include "kvserver/support/fault_proxy.h"
#include "kvserver/support/test_server.h"
#include "net/peer_frames.h"
#include "net/peer_hello.h"

namespace kvserver {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);  // then something never happens

// Nothing waits for these but the tests of silence.
PeerTimes QuickTimes() { return {100, 2'000, 2'000, 10, 100}; }

std::string StoreId(cluster::Slot slot) {
  return std::string(kStoreIdBytes, static_cast<char>('a' + slot));
}

// One node: its network, and what it was told.
class TestPeer {
 public:
  explicit TestPeer(PeerNetworkOptions options) : options_(std::move(options)) {}
  ~TestPeer() { Stop(); }

  void Start() {
    PeerEvents events;
    events.on_message = [this](cluster::Slot from, std::string frame) {
      return Record([&] {
        received_[from].push_back(std::move(frame));
        return received_[from].back() == "bad" ? absl::InvalidArgumentError("not to be understood")
                                               : absl::OkStatus();
      });
    };
    events.on_connection = [this](cluster::Slot peer, bool is_connected) {
      Record([&] {
        connected_[peer] = is_connected;
        return absl::OkStatus();
      }).IgnoreError();
    };
    events.log = [this](PeerLogLevel, const std::string& line) {
      Record([&] {
        log_ += line + "\n";
        return absl::OkStatus();
      }).IgnoreError();
    };
    auto started = PeerNetwork::Start(options_, std::move(events));
    REQUIRE_MESSAGE(started.ok(), started.status().message());
    network_ = *std::move(started);
  }
  void Stop() {
    network_.reset();
    const std::lock_guard lock(mutex_);
    connected_.clear();
  }

  PeerNetworkOptions& options() { return options_; }
  PeerNetwork& network() { return *network_; }
  bool Send(cluster::Slot to, std::string frame) {
    const bool is_taken = network_->Send(to, std::move(frame));
    network_->Flush();
    return is_taken;
  }
  PeerLinkStatus Link(cluster::Slot peer) const {
    for (PeerLinkStatus& link : network_->Status()) {
      if (link.address.id == peer) return link;
    }
    FAIL("no such peer");
    return {};
  }

  std::vector<std::string> received(cluster::Slot from) const {
    const std::lock_guard lock(mutex_);
    const auto found = received_.find(from);
    return found == received_.end() ? std::vector<std::string>() : found->second;
  }
  size_t received_count(cluster::Slot from) const {
    const std::lock_guard lock(mutex_);
    const auto found = received_.find(from);
    return found == received_.end() ? 0 : found->second.size();
  }
  bool is_connected(cluster::Slot peer) const {
    const std::lock_guard lock(mutex_);
    const auto found = connected_.find(peer);
    return found != connected_.end() && found->second;
  }
  std::string log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  bool HasLogged(const std::string& text) const { return log().find(text) != std::string::npos; }

 private:
  template <typename Function>
  absl::Status Record(Function function) {
    const std::lock_guard lock(mutex_);
    return function();
  }

  PeerNetworkOptions options_;
  std::unique_ptr<PeerNetwork> network_;
  mutable std::mutex mutex_;
  std::map<cluster::Slot, std::vector<std::string>> received_;  // guarded by it, as what follows
  std::map<cluster::Slot, bool> connected_;
  std::string log_;
};

// False: it never happened.
template <typename Condition>
bool Eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    never.wait_for(lock, std::chrono::milliseconds(5));
  }
  return true;
}

void Pause(int milliseconds) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::chrono::milliseconds(milliseconds));
}

// Nodes 1 to n; what one sends to another goes through a proxy of its own.
class TestCluster {
 public:
  explicit TestCluster(cluster::Slot nodes, PeerTimes times = QuickTimes()) {
    for (cluster::Slot from = 1; from <= nodes; ++from) {
      PeerNetworkOptions options;
      options.self = {from, 1'000};
      options.store_id = StoreId(from);
      options.times = times;
      for (cluster::Slot to = 1; to <= nodes; ++to) {
        if (to == from) continue;
        options.peers.push_back({to, "127.0.0.1", proxy(from, to).port()});
      }
      peers_[from] = std::make_unique<TestPeer>(options);
    }
  }

  FaultProxy& proxy(cluster::Slot from, cluster::Slot to) {
    std::unique_ptr<FaultProxy>& proxy = proxies_[{from, to}];
    if (proxy == nullptr) proxy = std::make_unique<FaultProxy>();
    return *proxy;
  }
  TestPeer& node(cluster::Slot slot) { return *peers_.at(slot); }

  void Start(cluster::Slot slot) {
    node(slot).Start();
    for (auto& [way, proxy] : proxies_) {
      if (way.second == slot) proxy->SetTarget(node(slot).network().port());
    }
  }
  void StartAll() {
    for (const auto& [slot, peer] : peers_) Start(slot);
    REQUIRE(Eventually([&] { return IsConnected(); }));
  }
  bool IsConnected() {
    for (const auto& [slot, peer] : peers_) {
      for (const PeerLinkStatus& link : peer->network().Status()) {
        if (!link.can_send || !link.can_receive) return false;
      }
    }
    return true;
  }
  // Frames get through: one of this name.
  bool Reaches(cluster::Slot from, cluster::Slot to, const std::string& name) {
    return Eventually([&] {
      node(from).Send(to, name);
      const auto received = node(to).received(from);
      return !received.empty() && received.back() == name;
    });
  }

 private:
  std::map<std::pair<cluster::Slot, cluster::Slot>, std::unique_ptr<FaultProxy>> proxies_;
  std::map<cluster::Slot, std::unique_ptr<TestPeer>> peers_;
};

PeerHello HelloOf(cluster::Slot node, cluster::Slot asked) {
  PeerHello hello;
  hello.cluster = "kv";
  hello.node = {node, 1'000};
  hello.store = StoreId(node);
  hello.asked = asked;
  return hello;
}

// The answer to a hello, read from a plain connection.
PeerHello ReadHello(TestClient& client) {
  std::string bytes = client.Read(10);
  const size_t size =
      static_cast<size_t>(static_cast<uint8_t>(bytes[8])) << 8 | static_cast<uint8_t>(bytes[9]);
  bytes += client.Read(size + 8);
  std::string_view in = bytes;
  const auto taken = TakePeerHello(in);
  REQUIRE(taken.ok());
  REQUIRE(taken->has_value());
  return **taken;
}

// For peers that the test plays, and that send no heartbeats.
PeerTimes PatientTimes() {
  PeerTimes times = QuickTimes();
  times.silence_ms = 60'000;
  return times;
}

// Node 1, whose peers 2 and 3 are not there: the test plays them.
std::unique_ptr<TestPeer> LonelyNode(PeerTimes times = PatientTimes()) {
  PeerNetworkOptions options;
  options.self = {1, 1'000};
  options.store_id = StoreId(1);
  options.times = times;
  FaultProxy nobody;  // its port is free when it is gone
  options.peers = {{2, "127.0.0.1", nobody.port()}, {3, "127.0.0.1", nobody.port()}};
  auto node = std::make_unique<TestPeer>(options);
  node->Start();
  return node;
}

}  // namespace

TEST_CASE("frames arrive once and in order, from every node at every other") {
  const uint64_t seed = 20'260'103;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  TestCluster cluster(3);
  cluster.StartAll();
  std::map<std::pair<cluster::Slot, cluster::Slot>, std::vector<std::string>> sent;
  for (int i = 0; i < 3'000; ++i) {
    const auto from = static_cast<cluster::Slot>(1 + random() % 3);
    const auto to = static_cast<cluster::Slot>(1 + (from + random() % 2) % 3);
    const size_t size = 1 + random() % (random() % 50 == 0 ? 1'000'000 : 200);
    std::string frame(size, static_cast<char>(random()));
    REQUIRE(cluster.node(from).Send(to, frame));
    sent[{from, to}].push_back(std::move(frame));
  }
  REQUIRE(sent.size() == 6);
  for (const auto& [way, frames] : sent) {
    const auto& [from, to] = way;
    CAPTURE(from);
    CAPTURE(to);
    REQUIRE(Eventually([&] { return cluster.node(to).received_count(from) >= frames.size(); }));
    CHECK(cluster.node(to).received(from) == frames);
    REQUIRE(Eventually([&] { return cluster.node(from).Link(to).queued_bytes == 0; }));
    size_t bytes = 0;
    for (const std::string& frame : frames) bytes += 4 + frame.size();
    const PeerLinkStatus out = cluster.node(from).Link(to), in = cluster.node(to).Link(from);
    CHECK(out.frames_out == frames.size());
    CHECK(out.bytes_out == bytes);
    CHECK(out.frames_dropped == 0);
    CHECK(in.frames_in == frames.size());
    CHECK(in.bytes_in == bytes);
    CHECK(out.connects == 1);
    CHECK(out.connected_since_ms > 1'600'000'000'000);
    CHECK(out.generation == 1'000);
  }
}

TEST_CASE("the longest frame arrives, and a longer one is not sent") {
  TestCluster cluster(2);
  cluster.StartAll();
  CHECK_FALSE(cluster.node(1).Send(2, std::string(PeerNetwork::kFrameBytesMax + 1, 'x')));
  CHECK_FALSE(cluster.node(1).Send(2, ""));
  CHECK_FALSE(cluster.node(1).Send(1, "to itself"));
  CHECK_FALSE(cluster.node(1).Send(7, "to nobody"));
  CHECK(cluster.node(1).Link(2).frames_dropped == 2);
  REQUIRE(cluster.node(1).Send(2, std::string(PeerNetwork::kFrameBytesMax, 'x')));
  REQUIRE(Eventually([&] { return cluster.node(2).received_count(1) == 1; }));
  CHECK(cluster.node(2).received(1)[0].size() == PeerNetwork::kFrameBytesMax);
}

TEST_CASE("a connection that breaks comes back, and what is sent after that arrives") {
  TestCluster cluster(2);
  cluster.StartAll();
  for (int round = 0; round < 5; ++round) {
    cluster.proxy(1, 2).Cut();
    REQUIRE(cluster.Reaches(1, 2, "round " + std::to_string(round)));
  }
  CHECK(cluster.node(1).Link(2).connects == 6);
  CHECK(cluster.node(1).HasLogged("lost node 2 at 127.0.0.1:"));
  CHECK(cluster.node(2).HasLogged("closed the connection from node 1 at 127.0.0.1"));
  // The other direction has a connection of its own.
  CHECK(cluster.node(2).Link(1).connects == 1);
}

TEST_CASE("a frame that was cut off does not arrive, and the next one does") {
  TestCluster cluster(2);
  cluster.StartAll();
  cluster.proxy(1, 2).CutAfter(100'000);
  REQUIRE(cluster.node(1).Send(2, std::string(1'000'000, 'x')));
  REQUIRE(Eventually([&] { return cluster.node(2).HasLogged("in the middle of a frame"); }));
  cluster.proxy(1, 2).CutAfter(0);
  REQUIRE(cluster.Reaches(1, 2, "next"));
  CHECK(cluster.node(2).received(1)[0] == "next");
  CHECK(cluster.node(1).Link(2).frames_dropped >= 1);
}

TEST_CASE("a node that starts again is found again") {
  TestCluster cluster(2);
  cluster.StartAll();
  for (uint64_t run = 1; run <= 3; ++run) {
    cluster.node(2).Stop();
    cluster.node(2).options().self.generation = 1'000 + run;
    REQUIRE(Eventually([&] { return !cluster.node(1).is_connected(2); }));
    CHECK_FALSE(cluster.node(1).Send(2, "lost"));
    CHECK(cluster.node(1).Link(2).connected_since_ms == 0);
    cluster.Start(2);
    REQUIRE(Eventually([&] { return cluster.IsConnected(); }));
    CHECK(cluster.node(1).is_connected(2));
    CHECK(cluster.node(1).Link(2).generation == 1'000 + run);
    REQUIRE(cluster.Reaches(1, 2, "to run " + std::to_string(run)));
    REQUIRE(cluster.Reaches(2, 1, "from run " + std::to_string(run)));
  }
}

TEST_CASE("a node that was away for long is dialled as soon as it is back") {
  // Goal: what it missed does not wait for the next attempt, which comes later each time. Method:
  // the first attempt after a loss would come when the test is long over.
  TestCluster cluster(2);
  cluster.node(1).options().times.redial_first_ms = 3'600'000;
  cluster.node(1).options().times.redial_last_ms = 3'600'000;
  cluster.Start(2);
  cluster.Start(1);
  REQUIRE(Eventually([&] { return cluster.IsConnected(); }));
  cluster.node(2).Stop();
  cluster.node(2).options().self.generation = 1'001;
  REQUIRE(Eventually([&] { return !cluster.node(1).is_connected(2); }));
  cluster.Start(2);
  REQUIRE(Eventually([&] { return cluster.IsConnected(); }));
  CHECK(cluster.Reaches(1, 2, "at once"));
}

TEST_CASE("a connection that nothing comes through is given up, and made anew when it heals") {
  // Goal: a cable that was pulled, a machine without power, a router that forgot: nobody says so.
  // Method: each way of being silent; both ends notice by themselves.
  for (const int way : {0, 1, 2}) {
    CAPTURE(way);
    TestCluster cluster(2);
    cluster.StartAll();
    cluster.proxy(1, 2).Set({.loses_to_target = way != 1, .loses_to_dialler = way != 0});
    REQUIRE(Eventually([&] { return !cluster.node(1).is_connected(2); }));
    CHECK_FALSE(cluster.node(1).Send(2, "lost"));
    const std::string error = cluster.node(1).Link(2).last_error;
    CHECK_FALSE(error.empty());
    // Who notices first closes; the other end may hear of that or not.
    if (way == 1) CHECK(error == "nothing came from the other end for 2000 ms");
    REQUIRE(Eventually([&] { return !cluster.node(2).Link(1).can_receive; }));
    // Dialling again meets the same silence.
    REQUIRE(Eventually([&] { return cluster.node(1).HasLogged("cannot connect to node 2"); }));
    CHECK(cluster.node(2).Link(1).can_send);
    cluster.proxy(1, 2).Set({});
    REQUIRE(cluster.Reaches(1, 2, "healed"));
  }
}

TEST_CASE("a peer that accepts and says nothing is dialled again") {
  TestCluster cluster(2);
  cluster.proxy(1, 2).Set({.is_silent = true});
  cluster.Start(2);
  cluster.Start(1);
  REQUIRE(Eventually([&] { return cluster.proxy(1, 2).accepted() >= 2; }));
  CHECK(cluster.node(1).Link(2).last_error == "no answer within 2000 ms");
  cluster.proxy(1, 2).Set({.refuses = true});
  REQUIRE(Eventually([&] { return cluster.proxy(1, 2).accepted() >= 8; }));
  cluster.proxy(1, 2).Set({});
  REQUIRE(cluster.Reaches(1, 2, "heard"));
}

TEST_CASE("a slow network delays frames, and loses none") {
  TestCluster cluster(2);
  cluster.proxy(1, 2).Set({.delay_ms = 100, .bytes_per_second = 2'000'000});
  cluster.StartAll();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(cluster.node(1).Send(2, std::to_string(i) + std::string(20'000, 'x')));
  }
  REQUIRE(Eventually([&] { return cluster.node(2).received_count(1) == 50; }));
  const auto received = cluster.node(2).received(1);
  for (int i = 0; i < 50; ++i) {
    CHECK(received[static_cast<size_t>(i)].starts_with(std::to_string(i) + "x"));
  }
  CHECK(cluster.node(1).Link(2).connects == 1);
}

TEST_CASE("frames that threads send at once arrive whole, those of each thread in its order") {
  // Goal: who sends by itself, who sends the rest of it later, and heartbeats between them do not
  // mix their bytes. Method: frames of up to 300,000 bytes, more than the system takes at once,
  // through a network that is too slow for them; heartbeats that are due all the time.
  PeerTimes times = PatientTimes();
  times.heartbeat_ms = 1;
  TestCluster cluster(2, times);
  cluster.proxy(1, 2).Set({.delay_ms = 1, .bytes_per_second = 40'000'000});
  cluster.StartAll();
  constexpr size_t kThreads = 4, kFrames = 150;
  std::vector<std::thread> threads;
  std::vector<size_t> refused(kThreads);
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t i = 0; i < kFrames; ++i) {
        const size_t size = i % 10 == thread ? 300'000 : 1 + i * 7;
        const auto letter = static_cast<char>('a' + thread);
        const std::string frame = std::to_string(i) + std::string(size, letter);
        while (!cluster.node(1).Send(2, frame)) Pause(1), ++refused[thread];
        if (i % 16 == 0) Pause(3);  // for heartbeats
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(Eventually([&] { return cluster.node(2).received_count(1) == kThreads * kFrames; }));
  std::vector<size_t> next(kThreads);
  for (const std::string& frame : cluster.node(2).received(1)) {
    const auto thread = static_cast<size_t>(frame.back() - 'a');
    REQUIRE(thread < kThreads);
    const size_t i = next[thread]++;
    const size_t size = i % 10 == thread ? 300'000 : 1 + i * 7;
    REQUIRE(frame == std::to_string(i) + std::string(size, frame.back()));
  }
  CHECK(refused == std::vector<size_t>(kThreads));  // 64 MiB may wait
  CHECK(cluster.node(1).Link(2).connects == 1);
  CHECK(Eventually([&] { return cluster.node(1).Link(2).frames_out == kThreads * kFrames; }));
}

TEST_CASE("what waits for a slow reader is bounded, and what does not fit is counted") {
  TestCluster cluster(2, PatientTimes());
  cluster.node(1).options().queue_bytes_max = size_t{1} << 20;
  cluster.StartAll();
  cluster.proxy(1, 2).Set({.blocks_to_target = true});
  // More than the buffers of the system take.
  const std::string frame(50'000, 'x');
  size_t sent = 0, dropped = 0;
  REQUIRE(Eventually([&] {
    for (int i = 0; i < 100; ++i) ++(cluster.node(1).Send(2, frame) ? sent : dropped);
    REQUIRE(cluster.node(1).Link(2).queued_bytes <= size_t{1} << 20);
    return dropped >= 1'000;
  }));
  CHECK(cluster.node(1).Link(2).frames_dropped == dropped);
  CHECK(cluster.node(1).Link(2).bytes_dropped == dropped * frame.size());
  // In what is left of the queue small frames take more than their bytes.
  size_t small = 0;
  while (cluster.node(1).Send(2, "x")) ++small;
  CHECK(small < 1'000);
  sent += small;
  CHECK(cluster.node(1).is_connected(2));
  cluster.proxy(1, 2).Set({});
  REQUIRE(Eventually([&] { return cluster.node(2).received_count(1) == sent; }));
  REQUIRE(Eventually([&] { return cluster.node(1).Link(2).queued_bytes == 0; }));
  CHECK(cluster.node(1).Link(2).frames_out == sent);
}

TEST_CASE("a reader that never reads again is given up") {
  TestCluster cluster(2);
  cluster.StartAll();
  cluster.proxy(1, 2).Set({.blocks_to_target = true, .blocks_to_dialler = true});
  REQUIRE(Eventually([&] {
    cluster.node(1).Send(2, std::string(100'000, 'x'));
    return !cluster.node(1).is_connected(2);
  }));
  CHECK(cluster.node(1).Link(2).queued_bytes == 0);
  CHECK(cluster.node(1).Link(2).frames_dropped > 0);
  cluster.proxy(1, 2).Set({});
  REQUIRE(cluster.Reaches(1, 2, "healed"));
}

TEST_CASE("a peer that floods does not keep another from being heard") {
  TestCluster cluster(3);
  cluster.StartAll();
  // Node 1 sends without end until node 2 is heard.
  const std::string flood(500'000, 'x');
  bool is_heard = false;
  REQUIRE(Eventually([&] {
    while (cluster.node(1).Link(3).queued_bytes < size_t{16} << 20) {
      if (!cluster.node(1).Send(3, flood)) break;
    }
    if (cluster.node(3).received_count(1) > 10 && cluster.node(2).Link(3).frames_out == 0) {
      cluster.node(2).Send(3, "heard");
    }
    is_heard = cluster.node(3).received_count(2) > 0;
    return is_heard;
  }));
  CHECK(cluster.node(1).Link(3).queued_bytes > 0);
}

TEST_CASE("nodes that do not fit together say so at both ends") {
  struct Case {
    std::string name, told;  // told to the dialler, node 1, as far as node 2 refuses it
    void (*change)(PeerNetworkOptions& of_node_1);
  };
  const Case cases[] = {
      {"cluster", "is of the cluster 'other', and node 2 of 'kv'",
       [](PeerNetworkOptions& options) { options.cluster = "other"; }},
      {"copy", "has the data directory of node 2: one is a copy",
       [](PeerNetworkOptions& options) { options.store_id = StoreId(2); }},
      {"stranger", "calls itself node 9, which is not among the --peers of node 2",
       [](PeerNetworkOptions& options) { options.self.slot = 9; }},
      {"address", "expects node 3 where node 2 is: its --peers are wrong",
       [](PeerNetworkOptions& options) { options.peers[0].id = 3; }},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    TestCluster cluster(2);
    each.change(cluster.node(1).options());
    const cluster::Slot dialled = cluster.node(1).options().peers[0].id;
    cluster.Start(1);
    cluster.Start(2);
    REQUIRE(Eventually([&] { return cluster.node(2).HasLogged(each.told); }));
    REQUIRE(Eventually([&] { return cluster.node(1).HasLogged(each.told); }));
    CHECK(
        cluster.node(2).HasLogged("refused a connection from 127.0.0.1 to the port for peers: "
                                  "the dialler " +
                                  each.told));
    CHECK(cluster.node(1).Link(dialled).last_error.starts_with("it refuses: the dialler " +
                                                               each.told));
    CHECK_FALSE(cluster.node(1).Send(dialled, "x"));
    CHECK(cluster.node(2).received_count(1) == 0);
    // It goes on dialling, and says the same only once.
    const uint64_t dials = cluster.proxy(1, 2).accepted();
    REQUIRE(Eventually([&] { return cluster.proxy(1, 2).accepted() > dials + 3; }));
    const std::string log = cluster.node(2).log();
    CHECK(log.find(each.told) == log.rfind(each.told));
  }
}

TEST_CASE("a node that dials itself says so") {
  TestCluster cluster(2);
  cluster.Start(1);
  cluster.proxy(1, 2).SetTarget(cluster.node(1).network().port());
  REQUIRE(Eventually(
      [&] { return cluster.node(1).HasLogged("calls itself node 1, as the other end does"); }));
}

TEST_CASE("of two processes with one --node-id only one is heard") {
  const auto node = LonelyNode();
  const uint16_t port = node->network().port();
  TestClient first(port);
  first.Send(EncodePeerHello(HelloOf(2, 1)));
  const PeerHello answer = ReadHello(first);
  CHECK_FALSE(answer.is_refused);
  CHECK(answer == HelloOf(1, 2));
  {
    // Another data directory.
    PeerHello second = HelloOf(2, 1);
    second.store = StoreId(7);
    TestClient client(port);
    client.Send(EncodePeerHello(second));
    const PeerHello refusal = ReadHello(client);
    CHECK(refusal.is_refused);
    CHECK(refusal.reason.find("node 2 is connected from another data directory") !=
          std::string::npos);
    CHECK(client.IsClosed());
  }
  {
    // A copy of the same one, which says that it is an earlier run.
    PeerHello second = HelloOf(2, 1);
    second.node.generation = 999;
    TestClient client(port);
    client.Send(EncodePeerHello(second));
    CHECK(ReadHello(client).reason.find("a later run of node 2 is connected") != std::string::npos);
    CHECK(client.IsClosed());
  }
  {
    // The same directory under another id.
    PeerHello second = HelloOf(3, 1);
    second.store = StoreId(2);
    TestClient client(port);
    client.Send(EncodePeerHello(second));
    CHECK(ReadHello(client).reason.find("the data directory that node 2 has too") !=
          std::string::npos);
    CHECK(client.IsClosed());
  }
  {
    // Versions that do not meet.
    PeerHello second = HelloOf(3, 1);
    second.lowest = second.highest = 2;
    TestClient client(port);
    client.Send(EncodePeerHello(second));
    CHECK(ReadHello(client).reason.find("speaks version 2 of the peer protocol") !=
          std::string::npos);
    CHECK(client.IsClosed());
  }
  // The first is still heard, until a later run takes its place.
  first.Send(PeerFrameHead(5) + "first");
  REQUIRE(Eventually([&] { return node->received_count(2) == 1; }));
  PeerHello later = HelloOf(2, 1);
  later.node.generation = 1'001;
  TestClient client(port);
  client.Send(EncodePeerHello(later) + PeerFrameHead(5) + "later");
  CHECK_FALSE(ReadHello(client).is_refused);
  REQUIRE(Eventually([&] { return node->received_count(2) == 2; }));
  first.ReadToEnd();  // heartbeats, then the end
  CHECK(node->Link(2).can_receive);
  CHECK(node->Link(2).generation == 1'001);
}

TEST_CASE("garbage on the port for peers is closed with one line in the log") {
  const auto node = LonelyNode();
  const uint16_t port = node->network().port();
  for (int i = 0; i < 3; ++i) {
    TestClient client(port);
    client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.ReadToEnd().empty());
  }
  REQUIRE(Eventually([&] { return node->HasLogged("is not the peer protocol of kvserver"); }));
  const std::string log = node->log();
  CHECK(log.find("closed a connection from 127.0.0.1 to the port for peers: what came is not the "
                 "peer protocol of kvserver\n") != std::string::npos);
  CHECK(log.find("is not the peer protocol") == log.rfind("is not the peer protocol"));

  std::string damaged = EncodePeerHello(HelloOf(2, 1));
  damaged[20] = static_cast<char>(damaged[20] ^ 1);
  TestClient client(port);
  client.Send(damaged);
  CHECK(client.ReadToEnd().empty());
  REQUIRE(Eventually([&] { return node->HasLogged("its hello has a wrong checksum"); }));

  // A part of a hello, and then nothing.
  TestClient slow(port);
  slow.Send(EncodePeerHello(HelloOf(2, 1)).substr(0, 30));
  CHECK(slow.ReadToEnd().empty());
  REQUIRE(Eventually([&] { return node->HasLogged("it did not say who it is"); }));
}

TEST_CASE("a bad frame closes its connection, and no other") {
  const auto node = LonelyNode();
  const uint16_t port = node->network().port();
  TestClient good(port);
  good.Send(EncodePeerHello(HelloOf(3, 1)));
  CHECK_FALSE(ReadHello(good).is_refused);
  const auto play = [&](const std::string& bytes) {
    TestClient client(port);
    client.Send(EncodePeerHello(HelloOf(2, 1)));
    REQUIRE_FALSE(ReadHello(client).is_refused);
    client.Send(bytes);
    if (bytes.size() < 4) client.CloseWriting();
    client.ReadToEnd();
  };
  play("\xFF\xFF\xFF\xFF");
  REQUIRE(Eventually([&] {
    return node->HasLogged(
        "closed the connection from node 2 at 127.0.0.1: it announced a frame "
        "of 4294967295 bytes; at most 83886080 are allowed");
  }));
  play(PeerFrameHead(3) + "bad");
  REQUIRE(Eventually([&] { return node->HasLogged("node 2 at 127.0.0.1: not to be understood"); }));
  play("\x01");
  REQUIRE(Eventually([&] {
    return node->HasLogged(
        "node 2 at 127.0.0.1 in the middle of a frame: the other end has "
        "closed the connection");
  }));
  good.Send(PeerFrameHead(4) + "good");
  REQUIRE(Eventually([&] { return node->received_count(3) == 1; }));
  CHECK(node->received(2) == std::vector<std::string>{"bad"});
}

TEST_CASE("an acceptor that is no peer, or sends frames, is not believed") {
  const auto error = [](const std::string& answer) {
    FakeServer fake({answer});
    TestCluster cluster(2);
    const std::string address = fake.address();
    const auto port = static_cast<uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    cluster.proxy(1, 2).SetTarget(port);
    cluster.node(1).Start();
    REQUIRE(Eventually([&] { return cluster.node(1).Link(2).last_error != ""; }));
    return cluster.node(1).Link(2).last_error;
  };
  CHECK(error(EncodePeerHello(HelloOf(2, 1)) + PeerFrameHead(1) + "x") ==
        "it announced a frame of 1 bytes; at most 0 are allowed");
  CHECK(error("HTTP/1.1 400 Bad Request\r\n\r\n") ==
        "what came is not the peer protocol of kvserver");
  CHECK(error(EncodePeerHello(HelloOf(3, 1))) == "node 3 is there: correct --peers");
  PeerHello other = HelloOf(2, 1);
  other.cluster = "other";
  CHECK(error(EncodePeerHello(other)) == "it is of the cluster 'other', and node 1 of 'kv'");
}

TEST_CASE("connections that do not say who they are are few") {
  PeerTimes times = PatientTimes();
  times.hello_ms = 60'000;
  const auto node = LonelyNode(times);
  const uint16_t port = node->network().port();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (size_t i = 0; i < PeerNetwork::kStrangersMax; ++i) {
    clients.push_back(std::make_unique<TestClient>(port));
  }
  TestClient one_more(port);
  CHECK(one_more.IsClosed());
  CHECK(Eventually([&] { return node->HasLogged("too many connections to the port for peers"); }));
  // One that speaks makes room.
  clients[0]->Send(EncodePeerHello(HelloOf(2, 1)));
  CHECK_FALSE(ReadHello(*clients[0]).is_refused);
  TestClient peer(port);
  peer.Send(EncodePeerHello(HelloOf(3, 1)));
  CHECK_FALSE(ReadHello(peer).is_refused);
}

TEST_CASE("a port that is taken, and options that cannot be, are clear errors") {
  const auto node = LonelyNode();
  const auto start = [&](auto change) {
    PeerNetworkOptions options;
    options.self = {1, 1'000};
    options.store_id = StoreId(1);
    options.peers = {{2, "127.0.0.1", 1}};
    change(options);
    return PeerNetwork::Start(options, {}).status();
  };
  const uint16_t taken = node->network().port();
  absl::Status status = start([&](PeerNetworkOptions& options) { options.port = taken; });
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message() == "port " + std::to_string(taken) +
                                " on 127.0.0.1, for peers, is taken: another server runs there, "
                                "or choose another port for this node");
  status = start([](PeerNetworkOptions& options) { options.address = "here"; });
  CHECK(absl::IsInvalidArgument(status));
  CHECK(status.message() ==
        "cannot listen for peers on 'here': give an IP address such as 127.0.0.1 or ::");
  status = start([](PeerNetworkOptions& options) { options.peers.push_back(options.peers[0]); });
  CHECK(status.message() == "node 2 is named twice among the peers");
  status = start([](PeerNetworkOptions& options) { options.peers[0].id = 1; });
  CHECK(status.message() == "node 1 is this node, and cannot be its own peer");
  status = start([](PeerNetworkOptions& options) { options.peers[0].port = 0; });
  CHECK(status.message() == "node 2 has no address");
  status = start([](PeerNetworkOptions& options) { options.cluster = std::string(65, 'x'); });
  CHECK(status.message() == "the name of the cluster has 65 bytes: give it 1 to 64");
  status = start([](PeerNetworkOptions& options) { options.store_id = "short"; });
  CHECK(status.message() == "the store's id has 5 bytes and should have 16");
}

TEST_CASE("a network that is stopped leaves its port, whatever it was doing") {
  for (int round = 0; round < 10; ++round) {
    TestCluster cluster(3);
    if (round % 2 == 0) {
      cluster.StartAll();
    } else {
      for (const cluster::Slot slot : {1, 2, 3}) cluster.Start(slot);
    }
    std::thread sending([&] {
      for (int i = 0; i < 200; ++i) {
        cluster.node(1).Send(2, std::string(10'000, 'x'));
        cluster.node(3).Send(2, std::string(10'000, 'x'));
      }
    });
    Pause(round);
    const uint16_t port = cluster.node(2).network().port();
    cluster.node(2).Stop();
    const size_t received = cluster.node(2).received_count(1);
    PeerNetworkOptions options = cluster.node(2).options();
    options.port = port;
    const auto again = PeerNetwork::Start(
        options, {.on_message = [](cluster::Slot, std::string) { return absl::OkStatus(); },
                  .on_connection = {},
                  .log = {}});
    CHECK_MESSAGE(again.ok(), again.status().message());
    sending.join();
    CHECK(cluster.node(2).received_count(1) == received);
  }
}

TEST_CASE("peers are found by name") {
  TestCluster cluster(2);
  for (const cluster::Slot slot : {1, 2}) cluster.node(slot).options().peers[0].host = "localhost";
  cluster.StartAll();
  REQUIRE(cluster.Reaches(1, 2, "by name"));
  TestCluster unknown(2);
  // No label of a name is that long, so nobody is asked.
  unknown.node(1).options().peers[0].host = std::string(70, 'x');
  unknown.Start(1);
  REQUIRE(Eventually(
      [&] { return unknown.node(1).HasLogged("its name cannot be resolved: Host not found"); }));
}

}  // namespace kvserver
