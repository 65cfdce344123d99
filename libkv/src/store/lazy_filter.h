// Filters on fields for a search by vectors, which asks about few documents.
//
// Walking over the field rows of a range names every document that passes: 0.15 us a row, so that a
// filter that half of a million values pass would cost more than everything else. Reading the value
// of a document and looking whether it passes takes as long as ten to twenty rows, whatever the
// filter. So the walk is begun; when it is not done soon, documents are read as they are asked
// about; and when few of those pass, so that many will be asked about, the walk goes on to its end.
//
//   the walk    at most kFirstRows rows        all of a narrow filter
//   reading     of the nearest, best first     a filter that lets a large share through
//   the rest    of the walk                    what is between, or is not what it looked like
//
// Belongs to one search of one thread.
#ifndef LIBKV_SRC_STORE_LAZY_FILTER_H_
#define LIBKV_SRC_STORE_LAZY_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "index/space_table.h"
#include "libkv/find.h"
#include "store/document_filter.h"
#include "store/field_rows.h"

namespace libkv {

class LazyFilter {
 public:
  // Begins the walk for `filters`, which CheckFilters accepted, and of which there is at least one,
  // in a space with so many vectors, of which so many are wanted. All must outlive this.
  // FailedPrecondition: a field is being built.
  static absl::StatusOr<std::unique_ptr<LazyFilter>> Begin(const Engine& engine,
                                                           const EngineSnapshot* rows,
                                                           const ActiveSpace& space,
                                                           std::span<const FieldFilter> filters,
                                                           size_t vectors, size_t wanted);

  // Null: the walk is not done yet.
  const DocumentFilter* known() const { return is_known_ ? &known_ : nullptr; }

  // Whether a document passes. `key_of` tells its key, if that is needed; an error of it, or any
  // other one, is kept in status(), and nothing passes from then on.
  bool Passes(uint64_t document,
              absl::FunctionRef<absl::StatusOr<std::string>(uint64_t document)> key_of);

  const absl::Status& status() const { return status_; }
  size_t read_count() const { return read_; }

 private:
  struct Range {
    uint16_t field = 0;
    OrderedRange range;
    std::unique_ptr<FieldCursor> cursor;  // null: done
    std::vector<uint64_t> documents;
  };

  LazyFilter(const Engine& engine, const EngineSnapshot* rows, const ActiveSpace& space,
             size_t vectors, size_t wanted)
      : engine_(engine),
        read_options_{.snapshot = rows},
        space_(space),
        vectors_(vectors),
        wanted_(wanted) {}

  absl::Status Walk(size_t rows_max);
  void Know();
  bool ShouldWalk() const;
  absl::StatusOr<bool> Read(uint64_t document, std::string_view key) const;

  const Engine& engine_;
  const EngineRead read_options_;
  const ActiveSpace& space_;
  const size_t vectors_, wanted_;
  std::vector<Range> ranges_;
  bool is_known_ = false;
  DocumentFilter known_;
  size_t walked_ = 0, read_ = 0, passed_ = 0;
  absl::Status status_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_LAZY_FILTER_H_
