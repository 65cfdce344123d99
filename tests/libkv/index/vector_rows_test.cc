// The rows of lists of vectors, byte by byte. Golden bytes are written by hand from
// libkv/doc/format.md, checksums computed with libxxhash.
#include "index/vector_rows.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "libkv/format/hex.h"
#include "support/store_test.h"
#include "vector/rotation.h"

namespace libkv {
namespace {

const std::vector<int8_t> kValues = {1, -1, 127, -127};
const CodeView kCode = {{.scale = 0.5f, .norm2 = 8'064.5f}, kValues};
const std::string kCodeGolden =
    "0000003f"
    "0004fc45"
    "01ff7f81";

TEST_CASE("postings have the bytes of the format page and are read as what they say") {
  const struct {
    Posting posting;
    std::string golden;
  } cases[] = {
      {{.code = kCode, .key = "key"},
       kCodeGolden + "00"
                     "6b6579"},
      {{.code = kCode, .expiry = 258, .key = "k"},
       kCodeGolden + "01"
                     "0000000000000102"
                     "6b"},
      {{.code = kCode, .has_key = false}, kCodeGolden},
  };
  for (const auto& [posting, golden] : cases) {
    CAPTURE(golden);
    const std::string row = EncodePostingRow(posting);
    CHECK(ToHex(row) == golden);
    const absl::StatusOr<Posting> parsed = ParsePostingRow(row, kValues.size());
    REQUIRE_OK(parsed);
    CHECK(parsed->has_key == posting.has_key);
    CHECK(parsed->key == posting.key);
    CHECK(parsed->expiry == posting.expiry);
    CHECK(parsed->code.code.scale == kCode.code.scale);
    CHECK(parsed->code.code.norm2 == kCode.code.norm2);
    CHECK(std::equal(kValues.begin(), kValues.end(), parsed->code.values.begin()));
  }
  for (const char* const bad :
       {"", "0000003f", "0000003f0004fc4501ff7f", "0000003f0004fc4501ff7f8100",
        "0000003f0004fc4501ff7f81026b", "0000003f0004fc4501ff7f810100006b"}) {
    CAPTURE(bad);
    CHECK(absl::IsDataLoss(ParsePostingRow(FromHex(bad), kValues.size()).status()));
  }
}

TEST_CASE("centroid, list and recall rows have the bytes of the format page") {
  const std::string centroid_key = FromHex("00000005 43 00000007");
  const std::string centroid = FromHex("01" + kCodeGolden + "9d3e1ee3aeae8754");
  CHECK(ToHex(EncodeCentroidRow(centroid_key, kCode)) == ToHex(centroid));
  CodeView parsed;
  REQUIRE_OK(ParseCentroidRow(centroid_key, centroid, kValues.size(), &parsed));
  CHECK(parsed.code.scale == 0.5f);
  CHECK(std::equal(kValues.begin(), kValues.end(), parsed.values.begin()));
  CHECK(absl::IsDataLoss(ParseCentroidRow("other", centroid, kValues.size(), &parsed)));

  uint32_t list = 0;
  CHECK(ToHex(EncodeListRow(258)) == "00000102");
  CHECK(ParseListRow(FromHex("00000102"), &list));
  CHECK(list == 258);
  CHECK_FALSE(ParseListRow(FromHex("000001"), &list));

  const std::string recall_key = FromHex("00000005 52");
  RecallTable table = {
      .vectors = 40'000,
      .points = {{.limit = 10, .target = 0.9, .entries = 1'024, .depth = 0, .refined = 0},
                 {.limit = 100, .target = 0.99, .entries = 1'000, .depth = 0, .refined = 200}}};
  // Version 1 had no depths.
  const std::string without_depths =
      FromHex("01 c0b802 02 0a 2328 8008 00 64 26ac e807 c801 f3850e9d5ed71414");
  RecallTable read;
  REQUIRE_OK(ParseRecallRow(recall_key, without_depths, &read));
  CHECK(read.vectors == table.vectors);
  CHECK(read.points == table.points);

  table.points[1].depth = 40'000;
  table.points[1].delivered = 0.9912;
  const std::string recall = FromHex(
      "02 c0b802 02 0a 2328 8008 00 00 0000 64 26ac e807 c801 c0b802 26b8 f00eaba94aca2975");
  CHECK(ToHex(EncodeRecallRow(recall_key, table)) == ToHex(recall));
  REQUIRE_OK(ParseRecallRow(recall_key, recall, &read));
  CHECK(read.vectors == table.vectors);
  CHECK(read.points == table.points);
  std::string damaged = recall;
  damaged[2] ^= 1;
  CHECK(absl::IsDataLoss(ParseRecallRow(recall_key, damaged, &read)));
}

}  // namespace
}  // namespace libkv
