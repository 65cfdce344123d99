#include "store/commit_queue.h"

#include <algorithm>
#include <chrono>

#include "base/futex.h"

namespace libkv {
namespace {

constexpr auto kYieldTimeMax = std::chrono::microseconds(200);

// Gives the processor away again and again while `word` is `value`; false: it changed. Whoever is
// to lead next is then there at once, and on a busy machine every yield lets the kernel finish the
// sync that all wait for: without, it waits for a timer tick.
bool YieldWhile(const std::atomic<uint32_t>& word, uint32_t value) {
  const auto end = std::chrono::steady_clock::now() + kYieldTimeMax;
  while (word.load() == value) {
    if (std::chrono::steady_clock::now() >= end) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace

CommitQueue::CommitQueue(Commit commit) : commit_(std::move(commit)) {
  server_ = std::thread([this] { Serve(); });
}

CommitQueue::~CommitQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_one();
  server_.join();
}

void CommitQueue::Run(Request& request) {
  std::unique_lock lock(mutex_);
  const bool first = waiting_.empty();
  waiting_.push_back(&request);
  waiting_bytes_ += request.bytes;
  request.group_ = filling_group_;
  if (!leading_ && first) {
    leading_ = true;
    Lead(lock, kRoundsMax);
    return;
  }
  request.sleep_ = first ? Request::kAlone : Request::kTogether;
  lock.unlock();

  // The first of a group may be called to lead it and sleeps on its own word; the others sleep
  // together.
  std::atomic<uint32_t>& together = committed_[request.group_ % 2];
  while (true) {
    const uint32_t seen_together = together.load();
    const uint32_t state = request.state_.load();
    if (state == Request::kCommitted) return;
    if (state == Request::kLead) {
      lock.lock();
      Lead(lock, kRoundsMax);
      return;
    }
    if (request.sleep_ == Request::kAlone) {
      if (YieldWhile(request.state_, state)) FutexWait(request.state_, state);
    } else {
      FutexWait(together, seen_together);
    }
  }
}

void CommitQueue::Start(std::unique_ptr<Request> request) {
  std::unique_lock lock(mutex_);
  // The server's own callbacks may start more: making them wait would wait for ourselves.
  if (std::this_thread::get_id() != server_.get_id()) {
    room_.wait(lock, [&] {
      return waiting_.empty() || (waiting_.size() < kWaitingRequestsMax &&
                                  waiting_bytes_ + request->bytes <= kWaitingBytesMax);
    });
  }
  Request* const raw = request.get();
  raw->self_ = std::move(request);
  raw->group_ = filling_group_;
  waiting_.push_back(raw);
  waiting_bytes_ += raw->bytes;
  if (!leading_) work_.notify_one();
}

void CommitQueue::TakeGroup(std::vector<Request*>& group) {
  size_t bytes = 0;
  while (!waiting_.empty() && group.size() < kGroupRequestsMax) {
    Request* const request = waiting_.front();
    const bool is_full = bytes + request->bytes > kGroupBytesMax || request->is_alone;
    if (!group.empty() && is_full) break;
    bytes += request->bytes;
    waiting_bytes_ -= request->bytes;
    group.push_back(request);
    waiting_.pop_front();
    if (request->is_alone) break;
  }
  ++filling_group_;
  // Requests that did not fit wait on: as part of the group that comes next.
  if (!waiting_.empty()) --filling_group_;
}

// Commits what waits, a group at a time; the caller holds leading_. Leaves with the lock released.
void CommitQueue::Lead(std::unique_lock<std::mutex>& lock, int rounds_max) {
  std::vector<Request*> group;
  for (int round = 1;; ++round) {
    group.clear();
    TakeGroup(group);
    lock.unlock();
    commit_(group);

    // Callbacks run only when somebody else may lead: they may start further requests.
    const bool has_callbacks = std::any_of(group.begin(), group.end(),
                                           [](const Request* r) { return r->self_ != nullptr; });
    if (round < rounds_max && !has_callbacks) {
      // The sync that is due next should not wait until another thread has been scheduled.
      Release(group, nullptr);
      lock.lock();
      if (!waiting_.empty()) continue;
      leading_ = false;
      FinishLead(lock);
      return;
    }
    lock.lock();
    Request* const next = waiting_.empty() ? nullptr : waiting_.front();
    if (next == nullptr || next->self_ != nullptr) {
      leading_ = false;
      const bool more = next != nullptr;
      FinishLead(lock);
      if (more) work_.notify_one();
      Release(group, nullptr);
    } else {
      FinishLead(lock);
      Release(group, next);  // who keeps leading_
    }
    return;
  }
}

void CommitQueue::FinishLead(std::unique_lock<std::mutex>& lock) {
  const bool closing = closing_;
  lock.unlock();
  room_.notify_all();
  if (closing) work_.notify_one();
}

// Lets the callers of a committed group go, and before that calls `next`, unless null, to lead.
void CommitQueue::Release(const std::vector<Request*>& group, Request* next) {
  bool wake[2] = {false, false};
  if (next != nullptr) {
    // One that a full group left behind sleeps with the others.
    if (next->sleep_ == Request::kTogether) wake[next->group_ % 2] = true;
    std::atomic<uint32_t>& word = next->state_;
    word.store(Request::kLead);
    FutexWake(word, 1);
  }
  std::vector<std::unique_ptr<Request>> started;
  for (Request* const request : group) {
    if (request->self_ != nullptr) {
      started.push_back(std::move(request->self_));
      continue;
    }
    if (request->state_.load() == Request::kLead) continue;  // the leader's own
    if (request->sleep_ == Request::kTogether) {
      wake[request->group_ % 2] = true;
      request->state_.store(Request::kCommitted);  // from here on the request may be gone
    } else if (request->sleep_ == Request::kAlone) {
      // Waking looks at the address only: the request may be gone once it is committed.
      std::atomic<uint32_t>& word = request->state_;
      word.store(Request::kCommitted);
      FutexWake(word, 1);
    }
  }
  for (size_t parity = 0; parity < 2; ++parity) {
    if (!wake[parity]) continue;
    committed_[parity].fetch_add(1);
    FutexWake(committed_[parity], kFutexWakeAll);
  }
  for (const std::unique_ptr<Request>& request : started) request->Done();
}

void CommitQueue::Serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return (!waiting_.empty() && !leading_) || closing_; });
    if (waiting_.empty() && !leading_) return;
    if (leading_) {
      // Closing while a caller leads cannot happen: callers are gone by then. Be woken by it.
      work_.wait(lock, [&] { return !leading_; });
      continue;
    }
    leading_ = true;
    Lead(lock, /*rounds_max=*/1);
    lock.lock();
  }
}

}  // namespace libkv
