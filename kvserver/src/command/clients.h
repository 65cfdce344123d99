// The connections that are open, for CLIENT LIST, CLIENT KILL and MONITOR.
#ifndef KVSERVER_SRC_COMMAND_CLIENTS_H_
#define KVSERVER_SRC_COMMAND_CLIENTS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace kvserver {

// A connection as others see it. Threads: any; what it is told it passes on to its own I/O thread.
class Client {
 public:
  virtual ~Client() = default;

  struct Description {
    uint64_t id = 0;
    int fd = -1;
    std::string address, local_address, name, library_name, library_version, protocol;
    int64_t age_seconds = 0, idle_seconds = 0;
    std::string last_command, user = "default";
    int resp = 2;
    bool is_monitor = false, no_evict = false, no_touch = false;
    int64_t queued = -1;                       // requests between MULTI and EXEC; -1: no MULTI
    size_t input_bytes = 0, output_bytes = 0;  // that wait, about
  };
  virtual Description Describe() const = 0;
  virtual void Kill() = 0;                                    // closes it when it comes by
  virtual void Send(std::shared_ptr<const std::string>) = 0;  // bytes beside any reply: MONITOR
};

class Clients {
 public:
  uint64_t NextId() { return ++last_id_; }
  void Add(uint64_t id, std::weak_ptr<Client> client);
  void Remove(uint64_t id);
  size_t size() const;
  std::vector<std::shared_ptr<Client>> All() const;  // by id
  std::shared_ptr<Client> Find(uint64_t id) const;   // null: there is none

  // MONITOR.
  void AddMonitor(uint64_t id);
  void RemoveMonitor(uint64_t id);
  bool has_monitors() const { return monitor_count_.load(std::memory_order_relaxed) > 0; }
  void SendToMonitors(std::string line);

 private:
  std::atomic<uint64_t> last_id_{0};
  std::atomic<size_t> monitor_count_{0};
  void RemoveMonitorLocked(uint64_t id);

  mutable std::mutex mutex_;
  std::map<uint64_t, std::weak_ptr<Client>> clients_;
  std::vector<uint64_t> monitors_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_CLIENTS_H_
