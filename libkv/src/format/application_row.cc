#include "format/application_row.h"

#include "base/coding.h"
#include "base/hash.h"
#include "base/strings.h"
#include "format/keys.h"
#include "format/row.h"

namespace libkv {
namespace {

constexpr char kVersion = 1;

}  // namespace

void AppendApplicationRow(std::string& out, std::string_view row_key, std::string_view value) {
  const size_t begin = out.size();
  out += kVersion;
  out += value;
  AppendFixed64(out, Hash64(std::string_view(out).substr(begin), Hash64(row_key)));
}

absl::Status ReadApplicationRow(std::string_view row_key, std::string_view row,
                                std::string_view* value) {
  const std::string_view name = row_key.substr(kApplicationRowPrefix.size());
  std::string_view payload;
  if (!OpenRow(row_key, row, &payload) || payload.empty()) {
    return DataLoss("row '", Printable(name), "' of the application is damaged");
  }
  if (payload[0] != kVersion) {
    return FailedPrecondition("row '", Printable(name),
                              "' of the application was written by a newer libkv: use that one");
  }
  *value = payload.substr(1);
  return absl::OkStatus();
}

}  // namespace libkv
