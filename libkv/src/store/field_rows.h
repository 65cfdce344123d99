// Field rows: what JSON fields hold, in the order of the values, with the document of each.
//
// A walk over a range of them gives a set of documents without a look at the records: about 150 ns
// a row. Rows of older versions do not name the document; then each costs a read of its record.
#ifndef LIBKV_SRC_STORE_FIELD_ROWS_H_
#define LIBKV_SRC_STORE_FIELD_ROWS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "format/ordered_value.h"
#include "format/record.h"
#include "index/space_table.h"
#include "libkv/find.h"

namespace libkv {

// The number of a field that can be asked for; nothing: `space` does not index it.
// FailedPrecondition: it is being built.
absl::StatusOr<std::optional<uint16_t>> FieldNumber(const ActiveSpace& space,
                                                    std::string_view field);

// InvalidArgument: NaN.
absl::StatusOr<std::string> ToOrdered(const FieldValue& value);

// `value` may be a row's: of a long text, only the beginning.
FieldValue ToFieldValue(OrderedValue value);

// The whole text behind a row that holds only its beginning; `value` is the record's.
std::string WholeText(std::string_view value, std::string_view field, std::string_view ordered);

// The rows that hold the values of a filter, as keys without the field's prefix: [first, last).
struct OrderedRange {
  std::string first, last;
  bool has_last = false;  // false: to the end of the field
};
absl::StatusOr<OrderedRange> RangeOf(const FieldFilter& filter);

// Walks over rows of one field of one space. Views live until the next move.
class FieldCursor {
 public:
  FieldCursor(const Engine& engine, const EngineRead& read, const ActiveSpace& space,
              uint16_t field, const OrderedRange& range = {});

  void SeekToFirst() { cursor_->SeekToFirst(), Take(); }
  void SeekToLast() { cursor_->SeekToLast(), Take(); }
  void Seek(std::string_view ordered, std::string_view key = {});        // at or after
  void SeekBefore(std::string_view ordered, std::string_view key = {});  // the last one before
  void Next() { cursor_->Next(), Take(); }

  bool valid() const { return valid_; }
  std::string_view ordered() const { return ordered_; }
  std::string_view key() const { return key_; }
  uint64_t document();  // 0: none
  FieldValue Value();   // whole, whatever it costs

  // Of a row that could not be read, too.
  absl::Status status() const { return status_.ok() ? cursor_->status() : status_; }

 private:
  void Take();
  bool ReadRecordOf(PinnedValue* pinned, Record* record);

  const Engine& engine_;
  const EngineRead read_;
  const ActiveSpace& space_;
  const uint16_t field_;
  const std::string prefix_;
  std::unique_ptr<EngineCursor> cursor_;
  bool valid_ = false;
  std::string_view ordered_, key_;
  absl::Status status_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_FIELD_ROWS_H_
