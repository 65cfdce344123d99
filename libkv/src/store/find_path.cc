// Finding keys by exact value: candidate rows from the index family, each verified against the
// value that is stored, because rows hold hashes and a snapshot may be older than the value.
#include <algorithm>
#include <charconv>
#include <compare>
#include <optional>
#include <set>
#include <tuple>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "format/ordered_value.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/field_rows.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

// All the ways a JSON field can hold what a user writes as `value`.
std::vector<std::string> OrderedForms(std::string_view value) {
  std::vector<std::string> forms{OrderedText(value)};
  if (value == "null") forms.push_back(OrderedNull());
  if (value == "true" || value == "false") forms.push_back(OrderedBool(value == "true"));
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error == std::errc() && end == value.data() + value.size() && number == number) {
    forms.push_back(OrderedNumber(number));
  }
  return forms;
}

// The prefixes of the rows that can name keys with that value; empty: `space` has no such index.
absl::StatusOr<std::vector<std::string>> RowPrefixes(const ActiveSpace& space,
                                                     const std::string& field,
                                                     std::string_view value) {
  std::vector<std::string> prefixes;
  if (field.empty()) {
    if (space.definition().values) prefixes = {ValueKey(space.id(), HashWide(value), {})};
    return prefixes;
  }
  LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> number, FieldNumber(space, field));
  if (!number.has_value()) return prefixes;
  for (const std::string& form : OrderedForms(value)) {
    prefixes.push_back(FieldKey(space.id(), *number, form, {}));
  }
  return prefixes;
}

// As the snapshot knows the space, if it does: fields come and go.
const ActiveSpace& CapturedOf(const StoreSnapshot& snapshot, const ActiveSpace& space) {
  const ActiveSpace* const captured = snapshot.SpaceOf(space);
  return captured == nullptr ? space : *captured;
}

absl::Status NotIndexed(const std::string& prefix, const std::string& field) {
  const std::string what = field.empty() ? "whole values" : Concat("the field '", field, "'");
  return FailedPrecondition("no space under prefix '", Printable(prefix), "' indexes ", what,
                            ": set Space::values or Space::fields, or CreateFieldIndex");
}

absl::Status CheckLimit(size_t limit) {
  if (limit <= kFindLimitMax) return absl::OkStatus();
  return InvalidArgument("a limit of ", limit, " is above ", kFindLimitMax);
}

struct FoundField {
  std::string ordered, key;
  FieldValue value;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> Store::Impl::FindByValue(const FindOptions& options,
                                                                  std::string_view value) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_RETURN_IF_ERROR(CheckLimit(options.limit));
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  const EngineRead read{.snapshot = snapshot->rows.get()};
  bool indexed = false;
  std::set<std::string> keys;  // of several rows and spaces, in order
  for (const ActiveSpace* newest : Spaces().Overlapping(options.prefix)) {
    const ActiveSpace* const space = &CapturedOf(*snapshot, *newest);
    LIBKV_ASSIGN_OR_RETURN(const std::vector<std::string> row_prefixes,
                           RowPrefixes(*space, options.field, value));
    for (const std::string& row_prefix : row_prefixes) {
      indexed = true;
      const auto cursor = engine_->NewCursor(Family::kIndex, read, row_prefix + options.prefix,
                                             PrefixEnd(row_prefix + options.prefix));
      size_t taken = 0;
      for (cursor->SeekToFirst(); cursor->Valid() && taken < options.limit; cursor->Next()) {
        const std::string_view key = cursor->key().substr(row_prefix.size());
        PinnedValue pinned;
        Record record;
        const absl::Status status = ReadLive(read, key, &pinned, &record);
        if (absl::IsNotFound(status)) continue;
        LIBKV_RETURN_IF_ERROR(status);
        DerivedDocument actual;
        DeriveValueRows(*space, record.value, &actual);
        const std::vector<std::string> rows = ValueRowKeys(*space, key, actual);
        if (std::find(rows.begin(), rows.end(), cursor->key()) == rows.end()) continue;
        // Long texts are found by their hash: compare the whole.
        if (options.field.empty() && record.value != value) continue;
        keys.emplace(key);
        ++taken;
      }
      LIBKV_RETURN_IF_ERROR(cursor->status());
    }
  }
  if (!indexed) return NotIndexed(options.prefix, options.field);
  std::vector<std::string> found(keys.begin(), keys.end());
  if (found.size() > options.limit) found.resize(options.limit);
  return found;
}

absl::StatusOr<std::vector<FieldHit>> Store::Impl::QueryField(const FieldQuery& query) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_RETURN_IF_ERROR(CheckLimit(query.limit));
  std::string first, last;
  if (query.first.has_value()) {
    LIBKV_ASSIGN_OR_RETURN(first, ToOrdered(*query.first));
  }
  if (query.last.has_value()) {
    LIBKV_ASSIGN_OR_RETURN(last, ToOrdered(*query.last));
  }
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(query.snapshot);
  const EngineRead read{.snapshot = snapshot->rows.get()};
  bool indexed = false;
  std::vector<FoundField> found;  // of all spaces: the best `limit` of each
  for (const ActiveSpace* newest : Spaces().Overlapping(query.prefix)) {
    const ActiveSpace* const space = &CapturedOf(*snapshot, *newest);
    LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> number, FieldNumber(*space, query.field));
    if (!number.has_value()) continue;
    indexed = true;
    const std::string all = FieldKey(space->id(), *number, {}, {});
    const std::string lower = all + first;
    // The end of a range that includes all keys with the last value.
    const std::string upper = PrefixEnd(all + last);
    const auto cursor = engine_->NewCursor(Family::kIndex, read, lower, upper);
    query.descending ? cursor->SeekToLast() : cursor->SeekToFirst();
    for (size_t taken = 0; cursor->Valid() && taken < query.limit;
         query.descending ? cursor->Prev() : cursor->Next()) {
      uint16_t unused = 0;
      std::string_view ordered, key;
      OrderedValue value;
      if (!ParseFieldSuffix(
              cursor->key().substr(IndexPrefix(space->id(), IndexKind::kField).size()), &unused,
              &ordered, &key) ||
          !ParseOrderedValue(ordered, &value)) {
        return DataLoss("field row '", Printable(cursor->key()), "' is damaged");
      }
      if (!key.starts_with(query.prefix)) continue;
      PinnedValue pinned;
      Record record;
      const absl::Status status = ReadLive(read, key, &pinned, &record);
      if (absl::IsNotFound(status)) continue;  // expired
      LIBKV_RETURN_IF_ERROR(status);
      if (value.text_is_cut) value.text = WholeText(record.value, query.field, ordered);
      found.push_back({std::string(ordered), std::string(key), ToFieldValue(std::move(value))});
      ++taken;
    }
    LIBKV_RETURN_IF_ERROR(cursor->status());
  }
  if (!indexed) return NotIndexed(query.prefix, query.field);
  std::sort(found.begin(), found.end(), [&](const FoundField& a, const FoundField& b) {
    const auto order = std::tie(a.ordered, a.key) <=> std::tie(b.ordered, b.key);
    return query.descending ? order > 0 : order < 0;
  });
  if (found.size() > query.limit) found.resize(query.limit);
  std::vector<FieldHit> hits;
  hits.reserve(found.size());
  for (FoundField& field : found) hits.push_back({std::move(field.key), std::move(field.value)});
  return hits;
}

}  // namespace libkv
