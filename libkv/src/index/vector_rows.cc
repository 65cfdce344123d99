#include "index/vector_rows.h"

#include <cmath>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/row.h"

namespace libkv {
namespace {

constexpr uint8_t kHasExpiry = 0x01;
constexpr uint8_t kCentroidVersion = 1;
constexpr uint8_t kRecallVersion = 2;
constexpr uint8_t kRecallVersionFirst = 1;
constexpr double kTargetSteps = 10'000;

absl::Status Damaged(std::string_view row_key) {
  return DataLoss("row '", Printable(row_key), "' of the vectors is damaged");
}

absl::Status Unknown(std::string_view row_key) {
  return FailedPrecondition("row '", Printable(row_key), "' was written by a newer libkv: use it");
}

}  // namespace

std::string EncodePostingRow(const Posting& posting) {
  std::string row;
  row.reserve(CodeBytes(posting.code.values.size()) + 9 + posting.key.size());
  AppendCode(row, posting.code.code, posting.code.values);
  if (!posting.has_key) return row;
  row += static_cast<char>(posting.expiry != 0 ? kHasExpiry : 0);
  if (posting.expiry != 0) AppendFixed64(row, static_cast<uint64_t>(posting.expiry));
  row += posting.key;
  return row;
}

absl::StatusOr<Posting> ParsePostingRow(std::string_view row, size_t padded) {
  Posting posting;
  const size_t code_bytes = std::min(row.size(), CodeBytes(padded));
  LIBKV_ASSIGN_OR_RETURN(posting.code, DecodeCode(row.substr(0, code_bytes), padded));
  Reader in(row.substr(code_bytes));
  posting.has_key = !in.done();
  if (!posting.has_key) return posting;
  uint8_t flags = 0;
  uint64_t expiry = 0;
  in.Fixed8(&flags);
  if ((flags & kHasExpiry) != 0) in.Fixed64(&expiry);
  posting.expiry = static_cast<int64_t>(expiry);
  posting.key = in.rest();
  if (!in.ok() || (flags & ~kHasExpiry) != 0 || posting.key.empty()) {
    return DataLoss("a posting of a vector is damaged");
  }
  return posting;
}

std::string EncodeCentroidRow(std::string_view row_key, const CodeView& centroid) {
  std::string row{static_cast<char>(kCentroidVersion)};
  AppendCode(row, centroid.code, centroid.values);
  return SealRow(row_key, std::move(row));
}

absl::Status ParseCentroidRow(std::string_view row_key, std::string_view row, size_t padded,
                              CodeView* centroid) {
  std::string_view payload;
  if (!OpenRow(row_key, row, &payload) || payload.empty()) return Damaged(row_key);
  if (static_cast<uint8_t>(payload[0]) != kCentroidVersion) return Unknown(row_key);
  LIBKV_ASSIGN_OR_RETURN(*centroid, DecodeCode(payload.substr(1), padded));
  return absl::OkStatus();
}

std::string EncodeListRow(uint32_t list) {
  std::string row;
  AppendFixed32(row, list);
  return row;
}

bool ParseListRow(std::string_view row, uint32_t* list) {
  Reader in(row);
  in.Fixed32(list);
  return in.done();
}

std::string EncodeRecallRow(std::string_view row_key, const RecallTable& table) {
  std::string row{static_cast<char>(kRecallVersion)};
  AppendVarint(row, table.vectors);
  AppendVarint(row, table.points.size());
  for (const RecallPoint& point : table.points) {
    AppendVarint(row, point.limit);
    AppendFixed16(row, static_cast<uint16_t>(std::lround(point.target * kTargetSteps)));
    AppendVarint(row, point.entries);
    AppendVarint(row, point.refined);
    AppendVarint(row, point.depth);
    AppendFixed16(row, static_cast<uint16_t>(std::lround(point.delivered * kTargetSteps)));
  }
  return SealRow(row_key, std::move(row));
}

absl::Status ParseRecallRow(std::string_view row_key, std::string_view row, RecallTable* table) {
  std::string_view payload;
  if (!OpenRow(row_key, row, &payload)) return Damaged(row_key);
  Reader in(payload);
  uint8_t version = 0;
  uint64_t count = 0;
  in.Fixed8(&version);
  const bool has_depths = version != kRecallVersionFirst;
  if (in.ok() && has_depths && version != kRecallVersion) return Unknown(row_key);
  in.Varint(&table->vectors);
  in.Varint(&count);
  if (!in.ok() || count > kRecallPointsMax) return Damaged(row_key);
  table->points.assign(count, {});
  for (RecallPoint& point : table->points) {
    uint16_t target = 0, delivered = 0;
    in.Varint32(&point.limit);
    in.Fixed16(&target);
    in.Varint(&point.entries);
    in.Varint32(&point.refined);
    if (has_depths) {
      in.Varint(&point.depth);
      in.Fixed16(&delivered);
      point.delivered = delivered / kTargetSteps;
    }
    point.target = target / kTargetSteps;
  }
  return in.done() ? absl::OkStatus() : Damaged(row_key);
}

}  // namespace libkv
