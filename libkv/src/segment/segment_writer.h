// Writes a segment (format.md, "segments"): first all documents, by key and then by id, then all
// terms with their postings, then all words; each in ascending order.
//
//   SegmentWriter writer = ...Create(...);
//   writer->AddDocument({.document = 17, .key = "a", ...});       // gets ordinal 0
//   writer->StartTerm("ant");
//   writer->AddPosting(0, 2, positions);
//   writer->FinishTerm();
//   writer->AddWord("ants", "ant", 1);
//   absl::StatusOr<SegmentSummary> summary = writer->Finish();    // durable, not yet in force
//
// Rows go to three table files as they are finished: {K, N, P}, {Q} and {T, W}, whose keys do not
// overlap. They are ingested together, or removed when the writer dies without Finish.
//
// Threads    One. Other threads may write to the engine meanwhile.
// Memory     About 10 bytes a document, 30 a term, and the skip table and one block of a term.
// Errors     The first one is kept: everything after it answers the same.
// Cost       About 20 ns a posting, its positions included, and 1 us a term.
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_WRITER_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_WRITER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "format/catalog_rows.h"
#include "segment/impact_frontier.h"
#include "segment/segment_format.h"

namespace libkv {

// One document of a segment.
struct SegmentDocument {
  uint64_t document = 0;  // at most kDocumentMax
  std::string_view key;
  uint32_t words = 0;
  uint16_t cosine = 0;  // EncodeCosineNorm (text/cosine_norm.h)
  int64_t expiry = 0;   // milliseconds since 1970; 0: never
};

class SegmentWriter {
 public:
  // Files of a segment under construction are named so, with a number in between. Whoever owns
  // the directory removes those that a crash left over.
  static constexpr std::string_view kFilePrefix = "segment_", kFileSuffix = ".table";

  // The segment must have no rows. `directory` is where the table files are written: on the file
  // system of the database, for no process but this one. `engine` must outlive the writer.
  static absl::StatusOr<std::unique_ptr<SegmentWriter>> Create(Engine& engine, uint32_t space,
                                                               uint32_t segment,
                                                               std::string directory);
  ~SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  // The n-th gets the ordinal n, from 0 on. Keys ascending, under equal keys ids ascending; each
  // id
  // once.
  absl::Status AddDocument(const SegmentDocument& document);

  // Terms ascending, each once. A term without postings leaves no row.
  absl::Status StartTerm(std::string_view term);
  // Ordinals ascending, each once; `frequency` at least 1; positions ascending, as many as that;
  // those beyond kPositionsMax may be missing and are not kept. Failures come with FinishTerm.
  void AddPosting(uint32_t ordinal, uint32_t frequency, std::span<const uint32_t> positions);
  absl::Status FinishTerm();

  // Words ascending, those of one spelling by term, each pair once. One whose term has no row is
  // left out; `documents` is cut to those of the term.
  absl::Status AddWord(std::string_view word, std::string_view term, uint64_t documents);

  // Makes all rows part of the database: OK means they survive a power cut. They are in force
  // when the caller has written the segment row; a crash before leaves rows to be dropped.
  // FailedPrecondition: there are no documents.
  absl::StatusOr<SegmentSummary> Finish();

 private:
  enum class Stage : uint8_t { kDocuments, kTerms, kInTerm, kWords, kFinished };

  SegmentWriter(Engine& engine, uint32_t space, uint32_t segment, std::string directory);

  absl::Status Fail(absl::Status status);
  absl::Status Misused(std::string_view what);
  absl::Status Put(std::unique_ptr<TableWriter>& table, std::string_view key,
                   std::string_view value);

  void FinishKeyRow();
  void FinishDocumentRow();
  void FinishDocuments();

  void FlushBlock();
  void AppendBlock();
  void AppendBlockPositions();
  void FinishPostingsRow();
  void FinishPositionsRow();
  void AppendShortTerm();
  void AppendLongTerm();
  void FinishWordRow();

  Engine& engine_;
  const uint32_t space_, segment_;
  const std::string directory_;
  absl::Status status_;
  Stage stage_ = Stage::kDocuments;
  SegmentSummary summary_;
  uint32_t files_ = 0;
  std::unique_ptr<TableWriter> documents_table_, positions_table_, terms_table_;
  std::string row_, key_;  // scratch

  // Documents.
  std::string key_groups_, last_key_;       // of the row at hand
  std::vector<uint32_t> key_group_begins_;  // in key_groups_
  uint64_t last_document_ = 0;
  std::vector<uint8_t> length_norms_;
  std::vector<uint16_t> cosines_;
  std::vector<std::string> document_rows_;  // finished, waiting for the last key row
  struct DocumentRow {
    uint64_t last = 0;  // id
    std::string differences, words, cosines, expiries;
    bool expires = false;
  } document_row_;

  // The term at hand, and its block at hand.
  std::string term_;
  uint32_t documents_ = 0, last_ordinal_ = 0;
  uint64_t occurrences_ = 0;
  uint32_t in_block_ = 0, block_base_ = 0;
  std::array<uint32_t, kPostingsBlock> ordinals_, frequencies_;
  std::vector<uint32_t> position_differences_;
  ImpactFrontier block_frontier_, list_frontier_;
  // Of a long one.
  uint32_t next_list_ = 0, blocks_ = 0;
  std::string postings_row_, positions_row_, skips_;
  std::vector<uint32_t> first_blocks_;

  // Words.
  absl::flat_hash_map<uint64_t, uint32_t> term_counts_;  // documents by Hash64 of the term
  std::string word_row_, first_word_, last_word_, last_word_term_;
  uint32_t words_in_row_ = 0;
  bool has_word_ = false;
};

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_WRITER_H_
