// The KVFORMAT file: what is read is what was meant.
#include "base/check.h"
#include "format/kvformat_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  uint32_t format = 0, min_reader = 0;
  if (!libkv::ParseFormatFile(text, &format, &min_reader).ok()) return 0;
  const std::string written = libkv::EncodeFormatFile(format, min_reader);
  uint32_t same_format = 0, same_min_reader = 0;
  LIBKV_CHECK(libkv::ParseFormatFile(written, &same_format, &same_min_reader).ok());
  LIBKV_CHECK(same_format == format && same_min_reader == min_reader);
  LIBKV_CHECK(libkv::CheckFormat(format, min_reader).ok() == (min_reader <= 1));
  return 0;
}
