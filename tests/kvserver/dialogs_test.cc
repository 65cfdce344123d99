// Every dialog of tests/dialogs through every protocol.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kvserver/support/speakers.h"
#include "kvserver/support/test_server.h"
#include "protocol/resp_parser.h"

namespace kvserver {
namespace {

struct Turn {
  int line;
  std::vector<std::string> words;
  std::string answer;
  bool over_http = true;
};

std::vector<Turn> ReadDialog(const std::filesystem::path& path) {
  std::vector<Turn> turns;
  std::ifstream file(path);
  REQUIRE(file.good());
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    CAPTURE(path);
    CAPTURE(number);
    if (line[0] == '>' || line[0] == '~') {
      REQUIRE(line.size() > 2);
      Turn& turn = turns.emplace_back();
      turn.line = number;
      turn.over_http = line[0] == '>';
      // JSON in braces and brackets needs no quotes: its words are taken as they are.
      const size_t json = line.find_first_of("{[");
      const std::string_view words = std::string_view(line).substr(2, json - 2);
      REQUIRE(SplitWords(words, turn.words));
      if (json != std::string::npos) turn.words.push_back(line.substr(json));
    } else {
      REQUIRE(line[0] == '<');
      REQUIRE(!turns.empty());
      if (line.size() > 2) turns.back().answer = line.substr(2);
    }
  }
  return turns;
}

bool Agrees(const std::string& expected, const std::string& answer) {
  if (!expected.starts_with("!")) return answer == expected;
  const std::string text = expected.size() > 2 ? expected.substr(2) : "";
  return answer.starts_with("!") && answer.find(text) != std::string::npos;
}

std::vector<std::filesystem::path> Dialogs() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(LIBKV_SOURCE_DIR) / "tests" / "dialogs")) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

TEST_CASE("every dialog has the same answers in every protocol") {
  const auto paths = Dialogs();
  CHECK(paths.size() >= 12);
  TestServer server;
  TestClient cleaner(server.port());
  std::map<std::string, int> asked;
  int left_out = 0;
  for (const auto& path : paths) {
    const std::vector<Turn> turns = ReadDialog(path);
    CHECK(turns.size() >= 5);
    for (const SpeakerMaker& maker : AllSpeakers()) {
      REQUIRE(cleaner.Ask({"FLUSHALL"}) == "+OK\r\n");
      const auto speaker = maker.connect(server.port());
      for (const Turn& turn : turns) {
        if (maker.protocol == "HTTP" && !turn.over_http) {
          ++left_out;
          continue;
        }
        const std::optional<std::string> answer = speaker->Ask(turn.words);
        const std::string where = path.filename().string() + ":" + std::to_string(turn.line) + " " +
                                  std::string(maker.protocol) + ": ";
        REQUIRE_MESSAGE(answer.has_value(), where << "no way to ask that; mark it with ~");
        CHECK_MESSAGE(Agrees(turn.answer, *answer), where << *answer << ", not: " << turn.answer);
        ++asked[std::string(maker.protocol)];
      }
    }
  }
  MESSAGE(left_out << " requests of " << asked["RESP"] << " are left out for HTTP, as marked");
  CHECK(asked["HTTP"] == asked["RESP"] - left_out);
  CHECK(left_out < asked["RESP"] / 4);
}

}  // namespace kvserver
