// Searching by the meaning of words, with word vectors from a file: those of GloVe, word2vec or
// fastText, or, when none is named, a few that are made up here.
//
//   bin/examples/word_vectors [FILE [DIRECTORY]]
#include <cstdio>
#include <fstream>
#include <iostream>

#include "example.h"
#include "libkv/store.h"
#include "libkv/word_vectors.h"

using example::Require;

namespace {

// A direction for kitchens, one for harbours, one for weather, and one that all words share.
constexpr char kMadeUp[] =
    "the 0 0 0 1\n"
    "a 0 0 0 1\n"
    "bread 9 0 0 1\n"
    "oven 8 1 0 1\n"
    "cake 9 1 0 1\n"
    "ship 0 9 1 1\n"
    "harbour 1 8 1 1\n"
    "sail 0 8 3 1\n"
    "storm 0 3 9 1\n"
    "rain 0 1 9 1\n";

std::string MadeUpFile(const std::string& folder) {
  const std::string path = folder + ".vec";
  std::ofstream(path) << kMadeUp;
  return path;
}

}  // namespace

int main(int argc, char** argv) {
  const example::Folder folder(argc > 2 ? argv[2] : nullptr);
  const std::string file = argc > 1 ? argv[1] : MadeUpFile(folder.path());
  const auto embedder = Require(libkv::MakeWordVectorEmbedder(file));
  std::cout << "vectors of " << embedder->dimension() << " dimensions\n";

  const libkv::Space notes{.prefix = "note:", .embedder = embedder};
  const auto store = Require(libkv::Store::Open({.spaces = {notes}}, folder.path()));
  const libkv::KeyValue texts[] = {
      {"note:1", "The cake is in the oven."},
      {"note:2", "A ship in the harbour."},
      {"note:3", "Rain, rain and a storm."},
  };
  Require(store->BulkSet({}, texts));

  // No note has one of these words.
  for (const char* question : {"bread", "sail"}) {
    std::cout << question << "\n";
    for (const auto& neighbor : Require(store->SimilarText({.limit = 2}, question))) {
      std::printf("  %-14s %8.3f\n", neighbor.key.c_str(), neighbor.score);
    }
  }
  return 0;
}
