// Searching by words: what is asked and what comes back. The query language is described in
// libkv/doc/query_language.md; in short:
//   web server          both words          "web server"   the phrase
//   nginx OR apache     either ( | too)     server -proxy  without a word (NOT too)
//   (a OR b) c          grouping
#ifndef LIBKV_SEARCH_H_
#define LIBKV_SEARCH_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/snapshot.h"

namespace libkv {

inline constexpr size_t kSearchLimitMax = 10'000;  // limit + offset

enum class Ranking : uint8_t {
  // Okapi BM25, k1 = 1.5, b = 0.75 (Robertson and Zaragoza, "The Probabilistic Relevance Framework:
  // BM25 and Beyond", 2009).
  kBm25,
  // TF-IDF cosine in the lnc.ltc form (Manning, Raghavan and Schuetze, "Introduction to Information
  // Retrieval", 2008, 6.4.3).
  kTfIdf,
};

struct SearchOptions {
  std::string prefix;  // only keys that begin with it
  size_t limit = 10;   // best hits wanted
  size_t offset = 0;   // best hits skipped
  Ranking ranking = Ranking::kBm25;
  // Lenient: a query is never wrong; what cannot be understood is taken as plain words and
  // mentioned in SearchResult::warnings. Strict: InvalidArgument with the byte offset.
  bool strict = false;
  size_t excerpt_bytes = 0;  // > 0: each hit brings an excerpt of about this size
  // > 0: stop after this long and return what was found, with is_partial set.
  std::chrono::milliseconds time_limit{0};
  std::shared_ptr<const Snapshot> snapshot;  // null: every write that was acknowledged
};

// A piece of a value and where the words of the query stand in it.
struct Excerpt {
  struct Highlight {
    size_t begin = 0, end = 0;  // bytes of `text`: [begin, end)
  };
  std::string text;  // valid UTF-8, plain, not escaped; "…" marks a cut
  std::vector<Highlight> highlights;
};

// `excerpt` with <em>..</em> around the highlights and everything else escaped: safe to put into a
// page whatever the value holds.
std::string ToHtml(const Excerpt& excerpt);

struct Hit {
  std::string key;
  double score = 0;
  Excerpt excerpt;
};

struct SearchResult {
  std::vector<Hit> hits;              // best first; equal scores in key order
  size_t total = 0;                   // all matches, not only those in `hits`
  bool is_partial = false;            // the time limit stopped the search
  std::vector<std::string> warnings;  // what a lenient query could not use, one sentence each
};

}  // namespace libkv

#endif  // LIBKV_SEARCH_H_
