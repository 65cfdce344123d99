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
const std::string kGolden = FromHex("02 616263 fae6cf50");
const std::string kEmptyGolden = FromHex("02 28473a8c");
const std::string kNewerGolden = FromHex("03 616263 09ac83e94a219d72");
// Version 1, which all rows had once, and long ones have.
const std::string kOldGolden = FromHex("01 616263 ca3d7a8c8c51edfa");
const std::string kOldEmptyGolden = FromHex("01 843f0e7866d0fcb3");
const std::string kLongGolden = "\x01" + std::string(256, 'a') + FromHex("99d885cebbf65e6f");

TEST_CASE("a row of the application has the bytes of the format page") {
  std::string out = "before";
  AppendApplicationRow(out, kKey, "abc");
  CHECK(out == "before" + kGolden);
  out.clear();
  AppendApplicationRow(out, ApplicationRowKey("log/7"), "");
  CHECK(out == kEmptyGolden);
  out.clear();
  AppendApplicationRow(out, kKey, std::string(256, 'a'));
  CHECK(out == kLongGolden);
  out.clear();
  AppendApplicationRow(out, kKey, std::string(255, 'a'));
  CHECK(out[0] == 2);
}

TEST_CASE("what was written as a row of the application is read back") {
  std::string_view value;
  REQUIRE(ReadApplicationRow(kKey, kGolden, &value).ok());
  CHECK(value == "abc");
  REQUIRE(ReadApplicationRow(kKey, kEmptyGolden, &value).ok());
  CHECK(value.empty());
  REQUIRE(ReadApplicationRow(kKey, kLongGolden, &value).ok());
  CHECK(value == std::string(256, 'a'));
  REQUIRE(ReadApplicationRow(kKey, kOldGolden, &value).ok());
  CHECK(value == "abc");
  REQUIRE(ReadApplicationRow(kKey, kOldEmptyGolden, &value).ok());
  CHECK(value.empty());
}

TEST_CASE("a row that is damaged, cut off or under another name is refused, naming it") {
  std::string_view value = "untouched";
  for (const std::string& golden : {kGolden, kOldGolden}) {
    for (size_t bit = 0; bit < 8 * golden.size(); ++bit) {
      CAPTURE(bit);
      std::string damaged = golden;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      const absl::Status status = ReadApplicationRow(kKey, damaged, &value);
      CHECK(absl::IsDataLoss(status));
      CHECK(std::string(status.message()).find("'log/7'") != std::string::npos);
    }
    for (size_t bytes = 0; bytes < golden.size(); ++bytes) {
      CHECK(absl::IsDataLoss(ReadApplicationRow(kKey, golden.substr(0, bytes), &value)));
    }
    CHECK(absl::IsDataLoss(ReadApplicationRow("rowlog/8", golden, &value)));
  }
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
