#include "index/index_rows.h"

#include <bit>
#include <cstring>

#include "base/coding.h"
#include "base/strings.h"
#include "format/keys.h"
#include "format/row.h"
#include "index/vector_rows.h"
#include "vector/kernels.h"
#include "vector/posting_list.h"

namespace libkv {

static_assert(std::endian::native == std::endian::little, "vector rows are little-endian");

std::vector<std::string> ValueRowKeys(const ActiveSpace& space, std::string_view key,
                                      const DerivedDocument& derived) {
  std::vector<std::string> keys;
  if (derived.value_hash.has_value()) {
    keys.push_back(ValueKey(space.id(), *derived.value_hash, key));
  }
  for (const std::string& field : derived.fields) {
    const std::string_view ordered = std::string_view(field).substr(sizeof(uint16_t));
    keys.push_back(FieldKey(space.id(), LoadFixed16(field.data()), ordered, key));
  }
  return keys;
}

namespace {

bool IsFieldKey(std::string_view row_key) {
  return row_key[sizeof(uint32_t)] == static_cast<char>(IndexKind::kField);
}

}  // namespace

void PutIndexRows(EngineBatch& batch, const ActiveSpace& space, std::string_view key,
                  uint64_t document, int64_t expiry, const DerivedDocument& derived) {
  const std::string field_row = EncodeFieldRow(document);
  for (const std::string& row : ValueRowKeys(space, key, derived)) {
    batch.Put(Family::kIndex, row, IsFieldKey(row) ? field_row : std::string_view());
  }
  if (document == 0) return;
  batch.Put(Family::kIndex, DocumentKey(space.id(), document),
            EncodeDocumentRow(derived.words, key));
  PutVectorRows(batch, space, key, document, expiry, derived);
  if (derived.is_pending) {
    batch.Put(Family::kIndex, PendingKey(space.id(), document),
              EncodePendingRow(PendingState::kWaiting));
  }
}

void PutVectorRows(EngineBatch& batch, const ActiveSpace& space, std::string_view key,
                   uint64_t document, int64_t expiry, const DerivedDocument& derived) {
  if (!derived.has_vector()) return;
  const uint32_t id = space.vectors_id();
  const std::string vector_key = VectorKey(id, document);
  batch.Put(Family::kVectors, vector_key,
            EncodeVectorRow(vector_key, space.precision(), derived.vector));
  const Posting posting = {
      .code = {{derived.scale, derived.norm2}, derived.code}, .expiry = expiry, .key = key};
  batch.Put(Family::kVectors, PostingKey(id, derived.list, document), EncodePostingRow(posting));
  if (derived.list != kFlatList) {
    batch.Put(Family::kVectors, ListKey(id, document), EncodeListRow(derived.list));
  }
}

void DeleteVectorRows(EngineBatch& batch, const ActiveSpace& space, uint64_t document,
                      uint32_t list) {
  const uint32_t id = space.vectors_id();
  batch.Delete(Family::kVectors, VectorKey(id, document));
  batch.Delete(Family::kVectors, PostingKey(id, list, document));
  if (list != kFlatList) batch.Delete(Family::kVectors, ListKey(id, document));
}

void DeleteIndexRows(EngineBatch& batch, const ActiveSpace& space, std::string_view key,
                     const RecordHeader& header, const DerivedDocument& old,
                     uint64_t marks_through) {
  for (const std::string& row : ValueRowKeys(space, key, old)) {
    batch.Delete(Family::kIndex, row);
  }
  if (header.document == 0) return;
  batch.Delete(Family::kIndex, DocumentKey(space.id(), header.document));
  if (header.has_words && header.document <= marks_through) {
    batch.Put(Family::kIndex, DeadMarkerKey(space.id(), header.document), {});
  }
  if (header.has_vector) DeleteVectorRows(batch, space, header.document, old.list);
  if (header.has_vector && space.definition().deferred) {
    batch.Delete(Family::kIndex, PendingKey(space.id(), header.document));
  }
}

std::string EncodeVectorRow(std::string_view row_key, VectorPrecision precision,
                            std::span<const float> vector) {
  std::string row{static_cast<char>(precision)};
  if (precision == VectorPrecision::kFloat16) {
    std::vector<uint16_t> halves(vector.size());
    ActiveKernels().half_from_float(vector.data(), vector.size(), halves.data());
    row.append(reinterpret_cast<const char*>(halves.data()), halves.size() * sizeof(uint16_t));
  } else {
    row.append(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
  }
  return SealRow(row_key, std::move(row));
}

absl::Status ParseVectorRow(std::string_view row_key, std::string_view row, size_t dimension,
                            std::vector<float>* vector) {
  std::string_view payload;
  if (!OpenRow(row_key, row, &payload) || payload.empty()) {
    return DataLoss("vector row '", Printable(row_key), "' is damaged");
  }
  const auto precision = static_cast<VectorPrecision>(payload[0]);
  payload.remove_prefix(1);
  vector->resize(dimension);
  if (precision == VectorPrecision::kFloat32 && payload.size() == dimension * sizeof(float)) {
    std::memcpy(vector->data(), payload.data(), payload.size());
    return absl::OkStatus();
  }
  if (precision == VectorPrecision::kFloat16 && payload.size() == dimension * sizeof(uint16_t)) {
    std::vector<uint16_t> halves(dimension);
    std::memcpy(halves.data(), payload.data(), payload.size());
    ActiveKernels().float_from_half(halves.data(), dimension, vector->data());
    return absl::OkStatus();
  }
  return DataLoss("vector row '", Printable(row_key), "' does not have ", dimension,
                  " dimensions in a known precision");
}

std::string EncodeFieldRow(uint64_t document) {
  std::string row;
  AppendVarint(row, document);
  return row;
}

bool ParseFieldRow(std::string_view row, uint64_t* document) {
  Reader in(row);
  return in.Varint(document) && in.done() && *document <= kDocumentMax;
}

std::string EncodePendingRow(PendingState state) { return {static_cast<char>(state)}; }

bool ParsePendingRow(std::string_view row, PendingState* state) {
  if (row.size() != 1) return false;
  *state = static_cast<PendingState>(row[0]);
  return *state == PendingState::kWaiting || *state == PendingState::kRefused;
}

std::string EncodeDocumentRow(uint32_t words, std::string_view key) {
  std::string row;
  AppendVarint(row, words);
  row += key;
  return row;
}

bool ParseDocumentRow(std::string_view row, uint32_t* words, std::string_view* key) {
  Reader in(row);
  in.Varint32(words);
  *key = in.rest();
  return in.ok();
}

}  // namespace libkv
