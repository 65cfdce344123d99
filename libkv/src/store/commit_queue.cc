#include "store/commit_queue.h"

#include "base/futex.h"

namespace libkv {

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
  if (!leading_) {
    leading_ = true;
    Lead(lock);
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
      Lead(lock);
      return;
    }
    if (request.sleep_ == Request::kAlone) {
      FutexWait(request.state_, state);
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
    if (!group.empty() && bytes + request->bytes > kGroupBytesMax) break;
    bytes += request->bytes;
    waiting_bytes_ -= request->bytes;
    group.push_back(request);
    waiting_.pop_front();
  }
  ++filling_group_;
  // Requests that did not fit wait on: as part of the group that comes next.
  if (!waiting_.empty()) --filling_group_;
}

// Commits one group; the caller holds leading_. Leaves with the lock released.
void CommitQueue::Lead(std::unique_lock<std::mutex>& lock) {
  thread_local std::vector<Request*> group;
  std::vector<Request*> mine = std::move(group);  // a callback may lead another queue
  mine.clear();
  TakeGroup(mine);
  lock.unlock();

  commit_(mine);

  lock.lock();
  Request* next_leader = nullptr;
  Request::Sleep next_leader_sleep = Request::kAwake;
  uint32_t next_leader_group = 0;
  if (waiting_.empty()) {
    leading_ = false;
  } else if (waiting_.front()->self_ == nullptr) {
    next_leader = waiting_.front();
    next_leader_sleep = next_leader->sleep_;
    next_leader_group = next_leader->group_;
    next_leader->state_.store(Request::kLead);
  } else {
    leading_ = false;
    work_.notify_one();
  }
  const bool closing = closing_;
  lock.unlock();
  room_.notify_all();
  if (closing) work_.notify_one();
  bool wake[2] = {false, false};
  if (next_leader != nullptr) {
    // One that a full group left behind sleeps with the others.
    if (next_leader_sleep == Request::kTogether) wake[next_leader_group % 2] = true;
    FutexWake(next_leader->state_, 1);
  }

  std::vector<std::unique_ptr<Request>> started;
  for (Request* const request : mine) {
    if (request->self_ != nullptr) {
      started.push_back(std::move(request->self_));
      continue;
    }
    if (request->sleep_ == Request::kTogether) wake[request->group_ % 2] = true;
    request->state_.store(Request::kCommitted);  // from here on the request may be gone
  }
  group = std::move(mine);
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
    Lead(lock);
    lock.lock();
  }
}

}  // namespace libkv
