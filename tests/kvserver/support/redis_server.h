// Debian's redis-server as a process of its own, to compare replies with.
#ifndef TESTS_KVSERVER_SUPPORT_REDIS_SERVER_H_
#define TESTS_KVSERVER_SUPPORT_REDIS_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>

#include "support/temp_dir.h"

namespace kvserver {

// Keeps nothing on disk, has one database and values of kvserver's size. Ends with the object.
class RedisServer {
 public:
  // nullptr: there is no redis-server in PATH.
  static std::unique_ptr<RedisServer> Start();
  ~RedisServer();

  uint16_t port() const { return port_; }

 private:
  RedisServer() = default;
  bool TryStart();

  libkv::TempDir dir_;
  pid_t pid_ = -1;
  uint16_t port_ = 0;
};

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_REDIS_SERVER_H_
