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
absl::Status ParseRecord(std::string_view key, std::string_view bytes, Record* record);

// Whether the checksum matches key and bytes. `bytes` must have parsed.
bool RecordIsIntact(std::string_view key, std::string_view bytes);

// What ParseRecord does, and DataLoss when the record is not intact.
absl::Status ReadRecord(std::string_view key, std::string_view bytes, Record* record);

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_RECORD_H_
