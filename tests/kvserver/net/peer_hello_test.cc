#include "net/peer_hello.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "net/peer_frames.h"

namespace kvserver {
namespace {

PeerHello HelloOf(cluster::Slot node, cluster::Slot asked) {
  PeerHello hello;
  hello.cluster = "kv";
  hello.node = {node, 100};
  hello.store = std::string(kStoreIdBytes, static_cast<char>('a' + node));
  hello.asked = asked;
  return hello;
}

const std::vector<cluster::Slot> kPeers = {2, 3};

// What node 1 has against node 2, or whoever `other` says it is.
std::string Objection(const PeerHello& other, const std::vector<ConnectedPeer>& connected = {}) {
  return PeerObjection(HelloOf(1, 2), other, kPeers, connected);
}

}  // namespace

TEST_CASE("a hello comes back as it was, and leaves what is behind it") {
  PeerHello hello = HelloOf(7, 4'000'000'000);
  hello.lowest = 1;
  hello.highest = 300;
  hello.node.generation = ~uint64_t{0};
  hello.features = 5;
  hello.is_refused = true;
  hello.reason = "is of the cluster 'a'";
  const std::string bytes = EncodePeerHello(hello) + "more";
  std::string_view in = bytes;
  const auto taken = TakePeerHello(in);
  REQUIRE(taken.ok());
  REQUIRE(taken->has_value());
  CHECK(**taken == hello);
  CHECK(in == "more");
}

TEST_CASE("a hello that is not all there is waited for, a damaged one is refused") {
  const std::string bytes = EncodePeerHello(HelloOf(1, 2));
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view(bytes).substr(0, size);
    const auto taken = TakePeerHello(in);
    REQUIRE(taken.ok());
    REQUIRE_FALSE(taken->has_value());
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    std::string_view in = damaged;
    const auto taken = TakePeerHello(in);
    // A greater size waits for bytes that never come.
    const bool is_accepted = taken.ok() && taken->has_value();
    REQUIRE_FALSE(is_accepted);
  }
}

TEST_CASE("what is no hello is found out with its first wrong byte") {
  const auto error = [](std::string_view bytes) {
    return std::string(TakePeerHello(bytes).status().message());
  };
  CHECK(error("G") == "what came is not the peer protocol of kvserver");
  CHECK(error("GET / HTTP/1.1\r\n") == "what came is not the peer protocol of kvserver");
  CHECK(error("kvpeer\n") == "what came is not the peer protocol of kvserver");
  CHECK(error("kvpeer\r\n\xFF\xFF") == "its hello has 65535 bytes; at most 4096 are allowed");
}

TEST_CASE("a name or a reason cannot write lines of its own into a log") {
  PeerHello hello = HelloOf(1, 2);
  hello.cluster = "a\nb\x1B[1m";
  hello.reason = std::string(2'000, 'x') + "\n";
  const std::string bytes = EncodePeerHello(hello);
  std::string_view in = bytes;
  const auto taken = TakePeerHello(in);
  REQUIRE(taken.ok());
  CHECK((*taken)->cluster == "a?b?[1m");
  CHECK((*taken)->reason == std::string(kPeerReasonBytesMax, 'x'));
}

TEST_CASE("peers that fit together have no objection") {
  CHECK(Objection(HelloOf(2, 1)) == "");
  // Whatever it is connected with otherwise; and its own earlier connection, or run.
  CHECK(Objection(HelloOf(2, 1), {{{3, 500}, "another"}}) == "");
  CHECK(Objection(HelloOf(2, 1), {{{2, 100}, HelloOf(2, 1).store}}) == "");
  CHECK(Objection(HelloOf(2, 1), {{{2, 99}, HelloOf(2, 1).store}}) == "");
  PeerHello later = HelloOf(2, 1);
  later.highest = 9;
  later.features = 77;
  CHECK(Objection(later) == "");
}

TEST_CASE("every reason not to talk is one sentence that says what is wrong") {
  PeerHello other = HelloOf(2, 1);
  other.lowest = 2;
  other.highest = 3;
  CHECK(Objection(other) ==
        "speaks versions 2 to 3 of the peer protocol, and node 1 version 1: "
        "upgrade the older of the two");
  other = HelloOf(2, 1);
  other.cluster = "other";
  CHECK(Objection(other) == "is of the cluster 'other', and node 1 of 'kv'");
  CHECK(Objection(HelloOf(1, 1)) ==
        "calls itself node 1, as the other end does: every node needs a --node-id of its own, "
        "and no node may be its own peer");
  CHECK(Objection(HelloOf(4, 1)) ==
        "calls itself node 4, which is not among the --peers of node 1: every node must name all "
        "others");
  CHECK(Objection(HelloOf(2, 3)) == "expects node 3 where node 1 is: its --peers are wrong");
  other = HelloOf(2, 1);
  other.store = HelloOf(1, 2).store;
  CHECK(Objection(other) ==
        "has the data directory of node 1: one is a copy; delete it there, and the node fetches "
        "its data anew");
  CHECK(Objection(HelloOf(2, 1), {{{3, 5}, HelloOf(2, 1).store}}) ==
        "has the data directory that node 3 has too: one is a copy; delete it there, and the node "
        "fetches its data anew");
  CHECK(Objection(HelloOf(2, 1), {{{2, 50}, HelloOf(3, 1).store}}) ==
        "is not the only one: node 2 is connected from another data directory; two processes "
        "have the same --node-id");
  CHECK(Objection(HelloOf(2, 1), {{{2, 101}, HelloOf(2, 1).store}}) ==
        "is not the only one: a later run of node 2 is connected; two processes have the same "
        "--node-id, and copies of one data directory");
}

TEST_CASE("frames are cut out the same, however the bytes arrive") {
  const uint64_t seed = 20'260'102;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> frames;
    std::string bytes;
    for (int i = 0; i < 20; ++i) {
      std::string frame(random() % 3 == 0 ? 0 : random() % 2'000, static_cast<char>(random()));
      bytes += PeerFrameHead(frame.size()) + frame;
      if (!frame.empty()) frames.push_back(std::move(frame));
    }
    std::vector<std::string> found;
    PeerFrameReader reader(2'000);
    for (std::string_view rest = bytes; !rest.empty();) {
      const size_t size =
          std::min<size_t>(rest.size(), 1 + random() % (round % 2 == 0 ? 5 : 3'000));
      REQUIRE(reader
                  .Feed(rest.substr(0, size),
                        [&](std::string frame) {
                          found.push_back(std::move(frame));
                          return absl::OkStatus();
                        })
                  .ok());
      rest.remove_prefix(size);
    }
    REQUIRE(found == frames);
    REQUIRE(reader.is_between_frames());
  }
}

TEST_CASE("a frame that is too long is refused by its head alone") {
  PeerFrameReader reader(1'000);
  int frames = 0;
  const auto count = [&](std::string) {
    ++frames;
    return absl::OkStatus();
  };
  CHECK(reader.Feed(PeerFrameHead(1'000) + std::string(1'000, 'x'), count).ok());
  CHECK(frames == 1);
  const absl::Status status = reader.Feed(PeerFrameHead(1'001), count);
  CHECK(status.message() == "it announced a frame of 1001 bytes; at most 1000 are allowed");
  PeerFrameReader other(1'000);
  CHECK(other.Feed("\xFF\xFF\xFF", count).ok());
  CHECK_FALSE(other.is_between_frames());
  CHECK_FALSE(other.Feed("\xFF", count).ok());
  CHECK(frames == 1);
}

TEST_CASE("an error of the one who takes frames ends the reading") {
  PeerFrameReader reader(10);
  int frames = 0;
  const std::string two = PeerFrameHead(1) + "a" + PeerFrameHead(1) + "b";
  const absl::Status status = reader.Feed(two, [&](std::string) {
    ++frames;
    return absl::InvalidArgumentError("no");
  });
  CHECK(status.message() == "no");
  CHECK(frames == 1);
}

}  // namespace kvserver
