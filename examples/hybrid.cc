// Searching by words and by likeness at once, and why each hit stands where it does.
//
//   bin/examples/hybrid [DIRECTORY]
#include <cstdio>
#include <iostream>
#include <string>

#include "example.h"
#include "libkv/store.h"

using example::Require;

namespace {

std::string Show(const std::optional<double>& score, double part) {
  if (!score.has_value()) return "   -         ";
  char text[32];
  std::snprintf(text, sizeof text, "%5.2f -> %.2f", *score, part);
  return text;
}

void Ask(const libkv::Store& store, const std::string& query, libkv::HybridOptions options) {
  options.prefix = "tip:";
  options.limit = 4;
  options.excerpt_bytes = 50;
  const libkv::HybridResult found = Require(store.Hybrid(options, query));
  std::printf("%-26s   score = %.1f words + %.1f vectors\n", query.c_str(), options.word_weight,
              options.vector_weight);
  for (const libkv::HybridHit& hit : found.hits) {
    std::printf("  %-8s %.2f = %s  %s  %s\n", hit.key.c_str() + options.prefix.size(), hit.score,
                Show(hit.word_score, hit.word_part).c_str(),
                Show(hit.vector_score, hit.vector_part).c_str(), ToHtml(hit.excerpts).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const example::Folder folder(argc > 1 ? argv[1] : nullptr);
  // Both indexes over the same keys. The built-in embedder knows parts of words: what a search by
  // words misses because it is written otherwise, vectors may find.
  const libkv::Space tips{.prefix = "tip:",
                          .text = true,
                          .text_fields = {"text"},
                          .embedder = libkv::MakeHashEmbedder(),
                          .fields = {"minutes"}};
  const auto store = Require(libkv::Store::Open({.spaces = {tips}}, folder.path()));
  const libkv::KeyValue items[] = {
      {"tip:chain",
       R"({"text": "A dry bicycle chain squeaks: clean it and oil it.", "minutes": 15})"},
      {"tip:brake",
       R"({"text": "Bicycle brakes that rub want a turn of the screw.", "minutes": 5})"},
      {"tip:tyre", R"({"text": "Mend a flat tyre with a patch, on any bike.", "minutes": 20})"},
      {"tip:ride", R"({"text": "Bicycling in the rain: wipe the rims dry.", "minutes": 2})"},
      {"tip:lamp", R"({"text": "A lamp that flickers has a loose contact.", "minutes": 10})"},
  };
  Require(store->BulkSet({}, items));

  Ask(*store, "bicycle brakes", {});
  // Fields and exclusions hold for both sides.
  Ask(*store, "bicycle minutes:<=15 -oil", {});
  // For what is written in many ways, likeness may count more.
  Ask(*store, "bicyclist", {.word_weight = 0.2, .vector_weight = 0.8});
  return 0;
}
