// Threads for what takes long: searches, scans of everything, backups.
#ifndef KVSERVER_SRC_NET_WORKERS_H_
#define KVSERVER_SRC_NET_WORKERS_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kvserver {

// As many jobs wait as there are connections, at most: each has one at a time.
class Workers {
 public:
  explicit Workers(int threads);
  ~Workers();  // does what waits, then ends

  void Do(std::function<void()> job);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_WORKERS_H_
