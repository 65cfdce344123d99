// Threads for what takes long: searches, scans of everything, backups.
//
// What takes minutes has a thread of its own, so that it never takes one from the searches: one job
// of that kind runs at a time, the others wait.
#ifndef KVSERVER_SRC_NET_WORKERS_H_
#define KVSERVER_SRC_NET_WORKERS_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kvserver {

// Threads: any.
class Workers {
 public:
  static constexpr size_t kLongJobsMax = 16;  // that wait

  // So many threads, and one for long jobs.
  explicit Workers(int threads);
  // Does what waits, then ends; of long jobs only the one that runs is done.
  ~Workers();

  // As many jobs wait as there are connections, at most: each has one at a time.
  void Do(std::function<void()> job);
  // False: kLongJobsMax wait already, and this one will not be done.
  bool DoLong(std::function<void()> job);

 private:
  struct Queue {
    std::condition_variable wake;
    std::deque<std::function<void()>> jobs;
  };

  void Run(Queue& queue);

  std::mutex mutex_;
  Queue jobs_, long_jobs_;  // guarded by it, and so is closing_
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_WORKERS_H_
