#include "segment/segment_writer.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "segment/bit_packing.h"
#include "segment/little_endian.h"
#include "segment/zigzag.h"
#include "text/cosine_norm.h"
#include "text/length_norm.h"
#include "text/scoring.h"

namespace libkv {
namespace {

size_t SharedBytes(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(most), b.begin()).first -
      a.begin());
}

// shared:varint suffix:bytes
void AppendShared(std::string& out, std::string_view before, std::string_view bytes) {
  const size_t shared = SharedBytes(before, bytes);
  AppendVarint(out, shared);
  AppendBytes(out, bytes.substr(shared));
}

// Room for `most` bytes at the end of `out`; Shrink gives back what is not used.
char* Grow(std::string& out, size_t most) {
  const size_t size = out.size();
  out.resize(size + most);
  return out.data() + size;
}
void Shrink(std::string& out, const char* end) {
  out.resize(static_cast<size_t>(end - out.data()));
}

void AppendLittle32(std::string& out, uint32_t v) { StoreLittle32(Grow(out, sizeof v), v); }

void AppendPacked(std::string& out, const uint32_t* numbers, uint32_t bits) {
  Pack(numbers, bits, Grow(out, PackedBytes(bits)));
}

constexpr size_t kPostingBytesMax = 2 * kVarintBytesMax;

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentWriter>> SegmentWriter::Create(Engine& engine, uint32_t space,
                                                                     uint32_t segment,
                                                                     std::string directory) {
  return std::unique_ptr<SegmentWriter>(
      new SegmentWriter(engine, space, segment, std::move(directory)));
}

SegmentWriter::SegmentWriter(Engine& engine, uint32_t space, uint32_t segment,
                             std::string directory)
    : engine_(engine), space_(space), segment_(segment), directory_(std::move(directory)) {}

SegmentWriter::~SegmentWriter() = default;

absl::Status SegmentWriter::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
  return status_;
}

absl::Status SegmentWriter::Misused(std::string_view what) {
  return Fail(MakeStatus(absl::StatusCode::kInternal, "writing segment ", segment_, " of space ",
                         space_, ": ", what));
}

absl::Status SegmentWriter::Put(std::unique_ptr<TableWriter>& table, std::string_view key,
                                std::string_view value) {
  if (!status_.ok()) return status_;
  if (table == nullptr) {
    // A table without rows cannot be finished: each begins with its first one.
    absl::StatusOr<std::unique_ptr<TableWriter>> opened = engine_.NewTableWriter(
        Family::kSegments,
        Concat(directory_, "/", kFilePrefix, space_, "_", segment_, "_", files_++, kFileSuffix));
    if (!opened.ok()) return Fail(opened.status());
    table = *std::move(opened);
  }
  return Fail(table->Put(key, value));
}

// Documents.

absl::Status SegmentWriter::AddDocument(const SegmentDocument& document) {
  if (!status_.ok()) return status_;
  if (stage_ != Stage::kDocuments) return Misused("a document after the first term");
  const uint64_t ordinal = summary_.documents;
  if (ordinal == kNoDocument) return Misused("too many documents");
  if (document.document > kDocumentMax) return Misused("a document id that cannot be");
  if (ordinal > 0 && (document.key < last_key_ ||
                      (document.key == last_key_ && document.document <= last_document_))) {
    return Misused("documents that do not ascend");
  }

  if (ordinal % kKeysPerRow == 0) FinishKeyRow();
  const bool is_first = ordinal % kKeysPerGroup == 0;
  if (is_first) key_group_begins_.push_back(static_cast<uint32_t>(key_groups_.size()));
  AppendShared(key_groups_, is_first ? std::string_view() : last_key_, document.key);
  last_key_ = document.key;
  last_document_ = document.document;

  if (ordinal % kDocumentsPerRow == 0) FinishDocumentRow();
  DocumentRow& row = document_row_;
  AppendVarint(row.differences, ZigZag(static_cast<int64_t>(document.document - row.last)));
  row.last = document.document;
  AppendVarint(row.words, document.words);
  StoreLittle16(Grow(row.cosines, 2), document.cosine);
  AppendFixed64(row.expiries, static_cast<uint64_t>(document.expiry));
  row.expires = row.expires || document.expiry != 0;

  length_norms_.push_back(EncodeLength(document.words));
  cosines_.push_back(document.cosine);
  summary_.first = ordinal == 0 ? document.document : std::min(summary_.first, document.document);
  summary_.last = std::max(summary_.last, document.document);
  summary_.words += document.words;
  ++summary_.documents;
  return status_;
}

