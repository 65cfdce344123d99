#include "command/field_filters.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/numbers.h"

namespace kvserver {
namespace {

using libkv::FieldFilter;
using libkv::FieldValue;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of the escapes only those that a quote needs.
std::string Unquoted(std::string_view text) {
  std::string out;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    out += text[i];
  }
  return out;
}

bool LooksLikeNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text[0] >= '0' && text[0] <= '9' &&
         text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

struct Bound {
  std::optional<FieldValue> value;
  bool is_open = false;  // without the value itself
};

Bound ParseBound(std::string_view text) {
  Bound bound;
  if (text == "*") return bound;
  if (text.starts_with('(')) {
    bound.is_open = true;
    text.remove_prefix(1);
  }
  bound.value = ParseFieldValue(text);
  return bound;
}

bool SameKind(const std::optional<FieldValue>& a, const std::optional<FieldValue>& b) {
  return !a || !b || a->index() == b->index();
}

// The range of the field that MIN or MAX began.
FieldFilter& RangeOf(std::vector<FieldFilter>& filters, std::string_view field, bool of_first) {
  for (FieldFilter& filter : filters) {
    const bool is_half = filter.first.has_value() != filter.last.has_value();
    if (filter.field == field && is_half && filter.first.has_value() != of_first) return filter;
  }
  filters.push_back({.field = std::string(field)});
  return filters.back();
}

void ReadBound(ArgumentReader& reader, FieldFilter& range, bool is_first) {
  const std::string_view text = reader.Bytes();
  if (!reader.ok()) return;
  if (!(is_first ? SetFirst(range, text) : SetLast(range, text))) {
    reader.Fail("the bounds of the field " + Quoted(range.field) +
                " are of two kinds: both must be numbers, or both texts");
  }
}

std::string_view ReadPath(ArgumentReader& reader) {
  const std::string_view path = reader.Bytes();
  if (reader.ok() && path.empty()) reader.Fail("the path of a field must not be empty");
  return path;
}

}  // namespace

FieldValue ParseFieldValue(std::string_view text) {
  if (text == "null") return nullptr;
  if (text == "true" || text == "false") return text == "true";
  if (LooksLikeNumber(text)) {
    const auto number = ParseDouble(text);
    if (number) return *number;
  }
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) return Unquoted(text);
  return std::string(text);
}

bool SetFirst(FieldFilter& range, std::string_view text) {
  const Bound bound = ParseBound(text);
  range.first = bound.value;
  range.after_first = bound.is_open;
  range.by_beginning = true;
  return SameKind(range.first, range.last);
}

bool SetLast(FieldFilter& range, std::string_view text) {
  const Bound bound = ParseBound(text);
  range.last = bound.value;
  range.before_last = bound.is_open;
  range.by_beginning = true;
  return SameKind(range.first, range.last);
}

void CloseRange(FieldFilter& range) {
  if (range.first && !range.last && std::holds_alternative<double>(*range.first)) {
    range.last = kInfinity;
  }
  if (range.last && !range.first) {
    if (std::holds_alternative<double>(*range.last)) range.first = -kInfinity;
    if (std::holds_alternative<std::string>(*range.last)) range.first = std::string();
  }
}

bool ReadFilter(ArgumentReader& reader, std::vector<FieldFilter>& filters) {
  const bool is_first = reader.Is("MIN"), is_last = reader.Is("MAX");
  const bool is_value = reader.Is("FIELD"), is_range = reader.Is("RANGE");
  if (!is_first && !is_last && !is_value && !is_range) return false;
  const std::string_view path = ReadPath(reader);
  if (!reader.ok()) return true;
  if (is_value) {
    FieldFilter& filter = filters.emplace_back(FieldFilter{.field = std::string(path)});
    filter.first = filter.last = ParseFieldValue(reader.Bytes());
  } else if (is_range) {
    FieldFilter& filter = filters.emplace_back(FieldFilter{.field = std::string(path)});
    ReadBound(reader, filter, true);
    ReadBound(reader, filter, false);
  } else {
    ReadBound(reader, RangeOf(filters, path, is_first), is_first);
  }
  if (filters.size() > libkv::kFiltersMax) {
    reader.Fail("more than " + std::to_string(libkv::kFiltersMax) + " filters");
  }
  return true;
}

void ReplyFieldValue(ReplyWriter& reply, const std::optional<FieldValue>& value) {
  if (!value || std::holds_alternative<std::nullptr_t>(*value)) return reply.Null();
  if (const bool* const flag = std::get_if<bool>(&*value)) return reply.Bool(*flag);
  if (const double* const number = std::get_if<double>(&*value)) return reply.Double(*number);
  reply.Value(std::get<std::string>(*value));
}

}  // namespace kvserver
