// Fields that become ones to ask for, and cease to be, while a store is in use.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "format/ordered_value.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr WriteOptions kQuick{.durability = Durability::kWritten};

std::string Number(int i) {
  return R"({"text":"word","n":)" + std::to_string(i) +
         ",\"even\":" + (i % 2 == 0 ? "true" : "false") + "}";
}

Space WordSpace(std::vector<std::string> fields = {}) {
  Space space = TextSpace();
  space.text_fields = {"text"};
  space.fields = std::move(fields);
  return space;
}

size_t Count(const Store& store, const FieldQuery& query) {
  FieldQuery all = query;
  all.limit = kFindLimitMax;
  const auto hits = store.QueryField(all);
  REQUIRE_OK(hits);
  return hits->size();
}

template <typename Fill>
void WriteRows(const std::string& directory, Fill fill) {
  const auto engine = Engine::Open({}, directory);
  REQUIRE_OK(engine);
  const auto batch = (*engine)->NewBatch();
  fill(*batch);
  REQUIRE_OK((*engine)->Write(*batch, /*sync=*/true));
}

TEST_CASE("a field index of a space in use finds old and new values, without new documents") {
  const TempDir dir;
  auto store = OpenStore(dir.path(), WithSpaces({WordSpace()}));
  for (int i = 0; i < 600; ++i) REQUIRE_OK(store->Set(kQuick, "k" + std::to_string(i), Number(i)));
  REQUIRE_OK(store->Set({}, "text", "word, not JSON"));
  REQUIRE_OK(store->Set({}, "binary", std::string("\0\1\2", 3)));
  REQUIRE_OK(store->SealIndex(""));
  CHECK(absl::IsFailedPrecondition(store->QueryField({.field = "n"}).status()));
  const uint64_t dead = store->Stats().spaces[0].dead_documents;
  for (int round = 0; round < 2; ++round) REQUIRE_OK(store->CreateFieldIndex("", "n"));
  CHECK(store->Stats().spaces[0].dead_documents == dead);
  CHECK(Count(*store, {.field = "n"}) == 600);
  CHECK(Count(*store, {.field = "n", .first = 10.0, .last = 19.0}) == 10);
  CHECK(store->Search({}, "word n:10..19")->total == 10);
  REQUIRE_OK(store->Set({}, "k5", Number(1'000)));
  REQUIRE_OK(store->Delete({}, "k6"));
  CHECK(Count(*store, {.field = "n"}) == 599);
  CHECK(store->Search({}, "n:5")->total == 0);
  CheckVerifies(*store);

  // Options may name some of the fields, in any order, and none that is not there.
  store = nullptr;
  for (const std::vector<std::string>& fields : {std::vector<std::string>{}, {"n"}}) {
    store = OpenStore(dir.path(), WithSpaces({WordSpace(fields)}));
    CHECK(Count(*store, {.field = "n"}) == 599);
    store = nullptr;
  }
  CHECK(absl::IsFailedPrecondition(
      Store::Open(WithSpaces({WordSpace({"other"})}), dir.path()).status()));

  store = OpenStore(dir.path());
  REQUIRE_OK(store->CreateFieldIndex("", "even"));
  for (int round = 0; round < 2; ++round) REQUIRE_OK(store->DropFieldIndex("", "n"));
  CHECK(absl::IsFailedPrecondition(store->QueryField({.field = "n"}).status()));
  CHECK(Keys(store->FindByValue({.field = "even", .limit = 1}, "true")) == "k0");
  CheckVerifies(*store);
  REQUIRE_OK(store->CreateFieldIndex("", "n"));
  CHECK(Count(*store, {.field = "n"}) == 599);
  CHECK(Count(*store, {.field = "even"}) == 599);
  CheckVerifies(*store);
  CHECK(absl::IsNotFound(store->CreateFieldIndex("none", "n")));
  CHECK(absl::IsNotFound(store->DropFieldIndex("none", "n")));
  CHECK(absl::IsInvalidArgument(store->CreateFieldIndex("", "")));
}

TEST_CASE("values without any other index get and lose their field rows too") {
  // Goal: a record that names no space must not keep rows. Method: nothing but fields.
  const TempDir dir;
  Space space;
  space.fields = {"other"};
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  REQUIRE_OK(store->Set({}, "a", R"({"n":1})"));
  REQUIRE_OK(store->Set({}, "b", R"({"n":1,"other":2})"));
  REQUIRE_OK(store->Set({}, "c", R"([1,"top"])"));
  REQUIRE_OK(store->CreateFieldIndex("", "n"));
  CHECK(Keys(store->FindByValue({.field = "n"}, "1")) == "a b");
  REQUIRE_OK(store->Set({}, "a", R"({"n":2})"));
  REQUIRE_OK(store->Delete({}, "b"));
  CHECK(Count(*store, {.field = "n"}) == 1);
  CheckVerifies(*store);
  REQUIRE_OK(store->DropFieldIndex("", "n"));
  REQUIRE_OK(store->Set({}, "c", R"([2])"));  // its elements have the empty path of a hole
  CheckVerifies(*store);
}

TEST_CASE("a snapshot knows the fields of its time") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({WordSpace({"n"})}));
  REQUIRE_OK(store->Set({}, "a", Number(1)));
  auto before = store->GetSnapshot();
  REQUIRE_OK(store->CreateFieldIndex("", "even"));
  REQUIRE_OK(store->DropFieldIndex("", "n"));
  SearchOptions past;
  past.snapshot = before;
  CHECK(store->Search(past, "n:1")->total == 1);
  CHECK(Count(*store, {.field = "n", .snapshot = before}) == 1);
  CHECK(absl::IsFailedPrecondition(
      store->QueryField({.field = "even", .snapshot = before}).status()));
  CHECK(store->Search({}, "even:false")->total == 1);
  CHECK_FALSE(store->Search({}, "n:1")->warnings.empty());
}

TEST_CASE("writes and deletes while a field is made are all in its index") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({WordSpace()}));
  for (int i = 0; i < 3'000; ++i) REQUIRE_OK(store->Set(kQuick, std::to_string(i), Number(i)));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop; i = (i + 7) % 3'000) {
      CHECK_OK(store->Set(kQuick, std::to_string(i), Number(i + 10'000)));
      CHECK_OK(store->Delete(kQuick, std::to_string((i + 1'500) % 3'000)));
    }
  });
  for (int round = 0; round < 3; ++round) {
    CHECK_OK(store->CreateFieldIndex("", "n"));
    CHECK_OK(store->CreateFieldIndex("", "even"));
    CHECK_OK(store->DropFieldIndex("", round == 1 ? "even" : "n"));
    CHECK_OK(store->DropFieldIndex("", round == 1 ? "n" : "even"));
  }
  CHECK_OK(store->CreateFieldIndex("", "n"));
  stop = true;
  writer.join();
  CheckVerifies(*store);
  size_t keys = 0;
  const auto iterator = store->NewIterator({});
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) ++keys;
  CHECK(Count(*store, {.field = "n"}) == keys);
}