void SegmentWriter::FinishKeyRow() {
  if (key_group_begins_.empty()) return;
  const auto row = static_cast<uint32_t>((summary_.documents - 1) / kKeysPerRow);
  const size_t head_bytes = sizeof(uint32_t) * key_group_begins_.size();
  row_.clear();
  for (const uint32_t begin : key_group_begins_) {
    StoreLittle32(Grow(row_, sizeof(uint32_t)), static_cast<uint32_t>(head_bytes + begin));
  }
  row_ += key_groups_;
  static_cast<void>(
      Put(documents_table_, SegmentChunkKey(space_, segment_, SegmentKind::kKeys, row), row_));
  key_groups_.clear();
  key_group_begins_.clear();
}

void SegmentWriter::FinishDocumentRow() {
  DocumentRow& row = document_row_;
  if (row.cosines.empty()) return;
  std::string out;
  AppendVarint(out, row.cosines.size() / 2);
  out += static_cast<char>(row.expires ? kExpiryFlag : 0);
  out += row.differences;
  out += row.words;
  out += row.cosines;
  if (row.expires) out += row.expiries;
  document_rows_.push_back(std::move(out));
  row = DocumentRow();
}

void SegmentWriter::FinishDocuments() {
  FinishKeyRow();
  FinishDocumentRow();
  for (uint32_t i = 0; i < document_rows_.size(); ++i) {
    static_cast<void>(Put(documents_table_,
                          SegmentChunkKey(space_, segment_, SegmentKind::kNumbers, i),
                          document_rows_[i]));
  }
  document_rows_ = {};
  stage_ = Stage::kTerms;
}

// Terms.

absl::Status SegmentWriter::StartTerm(std::string_view term) {
  if (stage_ == Stage::kDocuments) FinishDocuments();
  if (!status_.ok()) return status_;
  if (stage_ != Stage::kTerms) return Misused("a term within a term, or after the first word");
  if (summary_.terms > 0 && term <= term_) return Misused("terms that do not ascend");
  term_ = term;
  documents_ = 0;
  occurrences_ = 0;
  last_ordinal_ = block_base_ = 0;
  stage_ = Stage::kInTerm;
  return status_;
}

void SegmentWriter::AddPosting(uint32_t ordinal, uint32_t frequency,
                               std::span<const uint32_t> positions) {
  if (stage_ != Stage::kInTerm || ordinal >= summary_.documents || frequency == 0 ||
      (documents_ > 0 && ordinal <= last_ordinal_) ||
      positions.size() < std::min(frequency, kPositionsMax)) [[unlikely]] {
    static_cast<void>(Misused("a posting that cannot be"));
    return;
  }
  positions = positions.first(std::min(frequency, kPositionsMax));
  // A full block waits until it is known that the term is a long one or goes on.
  if (in_block_ == kPostingsBlock) FlushBlock();
  ordinals_[in_block_] = ordinal;
  frequencies_[in_block_] = frequency;
  ++in_block_;
  last_ordinal_ = ordinal;
  ++documents_;
  occurrences_ += frequency;

  const size_t before = position_differences_.size();
  position_differences_.resize(before + positions.size());
  uint32_t* out = position_differences_.data() + before;
  uint32_t last = 0;
  for (const uint32_t position : positions) {
    *out++ = position - last;  // a fault of order comes back as the position it is, modulo 2^32
    last = position;
  }

  const double norm = static_cast<double>(DecodeCosineNorm(cosines_[ordinal]));
  block_frontier_.Add(frequency, length_norms_[ordinal], LogFrequency(frequency) / norm);
}

