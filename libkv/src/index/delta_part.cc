#include "index/delta_part.h"

#include "base/check.h"
#include "text/cosine_norm.h"
#include "text/length_norm.h"

namespace libkv {
namespace {

// A document in memory besides its key and postings: the entry, its place in living_.
constexpr size_t kEntryBytes = sizeof(DocumentEntry) + 24;

class DeltaReader final : public PartReader {
 public:
  DeltaReader(const DeltaPart& part, const PartView& view) : part_(part), view_(view) {}

  const PostingsSource& postings() const override { return part_.delta(); }
  bool Shows(uint32_t ordinal) const override {
    const DocumentEntry& entry = part_.documents()[ordinal];
    return entry.VisibleAt(view_.sequence, view_.now) && entry.key.starts_with(view_.prefix);
  }
  size_t KeepShown(std::span<uint32_t> documents, std::span<double> scores) const override {
    return KeepShownBy(*this, documents, scores);
  }
  std::string_view KeyOf(uint32_t ordinal) const override { return part_.documents()[ordinal].key; }
  uint64_t DocumentOf(uint32_t ordinal) const override {
    return part_.documents()[ordinal].document;
  }
  // Documents ascend in the table, which may grow meanwhile.
  void ForEachOrdinalOf(std::span<const uint64_t> documents,
                        absl::FunctionRef<void(uint32_t)> visit) const override {
    const DocumentTable& table = part_.documents();
    const size_t size = table.size();
    size_t at = 0;
    for (const uint64_t document : documents) {
      for (size_t left = size - at; left > 0;) {
        const size_t half = left / 2;
        const bool is_below = table[at + half].document < document;
        at += is_below ? half + 1 : 0;
        left = is_below ? left - half - 1 : half;
      }
      if (at == size) return;
      if (table[at].document == document) visit(static_cast<uint32_t>(at));
    }
  }
  bool InKeyOrder() const override { return false; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const DeltaPart& part_;
  const PartView view_;
};

}  // namespace

void DeltaPart::Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
                    const DerivedDocument& derived) {
  const auto ordinal = static_cast<uint32_t>(documents_.size());
  LIBKV_CHECK(documents_.size() < kNoDocument);
  // The entry first: a posting must never name a place that is not there yet.
  documents_.Append(document, key, born, expiry, derived.words, EncodeLength(derived.words),
                    DecodeCosineNorm(EncodeCosineNorm(derived.cosine_norm)));
  total_words_.fetch_add(derived.words, std::memory_order_relaxed);
  live_documents_.fetch_add(1, std::memory_order_relaxed);
  key_bytes_.fetch_add(key.size(), std::memory_order_relaxed);
  text_bytes_.fetch_add(derived.text_bytes, std::memory_order_relaxed);
  delta_.Add(ordinal, derived);
  living_[document] = ordinal;
}

bool DeltaPart::Kill(uint64_t document, uint64_t died) {
  const auto found = living_.find(document);
  if (found == living_.end()) return false;
  documents_[found->second].died.store(died, std::memory_order_release);
  living_.erase(found);
  live_documents_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

std::unique_ptr<PartReader> DeltaPart::NewReader(const PartView& view) const {
  return std::make_unique<DeltaReader>(*this, view);
}

size_t DeltaPart::memory_bytes() const {
  return delta_.memory_bytes() + documents_.size() * kEntryBytes +
         key_bytes_.load(std::memory_order_relaxed);
}

}  // namespace libkv
