// Stores written by earlier versions must give their answers for ever.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "golden/content.h"
#include "support/store_test.h"

namespace libkv {
namespace {

namespace fs = std::filesystem;

// Written before and after there were sealed segments, and with stamps and rows of the application.
const char* const kStores[] = {"format1", "format1_segments", "format1_stamps"};
std::string Golden(const char* store) {
  return std::string(LIBKV_SOURCE_DIR) + "/tests/golden/" + store;
}

// Names and contents of the files in `directory`.
std::map<std::string, std::string> Files(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

void CheckValues(const Store& store) {
  CHECK(AllKeys(store, {.first = "c", .end = "doc:4"}) == "counter doc:1 doc:2");
  CHECK(Value(store, "plain") == "value");
  CHECK(Value(store, "empty") == "");
  CHECK(Value(store, std::string("bin\0ary\xff", 8)) == GoldenBinary());
  CHECK(Value(store, "overwritten") == "new");
  CHECK(Value(store, "deleted") == "(none)");
  CHECK(Value(store, "counter") == "42");
  CHECK(Value(store, "expiring") == "until 2200");
  CHECK(*store.GetExpiry({}, "expiring").value() == kGoldenExpiry);
  CHECK_FALSE(store.GetExpiry({}, "plain").value().has_value());
  CHECK(Value(store, "expired") == "(none)");
  CHECK(Value(store, "doc:expired") == "(none)");
  CHECK(Value(store, "doc:3") == "(none)");
  CHECK(Value(store, "v32:old") == "now near b");
}

void CheckWords(const Store& store) {
  CHECK(Search(store, "nginx", {.prefix = "doc:"}) == "doc:1");
  CHECK(Search(store, "serving page", {.prefix = "doc:"}) == "doc:1");  // stems
  CHECK(Search(store, "\"web server\"", {.prefix = "doc:"}) == "doc:4 doc:1");
  CHECK(Search(store, "server -web", {.prefix = "doc:"}) == "doc:expiring");
  CHECK(Search(store, "editor") == "doc:2 e:emacs e:vim");
  CHECK(Search(store, "replaced OR title OR deleted OR 1991") == "");  // old; not a text field
  CHECK(store.Search({.ranking = Ranking::kTfIdf}, "web")->total == 4);
}

void CheckFound(const Store& store) {
  const auto find = [&](const std::string& field, const std::string& value) {
    return Keys(store.FindByValue({.prefix = "doc:", .field = field}, value));
  };
  CHECK(find("year", "2004") == "doc:1");
  CHECK(find("year", "2004.0") == "doc:1");
  CHECK(find("year", "1991.5") == "doc:2");
  CHECK(find("year", "1999") == "");
  CHECK(find("tags", "net") == "doc:1");
  CHECK(find("tags", "null") == "doc:2");
  CHECK(find("", "Not JSON: a proxy before web servers") == "doc:4");
  CHECK(find("", "nginx was here") == "");
}

void CheckNeighbors(const Store& store) {
  const float x[] = {1, 0, 0, 0}, y[] = {0, 1, 0, 0}, up[] = {1, 2, 3, 4};
  const auto nearest = store.Similar({.prefix = "v32:"}, x);
  CHECK(Keys(nearest) == "v32:a v32:c v32:old v32:b");
  CHECK((*nearest)[0].score == doctest::Approx(0));
  CHECK((*nearest)[1].score == doctest::Approx(-0.5625));
  CHECK((*nearest)[2].score == doctest::Approx(-1.25));
  CHECK((*nearest)[3].score == doctest::Approx(-2));
  CHECK(Keys(store.Similar({.prefix = "v32:", .limit = 2}, y)) == "v32:b v32:old");
  const auto half = store.Similar({.prefix = "v16:"}, up);
  CHECK(Keys(half) == "v16:a v16:c");
  CHECK((*half)[0].score == doctest::Approx(1));
  CHECK((*half)[1].score == doctest::Approx(26 / std::sqrt(30.0 * 23)).epsilon(1e-5));
  CHECK(*store.GetVector({}, "v32:old") == std::vector<float>{0, 0.5f, 0, 0});
  CHECK(*store.GetVector({}, "v16:c") == std::vector<float>{1, 2, 3, 3});
  CHECK(absl::IsNotFound(store.GetVector({}, "v16:b").status()));
  CHECK(Keys(store.SimilarTo({.prefix = "e:", .limit = 1}, "e:emacs")) == "e:vim");
  CHECK(Keys(store.SimilarText({.prefix = "e:", .limit = 1}, "fast web proxies")) == "e:nginx");
}

void CheckAnswers(const Store& store) {
  CheckValues(store);
  CheckWords(store);
  CheckFound(store);
  CheckNeighbors(store);
  const StoreStats stats = store.Stats();
  REQUIRE(stats.spaces.size() == 4);
  CheckVerifies(store);
}

std::string StampIn(const Store& store, const std::string& key) {
  const absl::StatusOr<Entry> entry = store.GetEntry({}, key);
  REQUIRE_OK(entry);
  return entry->stamp;
}

void CheckStampsAndRows(const Store& store) {
  CHECK(StampIn(store, "plain").empty());
  CHECK(StampIn(store, "stamped") == GoldenBinary());
  CHECK(Value(store, "stamped:over") == "new");
  CHECK(StampIn(store, "stamped:over") == kGoldenStamp);
  CHECK(StampIn(store, "stamped:kept") == kGoldenStamp);
  CHECK(*store.GetExpiry({}, "stamped:kept").value() == kGoldenExpiry);
  CHECK(StampIn(store, "e:nginx") == std::string(kGoldenLongStamp, 's'));
  CHECK(StampIn(store, "e:vim") == kGoldenStamp);
  CHECK(StampIn(store, "e:emacs").empty());
  std::vector<std::string> names;
  CHECK_OK(store.ForEachRow({}, "", [&](auto name, auto) {
    names.emplace_back(name);
    return true;
  }));
  CHECK(names == std::vector<std::string>{GoldenBinary(), "clock", "empty", "log/1"});
  CHECK(*store.GetRow({}, "clock") == "2");
  CHECK(store.GetRow({}, "empty")->empty());
  CHECK(*store.GetRow({}, "log/1") == "entry");
  CHECK(*store.GetRow({}, GoldenBinary()) == GoldenBinary());
  CHECK(absl::IsNotFound(store.GetRow({}, "deleted").status()));
  CHECK(store.Verify()->rows == 4);
}

TEST_CASE("stamps and rows of a store of format 1 are given, also after it is written to") {
  const TempDir dir;
  fs::copy(Golden("format1_stamps"), dir.path());
  Options reading;
  reading.read_only = true;
  CheckStampsAndRows(*OpenStore(dir.path(), reading));
  {
    const auto store = OpenStore(dir.path(), GoldenOptions());
    CheckStampsAndRows(*store);
    Batch batch;
    batch.Set("new", "value", {.stamp = "v"});
    batch.PutRow("new", "row");
    REQUIRE_OK(store->Apply({}, batch));
    CHECK(StampIn(*store, "new") == "v");
    batch.Clear();
    batch.DeleteRow("new");
    REQUIRE_OK(store->Apply({}, batch));
    REQUIRE_OK(store->Reindex("e:"));
    REQUIRE_OK(store->Flush());
  }
  CheckStampsAndRows(*OpenStore(dir.path()));
}

std::string NearestListed(const std::string& prefix, const std::vector<float>& query) {
  std::vector<std::pair<float, std::string>> all;
  for (size_t i = 0; i < kGoldenListed; ++i) {
    if (i == 7) continue;  // deleted
    const std::vector<float> vector = GoldenListed(i);
    float sum = 0;
    for (size_t j = 0; j < 4; ++j) sum += (vector[j] - query[j]) * (vector[j] - query[j]);
    all.emplace_back(sum, prefix + std::to_string(i));
  }
  std::sort(all.begin(), all.end());
  std::string keys;
  for (size_t i = 0; i < 5; ++i) keys += (i == 0 ? "" : " ") + all[i].second;
  return keys;
}

std::vector<float> GoldenVectorOf(const std::string& text) {
  std::vector<float> vector(4);
  const std::string_view texts[] = {text};
  REQUIRE_OK(GoldenEmbedder().Embed(EmbedKind::kDocument, texts, vector));
  return vector;
}

void CheckListed(const Store& store) {
  for (const char* prefix : {"codes:", "bits:"}) {
    size_t found = 0;
    for (size_t i = 0; i < 30; ++i) {
      std::vector<float> query = GoldenListed(i * 41);
      query[1] += 0.37f;
      query[2] -= 0.71f;
      const std::string nearest = NearestListed(prefix, query);
      CHECK(Keys(store.Similar({.prefix = prefix, .limit = 5, .exact = true}, query)) == nearest);
      const std::string first = Keys(store.Similar({.prefix = prefix, .limit = 1}, query));
      found += first == nearest.substr(0, nearest.find(' ')) ? 1 : 0;
    }
    CHECK(found >= 27);
  }
  CHECK(store.SpaceOf("bits:1")->vector_memory == VectorMemory::kBits);
  for (const SpaceStats& space : store.Stats().spaces) {
    if (space.prefix == "codes:" || space.prefix == "bits:") CHECK(space.vector_lists > 1);
    if (space.prefix == "learns:") CHECK(space.embedder.starts_with("lsa/1:"));
  }
  for (size_t i = 0; i < 10; ++i) {
    const std::string key = "again:" + std::to_string(i);
    CHECK(*store.GetVector({}, key) == GoldenVectorOf(GoldenText(i)));
  }
  CHECK(*store.GetVector({}, "again:log") == GoldenVectorOf("only in the log"));
  // The learnt model is read back: a text finds itself.
  for (size_t i = 0; i < 40; i += 7) {
    const auto near = store.SimilarText({.prefix = "learns:", .limit = 1}, GoldenText(i));
    CHECK(Keys(near) == "learns:" + std::to_string(i));
    CHECK((*near)[0].score == doctest::Approx(1));
  }
  CHECK(Search(store, "late") == "later:1 later:2");
  CHECK(*store.GetVector({}, "later:made") == GoldenVectorOf("made before"));
  CHECK(absl::IsNotFound(store.GetVector({}, "later:refused").status()));
  CheckVerifies(store);
}

TEST_CASE("lists of vectors, a second generation, a learnt model and waiting values are read") {
  const TempDir dir;
  fs::copy(Golden("format1_vectors"), dir.path());
  const auto before = Files(dir.path());
  const auto pending = [](const Store& store) {
    for (const SpaceStats& space : store.Stats().spaces) {
      if (space.prefix == "later:") return std::pair(space.pending_vectors, space.refused_vectors);
    }
    return std::pair<uint64_t, uint64_t>();
  };
  const auto waiting = std::pair<uint64_t, uint64_t>(2, 1);
  {
    Options options = GoldenVectorOptions();
    options.read_only = true;
    const auto store = OpenStore(dir.path(), options);
    CheckListed(*store);
    CHECK(pending(*store) == waiting);
    CHECK(absl::IsNotFound(store->GetVector({}, "later:1").status()));
  }
  CHECK(Files(dir.path()) == before);
  {
    const auto store = OpenStore(dir.path(), GoldenVectorOptions(/*is_down=*/true));
    CheckListed(*store);
    CHECK(pending(*store) == waiting);
  }
  const auto store = OpenStore(dir.path(), GoldenVectorOptions());
  REQUIRE_OK(store->WaitIndexed(std::chrono::seconds(60)));
  CHECK(pending(*store) == std::pair<uint64_t, uint64_t>(0, 1));
  CHECK(*store->GetVector({}, "later:1") == GoldenVectorOf("late words"));
  CHECK(*store->GetVector({}, "later:2") == GoldenVectorOf("late and other words"));
  CheckListed(*store);
  REQUIRE_OK(store->Set({}, "codes:7", "", {.vector = GoldenListed(7)}));
  REQUIRE_OK(store->Delete({}, "codes:7"));
  REQUIRE_OK(store->TrainEmbedder("learns:"));
  REQUIRE_OK(store->Reembed("again:"));
  CheckListed(*store);
}

TEST_CASE("a store of format 1 gives all its answers") {
  for (const char* golden : kStores) {
    CAPTURE(golden);
    const TempDir dir;
    fs::copy(Golden(golden), dir.path());
    CheckAnswers(*OpenStore(dir.path()));
    // And again after this version has written: its log replayed, its expired keys swept.
    {
      const auto store = OpenStore(dir.path(), GoldenOptions());
      CheckAnswers(*store);
      REQUIRE_OK(store->Set({}, "doc:new", "nginx"));
      CHECK(Search(*store, "nginx", {.prefix = "doc:"}) == "doc:new doc:1");
      REQUIRE_OK(store->Delete({}, "doc:new"));
      REQUIRE_OK(store->Flush());
      CheckAnswers(*store);
    }
    CheckAnswers(*OpenStore(dir.path()));
  }
}

TEST_CASE("a read-only open of a store of format 1 gives the same answers and changes no byte") {
  for (const char* golden : kStores) {
    CAPTURE(golden);
    const TempDir dir;
    fs::copy(Golden(golden), dir.path());
    const auto before = Files(dir.path());
    REQUIRE(before.size() > 5);
    Options options;
    options.read_only = true;
    CheckAnswers(*OpenStore(dir.path(), options));
    CHECK(Files(dir.path()) == before);
  }
}

TEST_CASE("document ids of a store of format 1 are not given twice") {
  // Goal: old rows and new ones never mix. Method: everything is written anew, then verified.
  for (const char* golden : kStores) {
    CAPTURE(golden);
    const TempDir dir;
    fs::copy(Golden(golden), dir.path());
    for (int round = 0; round < 3; ++round) {
      const auto store = OpenStore(dir.path());
      for (const char* key : {"doc:1", "doc:2", "doc:4", "e:vim"}) {
        REQUIRE_OK(store->Set({}, key, "rewritten " + std::to_string(round)));
      }
      CHECK(store->Search({}, "rewritten")->total == 4);
      CHECK(store->Search({}, std::to_string(round))->total == 4);
      CheckVerifies(*store);
    }
  }
}

}  // namespace
}  // namespace libkv