// The block at hand is one of a long list.
void SegmentWriter::FlushBlock() {
  if (blocks_ > 0 && blocks_ % kBlocksPerRow == 0) FinishPostingsRow();
  if (positions_row_.size() >= kPositionRowBytes) FinishPositionsRow();
  if (positions_row_.empty()) first_blocks_.push_back(blocks_);
  AppendLittle32(skips_, ordinals_[in_block_ - 1]);
  AppendLittle32(skips_, static_cast<uint32_t>(postings_row_.size()));
  AppendLittle32(skips_, static_cast<uint32_t>(positions_row_.size()));
  block_frontier_.Store(skips_);
  list_frontier_.Add(block_frontier_);
  block_frontier_.Clear();
  AppendBlock();
  AppendBlockPositions();
  block_base_ = ordinals_[in_block_ - 1];
  in_block_ = 0;
  ++blocks_;
}

void SegmentWriter::AppendBlock() {
  if (in_block_ == kPostingsBlock) {
    std::array<uint32_t, kPostingsBlock> differences;
    for (uint32_t i = 0, before = block_base_; i < kPostingsBlock; ++i) {
      differences[i] = ordinals_[i] - before;
      before = ordinals_[i];
      --frequencies_[i];
    }
    const uint32_t document_bits = PackedBits(differences.data());
    const uint32_t frequency_bits = PackedBits(frequencies_.data());
    postings_row_ += static_cast<char>(document_bits);
    postings_row_ += static_cast<char>(frequency_bits);
    AppendPacked(postings_row_, differences.data(), document_bits);
    AppendPacked(postings_row_, frequencies_.data(), frequency_bits);
    return;
  }
  char* out = Grow(postings_row_, in_block_ * kPostingBytesMax);
  uint32_t before = block_base_;
  for (uint32_t i = 0; i < in_block_; ++i) {
    const uint64_t difference = ordinals_[i] - before;
    out = StoreVarint(out, difference * 2 + (frequencies_[i] == 1 ? 1 : 0));
    if (frequencies_[i] != 1) out = StoreVarint(out, frequencies_[i]);
    before = ordinals_[i];
  }
  Shrink(postings_row_, out);
}

void SegmentWriter::AppendBlockPositions() {
  const std::vector<uint32_t>& all = position_differences_;
  size_t at = 0;
  for (; at + kPackedNumbers <= all.size(); at += kPackedNumbers) {
    const uint32_t bits = PackedBits(all.data() + at);
    positions_row_ += static_cast<char>(bits);
    AppendPacked(positions_row_, all.data() + at, bits);
  }
  char* out = Grow(positions_row_, (all.size() - at) * kVarintBytesMax);
  for (; at < all.size(); ++at) out = StoreVarint(out, all[at]);
  Shrink(positions_row_, out);
  position_differences_.clear();
}

void SegmentWriter::FinishPostingsRow() {
  static_cast<void>(Put(documents_table_,
                        SegmentListKey(space_, segment_, SegmentKind::kPostings, next_list_,
                                       (blocks_ - 1) / kBlocksPerRow),
                        postings_row_));
  postings_row_.clear();
}

void SegmentWriter::FinishPositionsRow() {
  const auto row = static_cast<uint32_t>(first_blocks_.size() - 1);
  static_cast<void>(Put(positions_table_,
                        SegmentListKey(space_, segment_, SegmentKind::kPositions, next_list_, row),
                        positions_row_));
  positions_row_.clear();
}

