#include "segment/segment_words.h"

#include <string>
#include <utility>

#include "base/coding.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "format/keys.h"

namespace libkv {
namespace {

// Words of a damaged row must not grow without end, each repeating the one before.
constexpr size_t kWordBytesMax = size_t{1} << 20;

class SegmentWordCursor final : public WordCursor {
 public:
  SegmentWordCursor(const SegmentSource& source, std::string_view prefix)
      : source_(source),
        prefix_(prefix),
        lower_(SegmentPrefix(source.segment().space(), source.segment().number(),
                             SegmentKind::kWord)) {
    const std::string first = lower_ + prefix_;
    rows_ = source.segment().engine().NewCursor(Family::kSegments, source.read(), lower_,
                                                PrefixEnd(first));
    // The first of them may stand within the row before.
    rows_->SeekForPrev(first);
    if (!rows_->Valid()) rows_->SeekToFirst();
    EnterRow();
    Next();
  }

  void Next() override {
    do {
      if (!ReadWord()) {
        valid_ = false;
        return;
      }
    } while (word_buffer_ < prefix_);
    valid_ = word_buffer_.starts_with(prefix_);
    word_ = word_buffer_;
    term_ = term_buffer_;
  }

 private:
  void EnterRow() {
    in_ = Reader(rows_->Valid() ? rows_->value() : std::string_view());
    word_buffer_.clear();
  }

  // False: past the last word, or a failure.
  bool ReadWord() {
    while (in_.done()) {
      if (!rows_->Valid()) {
        if (!rows_->status().ok()) source_.Fail(rows_->status());
        return false;
      }
      rows_->Next();
      EnterRow();
    }
    if (ReadParts()) return true;
    const Segment& segment = source_.segment();
    source_.Fail(DataLoss("segment ", segment.number(), " of space ", segment.space(),
                          ": a row of words is damaged, near '", Printable(word_buffer_), "'"));
    return false;
  }

  bool ReadParts() {
    uint64_t shared = 0, term_shared = 0;
    std::string_view suffix, term_suffix;
    in_.Varint(&shared);
    in_.Bytes(&suffix);
    in_.Varint(&term_shared);
    in_.Bytes(&term_suffix);
    in_.Varint(&documents_);
    if (!in_.ok() || shared > word_buffer_.size() || shared + suffix.size() > kWordBytesMax) {
      return false;
    }
    word_buffer_.resize(shared);
    word_buffer_ += suffix;
    if (term_shared > word_buffer_.size()) return false;
    term_buffer_.assign(word_buffer_, 0, term_shared);
    term_buffer_ += term_suffix;
    return true;
  }

  const SegmentSource& source_;
  const std::string prefix_, lower_;
  std::unique_ptr<EngineCursor> rows_;
  Reader in_{{}};
  std::string word_buffer_, term_buffer_;
};

}  // namespace

std::unique_ptr<WordCursor> NewSegmentWordCursor(const SegmentSource& source,
                                                 std::string_view prefix) {
  return std::make_unique<SegmentWordCursor>(source, prefix);
}

}  // namespace libkv
