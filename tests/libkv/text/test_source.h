// The simplest index that a plan can run over: documents as lists of words, kept as they are.
#ifndef LIBKV_TESTS_TEXT_TEST_SOURCE_H_
#define LIBKV_TESTS_TEXT_TEST_SOURCE_H_

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/cosine_norm.h"
#include "text/length_norm.h"
#include "text/postings.h"
#include "text/scoring.h"

namespace libkv {

inline const std::set<std::string> kStops = {"the", "of"};

// A document is its words; stop words are there for their positions only.
using Document = std::vector<std::string>;
using Collection = std::map<uint32_t, Document>;

inline std::map<std::string, std::vector<uint32_t>> PositionsOf(const Document& document) {
  std::map<std::string, std::vector<uint32_t>> positions;
  for (size_t i = 0; i < document.size(); ++i) {
    if (kStops.count(document[i]) == 0) {
      positions[document[i]].push_back(static_cast<uint32_t>(i));
    }
  }
  return positions;
}

inline uint32_t LengthOf(const Document& document) {
  return static_cast<uint32_t>(std::count_if(
      document.begin(), document.end(), [](const auto& word) { return kStops.count(word) == 0; }));
}

// As it is stored.
inline float NormOf(const Document& document) {
  double sum = 0;
  for (const auto& [term, positions] : PositionsOf(document)) {
    sum += std::pow(1 + std::log(static_cast<double>(positions.size())), 2);
  }
  return DecodeCosineNorm(EncodeCosineNorm(static_cast<float>(std::sqrt(sum))));
}

// Blocks hold four postings, so that even small collections have many, and their bounds are exact.
class TestSource : public PostingsSource {
 public:
  explicit TestSource(const Collection& collection) {
    for (const auto& [id, document] : collection) {
      const auto positions = PositionsOf(document);
      const uint8_t length = EncodeLength(LengthOf(document));
      const float norm = NormOf(document);
      for (const auto& [term, list] : positions) lists_[term].push_back({id, list, length, norm});
      if (!positions.empty()) all_.push_back({id, {0}, length, norm});
      lengths_[id] = length;
      norms_[id] = norm;
    }
  }

  uint32_t DocumentFrequency(std::string_view term) const override {
    const auto it = lists_.find(std::string(term));
    return it == lists_.end() ? 0 : static_cast<uint32_t>(it->second.size());
  }
  std::unique_ptr<PostingsCursor> Open(std::string_view term) const override {
    const auto it = lists_.find(std::string(term));
    if (it == lists_.end()) return nullptr;
    return std::make_unique<Cursor>(it->second);
  }
  std::unique_ptr<PostingsCursor> OpenAll() const override {
    return std::make_unique<Cursor>(all_);
  }
  std::unique_ptr<WordCursor> OpenWords(std::string_view prefix) const override {
    return std::make_unique<Words>(lists_, std::string(prefix));
  }
  uint8_t LengthNorm(uint32_t document) const override { return lengths_.at(document); }
  float CosineNorm(uint32_t document) const override { return norms_.at(document); }

 private:
  struct Posting {
    uint32_t document;
    std::vector<uint32_t> positions;
    uint8_t length;
    float norm;
    uint32_t frequency() const { return static_cast<uint32_t>(positions.size()); }
  };
  static constexpr size_t kBlock = ScoreBounds::kImpactsMax;

  class Cursor : public PostingsCursor {
   public:
    explicit Cursor(const std::vector<Posting>& list) : list_(list) {
      LoadBlock(0);
      EnterBlock();
    }
    void Positions(std::vector<uint32_t>* positions) override {
      REQUIRE(document_ != kNoDocument);
      *positions = list_.at(block_ + at_).positions;
    }
    uint32_t cost() const override { return static_cast<uint32_t>(list_.size()); }
    uint32_t BoundsFrom(uint32_t target, ScoreBounds* bounds) override {
      REQUIRE(target >= document_);
      REQUIRE(target >= bounded_);
      bounded_ = target;
      const size_t place = PlaceOf(target), begin = place / kBlock * kBlock;
      if (place == list_.size()) return PostingsCursor::BoundsFrom(target, bounds);
      const size_t end = std::min(begin + kBlock, list_.size());
      *bounds = {.count = 0, .cosine = 0};
      for (size_t i = begin; i < end; ++i) {
        const Posting& posting = list_[i];
        bounds->impacts[bounds->count++] = {posting.frequency(), posting.length};
        bounds->cosine = std::max(
            bounds->cosine, static_cast<float>(LogFrequency(posting.frequency())) / posting.norm);
      }
      return list_[end - 1].document;
    }

   protected:
    void LoadBlock(uint32_t target) override {
      has_frequencies_ = false;
      const size_t place = PlaceOf(target);
      block_ = place / kBlock * kBlock;
      count_ =
          static_cast<uint32_t>(std::min(kBlock, list_.size() - std::min(block_, list_.size())));
      if (place == list_.size()) count_ = 0;
      at_ = count_ == 0 ? 0 : static_cast<uint32_t>(place - block_);
      for (size_t i = 0; i < count_; ++i) documents_[i] = list_[block_ + i].document;
    }
    void LoadFrequencies() override {
      REQUIRE_FALSE(has_frequencies_);
      for (size_t i = 0; i < count_; ++i) frequencies_[i] = list_[block_ + i].frequency();
    }

   private:
    size_t PlaceOf(uint32_t target) const {
      return static_cast<size_t>(std::lower_bound(list_.begin(), list_.end(), target,
                                                  [](const Posting& posting, uint32_t document) {
                                                    return posting.document < document;
                                                  }) -
                                 list_.begin());
    }

    const std::vector<Posting>& list_;
    size_t block_ = 0;
    uint32_t bounded_ = 0;
  };

  // Words are their own terms.
  class Words : public WordCursor {
   public:
    Words(const std::map<std::string, std::vector<Posting>>& lists, std::string prefix)
        : lists_(lists), prefix_(std::move(prefix)), at_(lists.lower_bound(prefix_)) {
      Update();
    }
    void Next() override {
      REQUIRE(valid());
      ++at_;
      Update();
    }

   private:
    void Update() {
      valid_ = at_ != lists_.end() && at_->first.starts_with(prefix_);
      if (!valid_) return;
      word_ = term_ = at_->first;
      documents_ = at_->second.size();
    }

    const std::map<std::string, std::vector<Posting>>& lists_;
    const std::string prefix_;
    std::map<std::string, std::vector<Posting>>::const_iterator at_;
  };

  std::map<std::string, std::vector<Posting>> lists_;
  std::vector<Posting> all_;
  std::map<uint32_t, uint8_t> lengths_;
  std::map<uint32_t, float> norms_;
};

}  // namespace libkv

#endif  // LIBKV_TESTS_TEXT_TEST_SOURCE_H_
