// Searching by words: what is asked and what comes back. The query language is described in
// libkv/doc/query_language.md; in short:
//   web server          both words          "web server"   the phrase
//   nginx OR apache     either ( | too)     server -proxy  without a word (NOT too)
//   (a OR b) c          grouping           word^2  (..)^3  counts more
//   web*                words that begin   servr~  servr~2 words with that many typos
//   "a b"~3             words in between   a NEAR/3 b      close to each other
//   *                   every value with words
//   section:web         a field of JSON values: year:2004  date:[2024-01 TO 2024-03]  size:>=100
#ifndef LIBKV_SEARCH_H_
#define LIBKV_SEARCH_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/find.h"
#include "libkv/snapshot.h"

namespace libkv {

inline constexpr size_t kSearchLimitMax = 10'000;  // limit + offset
inline constexpr size_t kSuggestLimitMax = 1'000;
inline constexpr size_t kExcerptCountMax = 16;
inline constexpr size_t kCountAll = SIZE_MAX;
inline constexpr double kBm25K1Max = 100;
inline constexpr size_t kFacetsMax = 16;          // of one search
inline constexpr size_t kFacetValuesMax = 1'000;  // of one facet

enum class Ranking : uint8_t {
  // Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework:
  // BM25 and Beyond", 2009).
  kBm25,
  // TF-IDF cosine in the lnc.ltc form (Manning, Raghavan and Schuetze, "Introduction to Information
  // Retrieval", 2008, 6.4.3).
  kTfIdf,
};

// A hit to go on after: the last one of the page before.
struct SearchAfter {
  double score = 0;  // not looked at with SearchOptions::sort
  std::string key;
  std::optional<FieldValue> value = {};  // Hit::value, with SearchOptions::sort
};

// Which values of a field to count among all matches.
struct FacetOptions {
  std::string field;
  size_t limit = 10;  // values wanted; at most kFacetValuesMax
};

// Hits by the values of a field, least first, in the order of FieldValue: of several values of one
// hit the one that comes first counts. Equal ones by key; hits without the field last.
struct SortOptions {
  std::string field;  // "": by score
  bool descending = false;
};

// Relevance feedback without a user (RM3): the best hits of a first search are taken for what is
// wanted, the words that are frequent in them join the query, and it is asked again. Finds more
// where a query is short and vague, less where it is exact: values are found that have none of its
// words (but none that the whole query leaves out: `a b -c`). Costs two searches and the analysis
// of the values, of each the first MiB at most. Lavrenko and Croft, "Relevance-Based Language
// Models", 2001; Abdul-Jaleel et al., "UMass at TREC 2004: Novelty and HARD".
struct Feedback {
  size_t documents = 0;  // best hits looked at; 0: no feedback. 10 is a good choice.
  size_t terms = 20;     // that join the query
  double weight = 0.5;   // the query's own share of all weights, 0 to 1
};
inline constexpr size_t kFeedbackDocumentsMax = 100;
inline constexpr size_t kFeedbackTermsMax = 100;

struct SearchOptions {
  std::string prefix;  // only keys that begin with it
  size_t limit = 10;   // best hits wanted
  size_t offset = 0;   // best hits skipped
  // Only hits that come after this one, which need not be there any more. As cheap for the
  // thousandth page as for the first. Writes in between change scores a little: a hit may then be
  // seen twice or not at all.
  std::optional<SearchAfter> after = {};
  Ranking ranking = Ranking::kBm25;
  // Of BM25: how much a word counts that is there again, 0 (nothing more) to kBm25K1Max, and how
  // much long values are held back, 0 (not) to 1. InvalidArgument outside.
  double bm25_k1 = 1.5, bm25_b = 0.75;
  // Lenient: a query is never wrong; what cannot be understood is taken as plain words and
  // mentioned in SearchResult::warnings. Strict: InvalidArgument with the byte offset.
  bool strict = false;
  size_t excerpt_bytes = 0;  // > 0: each hit brings excerpts of about this size,
  size_t excerpt_count = 1;  // up to so many; at most kExcerptCountMax
  // Words of at least 5 letters that no value has are taken for typos: the words closest to them
  // are searched for instead, and a warning says which.
  bool typos = false;
  // Excerpts show the query's own words only; explanations, the added ones too.
  Feedback feedback = {};
  bool explain = false;  // each hit brings an explanation of its score; as slow as a second search
  // Matches are counted exactly up to so many; beyond, those that cannot be among the best may be
  // left out, which is what makes searches for frequent words fast. kCountAll: every match counts.
  size_t count_up_to = 1'000;
  // > 0: stop after this long and return what was found, with is_partial set.
  std::chrono::milliseconds time_limit{0};
  std::shared_ptr<const Snapshot> snapshot;  // null: every write that was acknowledged

