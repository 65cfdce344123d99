// Lucene in a Java program beside this one (lucene/LuceneHarness.java), told by lines what to do.
//
// Threads    One.
// Errors     A failure ends this process with a message.
#ifndef LIBKV_PERF_SEARCH_LUCENE_PROCESS_H_
#define LIBKV_PERF_SEARCH_LUCENE_PROCESS_H_

#include <string>
#include <utility>
#include <vector>

#include "search/child_process.h"
#include "search/engine.h"

namespace libkv::perf {

class LuceneProcess {
 public:
  LuceneProcess();

  // Indexes the documents; the disk bytes are left 0.
  BuildCost Index(const std::vector<Document>& documents, const std::string& directory);

  void Open(const std::string& directory, double k1, double b);

  // The first pass over other queries than before comes after enough unmeasured ones for Java's
  // compiler to be done.
  std::vector<Answer> Pass(const std::vector<Query>& queries);

  // The best documents that have any word of `text`, with their scores.
  std::vector<std::pair<uint32_t, double>> Rank(const std::string& text, size_t limit);

 private:
  ChildProcess java_;
  const std::vector<Query>* queries_ = nullptr;  // those that Java knows
};

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_LUCENE_PROCESS_H_
