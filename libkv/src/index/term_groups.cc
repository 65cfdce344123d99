#include "index/term_groups.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/coding.h"
#include "base/hash.h"
#include "index/secret_factor.h"
#include "text/postings.h"
#include "text/scoring.h"

namespace libkv {
namespace {

constexpr size_t kFirstSlots = 1024;
constexpr size_t kVarint32BytesMax = 5;

int ShiftOf(size_t slots) { return 64 - std::countr_zero(slots); }

// The hash of a word among those of its term. Endings of up to seven bytes, nearly all there are,
// need no walk over the word: they are numbers, and no two of them give the same.
uint64_t HashSpelling(uint64_t term_hash, size_t term_bytes, std::string_view word,
                      bool is_beginning) {
  if (!is_beginning || word.size() - term_bytes > 7) return Hash64(word);
  uint64_t ending = word.size() - term_bytes;
  for (const char c : word.substr(term_bytes)) {
    ending = ending << 8 | static_cast<unsigned char>(c);
  }
  return term_hash + ending * 0x9E3779B97F4A7C15;
}

}  // namespace

TermGroups::TermGroups()
    : secret_(SecretFactor(this)), shift_(ShiftOf(kFirstSlots)), slots_(kFirstSlots) {}

void TermGroups::Clear() {
  if (occurrences_.capacity() > kKeptWords || slots_.size() > kKeptWords ||
      pool_.capacity() > 8 * kKeptWords) {
    slots_ = std::vector<Slot>(kFirstSlots);
    shift_ = ShiftOf(kFirstSlots);
    epoch_ = 0;
    groups_ = {};
    occurrences_ = {};
    spellings_ = {};
    pool_ = {};
    positions_ = {};
    position_bytes_ = {};
    frequencies_ = {};
  }
  if (++epoch_ == 0) {
    // Slots of this epoch's last turn would come back to life.
    std::fill(slots_.begin(), slots_.end(), Slot{});
    epoch_ = 1;
  }
  groups_.clear();
  occurrences_.clear();
  spellings_.clear();
  pool_.clear();
  is_ascending_ = true;
  last_position_ = 0;
}

void TermGroups::Add(const Token& token) {
  const std::string_view word = token.word.empty() ? token.term : token.word;
  const uint64_t hash = Hash64(token.term);
  const auto tag = static_cast<uint16_t>(hash);
  const size_t mask = slots_.size() - 1;
  size_t at = SlotOf(hash);
  uint32_t found = UINT32_MAX;
  for (; slots_[at].epoch == epoch_; at = (at + 1) & mask) {
    if (slots_[at].tag != tag) continue;
    const Group& group = groups_[slots_[at].group];
    if (group.hash == hash &&
        std::string_view(pool_.data() + group.begin, group.bytes) == token.term) {
      found = slots_[at].group;
      break;
    }
  }
  if (found == UINT32_MAX) {
    found = NewGroup(token, word, hash, at);
  } else if (word.size() <= kDictionaryWordBytesMax) {
    AddSpelling(groups_[found], word, word.starts_with(token.term));
  }
  ++groups_[found].frequency;
  occurrences_.push_back({token.position, found});
  is_ascending_ &= token.position >= last_position_;
  last_position_ = token.position;
}

// Puts the term and its first word into the pool, what they share only once.
uint32_t TermGroups::NewGroup(const Token& token, std::string_view word, uint64_t hash,
                              size_t slot) {
  const auto made = static_cast<uint32_t>(groups_.size());
  slots_[slot] = {epoch_, static_cast<uint16_t>(hash), made};
  Group& group = groups_.emplace_back(Group{.hash = hash,
                                            .begin = static_cast<uint32_t>(pool_.size()),
                                            .bytes = static_cast<uint32_t>(token.term.size())});
  if (word.size() > kDictionaryWordBytesMax) {
    pool_ += token.term;
  } else {
    const bool is_beginning = word.starts_with(token.term);
    if (!is_beginning) pool_ += token.term;
    AppendSpelling(group, {.hash = HashSpelling(hash, group.bytes, word, is_beginning),
                           .begin = static_cast<uint32_t>(pool_.size()),
                           .bytes = static_cast<uint32_t>(word.size())});
    pool_ += word;
  }
  if (groups_.size() > slots_.size() / 2) Grow();
  return made;
}

void TermGroups::AddSpelling(Group& group, std::string_view word, bool is_beginning) {
  const uint64_t hash = HashSpelling(group.hash, group.bytes, word, is_beginning);
  uint32_t at = group.first_spelling;
  for (uint32_t i = 0; i < group.spellings_count; ++i) {
    if (spellings_[at].spelling.hash == hash) return;
    at = spellings_[at].next;
  }
  if (group.spellings_count == kSpellingsMax) return;
  AppendSpelling(group, {.hash = hash,
                         .begin = static_cast<uint32_t>(pool_.size()),
                         .bytes = static_cast<uint32_t>(word.size())});
  pool_ += word;
}

void TermGroups::AppendSpelling(Group& group, const DerivedDocument::Spelling& spelling) {
  const auto made = static_cast<uint32_t>(spellings_.size());
  spellings_.push_back({spelling, 0});
  if (group.spellings_count++ == 0) {
    group.first_spelling = made;
  } else {
    spellings_[group.last_spelling].next = made;
  }
  group.last_spelling = made;
}

void TermGroups::Grow() {
  slots_ = std::vector<Slot>(2 * slots_.size());
  shift_ = ShiftOf(slots_.size());
  epoch_ = 1;
  for (uint32_t i = 0; i < groups_.size(); ++i) {
    size_t at = SlotOf(groups_[i].hash);
    while (slots_[at].epoch != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {epoch_, static_cast<uint16_t>(groups_[i].hash), i};
  }
}

void TermGroups::MoveTo(DerivedDocument* derived) {
  PlacePositions();
  derived->terms.reserve(groups_.size());
  derived->spellings.reserve(spellings_.size());
  if (position_bytes_.size() < kVarint32BytesMax * positions_.size()) {
    position_bytes_.resize(kVarint32BytesMax * positions_.size());
  }
  char* const first = position_bytes_.data();
  char* out = first;
  uint32_t begin = 0;
  for (const Group& group : groups_) {
    const auto bytes_begin = static_cast<uint32_t>(out - first);
    out = EncodePositions(begin, group.positions_end, out);
    begin = group.positions_end;
    derived->terms.push_back({.hash = group.hash,
                              .term_begin = group.begin,
                              .term_bytes = group.bytes,
                              .frequency = group.frequency,
                              .positions_begin = bytes_begin,
                              .positions_bytes = static_cast<uint32_t>(out - first) - bytes_begin,
                              .spellings_begin = static_cast<uint32_t>(derived->spellings.size()),
                              .spellings_count = group.spellings_count});
    uint32_t at = group.first_spelling;
    for (uint32_t i = 0; i < group.spellings_count; ++i) {
      derived->spellings.push_back(spellings_[at].spelling);
      at = spellings_[at].next;
    }
    derived->words += group.frequency;
  }
  derived->term_pool = pool_;
  derived->position_pool.assign(first, out);
  derived->cosine_norm = Norm();
  Clear();
}

// Moves the positions that are kept from the order of the text to that of the groups.
void TermGroups::PlacePositions() {
  if (!is_ascending_) {  // an analyzer of the user's that breaks its contract
    std::stable_sort(
        occurrences_.begin(), occurrences_.end(),
        [](const Occurrence& a, const Occurrence& b) { return a.position < b.position; });
  }
  uint32_t total = 0;
  bool is_cut = false;
  for (Group& group : groups_) {
    group.positions_end = total;
    total += std::min(group.frequency, kPositionsMax);
    is_cut |= group.frequency > kPositionsMax;
  }
  positions_.resize(total);
  if (!is_cut) {
    for (const Occurrence& o : occurrences_) {
      positions_[groups_[o.group].positions_end++] = o.position;
    }
    return;
  }
  std::vector<uint32_t> placed(groups_.size(), 0);
  for (const Occurrence& o : occurrences_) {
    if (placed[o.group]++ >= kPositionsMax) continue;
    positions_[groups_[o.group].positions_end++] = o.position;
  }
}

char* TermGroups::EncodePositions(uint32_t begin, uint32_t end, char* out) const {
  uint32_t last = 0;
  for (uint32_t i = begin; i < end; ++i) {
    out = StoreVarint(out, positions_[i] - last);
    last = positions_[i];
  }
  return out;
}

// Sums are rounded: adding in the order of the frequencies makes the norm independent of that of
// the terms.
float TermGroups::Norm() {
  std::array<uint32_t, 64> counts{};  // of terms of each frequency
  frequencies_.clear();
  for (const Group& group : groups_) {
    if (group.frequency < counts.size()) {
      ++counts[group.frequency];
    } else {
      frequencies_.push_back(group.frequency);
    }
  }
  std::sort(frequencies_.begin(), frequencies_.end());
  const size_t frequent = frequencies_.size();
  for (uint32_t frequency = 1; frequency < counts.size(); ++frequency) {
    frequencies_.insert(frequencies_.end(), counts[frequency], frequency);
  }
  std::rotate(frequencies_.begin(), frequencies_.begin() + static_cast<ptrdiff_t>(frequent),
              frequencies_.end());
  return static_cast<float>(CosineNorm(frequencies_));
}

}  // namespace libkv
