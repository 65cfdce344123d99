// The WordDictionary keeps the words of documents in memory as they are written, ordered by
// spelling, each with its term and the number of documents that have it.
//
// Every write counts each of its words once. To look each up in the order of spellings would cost
// more than all the rest of adding a document; but a writer comes with the term already found, and
// a term has few spellings: so they are also chained to it, the one used last in front, and only
// new words reach the ordered set.
//
// Threads    Count from one thread at a time; Open, and the cursors it gives, from any. A cursor
//            holds the lock for kWordsAtATime words only, so that it never keeps a writer waiting.
// Cost       Count is a comparison for the spelling used last, a walk of the term's chain for the
//            others, and a search of the ordered set for a new one. A word takes about 70 bytes.
#ifndef LIBKV_SRC_TEXT_WORD_DICTIONARY_H_
#define LIBKV_SRC_TEXT_WORD_DICTIONARY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/container/btree_set.h"
#include "base/page_pool.h"
#include "text/postings.h"

namespace libkv {

class WordDictionary {
 public:
  static constexpr size_t kWordsAtATime = 256;

  // Followed in memory by its word and, unless that begins with the term, by the term.
  struct Word {
    std::atomic<uint32_t>* documents;  // own_documents or of its chain
    std::atomic<uint32_t> own_documents{0};
    uint32_t term_bytes = 0;
    Word* next = nullptr;  // of the same term; the writer's own
    uint8_t word_bytes = 0;
    bool is_beginning = false;  // the term is how the word begins
    const char* data() const { return reinterpret_cast<const char*>(this + 1); }
    std::string_view word() const { return {data(), word_bytes}; }
    std::string_view term() const { return {data() + (is_beginning ? 0 : word_bytes), term_bytes}; }
  };

  // The words of one term.
  struct Chain {
    uint64_t first_hash = 0;
    Word* first = nullptr;
    std::atomic<uint32_t> first_documents{0};
  };

  // One more document has `word`, of at most kDictionaryWordBytesMax bytes, under `term`; `hash`
  // tells the words of the term apart. `chain` belongs to the term; it must stay where it is as
  // long as this.
  void Count(std::string_view word, uint64_t hash, std::string_view term, Chain* chain);

  // The words that begin with `prefix`. Words that are added meanwhile may be missing.
  std::unique_ptr<WordCursor> Open(std::string_view prefix) const;

  size_t memory_bytes() const {
    return memory_bytes_.load(std::memory_order_relaxed) + pool_.bytes();
  }

 private:
  class Cursor;
  // A word in the set. Its first eight bytes are at hand: most comparisons need not read the word.
  struct Entry {
    uint64_t head = 0;
    Word* word = nullptr;
  };
  struct Place {
    explicit Place(std::string_view at_word, std::string_view at_term = {});
    uint64_t head;
    std::string_view word, term;
  };
  struct Before {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const;
    bool operator()(const Entry& a, const Place& b) const;
    bool operator()(const Place& a, const Entry& b) const;
  };

  static Word* FindInChain(std::string_view word, Word* first);
  Word* FindOrAdd(std::string_view word, std::string_view term, Chain* chain);
  Word* NewWord(std::string_view word, std::string_view term);

  mutable std::mutex mutex_;
  absl::btree_set<Entry, Before> words_;  // guarded by mutex_; changed by the writer only

  // The writer's own: where words come from. They never move.
  PagePool pool_;
  std::atomic<size_t> memory_bytes_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_WORD_DICTIONARY_H_
