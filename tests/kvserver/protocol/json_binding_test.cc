// How JSON members become the arguments of a command.
#include "protocol/json_binding.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace kvserver {
namespace {

using Words = std::vector<std::string>;

constexpr Parameter kPlain[] = {
    {.name = "key", .type = Parameter::kKey},
    {.name = "count", .type = Parameter::kInteger, .token = "COUNT", .optional = true},
    {.name = "weight", .type = Parameter::kNumber, .token = "WEIGHT", .optional = true},
    {.name = "fast", .type = Parameter::kFlag, .token = "FAST", .optional = true},
    {.name = "start", .type = Parameter::kInteger, .optional = true},
    {.name = "end", .type = Parameter::kInteger, .optional = true},
};
constexpr Parameter kMany[] = {{.name = "key", .type = Parameter::kKey, .many = true}};
constexpr Parameter kItems[] = {{.name = "items", .type = Parameter::kItems, .many = true}};
constexpr Parameter kVector[] = {{.name = "key", .type = Parameter::kKey},
                                 {.name = "vector", .type = Parameter::kVector},
                                 {.name = "element"}};
constexpr Parameter kValue[] = {{.name = "key", .type = Parameter::kKey}, {.name = "value"}};

constexpr Parameter kTokens[] = {
    {.name = "query"},
    {.name = "filters",
     .type = Parameter::kItems,
     .token = "FIELD",
     .optional = true,
     .many = true,
     .token_each = true},
    {.name = "facets", .token = "FACET", .optional = true, .many = true, .token_each = true},
    {.name = "vector", .type = Parameter::kVector, .optional = true}};
constexpr Parameter kRange[] = {{.name = "path"},
                                {.name = "min", .token = "MIN", .optional = true}};

constexpr Command kSearchCommand = {
    .name = "kv.search", .arity = -2, .flags = 0, .parameters = kTokens};
constexpr Command kQueryCommand = {
    .name = "kv.queryindex", .arity = -2, .flags = 0, .parameters = kRange};
constexpr Command kPlainCommand = {.name = "plain", .arity = -2, .flags = 0, .parameters = kPlain};
constexpr Command kManyCommand = {.name = "del", .arity = -2, .flags = 0, .parameters = kMany};
constexpr Command kItemsCommand = {.name = "mset", .arity = -3, .flags = 0, .parameters = kItems};
constexpr Command kVectorCommand = {.name = "vadd", .arity = -4, .flags = 0, .parameters = kVector};
constexpr Command kSetCommand = {.name = "set", .arity = -3, .flags = 0, .parameters = kValue};
constexpr Command kAppendCommand = {.name = "append", .arity = 3, .flags = 0, .parameters = kValue};
constexpr Command kSubcommand = {.name = "client|list", .arity = -2, .flags = 0};

// The arguments, or the error as one word.
Words Bind(const Command& command, std::string_view json) {
  Arena arena;
  Request request;
  const absl::Status status = BindJson(json, command, arena, request);
  if (!status.ok()) return {"! " + std::string(status.message())};
  return Words(request.args.begin(), request.args.end());
}

}  // namespace

TEST_CASE("arguments come in the order of the row, with their tokens") {
  CHECK(Bind(kPlainCommand, R"({"key":"k"})") == Words{"plain", "k"});
  CHECK(Bind(kPlainCommand, R"({"fast":true,"weight":1.50,"count":7,"key":"k"})") ==
        Words{"plain", "k", "COUNT", "7", "WEIGHT", "1.50", "FAST"});
  CHECK(Bind(kPlainCommand, R"({"key":"k","fast":false,"count":null})") == Words{"plain", "k"});
  CHECK(Bind(kPlainCommand, R"({"key":5,"count":"12"})") == Words{"plain", "5", "COUNT", "12"});
  CHECK(Bind(kPlainCommand, R"({"key":"k","start":0,"end":-1})") == Words{"plain", "k", "0", "-1"});
  CHECK(Bind(kPlainCommand, R"({"key_b64":"AP8="})") == Words{"plain", std::string("\0\xff", 2)});
  CHECK(Bind(kSubcommand, "{}") == Words{"client", "list"});
}

TEST_CASE("what may be many is an array or one") {
  CHECK(Bind(kManyCommand, R"({"key":"a"})") == Words{"del", "a"});
  CHECK(Bind(kManyCommand, R"({"key":["a",5,"c"]})") == Words{"del", "a", "5", "c"});
  CHECK(Bind(kManyCommand, R"({"key_b64":["YQ==","Yg=="]})") == Words{"del", "a", "b"});
  CHECK(Bind(kManyCommand, R"({"key":[]})")[0] ==
        "! 'key' must be one or more, not an empty array");
  CHECK(Bind(kManyCommand, R"({"key":["a",{}]})")[0] == "! 'key' must be a string");
}

TEST_CASE("items have three spellings") {
  const Words expected = {"mset", "a", "1", "b", "\"1\"", "c", R"({"x":[1,null]})"};
  CHECK(Bind(kItemsCommand, R"({"items":{"a":1,"b":"1","c":{"x": [1, null]}}})") == expected);
  CHECK(Bind(kItemsCommand, R"({"items":[["a",1],["b","1"],["c",{"x": [1, null]}]]})") == expected);
  CHECK(
      Bind(kItemsCommand, R"({"items":[{"key":"a","value":1},{"value_b64":"IjEi","key_b64":"Yg=="},
      {"key":"c","value":{"x":[1, null]}}]})") == expected);
  const std::string error = Bind(kItemsCommand, R"({"items":[["a"]]})")[0];
  CHECK(error.find("'items' must be an object, an array of [key, value]") != std::string::npos);
  for (const char* wrong :
       {R"({"items":5})", R"({"items":[1]})", R"({"items":[["a",1,2]]})",
        R"({"items":[{"key":"a"}]})", R"({"items":[{"key":"a","value":1,"more":2}]})",
        R"({"items":[[{},1]]})", R"({"items":[{"key":"a","value_b64":"A"}]})",
        R"({"items":"a"})"}) {
    CHECK_MESSAGE(Bind(kItemsCommand, wrong)[0] == error, wrong);
  }
  CHECK(Bind(kItemsCommand, R"({"items":{}})")[0] == "! 'items' must be one item or more");
  CHECK(Bind(kItemsCommand, R"({"items":{"a":1,"a":2}})")[0] == "! 'items': 'a' is there twice");
}

