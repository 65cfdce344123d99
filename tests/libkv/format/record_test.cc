// Records, byte by byte. The golden bytes were written by hand from libkv/doc/format.md, their
// checksums computed with libxxhash; no encoder of this library made them.
#include "format/record.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "base/coding.h"
#include "base/hash.h"
#include "libkv/format/hex.h"

namespace libkv {
namespace {

const std::string kPlain = FromHex("01 00 76 a47ddfb5db939a1c");
const std::string kFull = FromHex("01 1f 0000018bcfe56800 03 ac02 02 7374 6869 456a5330bffaf0d0");

RecordHeader FullHeader() {
  return {.expiry = 1'700'000'000'000,
          .space = 3,
          .document = 300,
          .has_words = true,
          .has_vector = true,
          .stamp = "st"};
}

std::string Encode(std::string_view key, const RecordHeader& header, std::string_view value) {
  std::string out;
  AppendRecord(out, key, header, value);
  return out;
}

// `body` with a checksum that fits: what a newer library, or a forger, would write.
std::string Sealed(std::string_view key, std::string body) {
  const uint64_t checksum = Hash64(body, Hash64(key));
  AppendFixed64(body, checksum);
  return body;
}

TEST_CASE("a record has the bytes of the format page") {
  CHECK(ToHex(Encode("k", {}, "v")) == ToHex(kPlain));
  CHECK(ToHex(Encode("a", FullHeader(), "hi")) == ToHex(kFull));
  CHECK(kPlain.size() == 10 + 1);

  Record record;
  REQUIRE(ReadRecord("k", kPlain, &record).ok());
  CHECK(record.value == "v");
  CHECK(record.header.expiry == 0);
  CHECK(record.header.space == 0);
  CHECK(record.header.document == 0);
  CHECK(record.header.stamp == "");

  REQUIRE(ReadRecord("a", kFull, &record).ok());
  CHECK(record.value == "hi");
  CHECK(record.header.expiry == 1'700'000'000'000);
  CHECK(record.header.space == 3);
  CHECK(record.header.document == 300);
  CHECK(record.header.has_words);
  CHECK(record.header.has_vector);
  CHECK(record.header.stamp == "st");
}

TEST_CASE("records are appended: what stands before them stays and does not count") {
  std::string out = "before";
  AppendRecord(out, "k", {}, "v");
  CHECK(out == "before" + kPlain);
}

TEST_CASE("any record comes back as it was written") {
  constexpr uint32_t kSeed = 20'260'711;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const auto bytes = [&](size_t count_max) {
    std::string text(random() % (count_max + 1), '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  };
  for (int round = 0; round < 2'000; ++round) {
    CAPTURE(round);
    const std::string key = bytes(40), value = bytes(300), stamp = bytes(20);
    RecordHeader header;
    if (random() % 2) header.expiry = static_cast<int64_t>(random() >> random() % 60);
    if (random() % 2) header.space = static_cast<uint32_t>(random() >> random() % 60) | 1;
    if (header.space != 0) header.document = random() >> (24 + random() % 40);
    header.has_words = random() % 2;
    header.has_vector = random() % 2;
    header.stamp = stamp;
    const std::string encoded = Encode(key, header, value);
    Record record;
    REQUIRE(ReadRecord(key, encoded, &record).ok());
    CHECK(record.value == value);
    CHECK(record.header.expiry == header.expiry);
    CHECK(record.header.space == header.space);
    CHECK(record.header.document == header.document);
    CHECK(record.header.has_words == header.has_words);
    CHECK(record.header.has_vector == header.has_vector);
    CHECK(record.header.stamp == stamp);
  }
}

TEST_CASE("every flipped bit of a record is DataLoss") {
  Record record;
  ForEachBitFlip(kPlain, [&](const std::string& damaged, size_t bit) {
    CAPTURE(bit);
    CHECK(absl::IsDataLoss(ReadRecord("k", damaged, &record)));
  });
  ForEachBitFlip(kFull, [&](const std::string& damaged, size_t bit) {
    CAPTURE(bit);
    CHECK(absl::IsDataLoss(ReadRecord("a", damaged, &record)));
  });
}

TEST_CASE("a record cut at any byte is DataLoss") {
  Record record;
  ForEachTruncation(kFull, [&](std::string_view shorter, size_t cut) {
    CAPTURE(cut);
    CHECK(absl::IsDataLoss(ReadRecord("a", shorter, &record)));
  });
}

TEST_CASE("a record under another key is DataLoss") {
  Record record;
  CHECK(absl::IsDataLoss(ReadRecord("K", kPlain, &record)));
  CHECK(absl::IsDataLoss(ReadRecord("", kPlain, &record)));
  CHECK(absl::IsDataLoss(ReadRecord("kk", kPlain, &record)));
}

TEST_CASE("an intact record of an unknown version or with unknown flags is refused") {
  Record record;
  for (const std::string& body : {FromHex("02 00 76"), FromHex("00 00 76"), FromHex("01 20 76"),
                                  FromHex("01 40 76"), FromHex("01 80 76")}) {
    CAPTURE(ToHex(body));
    const absl::Status status = ReadRecord("k", Sealed("k", body), &record);
    CHECK(absl::IsDataLoss(status));
    CHECK(status.ToString().find("newer libkv") != std::string::npos);
  }
}

TEST_CASE("an intact record whose header promises more than there is, is DataLoss") {
  Record record;
  for (const std::string& body :
       {FromHex("01 01 00000000"),              // half an expiry
        FromHex("01 02 81"),                    // a varint without an end
        FromHex("01 02 01"),                    // a space without a document
        FromHex("01 02 8080808010 01"),         // a space over 32 bits
        FromHex("01 04 7f 61"),                 // a stamp of 127 bytes that has one
        FromHex("01 04 ffffffffffffffffff01"),  // a stamp of 2^64 - 1 bytes
        FromHex("01 1f")}) {
    CAPTURE(ToHex(body));
    CHECK(absl::IsDataLoss(ReadRecord("k", Sealed("k", body), &record)));
  }
}

TEST_CASE("a record expires when its time has come, and never without one") {
  CHECK_FALSE(RecordHeader{}.ExpiredAt(INT64_MAX));
  const RecordHeader header{.expiry = 10};
  CHECK_FALSE(header.ExpiredAt(9));
  CHECK(header.ExpiredAt(10));
}

}  // namespace
}  // namespace libkv
