#include "format/kvformat_file.h"

#include <charconv>

#include "base/strings.h"
#include "format/row.h"

namespace libkv {
namespace {

constexpr std::string_view kFirstLine = "libkv store\n";

// Takes "`name` number\n" off the front.
bool TakeLine(std::string_view* text, std::string_view name, uint32_t* number) {
  if (!text->starts_with(name)) return false;
  text->remove_prefix(name.size());
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  if (!text->starts_with('\n')) return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

std::string EncodeFormatFile(uint32_t format, uint32_t min_reader) {
  return Concat(kFirstLine, "format ", format, "\nmin_reader ", min_reader, "\n");
}

absl::Status ParseFormatFile(std::string_view text, uint32_t* format, uint32_t* min_reader) {
  const bool first = text.starts_with(kFirstLine);
  if (first) text.remove_prefix(kFirstLine.size());
  if (!first || !TakeLine(&text, "format ", format) ||
      !TakeLine(&text, "min_reader ", min_reader)) {
    return DataLoss("the file ", kFormatFileName, " is damaged; it should read: ",
                    Printable(EncodeFormatFile(kFormat, kMinReader)));
  }
  return absl::OkStatus();
}

absl::Status CheckFormat(uint32_t format, uint32_t min_reader) {
  if (min_reader <= kFormat) return absl::OkStatus();
  return FailedPrecondition("the store has format ", format,
                            " and needs a libkv that reads format ", min_reader,
                            "; this one reads up to format ", kFormat,
                            ". Nothing was changed: open it with a newer libkv");
}

}  // namespace libkv
