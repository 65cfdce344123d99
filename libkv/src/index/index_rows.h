// The rows of the index and vectors families that belong to one document: written with its record,
// removed when it is replaced or deleted.
#ifndef LIBKV_SRC_INDEX_INDEX_ROWS_H_
#define LIBKV_SRC_INDEX_INDEX_ROWS_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/engine.h"
#include "format/record.h"
#include "index/derived_document.h"
#include "index/space_table.h"

namespace libkv {

// Everything that `derived` asks for, as document `document` of `key`.
void PutIndexRows(EngineBatch& batch, const ActiveSpace& space, std::string_view key,
                  uint64_t document, int64_t expiry, const DerivedDocument& derived);

// The vector's part of that, in the generation of vectors that `space` stands for; nothing if
// `derived` has none. And its end.
void PutVectorRows(EngineBatch& batch, const ActiveSpace& space, std::string_view key,
                   uint64_t document, int64_t expiry, const DerivedDocument& derived);
void DeleteVectorRows(EngineBatch& batch, const ActiveSpace& space, uint64_t document,
                      uint32_t list);

// Undoes PutIndexRows for the record `header`; a document up to `marks_through` with words leaves a
// dead marker. `old` tells the value and field rows to remove and the list of its vector; only
// those are looked at.
void DeleteIndexRows(EngineBatch& batch, const ActiveSpace& space, std::string_view key,
                     const RecordHeader& header, const DerivedDocument& old,
                     uint64_t marks_through);

// The keys of the value and field rows of `key`.
std::vector<std::string> ValueRowKeys(const ActiveSpace& space, std::string_view key,
                                      const DerivedDocument& derived);

// field row := [document:varint]; 0: the value has no document. False: the row is empty, as older
// versions wrote it, and the header of the record must be asked; or malformed.
std::string EncodeFieldRow(uint64_t document);
bool ParseFieldRow(std::string_view row, uint64_t* document);

// vector := precision:u8 payload checksum. DataLoss: damaged, or of another dimension.
std::string EncodeVectorRow(std::string_view row_key, VectorPrecision precision,
                            std::span<const float> vector);
absl::Status ParseVectorRow(std::string_view row_key, std::string_view row, size_t dimension,
                            std::vector<float>* vector);

// pending := state:u8. Of a document whose vector is still to be made (libkv/doc/format.md).
enum class PendingState : uint8_t {
  kWaiting = 1,
  kRefused = 2,  // the embedder does not take its text
};
std::string EncodePendingRow(PendingState state);
bool ParsePendingRow(std::string_view row, PendingState* state);

// document map := words:varint key
std::string EncodeDocumentRow(uint32_t words, std::string_view key);
bool ParseDocumentRow(std::string_view row, uint32_t* words, std::string_view* key);

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_INDEX_ROWS_H_
