#include "embed/text_sample.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace libkv {
namespace {

std::vector<std::string> Kept(const TextSample& sample) {
  std::vector<std::string> texts;
  for (const TextSample::Text* text : sample.InOrderOfDraw()) texts.push_back(text->text);
  return texts;
}

TEST_CASE("everything is kept while it fits, and never more than fits") {
  TextSample sample(100, 1000, 1);
  for (int i = 0; i < 50; ++i) sample.Add(std::string(10, 'a'));
  CHECK(Kept(sample).size() == 50);
  for (int i = 0; i < 5000; ++i) {
    sample.Add(std::string(static_cast<size_t>(i % 40), 'b'));
    size_t bytes = 0;
    for (const std::string& text : Kept(sample)) bytes += text.size();
    REQUIRE(bytes <= 1000);
    REQUIRE(Kept(sample).size() <= 100);
  }
  CHECK(sample.seen() == 5050);
  sample.Add(std::string(5000, 'c'));  // larger than all room: the sample may shrink, not grow
  for (const std::string& text : Kept(sample)) CHECK(text.size() < 1000);
}

TEST_CASE("early and late texts have the same chance") {
  // 2,000 of 20,000: the first half of the stream must give about 1,000 of them (deviation 21).
  TextSample sample(2000, 1 << 20, 7);
  for (int i = 0; i < 20'000; ++i) sample.Add(std::to_string(i));
  int early = 0;
  for (const std::string& text : Kept(sample)) early += std::stoi(text) < 10'000 ? 1 : 0;
  CHECK(Kept(sample).size() == 2000);
  CHECK(early > 900);
  CHECK(early < 1100);
}

TEST_CASE("the sample depends on the stream and the seed alone") {
  const auto sample = [](uint64_t seed) {
    TextSample texts(50, 10'000, seed);
    for (int i = 0; i < 1000; ++i) texts.Add(std::to_string(i));
    return Kept(texts);
  };
  CHECK(sample(1) == sample(1));
  CHECK(sample(1) != sample(2));
}

}  // namespace
}  // namespace libkv
