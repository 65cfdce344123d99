#include "format/keys.h"

#include "base/coding.h"
#include "format/ordered_value.h"

namespace libkv {
namespace {

template <typename Kind>
std::string Start(uint32_t space, Kind kind, size_t rest_bytes = 0) {
  std::string out;
  out.reserve(5 + rest_bytes);
  AppendFixed32(out, space);
  out += static_cast<char>(kind);
  return out;
}

std::string StartOfSegment(uint32_t space, uint32_t segment, SegmentKind kind, size_t rest_bytes) {
  std::string out;
  out.reserve(9 + rest_bytes);
  AppendFixed32(out, space);
  AppendFixed32(out, segment);
  out += static_cast<char>(kind);
  return out;
}

}  // namespace

std::string TextDescriptorKey(uint32_t space) { return Start(space, IndexKind::kDescriptor); }
std::string VectorDescriptorKey(uint32_t space) { return Start(space, VectorKind::kDescriptor); }

std::string ExpiryKey(int64_t expiry, std::string_view key) {
  std::string out = Start(0, IndexKind::kExpiry, 8 + key.size());
  AppendFixed64(out, static_cast<uint64_t>(expiry));
  out += key;
  return out;
}

std::string FieldKey(uint32_t space, uint16_t field, std::string_view ordered,
                     std::string_view key) {
  std::string out = Start(space, IndexKind::kField, 2 + ordered.size() + key.size());
  AppendFixed16(out, field);
  out += ordered;
  out += key;
  return out;
}

std::string DocumentKey(uint32_t space, uint64_t document) {
  std::string out = Start(space, IndexKind::kDocument, 5);
  AppendFixed40(out, document);
  return out;
}

std::string PendingKey(uint32_t space, uint64_t document) {
  std::string out = Start(space, IndexKind::kPending, 5);
  AppendFixed40(out, document);
  return out;
}

std::string ValueKey(uint32_t space, const Hash128& hash, std::string_view key) {
  std::string out = Start(space, IndexKind::kValue, 16 + key.size());
  AppendFixed64(out, hash.high);
  AppendFixed64(out, hash.low);
  out += key;
  return out;
}

std::string DeadMarkerKey(uint32_t space, uint64_t document) {
  std::string out = Start(space, IndexKind::kDeadMarker, 5);
  AppendFixed40(out, document);
  return out;
}

std::string PostingKey(uint32_t space, uint32_t list, uint64_t document) {
  std::string out = Start(space, VectorKind::kPosting, 9);
  AppendFixed32(out, list);
  AppendFixed40(out, document);
  return out;
}

std::string VectorKey(uint32_t space, uint64_t document) {
  std::string out = Start(space, VectorKind::kVector, 5);
  AppendFixed40(out, document);
  return out;
}

std::string CentroidKey(uint32_t space, uint32_t list) {
  std::string out = Start(space, VectorKind::kCentroid, 4);
  AppendFixed32(out, list);
  return out;
}

std::string ListKey(uint32_t space, uint64_t document) {
  std::string out = Start(space, VectorKind::kList, 5);
  AppendFixed40(out, document);
  return out;
}

std::string RecallKey(uint32_t space) { return Start(space, VectorKind::kRecall); }
std::string ModelKey(uint32_t space, uint32_t chunk) {
  std::string out = Start(space, VectorKind::kModel, 4);
  AppendFixed32(out, chunk);
  return out;
}
std::string ProbesKey(uint32_t space) { return Start(space, VectorKind::kProbes); }

std::string PostingPrefix(uint32_t space, uint32_t list) {
  std::string out = Start(space, VectorKind::kPosting, 4);
  AppendFixed32(out, list);
  return out;
}

std::string SpaceKey(uint32_t space) {
  std::string out(kSpaceKeyPrefix);
  AppendFixed32(out, space);
  return out;
}

std::string ApplicationRowKey(std::string_view name) {
  std::string out;
  out.reserve(kApplicationRowPrefix.size() + name.size());
  out += kApplicationRowPrefix;
  out += name;
  return out;
}

std::string SegmentKey(uint32_t space, uint32_t segment) {
  std::string out = Start(space, IndexKind::kSegment, 4);
  AppendFixed32(out, segment);
  return out;
}

std::string SegmentPrefix(uint32_t space, uint32_t segment) {
  std::string out;
  AppendFixed32(out, space);
  AppendFixed32(out, segment);
  return out;
}

std::string SegmentPrefix(uint32_t space, uint32_t segment, SegmentKind kind) {
  return StartOfSegment(space, segment, kind, 0);
}

std::string SegmentChunkKey(uint32_t space, uint32_t segment, SegmentKind kind, uint32_t chunk) {
  std::string out = StartOfSegment(space, segment, kind, 4);
  AppendFixed32(out, chunk);
  return out;
}

std::string SegmentListKey(uint32_t space, uint32_t segment, SegmentKind kind, uint32_t list,
                           uint32_t chunk) {
  std::string out = StartOfSegment(space, segment, kind, 8);
  AppendFixed32(out, list);
  AppendFixed32(out, chunk);
  return out;
}

std::string SegmentTextKey(uint32_t space, uint32_t segment, SegmentKind kind,
                           std::string_view term_or_word) {
  std::string out = StartOfSegment(space, segment, kind, term_or_word.size());
  out += term_or_word;
  return out;
}

std::string IndexPrefix(uint32_t space, IndexKind kind) { return Start(space, kind); }
std::string VectorPrefix(uint32_t space, VectorKind kind) { return Start(space, kind); }

std::string SpacePrefix(uint32_t space) {
  std::string out;
  AppendFixed32(out, space);
  return out;
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

bool ParseRowKey(std::string_view row_key, uint32_t* space, uint8_t* kind, std::string_view* rest) {
  Reader in(row_key);
  in.Fixed32(space);
  in.Fixed8(kind);
  *rest = in.rest();
  return in.ok();
}

bool ParseDocumentSuffix(std::string_view rest, uint64_t* document) {
  Reader in(rest);
  in.Fixed40(document);
  return in.done();
}

bool ParseSegmentSuffix(std::string_view rest, uint32_t* segment) {
  Reader in(rest);
  in.Fixed32(segment);
  return in.done();
}

bool ParseCentroidSuffix(std::string_view rest, uint32_t* list) {
  return ParseSegmentSuffix(rest, list);
}

bool ParsePostingSuffix(std::string_view rest, uint32_t* list, uint64_t* document) {
  Reader in(rest);
  in.Fixed32(list);
  in.Fixed40(document);
  return in.done();
}

bool ParseValueSuffix(std::string_view rest, Hash128* hash, std::string_view* key) {
  Reader in(rest);
  in.Fixed64(&hash->high);
  in.Fixed64(&hash->low);
  *key = in.rest();
  return in.ok();
}

bool ParseExpirySuffix(std::string_view rest, int64_t* expiry, std::string_view* key) {
  Reader in(rest);
  uint64_t bits = 0;
  in.Fixed64(&bits);
  *expiry = static_cast<int64_t>(bits);
  *key = in.rest();
  return in.ok();
}

bool ParseFieldSuffix(std::string_view rest, uint16_t* field, std::string_view* ordered,
                      std::string_view* key) {
  Reader in(rest);
  if (!in.Fixed16(field)) return false;
  const size_t bytes = OrderedValueBytes(in.rest());
  return bytes > 0 && in.Take(bytes, ordered) && (*key = in.rest(), true);
}

bool ParseSegmentRowKey(std::string_view row_key, uint32_t* space, uint32_t* segment, uint8_t* kind,
                        std::string_view* rest) {
  Reader in(row_key);
  in.Fixed32(space);
  in.Fixed32(segment);
  in.Fixed8(kind);
  *rest = in.rest();
  return in.ok();
}

}  // namespace libkv
