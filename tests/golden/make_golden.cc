// Makes a golden store: make_golden DIRECTORY [segments|stamps|vectors]. Run once for each format
// number, by hand; the result is kept in tests/golden/format<N> for ever, and every later library
// must read it.
//
// Half of the content is flushed to tables and half stays in the log, so that both are kept. With
// "segments" the words of the first half are sealed, some of which then die, and those of one space
// are sealed once more. With "stamps" there are besides values with stamps, and rows of the
// application. "vectors" is another store: lists of vectors, with all codes in memory and with bits
// alone, a second generation, a learnt model, and values that wait for their vectors.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "golden/content.h"
#include "libkv/store.h"

namespace libkv {
namespace {

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "make_golden: %s\n", status.ToString().c_str());
  std::exit(1);
}

void SetVector(Store& store, const std::string& key, const std::string& value,
               std::vector<float> vector) {
  SetOptions options;
  options.vector = vector;
  Require(store.Set({}, key, value, options));
}

void WriteFirstHalf(Store& store) {
  Require(store.Set({}, "plain", "value"));
  Require(store.Set({}, "empty", ""));
  Require(store.Set({}, std::string("bin\0ary\xff", 8), GoldenBinary()));
  Require(store.Set({}, "overwritten", "old"));
  Require(store.Set({}, "deleted", "x"));
  Require(store.Set({}, "counter", "41"));
  Require(store.Set({}, "doc:1",
                    R"({"title":"Web servers","body":"nginx serves pages fast",)"
                    R"("year":2004,"tags":["net","web"]})"));
  Require(store.Set({}, "doc:2", R"({"title":"Old title","body":"to be replaced","year":1999})"));
  Require(store.Set({}, "doc:3", R"({"title":"Deleted","body":"nginx too","year":2004})"));
  Require(store.Set({}, "doc:4", "Not JSON: a proxy before web servers"));
  SetVector(store, "v32:a", "first", {1, 0, 0, 0});
  SetVector(store, "v32:b", "second", {0, 1, 0, 0});
  SetVector(store, "v32:old", "replaced", {9, 9, 9, 9});
  SetVector(store, "v16:a", "first", {1, 2, 3, 4});
  SetVector(store, "v16:b", "second", {-1, -2, -3, -4});
  Require(store.Set({}, "e:nginx", "small fast web server and proxy"));
  Require(store.Set({}, "e:apache", "the web server with many modules"));
}

void WriteSecondHalf(Store& store) {
  Require(store.Set({}, "overwritten", "new"));
  Require(store.Delete({}, "deleted"));
  Require(store.Increment({}, "counter").status());
  SetOptions expiring;
  expiring.ttl = std::chrono::milliseconds(kGoldenExpiry - kGoldenNow);
  Require(store.Set({}, "expiring", "until 2200", expiring));
  Require(store.Set({}, "doc:expiring", "a server until 2200", expiring));
  SetOptions past;
  past.ttl = std::chrono::milliseconds(kGoldenPast - kGoldenNow);
  Require(store.Set({}, "expired", "x", past));
  Require(store.Set({}, "doc:expired", "nginx was here", past));
  Require(store.Set({}, "doc:2",
                    R"({"title":"Vim","body":"An editor with modes","year":1991.5,)"
                    R"("tags":null})"));
  Require(store.Delete({}, "doc:3"));
  SetVector(store, "v32:old", "now near b", {0, 0.5f, 0, 0});
  SetVector(store, "v32:c", "third", {0.25f, 0, 0, 0});
  SetVector(store, "v16:c", "third", {1, 2, 3, 3});
  Require(store.Delete({}, "v16:b"));
  const KeyValue items[] = {{"e:vim", "text editor with many modes"},
                            {"e:emacs", "extensible text editor"}};
  Require(store.BulkSet({}, items));
}

void WriteStamps(Store& store, bool first) {
  Batch batch;
  if (first) {
    const std::string long_stamp(kGoldenLongStamp, 's');
    batch.Set("stamped", "value", {.stamp = GoldenBinary()});
    batch.Set("stamped:over", "old", {.stamp = "version 1"});
    batch.Set("stamped:kept", "value", {.stamp = kGoldenStamp});
    batch.Set("e:nginx", "small fast web server and proxy", {.stamp = long_stamp});
    batch.PutRow("clock", "1");
    batch.PutRow("deleted", "x");
    batch.PutRow("empty", "");
    batch.PutRow(GoldenBinary(), GoldenBinary());
  } else {
    batch.Set("stamped:over", "new", {.stamp = kGoldenStamp});
    batch.SetExpiry("stamped:kept", kGoldenExpiry);
    batch.Set("e:vim", "text editor with many modes", {.stamp = kGoldenStamp});
    batch.PutRow("clock", "2");
    batch.DeleteRow("deleted");
    batch.PutRow("log/1", "entry");
  }
  Require(store.Apply({}, batch));
}

