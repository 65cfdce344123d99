// The sample questions, and what their answers must be.
#ifndef LIBKV_EXAMPLES_PACKAGES_SAMPLES_H_
#define LIBKV_EXAMPLES_PACKAGES_SAMPLES_H_

#include <string>
#include <vector>

#include "libkv/store.h"
#include "packages/corpus.h"

namespace packages {

// Asks the questions that suit `kind` and prints the answers. Returns what is wrong with them, one
// sentence each; nothing when all is well.
std::vector<std::string> AskSamples(const libkv::Store& store, CorpusKind kind);

// Compares the whole store with its indexes and prints what was compared. Returns as above.
std::vector<std::string> VerifyAll(const libkv::Store& store);

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_SAMPLES_H_
