// The log of the process: both formats can be read by machines, and levels leave out what is below.
#include "server/log.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "kvserver/support/server_process.h"
#include "kvserver/support/test_server.h"
#include "support/loopback.h"
#include "support/temp_dir.h"

namespace kvserver {
namespace {

using Fields = std::map<std::string, std::string>;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// name=value or name="value", one space between them; the test fails if it is anything else.
Fields ReadLogfmt(const std::string& line) {
  Fields fields;
  size_t at = 0;
  while (at < line.size()) {
    const size_t equals = line.find('=', at);
    REQUIRE_MESSAGE(equals != std::string::npos, line);
    const std::string name = line.substr(at, equals - at);
    REQUIRE_MESSAGE(!name.empty(), line);
    REQUIRE_MESSAGE(name.find_first_of(" \"") == std::string::npos, line);
    at = equals + 1;
    std::string& value = fields[name];
    if (at < line.size() && line[at] == '"') {
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\') ++at;
        value += line.at(at);
      }
      REQUIRE_MESSAGE(at < line.size(), line);
      ++at;
    } else {
      const size_t end = std::min(line.find(' ', at), line.size());
      value = line.substr(at, end - at);
      at = end;
    }
    if (at == line.size()) break;
    REQUIRE_MESSAGE(line[at] == ' ', line);
    ++at;
  }
  return fields;
}

Fields ReadJson(const std::string& line) { return nlohmann::json::parse(line).get<Fields>(); }

}  // namespace

TEST_CASE("every line of the log can be read as logfmt, or as JSON") {
  for (const std::string format : {"logfmt", "json"}) {
    CAPTURE(format);
    const libkv::TempDir dir;
    ServerProcess server({"--data-dir", dir.path(), "--port", "0", "--log-format", format});
    const std::string port = std::to_string(server.WaitForPort());
    CHECK(server.End(SIGTERM) == 0);
    std::vector<Fields> lines;
    for (const std::string& line : Lines(server.log())) {
      lines.push_back(format == "json" ? ReadJson(line) : ReadLogfmt(line));
      CHECK(lines.back().at("time").size() >= 28);
    }
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].at("level") == "info");
    CHECK(lines[0].at("msg") == "ready on port " + port);
    CHECK(lines[0].at("port") == port);
    CHECK(lines[0].at("address") == "127.0.0.1");
    CHECK(lines[0].at("data_dir") == dir.path());
    CHECK(lines[1].at("msg") == "stopping");
    CHECK(lines[1].at("signal") == "SIGTERM");
    CHECK(lines[2].at("msg") == "stopped");
  }
}

TEST_CASE("whatever is logged stays one line that can be read") {
  const std::string nasty = "a \"quoted\"\nand\\ broken\tline\x01 \x7f";
  const std::string json = LogLine(LogFormat::kJson, nasty, {{"file", nasty}, {"n", "7"}});
  const Fields fields = ReadJson("{" + json + "}");
  CHECK(fields.at("msg") == nasty);
  CHECK(fields.at("file") == nasty);
  CHECK(fields.at("n") == "7");
  const std::string logfmt = LogLine(LogFormat::kLogfmt, nasty, {{"file", nasty}, {"n", "7"}});
  CHECK(logfmt.find('\n') == std::string::npos);
  CHECK(ReadLogfmt(logfmt).at("n") == "7");
  CHECK(ReadLogfmt(logfmt).at("msg").starts_with("a \"quoted\""));
}

TEST_CASE("a level leaves out what is below it, and keeps the rest") {
  const libkv::TempDir dir;
  for (const std::string level : {"debug", "info"}) {
    ServerProcess server({"--data-dir", dir.path(), "--port", "0", "--log-level", level});
    server.WaitForPort();
    CHECK(server.End(SIGTERM) == 0);
    CHECK(server.log().find("level=info") != std::string::npos);
  }
  for (const std::string level : {"warning", "error"}) {
    CAPTURE(level);
    const uint16_t port = libkv::FreePort();
    ServerProcess server(
        {"--data-dir", dir.path(), "--port", std::to_string(port), "--log-level", level});
    for (int i = 0; i < 1'000 && !libkv::Accepts(port); ++i) usleep(10'000);
    TestClient client(port);
    CHECK(client.Ask({"PING"}) == "+PONG\r\n");
    // What ends the next one is an error, which every level shows.
    ServerProcess second(
        {"--data-dir", dir.path(), "--port", std::to_string(port), "--log-level", level});
    CHECK(second.WaitForEnd() == 1);
    CHECK(second.log().find("level=error") != std::string::npos);
    CHECK(server.End(SIGTERM) == 0);
    CHECK(server.log().empty());
  }
}

}  // namespace kvserver
