#include "store/field_search.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "absl/functional/function_ref.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "index/derive.h"
#include "store/field_rows.h"

namespace libkv {
namespace {

// Rows between two looks at the clock.
constexpr uint64_t kRowsPerLook = 1'024;
// Bits spent on ids for each that is there, before a hash set is smaller.
constexpr uint64_t kBitsPerId = 128;
// Ids that a search keeps for another look, 8 bytes each.
constexpr size_t kRememberedIdsMax = 4 << 20;
// So many matches are read, at about 5 us each, rather than the rows of a whole field.
constexpr uint64_t kFewMatches = 128;

template <typename Visit>
void ForEach(const DocumentSet& set, Visit visit) {
  for (uint32_t i = set.From(0); i != kNoDocument; i = set.From(i + 1)) visit(i);
}

// One match in the order of a field.
struct Place {
  std::string ordered;  // empty: without the field
  std::string key;
  uint64_t document = 0;
  FieldValue value;
  const FieldSpace* space = nullptr;
};

// All rows that the matches of `space` have for a field, ascending for each; without a field, or
// rows, one place without a value.
absl::Status ReadRows(const Engine& engine, const EngineRead& read, const FieldSpace& space,
                      std::optional<uint16_t> field, std::vector<Place>* places) {
  for (size_t r = 0; r < space.readers.size(); ++r) {
    const PartReader& reader = *space.readers[r];
    for (uint32_t i = space.matches[r].From(0); i != kNoDocument;
         i = space.matches[r].From(i + 1)) {
      const std::string key(reader.KeyOf(i));
      LIBKV_RETURN_IF_ERROR(reader.status());
      DerivedDocument derived;
      PinnedValue pinned;
      Record record;
      if (field.has_value()) {
        bool found = false;
        LIBKV_RETURN_IF_ERROR(engine.Get(Family::kData, read, key, &pinned, &found));
        if (!found) continue;
        LIBKV_RETURN_IF_ERROR(ReadRecord(key, pinned.view(), &record));
        DeriveValueRows(*space.space, record.value, &derived);
      }
      const Place place{{}, key, reader.DocumentOf(i), nullptr, &space};
      const size_t before = places->size();
      for (const std::string& row : derived.fields) {
        if (LoadFixed16(row.data()) != *field) continue;
        Place& with_value = places->emplace_back(place);
        with_value.ordered = row.substr(sizeof *field);
        OrderedValue value;
        ParseOrderedValue(with_value.ordered, &value);
        if (value.text_is_cut) {
          const std::string& name = space.space->definition().fields[*field];
          value.text = WholeText(record.value, name, with_value.ordered);
        }
        with_value.value = ToFieldValue(std::move(value));
      }
      if (places->size() == before) places->push_back(place);
    }
  }
  return absl::OkStatus();
}

bool ComesFirst(const Place& a, const Place& b, bool descending) {
  if (a.ordered.empty() != b.ordered.empty()) return b.ordered.empty();
  if (a.ordered != b.ordered) return (a.ordered < b.ordered) != descending;
  return a.key < b.key;
}

// The same of few matches: all of them after `after`, in no order.
absl::Status SortFew(const Engine& engine, const EngineRead& read, const FieldSpace& space,
                     std::optional<uint16_t> field, bool descending,
                     const std::optional<SearchAfter>& after, std::vector<Place>* places) {
  std::vector<Place> rows;
  LIBKV_RETURN_IF_ERROR(ReadRows(engine, read, space, field, &rows));
  Place last;
  if (after.has_value()) {
    last.key = after->key;
    if (after->value.has_value()) {
      LIBKV_ASSIGN_OR_RETURN(last.ordered, ToOrdered(*after->value));
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t neighbor = descending ? i + 1 : i - 1;  // SIZE_MAX before the first
    if (neighbor < rows.size() && rows[neighbor].document == rows[i].document) continue;
    if (after.has_value() && !ComesFirst(last, rows[i], descending)) continue;
    places->push_back(std::move(rows[i]));
  }
  return absl::OkStatus();
}

// Takes the matches of one space in order.
class SpaceSorter {
 public:
  SpaceSorter(const Engine& engine, const EngineRead& read, const FieldSpace& space, uint16_t field,
              bool descending, size_t limit, const DocumentIds& matches,
              absl::FunctionRef<bool()> go_on)
      : engine_(engine),
        read_(read),
        space_(space),
        field_(field),
        descending_(descending),
        limit_(limit),
        matches_(matches),
        go_on_(go_on) {}

  absl::Status Run(const std::optional<SearchAfter>& after, std::vector<Place>* places) {
    const bool has_values = !after.has_value() || after->value.has_value();
    if (has_values) LIBKV_RETURN_IF_ERROR(TakeRows(after, places));
    if (places->size() >= limit_) return absl::OkStatus();
    if (after.has_value()) LIBKV_RETURN_IF_ERROR(FindAllWithField());
    return TakeRest(after.has_value() && !has_values ? after->key : "", places);
  }

  // The matches of a space that does not index the field.
  absl::Status TakeAll(const std::optional<SearchAfter>& after, std::vector<Place>* places) {
    const bool is_among_rest = after.has_value() && !after->value.has_value();
    return TakeRest(is_among_rest ? after->key : "", places);
  }

 private:
  FieldCursor NewCursor() const { return {engine_, read_, *space_.space, field_}; }

  absl::Status TakeRows(const std::optional<SearchAfter>& after, std::vector<Place>* places) {
    FieldCursor rows = NewCursor();
    std::string ordered, key;
    if (after.has_value()) {
      LIBKV_ASSIGN_OR_RETURN(ordered, ToOrdered(*after->value));
      key = after->key;
    }
    is_first_page_ = !after.has_value();
    if (!descending_) {
      rows.Seek(ordered, key);
      for (; rows.valid() && places->size() < limit_ && go_on_(); rows.Next()) {
        if (is_first_page_ || rows.ordered() != ordered || rows.key() != key) Take(rows, places);
      }
      return rows.status();
    }
    // Values downwards, but the keys of one value upwards.
    if (after.has_value()) {
      TakeValue(ordered, key, rows, places);
      rows.SeekBefore(ordered);
    } else {
      rows.SeekToLast();
    }
    while (rows.valid() && places->size() < limit_ && go_on_()) {
      ordered = rows.ordered();
      TakeValue(ordered, {}, rows, places);
      rows.SeekBefore(ordered);
    }
    return rows.status();
  }

  void TakeValue(const std::string& ordered, const std::string& after_key, FieldCursor& rows,
                 std::vector<Place>* places) {
    rows.Seek(ordered, after_key);
    for (; rows.valid() && rows.ordered() == ordered && places->size() < limit_ && go_on_();
         rows.Next()) {
      if (after_key.empty() || rows.key() != after_key) Take(rows, places);
    }
  }

  void Take(FieldCursor& rows, std::vector<Place>* places) {
    const uint64_t document = rows.document();
    if (document == 0 || !matches_.Contains(document)) return;
    if (is_first_page_ ? !with_field_.insert(document).second : !IsFirstValue(rows)) return;
    places->push_back(
        {std::string(rows.ordered()), std::string(rows.key()), document, rows.Value(), &space_});
  }

  // Of several values of one document only the first in this order counts; on later pages the
  // others may come without it.
  bool IsFirstValue(const FieldCursor& rows) {
    PinnedValue pinned;
    Record record;
    bool found = false;
    const absl::Status status = engine_.Get(Family::kData, read_, rows.key(), &pinned, &found);
    if (!status.ok() || !found || !ReadRecord(rows.key(), pinned.view(), &record).ok()) {
      return false;
    }
    DerivedDocument derived;
    DeriveValueRows(*space_.space, record.value, &derived);
    std::string_view first;
    for (const std::string& row : derived.fields) {
      if (LoadFixed16(row.data()) != field_) continue;
      if (first.empty() || descending_) first = std::string_view(row).substr(sizeof(uint16_t));
    }
    return first == rows.ordered();
  }

  absl::Status FindAllWithField() {
    FieldCursor rows = NewCursor();
    for (rows.SeekToFirst(); rows.valid() && go_on_(); rows.Next()) {
      const uint64_t document = rows.document();
      if (matches_.Contains(document)) with_field_.insert(document);
    }
    return rows.status();
  }

  // Those without the field, by key.
  absl::Status TakeRest(const std::string& after_key, std::vector<Place>* places) {
    const size_t room = limit_ - places->size();
    std::vector<Place> rest;  // a heap, the last key in front
    const auto is_before = [](const Place& a, const Place& b) { return a.key < b.key; };
    for (size_t r = 0; r < space_.readers.size(); ++r) {
      const PartReader& reader = *space_.readers[r];
      size_t taken = 0;
      const DocumentSet& set = space_.matches[r];
      for (uint32_t i = set.From(0); i != kNoDocument && room > 0; i = set.From(i + 1)) {
        if (taken == room && reader.InKeyOrder()) break;
        if (!go_on_()) break;
        const uint64_t document = reader.DocumentOf(i);
        if (with_field_.contains(document)) continue;
        std::string key(reader.KeyOf(i));
        LIBKV_RETURN_IF_ERROR(reader.status());
        if (key <= after_key) continue;
        ++taken;
        if (rest.size() == room) {
          if (key >= rest.front().key) continue;
          std::pop_heap(rest.begin(), rest.end(), is_before);
          rest.pop_back();
        }
        rest.push_back({{}, std::move(key), document, nullptr, &space_});
        std::push_heap(rest.begin(), rest.end(), is_before);
      }
    }
    std::sort_heap(rest.begin(), rest.end(), is_before);
    std::move(rest.begin(), rest.end(), std::back_inserter(*places));
    return absl::OkStatus();
  }

  const Engine& engine_;
  const EngineRead& read_;
  const FieldSpace& space_;
  const uint16_t field_;
  const bool descending_;
  const size_t limit_;
  const DocumentIds& matches_;
  const absl::FunctionRef<bool()> go_on_;
  bool is_first_page_ = true;
  absl::flat_hash_set<uint64_t> with_field_;  // matches, those that were met
};

// Rows of one field in several spaces, by value.
class ValueMerge {
 public:
  void Add(FieldCursor rows) {
    rows.SeekToFirst();
    cursors_.push_back(std::move(rows));
  }

  // The one with the least value; null at the end.
  FieldCursor* Least() {
    FieldCursor* least = nullptr;
    for (FieldCursor& rows : cursors_) {
      if (rows.valid() && (least == nullptr || rows.ordered() < least->ordered())) least = &rows;
    }
    return least;
  }

  absl::Status status() const {
    for (const FieldCursor& rows : cursors_) LIBKV_RETURN_IF_ERROR(rows.status());
    return absl::OkStatus();
  }

 private:
  std::vector<FieldCursor> cursors_;
};

// The most frequent values of those that come, ascending.
class TopValues {
 public:
  explicit TopValues(size_t limit) : limit_(limit) {}

  bool Wants(size_t count) const {
    return heap_.size() < limit_ || (limit_ > 0 && count > heap_.front().value.count);
  }
  void Add(FieldValue value, size_t count) {
    if (heap_.size() == limit_) {
      std::pop_heap(heap_.begin(), heap_.end(), IsBetter);
      heap_.pop_back();
    }
    heap_.push_back({{std::move(value), count}, next_++});
    std::push_heap(heap_.begin(), heap_.end(), IsBetter);
  }
  std::vector<Facet::Value> Take() {
    std::sort(heap_.begin(), heap_.end(), IsBetter);
    std::vector<Facet::Value> values;
    for (Entry& entry : heap_) values.push_back(std::move(entry.value));
    return values;
  }

 private:
  struct Entry {
    Facet::Value value;
    size_t number;
  };
  static bool IsBetter(const Entry& a, const Entry& b) {
    return a.value.count != b.value.count ? a.value.count > b.value.count : a.number < b.number;
  }

  const size_t limit_;
  size_t next_ = 0;
  std::vector<Entry> heap_;  // the worst in front
};

absl::Status CheckField(std::string_view field, std::span<const ActiveSpace* const> spaces) {
  bool indexed = false;
  for (const ActiveSpace* space : spaces) {
    LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> number, FieldNumber(*space, field));
    indexed = indexed || number.has_value();
  }
  if (indexed) return absl::OkStatus();
  return FailedPrecondition("no space that is searched indexes the field '", field,
                            "': set Space::fields, or CreateFieldIndex");
}

}  // namespace

void SortIds(std::vector<uint64_t>* ids) {
  if (ids->empty()) return;
  const auto [first, last] = std::minmax_element(ids->begin(), ids->end());
  const uint64_t base = *first;
  if (*last - base >= (ids->size() + 1) * kBitsPerId) {
    std::sort(ids->begin(), ids->end());
    ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
    return;
  }
  std::vector<uint64_t> words((*last - base) / 64 + 1);
  for (const uint64_t id : *ids) words[(id - base) / 64] |= uint64_t{1} << ((id - base) % 64);
  ids->clear();
  for (size_t w = 0; w < words.size(); ++w) {
    for (uint64_t bits = words[w]; bits != 0; bits &= bits - 1) {
      ids->push_back(base + w * 64 + static_cast<uint64_t>(std::countr_zero(bits)));
    }
  }
}

DocumentIds::DocumentIds(uint64_t first, uint64_t last, uint64_t count)
    : first_(first), count_(count), is_dense_(last - first < (count + 1) * kBitsPerId) {
  if (is_dense_) words_.resize((last - first) / 64 + 1);
}

void DocumentIds::Add(uint64_t id) {
  if (is_dense_) {
    words_[(id - first_) / 64] |= uint64_t{1} << ((id - first_) % 64);
  } else {
    ids_.insert(id);
  }
}

bool DocumentIds::Contains(uint64_t id) const {
  if (!is_dense_) return ids_.contains(id);
  const uint64_t word = (id - first_) / 64;  // far behind the end for an id before first_
  return id >= first_ && word < words_.size() && (words_[word] >> ((id - first_) % 64) & 1) != 0;
}

DocumentIds IdsOf(std::span<const FieldSpace> spaces) {
  uint64_t first = UINT64_MAX, last = 0, count = 0;
  const auto for_each = [&](auto visit) {
    for (const FieldSpace& space : spaces) {
      for (size_t r = 0; r < space.readers.size(); ++r) {
        ForEach(space.matches[r], [&](uint32_t i) { visit(space.readers[r]->DocumentOf(i)); });
      }
    }
  };
  for_each([&](uint64_t id) {
    first = std::min(first, id);
    last = std::max(last, id);
    ++count;
  });
  if (count == 0) return {};
  DocumentIds ids(first, last, count);
  for_each([&](uint64_t id) { ids.Add(id); });
  return ids;
}

bool FieldSearch::GoOn() {
  if (++rows_ % kRowsPerLook == 0 && deadline_ != SteadyTime::max()) {
    is_partial_ = is_partial_ || std::chrono::steady_clock::now() >= deadline_;
  }
  return !is_partial_;
}

absl::StatusOr<std::span<const uint64_t>> FieldSearch::DocumentsIn(
    const ActiveSpace& space, std::span<const FieldFilter> ranges) {
  if (!remembers_) walks_.clear();
  for (const Walk& walk : walks_) {
    if (std::ranges::equal(ranges, walk.ranges)) return std::span<const uint64_t>(walk.documents);
  }
  if (remembered_ > kRememberedIdsMax) {
    walks_.clear();
    remembered_ = 0;
  }
  Walk& walk = walks_.emplace_back();
  walk.ranges.assign(ranges.begin(), ranges.end());
  for (const FieldFilter& range : ranges) {
    LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> number, FieldNumber(space, range.field));
    if (!number.has_value()) break;
    LIBKV_ASSIGN_OR_RETURN(const OrderedRange bounds, RangeOf(range));
    FieldCursor rows(engine_, read_, space, *number, bounds);
    for (rows.SeekToFirst(); rows.valid() && GoOn(); rows.Next()) {
      walk.documents.push_back(rows.document());
    }
    LIBKV_RETURN_IF_ERROR(rows.status());
  }
  SortIds(&walk.documents);
  remembered_ += walk.documents.size();
  return std::span<const uint64_t>(walk.documents);
}

