#include "index/probed_embedder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "format/row.h"

namespace libkv {
namespace {

// Each text has the direction `angle` further than its first letter says.
class TurnedEmbedder : public Embedder {
 public:
  std::string identity() const override { return "turned/1"; }
  size_t dimension() const override { return 2; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    ++calls;
    if (fails) return absl::UnavailableError("asleep");
    if (throws) throw std::runtime_error("no model");
    for (size_t i = 0; i < texts.size(); ++i) {
      const double direction = static_cast<unsigned char>(texts[i][0]) + angle;
      vectors[2 * i] = static_cast<float>(size * std::cos(direction));
      vectors[2 * i + 1] = static_cast<float>(size * std::sin(direction));
    }
    return absl::OkStatus();
  }
  double angle = 0, size = 1;
  bool fails = false, throws = false;
  mutable int calls = 0;
};

absl::Status EmbedOne(const Embedder& embedder) {
  const std::string_view text = "text";
  float vector[2];
  return embedder.Embed(EmbedKind::kQuery, std::span(&text, 1), vector);
}

TEST_CASE("an embedder is checked once, and refused if it points elsewhere than it did") {
  const auto inner = std::make_shared<TurnedEmbedder>();
  const auto probes = MakeProbes(*inner);
  REQUIRE(probes.ok());
  struct Case {
    double angle, size;
    bool is_same;
  };
  // The cosine of 0.0446 is 0.99900.
  for (const Case& c : {Case{0, 1, true}, Case{0, 7, true}, Case{0.044, 1, true},
                        Case{0.046, 1, false}, Case{3, 1, false}, Case{0, 0, false}}) {
    CAPTURE(c.angle);
    CAPTURE(c.size);
    inner->angle = c.angle;
    inner->size = c.size;
    const auto probed = WithProbes(inner, *probes);
    CHECK(EmbedOne(*probed).ok() == c.is_same);
    inner->angle = inner->size = 1;
    const int calls = inner->calls;
    const absl::Status again = EmbedOne(*probed);
    CHECK(again.ok() == c.is_same);
    CHECK(inner->calls - calls == (c.is_same ? 1 : 0));
    if (!c.is_same) CHECK(absl::IsFailedPrecondition(again));
    inner->size = 1;
  }
  CHECK(WithoutProbes(WithProbes(inner, *probes)) == inner);
  CHECK(WithoutProbes(inner) == inner);
}

TEST_CASE("an embedder that fails at the check is checked again next time") {
  const auto inner = std::make_shared<TurnedEmbedder>();
  const auto probes = MakeProbes(*inner);
  REQUIRE(probes.ok());
  const auto probed = WithProbes(inner, *probes);
  inner->fails = true;
  CHECK(absl::IsUnavailable(EmbedOne(*probed)));
  CHECK(absl::IsUnavailable(MakeProbes(*inner).status()));
  inner->fails = false;
  inner->throws = true;
  CHECK(absl::IsInternal(EmbedOne(*probed)));
  inner->throws = false;
  CHECK(EmbedOne(*probed).ok());
}

TEST_CASE("another dimension is another model, and NaN is none") {
  const auto inner = std::make_shared<TurnedEmbedder>();
  CHECK(absl::IsFailedPrecondition(
      EmbedOne(*WithProbes(inner, {.dimension = 3, .vectors = std::vector<float>(9, 1)}))));
  inner->size = std::nan("");
  CHECK(absl::IsInternal(MakeProbes(*inner).status()));
}

TEST_CASE("a row of probes has the bytes of the format page, and damage is found") {
  const Probes probes{.dimension = 2, .vectors = {1, 0, 0, 1, 1, 1}};
  const std::string row = EncodeProbesRow("key", probes);
  REQUIRE(row.size() == 3 + 6 * 4 + 8);
  CHECK(row.substr(0, 3) == "\x01\x02\x03");
  CHECK(row.substr(3, 8) == std::string("\x00\x00\x80\x3f\x00\x00\x00\x00", 8));
  Probes read;
  REQUIRE(ParseProbesRow("key", row, &read).ok());
  CHECK(read.dimension == 2);
  CHECK(read.vectors == probes.vectors);
  CHECK(absl::IsDataLoss(ParseProbesRow("other", row, &read)));
  for (size_t i = 0; i < row.size(); ++i) {
    std::string damaged = row;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    CHECK(absl::IsDataLoss(ParseProbesRow("key", damaged, &read)));
    CHECK(absl::IsDataLoss(ParseProbesRow("key", std::string_view(row).substr(0, i), &read)));
  }
  const auto parsed = [&](std::string payload) {
    return ParseProbesRow("key", SealRow("key", std::move(payload)), &read);
  };
  CHECK(absl::IsFailedPrecondition(parsed(std::string("\x02\x02\x03", 3))));
  CHECK(absl::IsDataLoss(parsed(std::string("\x01\x00\x03", 3))));
  CHECK(absl::IsDataLoss(parsed(std::string("\x01\x02\x00", 3))));
  CHECK(absl::IsDataLoss(parsed("\x01\xff\xff\x03\x01")));          // vectors that are not there
  CHECK(absl::IsDataLoss(parsed("\x01\xff\xff\xff\xff\x7f\x01")));  // 2^35 - 1 dimensions
}

}  // namespace
}  // namespace libkv
