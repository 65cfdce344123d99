// The keys of the rows that are not the user's: index, vectors and default families.
//
// Every key of index and vectors begins with space:u32 kind:u8, so a space is one range of keys and
// each kind is one range within it. Keys of segments begin with space:u32 segment:u32 kind:u8.
#ifndef LIBKV_SRC_FORMAT_KEYS_H_
#define LIBKV_SRC_FORMAT_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace libkv {

enum class IndexKind : uint8_t {
  kDescriptor = 'D',  // (nothing)                   -> text descriptor
  kExpiry = 'E',      // expiry:u64 key              -> (empty); space 0
  kField = 'F',       // field:u16 ordered key       -> [document:varint]
  kDocument = 'M',    // document:u40                -> words:varint key
  kPending = 'P',     // document:u40                -> pending row
  kSegment = 'S',     // segment:u32                 -> segment row
  kValue = 'V',       // hash:16 key                 -> (empty)
  kDeadMarker = 'X',  // document:u40                -> (empty)
};

enum class VectorKind : uint8_t {
  kCentroid = 'C',    // list:u32                -> centroid row
  kDescriptor = 'D',  // (nothing)               -> vector descriptor
  kProbes = 'E',      // (nothing)               -> probe row
  kList = 'L',        // document:u40            -> list:u32
  kModel = 'B',       // chunk:u32               -> model row
  kPosting = 'P',     // list:u32 document:u40   -> posting
  kRecall = 'R',      // (nothing)               -> recall table
  kVector = 'V',      // document:u40            -> precision payload checksum
};

enum class SegmentKind : uint8_t {
  kKeys = 'K',       // chunk:u32             -> keys of documents
  kNumbers = 'N',    // chunk:u32             -> ids, lengths and times of documents
  kPostings = 'P',   // list:u32 chunk:u32    -> blocks of documents and frequencies
  kPositions = 'Q',  // list:u32 chunk:u32    -> positions of some blocks
  kTerm = 'T',       // term                  -> term row
  kWord = 'W',       // word                  -> words from this one on
};

inline constexpr uint64_t kDocumentMax = (uint64_t{1} << 40) - 1;

// The keys themselves.
std::string TextDescriptorKey(uint32_t space);
std::string ExpiryKey(int64_t expiry, std::string_view key);
std::string FieldKey(uint32_t space, uint16_t field, std::string_view ordered,
                     std::string_view key);
std::string DocumentKey(uint32_t space, uint64_t document);
std::string PendingKey(uint32_t space, uint64_t document);
std::string ValueKey(uint32_t space, const Hash128& hash, std::string_view key);
std::string DeadMarkerKey(uint32_t space, uint64_t document);
std::string VectorDescriptorKey(uint32_t space);
std::string PostingKey(uint32_t space, uint32_t list, uint64_t document);
std::string VectorKey(uint32_t space, uint64_t document);
std::string CentroidKey(uint32_t space, uint32_t list);
std::string ListKey(uint32_t space, uint64_t document);
std::string RecallKey(uint32_t space);
std::string ProbesKey(uint32_t space);
std::string ModelKey(uint32_t space, uint32_t chunk);
std::string PostingPrefix(uint32_t space, uint32_t list);  // of all postings of a list
std::string SpaceKey(uint32_t space);                      // default family
std::string ApplicationRowKey(std::string_view name);      // default family
std::string SegmentKey(uint32_t space, uint32_t segment);  // of the segment row

inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kIdsKey = "ids";
inline constexpr std::string_view kClosedKey = "closed";
inline constexpr std::string_view kSpaceKeyPrefix = "space";
inline constexpr std::string_view kApplicationRowPrefix = "row";  // then the name

// The range of a kind of rows in a space: its common prefix.
std::string IndexPrefix(uint32_t space, IndexKind kind);
std::string VectorPrefix(uint32_t space, VectorKind kind);
std::string SpacePrefix(uint32_t space);  // all kinds, either family

// The rows of a segment in the family `segments`: all of them, those of a kind, one.
std::string SegmentPrefix(uint32_t space, uint32_t segment);
std::string SegmentPrefix(uint32_t space, uint32_t segment, SegmentKind kind);
std::string SegmentChunkKey(uint32_t space, uint32_t segment, SegmentKind kind, uint32_t chunk);
std::string SegmentListKey(uint32_t space, uint32_t segment, SegmentKind kind, uint32_t list,
                           uint32_t chunk);
std::string SegmentTextKey(uint32_t space, uint32_t segment, SegmentKind kind,
                           std::string_view term_or_word);

// The first key after all keys that begin with `prefix`; "" when there is none.
std::string PrefixEnd(std::string_view prefix);

// Keys taken apart. False: malformed. Views point into `row_key`.
bool ParseRowKey(std::string_view row_key, uint32_t* space, uint8_t* kind, std::string_view* rest);
bool ParseDocumentSuffix(std::string_view rest, uint64_t* document);
bool ParseSegmentSuffix(std::string_view rest, uint32_t* segment);
bool ParseCentroidSuffix(std::string_view rest, uint32_t* list);
bool ParsePostingSuffix(std::string_view rest, uint32_t* list, uint64_t* document);
bool ParseValueSuffix(std::string_view rest, Hash128* hash, std::string_view* key);
bool ParseExpirySuffix(std::string_view rest, int64_t* expiry, std::string_view* key);
bool ParseFieldSuffix(std::string_view rest, uint16_t* field, std::string_view* ordered,
                      std::string_view* key);
bool ParseSegmentRowKey(std::string_view row_key, uint32_t* space, uint32_t* segment, uint8_t* kind,
                        std::string_view* rest);

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_KEYS_H_
