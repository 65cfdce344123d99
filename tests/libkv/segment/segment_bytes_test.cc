// The rows of segments, byte for byte. The golden bytes were written by hand from
// libkv/doc/format.md; no encoder of this library made them.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "format/keys.h"
#include "libkv/format/hex.h"
#include "segment/segment.h"
#include "segment/segment_source.h"
#include "support/segment_model.h"
#include "support/store_test.h"
#include "support/temp_dir.h"

namespace libkv {
namespace {

std::string Times(size_t count, const std::string& hex) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += FromHex(hex);
  return all;
}

std::string Chunk(char kind, const std::string& hex) { return kind + FromHex(hex); }

// 130 documents under one key. All have "b", so that its list has a full block and one of two.
Model GoldenModel() {
  Model model;
  for (uint32_t i = 0; i < 130; ++i) {
    model.documents.push_back({.id = i + 1, .key = "k", .words = 1, .cosine = 0x2000});  // 4.0
    model.terms["b"][i] = {1, {1}};
  }
  model.documents[129].words = 3;
  model.terms["b"][129] = {3, {1, 2, 3}};
  model.terms["a"][0] = {1, {3}};
  model.terms["a"][2] = {2, {0, 5}};
  model.words = {{{"a", "a"}, 2}, {{"as", "a"}, 1}, {{"bx", "b"}, 130}, {{"c", "no row"}, 1}};
  return model;
}

std::map<std::string, std::string> GoldenRows() {
  std::map<std::string, std::string> rows;
  // Four groups of 16 keys and 33 bytes; then one of two.
  const std::string group = FromHex("00 01 6b") + Times(15, "01 00");
  const std::string groups = group + group + group + group;
  rows[Chunk('K', "00000000")] = FromHex("10000000 31000000 52000000 73000000") + groups;
  rows[Chunk('K', "00000001")] = FromHex("10000000 31000000 52000000 73000000") + groups;
  rows[Chunk('K', "00000002")] = FromHex("04000000 00 01 6b 01 00");
  rows[Chunk('N', "00000000")] = FromHex("8201 00")                  // 130, no expiries
                                 + Times(130, "02")                  // each id is one more
                                 + Times(129, "01") + FromHex("03")  // words
                                 + Times(130, "0020");               // cosine
  // Differences 0, 1, 1, ... in one bit each, and no bits for frequencies; then two by themselves.
  rows[Chunk('P', "00000000 00000000")] = FromHex(
      "01 00 feffffff ffffffff ffffffff ffffffff"
      "03"
      "02 03");
  rows[Chunk('Q', "00000000 00000000")] = FromHex(
      "01 ffffffff ffffffff ffffffff ffffffff"
      "01 01 01 01");
  rows["Ta"] = FromHex(
      "02 03"       // 2 documents, 3 occurrences
      "01 04 02"    // document 0, once; document 2, twice
      "03 00 05");  // positions
  rows["Tb"] = FromHex(
      "8201 8401 00000000"          // 130 documents, 132 occurrences, list 0
      "3785 010001 030003 030003"   // of all: (1 + ln 3) / 4, once in 1 word, 3 times in 3
      "01 00000000"                 // one row of positions, from block 0 on
      "7f000000 00000000 00000000"  // up to document 127, both at 0
      "7a3f 010001 010001 010001"   // 1 / 4
      "81000000 12000000 11000000"  // up to document 129
      "3785 010001 030003 030003");
  rows["Wa"] = FromHex(
      "00 01 61 01 00 02"        // "a" of "a", 2 documents
      "01 01 73 01 00 01"        // "as" of "a"
      "00 02 6278 01 00 8201");  // "bx" of "b"
  return rows;
}

TEST_CASE("the rows of a segment have the bytes of the format page") {
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  WriteModel(*engine, 1, 2, dir.path(""), GoldenModel());
  const auto rows = RowsOf(*engine, 1, 2), golden = GoldenRows();
  CHECK(rows.size() == golden.size());
  for (const auto& [key, value] : golden) {
    CAPTURE(ToHex(key));
    REQUIRE(rows.count(key) == 1);
    CHECK(ToHex(rows.at(key)) == ToHex(value));
  }
}

TEST_CASE("documents that expire, with ids in any order, have the bytes of the format page") {
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  Model model;
  model.documents.push_back({.id = 5, .key = "a", .words = 1});
  model.documents.push_back({.id = 3, .key = "b", .words = 300, .expiry = 258});
  WriteModel(*engine, 1, 2, dir.path(""), model);
  CHECK(ToHex(RowsOf(*engine, 1, 2).at(Chunk('N', "00000000"))) ==
        ToHex(FromHex("02 01 0a 03 01 ac02 0000 0000 0000000000000000 0000000000000102")));
}

TEST_CASE("golden rows are read as what they say") {
  const TempDir dir;
  const auto engine = OpenSegmentEngine(dir.path());
  const auto batch = engine->NewBatch();
  for (const auto& [key, value] : GoldenRows()) {
    batch->Put(Family::kSegments, SegmentPrefix(9, 9) + key, value);
  }
  REQUIRE_OK(engine->Write(*batch, false));
  const auto segment = Segment::Load(*engine, 9, 9, 130);
  REQUIRE_OK(segment);
  CHECK((*segment)->DocumentId(129) == 130);
  CHECK((*segment)->Words(129) == 3);
  CHECK((*segment)->CosineCode(7) == 0x2000);
  const SegmentSource source(**segment);
  const auto cursor = source.Open("b");
  REQUIRE(cursor != nullptr);
  cursor->SeekTo(129);
  CHECK(cursor->frequency() == 3);
  std::vector<uint32_t> positions;
  cursor->Positions(&positions);
  CHECK(positions == std::vector<uint32_t>{1, 2, 3});
  const auto words = source.OpenWords("as");
  REQUIRE(words->valid());
  CHECK(words->term() == "a");
  CHECK_OK(source.status());
}

}  // namespace
}  // namespace libkv
