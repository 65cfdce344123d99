// An embedder of one's own, which is a function from texts to numbers, and vectors given by hand.
//
//   bin/examples/own_vectors [DIRECTORY]
#include <cstdio>
#include <iostream>

#include "example.h"
#include "libkv/store.h"

using example::Require;

namespace {

// How often the letters a to z occur. A model would stand here; what makes it an embedder is the
// same: a name that changes with the numbers, a dimension, and many texts at a time.
class LetterEmbedder : public libkv::Embedder {
 public:
  std::string identity() const override { return "letters/1"; }
  size_t dimension() const override { return 26; }
  absl::Status Embed(libkv::EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::span<float> vector = vectors.subspan(i * dimension(), dimension());
      std::fill(vector.begin(), vector.end(), 0.0f);  // all zeros would mean: no vector
      for (const char c : texts[i]) {
        if (c >= 'a' && c <= 'z') vector[static_cast<size_t>(c - 'a')] += 1;
      }
    }
    return absl::OkStatus();
  }
};

void Show(const std::string& question, const std::vector<libkv::Neighbor>& neighbors) {
  std::cout << question << "\n";
  for (const libkv::Neighbor& neighbor : neighbors) {
    std::printf("  %-14s %8.3f\n", neighbor.key.c_str(), neighbor.score);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const example::Folder folder(argc > 1 ? argv[1] : nullptr);
  libkv::Options options;
  options.spaces = {
      {.prefix = "word:", .embedder = std::make_shared<LetterEmbedder>()},
      {.prefix = "place:", .vector_dimension = 2, .metric = libkv::Metric::kL2},
  };
  const auto store = Require(libkv::Store::Open(options, folder.path()));

  for (const char* word : {"listen", "lesson", "garden", "moon"}) {
    Require(store->Set({}, std::string("word:") + word, word));
  }
  Show("letters of \"silent\"",
       Require(store->SimilarText({.prefix = "word:", .limit = 2}, "silent")));
  Show("like word:lesson", Require(store->SimilarTo({.limit = 2}, "word:lesson")));

  // A vector given by hand is stored with its value, in the same commit.
  const float mill[] = {1, 1};
  Require(store->Set({}, "place:mill", "", {.vector = mill}));
  const float bridge[] = {2, 1};
  Require(store->Set({}, "place:bridge", "", {.vector = bridge}));
  const float church[] = {9, 9};
  Require(store->Set({}, "place:church", "", {.vector = church}));
  Show("near place:mill", Require(store->SimilarTo({.limit = 1}, "place:mill")));
  const float here[] = {8, 9};
  Show("near (8, 9)", Require(store->Similar({.prefix = "place:", .limit = 1}, here)));
  return 0;
}
