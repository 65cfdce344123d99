// A server within the test's own process, on a free port of 127.0.0.1 and a directory of its own,
// and a plain connection to it.
#ifndef TESTS_KVSERVER_SUPPORT_TEST_SERVER_H_
#define TESTS_KVSERVER_SUPPORT_TEST_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/options.h"
#include "server/server.h"
#include "support/temp_dir.h"

namespace kvserver {

class TestServer {
 public:
  explicit TestServer(const SettingsValues& settings = {}, const libkv::Options& options = {});

  uint16_t port() const { return server_->port(); }
  Node& node() { return server_->node(); }
  void Restart();  // stops as SIGTERM does, and starts again on another port

 private:
  void Start();

  libkv::TempDir dir_;
  Config config_;
  std::unique_ptr<Server> server_;
};

// A blocking socket. Every read gives up after 60 s (sanitizers are slow), and the test fails.
class TestClient {
 public:
  explicit TestClient(uint16_t port);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void Send(std::string_view bytes);
  std::string Read(size_t bytes);  // exactly so many
  std::string ReadLine();          // up to and with LF
  std::string ReadToEnd();         // until the server closes
  bool IsClosed();                 // the server has closed, and nothing is left to read
  void CloseWriting();             // half-open: no more will be sent
  int fd() const { return fd_; }

  // One request in RESP, and its reply as it came: the bytes of one whole reply.
  std::string Ask(const std::vector<std::string>& arguments);
  std::string ReadReply();  // one whole RESP reply

 private:
  bool Fill();

  int fd_ = -1;
  std::string buffer_;
};

std::string RespRequest(const std::vector<std::string>& arguments);

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_TEST_SERVER_H_
