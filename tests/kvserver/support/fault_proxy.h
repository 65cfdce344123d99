// A FaultProxy stands between two programs on 127.0.0.1 and is the network that they fear: slow,
// silent, cut, or cut in one direction only.
//
//   FaultProxy proxy;            // listens on a free port
//   proxy.SetTarget(port);       // where what connects there is led to
//   proxy.Set({.delay_ms = 50});
//
// Threads    One of its own; all methods from any other.
#ifndef TESTS_KVSERVER_SUPPORT_FAULT_PROXY_H_
#define TESTS_KVSERVER_SUPPORT_FAULT_PROXY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace kvserver {

// All of them hold at once, for the connections that are there and for those to come, until the
// next Set. The target is what the proxy connects to, the dialler what has connected to it.
struct Faults {
  int delay_ms = 0;             // every byte arrives so much later, in either direction
  size_t bytes_per_second = 0;  // in either direction; 0: as fast as it goes
  // One-way cuts: the bytes are taken, and get lost. With both, a half-open connection.
  bool loses_to_target = false, loses_to_dialler = false;
  // Nothing is read any more: the sender fills the buffers of the system, and waits.
  bool blocks_to_target = false, blocks_to_dialler = false;
  bool is_silent = false;  // new connections are accepted, and lead nowhere
  bool refuses = false;    // new connections are accepted and closed
};

class FaultProxy {
 public:
  FaultProxy();
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  uint16_t port() const;
  void SetTarget(uint16_t port);  // 0, as at first: connections are accepted and closed
  void Set(const Faults& faults);
  // Closes all connections, whatever is under way; they are closed when it returns.
  void Cut();
  // When so many bytes have gone to the target since this call, closes the connection that brought
  // the last, and after that every one that brings another; 0: no more.
  void CutAfter(size_t bytes);

  uint64_t accepted() const;  // connections, ever
  uint64_t bytes_to_target() const;
  uint64_t bytes_to_dialler() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_FAULT_PROXY_H_
