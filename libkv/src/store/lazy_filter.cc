#include "store/lazy_filter.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "format/record.h"
#include "index/derive.h"
#include "store/field_search.h"

namespace libkv {
namespace {

constexpr size_t kFirstRows = 256;
constexpr size_t kRowsMax = std::numeric_limits<size_t>::max();
// Readings after which it is judged how many more there will be, first and from then on.
constexpr size_t kFirstLook = 32, kLookEvery = 64;
// A search asks about its nearest until as many as it wants pass, and about some more.
constexpr double kAskedMore = 1.25;
// Rows that are walked over in the time of one reading.
constexpr double kRowsPerReading = 10;

}  // namespace

absl::StatusOr<std::unique_ptr<LazyFilter>> LazyFilter::Begin(const Engine& engine,
                                                              const EngineSnapshot* rows,
                                                              const ActiveSpace& space,
                                                              std::span<const FieldFilter> filters,
                                                              size_t vectors, size_t wanted) {
  std::unique_ptr<LazyFilter> lazy(new LazyFilter(engine, rows, space, vectors, wanted));
  for (const FieldFilter& filter : filters) {
    LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> field, FieldNumber(space, filter.field));
    if (!field.has_value()) {
      // Not indexed here: nothing passes.
      lazy->ranges_.clear();
      lazy->ranges_.emplace_back();
      lazy->Know();
      return lazy;
    }
    Range& range = lazy->ranges_.emplace_back();
    range.field = *field;
    LIBKV_ASSIGN_OR_RETURN(range.range, RangeOf(filter));
    range.cursor =
        std::make_unique<FieldCursor>(engine, lazy->read_options_, space, *field, range.range);
    range.cursor->SeekToFirst();
  }
  LIBKV_RETURN_IF_ERROR(lazy->Walk(kFirstRows));
  return lazy;
}

// The ranges in turns: the shortest of them may be the one that decides.
absl::Status LazyFilter::Walk(size_t rows_max) {
  const size_t end = rows_max == kRowsMax ? kRowsMax : walked_ + rows_max;
  bool is_done = true;
  for (Range& range : ranges_) {
    if (range.cursor == nullptr) continue;
    FieldCursor& cursor = *range.cursor;
    for (; cursor.valid() && walked_ < end; cursor.Next(), ++walked_) {
      if (const uint64_t document = cursor.document()) range.documents.push_back(document);
    }
    LIBKV_RETURN_IF_ERROR(cursor.status());
    if (cursor.valid()) {
      is_done = false;
      continue;
    }
    SortIds(&range.documents);
    range.cursor = nullptr;
  }
  if (is_done) Know();
  return absl::OkStatus();
}

void LazyFilter::Know() {
  std::vector<uint64_t> passing = std::move(ranges_.front().documents);
  for (size_t i = 1; i < ranges_.size(); ++i) {
    std::vector<uint64_t> both;
    std::set_intersection(passing.begin(), passing.end(), ranges_[i].documents.begin(),
                          ranges_[i].documents.end(), std::back_inserter(both));
    passing = std::move(both);
  }
  known_ = DocumentFilter::Only(std::move(passing));
  is_known_ = true;
}

// Whether the rest of the walk takes less than what is probably still to be read.
bool LazyFilter::ShouldWalk() const {
  const double share = (static_cast<double>(passed_) + 1) / (static_cast<double>(read_) + 2);
  const double wanted = kAskedMore * static_cast<double>(wanted_) / share,
               done = static_cast<double>(read_);
  const double to_read = done < wanted ? wanted - done : done;
  const double passing = share * static_cast<double>(vectors_ * ranges_.size());
  const double to_walk = std::max(passing - static_cast<double>(walked_), 0.0);
  return to_read * kRowsPerReading > to_walk;
}

absl::StatusOr<bool> LazyFilter::Read(uint64_t document, std::string_view key) const {
  PinnedValue pinned;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_.Get(Family::kData, read_options_, key, &pinned, &found));
  Record record;
  // A damaged value passes nothing; its reader is told.
  if (!found || !ReadRecord(key, pinned.view(), &record).ok()) return false;
  if (record.header.document != document) return false;
  DerivedDocument derived;
  DeriveValueRows(space_, record.value, &derived);
  return std::all_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    return std::any_of(derived.fields.begin(), derived.fields.end(), [&](const std::string& row) {
      if (LoadFixed16(row.data()) != range.field) return false;
      const std::string_view ordered = std::string_view(row).substr(sizeof(uint16_t));
      if (ordered < range.range.first) return false;
      return !range.range.has_last || ordered < range.range.last;
    });
  });
}

bool LazyFilter::Passes(uint64_t document,
                        absl::FunctionRef<absl::StatusOr<std::string>(uint64_t document)> key_of) {
  if (!status_.ok()) return false;
  const bool looks = read_ == kFirstLook || (read_ > 0 && read_ % kLookEvery == 0);
  if (!is_known_ && looks && ShouldWalk()) status_ = Walk(kRowsMax);
  if (!status_.ok()) return false;
  if (is_known_) return known_.Contains(document);
  ++read_;
  const absl::StatusOr<std::string> key = key_of(document);
  absl::StatusOr<bool> passes = key.ok() ? Read(document, *key) : key.status();
  if (!passes.ok()) status_ = passes.status();
  if (!passes.ok() || !*passes) return false;
  ++passed_;
  return true;
}

}  // namespace libkv
