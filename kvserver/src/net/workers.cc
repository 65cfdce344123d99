#include "net/workers.h"

#include <utility>

namespace kvserver {

Workers::Workers(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(jobs_); });
  threads_.emplace_back([this] { Run(long_jobs_); });
}

Workers::~Workers() {
  std::deque<std::function<void()>> dropped;  // outside of the lock
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    dropped.swap(long_jobs_.jobs);
  }
  jobs_.wake.notify_all();
  long_jobs_.wake.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::Do(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.jobs.push_back(std::move(job));
  }
  jobs_.wake.notify_one();
}

bool Workers::DoLong(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (long_jobs_.jobs.size() >= kLongJobsMax) return false;
    long_jobs_.jobs.push_back(std::move(job));
  }
  long_jobs_.wake.notify_one();
  return true;
}

void Workers::Run(Queue& queue) {
  std::unique_lock lock(mutex_);
  while (true) {
    queue.wake.wait(lock, [&] { return !queue.jobs.empty() || closing_; });
    if (queue.jobs.empty()) return;
    std::function<void()> job = std::move(queue.jobs.front());
    queue.jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace kvserver
