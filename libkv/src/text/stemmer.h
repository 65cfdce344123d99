// A stemmer of Snowball: from a word to what its inflections have in common.
#ifndef LIBKV_SRC_TEXT_STEMMER_H_
#define LIBKV_SRC_TEXT_STEMMER_H_

#include <string>
#include <string_view>

struct sb_stemmer;

namespace libkv {

// Whether the installed libstemmer knows `algorithm`.
bool HasStemmer(std::string_view algorithm);

// Belongs to one thread: it holds the word it works on.
class Stemmer {
 public:
  explicit Stemmer(const char* algorithm);  // one that HasStemmer
  ~Stemmer();
  Stemmer(const Stemmer&) = delete;
  Stemmer& operator=(const Stemmer&) = delete;

  // `word`, folded UTF-8, becomes its stem; it stays as it is when nothing would be left of it.
  void Stem(std::string* word);

 private:
  sb_stemmer* const stemmer_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_STEMMER_H_
