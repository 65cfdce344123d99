#include "index/space_index.h"

#include <span>

#include "base/check.h"
#include "text/cosine_norm.h"
#include "text/length_norm.h"

namespace libkv {
namespace {

// A document in memory besides its key and postings: the entry, its place in living_.
constexpr size_t kEntryBytes = sizeof(DocumentEntry) + 24;

}  // namespace

SpaceIndex::SpaceIndex(size_t padded_dimension) : delta_(&documents_) {
  if (padded_dimension != 0) codes_ = std::make_unique<CodeSet>(padded_dimension);
}

void SpaceIndex::Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
                     const DerivedDocument& derived) {
  const auto ordinal = static_cast<uint32_t>(documents_.size());
  LIBKV_CHECK(documents_.size() < kNoDocument);
  // The norms as a segment will keep them, so that a score does not change when a document moves.
  // The entry first: a posting or a slot must never name a place that is not there yet.
  documents_.Append(document, key, born, expiry, derived.words, EncodeLength(derived.words),
                    DecodeCosineNorm(EncodeCosineNorm(derived.cosine_norm)));
  if (derived.has_words()) {
    document_count_.fetch_add(1, std::memory_order_relaxed);
    total_words_.fetch_add(derived.words, std::memory_order_relaxed);
    live_documents_.fetch_add(1, std::memory_order_relaxed);
    delta_.Add(ordinal, derived);
  }
  const bool has_vector = derived.has_vector() && codes_ != nullptr;
  if (has_vector) {
    live_vectors_.fetch_add(1, std::memory_order_relaxed);
    slots_.Append(ordinal);
    codes_->Append(Code{derived.scale, derived.norm2}, derived.code);
  }
  living_[document] = {ordinal, derived.has_words(), has_vector};
  key_bytes_.fetch_add(key.size(), std::memory_order_relaxed);
}

void SpaceIndex::Kill(uint64_t document, uint64_t died) {
  const auto found = living_.find(document);
  if (found == living_.end()) return;
  const Place place = found->second;
  living_.erase(found);
  documents_[place.ordinal].died.store(died, std::memory_order_release);
  if (place.has_words) live_documents_.fetch_sub(1, std::memory_order_relaxed);
  if (place.has_vector) live_vectors_.fetch_sub(1, std::memory_order_relaxed);
  dead_entries_.fetch_add(1, std::memory_order_relaxed);
}

size_t SpaceIndex::text_bytes() const {
  return delta_.memory_bytes() + documents_.size() * kEntryBytes +
         key_bytes_.load(std::memory_order_relaxed);
}

size_t SpaceIndex::vector_bytes() const {
  return codes_ == nullptr ? 0 : codes_->memory_bytes() + codes_->size() * sizeof(uint32_t);
}

}  // namespace libkv
