// Finding keys by exact values: of the whole value, or of a field of JSON values.
#ifndef LIBKV_FIND_H_
#define LIBKV_FIND_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "libkv/snapshot.h"

namespace libkv {

inline constexpr size_t kFindLimitMax = 1'000'000;

struct FindOptions {
  std::string prefix;                        // only keys that begin with it
  std::string field;                         // "": the whole value
  size_t limit = 1'000;                      // at most kFindLimitMax
  std::shared_ptr<const Snapshot> snapshot;  // null: every write that was acknowledged
};

// What a JSON field can hold. Values of all kinds have one order: null < false < true < numbers by
// size (-0 is 0, and 1 is 1.0) < texts by their bytes. Of texts over 240 bytes only the first 240
// count for the order.
using FieldValue = std::variant<std::nullptr_t, bool, double, std::string>;

// Some of the values of one field: those from `first` to `last`, inclusive, as in FieldQuery.
// {"year", 2001.0, 2005.0} finds numbers only. Both equal: that value.
struct FieldFilter {
  std::string field;                                // one of Space::fields, or of CreateFieldIndex
  std::optional<FieldValue> first = {}, last = {};  // not set: no bound. Must not be NaN.
  bool after_first = false;                         // without `first` itself
  bool before_last = false;                         // without `last` itself
  // A text as a bound stands for all texts that begin with it, so that "2024-03" as `last` has all
  // of March, and as `first` and `last` the texts that begin so.
  bool by_beginning = false;

  bool operator==(const FieldFilter&) const = default;
};
inline constexpr size_t kFiltersMax = 64;  // of a query and of its options, each

// A range of the values of one field, in their order.
struct FieldQuery {
  std::string prefix;  // only keys that begin with it
  std::string field;   // one of Space::fields
  // Inclusive; not set: no bound on that side. {100.0, 200.0} finds numbers only; from "a" up,
  // texts only. Must not be NaN.
  std::optional<FieldValue> first, last;
  bool descending = false;
  size_t limit = 1'000;                      // at most kFindLimitMax
  std::shared_ptr<const Snapshot> snapshot;  // null: every write that was acknowledged
};

// An array counts as each of its elements: its key may be found several times.
struct FieldHit {
  std::string key;
  FieldValue value;
};

}  // namespace libkv

#endif  // LIBKV_FIND_H_
