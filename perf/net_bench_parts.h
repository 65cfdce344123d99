// The parts of net_bench that compare kvserver with something else than another server.
#ifndef LIBKV_PERF_NET_BENCH_PARTS_H_
#define LIBKV_PERF_NET_BENCH_PARTS_H_

#include <functional>
#include <string>

namespace libkv::perf {

struct PartOptions {
  std::string kvserver;   // the program
  std::string directory;  // for the data
  int rounds = 3;
  // Whether the row of that name is to be run.
  std::function<bool(const std::string& row)> is_wanted;
};

// Rows search-1x1 and similar-1x1: what the wire adds to a search. One directory is filled by the
// library; then the library in this process and a server take turns to open and ask it.
void RunSearchRows(const PartOptions& options);

// Rows memory-256 and memory-128: the most memory that a server with so many MiB ever has while a
// million values of 100 B are written and then read.
void RunMemoryRows(const PartOptions& options);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_NET_BENCH_PARTS_H_
