// HTTP over a TestClient, for tests.
#ifndef TESTS_KVSERVER_SUPPORT_HTTP_CLIENT_H_
#define TESTS_KVSERVER_SUPPORT_HTTP_CLIENT_H_

#include <map>
#include <string>
#include <string_view>

#include "kvserver/support/test_server.h"

namespace kvserver {

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
};

// One connection; every request is answered before the next one is sent, unless Send and Receive
// are called by themselves.
class HttpClient {
 public:
  explicit HttpClient(uint16_t port) : client_(port) {}

  // `fields`: header lines, each with its CR LF; Host is added. A body gets its Content-Length.
  HttpAnswer Ask(std::string_view method, std::string_view target, std::string_view body = "",
                 std::string_view fields = "");
  HttpAnswer PostJson(std::string_view target, std::string_view json);

  void Send(std::string_view bytes) { client_.Send(bytes); }
  HttpAnswer Receive(bool is_head = false);
  TestClient& client() { return client_; }

 private:
  TestClient client_;
};

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_HTTP_CLIENT_H_
