// Makes one segment of several inputs: sealed segments, the delta, or both.
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_MERGE_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_MERGE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "segment/segment.h"
#include "segment/segment_keys.h"
#include "segment/segment_source.h"
#include "segment/segment_writer.h"
#include "text/postings.h"

namespace libkv {

// Walks over the terms of an input in ascending order. Views live until it moves.
class TermCursor {
 public:
  virtual ~TermCursor() = default;

  // False past the end, or after a failure (SegmentInput::status()); the rest requires it.
  bool valid() const { return valid_; }
  std::string_view term() const { return term_; }
  virtual void Next() = 0;

  // The postings of term(). Null: there are none. Must die before the cursor moves.
  virtual std::unique_ptr<PostingsCursor> OpenPostings() = 0;

 protected:
  bool valid_ = false;  // these are kept by the implementation
  std::string_view term_;
};

// Threads    One.
class SegmentInput {
 public:
  virtual ~SegmentInput() = default;

  // Ordinals are below it; their order is that of the keys, then of the ids.
  virtual uint32_t documents() const = 0;

  // Ordinals ascend from call to call; the key lives until the next one.
  virtual absl::Status Read(uint32_t ordinal, SegmentDocument* document) = 0;

  virtual std::unique_ptr<TermCursor> OpenTerms() = 0;
  virtual std::unique_ptr<WordCursor> OpenWords() = 0;  // all of them

  // What went wrong while terms, postings or words were read. They end early then.
  virtual absl::Status status() const = 0;
};

// A sealed segment. What it reads does not fill the block cache. `segment` must outlive it.
class SegmentAsInput final : public SegmentInput {
 public:
  explicit SegmentAsInput(const Segment& segment);

  uint32_t documents() const override { return segment_.documents(); }
  absl::Status Read(uint32_t ordinal, SegmentDocument* document) override;
  std::unique_ptr<TermCursor> OpenTerms() override;
  std::unique_ptr<WordCursor> OpenWords() override { return source_.OpenWords(""); }
  absl::Status status() const override { return source_.status(); }

 private:
  const Segment& segment_;
  SegmentKeys keys_;
  SegmentSource source_;
};

// Writes the documents of all `inputs` to `writer`, which is new, by key and then by id; an id
// must not be in two of them. Those that `keep` refuses are left out with their postings, so that
// document frequencies and bounds are as if they had never been; the documents of a word are added
// up as the inputs count them. `keep` is called once for each document, ordinals of an input
// ascending. The caller finishes the writer.
// Cancelled: `*stop` became true (null: never). Other errors are those of inputs and writer.
// Memory: 4 bytes for each document of the inputs.
absl::Status MergeInto(std::span<SegmentInput* const> inputs,
                       absl::FunctionRef<bool(size_t input, uint32_t ordinal)> keep,
                       const std::atomic<bool>* stop, SegmentWriter* writer);

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_MERGE_H_
