#include "index/space_index.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace libkv {

std::vector<const TextPart*> SpaceView::parts() const {
  std::vector<const TextPart*> parts;
  for (const auto& part : sealed) parts.push_back(part.get());
  for (const auto& part : deltas) parts.push_back(part.get());
  return parts;
}

size_t SpaceView::text_bytes() const {
  size_t bytes = 0;
  for (const TextPart* part : parts()) bytes += part->memory_bytes();
  return bytes;
}

SpaceIndex::SpaceIndex(size_t padded_dimension, size_t exact_vectors_max, ListStorage storage) {
  if (padded_dimension != 0) {
    vectors_.push_back(std::make_shared<VectorIndex>(padded_dimension, exact_vectors_max, storage));
    vectors_in_force_.store(vectors_.back().get(), std::memory_order_release);
  }
  auto view = std::make_shared<SpaceView>();
  view->deltas.push_back(std::make_shared<DeltaPart>());
  view_ = std::move(view);
}

std::shared_ptr<const SpaceView> SpaceIndex::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void SpaceIndex::SetView(std::shared_ptr<const SpaceView> view) {
  backlog_.store(view->deltas.size() - 1, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  view_.swap(view);
}

void SpaceIndex::TakeVectors(const SpaceIndex& other) {
  VectorIndex* const before = vectors();
  // Who looks at the old one may go on; there is nothing in it any more.
  vectors_.push_back(other.vectors_.back());
  vectors_in_force_.store(vectors_.back().get(), std::memory_order_release);
  before->Clear();
}

void SpaceIndex::Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
                     const DerivedDocument& derived) {
  if (derived.has_words()) {
    view_->deltas.back()->Add(document, key, born, expiry, derived);
    last_document_ = document;
  }
  if (derived.has_vector() && vectors() != nullptr) {
    vectors()->Add(derived.list, {.document = document,
                                  .key = key,
                                  .expiry = expiry,
                                  .born = born,
                                  .code = {{derived.scale, derived.norm2}, derived.code}});
  }
}

void SpaceIndex::Kill(uint64_t document, uint32_t list, uint64_t died) {
  if (vectors() != nullptr) {
    vectors()->Kill(list, document, died);
    vectors()->CountDeath();
  }
  if (document <= marks_through()) AddMarker(document);
  const auto kill = [&](const auto& part) { return part->Kill(document, died); };
  // New documents are changed most often.
  if (std::any_of(view_->deltas.rbegin(), view_->deltas.rend(), kill)) return;
  static_cast<void>(std::any_of(view_->sealed.begin(), view_->sealed.end(), kill));
}

void SpaceIndex::Freeze() {
  if (view_->deltas.back()->documents().size() == 0) return;
  auto view = std::make_shared<SpaceView>(*view_);
  view->deltas.push_back(std::make_shared<DeltaPart>());
  marks_through_.store(last_document_, std::memory_order_release);
  SetView(std::move(view));
}

void SpaceIndex::ReplaceOldestDelta(std::shared_ptr<SealedPart> part) {
  auto view = std::make_shared<SpaceView>(*view_);
  LIBKV_CHECK(view->deltas.size() > 1);
  view->deltas.erase(view->deltas.begin());
  if (part != nullptr) view->sealed.push_back(std::move(part));
  SetView(std::move(view));
}

void SpaceIndex::ReplaceSealed(std::span<const std::shared_ptr<SealedPart>> old_parts,
                               std::span<const std::shared_ptr<SealedPart>> new_parts) {
  auto view = std::make_shared<SpaceView>(*view_);
  std::erase_if(view->sealed, [&](const auto& there) {
    return std::find(old_parts.begin(), old_parts.end(), there) != old_parts.end();
  });
  view->sealed.insert(view->sealed.end(), new_parts.begin(), new_parts.end());
  SetView(std::move(view));
}

void SpaceIndex::SetSealedThrough(uint64_t document) {
  sealed_through_.store(document, std::memory_order_release);
  marks_through_.store(std::max(marks_through(), document), std::memory_order_release);
}

void SpaceIndex::KillAtLoad(uint64_t document) {
  AddMarker(document);
  for (const auto& part : view_->sealed) {
    if (part->Kill(document, 0)) return;
  }
}

void SpaceIndex::ForgetSegments() {
  auto view = std::make_shared<SpaceView>(*view_);
  view->sealed.clear();
  SetView(std::move(view));
  sealed_through_.store(0, std::memory_order_release);
  marks_through_.store(0, std::memory_order_release);
  has_forgotten_segments_ = true;
}

void SpaceIndex::SegmentsBelow(uint32_t next) {
  next_segment_.store(std::max(next_segment_.load(std::memory_order_relaxed), next),
                      std::memory_order_relaxed);
}

void SpaceIndex::AddMarker(uint64_t document) {
  markers_.push_back(document);
  marker_count_.store(markers_.size(), std::memory_order_relaxed);
}

std::vector<uint64_t> SpaceIndex::TakeMarkers() {
  // Those of documents that are about to be sealed must stay until they are.
  const auto kept = std::partition(markers_.begin(), markers_.end(),
                                   [&](uint64_t document) { return document > sealed_through(); });
  std::vector<uint64_t> taken(kept, markers_.end());
  markers_.erase(kept, markers_.end());
  marker_count_.store(markers_.size(), std::memory_order_relaxed);
  return taken;
}

}  // namespace libkv
