// Rows that are not what they should be: everything that reads a segment ends, within its bounds,
// and says so. Under AddressSanitizer this also shows that nothing is read beyond a row.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "format/keys.h"
#include "segment/segment.h"
#include "segment/segment_keys.h"
#include "segment/segment_source.h"
#include "support/segment_model.h"
#include "support/store_test.h"
#include "support/temp_dir.h"

namespace libkv {
namespace {

constexpr uint32_t kDocuments = 9'000;
constexpr uint32_t kSpace = 12, kNumber = 34;

// Four lists of all kinds: several rows of postings, a full last block, short, one document.
Model DamageModel(std::mt19937_64& random) {
  Model model = RandomModel(random, {.documents = kDocuments, .terms = 0, .expiries = true});
  const auto add = [&](const std::string& term, uint32_t step, uint32_t end) {
    for (uint32_t i = 0; i < end; i += step) {
      const auto first = static_cast<uint32_t>(random() % 1'000);
      if (i % 3 == 0) {
        model.terms[term][i] = {3, {first, first + 1, first + 500}};
      } else {
        model.terms[term][i] = {1, {first}};
      }
    }
    model.words[{term + "s", term}] = 1;
  };
  add("all", 1, kDocuments);
  add("full", 2, 512);
  add("short", 90, kDocuments);
  add("single", kDocuments, kDocuments);
  return model;
}

// Reads everything there is; returns the first failure.
absl::Status ReadAll(const Engine& engine, std::mt19937_64& random) {
  const auto segment = Segment::Load(engine, kSpace, kNumber, kDocuments);
  if (!segment.ok()) return segment.status();
  SegmentKeys keys(**segment);
  for (uint32_t i = 0; i < kDocuments; ++i) {
    const auto key = keys.KeyOf(i);
    if (!key.ok()) return key.status();
  }
  const SegmentSource source(**segment);
  std::vector<uint32_t> positions;
  ScoreBounds bounds;
  for (const char* term : {"all", "full", "short", "single"}) {
    const auto cursor = source.Open(term);
    if (cursor == nullptr) continue;
    const bool seeks = random() % 2 == 0;
    uint32_t target = 0;
    for (int64_t before = -1; cursor->document() != kNoDocument;) {
      REQUIRE(int64_t{cursor->document()} > before);
      REQUIRE(cursor->document() < kDocuments);
      before = cursor->document();
      if (target <= cursor->document()) {
        target = cursor->document();
        const uint32_t last = cursor->BoundsFrom(target, &bounds);
        REQUIRE(last >= target);
        target = last < kNoDocument - 1 ? last + 1 : kNoDocument - 1;
      }
      REQUIRE(cursor->frequency() >= 1);
      cursor->Positions(&positions);
      REQUIRE(positions.size() <= kPositionsMax);
      if (seeks) {
        cursor->SeekTo(cursor->document() + 1 + static_cast<uint32_t>(random() % 300));
      } else {
        cursor->Next();
      }
    }
  }
  size_t words = 0;
  for (const auto cursor = source.OpenWords(""); cursor->valid(); cursor->Next()) ++words;
  REQUIRE(words <= 100);
  return source.status();
}

void Replace(Engine& engine, const std::string& key, const std::string* value) {
  const auto batch = engine.NewBatch();
  if (value == nullptr) {
    batch->Delete(Family::kSegments, key);
  } else {
    batch->Put(Family::kSegments, key, *value);
  }
  REQUIRE_OK(engine.Write(*batch, false));
}

TEST_CASE("damaged rows of segments end a walk within its bounds, and failures are DataLoss") {
  constexpr uint32_t kSeed = 41;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  WriteModel(*engine, kSpace, kNumber, dir.path(""), DamageModel(random));
  REQUIRE_OK(ReadAll(*engine, random));
  std::map<char, std::set<bool>> outcomes;
  std::map<char, int> seen;
  for (const auto& [key, value] : RowsOf(*engine, kSpace, kNumber)) {
    // Of the many rows of a kind the first ones are enough.
    if (++seen[key[0]] > 4) continue;
    CAPTURE(key[0]);
    const std::string whole = SegmentPrefix(kSpace, kNumber) + key;
    for (int round = 0; round < 40; ++round) {
      std::string damaged = value;
      switch (random() % 4) {
        case 0:
          damaged.resize(random() % damaged.size());
          break;
        case 1:
          damaged += static_cast<char>(random());
          break;
        default:
          // The front of a row has its counts and places: more often there.
          for (uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
            const uint64_t range =
                random() % 2 == 0 ? std::min<size_t>(60, value.size()) : value.size();
            damaged[random() % range] ^= static_cast<char>(1 << random() % 8);
          }
      }
      CAPTURE(round);
      Replace(*engine, whole, &damaged);
      const absl::Status status = ReadAll(*engine, random);
      if (!status.ok()) {
        CAPTURE(StatusText(status));
        REQUIRE(absl::IsDataLoss(status));
        const std::string text = StatusText(status);
        CHECK(text.find("segment 34 of space 12") != std::string::npos);
      }
      outcomes[key[0]].insert(status.ok());
    }
    Replace(*engine, whole, &value);
  }
  REQUIRE_OK(ReadAll(*engine, random));
  // Every kind was found out at least once.
  for (const char kind : {'K', 'N', 'P', 'Q', 'T', 'W'}) {
    CAPTURE(kind);
    CHECK(outcomes[kind].count(false) == 1);
  }
}

TEST_CASE("a missing row is DataLoss that names space, segment and term") {
  std::mt19937_64 random(42);
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  WriteModel(*engine, kSpace, kNumber, dir.path(""), DamageModel(random));
  for (const auto& [key, value] : RowsOf(*engine, kSpace, kNumber)) {
    if (key[0] == 'T' || key[0] == 'W') continue;  // a term that is not there
    CAPTURE(key[0]);
    const std::string whole = SegmentPrefix(kSpace, kNumber) + key;
    Replace(*engine, whole, nullptr);
    const absl::Status status = ReadAll(*engine, random);
    CHECK(absl::IsDataLoss(status));
    const std::string text = StatusText(status);
    CHECK(text.find("segment 34 of space 12") != std::string::npos);
    if (key[0] == 'P' || key[0] == 'Q') CHECK(text.find("term '") != std::string::npos);
    Replace(*engine, whole, &value);
  }
}

}  // namespace
}  // namespace libkv