TEST_CASE("tokens stand before each of many where the row says so") {
  CHECK(Bind(kSearchCommand,
             R"({"facets":["a","b"],"query":"q","vector":[1],"filters":{"year":5,"name":"5"}})") ==
        Words{"kv.search", "q", "FIELD", "year", "5", "FIELD", "name", "\"5\"", "FACET", "a",
              "FACET", "b", "VALUES", "1", "1"});
  CHECK(Bind(kSearchCommand, R"({"facets":"a","query":"q"})") ==
        Words{"kv.search", "q", "FACET", "a"});
  CHECK(Bind(kQueryCommand, R"({"path":"p","min":5})") == Words{"kv.queryindex", "p", "MIN", "5"});
  CHECK(Bind(kQueryCommand, R"({"path":"p","min":"5"})") ==
        Words{"kv.queryindex", "p", "MIN", "\"5\""});
}

TEST_CASE("a vector is an array of numbers, or FP32 in base64") {
  CHECK(Bind(kVectorCommand, R"({"key":"k","vector":[1,-2.5,1e-3],"element":"e"})") ==
        Words{"vadd", "k", "VALUES", "3", "1", "-2.5", "1e-3", "e"});
  CHECK(Bind(kVectorCommand, R"({"key":"k","vector_b64":"AAAAAA==","element":"e"})") ==
        Words{"vadd", "k", "FP32", std::string(4, '\0'), "e"});
  CHECK(Bind(kVectorCommand, R"({"key":"k","vector":[1,"2"],"element":"e"})")[0] ==
        "! 'vector' must be an array of numbers");
  CHECK(Bind(kVectorCommand, R"({"key":"k","vector":"a","element":"e"})")[0] ==
        "! 'vector' must be an array of numbers");
}

TEST_CASE("the value of SET is any JSON value, that of APPEND a plain string") {
  CHECK(Bind(kSetCommand, R"({"key":"k","value":"5"})") == Words{"set", "k", "\"5\""});
  CHECK(Bind(kSetCommand, R"({"key":"k","value":null})") == Words{"set", "k", "null"});
  CHECK(Bind(kSetCommand, R"({"key":"k","value_b64":"gA=="})") == Words{"set", "k", "\x80"});
  CHECK(Bind(kAppendCommand, R"({"key":"k","value":"5"})") == Words{"append", "k", "5"});
  CHECK(Bind(kAppendCommand, R"({"key":"k","value":true})") == Words{"append", "k", "true"});
  CHECK(Bind(kAppendCommand, R"({"key":"k","value":[]})")[0] == "! 'value' must be a string");
}

TEST_CASE("every mistake is one sentence that names it") {
  const auto error = [](std::string_view json) { return Bind(kPlainCommand, json)[0]; };
  const std::string names = "; plain takes key, count, weight, fast, start, end";
  CHECK(error("{}") == "! 'key' is missing" + names);
  CHECK(error(R"({"key":null})") == "! 'key' must be a string");
  CHECK(error(R"({"key":"k","other":1})") == "! unknown name 'other'" + names);
  CHECK(error(R"({"key":"k","Count":1})") == "! unknown name 'Count'" + names);
  CHECK(error(R"({"key":"k","count_b64":"MQ=="})") == "! unknown name 'count_b64'" + names);
  CHECK(error(R"({"key":"k","key_b64":"MQ=="})") == "! 'key' is there twice");
  CHECK(error(R"({"key":"k","key":"k"})") == "! 'key' is there twice");
  CHECK(error(R"({"key":{}})") == "! 'key' must be a string");
  CHECK(error(R"({"key":true})") == "! 'key' must be a string");
  CHECK(error(R"({"key_b64":5})") == "! 'key_b64' must be a string in base64");
  for (const char* wrong : {"A", "AA", "AA=", "A===", "AB==", "AAB=", "AA==AA==", "A A=", "AA-_"}) {
    CHECK_MESSAGE(error(R"({"key_b64":")" + std::string(wrong) + "\"}") ==
                      "! 'key_b64' must be base64, with its padding",
                  wrong);
  }
  for (const char* wrong : {"1.5", "1e3", "\"\"", "\"x\"", "true", "[1]", "{}", "1.0"}) {
    CHECK_MESSAGE(error(R"({"key":"k","count":)" + std::string(wrong) + "}") ==
                      "! 'count' must be an integer",
                  wrong);
  }
  CHECK(error(R"({"key":"k","weight":"heavy"})") == "! 'weight' must be a number");
  CHECK(error(R"({"key":"k","fast":1})") == "! 'fast' must be true or false");
  CHECK(error(R"({"key":"k","end":1})") == "! 'end' needs 'start' too");
  CHECK(Bind(kSubcommand, R"({"a":1})")[0] == "! unknown name 'a'; client|list takes no names");
}

}  // namespace kvserver