  // JSON fields. With facets or sort every match is visited, and counted: total is exact.
  // Costs, besides the search: of each filter about 0.15 us for each value in its range; of each
  // facet the same for each value that the field has; of sort, for those before the page's end. Of
  // up to 128 matches their values are read instead, for facets and sort.
  std::vector<FieldFilter> filters = {};  // all must hold, in addition to the query; at most
                                          // kFiltersMax
  std::vector<FacetOptions> facets = {};  // at most kFacetsMax
  SortOptions sort = {};
};

// A piece of a value and where the words of the query stand in it. The source is the text that was
// indexed: the value, or the strings of a JSON value, one to a line.
struct Excerpt {
  struct Highlight {
    size_t begin = 0, end = 0;                // bytes of `text`: [begin, end)
    size_t source_begin = 0, source_end = 0;  // the same word in the source
  };
  std::string text;  // valid UTF-8, plain, not escaped; "…" marks a cut
  std::vector<Highlight> highlights;
  // What it was taken from: [begin_byte, end_byte) of the source. `text` is not a copy of that:
  // white space became single blanks.
  size_t begin_byte = 0, end_byte = 0;
};

// `excerpt` with <em>..</em> around the highlights and everything else escaped: safe to put into a
// page whatever the value holds. Of several, one after the other with a blank in between.
std::string ToHtml(const Excerpt& excerpt);
std::string ToHtml(const std::vector<Excerpt>& excerpts);

// What one word or phrase of the query adds to the score of a hit.
struct ScorePart {
  std::string what;        // as in the query, without its weight; "*" for every value
  uint32_t frequency = 0;  // how often the value has it
  double idf = 0;          // how rare it is; of a phrase, the sum of its words'
  double score = 0;        // the parts of a hit sum up to its score
};

struct Hit {
  std::string key;
  double score = 0;
  // With SearchOptions::excerpt_bytes. In the order of the text, without overlaps; together they
  // show as many different words of the query as they can. Fewer than were asked for when no more
  // words of the query are left; none when the value is damaged. Looked for in the first MiB.
  std::vector<Excerpt> excerpts;
  std::vector<ScorePart> explanation;    // with SearchOptions::explain
  std::optional<FieldValue> value = {};  // with SearchOptions::sort; not set: without the field
};

// The values that the matches of a search have in one field. A match counts once for each of its
// distinct values.
struct Facet {
  struct Value {
    FieldValue value;
    size_t count = 0;  // matches with it
  };
  std::string field;
  std::vector<Value> values;  // most frequent first, equally frequent ones in value order
  size_t distinct = 0;        // values, those not listed included
  size_t other_count = 0;     // sum of the counts of those not listed
};

struct SearchResult {
  std::vector<Hit> hits;              // best first; equal scores in key order
  size_t total = 0;                   // matches, not only those in `hits`: so many at least
  bool total_is_exact = true;         // no match was left out of `total`
  bool is_partial = false;            // the time limit stopped the search
  std::vector<std::string> warnings;  // what a lenient query could not use, one sentence each
  // The query with words that no value has replaced by the closest that some has; empty when there
  // is nothing better. Made when options.typos is set or nothing was found.
  std::string did_you_mean;
  std::vector<Facet> facets;  // parallel to SearchOptions::facets
};

struct MoreLikeOptions {
  std::string prefix;  // only keys that begin with it
  size_t limit = 10;   // best hits wanted; below kSearchLimitMax
  size_t terms = 25;   // of the value that make the query; 1 to kMoreLikeTermsMax
  bool explain = false;
  size_t count_up_to = 1'000;                // as for a search
  std::shared_ptr<const Snapshot> snapshot;  // null: every write that was acknowledged
};
inline constexpr size_t kMoreLikeTermsMax = 100;

struct SuggestOptions {
  std::string prefix;  // only spaces with keys that begin with it
  size_t limit = 10;
};

// One way to go on with a text.
struct Suggestion {
  std::string text;        // with its last word completed
  std::string word;        // the completed word: folded, not stemmed
  uint64_t documents = 0;  // that have the word; may count values that were overwritten since
};

}  // namespace libkv

#endif  // LIBKV_SEARCH_H_
