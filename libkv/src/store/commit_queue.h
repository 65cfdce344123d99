// The CommitQueue lets many threads write with one log sync.
//
// The problem: a sync takes 100 us and more, whatever is synced. The naive answer, one sync per
// write, caps a store at some thousand writes a second however many threads write.
//
// Ours is group commit: while one group is being committed, all requests that arrive wait and form
// the next group.
//   1. A caller that finds nobody committing becomes the leader and commits at once, on its own
//      thread: a lone writer never waits for another thread.
//   2. Everybody who arrives meanwhile queues up. The first of them is the next leader.
//   3. A leader goes on with the next group, at most kRoundsMax in a row: the disk should not wait
//      until another thread has been scheduled. Then it hands over, before it lets its last group
//      go. A group is woken with one system call.
//   4. Requests without a waiting caller (Start) are led by the queue's own thread when no caller
//      is there to lead them.
//
// Groups are committed one after the other, in the order in which they queued up.
#ifndef LIBKV_SRC_STORE_COMMIT_QUEUE_H_
#define LIBKV_SRC_STORE_COMMIT_QUEUE_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace libkv {

class CommitQueue {
 public:
  // Bounds of one group, and of what waits.
  static constexpr size_t kGroupBytesMax = size_t{4} << 20;
  static constexpr size_t kGroupRequestsMax = 4'096;
  static constexpr size_t kWaitingBytesMax = size_t{64} << 20;
  static constexpr size_t kWaitingRequestsMax = 65'536;

  // Something to be committed. A request larger than a bound is let through alone.
  class Request {
   public:
    virtual ~Request() = default;
    size_t bytes = 0;       // for the bounds
    bool is_alone = false;  // is a group by itself: nothing before it waits to be published

    // Called once after the group of a Started request was committed, by whoever led it.
    virtual void Done() {}

   private:
    friend class CommitQueue;
    enum State : uint32_t { kWaiting, kLead, kCommitted };
    enum Sleep : uint8_t { kAwake, kAlone, kTogether };
    std::atomic<uint32_t> state_{kWaiting};
    uint32_t group_ = 0;
    Sleep sleep_ = kAwake;           // which word its caller sleeps on
    std::unique_ptr<Request> self_;  // Started requests own themselves until Done
  };

  // Commits a group: called by one thread at a time, never for an empty group. What happened to
  // each request is the request's own business.
  using Commit = std::function<void(std::span<Request* const> group)>;

  explicit CommitQueue(Commit commit);
  ~CommitQueue();  // commits what waits; nobody may call in any more

  // Returns when `request` was committed.
  void Run(Request& request);

  // Returns at once, or when there is room; `request` is deleted after its Done.
  void Start(std::unique_ptr<Request> request);

 private:
  // Groups that one caller commits in a row, at most: its own call is done after the first.
  static constexpr int kRoundsMax = 4;

  void Lead(std::unique_lock<std::mutex>& lock, int rounds_max);
  void FinishLead(std::unique_lock<std::mutex>& lock);
  void Release(const std::vector<Request*>& group, Request* next);
  void TakeGroup(std::vector<Request*>& group);
  void Serve();

  const Commit commit_;

  std::mutex mutex_;
  std::deque<Request*> waiting_;  // guarded by mutex_, as are the next five
  size_t waiting_bytes_ = 0;
  bool leading_ = false;  // somebody commits, or was told to
  bool closing_ = false;
  uint32_t filling_group_ = 0;  // number of the group that new requests join
  std::condition_variable room_;
  std::condition_variable work_;

  // Callers of group g sleep on word g % 2, so that a group is woken by one call.
  std::atomic<uint32_t> committed_[2] = {0, 0};

  std::thread server_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_COMMIT_QUEUE_H_
