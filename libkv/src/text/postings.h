// Where a search reads from: one part of an index (the delta in memory, a segment on disk), seen as
// lists of postings that come in blocks.
#ifndef LIBKV_SRC_TEXT_POSTINGS_H_
#define LIBKV_SRC_TEXT_POSTINGS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace libkv {

inline constexpr uint32_t kNoDocument = UINT32_MAX;
inline constexpr size_t kPostingsBlock = 128;

// Of a term in one document, positions beyond the first so many are not kept: phrases further back
// are not found, everything else is.
inline constexpr uint32_t kPositionsMax = 65'536;

// How much a term can count at most in a stretch of its list: no document there has it more often
// in fewer words than one of the impacts says. Kept as numbers that never change, not as a score:
// that depends on averages which drift.
struct Impact {
  uint32_t frequency = UINT32_MAX;
  uint8_t length_norm = 0;
};
struct ScoreBounds {
  static constexpr size_t kImpactsMax = 4;
  // Of any term in any document: 1, but for what the codes of norms lose (cosine_norm.h).
  static constexpr float kCosineMax = 1.001F;

  std::array<Impact, kImpactsMax> impacts;
  uint32_t count = 1;         // impacts in use
  float cosine = kCosineMax;  // no LogFrequency(tf) / CosineNorm(document) is above it
};

// Walks over the documents of one term, in ascending order. A fresh cursor stands on the first one.
// Belongs to one thread and must die before its source.
//
// An implementation fills one block of up to kPostingsBlock postings at a time; steps within it
// cost no call.
class PostingsCursor {
 public:
  virtual ~PostingsCursor() = default;

  // kNoDocument past the end.
  uint32_t document() const { return document_; }

  // To the next document; requires document() != kNoDocument.
  void Next() {
    if (++at_ < count_) [[likely]] {
      document_ = documents_[at_];
    } else {
      LoadBlock(document_ + 1);
      EnterBlock();
    }
  }

  // To the first document >= `target`. Never goes back.
  void SeekTo(uint32_t target) {
    if (target <= document_) return;
    if (target > documents_[count_ - 1]) {
      LoadBlock(target);
      EnterBlock();
      if (document_ >= target) return;  // also at the end
    }
    at_ += CountBelow(documents_.data() + at_, count_ - at_, target);
    document_ = documents_[at_];
  }

  // Of the term in document(), which must not be kNoDocument: how often (at least 1), and at which
  // positions, ascending, at most kPositionsMax. Positions replaces what is in `positions`.
  uint32_t frequency() {
    NeedFrequencies();
    return frequencies_[at_];
  }
  virtual void Positions(std::vector<uint32_t>* positions) = 0;

  // The same positions as differences: the first, then each less the one before. Lent until the
  // cursor moves or is asked again; in `room` if they are not at hand in one piece.
  virtual std::span<const uint32_t> PositionGaps(std::vector<uint32_t>* room) {
    Positions(room);
    std::adjacent_difference(room->begin(), room->end(), room->begin());
    return *room;
  }

  // Documents of the whole list, this part's document frequency: of several terms together, at
  // most so many.
  virtual uint32_t cost() const = 0;

  // The rest of the current block, from document() on, which must not be kNoDocument; for loops
  // over many postings. SkipAhead moves over the first `n` of them, n >= 1.
  std::span<const uint32_t> documents_ahead() const {
    return std::span(documents_).subspan(at_, count_ - at_);
  }
  std::span<const uint32_t> frequencies_ahead() {
    NeedFrequencies();
    return std::span(frequencies_).subspan(at_, count_ - at_);
  }
  void SkipAhead(size_t n) {
    at_ += static_cast<uint32_t>(n) - 1;
    document_ = documents_[at_];
    Next();
  }

  // Bounds for the documents from `target` (at least document(); ascending from call to call) to
  // the one that is returned, inclusive. Does not move the cursor, and reads no postings.
  virtual uint32_t BoundsFrom(uint32_t /*target*/, ScoreBounds* bounds) {
    *bounds = list_bounds();
    return kNoDocument - 1;
  }
  virtual ScoreBounds list_bounds() const { return {}; }

 protected:
  // Fills documents_ and count_ with the block that holds the first document >= `target`, sets at_
  // to its first one to look at (usually 0), and has_frequencies_ to whether frequencies_ is filled
  // too: it still speaks of the block before. At the end: at_ = count_ = 0. The constructor of an
  // implementation calls it for document 0, and then EnterBlock.
  virtual void LoadBlock(uint32_t target) = 0;
  // Fills frequencies_ of the current block. Called at most once for each.
  virtual void LoadFrequencies() {}

  void EnterBlock() { document_ = at_ < count_ ? documents_[at_] : kNoDocument; }

  uint32_t document_ = kNoDocument;
  uint32_t at_ = 0, count_ = 0;
  bool has_frequencies_ = false;
  std::array<uint32_t, kPostingsBlock> documents_, frequencies_;

 private:
  // Of `n` ascending documents, of which the last is not below `target`; without a branch that is
  // often guessed wrong.
  static uint32_t CountBelow(const uint32_t* documents, uint32_t n, uint32_t target) {
    constexpr uint32_t kNear = 8;
    if (n > kNear && documents[kNear - 1] >= target) {
      uint32_t below = 0;
      for (uint32_t i = 0; i < kNear; ++i) below += documents[i] < target ? 1 : 0;
      return below;
    }
    const uint32_t* first = documents;
    while (n > 1) {
      const uint32_t half = n / 2;
      first += first[half - 1] < target ? half : 0;
      n -= half;
    }
    return static_cast<uint32_t>(first - documents);
  }

  void NeedFrequencies() {
    if (has_frequencies_) return;
    LoadFrequencies();
    has_frequencies_ = true;
  }
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

  // To the first word that does not begin with the first `bytes` bytes of word(), 1 or more of
  // them. Cheaper than looking at the words between.
  virtual void SkipBeginning(size_t bytes) {
    const std::string beginning(word_.substr(0, bytes));
    do {
      Next();
    } while (valid_ && word_.starts_with(beginning));
  }

 protected:
  bool valid_ = false;  // these are kept by the implementation
  std::string_view word_, term_;
  uint64_t documents_ = 0;
};

// Longer words are not in the dictionary: nobody completes or misspells them.
inline constexpr size_t kDictionaryWordBytesMax = 64;

// Documents are named by ordinals, which mean something within one source only. Must not change
// while cursors of it are in use.
class PostingsSource {
 public:
  virtual ~PostingsSource() = default;

  // Says that all of `terms` will be asked for soon. A source that has to fetch them does it here,
  // in one go; it may only be called by the one thread that uses the source.
  virtual void Prefetch(std::span<const std::string> /*terms*/) const {}

  // In how many documents `term` stands, dead ones included.
  virtual uint32_t DocumentFrequency(std::string_view term) const = 0;

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

  // Those of all documents, by their numbers; null: they are not kept so, ask for each.
  virtual const uint8_t* length_norms() const { return nullptr; }

  // The same of many documents, parallel to them: scoring asks for whole blocks.
  virtual void LengthNorms(std::span<const uint32_t> documents, uint8_t* norms) const {
    for (const uint32_t document : documents) *norms++ = LengthNorm(document);
  }
  virtual void CosineNorms(std::span<const uint32_t> documents, float* norms) const {
    for (const uint32_t document : documents) *norms++ = CosineNorm(document);
  }

  // What went wrong while it was read. Cursors end early then: what they gave is not to be used.
  virtual absl::Status status() const { return absl::OkStatus(); }
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_POSTINGS_H_
