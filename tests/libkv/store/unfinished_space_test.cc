// A process that was killed while it defined or dropped a space: the next open finishes the work.
#include <doctest/doctest.h>

#include <string>

#include "engine/engine.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr uint32_t kSpace = 1;

SpaceDefinition Definition(SpaceState state) {
  SpaceDefinition definition;
  definition.state = state;
  definition.prefix = "d";
  definition.text = true;
  definition.analyzer = MakeEnglishAnalyzer()->id();
  return definition;
}

// Writes rows as the store itself would have, had it been killed right after.
template <typename Fill>
void WriteRows(const std::string& directory, Fill fill) {
  const auto engine = Engine::Open({}, directory);
  REQUIRE_OK(engine);
  const auto batch = (*engine)->NewBatch();
  fill(*batch);
  REQUIRE_OK((*engine)->Write(*batch, /*sync=*/true));
}

TEST_CASE("a definition that was committed and not carried out is carried out by the next open") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path());
    for (int i = 0; i < 600; ++i) {
      REQUIRE_OK(
          store->Set({.durability = Durability::kWritten}, "d" + std::to_string(i), "apple"));
    }
    REQUIRE_OK(store->Set({}, "e", "apple"));
  }
  WriteRows(dir.path(), [](EngineBatch& batch) {
    batch.Put(Family::kDefault, kIdsKey, EncodeIdsRow({.next_document = 1, .next_space = 2}));
    batch.Put(Family::kDefault, SpaceKey(kSpace),
              EncodeSpaceDefinition(kSpace, Definition(SpaceState::kBuilding)));
  });
  // A reader must not change anything: it sees what is indexed so far, nothing.
  Options reading;
  reading.read_only = true;
  CHECK(OpenStore(dir.path(), reading)->Search({}, "apple")->total == 0);

  for (int round = 0; round < 2; ++round) {
    const auto store = OpenStore(dir.path());
    CHECK(store->Search({}, "apple")->total == 600);
    CheckVerifies(*store);
  }
  // The id that was given is not given again.
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("e")}));
  CHECK(store->Search({}, "apple")->total == 601);
  CheckVerifies(*store);
}

TEST_CASE("a space that was being dropped is gone after the next open, and its values stay") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("d"), TextSpace()}));
    for (int i = 0; i < 300; ++i) {
      REQUIRE_OK(
          store->Set({.durability = Durability::kWritten}, "d" + std::to_string(i), "apple"));
    }
    CHECK(store->Stats().spaces[0].documents == 300);
  }
  WriteRows(dir.path(), [](EngineBatch& batch) {
    batch.Put(Family::kDefault, SpaceKey(kSpace),
              EncodeSpaceDefinition(kSpace, Definition(SpaceState::kDropping)));
  });
  const auto store = OpenStore(dir.path());
  REQUIRE(store->Stats().spaces.size() == 1);
  CHECK(store->Stats().spaces[0].prefix == "");
  CHECK(store->Search({}, "apple")->total == 300);  // by the space with the shorter prefix
  CHECK(Value(*store, "d7") == "apple");
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