absl::StatusOr<std::vector<std::vector<DocumentSet>>> FieldSearch::Passing(
    const ActiveSpace& space, std::span<const SearchPlan::Filter> filters,
    std::span<const std::unique_ptr<PartReader>> readers) {
  std::vector<std::vector<DocumentSet>> passing(readers.size(),
                                                std::vector<DocumentSet>(filters.size()));
  for (size_t f = 0; f < filters.size(); ++f) {
    LIBKV_ASSIGN_OR_RETURN(const std::span<const uint64_t> documents,
                           DocumentsIn(space, filters[f].ranges));
    for (size_t r = 0; r < readers.size(); ++r) {
      DocumentSet& set = passing[r][f];
      readers[r]->ForEachOrdinalOf(documents, [&set](uint32_t ordinal) { set.Add(ordinal); });
    }
  }
  return passing;
}

absl::StatusOr<std::vector<uint64_t>> FieldSearch::DocumentsPassing(
    const ActiveSpace& space, std::span<const FieldFilter> filters) {
  std::vector<uint64_t> passing;
  for (size_t f = 0; f < filters.size(); ++f) {
    LIBKV_ASSIGN_OR_RETURN(const std::span<const uint64_t> documents,
                           DocumentsIn(space, filters.subspan(f, 1)));
    if (f == 0) {
      passing.assign(documents.begin(), documents.end());
      continue;
    }
    std::vector<uint64_t> both;
    std::set_intersection(passing.begin(), passing.end(), documents.begin(), documents.end(),
                          std::back_inserter(both));
    passing = std::move(both);
  }
  return passing;
}

