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
    Show();
  }

  void SkipBeginning(size_t bytes) override {
    const std::string beginning = word_buffer_.substr(0, bytes);
    for (int rows = 0;; ++rows) {
      // Words of a row are packed against the one before: how much they share says it all.
      while (!in_.done()) {
        if (!ReadParts()) return Damaged();
        if (shared_ < bytes) {
          if (!Unpack()) return Damaged();
          return Show();
        }
      }
      if (!EnterNextRow()) {
        valid_ = false;
        return;
      }
      if (rows == kRowsToWalk && FirstWord().starts_with(beginning)) SeekToLastRow(beginning);
      if (!ReadParts() || !Unpack()) return Damaged();
      if (!word_buffer_.starts_with(beginning)) return Show();
    }
  }

 private:
  // To read so many rows takes about as long as to seek.
  static constexpr int kRowsToWalk = 4;

  void EnterRow() {
    in_ = Reader(rows_->Valid() ? rows_->value() : std::string_view());
    word_buffer_.clear();
  }

  // False: there is none, or a failure.
  bool EnterNextRow() {
    if (rows_->Valid()) rows_->Next();
    EnterRow();
    if (!rows_->Valid() && !rows_->status().ok()) source_.Fail(rows_->status());
    return rows_->Valid();
  }

  // Of the row at hand.
  std::string_view FirstWord() const { return rows_->key().substr(lower_.size()); }

  // To the last row whose first word begins so, or is the first behind those; not back.
  void SeekToLastRow(std::string_view beginning) {
    const std::string after = PrefixEnd(beginning);
    if (after.empty()) return;
    rows_->SeekForPrev(lower_ + after);
    EnterRow();
  }

  void Show() {
    valid_ = word_buffer_.starts_with(prefix_);
    word_ = word_buffer_;
    term_ = term_buffer_;
  }

  // False: past the last word, or a failure.
  bool ReadWord() {
    while (in_.done()) {
      if (!EnterNextRow()) return false;
    }
    if (ReadParts() && Unpack()) return true;
    Damaged();
    return false;
  }

  void Damaged() {
    const Segment& segment = source_.segment();
    source_.Fail(DataLoss("segment ", segment.number(), " of space ", segment.space(),
                          ": a row of words is damaged, near '", Printable(word_buffer_), "'"));
    valid_ = false;
  }

  // Of the next word, packed as it is.
  bool ReadParts() {
    in_.Varint(&shared_);
    in_.Bytes(&suffix_);
    in_.Varint(&term_shared_);
    in_.Bytes(&term_suffix_);
    return in_.Varint(&documents_);
  }

  // Against the word before, or one that shares as much.
  bool Unpack() {
    if (shared_ > word_buffer_.size() || shared_ + suffix_.size() > kWordBytesMax) return false;
    word_buffer_.resize(shared_);
    word_buffer_ += suffix_;
    if (term_shared_ > word_buffer_.size()) return false;
    term_buffer_.assign(word_buffer_, 0, term_shared_);
    term_buffer_ += term_suffix_;
    return true;
  }

  const SegmentSource& source_;
  const std::string prefix_, lower_;
  std::unique_ptr<EngineCursor> rows_;
  Reader in_{{}};
  uint64_t shared_ = 0, term_shared_ = 0;
  std::string_view suffix_, term_suffix_;
  std::string word_buffer_, term_buffer_;
};

}  // namespace

std::unique_ptr<WordCursor> NewSegmentWordCursor(const SegmentSource& source,
                                                 std::string_view prefix) {
  return std::make_unique<SegmentWordCursor>(source, prefix);
}

}  // namespace libkv
