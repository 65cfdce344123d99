// The rows of the vectors family that say in which list a vector is (libkv/doc/format.md).
#ifndef LIBKV_SRC_INDEX_VECTOR_ROWS_H_
#define LIBKV_SRC_INDEX_VECTOR_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vector/code.h"

namespace libkv {

struct Posting {
  CodeView code;
  bool has_key = true;  // false: a row of before postings had keys; the next two are not known
  int64_t expiry = 0;   // 0: never
  std::string_view key;
};
std::string EncodePostingRow(const Posting& posting);
// The views point into `row`. DataLoss: malformed.
absl::StatusOr<Posting> ParsePostingRow(std::string_view row, size_t padded);

// centroid := version:u8 code checksum. `code` views `row`.
std::string EncodeCentroidRow(std::string_view row_key, const CodeView& centroid);
absl::Status ParseCentroidRow(std::string_view row_key, std::string_view row, size_t padded,
                              CodeView* centroid);

std::string EncodeListRow(uint32_t list);
bool ParseListRow(std::string_view row, uint32_t* list);

// How deep searches must go: store/recall.cc measures it.
struct RecallPoint {
  uint32_t limit = 0;    // neighbours wanted
  double target = 0;     // share of the true ones to be found, in steps of 1/10,000
  uint64_t entries = 0;  // of lists to look at, besides the flat one; with a depth: on average
  uint64_t depth = 0;    // ListSearch::depth; 0: none, `entries` decides
  uint32_t refined = 0;  // of the best by their codes to compare by their full vectors
  double delivered = 0;  // share that was found so, in steps of 1/10,000; 0: not known
  bool operator==(const RecallPoint&) const = default;
};
struct RecallTable {
  uint64_t vectors = 0;  // there were when it was measured
  std::vector<RecallPoint> points;
};
inline constexpr size_t kRecallPointsMax = 256;
std::string EncodeRecallRow(std::string_view row_key, const RecallTable& table);
absl::Status ParseRecallRow(std::string_view row_key, std::string_view row, RecallTable* table);

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_VECTOR_ROWS_H_
