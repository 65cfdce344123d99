// The living documents of a delta as a segment wants them, ordered by key: what sealing reads.
//
// A frozen delta gets no new documents, but more of them may die while it is read: those alive when
// the input was made are its documents.
#ifndef LIBKV_SRC_INDEX_DELTA_INPUT_H_
#define LIBKV_SRC_INDEX_DELTA_INPUT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "index/delta_part.h"
#include "segment/segment_merge.h"

namespace libkv {

// Threads    One.
// Memory     8 bytes a document and 40 a term; a copy of one term's list at a time.
class DeltaInput final : public SegmentInput {
 public:
  // `part` must outlive this, and nothing may be added to it any more.
  explicit DeltaInput(const DeltaPart& part);

  uint32_t documents() const override { return static_cast<uint32_t>(order_.size()); }
  absl::Status Read(uint32_t ordinal, SegmentDocument* document) override;
  std::unique_ptr<TermCursor> OpenTerms() override;
  std::unique_ptr<WordCursor> OpenWords() override { return part_.delta().OpenWords(""); }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const DocumentEntry& EntryAt(uint32_t ordinal) const {
    return part_.documents()[order_[ordinal]];
  }

  const DeltaPart& part_;
  std::vector<uint32_t> order_;     // by key: the delta's ordinal
  std::vector<uint32_t> places_;    // by the delta's ordinal: the place in order_, or kNoDocument
  std::vector<std::string> terms_;  // ascending
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_DELTA_INPUT_H_
