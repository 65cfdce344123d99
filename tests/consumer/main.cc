// Writes, reads and searches with nothing but the public headers: consumer DIRECTORY.
#include <libkv/store.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  libkv::Options options;
  options.spaces.push_back({.prefix = "", .text = true, .embedder = libkv::MakeHashEmbedder()});
  const auto store = libkv::Store::Open(options, argv[1]);
  if (!store.ok()) {
    std::cerr << store.status().ToString() << "\n";
    return 1;
  }
  if (!(*store)->Set({}, "greeting", "hello world").ok()) return 1;
  const auto value = (*store)->Get({}, "greeting");
  const auto found = (*store)->Search({}, "worlds");
  const auto near = (*store)->SimilarText({}, "hello");
  if (!value.ok() || *value != "hello world") return 1;
  if (!found.ok() || found->hits.size() != 1 || !near.ok() || near->size() != 1) return 1;
  std::cout << "libkv works: " << found->hits[0].key << "\n";
  return 0;
}
