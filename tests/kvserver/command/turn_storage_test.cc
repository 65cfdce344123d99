// The records that a cluster compares: as they were at one moment, whatever is written afterwards.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/stamp.h"
#include "cluster/storage.h"
#include "command/system_keys.h"
#include "command/write_turns.h"
#include "libkv/store.h"
#include "support/temp_dir.h"

namespace kvserver {
namespace {

using cluster::RecordView;
using cluster::Storage;
using cluster::StoredRecord;

class NoReplicator : public WriteTurns::Replicator {
 public:
  absl::StatusOr<cluster::Dot> Write(Storage&, const cluster::ClientWrite&) override {
    return absl::UnimplementedError("");
  }
  void EndUnit(cluster::Level) override {}
  uint64_t Seal(Storage&) override { return 0; }
  bool Stored(uint64_t, const absl::Status&) override { return false; }
  void NothingPending(uint64_t) override {}
  void Flush() override {}
};

class Records {
 public:
  Records() {
    libkv::Options options;
    options.spaces.push_back({.prefix = "v:", .vector_dimension = 2, .metric = libkv::Metric::kL2});
    store_ = *libkv::Store::Open(options, dir_.path());
    turns_ = std::make_unique<WriteTurns>(
        *store_, [] { return int64_t{1'700'000'000'000}; },
        [](const std::shared_ptr<const WriteTurns::Finished>&) {});
    turns_->SetReplicator(&replicator_);
  }

  // Pending until Store.
  void Set(std::string_view key, const std::string& value, std::vector<float> vector = {}) {
    ++counter_;
    SetAgain(key, value, std::move(vector));
  }
  // The same version as of the Set before.
  void SetAgain(std::string_view key, const std::string& value, std::vector<float> vector) {
    cluster::Version version;
    version.dot = {{1, 1}, counter_};
    version.value = value;
    version.vector = std::move(vector);
    const StoredRecord record = cluster::EncodeRecord({version}, actors_);
    turns_->WithStorage([&](Storage& storage) { storage.Set(key, record); });
  }
  void Delete(std::string_view key) {
    turns_->WithStorage([&](Storage& storage) { storage.Delete(key); });
  }
  void Store() { turns_->Quiesce(); }
  std::unique_ptr<RecordView> Snapshot() {
    std::unique_ptr<RecordView> snapshot;
    turns_->WithStorage([&](Storage& storage) { snapshot = storage.Snapshot(); });
    return snapshot;
  }
  libkv::Store& store() { return *store_; }

 private:
  libkv::TempDir dir_;
  std::unique_ptr<libkv::Store> store_;
  NoReplicator replicator_;
  std::unique_ptr<WriteTurns> turns_;
  cluster::ActorTable actors_;
  uint64_t counter_ = 0;
};

std::string ValueOf(RecordView& view, std::string_view key) {
  const auto record = view.Read(key, true);
  REQUIRE(record.ok());
  if (!*record) return "none";
  std::string text = (*record)->value;
  for (const float x : (*record)->vector) text += " " + std::to_string(static_cast<int>(x));
  return text;
}

std::string KeysOf(RecordView& view, std::string_view first, std::string_view end) {
  std::string keys;
  const auto visit = [&](std::string_view key, std::string_view stamp) {
    CHECK(!stamp.empty());
    keys += (keys.empty() ? "" : " ") + std::string(IsSystemKey(key) ? "system" : key);
    return true;
  };
  REQUIRE(view.ForEachStamp(first, end, visit).ok());
  return keys;
}

TEST_CASE("a snapshot shows what was stored and what was pending, vectors too, whatever follows") {
  Records records;
  const std::string system = SystemKey("space:x");
  records.Set("v:a", "one", {1, 2});
  records.Set("v:b", "old");
  records.Set(system, "defined");
  records.Store();
  records.Set("v:b", "pending", {3, 4});
  records.Set("v:c", "new");
  records.Set("gone", "soon");
  records.Delete("gone");

  const std::unique_ptr<RecordView> snapshot = records.Snapshot();
  const auto check = [&] {
    CHECK(ValueOf(*snapshot, "v:a") == "one 1 2");
    CHECK(ValueOf(*snapshot, "v:b") == "pending 3 4");
    CHECK(ValueOf(*snapshot, "v:c") == "new");
    CHECK(ValueOf(*snapshot, "gone") == "none");
    CHECK(ValueOf(*snapshot, "v:d") == "none");
    CHECK(ValueOf(*snapshot, system) == "defined");
    CHECK(KeysOf(*snapshot, "", "") == "system v:a v:b v:c");
    CHECK(KeysOf(*snapshot, "v:b", "v:c") == "v:b");
    CHECK(KeysOf(*snapshot, "v:d", "") == "");
  };
  check();
  records.Store();
  check();
  records.Set("v:a", "other", {5, 6});
  records.Delete("v:b");
  records.Delete("v:c");
  records.Set("v:d", "later");
  records.Delete(system);
  check();
  records.Store();
  check();

  const std::unique_ptr<RecordView> now = records.Snapshot();
  CHECK(ValueOf(*now, "v:a") == "other 5 6");
  CHECK(KeysOf(*now, "", "") == "v:a v:d");
}

TEST_CASE("a snapshot has the vector of a value whose space is gone, if it waits in the record") {
  Records records;
  records.Set("v:a", "one", {1, 2});
  records.Store();
  const std::unique_ptr<RecordView> snapshot = records.Snapshot();
  REQUIRE(records.store().DropSpace("v:").ok());
  records.SetAgain("v:a", "one", {1, 2});  // parked, as no space takes it
  records.Store();
  CHECK(ValueOf(*snapshot, "v:a") == "one 1 2");
}

}  // namespace
}  // namespace kvserver
