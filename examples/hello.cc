// The first minutes with a store: open, set, get, set many at once, walk, count, delete.
//
//   bin/examples/hello [DIRECTORY]
#include <iostream>

#include "example.h"
#include "libkv/store.h"

using example::Require;

int main(int argc, char** argv) {
  const example::Folder folder(argc > 1 ? argv[1] : nullptr);
  const auto store = Require(libkv::Store::Open({}, folder.path()));

  // OK means: this pair survives a power cut.
  Require(store->Set({}, "fruit:apple", "red"));
  std::cout << "fruit:apple is " << Require(store->Get({}, "fruit:apple")) << "\n";

  // Several at once: all of them are stored, or none.
  const libkv::KeyValue items[] = {
      {"fruit:banana", "yellow"}, {"fruit:plum", "blue"}, {"tree:oak", "tall"}};
  Require(store->BulkSet({}, items));

  // Keys are ordered, so what begins alike stands together.
  const auto it = store->NewIterator({}, {.prefix = "fruit:"});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    std::cout << "  " << it->key() << " = " << it->value() << "\n";
  }
  Require(it->status());

  // Changes that depend on what is there need no lock around them.
  Require(store->Increment({}, "visits", 41));
  std::cout << "visits: " << Require(store->Increment({}, "visits")) << "\n";
  const absl::Status lost = store->CompareAndSet({}, "fruit:plum", "green", "ripe");
  std::cout << "a plum that is not green: " << lost << "\n";

  // NotFound is an answer, not an accident.
  Require(store->Delete({}, "fruit:apple"));
  const bool gone = absl::IsNotFound(store->Get({}, "fruit:apple").status());
  std::cout << "fruit:apple is " << (gone ? "gone" : "still there") << "\n";
  return 0;
}
