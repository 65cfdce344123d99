// The verbs of the JSON protocols, and the shapes of their replies.
#include "protocol/json_dialect.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "command/table.h"
#include "protocol/json_shapes.h"

namespace kvserver {
namespace {

std::string Shaped(JsonShape shape, std::string_view json, std::string_view name = "result",
                   bool is_null = false) {
  std::string out;
  shape({.name = name, .json = json, .is_null = is_null}, out);
  return out;
}

bool HasParameter(const Command& command, std::string_view name) {
  if (name.ends_with("_b64")) name.remove_suffix(4);
  return std::any_of(command.parameters.begin(), command.parameters.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
}

constexpr std::string_view kHits =
    R"({"total":2,"hits":[{"key":"a","score":1.5,"html":"<em>x<\/em>"},)"
    R"({"key":{"b64":"/w=="},"score":1}]})";

}  // namespace

TEST_CASE("what a verb renames and adds, its command knows") {
  for (const JsonDialect* dialect : {&LineDialect(), &FramedDialect()}) {
    for (const JsonVerb& verb : dialect->verbs) {
      CAPTURE(verb.name);
      const Command* const command = FindCommand(verb.command);
      WARN_MESSAGE(command != nullptr, "there is no " << verb.command);
      if (command == nullptr) continue;
      for (const JsonVerb::Rename& rename : verb.renames) {
        CHECK_MESSAGE(HasParameter(*command, rename.to), rename.to);
        CHECK_MESSAGE(!HasParameter(*command, rename.from), rename.from);
      }
      for (const JsonField& constant : verb.constants) {
        CHECK_MESSAGE(HasParameter(*command, constant.name), constant.name);
      }
    }
  }
}

TEST_CASE("verbs are found in any case, and the first row that fits counts") {
  const std::vector<JsonField> none, amount = {{JsonField::kNumber, "amount", "5"}};
  CHECK(FindVerb(LineDialect(), "bulk_set", none)->command == "kv.bulkset");
  CHECK(FindVerb(LineDialect(), "Incr", amount)->command == "incrby");
  CHECK(FindVerb(LineDialect(), "INCR", none) == nullptr);
  CHECK(FindVerb(LineDialect(), "BULK", none) == nullptr);
  CHECK(FindVerb(FramedDialect(), "BULK", none)->command == "kv.bulkset");
}

TEST_CASE("hits as a list, as similarities and as columns") {
  CHECK(
      Shaped(HitsAsList, kHits) ==
      R"("result":[{"key":"a","score":1.5,"html":"<em>x</em>"},{"key":{"b64":"/w=="},"score":1}])");
  CHECK(Shaped(HitsAsSimilarities, kHits) ==
        R"("result":[{"key":"a","similarity":1.5},{"key":{"b64":"/w=="},"similarity":1}])");
  CHECK(Shaped(HitsAsColumns, kHits) ==
        R"("keys":["a",{"b64":"/w=="}],"scores":[1.5,1],"excerpts":["<em>x</em>",""])");
  CHECK(Shaped(HitsAsColumns, R"({"hits":[]})") == R"("keys":[],"scores":[],"excerpts":[])");
  CHECK(Shaped(EntriesAsKeys, R"([{"key":"a","value":5},{"key":"b","value":"x"}])") ==
        R"("result":["a","b"])");
}

TEST_CASE("a reply that looks otherwise is shown as it is") {
  for (const JsonShape shape : {HitsAsList, HitsAsSimilarities, HitsAsColumns}) {
    CHECK(Shaped(shape, "\"QUEUED\"") == "\"result\":\"QUEUED\"");
    CHECK(Shaped(shape, "{\"total\":0}") == "\"result\":{\"total\":0}");
  }
  CHECK(Shaped(EntriesAsKeys, "\"QUEUED\"") == "\"result\":\"QUEUED\"");
}

TEST_CASE("a value has a meta that tells a stored null from none") {
  CHECK(Shaped(ValueAndMeta, "null", "val", true) == R"("val":null,"meta":{"found":false})");
  CHECK(Shaped(ValueAndMeta, "null", "val") == R"("val":null,"meta":{"found":true})");
  CHECK(Shaped(ValueAndMeta, "\"/w==\"", "val_b64") == R"("val_b64":"/w==","meta":{"found":true})");
}

}  // namespace kvserver
