// A TextPart is one part of a space's word index: some of its documents, in memory (DeltaPart) or
// sealed on disk (SealedPart). A search looks at all parts of one view and sees one index.
#ifndef LIBKV_SRC_INDEX_TEXT_PART_H_
#define LIBKV_SRC_INDEX_TEXT_PART_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "text/postings.h"

namespace libkv {

// Which documents a reader shows: those that a view of the store at `sequence` and `now` sees and
// whose keys begin with `prefix`.
struct PartView {
  uint64_t sequence = 0;
  int64_t now = 0;
  std::string prefix;
  bool fill_cache = true;  // false: what is read on disk is not needed again soon
};

// Reads one part for one search; belongs to one thread.
class PartReader {
 public:
  virtual ~PartReader() = default;

  // Names documents by ordinals, the dead and hidden ones too.
  virtual const PostingsSource& postings() const = 0;

  virtual bool Shows(uint32_t ordinal) const = 0;

  // Keeps those of `documents` that are shown, in order, and what is parallel to them in `scores`.
  // Returns how many there are.
  virtual size_t KeepShown(std::span<uint32_t> documents, std::span<double> scores) const = 0;

  // Says that the keys of all `ordinals`, ascending, will be asked for next, in this order.
  virtual void PrefetchKeys(std::span<const uint32_t> /*ordinals*/) const {}

  // Lives until the next call. Empty: it cannot be read, and status() says why.
  virtual std::string_view KeyOf(uint32_t ordinal) const = 0;

  virtual uint64_t DocumentOf(uint32_t ordinal) const = 0;

  // The ordinals of those of `documents`, ascending, that are in this part, dead or alive.
  virtual void ForEachOrdinalOf(std::span<const uint64_t> documents,
                                absl::FunctionRef<void(uint32_t ordinal)> visit) const = 0;

  // Ordinals are in the order of keys: ties need no look at them.
  virtual bool InKeyOrder() const = 0;

  // What went wrong while it was read: what it gave is not to be used then.
  virtual absl::Status status() const = 0;
};

// KeepShown of a `reader` whose class is known: no call for each document.
template <typename Reader>
size_t KeepShownBy(const Reader& reader, std::span<uint32_t> documents, std::span<double> scores) {
  size_t kept = 0;
  for (size_t i = 0; i < documents.size(); ++i) {
    documents[kept] = documents[i];
    scores[kept] = scores[i];
    kept += reader.Shows(documents[i]) ? 1 : 0;
  }
  return kept;
}

// Threads    Everything here from any thread.
class TextPart {
 public:
  virtual ~TextPart() = default;

  virtual std::unique_ptr<PartReader> NewReader(const PartView& view) const = 0;

  // Of all documents with words, the dead included: what scores are made from.
  virtual uint64_t document_count() const = 0;
  virtual uint64_t total_words() const = 0;

  virtual uint64_t live_documents() const = 0;
  virtual uint64_t term_count() const = 0;
  virtual size_t memory_bytes() const = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_TEXT_PART_H_
