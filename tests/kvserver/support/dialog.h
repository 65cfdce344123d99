// Requests as lines and replies as readable text, for tests of commands.
//
//   Dialog dialog(server);
//   CHECK(dialog.Say("SET a 'two words'") == "OK");
//   CHECK(dialog.Say("KV.SUGGEST tw") == "[[text, two, word, two, documents, 1]]");
//   CHECK(dialog.Say3("KV.SUGGEST tw") == "[{text: two, word: two, documents: 1}]");
#ifndef TESTS_KVSERVER_SUPPORT_DIALOG_H_
#define TESTS_KVSERVER_SUPPORT_DIALOG_H_

#include <string>
#include <string_view>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {

// A RESP reply: arrays as [a, b], maps as {a: b}, sets as (a, b), no value as nil, errors with
// their "-", true and false as #t and #f.
std::string ReplyText(std::string_view reply);

class Dialog {
 public:
  explicit Dialog(TestServer& server) : server_(server), client_(server.port()) {}

  // The words of the line (redis-cli's quotes) as a request over the wire, in RESP2.
  std::string Say(std::string_view line);
  std::string Say(const std::vector<std::string>& arguments);

  // The reply as RESP3 has it, made without the wire: for requests that only read.
  std::string Say3(std::string_view line);
  std::string Say3(const std::vector<std::string>& arguments);

  TestClient& client() { return client_; }

 private:
  TestServer& server_;
  TestClient client_;
};

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_DIALOG_H_
