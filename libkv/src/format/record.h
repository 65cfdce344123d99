// The value of a row of the data family: what is known about a user's value, the value, a checksum.
//
//   record := version:u8=1 flags:u8 [expiry:u64] [space:varint document:varint] [stamp:bytes]
//             value checksum:u64
#ifndef LIBKV_SRC_FORMAT_RECORD_H_
#define LIBKV_SRC_FORMAT_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/coding.h"
#include "base/hash.h"

namespace libkv {

// Everything of a record but its value. Zero or empty: not there.
struct RecordHeader {
  int64_t expiry = 0;     // milliseconds since 1970
  uint32_t space = 0;     // which index the document is in
  uint64_t document = 0;  // its id there
  bool has_words = false;
  bool has_vector = false;
  std::string_view stamp;  // the version of a replicated record

  bool ExpiredAt(int64_t now) const { return expiry != 0 && expiry <= now; }
};

struct Record {
  RecordHeader header;
  std::string_view value;
};

// Appends the encoded record of `key` to `out`.
void AppendRecord(std::string& out, std::string_view key, const RecordHeader& header,
                  std::string_view value);

// Reads header and value without the checksum; both view `bytes`. DataLoss: malformed, or written
// by a newer version.
inline absl::Status ParseRecord(std::string_view key, std::string_view bytes, Record* record);

// Whether the checksum matches key and bytes. `bytes` must have parsed.
inline bool RecordIsIntact(std::string_view key, std::string_view bytes);

// What ParseRecord does, and DataLoss when the record is not intact.
absl::Status ReadRecord(std::string_view key, std::string_view bytes, Record* record);

// -- Inside ---------------------------------------------------------------------------------------

inline constexpr char kRecordVersion = 1;
inline constexpr size_t kRecordChecksumBytes = 8;
inline constexpr size_t kRecordBytesMin = 2 + kRecordChecksumBytes;

absl::Status ParseFullRecord(std::string_view key, std::string_view bytes, Record* record);

// Most records have an empty header, and walking over them must cost next to nothing: true if this
// is one.
inline bool ParsePlainRecord(std::string_view bytes, std::string_view* value) {
  if (bytes.size() < kRecordBytesMin || bytes[0] != kRecordVersion || bytes[1] != 0) return false;
  *value = bytes.substr(2, bytes.size() - kRecordBytesMin);
  return true;
}

inline absl::Status ParseRecord(std::string_view key, std::string_view bytes, Record* record) {
  if (!ParsePlainRecord(bytes, &record->value)) return ParseFullRecord(key, bytes, record);
  record->header = {};
  return absl::OkStatus();
}

inline bool RecordIsIntact(std::string_view key, std::string_view bytes) {
  const size_t body = bytes.size() - kRecordChecksumBytes;
  return LoadFixed64(bytes.data() + body) == Hash64(bytes.substr(0, body), Hash64(key));
}

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_RECORD_H_
