#include "format/row.h"

#include <doctest/doctest.h>

#include <string>

#include "base/coding.h"
#include "format/keys.h"
#include "libkv/format/hex.h"

namespace libkv {
namespace {

TEST_CASE("a sealed row is its payload and eight bytes of checksum") {
  // The row "closed" of the format page, its checksum computed with libxxhash.
  std::string sequence;
  AppendFixed64(sequence, 0x102);
  const std::string golden = FromHex("0000000000000102 8d574b02a74621ea");
  CHECK(ToHex(SealRow(kClosedKey, sequence)) == ToHex(golden));
  std::string_view payload;
  REQUIRE(OpenRow("closed", golden, &payload));
  CHECK(payload == sequence);
}

TEST_CASE("a sealed row opens under its own key only") {
  const std::string row = SealRow("key", "payload");
  std::string_view payload;
  REQUIRE(OpenRow("key", row, &payload));
  CHECK(payload == "payload");
  CHECK_FALSE(OpenRow("kez", row, &payload));
  CHECK_FALSE(OpenRow("", row, &payload));
  CHECK(OpenRow("", SealRow("", ""), &payload));
  CHECK(payload.empty());
}

TEST_CASE("every flipped bit and every cut of a sealed row is noticed") {
  for (const std::string text : {"", "p", "a payload of some length"}) {
    const std::string row = SealRow("key", text);
    std::string_view payload;
    ForEachBitFlip(row, [&](const std::string& damaged, size_t bit) {
      CAPTURE(bit);
      CHECK_FALSE(OpenRow("key", damaged, &payload));
    });
    ForEachTruncation(row, [&](std::string_view shorter, size_t cut) {
      CAPTURE(cut);
      CHECK_FALSE(OpenRow("key", shorter, &payload));
    });
    CHECK_FALSE(OpenRow("key", row + '\0', &payload));
  }
}

}  // namespace
}  // namespace libkv
