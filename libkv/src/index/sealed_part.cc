#include "index/sealed_part.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "format/keys.h"
#include "segment/segment_keys.h"
#include "segment/segment_source.h"

namespace libkv {
namespace {

struct FreeBitmap {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<roaring_bitmap_t, FreeBitmap>;

class SealedReader final : public PartReader {
 public:
  SealedReader(const SealedPart& part, const PartView& view)
      : part_(part),
        view_(view),
        source_(part.segment(), view.fill_cache),
        keys_(part.segment(), view.fill_cache),
        end_(part.segment().documents()) {
    if (!view.prefix.empty()) FindRange();
    // Whoever dies from here on is seen by this view still.
    shows_all_ = view.prefix.empty() && !part.segment().has_expiries() && !part.has_dead();
  }

  const PostingsSource& postings() const override { return source_; }
  bool Shows(uint32_t ordinal) const override {
    return ordinal >= begin_ && ordinal < end_ &&
           part_.VisibleAt(ordinal, view_.sequence, view_.now);
  }
  size_t KeepShown(std::span<uint32_t> documents, std::span<double> scores) const override {
    return shows_all_ ? documents.size() : KeepShownBy(*this, documents, scores);
  }
  void PrefetchKeys(std::span<const uint32_t> ordinals) const override {
    if (absl::Status status = keys_.Prefetch(ordinals); !status.ok() && status_.ok()) {
      status_ = std::move(status);
    }
  }
  std::string_view KeyOf(uint32_t ordinal) const override {
    const absl::StatusOr<std::string_view> key = keys_.KeyOf(ordinal);
    if (key.ok()) return *key;
    if (status_.ok()) status_ = key.status();
    return {};
  }
  uint64_t DocumentOf(uint32_t ordinal) const override {
    return part_.segment().DocumentId(ordinal);
  }
  void ForEachOrdinalOf(std::span<const uint64_t> documents,
                        absl::FunctionRef<void(uint32_t)> visit) const override {
    part_.segment().ForEachOrdinalOf(documents, visit);
  }
  bool InKeyOrder() const override { return true; }
  absl::Status status() const override { return status_.ok() ? source_.status() : status_; }

 private:
  // The keys under the prefix are one range of ordinals.
  void FindRange() {
    const absl::StatusOr<uint32_t> begin = keys_.LowerBound(view_.prefix);
    const std::string after = PrefixEnd(view_.prefix);
    const absl::StatusOr<uint32_t> end =
        after.empty() ? absl::StatusOr<uint32_t>(end_) : keys_.LowerBound(after);
    if (!begin.ok()) status_ = begin.status();
    if (!end.ok()) status_ = end.status();
    if (!status_.ok()) return;
    begin_ = *begin;
    end_ = *end;
  }

  const SealedPart& part_;
  const PartView view_;
  SegmentSource source_;
  mutable SegmentKeys keys_;
  mutable absl::Status status_;
  uint32_t begin_ = 0, end_;
  bool shows_all_ = false;
};

}  // namespace

SealedPart::SealedPart(std::shared_ptr<const Segment> segment, const SegmentSummary& summary)
    : segment_(std::move(segment)), summary_(summary), dead_((segment_->documents() + 63) / 64) {}

bool SealedPart::SetDead(uint32_t ordinal) {
  const uint64_t bit = uint64_t{1} << (ordinal % 64);
  if ((dead_[ordinal / 64].fetch_or(bit, std::memory_order_acq_rel) & bit) != 0) return false;
  dead_count_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool SealedPart::Kill(uint64_t document, uint64_t died) {
  const std::optional<uint32_t> ordinal = segment_->OrdinalOf(document);
  if (!ordinal.has_value() || IsDead(*ordinal)) return false;
  if (died != 0) {
    // Before the bit: who sees that one must find this.
    const std::lock_guard lock(mutex_);
    died_[*ordinal] = died;
  }
  last_died_.store(std::max(last_died_.load(std::memory_order_relaxed), died),
                   std::memory_order_release);
  has_unsaved_deaths_ = true;
  return SetDead(*ordinal);
}

bool SealedPart::VisibleAt(uint32_t ordinal, uint64_t sequence, int64_t now) const {
  if (segment_->has_expiries()) {
    const int64_t expiry = segment_->Expiry(ordinal);
    if (expiry != 0 && now >= expiry) return false;
  }
  if (!IsDead(ordinal)) return true;
  if (sequence >= last_died_.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(mutex_);
  const auto found = died_.find(ordinal);
  return found != died_.end() && sequence < found->second;
}

std::string SealedPart::EncodeRow() const {
  const Bitmap bitmap(roaring_bitmap_create());
  for (size_t w = 0; w < dead_.size(); ++w) {
    for (uint64_t word = dead_[w].load(std::memory_order_acquire); word != 0; word &= word - 1) {
      roaring_bitmap_add(bitmap.get(), static_cast<uint32_t>(w * 64) +
                                           static_cast<uint32_t>(std::countr_zero(word)));
    }
  }
  roaring_bitmap_run_optimize(bitmap.get());
  std::string dead(roaring_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
  roaring_bitmap_portable_serialize(bitmap.get(), dead.data());
  return EncodeSegmentRow(segment_->space(), segment_->number(), summary_, dead);
}

bool SealedPart::AddDead(std::string_view encoded) {
  const Bitmap bitmap(roaring_bitmap_portable_deserialize_safe(encoded.data(), encoded.size()));
  if (bitmap == nullptr) return false;
  const uint64_t count = roaring_bitmap_get_cardinality(bitmap.get());
  if (count > 0 && roaring_bitmap_maximum(bitmap.get()) >= segment_->documents()) return false;
  std::vector<uint32_t> ordinals(count);
  roaring_bitmap_to_uint32_array(bitmap.get(), ordinals.data());
  for (const uint32_t ordinal : ordinals) SetDead(ordinal);
  return true;
}

std::unique_ptr<PartReader> SealedPart::NewReader(const PartView& view) const {
  return std::make_unique<SealedReader>(*this, view);
}

size_t SealedPart::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  return segment_->memory_bytes() + dead_.size() * sizeof(uint64_t) + died_.size() * 32;
}

}  // namespace libkv
