#include "store/field_rows.h"

#include <cmath>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "format/record.h"
#include "index/index_rows.h"
#include "text/json_text.h"

namespace libkv {
namespace {

std::string UpperBound(const std::string& prefix, const OrderedRange& range) {
  return range.has_last ? prefix + range.last : PrefixEnd(prefix);
}

}  // namespace

absl::StatusOr<std::optional<uint16_t>> FieldNumber(const ActiveSpace& space,
                                                    std::string_view field) {
  const std::optional<uint16_t> number = space.definition().FieldNumber(field);
  if (number.has_value() && space.definition().StateOf(*number) == FieldState::kBuilding) {
    return FailedPrecondition("the index of the field '", field, "' is being built");
  }
  return number;
}

absl::StatusOr<std::string> ToOrdered(const FieldValue& value) {
  if (std::holds_alternative<bool>(value)) return OrderedBool(std::get<bool>(value));
  if (std::holds_alternative<std::string>(value)) return OrderedText(std::get<std::string>(value));
  if (std::holds_alternative<std::nullptr_t>(value)) return OrderedNull();
  const double number = std::get<double>(value);
  if (std::isnan(number)) return InvalidArgument("a value of a field is NaN");
  return OrderedNumber(number);
}

FieldValue ToFieldValue(OrderedValue value) {
  switch (value.kind) {
    case OrderedValue::Kind::kNull:
      return nullptr;
    case OrderedValue::Kind::kBool:
      return value.boolean;
    case OrderedValue::Kind::kNumber:
      return value.number;
    case OrderedValue::Kind::kText:
      break;
  }
  return std::move(value.text);
}

std::string WholeText(std::string_view value, std::string_view field, std::string_view ordered) {
  std::string whole;
  ForEachJsonLeaf(value, [&](std::string_view path, const JsonLeaf& leaf) {
    const bool is_it = path == field && leaf.kind == JsonLeaf::Kind::kString;
    if (is_it && OrderedText(leaf.text) == ordered) whole = leaf.text;
  });
  return whole;
}

absl::StatusOr<OrderedRange> RangeOf(const FieldFilter& filter) {
  // What all values that a bound stands for begin with.
  const auto beginning = [&](const FieldValue& bound) -> absl::StatusOr<std::string> {
    const auto* const text = std::get_if<std::string>(&bound);
    if (filter.by_beginning && text != nullptr) return OrderedTextBeginning(*text);
    return ToOrdered(bound);
  };
  OrderedRange range;
  if (filter.first.has_value()) {
    LIBKV_ASSIGN_OR_RETURN(range.first, beginning(*filter.first));
    if (filter.after_first) range.first = PrefixEnd(range.first);
  }
  if (filter.last.has_value()) {
    LIBKV_ASSIGN_OR_RETURN(range.last, beginning(*filter.last));
    if (!filter.before_last) range.last = PrefixEnd(range.last);
    range.has_last = true;
  }
  return range;
}

FieldCursor::FieldCursor(const Engine& engine, const EngineRead& read, const ActiveSpace& space,
                         uint16_t field, const OrderedRange& range)
    : engine_(engine),
      read_(read),
      space_(space),
      field_(field),
      prefix_(FieldKey(space.id(), field, {}, {})),
      cursor_(engine.NewCursor(Family::kIndex, read, prefix_ + range.first,
                               UpperBound(prefix_, range))) {}

void FieldCursor::Seek(std::string_view ordered, std::string_view key) {
  cursor_->Seek(Concat(prefix_, ordered, key));
  Take();
}

void FieldCursor::SeekBefore(std::string_view ordered, std::string_view key) {
  const std::string end = Concat(prefix_, ordered, key);
  cursor_->SeekForPrev(end);
  if (cursor_->Valid() && cursor_->key() == end) cursor_->Prev();
  Take();
}

void FieldCursor::Take() {
  valid_ = status_.ok() && cursor_->Valid();
  if (!valid_) return;
  const std::string_view rest = cursor_->key().substr(prefix_.size());
  const size_t bytes = OrderedValueBytes(rest);
  if (bytes == 0) {
    status_ = DataLoss("field row '", Printable(cursor_->key()), "' is damaged");
    valid_ = false;
    return;
  }
  ordered_ = rest.substr(0, bytes);
  key_ = rest.substr(bytes);
}

bool FieldCursor::ReadRecordOf(PinnedValue* pinned, Record* record) {
  bool found = false;
  absl::Status status = engine_.Get(Family::kData, read_, key_, pinned, &found);
  if (status.ok() && found) status = ReadRecord(key_, pinned->view(), record);
  if (!status.ok()) status_ = std::move(status);
  return status_.ok() && found;
}

uint64_t FieldCursor::document() {
  uint64_t document = 0;
  if (ParseFieldRow(cursor_->value(), &document)) return document;
  PinnedValue pinned;
  Record record;
  if (!ReadRecordOf(&pinned, &record) || record.header.space != space_.id()) return 0;
  return record.header.document;
}

FieldValue FieldCursor::Value() {
  OrderedValue value;
  ParseOrderedValue(ordered_, &value);
  PinnedValue pinned;
  Record record;
  if (value.text_is_cut && ReadRecordOf(&pinned, &record)) {
    value.text = WholeText(record.value, space_.definition().fields[field_], ordered_);
  }
  return ToFieldValue(std::move(value));
}

}  // namespace libkv
