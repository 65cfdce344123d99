// A small HTTP/1.1 server on the loopback interface, which answers as a test tells it to.
#ifndef LIBKV_TESTS_LIBKV_EMBED_HTTP_TEST_SERVER_H_
#define LIBKV_TESTS_LIBKV_EMBED_HTTP_TEST_SERVER_H_

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace libkv {

class HttpTestServer {
 public:
  struct Request {
    std::string head, body;
  };
  struct Reply {
    enum class Kind { kAnswer, kNothing, kReset };
    int code = 200;
    std::string body;
    std::string headers;  // further lines, each with CR LF
    Kind kind = Kind::kAnswer;
  };
  // Called by the server's thread, with the number of the request, from 0.
  using Handler = std::function<Reply(const Request& request, size_t number)>;

  explicit HttpTestServer(Handler handler);
  ~HttpTestServer();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  size_t connection_count() const { return connections_; }
  std::vector<Request> requests() const;

 private:
  void Run();
  void Accept();
  bool Serve(int socket, std::string& buffer);  // false: the connection is over

  const Handler handler_;
  int listener_ = -1, port_ = 0;
  int stop_[2] = {-1, -1};
  std::atomic<size_t> connections_ = 0;
  std::map<int, std::string> buffers_;  // of the server's thread: what each socket sent so far
  mutable std::mutex mutex_;
  std::vector<Request> requests_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace libkv

#endif  // LIBKV_TESTS_LIBKV_EMBED_HTTP_TEST_SERVER_H_
