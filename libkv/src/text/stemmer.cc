#include "text/stemmer.h"

#include <libstemmer.h>

#include <new>

#include "base/check.h"

namespace libkv {

bool HasStemmer(std::string_view algorithm) {
  for (const char** name = sb_stemmer_list(); *name != nullptr; ++name) {
    if (algorithm == *name) return true;
  }
  return false;
}

Stemmer::Stemmer(const char* algorithm) : stemmer_(sb_stemmer_new(algorithm, "UTF_8")) {
  LIBKV_CHECK(stemmer_ != nullptr);
}

Stemmer::~Stemmer() { sb_stemmer_delete(stemmer_); }

void Stemmer::Stem(std::string* word) {
  const auto* in = reinterpret_cast<const sb_symbol*>(word->data());
  const sb_symbol* out = sb_stemmer_stem(stemmer_, in, static_cast<int>(word->size()));
  if (out == nullptr) throw std::bad_alloc();
  const int size = sb_stemmer_length(stemmer_);
  if (size == 0) return;
  word->assign(reinterpret_cast<const char*>(out), static_cast<size_t>(size));
}

}  // namespace libkv
