// Records, row keys and rows of any bytes. What parses must come out again when it is written.
//
// input := sealed:u8 kind:u8 bytes. Where rows carry a checksum, an odd `sealed` adds the right
// one, so that the parser behind it is reached.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "format/application_row.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "format/ordered_value.h"
#include "format/record.h"
#include "format/row.h"
#include "index/index_rows.h"
#include "segment/segment_format.h"
#include "segment/term_row.h"
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
  uint32_t segment = 0;
  if (ParseSegmentSuffix(rest, &segment)) {
    LIBKV_CHECK(SegmentKey(space, segment).substr(5) == rest);
  }
  if (ParseSegmentRowKey(row_key, &space, &segment, &kind, &rest)) {
    LIBKV_CHECK(SegmentTextKey(space, segment, static_cast<SegmentKind>(kind), rest) == row_key);
  }
  LIBKV_CHECK(OrderedValueBytes(row_key) <= row_key.size());
  const std::string end = PrefixEnd(row_key);
  LIBKV_CHECK(end.empty() || end > row_key);
}

void Catalog(std::string_view row, std::string_view sealed_space, std::string_view sealed_text,
             std::string_view sealed_vector, std::string_view sealed_segment) {
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
  SegmentSummary summary, same;
  std::string_view dead, same_dead;
  if (ParseSegmentRow(1, 1, sealed_segment, &summary, &dead).ok()) {
    const std::string written = EncodeSegmentRow(1, 1, summary, dead);
    LIBKV_CHECK(ParseSegmentRow(1, 1, written, &same, &same_dead).ok());
    LIBKV_CHECK(same == summary && same_dead == dead);
  }
  VectorDescriptor descriptor;
  static_cast<void>(ParseVectorDescriptor(1, sealed_vector, &descriptor));
}

void ApplicationRows(std::string_view row_key, std::string_view row) {
  std::string_view value;
  if (!ReadApplicationRow(row_key, row, &value).ok()) return;
  std::string written;
  AppendApplicationRow(written, row_key, value);
  // A value has one row of each version.
  if (written[0] == row[0]) LIBKV_CHECK(written == row);
  std::string_view again;
  LIBKV_CHECK(ReadApplicationRow(row_key, written, &again).ok());
  LIBKV_CHECK(again == value);
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

// What a term row promises must be there, wherever one looks.
void Terms(std::string_view row) {
  TermRow term;
  if (!ParseTermRow(row, &term)) return;
  LIBKV_CHECK(term.is_long() == (term.documents > kShortTermMax));
  uint32_t before = 0;
  for (uint32_t block = 0; block < term.blocks; ++block) {
    const uint32_t last = term.Last(block);
    const uint32_t found = term.FindBlock(before, last);
    LIBKV_CHECK(found >= before);
    LIBKV_CHECK(found == term.blocks || term.Last(found) >= last);
    LIBKV_CHECK(term.Bounds(block).count >= 1);
    static_cast<void>(term.BlockOffset(block) + term.PositionsOffset(block));
    before = std::min(found, term.blocks - 1);
  }
  for (uint32_t i = 0; i < term.position_rows; ++i) static_cast<void>(term.FirstBlock(i));
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
      Terms(bytes);
      return Keys(bytes);
    case 2:
      ApplicationRows("rowname", seal("rowname"));
      if (sealed) {  // as of a short one
        std::string row(bytes);
        AppendFixed32(row, static_cast<uint32_t>(Hash64(bytes, Hash64("rowname"))));
        ApplicationRows("rowname", row);
      }
      Catalog(seal(kIdsKey), seal(SpaceKey(1)), seal(TextDescriptorKey(1)),
              seal(VectorDescriptorKey(1)), seal(SegmentKey(1, 1)));
      return Catalog(seal(kFormatKey), {}, {}, {}, {});
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
