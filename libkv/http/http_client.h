// POST requests over a few connections that are kept open.
#ifndef LIBKV_HTTP_HTTP_CLIENT_H_
#define LIBKV_HTTP_HTTP_CLIENT_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace libkv {

struct HttpRequest {
  std::string body;
  size_t response_bytes_max = 0;
};

struct HttpResponse {
  enum class Outcome {
    kAnswered,      // `code` and `body`
    kNoConnection,  // refused, reset, ended too early
    kTimeout,
    kTooLong,  // the body is longer than response_bytes_max
    kFailed,   // anything that will fail again
  };
  Outcome outcome = Outcome::kFailed;
  long code = 0;
  std::string body;
  std::string error;  // of libcurl, when not answered
  std::chrono::seconds retry_after{0};
};

// Threads    Any. Post waits while `connections_max` requests of others are under way.
// Redirects are not followed: the key is for one server.
class HttpClient {
 public:
  struct Settings {
    std::string url, api_key;
    std::chrono::milliseconds connect_timeout, request_timeout;
    size_t connections_max = 1;
  };
  explicit HttpClient(Settings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpResponse Post(const HttpRequest& request);

 private:
  struct Connection;
  class Lease;

  std::unique_ptr<Connection> Acquire();  // null: a new one may be made
  std::unique_ptr<Connection> Connect() const;
  void Release(std::unique_ptr<Connection> connection);

  const Settings settings_;
  std::mutex mutex_;
  std::condition_variable released_;
  size_t in_use_ = 0;                              // guarded by mutex_
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_
};

}  // namespace libkv

#endif  // LIBKV_HTTP_HTTP_CLIENT_H_
