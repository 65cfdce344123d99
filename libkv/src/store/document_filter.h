// Which documents of a space a search by vectors may find.
//
// Documents are known by their ids, which text and vectors share, so a filter does not care where
// words or vectors are kept.
#ifndef LIBKV_SRC_STORE_DOCUMENT_FILTER_H_
#define LIBKV_SRC_STORE_DOCUMENT_FILTER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "store/field_search.h"
#include "text/query.h"

namespace libkv {

class StoreSnapshot;

class DocumentFilter {
 public:
  DocumentFilter() = default;  // every document passes
  // These only, or all but these; ascending, each once.
  static DocumentFilter Only(std::vector<uint64_t> documents);
  static DocumentFilter AllBut(std::vector<uint64_t> documents);
  // The time was over before it was known what passes.
  static DocumentFilter Nothing();

  bool Contains(uint64_t document) const {
    return documents_.empty() ? is_all_but_ : ids_.Contains(document) != is_all_but_;
  }

  // Whether documents() are those that pass, not those that do not.
  bool names_passing() const { return !is_all_but_; }
  // Ascending, with or without a vector.
  std::span<const uint64_t> documents() const { return documents_; }

  bool is_partial() const { return is_partial_; }

 private:
  DocumentFilter(bool is_all_but, std::vector<uint64_t> documents);

  bool is_all_but_ = true, is_partial_ = false;
  std::vector<uint64_t> documents_;
  DocumentIds ids_;
};

// Where and when documents are looked for.
struct DocumentScope {
  const ActiveSpace& space;
  const StoreSnapshot& snapshot;
  int64_t now = 0;
  const std::string& prefix;  // of keys; what passes fields alone may have others
};

// What passes all of `filters` and, unless `words` is null, matches it. FailedPrecondition: a field
// is being built; words, and the space has no text. Costs what FieldSearch says, and a search that
// visits all matches of the words.
absl::StatusOr<DocumentFilter> FilterDocuments(const DocumentScope& scope,
                                               std::span<const FieldFilter> filters,
                                               const QueryNode* words, FieldSearch* fields);

// What passes all of `filters` and what `query` demands besides the words it asks for: fields, and
// what it leaves out. Values without words pass if nothing is against them. Costs as above, of
// words only those that are left out.
absl::StatusOr<DocumentFilter> FilterByConditions(const DocumentScope& scope,
                                                  std::span<const FieldFilter> filters,
                                                  const QueryNode& query, FieldSearch* fields);

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_DOCUMENT_FILTER_H_