absl::StatusOr<Facet> FieldSearch::CountFew(const FacetOptions& facet,
                                            std::span<const FieldSpace> spaces) {
  std::vector<Place> places;
  for (const FieldSpace& space : spaces) {
    LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> number,
                           FieldNumber(*space.space, facet.field));
    LIBKV_RETURN_IF_ERROR(ReadRows(engine_, read_, space, number, &places));
  }
  std::erase_if(places, [](const Place& place) { return place.ordered.empty(); });
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.ordered < b.ordered; });
  Facet counted{.field = facet.field};
  TopValues top(facet.limit);
  size_t shown = 0;
  for (size_t i = 0, end = 0; i < places.size(); i = end) {
    while (end < places.size() && places[end].ordered == places[i].ordered) ++end;
    ++counted.distinct;
    if (top.Wants(end - i)) top.Add(std::move(places[i].value), end - i);
  }
  counted.values = top.Take();
  for (const Facet::Value& value : counted.values) shown += value.count;
  counted.other_count = places.size() - shown;
  return counted;
}

absl::StatusOr<Facet> FieldSearch::Count(const FacetOptions& facet,
                                         std::span<const FieldSpace> spaces,
                                         const DocumentIds& matches) {
  if (matches.count() <= kFewMatches) return CountFew(facet, spaces);
  ValueMerge rows;
  for (const FieldSpace& space : spaces) {
    LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> number,
                           FieldNumber(*space.space, facet.field));
    if (number.has_value()) rows.Add(FieldCursor(engine_, read_, *space.space, *number));
  }
  Facet counted{.field = facet.field};
  TopValues top(facet.limit);
  size_t total = 0, shown = 0;
  std::string ordered;
  for (FieldCursor* row = rows.Least(); row != nullptr && !is_partial_; row = rows.Least()) {
    ordered = row->ordered();
    size_t count = 0;
    FieldValue value;
    for (; row != nullptr && row->ordered() == ordered && GoOn(); row = rows.Least()) {
      // Most values are short: the first row that counts gives it.
      const bool is_match = matches.Contains(row->document());
      if (is_match && count == 0) value = row->Value();
      count += is_match ? 1 : 0;
      row->Next();
    }
    if (count == 0) continue;
    ++counted.distinct;
    total += count;
    if (top.Wants(count)) top.Add(std::move(value), count);
  }
  LIBKV_RETURN_IF_ERROR(rows.status());
  counted.values = top.Take();
  for (const Facet::Value& value : counted.values) shown += value.count;
  counted.other_count = total - shown;
  return counted;
}

