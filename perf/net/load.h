// A load: connections that send requests to a server and wait for their replies, as fast as it
// answers them.
//
// Every connection sends `depth` requests at once, waits for all their replies, and begins again
// (a closed loop). The latency of a round counts for each of its requests: what a client with that
// pipeline waits for.
#ifndef LIBKV_PERF_NET_LOAD_H_
#define LIBKV_PERF_NET_LOAD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace libkv::perf {

// How one protocol asks and how a reply ends.
struct Dialect {
  // Appends the `n`th request. On every connection the numbers ascend.
  std::function<void(std::string& out, uint64_t n)> request;
  // The bytes of the first whole reply in `input`; 0: it is not all there yet. A reply that is an
  // error ends the process with its text.
  std::function<size_t(std::string_view input)> reply;
  // What every connection sends first.
  std::string greeting = {};
};

struct LoadSettings {
  std::vector<uint16_t> ports;  // of 127.0.0.1; the connections go to each in turn
  int connections = 1;
  int depth = 1;
  double seconds = 1;
  uint64_t first = 0;           // the number of the first request
  uint64_t operations_max = 0;  // no more are begun; 0: as many as there is time for
};

struct LoadResult {
  uint64_t operations = 0;
  double seconds = 0;
  double p50_us = 0, p99_us = 0;
  double longest_gap_ms = 0;  // in which no request was answered
  double per_second() const { return static_cast<double>(operations) / seconds; }
};

LoadResult RunLoad(const Dialect& dialect, const LoadSettings& settings);

// One request, and its reply.
std::string Ask(uint16_t port, std::string_view request, const Dialect& dialect);

// The same on a connection that stays open.
class AskingConnection {
 public:
  AskingConnection(uint16_t port, Dialect dialect);
  ~AskingConnection();
  AskingConnection(const AskingConnection&) = delete;
  AskingConnection& operator=(const AskingConnection&) = delete;

  std::string Ask(std::string_view request);

 private:
  const Dialect dialect_;
  const int fd_;
};

// Dialects, of requests by key number. Keys have 16 bytes, values `value_bytes`.
Dialect RespDialect(std::function<void(std::string& out, uint64_t n)> request);
Dialect RespSet(uint64_t keys, size_t value_bytes);
Dialect RespGet(uint64_t keys);
Dialect MemcachedSet(uint64_t keys, size_t value_bytes);
Dialect MemcachedGet(uint64_t keys);
Dialect JsonLineSet(uint64_t keys, size_t value_bytes);
Dialect JsonLineGet(uint64_t keys);
Dialect HttpPut(uint64_t keys, size_t value_bytes);
Dialect HttpGet(uint64_t keys);
Dialect HttpDialect(std::function<void(std::string& out, uint64_t n)> request);
// SET, and then WAIT until a replica has it: two requests that count as one.
Dialect RespSetAndWait(uint64_t keys, size_t value_bytes);
// By gRPC, one request at a time on a connection. Serializable: of that node's data.
Dialect EtcdPut(uint64_t keys, size_t value_bytes);
Dialect EtcdGet(uint64_t keys, bool is_serializable);
// Keys and values that are all different; values are random bytes.
Dialect RespSetEach(size_t value_bytes);
std::string EachKey(uint64_t n);

void AppendResp(std::string& out, const std::vector<std::string_view>& arguments);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_NET_LOAD_H_
