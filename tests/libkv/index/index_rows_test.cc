// The rows of one document, byte by byte, and what is left of it when it goes. Golden bytes are
// written by hand from libkv/doc/format.md, checksums computed with libxxhash.
#include "index/index_rows.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "format/catalog_rows.h"
#include "format/keys.h"
#include "libkv/format/hex.h"
#include "support/store_test.h"

namespace libkv {
namespace {

const std::string kVectorRowKey = FromHex("00000005 56 0000000102");
const std::string kFloat32Row = FromHex("01 0000803f 000020c0 faa0b238100f6b65");
const std::string kFloat16Row = FromHex("02 003c 00c1 81307623344e7f65");

TEST_CASE("rows of a document have the bytes of the format page") {
  const float vector[] = {1, -2.5f};
  CHECK(ToHex(EncodeVectorRow(kVectorRowKey, VectorPrecision::kFloat32, vector)) ==
        ToHex(kFloat32Row));
  CHECK(ToHex(EncodeVectorRow(kVectorRowKey, VectorPrecision::kFloat16, vector)) ==
        ToHex(kFloat16Row));
  CHECK(ToHex(EncodeDocumentRow(300, "key")) ==
        "ac02"
        "6b6579");
  CHECK(ToHex(EncodeFieldRow(300)) == "ac02");
  uint64_t document = 0;
  REQUIRE(ParseFieldRow(FromHex("ac02"), &document));
  CHECK(document == 300);
  CHECK_FALSE(ParseFieldRow("", &document));
  CHECK_FALSE(ParseFieldRow(FromHex("ac0200"), &document));
}

TEST_CASE("rows of a document are read as what they say") {
  std::vector<float> vector;
  for (const std::string& row : {kFloat32Row, kFloat16Row}) {
    REQUIRE_OK(ParseVectorRow(kVectorRowKey, row, 2, &vector));
    CHECK(vector == std::vector<float>{1, -2.5f});
  }
  uint32_t words = 0;
  std::string_view key;
  const std::string map_row = FromHex("ac02 6b6579");
  REQUIRE(ParseDocumentRow(map_row, &words, &key));
  CHECK(words == 300);
  CHECK(key == "key");
  CHECK_FALSE(ParseDocumentRow("", &words, &key));
  CHECK_FALSE(ParseDocumentRow(FromHex("ac"), &words, &key));
  CHECK_FALSE(ParseDocumentRow(FromHex("8080808010"), &words, &key));
}

TEST_CASE("every flipped bit, every cut and every other dimension of a vector row is DataLoss") {
  std::vector<float> vector;
  for (const std::string& row : {kFloat32Row, kFloat16Row}) {
    ForEachBitFlip(row, [&](const std::string& damaged, size_t bit) {
      CAPTURE(bit);
      CHECK(absl::IsDataLoss(ParseVectorRow(kVectorRowKey, damaged, 2, &vector)));
    });
    ForEachTruncation(row, [&](std::string_view shorter, size_t cut) {
      CAPTURE(cut);
      CHECK(absl::IsDataLoss(ParseVectorRow(kVectorRowKey, shorter, 2, &vector)));
    });
    for (const size_t dimension : {0, 1, 3, 4}) {
      CHECK(absl::IsDataLoss(ParseVectorRow(kVectorRowKey, row, dimension, &vector)));
    }
    CHECK(absl::IsDataLoss(ParseVectorRow(VectorKey(5, 0x103), row, 2, &vector)));
  }
}

// The rows of one kind in the index family of a closed store, as documents.
std::vector<uint64_t> DocumentsOf(const std::string& directory, uint32_t space, IndexKind kind) {
  EngineOptions options;
  options.read_only = true;
  const auto engine = Engine::Open(options, directory);
  REQUIRE_OK(engine);
  const std::string prefix = IndexPrefix(space, kind);
  const auto cursor = (*engine)->NewCursor(Family::kIndex, {}, prefix, PrefixEnd(prefix));
  std::vector<uint64_t> documents;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    uint64_t document = 0;
    REQUIRE(ParseDocumentSuffix(cursor->key().substr(prefix.size()), &document));
    CHECK((kind != IndexKind::kDeadMarker || cursor->value().empty()));
    documents.push_back(document);
  }
  CHECK_OK(cursor->status());
  return documents;
}

TEST_CASE("only a document in a sealed segment leaves a dead marker") {
  // Method: documents 1 to 3 are sealed, 4 and 5 are not; then some are replaced.
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
    const KeyValue sealed[] = {{"a", "apple"}, {"b", "banana"}, {"c", "cherry"}};
    REQUIRE_OK(store->BulkSet({}, sealed));
    REQUIRE_OK(store->SealIndex(""));
    const KeyValue others[] = {{"d", "date"}, {"e", "elder"}};
    REQUIRE_OK(store->BulkSet({}, others));
  }
  constexpr uint32_t kSpace = 1;
  REQUIRE(DocumentsOf(dir.path(), kSpace, IndexKind::kDocument) ==
          std::vector<uint64_t>{1, 2, 3, 4, 5});
  {
    const auto store = OpenStore(dir.path());
    REQUIRE_OK(store->Set({}, "a", "apricot"));  // document 1
    REQUIRE_OK(store->Delete({}, "c"));          // document 3
    REQUIRE_OK(store->Set({}, "d", "dill"));     // document 4
    REQUIRE_OK(store->Delete({}, "e"));          // document 5
    REQUIRE_OK(store->Set({}, "a", "almond"));   // a new document
    CHECK(Search(*store, "almond") == "a");
    CHECK(Search(*store, "apple OR apricot OR cherry OR date OR elder") == "");
    CheckVerifies(*store);
  }
  CHECK(DocumentsOf(dir.path(), kSpace, IndexKind::kDeadMarker) == std::vector<uint64_t>{1, 3});
  const std::vector<uint64_t> living = DocumentsOf(dir.path(), kSpace, IndexKind::kDocument);
  REQUIRE(living.size() == 3);
  CHECK(living[0] == 2);
  CHECK(living[1] > 5);
  const auto store = OpenStore(dir.path());
  CHECK(Search(*store, "almond OR banana OR dill OR apricot OR cherry") != "");
  CHECK(store->Search({}, "almond OR banana OR dill OR apricot OR cherry")->total == 3);
  CheckVerifies(*store);
}

TEST_CASE("a pending row is one byte that says what its document waits for") {
  CHECK(EncodePendingRow(PendingState::kWaiting) == "\x01");
  CHECK(EncodePendingRow(PendingState::kRefused) == "\x02");
  PendingState state{};
  REQUIRE(ParsePendingRow("\x02", &state));
  CHECK(state == PendingState::kRefused);
  for (const std::string_view bad : {"", "\x03", "\x01\x01"}) {
    CHECK_FALSE(ParsePendingRow(bad, &state));
  }
  CHECK(PendingKey(7, 0x0102030405) == std::string("\0\0\0\7P\1\2\3\4\5", 10));
}

}  // namespace
}  // namespace libkv
