// Row keys. The golden bytes were written by hand from libkv/doc/format.md.
#include "format/keys.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "format/ordered_value.h"
#include "libkv/format/hex.h"

namespace libkv {
namespace {

TEST_CASE("row keys have the bytes of the format page") {
  CHECK(ToHex(DocumentKey(5, 0x0102030405)) ==
        "00000005"
        "4d"
        "0102030405");
  CHECK(ToHex(DeadMarkerKey(5, 0x102)) ==
        "00000005"
        "58"
        "0000000102");
  CHECK(ToHex(TextDescriptorKey(5)) ==
        "00000005"
        "44");
  CHECK(ToHex(VectorDescriptorKey(5)) ==
        "00000005"
        "44");
  CHECK(ToHex(ExpiryKey(1'700'000'000'000, "a")) ==
        "00000000"
        "45"
        "0000018bcfe56800"
        "61");
  CHECK(ToHex(VectorKey(5, 0x102)) ==
        "00000005"
        "56"
        "0000000102");
  CHECK(ToHex(PostingKey(5, 0x01020304, 0x102)) ==
        "00000005"
        "50"
        "01020304"
        "0000000102");
  CHECK(ToHex(SpaceKey(0x102)) ==
        "7370616365"
        "00000102");
  CHECK(ToHex(ApplicationRowKey("log/7")) ==
        "726f77"
        "6c6f672f37");
  CHECK(ToHex(SegmentKey(5, 0x102)) ==
        "00000005"
        "53"
        "00000102");
  CHECK(ToHex(SegmentPrefix(5, 0x102)) ==
        "00000005"
        "00000102");
  CHECK(ToHex(SegmentPrefix(5, 0x102, SegmentKind::kTerm)) ==
        "00000005"
        "00000102"
        "54");
  CHECK(ToHex(SegmentChunkKey(5, 0x102, SegmentKind::kKeys, 7)) ==
        "00000005"
        "00000102"
        "4b"
        "00000007");
  CHECK(ToHex(SegmentChunkKey(5, 0x102, SegmentKind::kNumbers, 7)) ==
        "00000005"
        "00000102"
        "4e"
        "00000007");
  CHECK(ToHex(SegmentListKey(5, 0x102, SegmentKind::kPostings, 0x304, 7)) ==
        "00000005"
        "00000102"
        "50"
        "00000304"
        "00000007");
  CHECK(ToHex(SegmentListKey(5, 0x102, SegmentKind::kPositions, 0x304, 7)) ==
        "00000005"
        "00000102"
        "51"
        "00000304"
        "00000007");
  CHECK(ToHex(SegmentTextKey(5, 0x102, SegmentKind::kTerm, std::string_view("a\0", 2))) ==
        "00000005"
        "00000102"
        "54"
        "6100");
  CHECK(ToHex(SegmentTextKey(5, 0x102, SegmentKind::kWord, "")) ==
        "00000005"
        "00000102"
        "57");
  // XXH3-128 of "apple", by libxxhash.
  CHECK(ToHex(ValueKey(5, HashWide("apple"), "k")) ==
        "00000005"
        "56"
        "5ac82be78f916755"
        "5cf5d97583ab91bb"
        "6b");
  CHECK(ToHex(FieldKey(5, 0x0102, OrderedBool(true), "k")) ==
        "00000005"
        "46"
        "0102"
        "2001"
        "6b");
  CHECK(std::string(kFormatKey) + std::string(kIdsKey) + std::string(kClosedKey) ==
        "formatidsclosed");
}

TEST_CASE("row keys are taken apart into what they were made of") {
  uint32_t space = 0, list = 0;
  uint8_t kind = 0;
  uint16_t field = 0;
  uint64_t document = 0;
  int64_t expiry = 0;
  Hash128 hash;
  std::string_view rest, key, ordered;
  const std::string user_key("k\0ey\xff", 5);
  for (const uint64_t id : {uint64_t{0}, uint64_t{1}, kDocumentMax}) {
    const std::string row = DocumentKey(7, id);
    REQUIRE(ParseRowKey(row, &space, &kind, &rest));
    REQUIRE(ParseDocumentSuffix(rest, &document));
    CHECK(space == 7);
    CHECK(kind == 'M');
    CHECK(document == id);
    const std::string posting = PostingKey(7, 9, id);
    REQUIRE(ParseRowKey(posting, &space, &kind, &rest));
    REQUIRE(ParsePostingSuffix(rest, &list, &document));
    CHECK(list == 9);
    CHECK(document == id);
  }
  const std::string expiring = ExpiryKey(1'234, user_key);
  REQUIRE(ParseRowKey(expiring, &space, &kind, &rest));
  REQUIRE(ParseExpirySuffix(rest, &expiry, &key));
  CHECK(space == 0);
  CHECK(expiry == 1'234);
  CHECK(key == user_key);
  const std::string value = ValueKey(7, HashWide("v"), user_key);
  REQUIRE(ParseRowKey(value, &space, &kind, &rest));
  REQUIRE(ParseValueSuffix(rest, &hash, &key));
  CHECK(hash == HashWide("v"));
  CHECK(key == user_key);
  // The ordered value of a field row ends where it ends, whatever the key begins with.
  for (const std::string& one :
       {OrderedNull(), OrderedBool(false), OrderedNumber(-1.5), OrderedText(std::string("a\0b", 3)),
        OrderedText(""), OrderedText(std::string(500, 'x'))}) {
    CAPTURE(ToHex(one));
    const std::string row = FieldKey(7, 300, one, user_key);
    REQUIRE(ParseRowKey(row, &space, &kind, &rest));
    REQUIRE(ParseFieldSuffix(rest, &field, &ordered, &key));
    CHECK(field == 300);
    CHECK(ordered == one);
    CHECK(key == user_key);
  }
}

TEST_CASE("row keys that are cut off or too long are refused") {
  uint32_t space = 0, list = 0;
  uint8_t kind = 0;
  uint16_t field = 0;
  uint64_t document = 0;
  int64_t expiry = 0;
  Hash128 hash;
  std::string_view rest, key, ordered;
  ForEachTruncation(TextDescriptorKey(1), [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK_FALSE(ParseRowKey(shorter, &space, &kind, &rest));
  });
  ForEachTruncation(DocumentKey(1, 2).substr(5), [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK_FALSE(ParseDocumentSuffix(shorter, &document));
  });
  ForEachTruncation(PostingKey(1, 2, 3).substr(5), [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK_FALSE(ParsePostingSuffix(shorter, &list, &document));
  });
  ForEachTruncation(ExpiryKey(1, "").substr(5), [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK_FALSE(ParseExpirySuffix(shorter, &expiry, &key));
  });
  ForEachTruncation(ValueKey(1, {}, "").substr(5), [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK_FALSE(ParseValueSuffix(shorter, &hash, &key));
  });
  const std::string field_key = FieldKey(1, 2, OrderedText("abc"), "").substr(5);
  ForEachTruncation(field_key, [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK_FALSE(ParseFieldSuffix(shorter, &field, &ordered, &key));
  });
  CHECK_FALSE(ParseDocumentSuffix(DocumentKey(1, 2).substr(5) + "x", &document));
  CHECK_FALSE(ParsePostingSuffix(PostingKey(1, 2, 3).substr(5) + "x", &list, &document));
}

TEST_CASE("keys of segments are taken apart, and shorter ones refused") {
  uint32_t space = 0, segment = 0;
  uint8_t kind = 0;
  std::string_view rest;
  const std::string row = SegmentTextKey(7, 9, SegmentKind::kTerm, "ant");
  REQUIRE(ParseSegmentRowKey(row, &space, &segment, &kind, &rest));
  CHECK(space == 7);
  CHECK(segment == 9);
  CHECK(kind == 'T');
  CHECK(rest == "ant");
  ForEachTruncation(row.substr(0, 9), [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK_FALSE(ParseSegmentRowKey(shorter, &space, &segment, &kind, &rest));
  });
  const std::string key = SegmentKey(7, 9);
  REQUIRE(ParseRowKey(key, &space, &kind, &rest));
  CHECK(kind == 'S');
  REQUIRE(ParseSegmentSuffix(rest, &segment));
  CHECK(segment == 9);
  CHECK_FALSE(ParseSegmentSuffix(rest.substr(1), &segment));
  CHECK_FALSE(ParseSegmentSuffix(std::string(rest) + "x", &segment));
}

TEST_CASE("documents, expiries and lists sort by number") {
  constexpr uint32_t kSeed = 7;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 1'000; ++i) {
    const uint64_t a = random() >> (24 + random() % 40), b = random() >> (24 + random() % 40);
    CAPTURE(a);
    CAPTURE(b);
    CHECK((DocumentKey(3, a) < DocumentKey(3, b)) == (a < b));
    CHECK((PostingKey(3, 1, a) < PostingKey(3, 1, b)) == (a < b));
    CHECK((ExpiryKey(static_cast<int64_t>(a), "") < ExpiryKey(static_cast<int64_t>(b), "")) ==
          (a < b));
    CHECK(DocumentKey(3, a) < DocumentKey(4, b));
    CHECK(PostingKey(3, 1, a) < PostingKey(3, 2, b));
  }
}

TEST_CASE("the end of a prefix is the first key behind all that begin with it") {
  CHECK(PrefixEnd("") == "");
  CHECK(PrefixEnd("a") == "b");
  CHECK(PrefixEnd("a\xff\xff") == "b");
  CHECK(PrefixEnd("\xff\xff") == "");
  CHECK(PrefixEnd(std::string("a\0", 2)) == "a\1");
  const std::string end = PrefixEnd(IndexPrefix(3, IndexKind::kDocument));
  CHECK(DocumentKey(3, kDocumentMax) < end);
  CHECK(end <= IndexPrefix(3, IndexKind::kValue));
  CHECK(PrefixEnd(SpacePrefix(0xffffffff)) == "");
}

}  // namespace
}  // namespace libkv
