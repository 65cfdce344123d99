#include "base/glob.h"

#include <doctest/doctest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "kvserver/support/redis_server.h"
#include "kvserver/support/test_server.h"

namespace kvserver {

TEST_CASE("stars, question marks, classes and escapes match as in Redis") {
  struct Case {
    std::string_view pattern, text;
    bool matches;
  };
  const Case cases[] = {
      {"h?llo", "hello", true},
      {"h?llo", "hllo", false},
      {"h*llo", "heeello", true},
      {"h*llo", "hllo", true},
      {"h[ae]llo", "hallo", true},
      {"h[ae]llo", "hillo", false},
      {"h[^e]llo", "hallo", true},
      {"h[^e]llo", "hello", false},
      {"h[a-b]llo", "hbllo", true},
      {"h[b-a]llo", "hallo", true},
      {"h\\*llo", "h*llo", true},
      {"h\\*llo", "hello", false},
      {"*", "", true},
      {"", "", true},
      {"", "a", false},
      {"a*b*c", "aXbYc", true},
      {"a*b*c", "aXbY", false},
      {"[\\]]", "]", true},
      {"[ab", "a", true},
      {"[ab", "c", false},
      {"a\\", "a\\", true},
  };
  for (const Case& each : cases) {
    CAPTURE(each.pattern);
    CAPTURE(each.text);
    CHECK(GlobMatches(each.pattern, each.text) == each.matches);
  }
  CHECK(GlobMatches("[A-C]x", "bX", true));
  CHECK(!GlobMatches("[A-C]x", "bX"));
}

TEST_CASE("random patterns match the keys that Redis finds by them") {
  const auto redis = RedisServer::Start();
  if (redis == nullptr) {
    MESSAGE("no redis-server in PATH: patterns are compared with nothing");
    return;
  }
  constexpr uint64_t kSeed = 7;
  constexpr int kKeys = 300, kPatterns = 2'000;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const auto text = [&](std::string_view alphabet, size_t most) {
    std::string result;
    for (size_t i = random() % most; i > 0; --i) result += alphabet[random() % alphabet.size()];
    return result;
  };
  TestClient client(redis->port());
  std::vector<std::string> keys;
  for (int i = 0; i < kKeys; ++i) {
    keys.push_back("a" + text("abc[]^-\\*?", 6));
    client.Ask({"SET", keys.back(), ""});
  }
  for (int i = 0; i < kPatterns; ++i) {
    const std::string pattern = text("abc[[]]^--\\**?", 9);
    CAPTURE(pattern);
    const std::string found = client.Ask({"KEYS", pattern});
    const std::string prefix = GlobPrefix(pattern);
    for (const std::string& key : keys) {
      CAPTURE(key);
      const std::string element = "\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
      const bool matches = GlobMatches(pattern, key);
      REQUIRE(matches == (found.find(element) != std::string::npos));
      if (matches) REQUIRE(key.starts_with(prefix));
    }
  }
}

TEST_CASE("a pattern of many stars does not take exponential time") {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  const auto start = std::chrono::steady_clock::now();
  CHECK(!GlobMatches(pattern + "b", std::string(10'000, 'a')));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

}  // namespace kvserver
