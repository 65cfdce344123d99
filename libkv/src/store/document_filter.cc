#include "store/document_filter.h"

#include <algorithm>
#include <optional>

#include "base/status_macros.h"
#include "store/store_impl.h"
#include "store/text_search.h"

namespace libkv {
namespace {

using Kind = QueryNode::Kind;

// Whether nothing below asks for words.
bool IsCondition(const QueryNode& node) {
  if (node.kind == Kind::kNot || node.kind == Kind::kFilter) return true;
  if (node.kind != Kind::kAnd && node.kind != Kind::kOr) return false;
  return std::all_of(node.children.begin(), node.children.end(), IsCondition);
}

absl::StatusOr<DocumentFilter> MatchWords(const ActiveSpace& space, const StoreSnapshot& snapshot,
                                          int64_t now, const std::string& prefix,
                                          const DocumentQuery& query, FieldSearch* fields) {
  LIBKV_ASSIGN_OR_RETURN(TextSearch search,
                         TextSearch::OpenOne(space, snapshot, now, prefix, Scoring{}));
  ExpansionBudget budget;
  std::vector<std::string> warnings;
  search.Plan(*query.words, query.filters, /*typos=*/false, &budget, &warnings);
  LIBKV_RETURN_IF_ERROR(search.ApplyFilters(fields));
  const std::optional<SearchAfter> from_the_start;
  HitCollector collector(/*limit=*/0, kCountAll, from_the_start, fields->deadline());
  search.Run(&collector, /*keeps_matches=*/true);
  std::vector<uint64_t> documents;
  for (const SpaceSearch& in : search.spaces()) {
    for (size_t r = 0; r < in.readers.size(); ++r) {
      const DocumentSet& matches = in.matches[r];
      for (uint32_t i = matches.From(0); i != kNoDocument; i = matches.From(i + 1)) {
        documents.push_back(in.readers[r]->DocumentOf(i));
      }
    }
  }
  LIBKV_RETURN_IF_ERROR(search.status());
  SortIds(&documents);
  DocumentFilter filter(std::move(documents));
  if (collector.is_partial()) filter.set_partial();
  return filter;
}

}  // namespace

DocumentFilter::DocumentFilter(std::vector<uint64_t> documents)
    : lets_all_through_(false), documents_(std::move(documents)) {
  if (documents_.empty()) return;
  ids_ = DocumentIds(documents_.front(), documents_.back(), documents_.size());
  for (const uint64_t document : documents_) ids_.Add(document);
}

bool TakeConditions(const QueryNode& query, QueryNode* conditions) {
  if (query.kind != Kind::kAnd) {
    *conditions = query;
    return IsCondition(query);
  }
  *conditions = {.kind = Kind::kAnd};
  for (const QueryNode& child : query.children) {
    if (IsCondition(child)) conditions->children.push_back(child);
  }
  std::vector<QueryNode>& children = conditions->children;
  if (children.empty()) return false;
  // The shape of trees: not everything in them is left out, and nothing stands in them alone.
  const bool leaves_all_out = std::all_of(children.begin(), children.end(),
                                          [](const QueryNode& n) { return n.kind == Kind::kNot; });
  if (leaves_all_out) children.push_back({.kind = Kind::kAll});
  if (children.size() == 1) *conditions = QueryNode(children.front());
  return true;
}

absl::StatusOr<DocumentFilter> FilterDocuments(const ActiveSpace& space,
                                               const StoreSnapshot& snapshot, int64_t now,
                                               const std::string& prefix,
                                               const DocumentQuery& query, FieldSearch* fields) {
  DocumentFilter filter;
  if (query.words != nullptr) {
    LIBKV_ASSIGN_OR_RETURN(filter, MatchWords(space, snapshot, now, prefix, query, fields));
  } else if (!query.filters.empty()) {
    const ActiveSpace* captured = snapshot.SpaceOf(space);
    if (captured == nullptr) return DocumentFilter(std::vector<uint64_t>());
    LIBKV_ASSIGN_OR_RETURN(std::vector<uint64_t> documents,
                           fields->DocumentsPassing(*captured, query.filters));
    filter = DocumentFilter(std::move(documents));
  }
  if (fields->is_partial()) filter.set_partial();
  return filter;
}

}  // namespace libkv
