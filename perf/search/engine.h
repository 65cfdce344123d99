// An Engine is a search engine that has indexed the documents, opened to answer queries. All
// engines get the same documents and the same words and say which documents are best, by number.
//
// Errors     A failure ends the process with a message.
// Threads    One.
#ifndef LIBKV_PERF_SEARCH_ENGINE_H_
#define LIBKV_PERF_SEARCH_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "search/documents.h"
#include "search/query.h"

namespace libkv::perf {

inline constexpr size_t kTopHits = 10;
// What every engine ranks with: libkv's defaults.
inline constexpr double kBm25K1 = 1.5, kBm25B = 0.75;

struct Answer {
  double us = 0;               // CPU time of the thread that searched, from the words to the hits
  std::vector<uint32_t> hits;  // numbers of documents, best first, at most kTopHits
};

class Engine {
 public:
  virtual ~Engine() = default;

  // One answer for each query; those of a kind that it does not support stay empty.
  virtual std::vector<Answer> Pass(const std::vector<Query>& queries) = 0;
  virtual bool Supports(QueryKind) const { return true; }
};

// What making an index took.
struct BuildCost {
  double write_cpu_seconds = 0;  // of the process, until everything can be found
  double merge_cpu_seconds = 0;  // until it is one segment, or whatever searches fastest
  uint64_t disk_bytes = 0;       // then
};

struct EngineKind {
  std::string name;
  // Makes the index in a directory, which does not exist yet.
  std::function<BuildCost(const std::vector<Document>&, const std::string& directory)> build;
  std::function<std::unique_ptr<Engine>(const std::string& directory)> open;
};

// The rivals this program was built with. For each other one a line is printed that says what was
// missing.
std::vector<EngineKind> Rivals();

// CPU time so far.
double ThreadCpuSeconds();
double ProcessCpuSeconds();
// The bytes of all files in a directory.
uint64_t DirectoryBytes(const std::string& directory);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_ENGINE_H_
