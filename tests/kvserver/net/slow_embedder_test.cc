// An embedder that is slow, such as a server far away, holds up the writes that ask it and those
// behind them, and nobody who reads.
#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "kvserver/support/test_server.h"
#include "libkv/embedder.h"

namespace kvserver {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

// Answers nothing while it is shut; then every text gets the same vector, or an error.
class GatedEmbedder : public libkv::Embedder {
 public:
  std::string identity() const override { return "gated/1"; }
  size_t dimension() const override { return 4; }
  absl::Status Embed(libkv::EmbedKind /*kind*/, std::span<const std::string_view> /*texts*/,
                     std::span<float> vectors) const override {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_shut_; });
    --waiting_;
    if (fails_) return absl::UnavailableError("no connection");
    for (size_t i = 0; i < vectors.size(); ++i) vectors[i] = i % 4 == 0 ? 1.0F : 0.0F;
    return absl::OkStatus();
  }

  void Shut() {
    const std::lock_guard lock(mutex_);
    is_shut_ = true;
  }
  void Open(bool fails = false) {
    const std::lock_guard lock(mutex_);
    is_shut_ = false;
    fails_ = fails;
    changed_.notify_all();
  }
  bool WaitUntilAsked() const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return waiting_ > 0; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int waiting_ = 0;
  bool is_shut_ = false, fails_ = false;
};

// Opens the gate whatever happens: a server that stops waits for its writes.
struct OpenAtEnd {
  GatedEmbedder& embedder;
  ~OpenAtEnd() { embedder.Open(); }
};

struct Stage {
  std::shared_ptr<GatedEmbedder> embedder = std::make_shared<GatedEmbedder>();
  TestServer server{{.io_threads = 1, .durability = libkv::Durability::kWritten},
                    {.spaces = {{.prefix = "d:", .embedder = embedder}}}};
  OpenAtEnd open_at_end{*embedder};
};

}  // namespace

TEST_CASE("while an embedder thinks, other connections read, and later writes keep their order") {
  Stage stage;
  TestClient writer(stage.server.port()), other(stage.server.port()), reader(stage.server.port());
  REQUIRE(other.Ask({"SET", "k", "1"}) == "+OK\r\n");
  REQUIRE(writer.Ask({"SET", "d:0", "text"}) == "+OK\r\n");
  stage.embedder->Shut();
  writer.Send(RespRequest({"SET", "d:1", "text"}));
  REQUIRE(stage.embedder->WaitUntilAsked());
  for (int i = 0; i < 100; ++i) REQUIRE(reader.Ask({"GET", "k"}) == "$1\r\n1\r\n");
  other.Send(RespRequest({"SET", "k", "2"}) + RespRequest({"SET", "d:1", "newer"}));
  for (int i = 0; i < 100; ++i) REQUIRE(reader.Ask({"GET", "k"}) == "$1\r\n1\r\n");
  CHECK(reader.Ask({"GET", "d:1"}) == "$-1\r\n");
  stage.embedder->Open();
  CHECK(writer.ReadReply() == "+OK\r\n");
  CHECK(other.ReadReply() == "+OK\r\n");
  CHECK(other.ReadReply() == "+OK\r\n");
  CHECK(reader.Ask({"GET", "k"}) == "$1\r\n2\r\n");
  CHECK(reader.Ask({"GET", "d:1"}) == "$5\r\nnewer\r\n");
}

TEST_CASE("an embedder that fails spoils the writes that ask it, and no others of their turn") {
  // Method: the writes of two connections come into one turn behind one that waits.
  Stage stage;
  TestClient first(stage.server.port()), writer(stage.server.port()), other(stage.server.port());
  REQUIRE(first.Ask({"SET", "d:0", "text"}) == "+OK\r\n");
  stage.embedder->Shut();
  first.Send(RespRequest({"SET", "d:1", "text"}));
  REQUIRE(stage.embedder->WaitUntilAsked());
  writer.Send(RespRequest({"SET", "a", "1"}) + RespRequest({"SET", "d:2", "text"}) +
              RespRequest({"SET", "b", "2"}));
  other.Send(RespRequest({"SET", "c", "3"}));
  stage.embedder->Open(/*fails=*/true);
  const std::string failure = first.ReadReply();
  CHECK(failure.substr(0, 9) == "-TRYAGAIN");
  CHECK(writer.ReadReply() == "+OK\r\n");
  CHECK(writer.ReadReply().substr(0, 9) == "-TRYAGAIN");
  CHECK(writer.ReadReply() == "+OK\r\n");
  CHECK(other.ReadReply() == "+OK\r\n");
  CHECK(other.Ask({"MGET", "a", "b", "c", "d:1", "d:2"}) ==
        "*5\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$-1\r\n$-1\r\n");
}

TEST_CASE("what waits for an embedder is bounded: who waits is not read from, who reads is") {
  constexpr int kWrites = 60;
  constexpr size_t kBytes = size_t{1} << 20;
  Stage stage;
  const WriteTurns& turns = stage.server.node().turns();
  TestClient writer(stage.server.port()), reader(stage.server.port());
  REQUIRE(reader.Ask({"SET", "k", "1"}) == "+OK\r\n");
  stage.embedder->Shut();
  std::thread sender([&] {
    const std::string value(kBytes, 'v');
    for (int i = 0; i < kWrites; ++i) {
      writer.Send(RespRequest({"SET", "d:" + std::to_string(i), value}));
    }
  });
  const auto deadline = std::chrono::steady_clock::now() + kPatience / 2;
  while (!turns.is_backed_up() && std::chrono::steady_clock::now() < deadline) {
    CHECK(reader.Ask({"GET", "k"}) == "$1\r\n1\r\n");
  }
  CHECK(turns.is_backed_up());
  for (int i = 0; i < 100; ++i) {
    CHECK(reader.Ask({"GET", "k"}) == "$1\r\n1\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(turns.waiting_bytes() <= WriteTurns::kWaitingBytesSlow + 2 * kBytes);
  stage.embedder->Open();
  sender.join();
  for (int i = 0; i < kWrites; ++i) CHECK(writer.ReadReply() == "+OK\r\n");
  CHECK(turns.waiting_bytes() == 0);
}

}  // namespace kvserver
