#include "text/json_text.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace libkv {
namespace {

using V = std::vector<std::string>;

// Every leaf as "path=text", numbers as "path#text".
V Leaves(std::string_view value, bool* is_json = nullptr) {
  V leaves;
  const bool json = ForEachJsonLeaf(value, [&](std::string_view path, const JsonLeaf& leaf) {
    const char* sign = leaf.kind == JsonLeaf::Kind::kString   ? "="
                       : leaf.kind == JsonLeaf::Kind::kNumber ? "#"
                                                              : "?";
    leaves.push_back(std::string(path) + sign + std::string(leaf.text));
  });
  if (is_json != nullptr) *is_json = json;
  return leaves;
}

TEST_CASE("every leaf comes with the dotted names above it, in the order of the document") {
  CHECK(Leaves(R"({"a":"x","b":{"c":[1,{"d":"y"},[2.50,"z"]],"e":true},"a":null})") ==
        V{"a=x", "b.c#1", "b.c.d=y", "b.c#2.50", "b.c=z", "b.e?true", "a?null"});
  CHECK(Leaves(R"(["p", {"q":"r"}, -7, 1e3, 18446744073709551615])") ==
        V{"=p", "q=r", "#-7", "#1e3", "#18446744073709551615"});
  CHECK(Leaves(" \n{ } ") == V{});
  CHECK(Leaves(R"({"":{"":"x"},"a":{"":"y"}})") == V{".=x", "a.=y"});
  CHECK(Leaves(R"({"u":"\u00e9\ud83d\ude00\n"})") == V{"u=\xC3\xA9\xF0\x9F\x98\x80\n"});
}

TEST_CASE("a number brings its value") {
  std::vector<double> numbers;
  REQUIRE(ForEachJsonLeaf("[1, -2, 2.5, 1e300, 0]", [&](std::string_view, const JsonLeaf& leaf) {
    numbers.push_back(leaf.number);
  }));
  CHECK(numbers == std::vector<double>{1, -2, 2.5, 1e300, 0});
}

TEST_CASE("what is not a whole JSON document delivers nothing") {
  for (const char* value :
       {"", "  ", "word", "\"string\"", "12", "true", "{", "}", "[1,2", R"({"a":"x",})",
        R"({"a":"x"} y)", R"({"a":"x"}{"b":"y"})", "{'a':'x'}", "[1e999]", "[\"\xFF\"]",
        "// no\n{}", R"(["\ud800"])", "[\"tab\tin string\"]", "{\"a\":\"x\"\xC2\xA0}"}) {
    CAPTURE(value);
    bool is_json = true;
    CHECK(Leaves(value, &is_json) == V{});
    CHECK_FALSE(is_json);
  }
}

TEST_CASE("depth and long names take neither stack nor quadratic memory") {
  constexpr size_t kDepth = 1'000'000;
  bool is_json = false;
  const std::string deep = std::string(kDepth, '[') + "\"x\"" + std::string(kDepth, ']');
  CHECK(Leaves(deep, &is_json) == V{"=x"});
  CHECK(is_json);
  Leaves(std::string(kDepth, '['), &is_json);
  CHECK_FALSE(is_json);

  // 1 MiB of name above 100,000 leaves: 100 GiB of paths if each leaf kept its own.
  std::string wide = "{\"" + std::string(1 << 20, 'n') + "\":{\"a\":0";
  for (int i = 0; i < 100'000; ++i) wide += ",\"b\":1";
  wide += "}}";
  size_t count = 0, bytes = 0;
  CHECK(ForEachJsonLeaf(wide, [&](std::string_view path, const JsonLeaf&) {
    ++count;
    bytes = path.size();
  }));
  CHECK(count == 100'001);
  CHECK(bytes == (1 << 20) + 2);
}

TEST_CASE("the indexed text of JSON is its strings, or the fields that were asked for") {
  const std::string value =
      R"({"title":"One","year":1999.50,"tags":["x","y",3],"by":{"name":"Ada"},"ok":true})";
  CHECK(IndexedText(value, {}) == "One\nx\ny\nAda");
  CHECK(IndexedText(value, V{"by.name", "title"}) == "Ada\nOne");
  CHECK(IndexedText(value, V{"tags", "missing", "year"}) == "x\ny\n3\n1999.50");
  CHECK(IndexedText(value, V{"by"}).empty());
  CHECK(IndexedText(R"({"title":""})", V{"title", "title"}).empty());
}

TEST_CASE("the indexed text of other values is the value, of binary data nothing") {
  CHECK(IndexedText("plain words", {}) == "plain words");
  CHECK(IndexedText("plain words", V{"title"}) == "plain words");
  CHECK(IndexedText("{broken json", V{"title"}) == "{broken json");
  CHECK(IndexedText("{\"a\": 1", {}) == "{\"a\": 1");
  CHECK(IndexedText("{\"a\":\"x\"} trailing", {}) == "{\"a\":\"x\"} trailing");
  CHECK(IndexedText(std::string("a\0b", 3), {}).empty());
  CHECK(IndexedText("\x01\x02\x03\xFF", {}).empty());
}

TEST_CASE("broken JSON of any kind is survived") {
  // Goal: no crash and no leaf unless the whole is valid. Method: a valid document with bytes
  // changed, cut out and repeated at random.
  const std::string valid = R"({"a":[1,2.5,{"b":"\u00e9x"}],"c":{"d":null,"e":[true,"f"]}})";
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string value = valid;
    for (size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = random() % value.size();
      switch (random() % 3) {
        case 0:
          value[at] = static_cast<char>(random());
          break;
        case 1:
          value.erase(at, 1 + random() % 4);
          break;
        default:
          value.insert(at, value.substr(random() % value.size(), random() % 6));
      }
      if (value.empty()) value = "{";
    }
    CAPTURE(value);
    bool is_json = false;
    const V leaves = Leaves(value, &is_json);
    if (!is_json) {
      REQUIRE(leaves.empty());
    }
  }
}

}  // namespace
}  // namespace libkv
