// Searching by words: every value under "note:" is indexed in the same commit that stores it.
//
//   bin/examples/search [DIRECTORY]
#include <cstdio>
#include <iostream>

#include "example.h"
#include "libkv/store.h"

using example::Require;

namespace {

void Show(const libkv::Store& store, const std::string& query) {
  const libkv::SearchResult found =
      Require(store.Search({.prefix = "note:", .limit = 3, .excerpt_bytes = 60}, query));
  std::cout << query << "   (" << found.total << " found)\n";
  for (const libkv::Hit& hit : found.hits) {
    std::printf("  %-12s %5.2f  %s\n", hit.key.c_str(), hit.score, ToHtml(hit.excerpt).c_str());
  }
  for (const std::string& warning : found.warnings) std::cout << "  " << warning << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const example::Folder folder(argc > 1 ? argv[1] : nullptr);
  libkv::Space notes{.prefix = "note:", .text = true};
  const auto store = Require(libkv::Store::Open({.spaces = {notes}}, folder.path()));

  const libkv::KeyValue items[] = {
      {"note:bread", "Knead the dough, let it rise twice, and bake the bread in a hot oven."},
      {"note:pizza", "Pizza wants a thin dough and the hottest oven there is: bake it fast."},
      {"note:knife", "A dull knife slips. Sharpen knives before you cut bread or tomatoes."},
      {"note:salad", "No oven needed: cut tomatoes, add oil & salt, toss < 1 minute."},
      {"garden", "Tomatoes want sun. This key is in no space: it is stored, not searched."},
  };
  Require(store->BulkSet({}, items));

  Show(*store, "bake dough");               // both words, in any form
  Show(*store, "\"hot oven\"");             // the phrase
  Show(*store, "oven -bake");               // the first and not the second
  Show(*store, "knife OR (oil tomatoes)");  // alternatives and groups
  Show(*store, "\"hot oven");               // no query is wrong: it is repaired, and says how

  // A value that changes is found by its new words at once, and no longer by its old ones.
  Require(store->Set({}, "note:pizza", "We ordered one instead."));
  Show(*store, "dough");
  return 0;
}
