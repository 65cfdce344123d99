// Definitions of spaces as one line of text.
#include "command/space_text.h"

#include <doctest/doctest.h>

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
        "doc::analyzer=german,textfields=title;body,learn,values,fields=year;author.name"}) {
    CHECK(RoundTrip(text) == text);
  }
  CHECK(RoundTrip("a:embedder=none,text,") == "a:text");
  CHECK(RoundTrip("a:analyzer=simple/1") == "a:analyzer=simple");
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
  CHECK(RoundTrip("a:embedder=x") == "embedder must be hash or none, not 'x'");
  CHECK(RoundTrip("a:analyzer=klingon").find("klingon") != std::string::npos);
}

}  // namespace kvserver
