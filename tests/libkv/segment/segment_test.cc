// Sealed segments against plain maps: everything that is written comes back, by every way of
// reading it.
#include "segment/segment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "format/keys.h"
#include "segment/segment_format.h"
#include "segment/segment_keys.h"
#include "segment/segment_source.h"
#include "support/segment_model.h"
#include "support/store_test.h"
#include "support/temp_dir.h"
#include "text/cosine_norm.h"
#include "text/length_norm.h"
#include "text/scoring.h"

namespace libkv {
namespace {

using Postings = std::map<uint32_t, ModelPosting>;

std::unique_ptr<Segment> LoadSegment(const Engine& engine, uint32_t space, uint32_t number,
                                     const SegmentSummary& summary) {
  auto segment = Segment::Load(engine, space, number, summary.documents);
  REQUIRE_OK(segment);
  return *std::move(segment);
}

void CheckDocuments(const Segment& segment, const Model& model) {
  REQUIRE(segment.documents() == model.documents.size());
  SegmentKeys keys(segment);
  for (uint32_t i = 0; i < segment.documents(); ++i) {
    const ModelDocument& expected = model.documents[i];
    const auto key = keys.KeyOf(i);
    REQUIRE_OK(key);
    REQUIRE(*key == expected.key);
    REQUIRE(segment.DocumentId(i) == expected.id);
    REQUIRE(segment.OrdinalOf(expected.id) == i);
    REQUIRE(segment.Words(i) == expected.words);
    REQUIRE(segment.LengthNorm(i) == EncodeLength(expected.words));
    REQUIRE(segment.CosineCode(i) == expected.cosine);
    REQUIRE(segment.Expiry(i) == expected.expiry);
  }
}

// In any order and back again, fetched ahead and not.
void CheckKeys(const Segment& segment, const Model& model, std::mt19937_64& random) {
  SegmentKeys keys(segment);
  for (int i = 0; i < 50; ++i) {
    std::vector<uint32_t> ordinals(random() % 10);
    for (uint32_t& ordinal : ordinals) {
      ordinal = static_cast<uint32_t>(random() % segment.documents());
    }
    const bool is_ahead = random() % 2 == 0;
    if (is_ahead) {
      std::sort(ordinals.begin(), ordinals.end());
      REQUIRE_OK(keys.Prefetch(ordinals));
    }
    for (const uint32_t ordinal : ordinals) {
      const auto key = keys.KeyOf(ordinal);
      REQUIRE_OK(key);
      REQUIRE(*key == model.documents[ordinal].key);
    }
  }
}

// Step by step, asking for frequencies and positions of some.
void CheckWalk(const SegmentSource& source, const std::string& term, const Postings& postings,
               std::mt19937_64& random) {
  const auto cursor = source.Open(term);
  REQUIRE(cursor != nullptr);
  CHECK(cursor->cost() == postings.size());
  const uint64_t one_in = 1 + random() % 4;
  std::vector<uint32_t> positions;
  for (const auto& [ordinal, posting] : postings) {
    REQUIRE(cursor->document() == ordinal);
    if (random() % one_in == 0) REQUIRE(cursor->frequency() == posting.frequency);
    if (random() % one_in == 0) {
      cursor->Positions(&positions);
      REQUIRE(positions == posting.positions);
    }
    cursor->Next();
  }
  CHECK(cursor->document() == kNoDocument);
}

// By jumps of all lengths.
void CheckSeeks(const SegmentSource& source, const std::string& term, const Postings& postings,
                uint32_t documents, std::mt19937_64& random) {
  const auto cursor = source.Open(term);
  REQUIRE(cursor != nullptr);
  std::vector<uint32_t> positions;
  const uint64_t most = uint64_t{1} << random() % 15;
  for (uint64_t target = random() % most; target <= documents; target += 1 + random() % most) {
    cursor->SeekTo(static_cast<uint32_t>(target));
    auto expected = postings.lower_bound(static_cast<uint32_t>(target));
    if (expected == postings.end()) {
      REQUIRE(cursor->document() == kNoDocument);
      return;
    }
    REQUIRE(cursor->document() == expected->first);
    REQUIRE(cursor->frequency() == expected->second.frequency);
    cursor->Positions(&positions);
    REQUIRE(positions == expected->second.positions);
    target = std::max<uint64_t>(target, expected->first);
    if (random() % 2 == 0) {
      cursor->Next();
      ++expected;
      REQUIRE(cursor->document() == (expected == postings.end() ? kNoDocument : expected->first));
    }
  }
}

bool Covers(const ScoreBounds& bounds, uint32_t frequency, uint8_t norm, double ratio) {
  if (static_cast<double>(bounds.cosine) < ratio) return false;
  for (uint32_t i = 0; i < bounds.count; ++i) {
    const Impact& impact = bounds.impacts[i];
    if (impact.frequency >= frequency && impact.length_norm <= norm) return true;
  }
  return false;
}

// Nothing real is above the bounds, and every impact that is not a joined one is real.
void CheckBounds(const Segment& segment, const SegmentSource& source, const std::string& term,
                 const Postings& postings) {
  const auto cursor = source.Open(term);
  REQUIRE(cursor != nullptr);
  const ScoreBounds all = cursor->list_bounds();
  ScoreBounds bounds;
  uint32_t target = 0;
  for (auto at = postings.begin(); at != postings.end();) {
    const uint32_t last = cursor->BoundsFrom(target, &bounds);
    REQUIRE(last >= target);
    double greatest = 0;
    std::set<std::pair<uint32_t, uint8_t>> frontier;
    for (; at != postings.end() && at->first <= last; ++at) {
      const uint32_t frequency = at->second.frequency;
      const uint8_t norm = segment.LengthNorm(at->first);
      const double ratio = LogFrequency(frequency) /
                           static_cast<double>(DecodeCosineNorm(segment.CosineCode(at->first)));
      REQUIRE(Covers(bounds, frequency, norm, ratio));
      REQUIRE(Covers(all, frequency, norm, ratio));
      greatest = std::max(greatest, ratio);
      frontier.insert({frequency < kStoredFrequencyMax ? frequency : UINT32_MAX, norm});
    }
    // What another pair beats is not competitive.
    std::erase_if(frontier, [&](const auto& pair) {
      return std::any_of(frontier.begin(), frontier.end(), [&](const auto& other) {
        return other != pair && other.first >= pair.first && other.second <= pair.second;
      });
    });
    if (frontier.size() <= kStoredImpacts) {
      std::set<std::pair<uint32_t, uint8_t>> stored;
      for (uint32_t i = 0; i < bounds.count; ++i) {
        stored.insert({bounds.impacts[i].frequency, bounds.impacts[i].length_norm});
      }
      REQUIRE(stored == frontier);
    }
    // Random norms may be less than a term's share of them, which a real one is not.
    if (greatest > 1.008) greatest = 24;
    REQUIRE(static_cast<double>(bounds.cosine) <= greatest * 1.000001 + 1.0 / kCosineUnits);
    target = last + 1;
  }
  if (target < kNoDocument) {
    CHECK(cursor->BoundsFrom(target, &bounds) == kNoDocument - 1);
    CHECK(bounds.count == 0);
  }
}

void CheckWords(const SegmentSource& source, const Model& model, const std::string& prefix) {
  const auto cursor = source.OpenWords(prefix);
  for (const auto& [word, documents] : model.words) {
    if (!word.first.starts_with(prefix)) continue;
    REQUIRE(cursor->valid());
    REQUIRE(cursor->word() == word.first);
    REQUIRE(cursor->term() == word.second);
    REQUIRE(cursor->documents() == documents);
    cursor->Next();
  }
  CHECK_FALSE(cursor->valid());
}

// Past beginnings, of words with those around them, of any length.
void CheckSkips(const SegmentSource& source, const Model& model, std::mt19937_64& random) {
  const auto cursor = source.OpenWords("");
  auto at = model.words.begin();
  while (at != model.words.end()) {
    REQUIRE(cursor->valid());
    REQUIRE(cursor->word() == at->first.first);
    REQUIRE(cursor->term() == at->first.second);
    if (at->first.first.empty() || random() % 4 == 0) {
      cursor->Next();
      ++at;
      continue;
    }
    const size_t bytes = 1 + random() % at->first.first.size();
    const std::string beginning = at->first.first.substr(0, bytes);
    cursor->SkipBeginning(bytes);
    while (at != model.words.end() && at->first.first.starts_with(beginning)) ++at;
  }
  CHECK_FALSE(cursor->valid());
}

void CheckSegment(const Segment& segment, const Model& model, std::mt19937_64& random) {
  CheckDocuments(segment, model);
  CheckKeys(segment, model, random);
  const SegmentSource source(segment);
  std::vector<std::string> names{"no such term", "zzz"};
  for (const auto& [term, postings] : model.terms) names.push_back(term);
  if (random() % 2 == 0) source.Prefetch(names);
  CHECK(source.Open("no such term") == nullptr);
  CHECK(source.DocumentFrequency("zzz") == 0);
  for (const auto& [term, postings] : model.terms) {
    CAPTURE(term);
    CHECK(source.DocumentFrequency(term) == postings.size());
    CheckWalk(source, term, postings, random);
    CheckSeeks(source, term, postings, segment.documents(), random);
    CheckBounds(segment, source, term, postings);
  }
  for (const char* prefix : {"", "term", "term1", "common", "common3", "xx", "\xff", "nothing"}) {
    CheckWords(source, model, prefix);
  }
  CheckSkips(source, model, random);
  const auto all = source.OpenAll();
  for (uint32_t i = 0; i < segment.documents(); ++i, all->Next()) REQUIRE(all->document() == i);
  CHECK(all->document() == kNoDocument);
  REQUIRE_OK(source.status());
}

TEST_CASE("segments of any size come back as they were written") {
  constexpr uint32_t kSeed = 21;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  uint32_t number = 0;
  for (const uint32_t documents :
       {1U, 2U, 63U, 64U, 65U, 127U, 128U, 129U, 1'000U, 4'096U, 4'097U, 20'000U}) {
    CAPTURE(documents);
    ModelShape shape{.documents = documents};
    shape.expiries = random() % 2 == 0;
    shape.id_gap_max = documents % 2 == 0 ? 3 : 1'000'000;
    const Model model = RandomModel(random, shape);
    const SegmentSummary summary = WriteModel(*engine, 7, ++number, dir.path(""), model);
    CHECK(summary.documents == documents);
    CHECK(summary.terms == model.terms.size());
    CheckSegment(*LoadSegment(*engine, 7, number, summary), model, random);
  }
  REQUIRE_OK(engine->VerifyFiles());
}

TEST_CASE("frequencies up to 2^32 - 1, positions with huge gaps and 65,536 of them come back") {
  constexpr uint32_t kSeed = 22;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  Model model = RandomModel(random, {.documents = 400, .terms = 5, .gap_max = UINT32_MAX});
  const auto many = [&](uint32_t frequency) {
    ModelPosting posting{.frequency = frequency};
    for (uint32_t i = 0; i < std::min(frequency, kPositionsMax); ++i) {
      posting.positions.push_back(i * 65'535 + i % 3);
    }
    return posting;
  };
  for (uint32_t ordinal = 0; ordinal < 400; ++ordinal) {
    model.terms["long"][ordinal] = {1, {ordinal}};
    if (ordinal % 4 == 0) model.terms["short"][ordinal] = {1, {UINT32_MAX}};
  }
  model.terms["long"][3] = model.terms["long"][399] = many(UINT32_MAX);
  model.terms["long"][130] = many(kPositionsMax);
  model.terms["long"][131] = many(kPositionsMax + 1);
  model.terms["short"][8] = many(UINT32_MAX);
  model.terms["short"][12] = many(65'535);
  const SegmentSummary summary = WriteModel(*engine, 1, 1, dir.path(""), model);
  const auto segment = LoadSegment(*engine, 1, 1, summary);
  for (int round = 0; round < 5; ++round) CheckSegment(*segment, model, random);
}

TEST_CASE("a document with the longest keys, and an empty key, come back") {
  std::mt19937_64 random(23);
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  Model model;
  model.documents.push_back({.id = 5, .key = "", .words = 1});
  model.documents.push_back({.id = kDocumentMax, .key = std::string(65'535, 'a'), .words = 2});
  model.documents.push_back({.id = 1, .key = std::string(65'534, 'a') + "b", .words = UINT32_MAX});
  const SegmentSummary summary = WriteModel(*engine, 1, 1, dir.path(""), model);
  CHECK(summary.first == 1);
  CHECK(summary.last == kDocumentMax);
  CHECK(summary.words == uint64_t{UINT32_MAX} + 3);
  CheckSegment(*LoadSegment(*engine, 1, 1, summary), model, random);
}

TEST_CASE("a segment keeps about 11 bytes a document in memory") {
  std::mt19937_64 random(24);
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  const Model model = RandomModel(random, {.documents = 20'000, .terms = 1});
  const SegmentSummary summary = WriteModel(*engine, 1, 1, dir.path(""), model);
  const size_t bytes = LoadSegment(*engine, 1, 1, summary)->memory_bytes();
  CHECK(bytes > 8 * 20'000);
  CHECK(bytes < 14 * 20'000);  // lengths here vary more than those of texts
}

TEST_CASE("a segment that is not there, or has other documents than promised, is DataLoss") {
  std::mt19937_64 random(25);
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  const Model model = RandomModel(random, {.documents = 5'000, .terms = 1});
  WriteModel(*engine, 1, 1, dir.path(""), model);
  for (const uint64_t documents :
       {uint64_t{0}, uint64_t{4'999}, uint64_t{5'001}, uint64_t{1} << 32}) {
    CHECK(absl::IsDataLoss(Segment::Load(*engine, 1, 1, documents).status()));
  }
  CHECK(absl::IsDataLoss(Segment::Load(*engine, 1, 2, 5'000).status()));
  CHECK_OK(Segment::Load(*engine, 1, 1, 5'000));
}

}  // namespace
}  // namespace libkv
