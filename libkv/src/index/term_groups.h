// The TermGroups of one text: its words, gathered by term.
//
// Problem: an analyzer gives words as they come, the index wants each term once, with all its
// positions. Sorting the words by term is the plain answer, and compares every word with seven
// others; but most texts have few terms, so a hash table of them stays in the processor's nearest
// cache and takes one look for a word. It is cleared by counting an epoch up.
//
// Threads    Belongs to one thread, which keeps it from text to text for its memory.
// Cost       About 40 ns a word; 17 bytes a word and 90 a term while it works. What it keeps is
//            bounded by kKeptWords.
#ifndef LIBKV_SRC_INDEX_TERM_GROUPS_H_
#define LIBKV_SRC_INDEX_TERM_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/derived_document.h"
#include "libkv/analyzer.h"

namespace libkv {

// Spellings of one term in one document that are kept. Stems have a dozen at most; what an analyzer
// of the user's joins in greater numbers need not all be found.
inline constexpr size_t kSpellingsMax = 32;

class TermGroups {
 public:
  // Texts of more words, which are rare, leave no memory behind.
  static constexpr size_t kKeptWords = 64 << 10;

  TermGroups();

  // Forgets all words.
  void Clear();

  void Add(const Token& token);

  // Fills the part of `derived` that is about words, which is empty; then clears. Of each term the
  // first kPositionsMax positions are kept.
  void MoveTo(DerivedDocument* derived);

 private:
  struct Occurrence {
    uint32_t position, group;
  };
  struct Group {
    uint64_t hash;
    uint32_t begin, bytes;  // of the term, in pool_
    uint32_t frequency = 0;
    uint32_t spellings_count = 0, first_spelling = 0, last_spelling = 0;
    uint32_t positions_end = 0;  // in positions_
  };
  struct Spelling {
    DerivedDocument::Spelling spelling;
    uint32_t next;  // of the same term
  };
  struct Slot {
    uint16_t epoch = 0;  // another than epoch_: empty
    uint16_t tag = 0;    // of the hash
    uint32_t group = 0;
  };

  size_t SlotOf(uint64_t hash) const { return (hash * secret_) >> shift_; }
  uint32_t NewGroup(const Token& token, std::string_view word, uint64_t hash, size_t slot);
  void AddSpelling(Group& group, std::string_view word, bool is_beginning);
  void AppendSpelling(Group& group, const DerivedDocument::Spelling& spelling);
  void Grow();
  void PlacePositions();
  char* EncodePositions(uint32_t begin, uint32_t end, char* out) const;
  float Norm();

  const uint64_t secret_;
  uint16_t epoch_ = 1;
  int shift_;
  std::vector<Slot> slots_;
  std::vector<Group> groups_;  // in the order of their first words
  std::vector<Occurrence> occurrences_;
  std::vector<Spelling> spellings_;
  std::string pool_;
  bool is_ascending_ = true;
  uint32_t last_position_ = 0;

  std::vector<uint32_t> positions_;  // by group
  std::vector<char> position_bytes_;
  std::vector<uint32_t> frequencies_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_TERM_GROUPS_H_
