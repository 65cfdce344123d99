#include "format/application_row.h"

#include "base/coding.h"
#include "base/hash.h"
#include "base/strings.h"
#include "format/keys.h"
#include "format/row.h"

namespace libkv {
namespace {

constexpr char kLong = 1, kShort = 2;
constexpr size_t kShortBytesMax = 255;
constexpr size_t kChecksumBytes = 4;  // of a short one

// False: too short, or the checksum does not match.
bool OpenShort(std::string_view row_key, std::string_view row, std::string_view* payload) {
  if (row.size() < 1 + kChecksumBytes) return false;
  *payload = row.substr(0, row.size() - kChecksumBytes);
  return LoadFixed32(row.data() + payload->size()) ==
         static_cast<uint32_t>(Hash64(*payload, Hash64(row_key)));
}

}  // namespace

void AppendApplicationRow(std::string& out, std::string_view row_key, std::string_view value) {
  const size_t begin = out.size();
  const bool is_short = value.size() <= kShortBytesMax;
  out += is_short ? kShort : kLong;
  out += value;
  const uint64_t checksum = Hash64(std::string_view(out).substr(begin), Hash64(row_key));
  if (is_short) {
    AppendFixed32(out, static_cast<uint32_t>(checksum));
  } else {
    AppendFixed64(out, checksum);
  }
}

absl::Status ReadApplicationRow(std::string_view row_key, std::string_view row,
                                std::string_view* value) {
  const std::string_view name = row_key.substr(kApplicationRowPrefix.size());
  std::string_view payload;
  const bool is_short = !row.empty() && row[0] == kShort;
  const bool is_intact =
      is_short ? OpenShort(row_key, row, &payload) : OpenRow(row_key, row, &payload);
  if (!is_intact || payload.empty()) {
    return DataLoss("row '", Printable(name), "' of the application is damaged");
  }
  if (payload[0] != kLong && !is_short) {
    return FailedPrecondition("row '", Printable(name),
                              "' of the application was written by a newer libkv: use that one");
  }
  *value = payload.substr(1);
  return absl::OkStatus();
}

}  // namespace libkv
