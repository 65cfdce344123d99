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

// Walks over the dictionary of raw words, ascending by word, then by term. A word that an analyzer
// gives several terms is there once for each. As a PostingsCursor, but for the views: they live
// until the cursor moves.
class WordCursor {
 public:
  virtual ~WordCursor() = default;

  // False past the end; the rest requires it.
  bool valid() const { return valid_; }
  std::string_view word() const { return word_; }
  std::string_view term() const { return term_; }
  uint64_t documents() const { return documents_; }  // that have the word; may count the dead
  virtual void Next() = 0;

 protected:
  bool valid_ = false;  // these are kept by the implementation
  std::string_view word_, term_;
  uint64_t documents_ = 0;
};

// Longer words are not in the dictionary: nobody completes or misspells them.
inline constexpr size_t kDictionaryWordBytesMax = 64;

// Must not change while cursors of it are in use.
class PostingsSource {
 public:
  virtual ~PostingsSource() = default;

  // Null: no document here has the term.
  virtual std::unique_ptr<PostingsCursor> Open(std::string_view term) const = 0;

  // All documents with words, each with the frequency 1 and no positions.
  virtual std::unique_ptr<PostingsCursor> OpenAll() const = 0;

  // The words that begin with `prefix`.
  virtual std::unique_ptr<WordCursor> OpenWords(std::string_view prefix) const = 0;

  // The length of a document as EncodeLength writes it (length_norm.h).
  virtual uint8_t LengthNorm(uint32_t document) const = 0;

  // See CosineNorm (scoring.h); greater than 0 for every document with a term.
  virtual float CosineNorm(uint32_t document) const = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_POSTINGS_H_
