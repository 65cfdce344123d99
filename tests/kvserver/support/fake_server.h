// A listener on 127.0.0.1 that says what a test tells it to, whatever it is asked.
#ifndef TESTS_KVSERVER_SUPPORT_FAKE_SERVER_H_
#define TESTS_KVSERVER_SUPPORT_FAKE_SERVER_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace kvserver {

// One answer of the script for every burst of bytes that arrives, over all connections; after the
// last one, or after an answer that ends with kClose, the connection is closed. kSilence: nothing
// is said, the connection stays.
class FakeServer {
 public:
  static constexpr const char* kClose = "\x01";
  static constexpr const char* kSilence = "\x02";

  explicit FakeServer(std::vector<std::string> script);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int bursts() const { return bursts_; }  // that have arrived

 private:
  void Run();
  void Serve(int fd);

  std::vector<std::string> script_;
  int listener_ = -1, wake_[2] = {-1, -1};
  uint16_t port_ = 0;
  std::atomic<int> bursts_ = 0;
  std::thread thread_;
};

// An address of 127.0.0.1 where nobody listens.
std::string DeadAddress();

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_FAKE_SERVER_H_
