#include "format/kvformat_file.h"

#include <doctest/doctest.h>

#include <string>

namespace libkv {
namespace {

TEST_CASE("the file says what the format page says") {
  CHECK(EncodeFormatFile(1, 1) == "libkv store\nformat 1\nmin_reader 1\n");
  uint32_t format = 0, min_reader = 0;
  REQUIRE(
      ParseFormatFile("libkv store\nformat 4294967295\nmin_reader 7\n", &format, &min_reader).ok());
  CHECK(format == 4'294'967'295);
  CHECK(min_reader == 7);
}

TEST_CASE("further lines are ignored") {
  uint32_t format = 0, min_reader = 0;
  const std::string text = EncodeFormatFile(3, 2) + "made_by something\n\n\xff";
  REQUIRE(ParseFormatFile(text, &format, &min_reader).ok());
  CHECK(format == 3);
  CHECK(min_reader == 2);
}

TEST_CASE("a file cut at any byte is DataLoss") {
  const std::string text = EncodeFormatFile(12, 10);
  for (size_t cut = 0; cut < text.size(); ++cut) {
    CAPTURE(cut);
    uint32_t format = 0, min_reader = 0;
    CHECK(absl::IsDataLoss(ParseFormatFile(text.substr(0, cut), &format, &min_reader)));
  }
}

TEST_CASE("what only looks like the file is DataLoss and the message shows what it should be") {
  uint32_t format = 0, min_reader = 0;
  for (const std::string text : {
           "libkv store\r\nformat 1\r\nmin_reader 1\r\n",
           "libkv store\nformat -1\nmin_reader 1\n",
           "libkv store\nformat +1\nmin_reader 1\n",
           "libkv store\nformat  1\nmin_reader 1\n",
           "libkv store\nformat 1 \nmin_reader 1\n",
           "libkv store\nformat 0x1\nmin_reader 1\n",
           "libkv store\nformat 4294967296\nmin_reader 1\n",
           "libkv store\nmin_reader 1\nformat 1\n",
           "libkv Store\nformat 1\nmin_reader 1\n",
           "\nlibkv store\nformat 1\nmin_reader 1\n",
       }) {
    CAPTURE(text);
    const absl::Status status = ParseFormatFile(text, &format, &min_reader);
    CHECK(absl::IsDataLoss(status));
    CHECK(status.ToString().find("min_reader 1") != std::string::npos);
  }
}

TEST_CASE("formats are opened as long as min_reader allows it; the refusal names both numbers") {
  CHECK(CheckFormat(1, 1).ok());
  CHECK(CheckFormat(99, 1).ok());
  const absl::Status status = CheckFormat(99, 42);
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(status.ToString().find("99") != std::string::npos);
  CHECK(status.ToString().find("42") != std::string::npos);
}

}  // namespace
}  // namespace libkv