absl::StatusOr<std::vector<FieldSearch::Sorted>> FieldSearch::Sort(
    const SortOptions& sort, size_t limit, const std::optional<SearchAfter>& after,
    std::span<const FieldSpace> spaces, const DocumentIds& matches) {
  std::vector<Place> places;
  const auto go_on = [this] { return GoOn(); };
  for (const FieldSpace& space : spaces) {
    LIBKV_ASSIGN_OR_RETURN(const std::optional<uint16_t> number,
                           FieldNumber(*space.space, sort.field));
    if (matches.count() <= kFewMatches) {
      LIBKV_RETURN_IF_ERROR(
          SortFew(engine_, read_, space, number, sort.descending, after, &places));
      continue;
    }
    std::vector<Place> own;
    SpaceSorter sorter(engine_, read_, space, number.value_or(0), sort.descending, limit, matches,
                       go_on);
    LIBKV_RETURN_IF_ERROR(number.has_value() ? sorter.Run(after, &own)
                                             : sorter.TakeAll(after, &own));
    std::move(own.begin(), own.end(), std::back_inserter(places));
  }
  std::sort(places.begin(), places.end(),
            [&](const Place& a, const Place& b) { return ComesFirst(a, b, sort.descending); });
  if (places.size() > limit) places.resize(limit);

  std::vector<Sorted> sorted;
  for (Place& place : places) {
    Sorted& entry = sorted.emplace_back();
    entry.hit.search = place.space->search;
    entry.hit.key = std::move(place.key);
    for (const auto& reader : place.space->readers) {
      reader->ForEachOrdinalOf(std::span(&place.document, 1), [&](uint32_t ordinal) {
        entry.hit.reader = reader.get();
        entry.hit.ordinal = ordinal;
      });
    }
    if (!place.ordered.empty()) entry.value = std::move(place.value);
  }
  return sorted;
}

