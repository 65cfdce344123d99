#include "index/delta_input.h"

#include <algorithm>
#include <span>
#include <utility>

#include "text/cosine_norm.h"

namespace libkv {
namespace {

// One list of the delta, in the order of the segment.
class SortedPostings final : public PostingsCursor {
 public:
  SortedPostings(PostingsCursor& from, std::span<const uint32_t> places) {
    std::vector<uint32_t> positions;
    postings_.reserve(from.cost());
    positions_.reserve(from.cost());
    for (; from.document() != kNoDocument; from.Next()) {
      const uint32_t place = places[from.document()];
      if (place == kNoDocument) continue;
      from.Positions(&positions);
      postings_.push_back({place, from.frequency(), static_cast<uint32_t>(positions_.size()),
                           static_cast<uint32_t>(positions.size())});
      positions_.insert(positions_.end(), positions.begin(), positions.end());
    }
    SortByPlace();
    Fill();
    EnterBlock();
  }

  uint32_t cost() const override { return static_cast<uint32_t>(postings_.size()); }
  void Positions(std::vector<uint32_t>* positions) override {
    const Posting& posting = postings_[begin_ + at_];
    const auto from = positions_.begin() + posting.positions_begin;
    positions->assign(from, from + posting.positions_count);
  }

 private:
  struct Posting {
    uint32_t place, frequency, positions_begin, positions_count;
  };

  void LoadBlock(uint32_t target) override {
    const auto end =
        std::find_if(postings_.begin() + static_cast<ptrdiff_t>(begin_ + count_), postings_.end(),
                     [target](const Posting& posting) { return posting.place >= target; });
    begin_ = static_cast<size_t>(end - postings_.begin());
    Fill();
  }

  // Values often come in the order of their keys. If not, numbers are sorted, not postings.
  void SortByPlace() {
    const auto by_place = [](const Posting& a, const Posting& b) { return a.place < b.place; };
    if (std::is_sorted(postings_.begin(), postings_.end(), by_place)) return;
    std::vector<uint64_t> order(postings_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = uint64_t{postings_[i].place} << 32 | i;
    std::sort(order.begin(), order.end());
    std::vector<Posting> sorted;
    sorted.reserve(order.size());
    for (const uint64_t place_and_index : order) {
      sorted.push_back(postings_[place_and_index & UINT32_MAX]);
    }
    postings_ = std::move(sorted);
  }

  // The block from begin_ on.
  void Fill() {
    at_ = 0;
    count_ = static_cast<uint32_t>(std::min(kPostingsBlock, postings_.size() - begin_));
    for (uint32_t i = 0; i < count_; ++i) {
      documents_[i] = postings_[begin_ + i].place;
      frequencies_[i] = postings_[begin_ + i].frequency;
    }
    has_frequencies_ = true;
  }

  std::vector<Posting> postings_;
  std::vector<uint32_t> positions_;
  size_t begin_ = 0;  // of the block
};

class DeltaTerms final : public TermCursor {
 public:
  DeltaTerms(const Delta& delta, std::span<const std::string> terms,
             std::span<const uint32_t> places)
      : delta_(delta), terms_(terms), places_(places) {
    Enter();
  }
  void Next() override {
    ++at_;
    Enter();
  }
  std::unique_ptr<PostingsCursor> OpenPostings() override {
    const std::unique_ptr<PostingsCursor> cursor = delta_.Open(term_);
    if (cursor == nullptr) return nullptr;
    auto sorted = std::make_unique<SortedPostings>(*cursor, places_);
    if (sorted->document() == kNoDocument) return nullptr;
    return sorted;
  }

 private:
  void Enter() {
    valid_ = at_ < terms_.size();
    if (valid_) term_ = terms_[at_];
  }

  const Delta& delta_;
  const std::span<const std::string> terms_;
  const std::span<const uint32_t> places_;
  size_t at_ = 0;
};

}  // namespace

DeltaInput::DeltaInput(const DeltaPart& part)
    : part_(part), places_(part.documents().size(), kNoDocument), terms_(part.delta().Terms()) {
  for (uint32_t i = 0; i < places_.size(); ++i) {
    if (part.documents()[i].died.load(std::memory_order_acquire) == kNeverDied) order_.push_back(i);
  }
  // Stable: of equal keys, which only views of the past can see together, the older id first.
  std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
    return part.documents()[a].key < part.documents()[b].key;
  });
  for (uint32_t i = 0; i < order_.size(); ++i) places_[order_[i]] = i;
  std::sort(terms_.begin(), terms_.end());
}

absl::Status DeltaInput::Read(uint32_t ordinal, SegmentDocument* document) {
  const DocumentEntry& entry = EntryAt(ordinal);
  *document = {.document = entry.document,
               .key = entry.key,
               .words = entry.words,
               .cosine = EncodeCosineNorm(entry.cosine_norm),
               .expiry = entry.expiry};
  return absl::OkStatus();
}

std::unique_ptr<TermCursor> DeltaInput::OpenTerms() {
  return std::make_unique<DeltaTerms>(part_.delta(), terms_, places_);
}

}  // namespace libkv
