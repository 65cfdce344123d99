#include "store/hit_collector.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace libkv {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

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

void ReadKeys(std::span<const FoundHit> hits) {
  std::vector<const FoundHit*> unread;
  for (const FoundHit& hit : hits) {
    if (hit.key.empty()) unread.push_back(&hit);
  }
  std::sort(unread.begin(), unread.end(), [](const FoundHit* a, const FoundHit* b) {
    if (a->reader != b->reader) return std::less<>()(a->reader, b->reader);
    return a->ordinal < b->ordinal;
  });
  std::vector<uint32_t> ordinals;
  for (size_t begin = 0, end = 0; begin < unread.size(); begin = end) {
    ordinals.clear();
    for (; end < unread.size() && unread[end]->reader == unread[begin]->reader; ++end) {
      ordinals.push_back(unread[end]->ordinal);
    }
    if (ordinals.size() > 1) unread[begin]->reader->PrefetchKeys(ordinals);
    for (size_t i = begin; i < end; ++i) unread[i]->Key();
  }
}

HitCollector::HitCollector(size_t limit, size_t count_up_to,
                           const std::optional<SearchAfter>& after, SteadyTime deadline)
    : limit_(limit), count_up_to_(count_up_to), after_(after), deadline_(deadline) {}

bool HitCollector::ComesAfter(const FoundHit& hit) const {
  if (!after_.has_value()) return true;
  return hit.score != after_->score ? hit.score < after_->score : hit.Key() > after_->key;
}

bool HitCollector::Push(FoundHit hit) {
  if (limit_ == 0) return false;
  if (heap_.size() == limit_) {
    if (!IsBetter(hit, heap_.front())) return false;
    std::pop_heap(heap_.begin(), heap_.end(), IsBetter);
    heap_.back() = std::move(hit);
  } else {
    heap_.push_back(std::move(hit));
  }
  std::push_heap(heap_.begin(), heap_.end(), IsBetter);
  return true;
}

std::vector<FoundHit> HitCollector::TakeSorted() {
  std::sort(heap_.begin(), heap_.end(), IsBetter);
  return std::move(heap_);
}

PartCollector::PartCollector(HitCollector* hits, const PartReader* reader, uint32_t search,
                             DocumentSet* matches)
    : hits_(*hits), reader_(reader), search_(search), matches_(matches) {
  UpdateLeast(/*ties_lose=*/false);
}

bool PartCollector::Visit(uint32_t ordinal, double score) {
  if (!reader_->Shows(ordinal)) return true;
  ++hits_.total_;
  if (matches_ != nullptr) matches_->Add(ordinal);
  if (hits_.IsTooLow(score)) {
    UpdateLeast(/*ties_lose=*/false);
    return true;
  }
  FoundHit hit{score, reader_, ordinal, search_, {}};
  if (!hits_.ComesAfter(hit)) return true;
  const bool is_best = hits_.Push(std::move(hit));
  // In key order, whatever has the same score from here on loses too.
  UpdateLeast(!is_best && reader_->InKeyOrder() && !hits_.heap_.empty() &&
              score == hits_.heap_.front().score);
  return true;
}

bool PartCollector::GoOn() {
  if (!hits_.is_partial_ && hits_.deadline_ != HitCollector::SteadyTime::max()) {
    hits_.is_partial_ = std::chrono::steady_clock::now() >= hits_.deadline_;
  }
  return !hits_.is_partial_;
}

// What a match must score to be of interest.
void PartCollector::UpdateLeast(bool ties_lose) {
  if (hits_.heap_.size() < hits_.limit_ || hits_.total_ < hits_.count_up_to_) return;
  hits_.left_some_out_ = true;
  if (hits_.limit_ == 0) return RaiseLeast(kInfinity);
  const FoundHit& worst = hits_.heap_.front();
  const bool is_here = worst.reader == reader_ && reader_->InKeyOrder();
  RaiseLeast(ties_lose || is_here ? std::nextafter(worst.score, kInfinity) : worst.score);
}

}  // namespace libkv
