#include "embed/hash_embedder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/hash.h"
#include "embed/log_frequency.h"
#include "libkv/embedder.h"

namespace libkv {
namespace {

std::vector<float> Embed(std::string_view text) {
  std::vector<float> vector(kHashDimension);
  HashEmbed(text, vector);
  return vector;
}

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0;
  for (size_t i = 0; i < a.size(); ++i)
    dot += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return dot;
}

double Length(const std::vector<float>& v) { return std::sqrt(Cosine(v, v)); }

TEST_CASE("hash/1 never changes: the vectors of these texts are known to the bit") {
  // Hash64 of the bytes of all 1,024 floats, on a little-endian machine.
  struct Golden {
    std::string text;
    uint64_t hash;
  };
  const Golden cases[] = {
      {"hello world", 6369050301120403815u},
      {"The quick brown fox jumps over the lazy dog.", 5324491184864410462u},
      {"caf\xC3\xA9 \xE6\x9D\xB1\xE4\xBA\xAC 2,718 x\xFFy", 6444782234439280382u},
      {"a a a b b b b b b b b b b and again again again", 12289560073690487124u},
  };
  for (const Golden& golden : cases) {
    const std::vector<float> vector = Embed(golden.text);
    std::string bytes(vector.size() * sizeof(float), '\0');
    std::memcpy(bytes.data(), vector.data(), bytes.size());
    CAPTURE(golden.text);
    CHECK(Hash64(bytes) == golden.hash);
  }
  // Worked out by hand: 24 runs of weight 1 and 2 words of weight 2 that do not meet, so the length
  // is sqrt(32).
  const std::vector<float> hello = Embed("hello world");
  CHECK(hello[0] == 0);
  CHECK(hello[111] == -0.17677669F);
  CHECK(hello[124] == 0.17677669F);
}

TEST_CASE("the definition, followed step by step, gives the same vector") {
  // Goal: the header is true. Method: features as strings, counted in a map, for a text whose words
  // are ASCII; sums may round differently, so they are compared to 1e-6.
  const std::string text = "The Cats' cat, cats and 42 dogs: CAT";
  std::map<std::string, int> words, grams;
  for (const std::string word : {"cats", "cat", "cats", "42", "dogs", "cat"}) {
    ++words[word];
    const std::string marked = "^" + word + "$";
    for (size_t size = 3; size <= 5; ++size) {
      for (size_t i = 0; i + size <= marked.size(); ++i) ++grams[marked.substr(i, size)];
    }
  }
  std::vector<double> sums(kHashDimension);
  const auto add = [&](const std::map<std::string, int>& features, double weight, uint64_t seed) {
    for (const auto& [feature, count] : features) {
      const uint64_t hash = Hash64(feature, seed);
      sums[hash % 1024] += (hash >> 63 != 0 ? 1 : -1) * weight * (1 + std::log(count));
    }
  };
  add(words, 2, 1);
  add(grams, 1, 2);
  double squares = 0;
  for (const double sum : sums) squares += sum * sum;
  const std::vector<float> vector = Embed(text);
  for (size_t i = 0; i < kHashDimension; ++i) {
    CHECK(static_cast<double>(vector[i]) ==
          doctest::Approx(sums[i] / std::sqrt(squares)).epsilon(1e-6));
  }
}

TEST_CASE("vectors have length 1 and texts that share words or parts of words are near") {
  const std::vector<float> a = Embed("configure the network interface");
  CHECK(Length(a) == doctest::Approx(1));
  CHECK(Cosine(a, Embed("Network: INTERFACE, configure!")) == doctest::Approx(1));
  const double related = Cosine(a, Embed("network interfaces are configured here"));
  const double unrelated = Cosine(a, Embed("recipes for apple pie"));
  CHECK(related > 0.5);
  CHECK(std::abs(unrelated) < 0.2);
}

TEST_CASE("a text without words is all zeros") {
  for (const char* text : {"", "   ", "!?! ---", "the of and"}) {
    CAPTURE(text);
    for (const float x : Embed(text)) REQUIRE(x == 0);
  }
}

TEST_CASE("the embedder is batch first and checks its room") {
  const auto embedder = MakeHashEmbedder();
  CHECK(embedder->identity() == "hash/1");
  CHECK(embedder->dimension() == 1024);
  const std::string_view texts[] = {"first text", "", "second text"};
  std::vector<float> vectors(3 * 1024, -1);
  REQUIRE(embedder->Embed(EmbedKind::kDocument, texts, vectors).ok());
  for (size_t i = 0; i < 3; ++i) {
    const std::vector<float> one(vectors.begin() + static_cast<std::ptrdiff_t>(i * 1024),
                                 vectors.begin() + static_cast<std::ptrdiff_t>((i + 1) * 1024));
    CHECK(one == Embed(texts[i]));
  }
  std::vector<float> small(10);
  CHECK(absl::IsInvalidArgument(embedder->Embed(EmbedKind::kQuery, texts, small)));
}

TEST_CASE("any bytes can be embedded, and only the first 64 KiB count") {
  std::mt19937 random(51);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (size_t count = random() % 300; count > 0; --count) text += static_cast<char>(random());
    const double length = Length(Embed(text));
    CAPTURE(round);
    REQUIRE((length == 0 || std::abs(length - 1) < 1e-5));
  }
  const std::string huge(size_t{64} << 20, 'x');
  CHECK(Embed(huge) == Embed(huge.substr(0, kHashTextBytesMax)));
  std::string many = "needle ";
  while (many.size() < kHashTextBytesMax) many += "filler words ";
  CHECK(Embed(many + "and more of them") == Embed(many));
  CHECK(Cosine(Embed(many), Embed("needle")) > 0.05);
}

TEST_CASE("the table of logarithms is right") {
  for (uint32_t n = 1; n <= kFrequencyMax; ++n) {
    CAPTURE(n);
    CHECK(std::abs(DampedFrequency(n) - (1 + std::log(n))) < 1e-14);
  }
  CHECK(DampedFrequency(1) == 1);
  CHECK(DampedFrequency(1'000'000) == DampedFrequency(kFrequencyMax));
}

}  // namespace
}  // namespace libkv
