// A merge against the segment that is built at once from what is left.
#include "segment/segment_merge.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "format/keys.h"
#include "support/segment_model.h"
#include "support/store_test.h"
#include "support/temp_dir.h"

namespace libkv {
namespace {

// Segments 1, 2, ... of one space, as models and on disk.
struct World {
  TempDir dir;
  std::unique_ptr<Engine> engine = OpenSegmentEngine(dir.path());
  std::vector<Model> models;
  std::vector<std::unique_ptr<Segment>> segments;
  std::vector<std::unique_ptr<SegmentAsInput>> readers;
  std::vector<SegmentInput*> inputs;

  void Add(Model model) {
    const auto number = static_cast<uint32_t>(models.size() + 1);
    const SegmentSummary summary = WriteModel(*engine, 3, number, dir.path(""), model);
    auto segment = Segment::Load(*engine, 3, number, summary.documents);
    REQUIRE_OK(segment);
    models.push_back(std::move(model));
    segments.push_back(*std::move(segment));
    readers.push_back(std::make_unique<SegmentAsInput>(*segments.back()));
    inputs.push_back(readers.back().get());
  }

  std::vector<const Model*> pointers() const {
    std::vector<const Model*> all;
    for (const Model& model : models) all.push_back(&model);
    return all;
  }

  std::unique_ptr<SegmentWriter> NewWriter(uint32_t number) {
    auto writer = SegmentWriter::Create(*engine, 3, number, dir.path(""));
    REQUIRE_OK(writer);
    return *std::move(writer);
  }
};

constexpr uint32_t kMerged = 1'000, kAtOnce = 1'001;

template <typename Keep>
void CheckMerge(World& world, Keep&& keep) {
  const auto writer = world.NewWriter(kMerged);
  REQUIRE_OK(MergeInto(world.inputs, keep, nullptr, writer.get()));
  const auto summary = writer->Finish();
  REQUIRE_OK(summary);
  const Model expected = JoinModels(world.pointers(), keep);
  CHECK(*summary == WriteModel(*world.engine, 3, kAtOnce, world.dir.path(""), expected));
  const auto merged = RowsOf(*world.engine, 3, kMerged);
  const auto at_once = RowsOf(*world.engine, 3, kAtOnce);
  CHECK(merged.size() == at_once.size());
  CHECK(merged == at_once);
}

TEST_CASE("merged segments have the rows of one that is built at once, byte for byte") {
  constexpr uint32_t kSeed = 31;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  for (const uint32_t count : {1U, 2U, 5U}) {
    CAPTURE(count);
    World world;
    for (uint32_t i = 0; i < count; ++i) {
      // Ids are apart; keys of some inputs mingle, those of others do not.
      ModelShape shape{.documents = static_cast<uint32_t>(1 + random() % 3'000)};
      shape.first_id = 1 + i * 100'000;
      shape.expiries = i % 2 == 1;
      shape.key_prefix = i % 3 == 0 ? "other:" : "key:";
      world.Add(RandomModel(random, shape));
    }
    CheckMerge(world, [](size_t, uint32_t) { return true; });
  }
}

TEST_CASE("documents that are not kept leave no trace in lists, frequencies and bounds") {
  constexpr uint32_t kSeed = 32;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  for (const uint32_t one_in : {2U, 10U, 500U}) {
    CAPTURE(one_in);
    World world;
    for (uint64_t i = 0; i < 3; ++i) {
      world.Add(RandomModel(random, {.documents = 2'000, .first_id = 1 + i * 100'000}));
    }
    CheckMerge(world, [&](size_t input, uint32_t ordinal) {
      return (ordinal * 2'654'435'761U + input) % one_in == 0;
    });
  }
}

TEST_CASE("a merge that keeps nothing has no documents, and Finish refuses it") {
  std::mt19937_64 random(33);
  World world;
  world.Add(RandomModel(random, {.documents = 300}));
  const auto writer = world.NewWriter(kMerged);
  REQUIRE_OK(MergeInto(
      world.inputs, [](size_t, uint32_t) { return false; }, nullptr, writer.get()));
  CHECK(absl::IsFailedPrecondition(writer->Finish().status()));
  CHECK(RowsOf(*world.engine, 3, kMerged).empty());
}

TEST_CASE("a merge can be stopped at any time") {
  std::mt19937_64 random(34);
  World world;
  world.Add(RandomModel(random, {.documents = 3'000}));
  for (const uint32_t after : {0U, 1U, 1'500U, 2'999U}) {
    CAPTURE(after);
    std::atomic<bool> stop{after == 0};
    const auto writer = world.NewWriter(kMerged);
    const absl::Status status = MergeInto(
        world.inputs,
        [&](size_t, uint32_t ordinal) {
          if (ordinal == after) stop = true;
          return true;
        },
        &stop, writer.get());
    CHECK(absl::IsCancelled(status));
  }
}

TEST_CASE("a merge of a damaged segment is DataLoss") {
  // Goal: no list that ended early is taken for a whole one. Method: each row is missing once.
  constexpr uint32_t kSeed = 35;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const Model model = RandomModel(random, {.documents = 9'000, .terms = 8});
  World world;
  world.Add(model);
  const auto rows = RowsOf(*world.engine, 3, 1);
  size_t refused = 0;
  for (const auto& [key, value] : rows) {
    const auto kind = static_cast<SegmentKind>(key[0]);
    // A row of terms or words that is missing as a whole cannot be noticed.
    if (kind == SegmentKind::kTerm || kind == SegmentKind::kWord) continue;
    if (kind == SegmentKind::kNumbers) continue;  // in memory already
    CAPTURE(key[0]);
    const std::string whole = SegmentPrefix(3, 1) + key;
    const auto batch = world.engine->NewBatch();
    batch->Delete(Family::kSegments, whole);
    REQUIRE_OK(world.engine->Write(*batch, false));
    const auto writer = world.NewWriter(kMerged);
    SegmentAsInput fresh(*world.segments[0]);
    SegmentInput* const inputs[] = {&fresh};
    const absl::Status status = MergeInto(
        inputs, [](size_t, uint32_t) { return true; }, nullptr, writer.get());
    CHECK(absl::IsDataLoss(status));
    ++refused;
    batch->Clear();
    batch->Put(Family::kSegments, whole, value);
    REQUIRE_OK(world.engine->Write(*batch, false));
  }
  CHECK(refused > 100);
}

}  // namespace
}  // namespace libkv
