// A folder of text files as documents: what there is to read on a machine without a network.
#ifndef LIBKV_EXAMPLES_PACKAGES_TEXTS_H_
#define LIBKV_EXAMPLES_PACKAGES_TEXTS_H_

#include <string>
#include <vector>

#include "packages/document.h"

namespace packages {

// Longer files are read up to here.
inline constexpr size_t kTextBytesMax = size_t{256} << 10;

// The regular files under `directory`, one document each, by name: the key is the path below
// `directory`, the value JSON with name and description (the text). Bytes that are not UTF-8 become
// U+FFFD. Files that cannot be read, and names too long for a key, are left out.
std::vector<Document> ReadTexts(const std::string& directory);

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_TEXTS_H_
