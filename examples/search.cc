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
  libkv::SearchOptions options{.prefix = "note:", .limit = 3};
  options.excerpt_bytes = 60;
  options.typos = true;
  const libkv::SearchResult found = Require(store.Search(options, query));
  std::cout << query << "   (" << found.total << " found)\n";
  for (const libkv::Hit& hit : found.hits) {
    std::printf("  %-12s %5.2f  %s\n", hit.key.c_str(), hit.score, ToHtml(hit.excerpts).c_str());
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
  Show(*store, "\"dough oven\"~6");         // a phrase with room for six more words
  Show(*store, "toma* NEAR/1 cut");         // words that begin like this, close to another
  Show(*store, "sharpn~ OR pizza^3");       // a misspelt word; a word that weighs more
  Show(*store, "minutte oil");              // a typo that nobody marked
  Show(*store, "\"hot oven");               // no query is wrong: it is repaired, and says how

  for (const libkv::Suggestion& next : Require(store->Suggest({.prefix = "note:"}, "fresh b"))) {
    std::cout << "fresh b...   " << next.text << " (" << next.documents << ")\n";
  }

  // Why a hit stands where it does.
  libkv::SearchOptions explain{.prefix = "note:", .limit = 1};
  explain.explain = true;
  const libkv::SearchResult best = Require(store->Search(explain, "bake^2 \"thin dough\""));
  for (const libkv::ScorePart& part : best.hits.at(0).explanation) {
    std::printf("  %-12s %5.2f  %u times, idf %.2f\n", part.what.c_str(), part.score,
                part.frequency, part.idf);
  }

  // Of JSON values, fields can be asked for, counted and sorted by.
  Require(store->DefineSpace({.prefix = "book:", .text = true, .fields = {"year", "tags"}}));
  const libkv::KeyValue books[] = {
      {"book:1", R"({"title": "Bread at home", "year": 2004, "tags": ["oven", "flour"]})"},
      {"book:2", R"({"title": "Bread and wine", "year": 1936, "tags": ["novel"]})"},
      {"book:3", R"({"title": "Flat bread", "year": 1995, "tags": ["flour"]})"},
  };
  Require(store->BulkSet({}, books));
  libkv::SearchOptions by_year{.prefix = "book:"};
  by_year.sort = {.field = "year", .descending = true};
  by_year.facets = {{.field = "tags", .limit = 1}};
  const libkv::SearchResult found = Require(store->Search(by_year, "bread year:>1950 -tags:novel"));
  for (const libkv::Hit& hit : found.hits) {
    std::printf("  %-12s %.0f\n", hit.key.c_str(), std::get<double>(hit.value.value()));
  }
  const libkv::Facet::Value& tag = found.facets[0].values.at(0);
  std::printf("  %s: %zu\n", std::get<std::string>(tag.value).c_str(), tag.count);

  // A value that changes is found by its new words at once, and no longer by its old ones.
  Require(store->Set({}, "note:pizza", "We ordered one instead."));
  Show(*store, "dough");
  return 0;
}
