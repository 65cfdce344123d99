// The small rows: id counters, definitions of spaces, descriptors. Every row carries a checksum
// over its key and value; Parse functions answer DataLoss when it does not match.
#ifndef LIBKV_SRC_FORMAT_CATALOG_ROWS_H_
#define LIBKV_SRC_FORMAT_CATALOG_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace libkv {

// "ids": every id below these is used up.
struct IdsRow {
  uint64_t next_document = 1;
  uint32_t next_space = 1;
};
std::string EncodeIdsRow(const IdsRow& ids);
absl::Status ParseIdsRow(std::string_view row, IdsRow* ids);

enum class SpaceState : uint8_t { kBuilding = 1, kReady = 2, kDropping = 3 };

// Of one of a space's fields. Its number is its place in the list and is never used again.
enum class FieldState : uint8_t {
  kBuilding = 1,  // values of before it was made are being indexed
  kReady = 2,
  kDropping = 3,  // its rows are being removed
  kGone = 4,      // only its number is left; its name is empty
};

// "space" id: what a libkv::Space says, with names in place of objects.
struct SpaceDefinition {
  SpaceState state = SpaceState::kBuilding;
  std::string prefix;
  bool text = false;
  std::string analyzer;
  std::vector<std::string> text_fields;
  uint32_t dimension = 0;  // 0: no vectors
  uint8_t metric = 0;
  uint8_t precision = 0;
  bool bits_only = false;    // of its vectors' lists bits are in memory, and codes on disk
  bool deferred = false;     // its embedder is asked in the background
  std::string embedder;      // "": none
  uint32_t vectors = 0;      // the id that its rows of the vectors family have; 0: the space's own
  bool learn = false;        // its embedder is learnt from its values
  uint64_t learnt_from = 0;  // so many; 0: not yet
  bool values = false;
  std::vector<std::string> fields;
  std::vector<FieldState> field_states;  // parallel to fields; empty: all are ready

  FieldState StateOf(size_t field) const {
    return field_states.empty() ? FieldState::kReady : field_states[field];
  }
  // Whether values that are written have rows for it.
  bool IsIndexed(size_t field) const { return StateOf(field) <= FieldState::kReady; }
  void SetState(size_t field, FieldState to);

  // The number of an indexed field; nothing: there is none of that name.
  std::optional<uint16_t> FieldNumber(std::string_view name) const;

  // Everything but the state of the space, where its vectors are and what its embedder is learnt
  // from.
  bool SameAs(const SpaceDefinition& other) const;

  // Whether a store with this definition can be opened as one with `wanted`: all is the same but
  // for the states, for fields that are indexed in addition, for what has been learnt, and for
  // what of vectors is in memory.
  bool Serves(const SpaceDefinition& wanted) const;
};

// Fields that a definition can have, those that are gone included.
inline constexpr size_t kFieldNumbersMax = 4'096;
std::string EncodeSpaceDefinition(uint32_t space, const SpaceDefinition& definition);
absl::Status ParseSpaceDefinition(uint32_t space, std::string_view row,
                                  SpaceDefinition* definition);

// The text descriptor: how far documents stand in sealed segments.
std::string EncodeTextDescriptor(uint32_t space, uint64_t sealed_through);
absl::Status ParseTextDescriptor(uint32_t space, std::string_view row, uint64_t* sealed_through);

// What a sealed segment holds.
struct SegmentSummary {
  uint64_t documents = 0;
  uint64_t words = 0;            // of all documents together
  uint64_t first = 0, last = 0;  // ids of documents
  uint64_t terms = 0;
  bool operator==(const SegmentSummary&) const = default;
};

// The segment row: a segment is in force while it has one. `dead` are the ordinals of documents
// that are no longer alive, as a Roaring bitmap in its portable serialization; here only bytes. It
// points into `row`.
std::string EncodeSegmentRow(uint32_t space, uint32_t segment, const SegmentSummary& summary,
                             std::string_view dead);
absl::Status ParseSegmentRow(uint32_t space, uint32_t segment, std::string_view row,
                             SegmentSummary* summary, std::string_view* dead);

// The vector descriptor: how codes are made from vectors, and what their postings look like.
struct VectorDescriptor {
  uint8_t version = 2;  // 1: postings without keys, all in list 0
  uint8_t rotation = 1;
  uint64_t seed = 0;
  uint32_t padded = 0;
};
std::string EncodeVectorDescriptor(uint32_t space, const VectorDescriptor& descriptor);
absl::Status ParseVectorDescriptor(uint32_t space, std::string_view row,
                                   VectorDescriptor* descriptor);

// "format": the numbers of KVFORMAT, inside the database.
std::string EncodeFormatRow(uint32_t format, uint32_t min_reader);
absl::Status ParseFormatRow(std::string_view row, uint32_t* format, uint32_t* min_reader);

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_CATALOG_ROWS_H_
