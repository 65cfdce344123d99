#include "kvserver/support/http_client.h"

#include <doctest/doctest.h>

#include <cstdlib>

namespace kvserver {

HttpAnswer HttpClient::Ask(std::string_view method, std::string_view target, std::string_view body,
                           std::string_view fields) {
  std::string request = std::string(method) + " " + std::string(target) +
                        " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(fields);
  if (!body.empty() || method == "PUT" || method == "POST") {
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  Send(request + "\r\n" + std::string(body));
  return Receive(method == "HEAD");
}

HttpAnswer HttpClient::PostJson(std::string_view target, std::string_view json) {
  return Ask("POST", target, json, "Content-Type: application/json\r\n");
}

HttpAnswer HttpClient::Receive(bool is_head) {
  HttpAnswer answer;
  const std::string first = client_.ReadLine();
  REQUIRE(first.starts_with("HTTP/1.1 "));
  answer.status = std::atoi(first.substr(9, 3).c_str());
  for (;;) {
    const std::string line = client_.ReadLine();
    REQUIRE(line.ends_with("\r\n"));
    if (line == "\r\n") break;
    const size_t colon = line.find(": ");
    REQUIRE(colon != std::string::npos);
    std::string name = line.substr(0, colon);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    answer.fields[name] = line.substr(colon + 2, line.size() - colon - 4);
  }
  const auto length = answer.fields.find("content-length");
  if (length != answer.fields.end() && !is_head) {
    answer.body = client_.Read(static_cast<size_t>(std::atoll(length->second.c_str())));
  }
  return answer;
}

}  // namespace kvserver
