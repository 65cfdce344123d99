#include "index/vector_table.h"

#include "base/check.h"
#include "text/postings.h"

namespace libkv {
namespace {

// A vector in memory besides its code and key: the entry, its place in living_.
constexpr size_t kEntryBytes = sizeof(DocumentEntry) + 24;

}  // namespace

void VectorTable::Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
                      const DerivedDocument& derived) {
  const auto slot = static_cast<uint32_t>(documents_.size());
  LIBKV_CHECK(documents_.size() < UINT32_MAX);
  // The entry first: a code must never stand where no document is yet.
  documents_.Append(document, key, born, expiry, derived.words, 0, 0);
  codes_.Append(Code{derived.scale, derived.norm2}, derived.code);
  living_[document] = slot;
  live_.fetch_add(1, std::memory_order_relaxed);
  key_bytes_.fetch_add(key.size(), std::memory_order_relaxed);
}

void VectorTable::Kill(uint64_t document, uint64_t died) {
  const auto found = living_.find(document);
  if (found == living_.end()) return;
  documents_[found->second].died.store(died, std::memory_order_release);
  living_.erase(found);
  live_.fetch_sub(1, std::memory_order_relaxed);
}

size_t VectorTable::memory_bytes() const {
  return codes_.memory_bytes() + documents_.size() * kEntryBytes +
         key_bytes_.load(std::memory_order_relaxed);
}

}  // namespace libkv
