// What CONFIG GET and CONFIG SET know, and the commands look up.
#ifndef KVSERVER_SRC_COMMAND_SETTINGS_H_
#define KVSERVER_SRC_COMMAND_SETTINGS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/options.h"

namespace kvserver {

// By the number of libkv::Durability.
inline constexpr std::string_view kDurabilityNames[] = {"synced", "written", "buffered"};

// A request may come as slowly as that, but not more slowly.
inline constexpr int64_t kRequestBytesPerSecond = 64 << 10;

// As given at the start.
struct SettingsValues {
  std::string address = "127.0.0.1";
  uint16_t port = 7411;
  std::string data_dir;
  std::string node_id = "1";
  size_t memory_bytes = size_t{512} << 20;
  int io_threads = 1;
  bool debug = false;
  // For the rest of an HTTP request that has begun; and a second more per kRequestBytesPerSecond.
  std::chrono::milliseconds request_time_max{30'000};
  std::vector<std::string> allowed_hosts;  // names in lower case that HTTP is served under

  libkv::Durability durability = libkv::Durability::kSynced;  // of new connections
  int64_t slow_log_us = 10'000;  // requests that took longer are kept; negative: none
  int64_t slow_log_length = 128;
  int64_t clients_max = 10'000;
  int64_t idle_timeout_seconds = 0;  // 0: none
};

// The same while the server runs: what may change is atomic.
struct Settings {
  explicit Settings(const SettingsValues& values)
      : fixed(values),
        durability(values.durability),
        slow_log_us(values.slow_log_us),
        slow_log_length(values.slow_log_length),
        clients_max(values.clients_max),
        idle_timeout_seconds(values.idle_timeout_seconds) {}

  const SettingsValues fixed;
  std::atomic<libkv::Durability> durability;
  std::atomic<int64_t> slow_log_us, slow_log_length, clients_max, idle_timeout_seconds;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SETTINGS_H_
