#include "text/word_dictionary.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace libkv {
namespace {

// Spellings of a term that are looked at one by one.
constexpr int kChainLooksMax = 16;
// A word's share of the nodes of the set, which are three quarters full.
constexpr size_t kNodeBytes = 22;

// The first eight bytes of `word` as a number that orders as they do; zeros behind a short one.
uint64_t HeadOf(std::string_view word) {
  uint64_t head = 0;
  for (size_t i = 0; i < sizeof(head); ++i) {
    head = head << 8 | (i < word.size() ? static_cast<unsigned char>(word[i]) : 0);
  }
  return head;
}

bool IsBefore(std::string_view a_word, std::string_view a_term, std::string_view b_word,
              std::string_view b_term) {
  const int order = a_word.compare(b_word);
  return order != 0 ? order < 0 : a_term < b_term;
}

}  // namespace

WordDictionary::Place::Place(std::string_view at_word, std::string_view at_term)
    : head(HeadOf(at_word)), word(at_word), term(at_term) {}

bool WordDictionary::Before::operator()(const Entry& a, const Entry& b) const {
  if (a.head != b.head) return a.head < b.head;
  return IsBefore(a.word->word(), a.word->term(), b.word->word(), b.word->term());
}
bool WordDictionary::Before::operator()(const Entry& a, const Place& b) const {
  if (a.head != b.head) return a.head < b.head;
  return IsBefore(a.word->word(), a.word->term(), b.word, b.term);
}
bool WordDictionary::Before::operator()(const Place& a, const Entry& b) const {
  if (a.head != b.head) return a.head < b.head;
  return IsBefore(a.word, a.term, b.word->word(), b.word->term());
}

// Words never move and never die: a chunk of them is copied under the lock and read without it.
class WordDictionary::Cursor final : public WordCursor {
 public:
  Cursor(const WordDictionary& dictionary, std::string_view prefix)
      : dictionary_(dictionary), prefix_(prefix) {
    chunk_.reserve(kFirstChunk);
    ReadFrom(Place(prefix_), kFirstChunk);
    Show();
  }

  void Next() override {
    if (++at_ == chunk_.size()) ReadBehind(*chunk_.back().word);
    Show();
  }

  void SkipBeginning(size_t bytes) override {
    const std::string_view beginning = chunk_[at_].word->word().substr(0, bytes);
    const Place place(beginning);
    // Heads are at hand, words are not.
    const size_t in_head = std::min(beginning.size(), sizeof(place.head));
    const uint64_t mask = in_head == 0 ? 0 : ~uint64_t{0} << (64 - 8 * in_head);
    const auto begins_so = [&](const Entry& entry) {
      return ((entry.head ^ place.head) & mask) == 0 && entry.word->word().starts_with(beginning);
    };
    // The last one first: it says whether the end is here.
    if (begins_so(chunk_.back())) {
      SeekBehind(beginning);
    } else {
      do {
        ++at_;
      } while (begins_so(chunk_[at_]));
    }
    Show();
  }

 private:
  static constexpr size_t kFirstChunk = 32;

  void ReadFrom(const Place& place, size_t count) {
    const std::lock_guard lock(dictionary_.mutex_);
    ReadChunk(dictionary_.words_.lower_bound(place), count);
  }

  void ReadBehind(const Word& word) {
    const std::lock_guard lock(dictionary_.mutex_);
    ReadChunk(dictionary_.words_.upper_bound(Place(word.word(), word.term())), kWordsAtATime);
  }

  // To the first word that does not begin with `beginning`, far ahead.
  void SeekBehind(std::string_view beginning) {
    std::string after(beginning);
    while (!after.empty() && after.back() == '\xFF') after.pop_back();
    if (after.empty()) {
      chunk_.clear();
      at_ = 0;
      return;
    }
    ++after.back();
    ReadFrom(Place(after), kWordsAtATime);
  }

  // Requires the lock.
  void ReadChunk(absl::btree_set<Entry, Before>::const_iterator it, size_t count) {
    chunk_.clear();
    at_ = 0;
    for (; it != dictionary_.words_.end() && chunk_.size() < count; ++it) {
      if (!prefix_.empty() && !it->word->word().starts_with(prefix_)) break;
      chunk_.push_back(*it);
    }
  }

  void Show() {
    valid_ = at_ < chunk_.size();
    if (!valid_) return;
    const Word& word = *chunk_[at_].word;
    word_ = word.word();
    term_ = word.term();
    documents_ = word.documents->load(std::memory_order_relaxed);
  }

  const WordDictionary& dictionary_;
  const std::string prefix_;
  std::vector<Entry> chunk_;
  size_t at_ = 0;
};

void WordDictionary::Count(std::string_view word, uint64_t hash, std::string_view term,
                           Chain* chain) {
  std::atomic<uint32_t>* documents = &chain->first_documents;
  if (chain->first == nullptr || chain->first_hash != hash) {
    Word* found = chain->first == nullptr ? nullptr : FindInChain(word, chain->first);
    if (found == nullptr) found = FindOrAdd(word, term, chain);
    if (found == chain->first) chain->first_hash = hash;
    documents = found->documents;
  }
  // One thread counts: no need for the price of an atomic addition.
  documents->store(documents->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// Behind the first, the word that was asked for last moves to the front.
WordDictionary::Word* WordDictionary::FindInChain(std::string_view word, Word* first) {
  Word* before = first;
  Word* at = first->next;
  for (int looks = 0; at != nullptr && looks < kChainLooksMax; ++looks) {
    if (at->word() == word) {
      before->next = at->next;
      at->next = first->next;
      first->next = at;
      return at;
    }
    before = at;
    at = at->next;
  }
  return nullptr;
}

WordDictionary::Word* WordDictionary::FindOrAdd(std::string_view word, std::string_view term,
                                                Chain* chain) {
  // The set is changed by this thread only: it may be read without the lock.
  const Place place(word, term);
  const auto behind = words_.lower_bound(place);
  if (behind != words_.end() && behind->word->word() == word && behind->word->term() == term) {
    return behind->word;
  }
  Word* const added = NewWord(word, term);
  if (chain->first == nullptr) {
    added->documents = &chain->first_documents;
    chain->first = added;
  } else {
    added->documents = &added->own_documents;
    added->next = chain->first->next;
    chain->first->next = added;
  }
  const std::lock_guard lock(mutex_);
  words_.insert(behind, Entry{place.head, added});
  return added;
}

WordDictionary::Word* WordDictionary::NewWord(std::string_view word, std::string_view term) {
  static_assert(alignof(Word) <= PagePool::kAlign);
  const bool is_beginning = word.starts_with(term);
  const size_t text_bytes = word.size() + (is_beginning ? 0 : term.size());
  char* const room = pool_.Take(sizeof(Word) + text_bytes);
  Word* const made = new (room) Word;
  made->term_bytes = static_cast<uint32_t>(term.size());
  made->word_bytes = static_cast<uint8_t>(word.size());
  made->is_beginning = is_beginning;
  char* const data = room + sizeof(Word);
  std::memcpy(data, word.data(), word.size());
  if (!is_beginning) std::memcpy(data + word.size(), term.data(), term.size());
  memory_bytes_.fetch_add(kNodeBytes, std::memory_order_relaxed);
  return made;
}

std::unique_ptr<WordCursor> WordDictionary::Open(std::string_view prefix) const {
  return std::make_unique<Cursor>(*this, prefix);
}

}  // namespace libkv
