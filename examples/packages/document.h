// A Document is what this program stores: one key and one JSON value.
#ifndef LIBKV_EXAMPLES_PACKAGES_DOCUMENT_H_
#define LIBKV_EXAMPLES_PACKAGES_DOCUMENT_H_

#include <string>

namespace packages {

struct Document {
  std::string key;
  std::string value;
};

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_DOCUMENT_H_
