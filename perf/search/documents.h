// Texts to index, from a file or invented.
//
//   file := (id TAB text LF)*     unpacked by xz when its name ends with .xz
#ifndef LIBKV_PERF_SEARCH_DOCUMENTS_H_
#define LIBKV_PERF_SEARCH_DOCUMENTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace libkv::perf {

struct Document {
  std::string id, text;
};

// The first `count_max` documents of a file; a file that cannot be read ends the process.
std::vector<Document> ReadDocuments(const std::string& path, size_t count_max = SIZE_MAX);

// `count` invented texts of about 1.3 KB, always the same. Their words are drawn from 100,000
// invented ones, the n-th of them n times rarer than the first, and two draws in ten repeat the
// words behind the last place of the same word: so there are phrases that occur more than once.
std::vector<Document> InventDocuments(size_t count);

uint64_t TextBytes(const std::vector<Document>& documents);

// Writes the documents as such a file.
void WriteDocuments(const std::vector<Document>& documents, const std::string& path);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_DOCUMENTS_H_
