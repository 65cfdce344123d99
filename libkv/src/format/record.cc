#include "format/record.h"

#include "base/coding.h"
#include "base/hash.h"
#include "base/strings.h"

namespace libkv {
namespace {

enum Flag : uint8_t {
  kExpires = 0x01,
  kIndexed = 0x02,
  kStamped = 0x04,
  kHasWords = 0x08,
  kHasVector = 0x10,
  kKnownFlags = 0x1f,
};

absl::Status Malformed(std::string_view key, std::string_view what) {
  return DataLoss("the record of key '", Printable(key), "' is damaged: ", what);
}

}  // namespace

void AppendRecord(std::string& out, std::string_view key, const RecordHeader& header,
                  std::string_view value) {
  const size_t begin = out.size();
  uint8_t flags = 0;
  if (header.expiry != 0) flags |= kExpires;
  if (header.space != 0) flags |= kIndexed;
  if (!header.stamp.empty()) flags |= kStamped;
  if (header.has_words) flags |= kHasWords;
  if (header.has_vector) flags |= kHasVector;

  out += kRecordVersion;
  out += static_cast<char>(flags);
  if (header.expiry != 0) AppendFixed64(out, static_cast<uint64_t>(header.expiry));
  if (header.space != 0) {
    AppendVarint(out, header.space);
    AppendVarint(out, header.document);
  }
  if (!header.stamp.empty()) AppendBytes(out, header.stamp);
  out += value;
  AppendFixed64(out, Hash64(std::string_view(out).substr(begin), Hash64(key)));
}

absl::Status ParseFullRecord(std::string_view key, std::string_view bytes, Record* record) {
  if (bytes.size() < kRecordBytesMin) return Malformed(key, "too short");
  Reader in(bytes.substr(0, bytes.size() - kRecordChecksumBytes));
  uint8_t version = 0, flags = 0;
  in.Fixed8(&version);
  in.Fixed8(&flags);
  if (version != kRecordVersion || (flags & ~kKnownFlags) != 0) {
    return DataLoss("the record of key '", Printable(key), "' has version ", int{version},
                    " and flags ", int{flags}, ", which this library (record version ",
                    int{kRecordVersion}, ") does not know: use a newer libkv");
  }
  RecordHeader& header = record->header;
  header =
      RecordHeader{.has_words = (flags & kHasWords) != 0, .has_vector = (flags & kHasVector) != 0};
  if ((flags & kExpires) != 0) {
    uint64_t expiry = 0;
    in.Fixed64(&expiry);
    header.expiry = static_cast<int64_t>(expiry);
  }
  if ((flags & kIndexed) != 0) {
    in.Varint32(&header.space);
    in.Varint(&header.document);
  }
  if ((flags & kStamped) != 0) in.Bytes(&header.stamp);
  if (!in.ok()) return Malformed(key, "its header is cut off");
  record->value = in.rest();
  return absl::OkStatus();
}

absl::Status ReadRecord(std::string_view key, std::string_view bytes, Record* record) {
  if (absl::Status status = ParseRecord(key, bytes, record); !status.ok()) return status;
  if (!RecordIsIntact(key, bytes)) return Malformed(key, "its checksum does not match");
  return absl::OkStatus();
}

}  // namespace libkv
