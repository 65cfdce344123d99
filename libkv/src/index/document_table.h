// The documents of one space in the order in which they were committed. A document's place in the
// table, its ordinal, is what postings and vector slots name.
//
// Each document knows when it was born and when it died, as sequence numbers of the engine. A view
// of the store at sequence s sees it if born <= s < died; so searches see exactly what reads of the
// same snapshot see, and deleting is one store of a number.
#ifndef LIBKV_SRC_INDEX_DOCUMENT_TABLE_H_
#define LIBKV_SRC_INDEX_DOCUMENT_TABLE_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

#include "base/growing_array.h"

namespace libkv {

inline constexpr uint64_t kNeverDied = std::numeric_limits<uint64_t>::max();

struct DocumentEntry {
  uint64_t document = 0;
  std::string key;
  uint64_t born = 0;
  int64_t expiry = 0;  // milliseconds since 1970; 0: never
  uint32_t words = 0;
  uint8_t length_norm = 0;
  float cosine_norm = 0;
  std::atomic<uint64_t> died{kNeverDied};

  DocumentEntry(uint64_t document_id, std::string_view document_key, uint64_t born_at,
                int64_t expires_at, uint32_t word_count, uint8_t norm, float cosine)
      : document(document_id),
        key(document_key),
        born(born_at),
        expiry(expires_at),
        words(word_count),
        length_norm(norm),
        cosine_norm(cosine) {}

  bool VisibleAt(uint64_t sequence, int64_t now) const {
    return born <= sequence && sequence < died.load(std::memory_order_acquire) &&
           (expiry == 0 || now < expiry);
  }
};

// One thread appends; any thread reads below size().
using DocumentTable = GrowingArray<DocumentEntry>;

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_DOCUMENT_TABLE_H_
