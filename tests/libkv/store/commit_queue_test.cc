#include "store/commit_queue.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace libkv {
namespace {

struct Number : CommitQueue::Request {
  explicit Number(int number) : n(number) { bytes = 1; }
  int n;
  std::atomic<int>* done = nullptr;
  void Done() override {
    if (done != nullptr) ++*done;
  }
};

TEST_CASE("every request is committed exactly once and its caller returns after that") {
  // Goal: no lost wake-up, no double commit, with callers and started requests mixed. Method: many
  // threads, a commit that records what it got; groups never overlap.
  std::vector<std::atomic<int>> commits(8 * 2'000);
  std::atomic<int> running{0}, overlaps{0}, groups{0};
  std::atomic<int> done{0};
  {
    CommitQueue queue([&](std::span<CommitQueue::Request* const> group) {
      if (++running != 1) ++overlaps;
      ++groups;
      for (CommitQueue::Request* request : group) ++commits[static_cast<Number*>(request)->n];
      --running;
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 2'000; ++i) {
          const int n = t * 2'000 + i;
          if (t % 2 == 0) {
            Number request(n);
            queue.Run(request);
            if (commits[n] != 1) ++overlaps;
          } else {
            auto request = std::make_unique<Number>(n);
            request->done = &done;
            queue.Start(std::move(request));
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(overlaps == 0);
  CHECK(done == 4 * 2'000);
  CHECK(groups <= 8 * 2'000);
  for (const std::atomic<int>& count : commits) REQUIRE(count == 1);
}

TEST_CASE("what arrives during a commit is committed together") {
  // Goal: one sync serves many. Method: the first commit waits until seven others queued up.
  std::atomic<bool> open{false};
  std::vector<size_t> sizes;
  CommitQueue queue([&](std::span<CommitQueue::Request* const> group) {
    sizes.push_back(group.size());
    while (!open) std::this_thread::yield();
  });
  std::vector<std::thread> threads;
  std::atomic<int> entered{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Number request(t);
      ++entered;
      queue.Run(request);
    });
  }
  while (entered < 8) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  open = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(sizes.size() <= 3);
  size_t all = 0;
  for (const size_t size : sizes) all += size;
  CHECK(all == 8);
}

TEST_CASE("groups respect their bounds and leave nobody behind") {
  std::vector<size_t> bytes_of_groups;
  std::atomic<bool> open{false};
  std::atomic<int> done{0};
  {
    CommitQueue queue([&](std::span<CommitQueue::Request* const> group) {
      size_t bytes = 0;
      for (CommitQueue::Request* request : group) bytes += request->bytes;
      bytes_of_groups.push_back(bytes);
      while (!open) std::this_thread::yield();
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 12; ++t) {
      threads.emplace_back([&, t] {
        Number request(t);
        request.bytes = CommitQueue::kGroupBytesMax / 2;
        queue.Run(request);
        ++done;
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    open = true;
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(done == 12);
  for (const size_t bytes : bytes_of_groups) CHECK(bytes <= CommitQueue::kGroupBytesMax);
  CHECK(bytes_of_groups.size() >= 6);
}

TEST_CASE("a caller that leads a group it has no room in returns only when its own was committed") {
  // Goal: OK means committed. Method: the queue's own thread is kept in a callback, so that two
  // started requests wait with nobody leading; either of them fills a group, and then a caller
  // comes.
  struct Blocker : CommitQueue::Request {
    std::atomic<bool>*entered = nullptr, *release = nullptr;
    void Done() override {
      *entered = true;
      while (!*release) std::this_thread::yield();
    }
  };
  std::atomic<bool> entered{false}, release{false}, committed{false};
  Number mine(3);  // outlives the queue, whatever Run does
  {
    CommitQueue queue([&](std::span<CommitQueue::Request* const> group) {
      for (CommitQueue::Request* request : group) committed = committed || request == &mine;
    });
    auto blocker = std::make_unique<Blocker>();
    blocker->entered = &entered;
    blocker->release = &release;
    queue.Start(std::move(blocker));
    while (!entered) std::this_thread::yield();
    for (int n = 1; n <= 2; ++n) {
      auto large = std::make_unique<Number>(n);
      large->bytes = CommitQueue::kGroupBytesMax;
      queue.Start(std::move(large));
    }
    std::thread releaser([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      release = true;
    });
    queue.Run(mine);
    CHECK(committed);
    releaser.join();
  }
}

TEST_CASE("a callback may start the next request") {
  struct Chain : CommitQueue::Request {
    CommitQueue* queue = nullptr;
    std::atomic<int>* left = nullptr;
    void Done() override {
      if (--*left <= 0) return;
      auto next = std::make_unique<Chain>();
      next->queue = queue;
      next->left = left;
      queue->Start(std::move(next));
    }
  };
  std::atomic<int> left{1'000};
  CommitQueue queue([](std::span<CommitQueue::Request* const>) {});
  auto first = std::make_unique<Chain>();
  first->queue = &queue;
  first->left = &left;
  queue.Start(std::move(first));
  while (left > 0) std::this_thread::yield();
  CHECK(left == 0);
}

}  // namespace
}  // namespace libkv