// What a store of 600 values with the fields "n" and "even" has for them, with other states.
SpaceDefinition Definition(FieldState n, FieldState even) {
  SpaceDefinition definition;
  definition.state = SpaceState::kReady;
  definition.text = true;
  definition.analyzer = MakeEnglishAnalyzer()->id();
  definition.text_fields = {"text"};
  definition.fields = {"n", "even"};
  definition.SetState(0, n);
  definition.SetState(1, even);
  return definition;
}

TEST_CASE("an index that was being built or dropped when the process died is finished at open") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({WordSpace({"n", "even"})}));
    for (int i = 0; i < 600; ++i) REQUIRE_OK(store->Set(kQuick, std::to_string(i), Number(i)));
  }
  // Half built: some rows are missing; half dropped: some are gone.
  WriteRows(dir.path(), [](EngineBatch& batch) {
    const SpaceDefinition definition = Definition(FieldState::kBuilding, FieldState::kDropping);
    batch.Put(Family::kDefault, SpaceKey(1), EncodeSpaceDefinition(1, definition));
    for (int i = 0; i < 300; ++i) {
      const std::string key = std::to_string(i);
      batch.Delete(Family::kIndex, FieldKey(1, 0, OrderedNumber(i), key));
      batch.Delete(Family::kIndex, FieldKey(1, 1, OrderedBool(i % 2 == 0), key));
    }
  });
  {
    Options reading;
    reading.read_only = true;
    const auto store = OpenStore(dir.path(), reading);
    CHECK(absl::IsFailedPrecondition(store->QueryField({.field = "n"}).status()));
    CHECK(absl::IsFailedPrecondition(store->FindByValue({.field = "n"}, "1").status()));
    CHECK(absl::IsFailedPrecondition(store->Search({}, "n:1").status()));
    CHECK(absl::IsFailedPrecondition(store->Search({.facets = {{"n"}}}, "word").status()));
    CHECK(absl::IsFailedPrecondition(store->QueryField({.field = "even"}).status()));
    CHECK(store->Search({}, "word")->total == 600);
    CheckVerifies(*store);
  }
  for (int round = 0; round < 2; ++round) {
    const auto store = OpenStore(dir.path());
    CHECK(Count(*store, {.field = "n"}) == 600);
    CHECK(store->Search({}, "n:100..199")->total == 100);
    CHECK(absl::IsFailedPrecondition(store->QueryField({.field = "even"}).status()));
    CheckVerifies(*store);
  }
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->CreateFieldIndex("", "even"));
  CHECK(Count(*store, {.field = "even"}) == 600);
  CheckVerifies(*store);
}

TEST_CASE("field rows of older versions, which name no document, are read all the same") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({WordSpace({"n"})}));
    for (int i = 0; i < 100; ++i) REQUIRE_OK(store->Set(kQuick, std::to_string(i), Number(i)));
  }
  WriteRows(dir.path(), [](EngineBatch& batch) {
    for (int i = 0; i < 100; ++i) {
      batch.Put(Family::kIndex, FieldKey(1, 0, OrderedNumber(i), std::to_string(i)), {});
    }
  });
  const auto store = OpenStore(dir.path());
  CHECK(store->Search({}, "n:10..19")->total == 10);
  SearchOptions options{.limit = 3};
  options.facets = {{"n", 2}};
  options.sort = {.field = "n", .descending = true};
  const auto result = store->Search(options, "word");
  CHECK(Keys(result) == "99 98 97");
  CHECK(result->facets.at(0).distinct == 100);
  CheckVerifies(*store);
  REQUIRE_OK(store->Set({}, "99", Number(0)));
  CHECK(Keys(store->Search(options, "word")) == "98 97 96");
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
