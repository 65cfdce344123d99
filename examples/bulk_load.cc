// Loading many pairs: lines "key<TAB>value" from standard input, a thousand to a commit.
//
//   bin/examples/bulk_load [DIRECTORY] < pairs.tsv
//
// Each commit is synced, so what the last progress line counts is there to stay; sharing one sync
// among a thousand pairs is what makes it fast.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <vector>

#include "example.h"
#include "libkv/store.h"

using example::Require;

namespace {

constexpr size_t kItemsPerCommit = 1'000;
constexpr size_t kItemsPerProgressLine = 100'000;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  const example::Folder folder(argc > 1 ? argv[1] : nullptr);
  const auto store = Require(libkv::Store::Open({}, folder.path()));

  const auto start = std::chrono::steady_clock::now();
  size_t stored = 0;
  libkv::Batch batch;  // copies what it is given, so the line may be reused
  const auto commit = [&] {
    Require(store->Apply({}, batch));
    stored += batch.count();
    batch.Clear();
    if (stored % kItemsPerProgressLine != 0) return;
    std::fprintf(stderr, "%zu pairs, %.0f a second\n", stored, stored / SecondsSince(start));
  };

  size_t line_number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++line_number;
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) {
      std::cerr << "line " << line_number << " has no tab; " << stored << " pairs are stored\n";
      return 1;
    }
    batch.Set(line.substr(0, tab), line.substr(tab + 1));
    const bool is_large = batch.size_bytes() > libkv::kBatchBytesMax / 2;
    if (batch.count() == kItemsPerCommit || is_large) commit();
  }
  if (batch.count() > 0) commit();

  std::cout << stored << " pairs stored\n";
  std::fprintf(stderr, "in %.2f s\n", SecondsSince(start));
  return 0;
}
