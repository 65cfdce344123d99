// Which documents of a space a search by vectors may find.
//
// Documents are known by their ids, which text and vectors share, so a filter does not care where
// words or vectors are kept.
#ifndef LIBKV_SRC_STORE_DOCUMENT_FILTER_H_
#define LIBKV_SRC_STORE_DOCUMENT_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "store/field_search.h"
#include "text/query.h"

namespace libkv {

class StoreSnapshot;

class DocumentFilter {
 public:
  DocumentFilter() = default;  // every document
  // These only; ascending, each once.
  explicit DocumentFilter(std::vector<uint64_t> documents);

  bool lets_all_through() const { return lets_all_through_; }
  bool Contains(uint64_t document) const { return lets_all_through_ || ids_.Contains(document); }

  // What passes, ascending, with or without a vector; nothing when everything does.
  std::span<const uint64_t> documents() const { return documents_; }
  size_t count() const { return documents_.size(); }

  // The time was over: what passes may be missing.
  bool is_partial() const { return is_partial_; }
  void set_partial() { is_partial_ = true; }

 private:
  bool lets_all_through_ = true, is_partial_ = false;
  std::vector<uint64_t> documents_;
  DocumentIds ids_;
};

// What values must be like.
struct DocumentQuery {
  std::span<const FieldFilter> filters;
  const QueryNode* words = nullptr;  // null: any, or none
};

// The part of `query` that does not say what is wanted but what is not, and filters: what is found
// otherwise must match it too. False: there is none.
bool TakeConditions(const QueryNode& query, QueryNode* conditions);

// The documents of `space` with keys under `prefix` that match `query`, as `snapshot` sees them; of
// filters alone, under any key. FailedPrecondition: a field is being built; words, and the space
// has no text. Costs what FieldSearch says, and a search that visits all matches of the words.
absl::StatusOr<DocumentFilter> FilterDocuments(const ActiveSpace& space,
                                               const StoreSnapshot& snapshot, int64_t now,
                                               const std::string& prefix,
                                               const DocumentQuery& query, FieldSearch* fields);

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_DOCUMENT_FILTER_H_
