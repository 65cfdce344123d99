#include "store/hit_collector.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace libkv {
namespace {

bool IsBetter(const FoundHit& a, const FoundHit& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.reader == b.reader && a.reader->InKeyOrder()) return a.ordinal < b.ordinal;
  return a.Key() < b.Key();
}

}  // namespace

const std::string& FoundHit::Key() const {
  if (key.empty()) key = reader->KeyOf(ordinal);
  return key;
}

HitCollector::HitCollector(size_t limit, size_t count_up_to,
                           const std::optional<SearchAfter>& after, SteadyTime deadline)
    : limit_(limit), count_up_to_(count_up_to), after_(after), deadline_(deadline) {}

void HitCollector::StartPart(const PartReader* reader, uint32_t search) {
  reader_ = reader;
  search_ = search;
  UpdateLeast(/*ties_lose=*/false);
}

bool HitCollector::Visit(uint32_t ordinal, double score) {
  if (!reader_->Shows(ordinal)) return true;
  ++total_;
  if (after_.has_value()) {
    if (score > after_->score) return true;
    if (score == after_->score && reader_->KeyOf(ordinal) <= after_->key) return true;
  }
  Push(ordinal, score);
  return true;
}

void HitCollector::Push(uint32_t ordinal, double score) {
  if (limit_ == 0) return UpdateLeast(true);
  FoundHit hit{score, reader_, ordinal, search_, {}};
  if (heap_.size() == limit_) {
    if (!IsBetter(hit, heap_.front())) {
      // In key order whatever has the same score from here on loses too.
      return UpdateLeast(reader_->InKeyOrder() && score == heap_.front().score);
    }
    std::pop_heap(heap_.begin(), heap_.end(), IsBetter);
    heap_.back() = std::move(hit);
  } else {
    heap_.push_back(std::move(hit));
  }
  std::push_heap(heap_.begin(), heap_.end(), IsBetter);
  UpdateLeast(/*ties_lose=*/false);
}

// What a match must score to be of interest.
void HitCollector::UpdateLeast(bool ties_lose) {
  if (heap_.size() < limit_ || total_ < count_up_to_) return;
  if (limit_ == 0) return set_least(std::numeric_limits<double>::infinity());
  const FoundHit& worst = heap_.front();
  ties_lose = ties_lose || (worst.reader == reader_ && reader_->InKeyOrder());
  set_least(ties_lose ? std::nextafter(worst.score, std::numeric_limits<double>::infinity())
                      : worst.score);
}

bool HitCollector::GoOn() {
  if (!is_partial_ && deadline_ != SteadyTime::max()) {
    is_partial_ = std::chrono::steady_clock::now() >= deadline_;
  }
  return !is_partial_;
}

std::vector<FoundHit> HitCollector::TakeSorted() {
  std::sort(heap_.begin(), heap_.end(), IsBetter);
  return std::move(heap_);
}

}  // namespace libkv