void Make(const std::string& directory, bool seal, bool stamp) {
  Options options = GoldenOptions();
  options.clock = [] { return kGoldenNow; };
  for (const bool first : {true, false}) {
    absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options, directory);
    Require(store.status());
    first ? WriteFirstHalf(**store) : WriteSecondHalf(**store);
    if (stamp) WriteStamps(**store, first);
    if (seal) Require((*store)->SealIndex("e:"));
    if (seal && first) Require((*store)->SealIndex("doc:"));
    if (first) Require((*store)->Flush());
  }
  // Of no use to a reader: they are not kept.
  for (const char* name : {"LOG", "LOG.old", "libkv.log", "LOCK", "KVLOCK"}) {
    std::filesystem::remove(directory + "/" + name);
  }
}

void WaitFor(const char* what, const std::function<bool()>& is_there) {
  for (int i = 0; i < 600; ++i) {
    if (is_there()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Require(absl::DeadlineExceededError(what));
}

void MakeVectors(const std::string& directory) {
  {
    absl::StatusOr<std::unique_ptr<Store>> store =
        Store::Open(GoldenVectorOptions(/*is_down=*/true), directory);
    Require(store.status());
    Batch batch;
    for (size_t i = 0; i < kGoldenListed; ++i) {
      const std::vector<float> vector = GoldenListed(i);
      SetOptions with;
      with.vector = vector;
      for (const char* prefix : {"codes:", "bits:"}) {
        batch.Set(prefix + std::to_string(i), "", with);
      }
    }
    for (size_t i = 0; i < 40; ++i) batch.Set("learns:" + std::to_string(i), GoldenText(i));
    for (size_t i = 0; i < 10; ++i) batch.Set("again:" + std::to_string(i), GoldenText(i));
    Require((*store)->Apply({}, batch));
    Require((*store)->Reembed("again:", std::make_shared<GoldenEmbedder>()));
    Require((*store)->Set({}, "again:after", "written after it"));
    Require((*store)->TrainEmbedder("learns:"));
    Require((*store)->Set({}, "later:made", "made before"));
    Require((*store)->WaitIndexed(std::chrono::seconds(60)));
    Require((*store)->Set({}, "later:refused", "no vector"));
    const auto count = [&](const std::function<uint64_t(const SpaceStats&)>& of) {
      uint64_t sum = 0;
      for (const SpaceStats& space : (*store)->Stats().spaces) sum += of(space);
      return sum;
    };
    WaitFor("a refusal", [&] {
      return count([](const SpaceStats& space) { return space.refused_vectors; }) == 1;
    });
    Require((*store)->Set({}, "later:1", "late words"));
    Require((*store)->Set({}, "later:2", "late and other words"));
    WaitFor("lists", [&] {
      return count([](const SpaceStats& space) { return space.recall.empty() ? 0 : 1; }) == 2;
    });
    for (const char* prefix : {"codes:", "bits:"}) {
      Require((*store)->Delete({}, prefix + std::string("7")));
    }
    Require((*store)->Flush());
    Require((*store)->Set({}, "again:log", "only in the log"));
  }
  for (const char* name : {"LOG", "LOG.old", "libkv.log", "LOCK", "KVLOCK"}) {
    std::filesystem::remove(directory + "/" + name);
  }
}

}  // namespace
}  // namespace libkv

int main(int argc, char** argv) {
  const bool seal = argc == 3 && std::string(argv[2]) == "segments";
  const bool stamp = argc == 3 && std::string(argv[2]) == "stamps";
  if (argc == 3 && std::string(argv[2]) == "vectors") {
    libkv::MakeVectors(argv[1]);
    return 0;
  }
  if (argc != 2 && !seal && !stamp) {
    std::fprintf(stderr, "usage: make_golden DIRECTORY [segments|stamps|vectors]\n");
    return 2;
  }
  libkv::Make(argv[1], seal, stamp);
  return 0;
}
