// Finding keys by exact value: candidate rows from the index family, each verified against the
// value that is stored, because rows hold hashes and a snapshot may be older than the value.
#include <algorithm>
#include <charconv>
#include <set>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "format/ordered_value.h"
#include "index/derive.h"
#include "index/index_rows.h"
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
std::vector<std::string> RowPrefixes(const ActiveSpace& space, const std::string& field,
                                     std::string_view value) {
  const SpaceDefinition& definition = space.definition();
  if (field.empty()) {
    if (!definition.values) return {};
    return {ValueKey(space.id(), HashWide(value), {})};
  }
  const auto it = std::find(definition.fields.begin(), definition.fields.end(), field);
  if (it == definition.fields.end()) return {};
  const auto number = static_cast<uint16_t>(it - definition.fields.begin());
  std::vector<std::string> prefixes;
  for (const std::string& form : OrderedForms(value)) {
    prefixes.push_back(FieldKey(space.id(), number, form, {}));
  }
  return prefixes;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Store::Impl::FindByValue(const FindOptions& options,
                                                                  std::string_view value) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  const std::shared_ptr<const StoreSnapshot> snapshot = GetSnapshot();
  const EngineRead read{.snapshot = snapshot->rows.get()};
  bool indexed = false;
  std::set<std::string> keys;  // of several rows and spaces, in order
  for (const ActiveSpace* space : Spaces().Overlapping(options.prefix)) {
    for (const std::string& row_prefix : RowPrefixes(*space, options.field, value)) {
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
  if (!indexed) {
    return FailedPrecondition("no space under prefix '", Printable(options.prefix), "' indexes ",
                              options.field.empty() ? "whole values" : "the field '", options.field,
                              options.field.empty() ? "" : "'",
                              ": set Space::values or Space::fields");
  }
  std::vector<std::string> found(keys.begin(), keys.end());
  if (found.size() > options.limit) found.resize(options.limit);
  return found;
}

}  // namespace libkv
