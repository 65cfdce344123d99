#include "text/growing_bounds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace libkv {
namespace {

struct Posting {
  uint32_t frequency;
  uint8_t norm;
  float cosine;
};

bool Covers(const ScoreBounds& bounds, const Posting& posting) {
  const auto end = bounds.impacts.begin() + bounds.count;
  return bounds.cosine >= posting.cosine &&
         std::any_of(bounds.impacts.begin(), end, [&](const Impact& impact) {
           return impact.frequency >= posting.frequency && impact.length_norm <= posting.norm;
         });
}

TEST_CASE("bounds cover all that was added, and never grow tighter") {
  constexpr uint32_t kSeed = 81;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    GrowingBounds bounds;
    std::vector<Posting> postings;
    for (int i = 0; i < 100; ++i) {
      postings.push_back({1 + static_cast<uint32_t>(random() % (round % 3 == 0 ? 100'000 : 30)),
                          static_cast<uint8_t>(random()),
                          static_cast<float>(random() % 1'000) / 999});
      const Posting& added = postings.back();
      const bool was_covered = Covers(bounds.Load(), added);
      const bool changed = bounds.Add(added.frequency, added.norm, added.cosine);
      if (!was_covered) REQUIRE(changed);
      const ScoreBounds now = bounds.Load();
      REQUIRE(now.count <= ScoreBounds::kImpactsMax);
      for (const Posting& posting : postings) REQUIRE(Covers(now, posting));
    }
  }
}

TEST_CASE("few postings are bounded exactly") {
  GrowingBounds bounds;
  CHECK(bounds.Load().count == 0);
  CHECK(bounds.Add(3, 10, 0.5F));
  CHECK_FALSE(bounds.Add(3, 10, 0.5F));
  CHECK_FALSE(bounds.Add(2, 11, 0.25F));
  CHECK(bounds.Add(9, 40, 0.25F));
  const ScoreBounds two = bounds.Load();
  REQUIRE(two.count == 2);
  CHECK(two.impacts[0].frequency == 3);
  CHECK(two.impacts[0].length_norm == 10);
  CHECK(two.impacts[1].frequency == 9);
  CHECK(two.impacts[1].length_norm == 40);
  CHECK(two.cosine == 0.5F);
  CHECK(bounds.Add(9, 5, 0.75F));  // covers both
  CHECK(bounds.Load().count == 1);
  CHECK(bounds.Add(1'000, 5, 0.75F));  // too many to be told apart
  CHECK(bounds.Load().impacts[0].frequency == UINT32_MAX);
}

}  // namespace
}  // namespace libkv