absl::Status SegmentWriter::FinishTerm() {
  if (!status_.ok()) return status_;
  if (stage_ != Stage::kInTerm) return Misused("the end of a term that was not begun");
  stage_ = Stage::kTerms;
  if (documents_ == 0) return status_;
  ++summary_.terms;
  term_counts_[Hash64(term_)] = documents_;

  row_.clear();
  AppendVarint(row_, documents_);
  AppendVarint(row_, occurrences_);
  if (documents_ <= kShortTermMax) {
    AppendShortTerm();
  } else {
    AppendLongTerm();
  }
  return Put(terms_table_, SegmentTextKey(space_, segment_, SegmentKind::kTerm, term_), row_);
}

void SegmentWriter::AppendShortTerm() {
  AppendBlock();  // into postings_row_: fewer than a block are written one by one
  row_ += postings_row_;
  postings_row_.clear();
  char* out = Grow(row_, position_differences_.size() * kVarintBytesMax);
  for (const uint32_t difference : position_differences_) out = StoreVarint(out, difference);
  Shrink(row_, out);
  position_differences_.clear();
  block_frontier_.Clear();
  in_block_ = 0;
}

void SegmentWriter::AppendLongTerm() {
  FlushBlock();
  FinishPostingsRow();
  FinishPositionsRow();
  AppendLittle32(row_, next_list_);
  list_frontier_.Store(row_);
  AppendVarint(row_, first_blocks_.size());
  for (const uint32_t block : first_blocks_) AppendLittle32(row_, block);
  row_ += skips_;
  list_frontier_.Clear();
  first_blocks_.clear();
  skips_.clear();
  blocks_ = 0;
  ++next_list_;
}

// Words.

absl::Status SegmentWriter::AddWord(std::string_view word, std::string_view term,
                                    uint64_t documents) {
  if (stage_ == Stage::kDocuments) FinishDocuments();
  if (stage_ == Stage::kTerms) stage_ = Stage::kWords;
  if (!status_.ok()) return status_;
  if (stage_ != Stage::kWords) return Misused("a word within a term");
  const auto count = term_counts_.find(Hash64(term));
  if (count == term_counts_.end() || documents == 0) return status_;

  const bool same_word = has_word_ && word == last_word_;
  if (has_word_ && (word < last_word_ || (same_word && term <= last_word_term_))) {
    return Misused("words that do not ascend");
  }
  // Equal words share a row, so that a search for a word finds all of them behind its key.
  if (words_in_row_ >= kWordsPerRow && !same_word) FinishWordRow();
  if (words_in_row_ == 0) {
    first_word_ = word;
    last_word_.clear();
  }
  AppendShared(word_row_, last_word_, word);
  AppendShared(word_row_, word, term);
  AppendVarint(word_row_, std::min<uint64_t>(documents, count->second));
  last_word_ = word;
  last_word_term_ = term;
  has_word_ = true;
  ++words_in_row_;
  return status_;
}

void SegmentWriter::FinishWordRow() {
  if (words_in_row_ == 0) return;
  static_cast<void>(Put(
      terms_table_, SegmentTextKey(space_, segment_, SegmentKind::kWord, first_word_), word_row_));
  word_row_.clear();
  words_in_row_ = 0;
}

absl::StatusOr<SegmentSummary> SegmentWriter::Finish() {
  if (stage_ == Stage::kDocuments) FinishDocuments();
  if (!status_.ok()) return status_;
  if (stage_ == Stage::kInTerm || stage_ == Stage::kFinished) return Misused("the end too early");
  if (summary_.documents == 0) {
    return Fail(FailedPrecondition("a segment without documents: segment ", segment_, " of space ",
                                   space_));
  }
  FinishWordRow();
  std::vector<std::string> paths;
  for (const auto* table : {&documents_table_, &positions_table_, &terms_table_}) {
    if (*table == nullptr || !status_.ok()) continue;
    static_cast<void>(Fail((*table)->Finish()));
    paths.push_back((*table)->path());
  }
  LIBKV_RETURN_IF_ERROR(status_);
  LIBKV_RETURN_IF_ERROR(Fail(engine_.Ingest(Family::kSegments, paths)));
  stage_ = Stage::kFinished;
  return summary_;
}

}  // namespace libkv
