// The small helpers: top-k, growing arrays, UTF-8, messages.
#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/growing_array.h"
#include "base/strings.h"
#include "base/top_k.h"
#include "base/utf8.h"

namespace libkv {
namespace {

TEST_CASE("top-k keeps what a full sort would put first") {
  std::mt19937 random(7);
  for (const size_t limit : {0, 1, 3, 10, 500}) {
    TopK<int, std::greater<>> top(limit);
    std::vector<int> all;
    for (int i = 0; i < 300; ++i) {
      const int n = static_cast<int>(random() % 100);
      all.push_back(n);
      const bool would = top.WouldKeep(n);
      const size_t before = top.size();
      top.Push(n);
      if (top.size() > before) CHECK(would);
    }
    std::sort(all.begin(), all.end(), std::greater<>());
    all.resize(std::min(limit, all.size()));
    CHECK(top.TakeSorted() == all);
  }
}

TEST_CASE("a growing array can be read while it grows") {
  // Goal: a reader never sees an unfinished element. Method: each element is a string that knows
  // its own index; a reader checks all it may see, again and again.
  GrowingArray<std::string, 4> array;
  constexpr size_t kCount = 20'000;
  std::atomic<bool> wrong{false};
  std::thread reader([&] {
    for (size_t seen = 0; seen < kCount;) {
      seen = array.size();
      for (size_t i = seen > 50 ? seen - 50 : 0; i < seen; ++i) {
        if (array[i] != std::to_string(i)) wrong = true;
      }
    }
  });
  for (size_t i = 0; i < kCount; ++i) array.Append(std::to_string(i));
  reader.join();
  CHECK_FALSE(wrong);
  for (size_t i = 0; i < kCount; ++i) REQUIRE(array[i] == std::to_string(i));
}

TEST_CASE("bytes that are not UTF-8 become replacement characters, one for each broken part") {
  struct Case {
    std::string in, out;
  };
  const std::string fffd = "\xEF\xBF\xBD";
  const Case cases[] = {
      {"plain", "plain"},
      {"caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80", "caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80"},
      {"\xFF", fffd},
      {"a\x80"
       "b",
       "a" + fffd + "b"},
      {"\xC0\xAF", fffd + fffd},             // overlong
      {"\xED\xA0\x80", fffd + fffd + fffd},  // a surrogate
      {"\xF4\x90\x80\x80", fffd + fffd + fffd + fffd},
      {"\xE4\xB8", fffd},  // cut off
      {"\xE4\xB8"
       "x",
       fffd + "x"},
  };
  for (const Case& c : cases) {
    CHECK(ToValidUtf8(c.in) == c.out);
    CHECK(IsValidUtf8(c.in) == (c.in == c.out));
    CHECK(IsValidUtf8(c.out));
  }
}

TEST_CASE("text is told from binary") {
  CHECK(LooksLikeText(""));
  CHECK(LooksLikeText("hello\n\tworld"));
  CHECK(LooksLikeText("mostly text with one bad \xFF byte"));
  CHECK_FALSE(LooksLikeText(std::string("zero\0byte", 9)));
  CHECK_FALSE(LooksLikeText("\x01\x02\x03\xFF\xFE"));
}

TEST_CASE("messages show any bytes and stay short") {
  CHECK(Printable("key\n\xFF") == "key\\x0a\\xff");
  CHECK(Printable(std::string(100, 'a')) == std::string(64, 'a') + "...");
  CHECK(Concat("a", 1, std::string("b"), std::string_view("c")) == "a1bc");
}

}  // namespace
}  // namespace libkv
