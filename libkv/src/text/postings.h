// Where a search reads from: one part of an index (the delta in memory, a segment on disk), seen as
// lists of postings.
#ifndef LIBKV_SRC_TEXT_POSTINGS_H_
#define LIBKV_SRC_TEXT_POSTINGS_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace libkv {

inline constexpr uint32_t kNoDocument = UINT32_MAX;

// Walks over the documents of one term, in ascending order. A fresh cursor stands on the first one.
// Belongs to one thread and must die before its source.
class PostingsCursor {
 public:
  virtual ~PostingsCursor() = default;

  // kNoDocument past the end. Not virtual: every step of every search asks.
  uint32_t document() const { return document_; }

  // To the next document; requires document() != kNoDocument.
  virtual void Next() = 0;

  // To the first document >= `target`. Never goes back.
  virtual void SeekTo(uint32_t target) = 0;

  // Of the term in document(), which must not be kNoDocument: how often (at least 1), and at which
  // positions, ascending. Positions replaces what is in `positions`.
  virtual uint32_t frequency() = 0;
  virtual void Positions(std::vector<uint32_t>* positions) = 0;

  // Postings to expect in the whole list; the order of work depends on it, never the result.
  virtual uint32_t cost() const = 0;

 protected:
  uint32_t document_ = kNoDocument;  // kept by the implementation
};

// Must not change while cursors of it are in use.
class PostingsSource {
 public:
  virtual ~PostingsSource() = default;

  // Null: no document here has the term.
  virtual std::unique_ptr<PostingsCursor> Open(std::string_view term) const = 0;

  // The length of a document as EncodeLength writes it (length_norm.h).
  virtual uint8_t LengthNorm(uint32_t document) const = 0;

  // See CosineNorm (scoring.h); greater than 0 for every document with a term.
  virtual float CosineNorm(uint32_t document) const = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_POSTINGS_H_
