// Merge functions: what they make of siblings, that every order makes the same, and that no other
// function is let in.
#include "cluster/merge_function.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "cluster/stamp.h"

namespace kvserver::cluster {
namespace {

// One sibling per value, the first one the earliest; asserts that no order changes what they make.
std::string Merged(std::string_view name, const std::vector<std::string>& values) {
  const auto function = Merges().Find(name);
  REQUIRE(function.ok());
  std::vector<Sibling> siblings;
  for (size_t i = 0; i < values.size(); ++i) {
    siblings.push_back({values[i], i + 1, {{static_cast<Slot>(9 - i), 1}, 1}});
  }
  const std::string merged = MergeSiblings(**function, siblings);
  const auto earlier = [](const Sibling& a, const Sibling& b) { return a.dot < b.dot; };
  std::sort(siblings.begin(), siblings.end(), earlier);
  do {
    CHECK(MergeSiblings(**function, siblings) == merged);
  } while (std::next_permutation(siblings.begin(), siblings.end(), earlier));
  return merged;
}

MergeFunction Copy(std::string name) {
  MergeFunction function = **Merges().Find("lww");
  function.name = std::move(name);
  return function;
}

std::string Refusal(const MergeFunction& function) {
  MergeFunctions functions;
  return std::string(functions.Register(function).message());
}

Version VersionOf(Slot slot, uint64_t time, std::string value, std::vector<float> vector = {}) {
  Version version;
  version.dot = {{slot, 7}, 1};
  version.time = time;
  version.value = std::move(value);
  version.vector = std::move(vector);
  return version;
}

}  // namespace

TEST_CASE("lww and siblings show the latest write") {
  CHECK(Merged("lww", {"a", "c", "b"}) == "b");
  CHECK(Merged("siblings", {"a", "c", "b"}) == "b");
  CHECK(Merged("lww", {"", "\xFF"}) == "\xFF");
}

TEST_CASE("max and min show a number as it was spelled, and any number before what is none") {
  CHECK(Merged("max", {"10", "9", "-1"}) == "10");
  CHECK(Merged("min", {"10", "9", "-1"}) == "-1");
  CHECK(Merged("max", {"9007199254740993", "9007199254740992.0"}) == "9007199254740993");
  CHECK(Merged("max", {"1.50", "1.5"}) == "1.5");  // equal: the later spelling
  CHECK(Merged("max", {"3", "many", "2"}) == "3");
  CHECK(Merged("min", {"3", "", "2"}) == "2");
  CHECK(Merged("max", {"many", "few"}) == "few");
  CHECK(Merged("max", {"inf", "1"}) == "1");
}

TEST_CASE("set_union shows each element of all arrays once, and the latest if there is no array") {
  CHECK(Merged("set_union", {"[1,2]", "[2, 3]", "[]"}) == "[1,2,3]");
  CHECK(Merged("set_union", {"[{\"a\":1,\"b\":2}]", "[{\"b\": 2, \"a\": 1}]"}) ==
        "[{\"a\":1,\"b\":2}]");
  CHECK(Merged("set_union", {"[\"\\u0061\"]", "[\"a\",\"b\"]"}) == "[\"a\",\"b\"]");
  CHECK(Merged("set_union", {"[1]", "[1.0]"}) == "[1,1.0]");
  CHECK(Merged("set_union", {"[1]", "no array", "{}"}) == "[1]");
  CHECK(Merged("set_union", {"[1", "{}"}) == "{}");
  CHECK(Merged("set_union", {"[3, 1]", "[3, 1]"}) == "[3, 1]");  // equal values stay as they are
}

TEST_CASE("json_merge shows the fields of all objects, of a field that several have the latest") {
  CHECK(Merged("json_merge", {"{\"a\":1,\"b\":1}", "{\"b\":2,\"c\":3}"}) ==
        "{\"a\":1,\"b\":2,\"c\":3}");
  CHECK(Merged("json_merge", {"{\"o\":{\"x\":1}}", "{\"o\":{\"y\":[2]}}"}) ==
        "{\"o\":{\"x\":1,\"y\":[2]}}");
  CHECK(Merged("json_merge", {"{\"o\":{\"x\":1}}", "{\"o\":5}"}) == "{\"o\":5}");
  CHECK(Merged("json_merge", {"{\"o\":5}", "{\"o\":{\"x\":1}}"}) == "{\"o\":{\"x\":1}}");
  CHECK(Merged("json_merge", {"{\"n\":12345678901234567890.10}", "{}"}) ==
        "{\"n\":12345678901234567890.10}");
  CHECK(Merged("json_merge", {"{\"a\":1}", "text", "[1]"}) == "{\"a\":1}");
  CHECK(Merged("json_merge", {"{\"a\":", "text"}) == "text");
  // What was replaced between two objects does not come back as the place itself.
  CHECK(Merged("json_merge", {"{\"o\":{\"x\":1}}", "{\"o\":null}", "{\"o\":{\"y\":2}}"}) ==
        "{\"o\":{\"x\":1,\"y\":2}}");
}

TEST_CASE("a value that would be too long is not made: the latest write is shown") {
  std::vector<std::string> values;
  for (const char c : {'a', 'b'}) {
    values.push_back("[\"" + std::string(kMergedBytesMax / 2 + 100, c) + "\"]");
  }
  CHECK(Merged("set_union", values) == values[1]);
}

TEST_CASE("every order and grouping of random siblings makes the same value") {
  // Goal: replicas agree whatever came first. Method: groups are joined by chance, states only.
  const uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> pool = {"1",
                                         "2.0",
                                         "2",
                                         "-7",
                                         "text",
                                         "",
                                         "[1,2]",
                                         "[2,[3]]",
                                         "[",
                                         "\xFF",
                                         "null",
                                         "{\"a\":{}}",
                                         "{\"a\":1,\"b\":[1]}",
                                         "{\"a\":{\"b\":2}}",
                                         "{\"b\":null}"};
  for (const std::string& name : Merges().names()) {
    const MergeFunction& function = **Merges().Find(name);
    for (int round = 0; round < 300; ++round) {
      std::vector<std::string> states;
      for (uint64_t i = 0; i < 5; ++i) {
        states.push_back(
            function.state({pool[random() % pool.size()], random() % 3, {{1, 1}, i + 1}}));
      }
      std::string expected = states[0];
      for (const std::string& state : states) expected = function.join(expected, state);
      while (states.size() > 1) {
        std::shuffle(states.begin(), states.end(), random);
        const std::string joined = function.join(states[0], states[1]);
        if (random() % 3 != 0) states.erase(states.begin());  // else one of them counts twice
        states[0] = joined;
        if (states.size() > 8) states.pop_back();
        if (random() % 3 == 0 && states.size() < 4) states.push_back(joined);
      }
      CHECK_MESSAGE(states[0] == expected, name);
    }
  }
}

TEST_CASE("a function that breaks a property is refused, and the property is named") {
  MergeFunction first = Copy("first");
  first.join = [](std::string_view a, std::string_view) { return std::string(a); };
  CHECK(Refusal(first).find("'first' is not commutative: of ") != std::string::npos);

  MergeFunction sum = Copy("sum");
  sum.join = [](std::string_view a, std::string_view b) {
    std::string both = std::string(a) + std::string(b);
    std::sort(both.begin(), both.end());
    return both;
  };
  CHECK(Refusal(sum).find("'sum' is not idempotent: ") != std::string::npos);

  // Of three, what is kept depends on which two meet first.
  MergeFunction beats = Copy("beats");
  beats.state = [](const Sibling& write) { return std::to_string(write.value.size() % 3); };
  beats.join = [](std::string_view a, std::string_view b) {
    const int x = a[0] - '0', y = b[0] - '0';
    return std::string((x + 1) % 3 == y ? b : a);
  };
  beats.value = [](std::string_view state) { return std::string(state); };
  CHECK(Refusal(beats).find("'beats' is not associative: of ") != std::string::npos);

  MergeFunction counting = Copy("counting");
  counting.state = [calls = std::make_shared<int>(0)](const Sibling&) {
    return std::to_string(++*calls);
  };
  CHECK(Refusal(counting).find("'counting' is not deterministic: ") != std::string::npos);

  MergeFunction throwing = Copy("throwing");
  throwing.state = [](const Sibling& write) -> std::string {
    if (write.value.empty()) throw std::runtime_error("no value");
    return std::string(write.value);
  };
  throwing.join = [](std::string_view a, std::string_view b) {
    return std::string(std::max(a, b));
  };
  throwing.value = [](std::string_view state) { return std::string(state); };
  CHECK(Refusal(throwing).find("it throws no value") != std::string::npos);

  MergeFunction partial = Copy("partial");
  partial.value = nullptr;
  CHECK(Refusal(partial).find("'partial' is not complete") != std::string::npos);
  CHECK(Refusal(Copy("Upper case")).find("the name of a merge function") != std::string::npos);
  CHECK(Refusal(Copy("max")) == "there is a merge function 'max' already");
}

TEST_CASE("a function that keeps the properties is there from then on") {
  MergeFunctions functions;
  REQUIRE(functions.Register(Copy("another")).ok());
  REQUIRE(functions.Find("another").ok());
  CHECK(functions.Find("no_such").status().message() ==
        "conflict must be one of another, json_merge, lww, max, min, set_union, siblings, not "
        "'no_such'");
}

TEST_CASE("a record shows the merged value, and keeps every sibling") {
  const MergeFunction* const merge = *Merges().Find("set_union");
  ActorTable actors;
  const std::vector<Version> versions = {VersionOf(1, 5, "[1]", {1, 2}),
                                         VersionOf(2, 9, "[2]", {3, 4}), VersionOf(3, 7, "x")};
  const StoredRecord record = EncodeRecord(versions, actors, merge);
  CHECK(record.value == "[1,2]");
  CHECK(record.vector == std::vector<float>{3, 4});  // of the latest that has one
  CHECK(!StampHasVector(record.stamp));              // all of them are in the stamp
  const auto decoded = DecodeRecord(record, actors);
  REQUIRE(decoded.ok());
  CHECK(*decoded == versions);
  // Where a sibling has the value already it is not kept twice.
  const std::vector<Version> same = {VersionOf(1, 5, "[1,2]", {1, 2}), VersionOf(2, 9, "[2]")};
  const StoredRecord shorter = EncodeRecord(same, actors, merge);
  CHECK(shorter.value == "[1,2]");
  CHECK(shorter.vector == std::vector<float>{1, 2});
  CHECK(StampHasVector(shorter.stamp));
  REQUIRE(DecodeRecord(shorter, actors).ok());
  CHECK(*DecodeRecord(shorter, actors) == same);
}

TEST_CASE("counters add to the number that the merged registers make") {
  const MergeFunction* const merge = *Merges().Find("max");
  std::vector<Version> versions = {VersionOf(1, 5, "100"), VersionOf(2, 9, "50"),
                                   VersionOf(3, 7, "3")};
  versions[2].kind = Kind::kCounter;
  CHECK(Resolve(versions, merge).value == "103");
  CHECK(Resolve(versions).value == "53");
  versions[0].value = "much";
  CHECK(Resolve(versions, merge).value == "53");
}

}  // namespace kvserver::cluster
