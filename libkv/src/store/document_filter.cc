#include "store/document_filter.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "store/store_impl.h"
#include "store/text_search.h"

namespace libkv {
namespace {

using Kind = QueryNode::Kind;

// Some documents, or all but some.
struct IdSet {
  bool is_all_but = true;
  std::vector<uint64_t> ids;  // ascending, each once
};

IdSet Not(IdSet set) {
  set.is_all_but = !set.is_all_but;
  return set;
}

IdSet And(const IdSet& a, const IdSet& b) {
  if (a.is_all_but && !b.is_all_but) return And(b, a);
  IdSet both{.is_all_but = a.is_all_but, .ids = {}};
  const auto combine = [&](auto operation) {
    operation(a.ids.begin(), a.ids.end(), b.ids.begin(), b.ids.end(), std::back_inserter(both.ids));
  };
  if (a.is_all_but) {
    combine([](auto... range) { std::set_union(range...); });
  } else if (b.is_all_but) {
    combine([](auto... range) { std::set_difference(range...); });
  } else {
    combine([](auto... range) { std::set_intersection(range...); });
  }
  return both;
}

// Whether nothing below asks for words.
bool IsCondition(const QueryNode& node) {
  if (node.kind == Kind::kNot || node.kind == Kind::kFilter) return true;
  if (node.kind != Kind::kAnd && node.kind != Kind::kOr) return false;
  return std::all_of(node.children.begin(), node.children.end(), IsCondition);
}

// One way from a query to documents.
class Evaluation {
 public:
  Evaluation(const DocumentScope& scope, FieldSearch* fields)
      : scope_(scope), captured_(scope.snapshot.SpaceOf(scope.space)), fields_(*fields) {}

  // What matches `words`, which values without words do not.
  absl::StatusOr<IdSet> MatchWords(const QueryNode& words, std::span<const FieldFilter> filters) {
    LIBKV_ASSIGN_OR_RETURN(
        TextSearch search,
        TextSearch::OpenOne(scope_.space, scope_.snapshot, scope_.now, scope_.prefix, Scoring{}));
    ExpansionBudget budget;
    std::vector<std::string> warnings;
    search.Plan(words, filters, /*typos=*/false, &budget, &warnings);
    LIBKV_RETURN_IF_ERROR(search.ApplyFilters(&fields_));
    const std::optional<SearchAfter> from_the_start;
    HitCollector collector(/*limit=*/0, kCountAll, from_the_start, fields_.deadline());
    search.Run(&collector, /*keeps_matches=*/true);
    is_partial_ = is_partial_ || collector.is_partial();
    IdSet found{.is_all_but = false, .ids = {}};
    for (const SpaceSearch& in : search.spaces()) {
      for (size_t r = 0; r < in.readers.size(); ++r) {
        const DocumentSet& matches = in.matches[r];
        for (uint32_t i = matches.From(0); i != kNoDocument; i = matches.From(i + 1)) {
          found.ids.push_back(in.readers[r]->DocumentOf(i));
        }
      }
    }
    LIBKV_RETURN_IF_ERROR(search.status());
    SortIds(&found.ids);
    return found;
  }

  absl::StatusOr<IdSet> MatchFields(std::span<const FieldFilter> filters) {
    if (filters.empty()) return IdSet();
    IdSet found{.is_all_but = false, .ids = {}};
    if (captured_ == nullptr) return found;
    LIBKV_ASSIGN_OR_RETURN(found.ids, fields_.DocumentsPassing(*captured_, filters));
    return found;
  }

  // What `node`, a condition, lets through.
  absl::StatusOr<IdSet> Match(const QueryNode& node) {
    if (node.kind == Kind::kFilter) {
      IdSet found{.is_all_but = false, .ids = {}};
      if (captured_ == nullptr) return found;
      LIBKV_ASSIGN_OR_RETURN(const std::span<const uint64_t> documents,
                             fields_.DocumentsIn(*captured_, node.ranges));
      found.ids.assign(documents.begin(), documents.end());
      return found;
    }
    if (node.kind == Kind::kNot) {
      const QueryNode& child = node.children.front();
      LIBKV_ASSIGN_OR_RETURN(IdSet found,
                             IsCondition(child) ? Match(child) : MatchWords(child, {}));
      return Not(std::move(found));
    }
    const bool is_or = node.kind == Kind::kOr;
    IdSet all;
    for (const QueryNode& child : node.children) {
      if (!IsCondition(child)) continue;
      LIBKV_ASSIGN_OR_RETURN(IdSet found, Match(child));
      all = And(all, is_or ? Not(std::move(found)) : std::move(found));
    }
    return is_or ? Not(std::move(all)) : all;
  }

  bool is_partial() const { return is_partial_ || fields_.is_partial(); }

 private:
  const DocumentScope& scope_;
  const ActiveSpace* const captured_;
  FieldSearch& fields_;
  bool is_partial_ = false;
};

DocumentFilter FilterOf(IdSet set, const Evaluation& evaluation) {
  // What is left out may not be known yet.
  if (evaluation.is_partial()) return DocumentFilter::Nothing();
  return set.is_all_but ? DocumentFilter::AllBut(std::move(set.ids))
                        : DocumentFilter::Only(std::move(set.ids));
}

}  // namespace

DocumentFilter::DocumentFilter(bool is_all_but, std::vector<uint64_t> documents)
    : is_all_but_(is_all_but), documents_(std::move(documents)) {
  if (documents_.empty()) return;
  ids_ = DocumentIds(documents_.front(), documents_.back(), documents_.size());
  for (const uint64_t document : documents_) ids_.Add(document);
}

DocumentFilter DocumentFilter::Only(std::vector<uint64_t> documents) {
  return {false, std::move(documents)};
}

DocumentFilter DocumentFilter::AllBut(std::vector<uint64_t> documents) {
  return {true, std::move(documents)};
}

DocumentFilter DocumentFilter::Nothing() {
  DocumentFilter filter(/*is_all_but=*/false, {});
  filter.is_partial_ = true;
  return filter;
}

absl::StatusOr<DocumentFilter> FilterDocuments(const DocumentScope& scope,
                                               std::span<const FieldFilter> filters,
                                               const QueryNode* words, FieldSearch* fields) {
  Evaluation evaluation(scope, fields);
  LIBKV_ASSIGN_OR_RETURN(IdSet found, words != nullptr ? evaluation.MatchWords(*words, filters)
                                                       : evaluation.MatchFields(filters));
  return FilterOf(std::move(found), evaluation);
}

absl::StatusOr<DocumentFilter> FilterByConditions(const DocumentScope& scope,
                                                  std::span<const FieldFilter> filters,
                                                  const QueryNode& query, FieldSearch* fields) {
  Evaluation evaluation(scope, fields);
  LIBKV_ASSIGN_OR_RETURN(IdSet found, evaluation.MatchFields(filters));
  if (query.kind == Kind::kAnd || IsCondition(query)) {
    LIBKV_ASSIGN_OR_RETURN(const IdSet demanded, evaluation.Match(query));
    found = And(found, demanded);
  }
  return FilterOf(std::move(found), evaluation);
}

}  // namespace libkv
