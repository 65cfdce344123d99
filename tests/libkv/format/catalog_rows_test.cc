// The small rows. The golden bytes were written by hand from libkv/doc/format.md, their checksums
// computed with libxxhash; no encoder of this library made them.
#include "format/catalog_rows.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "format/keys.h"
#include "format/row.h"
#include "libkv/format/hex.h"

namespace libkv {
namespace {

const std::string kFormatGolden = FromHex("00000001 00000001 8edd074131f18522");
const std::string kIdsGolden = FromHex("0000010001 00000003 a07a4eec453cca58");
const std::string kTextDescriptorGolden = FromHex("01 0000000400 145740ff20c3d02e");
const std::string kSegmentGolden = FromHex(
    "01 8201 ac02"           // 130 documents, 300 words
    "0000000003 0000010000"  // ids 3 to 65,536
    "07 03 aabbcc"           // 7 terms, three bytes of the dead set
    "d4a015bb8b0d9161");
const std::string kVectorDescriptorGolden = FromHex("02 01 0000000000000005 8001 04970ec8acc2b526");
// As the first versions wrote it.
const std::string kOldVectorDescriptor = FromHex("01 01 0000000000000005 8001 c78da43aca66e2d0");
const std::string kTextSpaceGolden = FromHex("01 02 01 00 09 656e676c6973682f31 455be872790eb25d");
const std::string kFullSpaceGolden = FromHex(
    "01 01 3f 02 6461"     // building, all flags, prefix "da"
    "08 73696d706c652f31"  // analyzer "simple/1"
    "02 01 74 03 612e62"   // text fields "t", "a.b"
    "8008 01 02"           // 1,024 dimensions, cosine, float16
    "06 686173682f31"      // embedder "hash/1"
    "01 01 78"             // fields "x"
    "ecac2b97774af7de");
const std::string kValueSpaceGolden = FromHex("01 03 08 02 763a d99e33bbef3e1459");

constexpr SegmentSummary kSegmentSummary{
    .documents = 130, .words = 300, .first = 3, .last = 65'536, .terms = 7};

SpaceDefinition TextDefinition() {
  SpaceDefinition d;
  d.state = SpaceState::kReady;
  d.text = true;
  d.analyzer = "english/1";
  return d;
}

SpaceDefinition FullDefinition() {
  SpaceDefinition d;
  d.state = SpaceState::kBuilding;
  d.prefix = "da";
  d.text = true;
  d.analyzer = "simple/1";
  d.text_fields = {"t", "a.b"};
  d.dimension = 1'024;
  d.metric = 1;
  d.precision = 2;
  d.embedder = "hash/1";
  d.values = true;
  d.fields = {"x"};
  return d;
}

SpaceDefinition ValueDefinition() {
  SpaceDefinition d;
  d.state = SpaceState::kDropping;
  d.prefix = "v:";
  d.values = true;
  return d;
}

// Every kind of sealed row with the function that reads it.
struct SealedRow {
  const char* name;
  std::string golden;
  std::function<absl::Status(std::string_view)> parse;
};

std::vector<SealedRow> SealedRows() {
  const auto definition = [](uint32_t space) {
    return [space](std::string_view row) {
      SpaceDefinition d;
      return ParseSpaceDefinition(space, row, &d);
    };
  };
  return {
      {"format", kFormatGolden,
       [](std::string_view row) {
         uint32_t format = 0, min_reader = 0;
         return ParseFormatRow(row, &format, &min_reader);
       }},
      {"ids", kIdsGolden,
       [](std::string_view row) {
         IdsRow ids;
         return ParseIdsRow(row, &ids);
       }},
      {"text descriptor", kTextDescriptorGolden,
       [](std::string_view row) {
         uint64_t sealed_through = 0;
         return ParseTextDescriptor(5, row, &sealed_through);
       }},
      {"segment", kSegmentGolden,
       [](std::string_view row) {
         SegmentSummary summary;
         std::string_view dead;
         return ParseSegmentRow(5, 9, row, &summary, &dead);
       }},
      {"vector descriptor", kVectorDescriptorGolden,
       [](std::string_view row) {
         VectorDescriptor descriptor;
         return ParseVectorDescriptor(5, row, &descriptor);
       }},
      {"text space", kTextSpaceGolden, definition(1)},
      {"full space", kFullSpaceGolden, definition(0x102)},
      {"value space", kValueSpaceGolden, definition(7)},
  };
}

TEST_CASE("catalog rows have the bytes of the format page") {
  CHECK(ToHex(EncodeFormatRow(1, 1)) == ToHex(kFormatGolden));
  CHECK(ToHex(EncodeIdsRow({.next_document = 65'537, .next_space = 3})) == ToHex(kIdsGolden));
  CHECK(ToHex(EncodeTextDescriptor(5, 1'024)) == ToHex(kTextDescriptorGolden));
  CHECK(ToHex(EncodeSegmentRow(5, 9, kSegmentSummary, "\xaa\xbb\xcc")) == ToHex(kSegmentGolden));
  CHECK(ToHex(EncodeVectorDescriptor(5, {.rotation = 1, .seed = 5, .padded = 128})) ==
        ToHex(kVectorDescriptorGolden));
  CHECK(ToHex(EncodeSpaceDefinition(1, TextDefinition())) == ToHex(kTextSpaceGolden));
  CHECK(ToHex(EncodeSpaceDefinition(0x102, FullDefinition())) == ToHex(kFullSpaceGolden));
  CHECK(ToHex(EncodeSpaceDefinition(7, ValueDefinition())) == ToHex(kValueSpaceGolden));
}

TEST_CASE("catalog rows are read as what they say") {
  uint32_t format = 0, min_reader = 0;
  REQUIRE(ParseFormatRow(EncodeFormatRow(9, 4), &format, &min_reader).ok());
  CHECK(format == 9);
  CHECK(min_reader == 4);

  IdsRow ids;
  REQUIRE(ParseIdsRow(kIdsGolden, &ids).ok());
  CHECK(ids.next_document == 65'537);
  CHECK(ids.next_space == 3);

  uint64_t sealed_through = 0;
  REQUIRE(ParseTextDescriptor(5, kTextDescriptorGolden, &sealed_through).ok());
  CHECK(sealed_through == 1'024);

  SegmentSummary summary;
  std::string_view dead;
  REQUIRE(ParseSegmentRow(5, 9, kSegmentGolden, &summary, &dead).ok());
  CHECK(summary == kSegmentSummary);
  CHECK(ToHex(dead) == "aabbcc");
  CHECK(absl::IsDataLoss(ParseSegmentRow(5, 8, kSegmentGolden, &summary, &dead)));
  CHECK(absl::IsDataLoss(ParseSegmentRow(4, 9, kSegmentGolden, &summary, &dead)));

  VectorDescriptor descriptor;
  REQUIRE(ParseVectorDescriptor(5, kVectorDescriptorGolden, &descriptor).ok());
  CHECK(descriptor.rotation == 1);
  CHECK(descriptor.seed == 5);
  CHECK(descriptor.padded == 128);
  CHECK(descriptor.version == 2);
  REQUIRE(ParseVectorDescriptor(5, kOldVectorDescriptor, &descriptor).ok());
  CHECK(descriptor.version == 1);

  const auto parsed = [](uint32_t space, const std::string& row) {
    SpaceDefinition d;
    REQUIRE(ParseSpaceDefinition(space, row, &d).ok());
    return d;
  };
  CHECK(parsed(1, kTextSpaceGolden).SameAs(TextDefinition()));
  CHECK(parsed(1, kTextSpaceGolden).state == SpaceState::kReady);
  CHECK(parsed(0x102, kFullSpaceGolden).SameAs(FullDefinition()));
  CHECK(parsed(0x102, kFullSpaceGolden).state == SpaceState::kBuilding);
  CHECK(parsed(7, kValueSpaceGolden).SameAs(ValueDefinition()));
  CHECK(parsed(7, kValueSpaceGolden).state == SpaceState::kDropping);
}

TEST_CASE("every flipped bit of a catalog row is DataLoss") {
  for (const SealedRow& row : SealedRows()) {
    CAPTURE(row.name);
    REQUIRE(row.parse(row.golden).ok());
    ForEachBitFlip(row.golden, [&](const std::string& damaged, size_t bit) {
      CAPTURE(bit);
      CHECK(absl::IsDataLoss(row.parse(damaged)));
    });
  }
}

TEST_CASE("a catalog row cut at any byte, or with a byte too many, is DataLoss") {
  for (const SealedRow& row : SealedRows()) {
    CAPTURE(row.name);
    ForEachTruncation(row.golden, [&](std::string_view shorter, size_t cut) {
      CAPTURE(cut);
      CHECK(absl::IsDataLoss(row.parse(shorter)));
    });
    CHECK(absl::IsDataLoss(row.parse(row.golden + "x")));
  }
}

TEST_CASE("a catalog row cut before it was sealed is DataLoss") {
  // Goal: lengths are checked too, not only the checksum. Method: a shorter payload is sealed.
  const auto sealed = [](const std::string& key, const std::string& golden,
                         const std::function<absl::Status(std::string_view)>& parse) {
    const std::string payload = golden.substr(0, golden.size() - 8);
    ForEachTruncation(payload, [&](std::string_view shorter, size_t cut) {
      CAPTURE(ToHex(golden));
      CAPTURE(cut);
      CHECK_FALSE(parse(SealRow(key, std::string(shorter))).ok());
    });
  };
  const std::vector<SealedRow> rows = SealedRows();
  const std::vector<std::string> keys = {
      std::string(kFormatKey), std::string(kIdsKey), TextDescriptorKey(5), SegmentKey(5, 9),
      VectorDescriptorKey(5),  SpaceKey(1),          SpaceKey(0x102),      SpaceKey(7)};
  REQUIRE(keys.size() == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) sealed(keys[i], rows[i].golden, rows[i].parse);
}

TEST_CASE("fields that are not all ready are stored with their states") {
  SpaceDefinition d;
  d.state = SpaceState::kReady;
  d.fields = {"a", "b", "c"};
  d.SetState(1, FieldState::kGone);
  d.SetState(2, FieldState::kBuilding);
  const std::string row = EncodeSpaceDefinition(3, d);
  CHECK(ToHex(std::string_view(row).substr(0, row.size() - 8)) ==
        "010250"
        "00"
        "03016100"
        "0163"
        "020401");
  SpaceDefinition read;
  REQUIRE(ParseSpaceDefinition(3, row, &read).ok());
  CHECK(read.SameAs(d));
  CHECK(read.FieldNumber("a") == 0);
  CHECK(read.FieldNumber("c") == 2);
  CHECK_FALSE(read.FieldNumber("b").has_value());
  CHECK_FALSE(read.FieldNumber("").has_value());
  d.SetState(1, FieldState::kReady);
  d.SetState(2, FieldState::kReady);
  CHECK(d.field_states.empty());
}

TEST_CASE("a definition names the id of its rows of vectors if it is not the space's own") {
  SpaceDefinition d;
  d.state = SpaceState::kReady;
  d.dimension = 4;
  d.metric = 1;
  d.precision = 1;
  d.vectors = 300;
  const std::string row = EncodeSpaceDefinition(3, d);
  CHECK(ToHex(std::string_view(row).substr(0, row.size() - 8)) ==
        "010282"
        "00"
        "040101"
        "01ac02");
  SpaceDefinition read;
  REQUIRE(ParseSpaceDefinition(3, row, &read).ok());
  CHECK(read.vectors == 300);
  CHECK(read.SameAs(d));
  d.vectors = 0;
  CHECK(read.SameAs(d));  // an option cannot tell
}

TEST_CASE("a definition says that its embedder is learnt, and from how much") {
  SpaceDefinition d;
  d.state = SpaceState::kReady;
  d.dimension = 4;
  d.metric = 1;
  d.precision = 1;
  d.embedder = "lsa";
  d.learn = true;
  d.learnt_from = 200;
  const std::string row = EncodeSpaceDefinition(3, d);
  CHECK(ToHex(std::string_view(row).substr(0, row.size() - 8)) ==
        "010286"
        "00"
        "040101"
        "036c7361"
        "02c801");
  SpaceDefinition read;
  REQUIRE(ParseSpaceDefinition(3, row, &read).ok());
  CHECK(read.learn);
  CHECK(read.learnt_from == 200);
  SpaceDefinition wanted = d;
  wanted.embedder = "hash/1";
  wanted.dimension = 1'024;
  CHECK(d.Serves(wanted));
  wanted.learn = false;
  CHECK_FALSE(d.Serves(wanted));
}

TEST_CASE("a definition says that bits alone are in memory, and that its embedder is deferred") {
  SpaceDefinition d;
  d.state = SpaceState::kReady;
  d.dimension = 4;
  d.metric = 1;
  d.precision = 1;
  d.embedder = "http";
  d.bits_only = true;
  d.deferred = true;
  const std::string row = EncodeSpaceDefinition(3, d);
  CHECK(ToHex(std::string_view(row).substr(0, row.size() - 8)) ==
        "010286"
        "00"
        "040101"
        "0468747470"
        "0c");
  SpaceDefinition read;
  REQUIRE(ParseSpaceDefinition(3, row, &read).ok());
  CHECK(read.bits_only);
  CHECK(read.deferred);
  SpaceDefinition wanted = d;
  wanted.bits_only = false;
  CHECK(d.Serves(wanted));  // what is in memory may change
  CHECK_FALSE(d.SameAs(wanted));
  wanted.deferred = false;
  CHECK_FALSE(d.Serves(wanted));
}

TEST_CASE("intact rows of unknown versions, states and flags are refused, naming the way out") {
  const auto refused = [](const absl::Status& status) {
    CHECK_FALSE(status.ok());
    CHECK(status.ToString().find("newer libkv") != std::string::npos);
  };
  SpaceDefinition d;
  for (const std::string& payload :
       {FromHex("02 02 08 00"), FromHex("00 02 08 00"), FromHex("01 00 08 00"),
        FromHex("01 02 50 00 01 01 61 05"), FromHex("01 02 50 00 01 01 61 00"),
        FromHex("01 04 08 00"), FromHex("01 02 48 00"), FromHex("01 02 88 00 10")}) {
    CAPTURE(ToHex(payload));
    refused(ParseSpaceDefinition(1, SealRow(SpaceKey(1), payload), &d));
  }
  uint64_t sealed_through = 0;
  refused(ParseTextDescriptor(5, SealRow(TextDescriptorKey(5), FromHex("02 0000000400")),
                              &sealed_through));
  SegmentSummary summary;
  std::string_view dead;
  refused(ParseSegmentRow(5, 9, SealRow(SegmentKey(5, 9), FromHex("02 01")), &summary, &dead));
  VectorDescriptor descriptor;
  refused(ParseVectorDescriptor(
      5, SealRow(VectorDescriptorKey(5), FromHex("03 01 0000000000000005 8001")), &descriptor));
}

TEST_CASE("lists that promise more than there is are refused without being believed") {
  SpaceDefinition d;
  for (const std::string& payload :
       {FromHex("01 02 10 00 ffffffffffffffffff01"),   // 2^64 - 1 fields
        FromHex("01 02 10 00 8120"),                   // one over the bound
        FromHex("01 02 10 00 02 01 61"),               // two, of which one is there
        FromHex("01 02 10 00 01 ffffffff0f 61"),       // one, of 4 GiB
        FromHex("01 02 02 00 ffffffffff01 01 01")}) {  // a dimension over 32 bits
    CAPTURE(ToHex(payload));
    CHECK(absl::IsDataLoss(ParseSpaceDefinition(1, SealRow(SpaceKey(1), payload), &d)));
  }
}

TEST_CASE("definitions are the same when all but their state is") {
  const SpaceDefinition full = FullDefinition();
  SpaceDefinition other = full;
  other.state = SpaceState::kReady;
  CHECK(full.SameAs(other));
  const std::vector<std::function<void(SpaceDefinition&)>> changes = {
      [](auto& d) { d.prefix += "x"; },  [](auto& d) { d.text = false; },
      [](auto& d) { d.analyzer = ""; },  [](auto& d) { d.text_fields.pop_back(); },
      [](auto& d) { d.dimension = 1; },  [](auto& d) { d.metric = 2; },
      [](auto& d) { d.precision = 1; },  [](auto& d) { d.embedder = ""; },
      [](auto& d) { d.values = false; }, [](auto& d) { d.fields = {}; },
  };
  for (const auto& change : changes) {
    other = full;
    change(other);
    CHECK_FALSE(full.SameAs(other));
    const std::string row = EncodeSpaceDefinition(3, other);
    SpaceDefinition read;
    REQUIRE(ParseSpaceDefinition(3, row, &read).ok());
    CHECK_FALSE(full.SameAs(read));
  }
}

TEST_CASE("intact definitions with an unknown metric, precision or dimension are refused") {
  SpaceDefinition d;
  for (const std::string& payload :
       {FromHex("01 02 02 00 03 09 01"), FromHex("01 02 02 00 03 02 07"),
        FromHex("01 02 02 00 8080808008 02 01"), FromHex("01 02 02 00 00 02 01")}) {
    CAPTURE(ToHex(payload));
    CHECK_FALSE(ParseSpaceDefinition(1, SealRow(SpaceKey(1), payload), &d).ok());
  }
  CHECK(ParseSpaceDefinition(1, SealRow(SpaceKey(1), FromHex("01 02 02 00 03 02 01")), &d).ok());
}

}  // namespace
}  // namespace libkv
