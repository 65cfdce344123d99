// Definitions of spaces as one line of text.
#include "command/space_text.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "command/embedders.h"
#include "command/made_vectors.h"
#include "command/parked_vector.h"

namespace kvserver {
namespace {

std::string RoundTrip(std::string_view text) {
  const auto space = ParseSpace(text);
  if (!space.ok()) return std::string(space.status().message());
  return SpaceText(*space);
}

}  // namespace

TEST_CASE("a definition is read, and its text reads as the same") {
  const auto space = ParseSpace(
      "doc::TEXT,analyzer=german,textfields=title;body,learn,values,fields=year;author.name");
  REQUIRE(space.ok());
  CHECK(space->prefix == "doc:");
  CHECK(space->text);
  CHECK(space->analyzer->id() == "german/1");
  CHECK(space->text_fields == std::vector<std::string>{"title", "body"});
  CHECK(space->learn);
  CHECK(space->values);
  CHECK(space->fields == std::vector<std::string>{"year", "author.name"});
  for (const std::string_view text :
       {":text", "a:dimension=3,metric=l2,precision=f16", "a::b::embedder=hash,metric=ip",
        "v:dimension=3,memory=bits", "d:embedder=hash,deferred",
        "doc::analyzer=german,textfields=title;body,learn,values,fields=year;author.name"}) {
    CHECK(RoundTrip(text) == text);
  }
  CHECK(RoundTrip("a:embedder=none,text,") == "a:text");
  CHECK(RoundTrip("a:dimension=2,memory=codes") == "a:dimension=2");
  CHECK(ParseSpace("a:dimension=2,MEMORY=BITS")->vector_memory == libkv::VectorMemory::kBits);
  CHECK(ParseSpace("a:embedder=hash,deferred")->deferred);
  CHECK(RoundTrip("a:analyzer=simple/1") == "a:analyzer=simple");
}

TEST_CASE("a definition names what merges siblings, and lww is what there is without it") {
  CHECK(RoundTrip("cart::conflict=set_union") == "cart::conflict=set_union");
  CHECK(RoundTrip("cart::CONFLICT=json_merge,text") == "cart::text,conflict=json_merge");
  CHECK(RoundTrip("cart::text,conflict=lww") == "cart::text");
  CHECK(RoundTrip("cart::conflict=newest") ==
        "conflict must be one of json_merge, lww, max, min, set_union, siblings, not 'newest'");
  const auto alone = ParseSpace("cart::conflict=max");
  REQUIRE(alone.ok());
  CHECK(!AsksForIndex(*alone));
  CHECK(AsksForIndex(*ParseSpace("cart::conflict=max,fields=a")));
}

TEST_CASE(
    "a definition may name an embedder that this process was given, or that it will not miss") {
  class Two : public libkv::Embedder {
   public:
    std::string identity() const override { return "two/1"; }
    size_t dimension() const override { return 2; }
    absl::Status Embed(libkv::EmbedKind, std::span<const std::string_view>,
                       std::span<float>) const override {
      return absl::OkStatus();
    }
  };
  REQUIRE(NamedEmbedders().Add("two", std::make_shared<Two>()).ok());
  CHECK(NamedEmbedders().Add("hash", std::make_shared<Two>()).code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(NamedEmbedders().Add("Two words", std::make_shared<Two>()).code() ==
        absl::StatusCode::kInvalidArgument);
  const auto space = ParseSpace("a:embedder=two,dimension=2");
  REQUIRE(space.ok());
  CHECK(space->embedder->dimension() == 2);
  CHECK(SpaceText(*space) == "a:embedder=two,dimension=2");
  CHECK(RoundTrip("a:embedder=three") == "embedder must be hash, two or none, not 'three'");
  SpaceDefinition other;
  CHECK(SetSpaceOption(other, "embedder", "three", false).ok());
  CHECK(other.embedder == nullptr);
  CHECK(other.embedder_name == "three");
  NamedEmbedders().Remove("two");
}

TEST_CASE("the text that is embedded is that of the strings, or of the fields that count") {
  CHECK(EmbeddedText("plain text", {}) == "plain text");
  CHECK(EmbeddedText("{\"b\":\"two\",\"a\":[\"one\",1]}", {}) == "one two");
  CHECK(EmbeddedText("{\"a\":{\"b\":[{\"c\":\"x\"},{\"c\":\"y\"}]},\"d\":\"z\"}", {"d", "a.b.c"}) ==
        "z x y");
  CHECK(EmbeddedText("{\"a\":1}", {"a"}).empty());
  CHECK(EmbeddedText("\xFF\xFE", {}).empty());
  CHECK(EmbeddedText("17", {"a"}) == "17");
}

TEST_CASE("a parked vector leaves the stamp as it was") {
  const std::vector<float> vector = {1, -2.5f};
  const std::string parked = ParkVector("\x10stamp", vector);
  CHECK(HasParkedVector(parked));
  CHECK(!HasParkedVector("\x10stamp"));
  CHECK(!HasParkedVector(""));
  std::vector<float> read;
  CHECK(UnparkVector(parked, &read) == "\x10stamp");
  CHECK(read == vector);
  CHECK(UnparkVector(parked, nullptr) == "\x10stamp");
  read.clear();
  CHECK(UnparkVector("\x10stamp", &read) == "\x10stamp");
  CHECK(read.empty());
}

TEST_CASE("what is wrong with a definition is named") {
  CHECK(RoundTrip("text") == "a space is prefix:options, and 'text' has no colon");
  CHECK(RoundTrip("a:txt") == "unknown option 'txt' of the space 'a:txt'");
  CHECK(RoundTrip("a:text=1") == "option 'text' of the space 'a:text=1' takes no value");
  CHECK(RoundTrip("a:fields") == "option 'fields' of the space 'a:fields' needs =value");
  CHECK(RoundTrip("a:fields=") == "fields needs at least one path");
  CHECK(RoundTrip("a:dimension=0") == "dimension must be an integer from 1 to 8192, not '0'");
  CHECK(RoundTrip("a:metric=x") == "metric must be cosine, l2 or ip, not 'x'");
  CHECK(RoundTrip("a:precision=x") == "precision must be f32 or f16, not 'x'");
  CHECK(RoundTrip("a:memory=x") == "memory must be codes or bits, not 'x'");
  CHECK(RoundTrip("a:embedder=x") == "embedder must be hash or none, not 'x'");
  CHECK(RoundTrip("a:analyzer=klingon").find("klingon") != std::string::npos);
}

}  // namespace kvserver
