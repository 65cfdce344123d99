// The Corpus is the store that is asked: which texts it holds, how they are indexed, and how they
// came in.
#ifndef LIBKV_EXAMPLES_PACKAGES_CORPUS_H_
#define LIBKV_EXAMPLES_PACKAGES_CORPUS_H_

#include <memory>
#include <string>
#include <vector>

#include "libkv/store.h"
#include "packages/document.h"

namespace packages {

enum class CorpusKind { kNone, kPackages, kTexts };

// Opens the store in `directory`, with words, vectors and fields for every key.
absl::StatusOr<std::unique_ptr<libkv::Store>> OpenCorpus(const std::string& directory,
                                                         bool must_exist, bool read_only = false);

// What a finished Load left in the store; kNone when there was none, or it did not finish.
absl::StatusOr<CorpusKind> KindOf(const libkv::Store& store);

// Stores `documents`, a thousand to a commit, each commit synced, with progress on standard error;
// then marks the store as loaded. Loading again what an interrupted Load stored does no harm.
absl::Status Load(libkv::Store& store, CorpusKind kind, const std::vector<Document>& documents);

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_CORPUS_H_
