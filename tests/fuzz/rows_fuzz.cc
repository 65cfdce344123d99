// Records, row keys and rows of any bytes. What parses must come out again when it is written.
//
// input := sealed:u8 kind:u8 bytes. Where rows carry a checksum, an odd `sealed` adds the right
// one, so that the parser behind it is reached.
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "format/ordered_value.h"
#include "format/record.h"
#include "format/row.h"
#include "index/index_rows.h"
#include "vector/code.h"

namespace libkv {
namespace {

void Records(std::string_view bytes) {
  Record record;
  if (!ParseRecord("key", bytes, &record).ok()) return;
  RecordIsIntact("key", bytes);
  // A space of 0 and a time of 0 mean "none" and are not written.
  std::string written;
  AppendRecord(written, "key", record.header, record.value);
  Record again;
  LIBKV_CHECK(ReadRecord("key", written, &again).ok());
  LIBKV_CHECK(again.value == record.value && again.header.stamp == record.header.stamp);
  LIBKV_CHECK(again.header.expiry == record.header.expiry);
  LIBKV_CHECK(again.header.space == record.header.space);
}

void Keys(std::string_view row_key) {
  uint32_t space = 0, list = 0;
  uint8_t kind = 0;
  uint16_t field = 0;
  uint64_t document = 0;
  int64_t expiry = 0;
  Hash128 hash;
  std::string_view rest, key, ordered;
  if (!ParseRowKey(row_key, &space, &kind, &rest)) return;
  if (ParseDocumentSuffix(rest, &document)) {
    LIBKV_CHECK(DocumentKey(space, document).substr(5) == rest);
  }
  if (ParsePostingSuffix(rest, &list, &document)) {
    LIBKV_CHECK(PostingKey(space, list, document).substr(5) == rest);
  }
  if (ParseValueSuffix(rest, &hash, &key)) {
    LIBKV_CHECK(ValueKey(space, hash, key).substr(5) == rest);
  }
  if (ParseExpirySuffix(rest, &expiry, &key)) {
    LIBKV_CHECK(ExpiryKey(expiry, key).substr(5) == rest);
  }
  if (ParseFieldSuffix(rest, &field, &ordered, &key)) {
    LIBKV_CHECK(FieldKey(space, field, ordered, key).substr(5) == rest);
    LIBKV_CHECK(OrderedValueBytes(ordered) == ordered.size());
  }
  LIBKV_CHECK(OrderedValueBytes(row_key) <= row_key.size());
  const std::string end = PrefixEnd(row_key);
  LIBKV_CHECK(end.empty() || end > row_key);
}

void Catalog(std::string_view row, std::string_view sealed_space, std::string_view sealed_text,
             std::string_view sealed_vector) {
  IdsRow ids;
  uint32_t format = 0, min_reader = 0;
  uint64_t sealed_through = 0;
  static_cast<void>(ParseIdsRow(row, &ids));
  static_cast<void>(ParseFormatRow(row, &format, &min_reader));
  SpaceDefinition definition;
  if (ParseSpaceDefinition(1, sealed_space, &definition).ok()) {
    SpaceDefinition again;
    const std::string written = EncodeSpaceDefinition(1, definition);
    LIBKV_CHECK(ParseSpaceDefinition(1, written, &again).ok());
    // Metric and precision of no dimensions are not written.
    if (definition.dimension != 0) LIBKV_CHECK(again.SameAs(definition));
    LIBKV_CHECK(again.state == definition.state);
  }
  if (ParseTextDescriptor(1, sealed_text, &sealed_through).ok()) {
    LIBKV_CHECK(EncodeTextDescriptor(1, sealed_through) == sealed_text);
  }
  VectorDescriptor descriptor;
  static_cast<void>(ParseVectorDescriptor(1, sealed_vector, &descriptor));
}

void Vectors(std::string_view row, std::string_view code) {
  std::vector<float> vector;
  static_cast<void>(ParseVectorRow("key", row, row.size() / 4, &vector));
  static_cast<void>(ParseVectorRow("key", row, row.size() / 2, &vector));
  uint32_t words = 0;
  std::string_view key;
  if (ParseDocumentRow(code, &words, &key)) {
    uint32_t same_words = 0;
    std::string_view same_key;
    LIBKV_CHECK(ParseDocumentRow(EncodeDocumentRow(words, key), &same_words, &same_key));
    LIBKV_CHECK(same_words == words);
  }
  const absl::StatusOr<CodeView> view = DecodeCode(code, 64);
  if (!view.ok()) return;
  LIBKV_CHECK(view->values.size() == 64);
  LIBKV_CHECK(std::isfinite(view->code.scale) && view->code.scale >= 0);
  LIBKV_CHECK(std::isfinite(view->code.norm2) && view->code.norm2 >= 0);
}

void Run(std::string_view input) {
  if (input.size() < 2) return;
  const bool sealed = input[0] & 1;
  const int kind = input[1] & 3;
  const std::string_view bytes = input.substr(2);
  const auto seal = [&](std::string_view key) {
    return sealed ? SealRow(key, std::string(bytes)) : std::string(bytes);
  };
  switch (kind) {
    case 0:
      return Records(seal("key"));
    case 1:
      return Keys(bytes);
    case 2:
      Catalog(seal(kIdsKey), seal(SpaceKey(1)), seal(TextDescriptorKey(1)),
              seal(VectorDescriptorKey(1)));
      return Catalog(seal(kFormatKey), {}, {}, {});
    default:
      return Vectors(seal("key"), bytes);
  }
}

}  // namespace
}  // namespace libkv

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  libkv::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
