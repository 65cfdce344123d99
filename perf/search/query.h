// Queries by class, as words, for every engine to say in its own language.
//
//   file := (class TAB words LF)*     the class begins with what the words mean: term or and phrase
//                                     prefix fuzzy; "or_3" is such a class
#ifndef LIBKV_PERF_SEARCH_QUERY_H_
#define LIBKV_PERF_SEARCH_QUERY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "search/documents.h"

namespace libkv::perf {

enum class QueryKind : uint8_t { kTerm, kOr, kAnd, kPhrase, kPrefix, kFuzzy };

struct Query {
  std::string query_class;
  QueryKind kind = QueryKind::kTerm;
  // Lower case, letters and digits. Without stop words, except in phrases: an engine that keeps
  // them would otherwise be asked for more than one that does not.
  std::vector<std::string> words;
};

// "term", "or" and so on.
std::string_view NameOf(QueryKind kind);

// Every `stride`-th query of a file; those of stop words only are left out.
std::vector<Query> ReadQueries(const std::string& path, size_t stride);

// Of each class up to `count`, always the same for the same documents. Words of a query stand in
// one document together; phrases stand there in this order. Beginnings have four letters; misspelt
// words have one wrong letter.
std::vector<Query> InventQueries(const std::vector<Document>& documents, size_t count);
std::vector<Query> InventDictionaryQueries(const std::vector<Document>& documents, size_t count);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_QUERY_H_
