// Searching by words and by vectors at once: what is asked and what comes back.
//
// Each side names its best values, at most `candidates`, and a value that one of them names scores
//
//   word_weight * word_part + vector_weight * vector_part
//
// Parts are from 0 to 1; that of a side that does not name the value is 0.
#ifndef LIBKV_HYBRID_H_
#define LIBKV_HYBRID_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libkv/find.h"
#include "libkv/search.h"
#include "libkv/snapshot.h"

namespace libkv {

inline constexpr size_t kHybridCandidatesMax = 10'000;
inline constexpr double kHybridWeightMax = 1'000;
inline constexpr double kRankConstantMax = 1'000'000;

enum class Fusion : uint8_t {
  // The scores of a side, moved and stretched: the first of its list has 1, the last has 0. When
  // all are equal, or there is only one, each has 1. A list of words that is shorter than
  // `candidates` goes on, as it were, with all other values, which score 0: its last has more than
  // 0. Ranked better than kReciprocalRank in four of four collections.
  kConvex,
  // 1 / (rank_constant + rank), the first rank being 1: for sides whose scores say little. Cormack,
  // Clarke and Buettcher, "Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank
  // Learning Methods", 2009, where both weights are 1.
  kReciprocalRank,
};

struct HybridOptions {
  // Only keys that begin with it. Must lead to exactly one space with vectors; that one is
  // searched, and must have text.
  std::string prefix = {};
  size_t limit = 10;  // best hits wanted; there are at most twice as many as `candidates`
  size_t offset = 0;  // best hits skipped; limit + offset at most kSearchLimitMax

  size_t candidates = 200;  // of each side; 1 to kHybridCandidatesMax
  Fusion fusion = Fusion::kConvex;
  // 0 to kHybridWeightMax, not both 0. A side with weight 0 is not asked, and names nothing.
  double word_weight = 0.6, vector_weight = 0.4;
  double rank_constant = 60;  // 0 to kRankConstantMax
  // What vectors are compared with; empty: what the space's embedder makes of the words of the
  // query, without those that are left out, and without fields.
  std::vector<float> vector = {};
  double recall_target = 0.95;  // of vectors, as for Similar
  bool exact = false;

  // As for Search. What the query demands beside words (fields and, after a minus or NOT, what is
  // left out, unless words are an alternative to it) holds for both sides.
  std::vector<FieldFilter> filters = {};
  bool strict = false;
  bool typos = false;
  size_t excerpt_bytes = 0;  // a hit that has no word of the query shows its beginning
  size_t excerpt_count = 1;
  bool explain = false;  // each hit brings an explanation of its word score
  // > 0: after this long words and fields are no longer looked up, vectors are left out unless they
  // have begun, and what was found is mixed, with is_partial set.
  std::chrono::milliseconds time_limit{0};
  std::shared_ptr<const Snapshot> snapshot = nullptr;  // null: every write that was acknowledged
};

struct HybridHit {
  std::string key;
  double score = 0;
  // What each side makes of the value by itself, as Search and Similar would say; also of a value
  // that only the other side names. None: it does not match the words; it has no vector, or the
  // query has none; the side was not asked.
  std::optional<double> word_score = {}, vector_score = {};
  double word_part = 0, vector_part = 0;  // not yet weighted
  std::vector<Excerpt> excerpts = {};
  std::vector<ScorePart> explanation = {};  // with HybridOptions::explain: of word_score
};

struct HybridResult {
  std::vector<HybridHit> hits = {};  // best first; equal scores in key order
  bool is_partial = false;           // the time limit stopped the search
  std::vector<std::string> warnings = {};
  std::string did_you_mean = {};  // as for Search; made when no value has the words, too
};

}  // namespace libkv

#endif  // LIBKV_HYBRID_H_