absl::Status CheckFilters(std::span<const FieldFilter> filters,
                          std::span<const ActiveSpace* const> spaces) {
  if (filters.size() > kFiltersMax) return InvalidArgument("more than ", kFiltersMax, " filters");
  for (const FieldFilter& filter : filters) {
    LIBKV_RETURN_IF_ERROR(RangeOf(filter).status());
    LIBKV_RETURN_IF_ERROR(CheckField(filter.field, spaces));
  }
  return absl::OkStatus();
}

absl::Status CheckFields(const SearchOptions& options, std::span<const ActiveSpace* const> spaces) {
  LIBKV_RETURN_IF_ERROR(CheckFilters(options.filters, spaces));
  if (options.facets.size() > kFacetsMax)
    return InvalidArgument("more than ", kFacetsMax, " facets");
  for (const FacetOptions& facet : options.facets) {
    if (facet.limit > kFacetValuesMax) {
      return InvalidArgument("a facet has at most ", kFacetValuesMax, " values");
    }
    LIBKV_RETURN_IF_ERROR(CheckField(facet.field, spaces));
  }
  if (options.sort.field.empty()) return absl::OkStatus();
  if (options.after.has_value() && options.after->value.has_value()) {
    LIBKV_RETURN_IF_ERROR(ToOrdered(*options.after->value).status());
  }
  return CheckField(options.sort.field, spaces);
}

}  // namespace libkv
