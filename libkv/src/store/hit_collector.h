// Keeps the best hits of a search over many parts: greater scores first, equal ones by key.
//
// Keys of sealed documents are on disk, so they are read for ties only; and within a part whose
// ordinals are in key order not even then, since a later document always loses a tie.
#ifndef LIBKV_SRC_STORE_HIT_COLLECTOR_H_
#define LIBKV_SRC_STORE_HIT_COLLECTOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "index/text_part.h"
#include "libkv/search.h"
#include "text/document_set.h"
#include "text/match_sink.h"

namespace libkv {

struct FoundHit {
  double score = 0;
  const PartReader* reader = nullptr;
  uint32_t ordinal = 0;
  uint32_t search = 0;      // the caller's number of its space
  mutable std::string key;  // empty: not read yet
  const std::string& Key() const;
};

// Reads the keys of all `hits`: those of a part in one go.
void ReadKeys(std::span<const FoundHit> hits);

class HitCollector {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // `count_up_to`: so many matches are counted before any may be left out.
  HitCollector(size_t limit, size_t count_up_to, const std::optional<SearchAfter>& after,
               SteadyTime deadline);

  // Best first.
  std::vector<FoundHit> TakeSorted();

  size_t total() const { return total_; }
  bool is_partial() const { return is_partial_; }        // the deadline has passed
  bool left_some_out() const { return left_some_out_; }  // total() may be too low

 private:
  friend class PartCollector;

  // A hit as the heap moves it about.
  struct Candidate {
    double score;
    const PartReader* reader;
    uint32_t ordinal, search;
    mutable std::unique_ptr<const std::string> key;  // null: not read yet
    const std::string& Key() const;
  };
  static bool IsBetter(const Candidate& a, const Candidate& b);

  // Lower ones need no further look.
  double floor() const {
    if (limit_ == 0) return std::numeric_limits<double>::infinity();
    return heap_.size() < limit_ ? 0 : heap_.front().score;
  }
  bool ComesAfter(const Candidate& hit) const;
  // False: it is not among the best.
  bool Push(Candidate hit);

  const size_t limit_, count_up_to_;
  const std::optional<SearchAfter>& after_;
  const SteadyTime deadline_;
  std::vector<Candidate> heap_;  // the worst in front
  size_t total_ = 0;
  bool is_partial_ = false, left_some_out_ = false;
};

// Takes the matches of one part.
class PartCollector final : public MatchSink {
 public:
  // `matches`, if not null, gets all that are shown.
  PartCollector(HitCollector* hits, const PartReader* reader, uint32_t search,
                DocumentSet* matches = nullptr);

  bool Visit(uint32_t ordinal, double score) override;
  bool VisitMany(std::span<uint32_t> ordinals, std::span<double> scores) override;
  bool GoOn() override;

 private:
  void Offer(uint32_t ordinal, double score);
  void UpdateLeast();

  HitCollector& hits_;
  const PartReader* const reader_;
  const uint32_t search_;
  DocumentSet* const matches_;
  const bool in_key_order_;
  double lost_ = 0;  // in key order: what has this score or less and comes later loses too
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_HIT_COLLECTOR_H_
