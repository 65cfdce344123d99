#include "store/hit_collector.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace libkv {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

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

const std::string& HitCollector::Candidate::Key() const {
  if (key == nullptr) key = std::make_unique<const std::string>(reader->KeyOf(ordinal));
  return *key;
}

bool HitCollector::IsBetter(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.reader == b.reader && a.reader->InKeyOrder()) return a.ordinal < b.ordinal;
  return a.Key() < b.Key();
}

bool HitCollector::ComesAfter(const Candidate& hit) const {
  if (!after_.has_value()) return true;
  return hit.score != after_->score ? hit.score < after_->score : hit.Key() > after_->key;
}

bool HitCollector::Push(Candidate hit) {
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
  std::vector<FoundHit> hits;
  hits.reserve(heap_.size());
  for (const Candidate& hit : heap_) {
    hits.push_back({hit.score, hit.reader, hit.ordinal, hit.search,
                    hit.key == nullptr ? std::string() : *hit.key});
  }
  heap_.clear();
  return hits;
}

PartCollector::PartCollector(HitCollector* hits, const PartReader* reader, uint32_t search,
                             DocumentSet* matches)
    : hits_(*hits),
      reader_(reader),
      search_(search),
      matches_(matches),
      in_key_order_(reader->InKeyOrder()) {
  UpdateLeast();
}

bool PartCollector::Visit(uint32_t ordinal, double score) {
  if (!reader_->Shows(ordinal)) return true;
  ++hits_.total_;
  if (matches_ != nullptr) matches_->Add(ordinal);
  if (score >= hits_.floor()) Offer(ordinal, score);
  UpdateLeast();
  return true;
}

bool PartCollector::VisitMany(std::span<uint32_t> ordinals, std::span<double> scores) {
  const size_t shown = reader_->KeepShown(ordinals, scores);
  hits_.total_ += shown;
  double floor = hits_.floor();
  for (size_t i = 0; i < shown; ++i) {
    if (scores[i] < floor) continue;
    Offer(ordinals[i], scores[i]);
    floor = hits_.floor();
  }
  if (matches_ != nullptr) {
    for (const uint32_t ordinal : ordinals.first(shown)) matches_->Add(ordinal);
  }
  UpdateLeast();
  return true;
}

// A match that is not below the floor.
void PartCollector::Offer(uint32_t ordinal, double score) {
  if (score <= lost_) return;
  HitCollector::Candidate hit{score, reader_, ordinal, search_, nullptr};
  if (!hits_.ComesAfter(hit)) return;
  // In key order, whatever has the same score from here on loses too.
  if (!hits_.Push(std::move(hit)) && in_key_order_) lost_ = score;
}

bool PartCollector::GoOn() {
  if (!hits_.is_partial_ && hits_.deadline_ != HitCollector::SteadyTime::max()) {
    hits_.is_partial_ = std::chrono::steady_clock::now() >= hits_.deadline_;
  }
  return !hits_.is_partial_;
}

// What a match must score to be of interest.
void PartCollector::UpdateLeast() {
  if (hits_.heap_.size() < hits_.limit_ || hits_.total_ < hits_.count_up_to_) return;
  hits_.left_some_out_ = true;
  if (hits_.limit_ == 0) return RaiseLeast(kInfinity);
  const HitCollector::Candidate& worst = hits_.heap_.front();
  if (worst.score < least()) return;
  const bool is_here = worst.reader == reader_ && in_key_order_;
  const bool ties_lose = is_here || lost_ == worst.score;
  RaiseLeast(ties_lose ? std::nextafter(worst.score, kInfinity) : worst.score);
}

}  // namespace libkv
