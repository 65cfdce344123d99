// Rows of the application. The golden bytes were written by hand from libkv/doc/format.md, their
// checksums computed with libxxhash.
#include "format/application_row.h"

#include <doctest/doctest.h>

#include <string>

#include "format/keys.h"
#include "libkv/format/hex.h"

namespace libkv {
namespace {

const std::string kKey = "rowlog/7";
const std::string kGolden = FromHex("01 616263 ca3d7a8c8c51edfa");
const std::string kEmptyGolden = FromHex("01 843f0e7866d0fcb3");
const std::string kNewerGolden = FromHex("02 616263 74ad84bbfae6cf50");

TEST_CASE("a row of the application has the bytes of the format page") {
  std::string out = "before";
  AppendApplicationRow(out, kKey, "abc");
  CHECK(out == "before" + kGolden);
  out.clear();
  AppendApplicationRow(out, ApplicationRowKey("log/7"), "");
  CHECK(out == kEmptyGolden);
}

TEST_CASE("what was written as a row of the application is read back") {
  std::string_view value;
  REQUIRE(ReadApplicationRow(kKey, kGolden, &value).ok());
  CHECK(value == "abc");
  REQUIRE(ReadApplicationRow(kKey, kEmptyGolden, &value).ok());
  CHECK(value.empty());
}

TEST_CASE("a row that is damaged, cut off or under another name is refused, naming it") {
  std::string_view value = "untouched";
  for (size_t bit = 0; bit < 8 * kGolden.size(); ++bit) {
    CAPTURE(bit);
    std::string damaged = kGolden;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const absl::Status status = ReadApplicationRow(kKey, damaged, &value);
    CHECK(absl::IsDataLoss(status));
    CHECK(std::string(status.message()).find("'log/7'") != std::string::npos);
  }
  for (size_t bytes = 0; bytes < kGolden.size(); ++bytes) {
    CHECK(absl::IsDataLoss(ReadApplicationRow(kKey, kGolden.substr(0, bytes), &value)));
  }
  CHECK(absl::IsDataLoss(ReadApplicationRow("rowlog/8", kGolden, &value)));
  CHECK(value == "untouched");
}

TEST_CASE("an intact row of a version to come asks for a newer library") {
  std::string_view value;
  const absl::Status status = ReadApplicationRow(kKey, kNewerGolden, &value);
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(std::string(status.message()).find("newer libkv") != std::string::npos);
}

}  // namespace
}  // namespace libkv
