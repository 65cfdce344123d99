// Searching by likeness: vectors that an embedder makes of texts, and vectors of one's own.
//
//   bin/examples/similar [DIRECTORY]
#include <cstdio>
#include <iostream>

#include "example.h"
#include "libkv/store.h"

using example::Require;

namespace {

void Show(const std::string& question, const std::vector<libkv::Neighbor>& neighbors) {
  std::cout << question << "\n";
  for (const libkv::Neighbor& neighbor : neighbors) {
    std::printf("  %-14s %8.3f\n", neighbor.key.c_str(), neighbor.score);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const example::Folder folder(argc > 1 ? argv[1] : nullptr);
  // Texts: the built-in embedder compares words and parts of words. Colours: three floats each, by
  // their distance. A store may have many such spaces, and keys that are in none.
  libkv::Options options;
  options.spaces = {
      {.prefix = "text:", .embedder = libkv::MakeHashEmbedder()},
      {.prefix = "colour:", .vector_dimension = 3, .metric = libkv::Metric::kL2},
  };
  const auto store = Require(libkv::Store::Open(options, folder.path()));

  const libkv::KeyValue texts[] = {
      {"text:bicycle", "Repairing a bicycle: chains, brakes and punctured tyres."},
      {"text:car", "Repairing a car at home: brakes, oil and winter tyres."},
      {"text:bread", "Baking bread at home with flour, water, salt and time."},
      {"text:cake", "Baking a cake with flour, butter, sugar and eggs."},
  };
  Require(store->BulkSet({}, texts));
  Show("like text:bread", Require(store->SimilarTo({.limit = 2}, "text:bread")));
  Show("\"my bike's brake is broken\"",
       Require(store->SimilarText({.prefix = "text:", .limit = 2}, "my bike's brake is broken")));

  libkv::Batch colours;
  const auto add = [&colours](const std::string& name, const std::vector<float>& rgb) {
    colours.Set("colour:" + name, "", {.vector = rgb});
  };
  add("red", {1, 0, 0});
  add("orange", {1, 0.65f, 0});
  add("navy", {0, 0, 0.5f});
  add("black", {0, 0, 0});
  Require(store->Apply({}, colours));
  const float rust[] = {0.7f, 0.25f, 0.05f};
  Show("near (0.7, 0.25, 0.05)", Require(store->Similar({.prefix = "colour:", .limit = 2}, rust)));
  return 0;
}
