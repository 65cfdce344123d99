// Reads files of word vectors; the grammar is in libkv/word_vectors.h.
#ifndef LIBKV_SRC_EMBED_WORD_VECTOR_FILE_H_
#define LIBKV_SRC_EMBED_WORD_VECTOR_FILE_H_

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace libkv {

inline constexpr size_t kWordVectorLineBytesMax = 1 << 20;
inline constexpr size_t kWordVectorWordBytesMax = 1 << 10;

class WordVectorFile {
 public:
  static absl::StatusOr<WordVectorFile> Open(const std::string& path, bool binary);

  size_t dimension() const { return dimension_; }

  // The next word and its vector, valid until the next call; false: the end of the file.
  absl::StatusOr<bool> Next();
  std::string_view word() const { return word_; }
  const std::vector<float>& vector() const { return vector_; }
  uint64_t hash() const { return hash_; }  // of everything that Next() gave

 private:
  WordVectorFile() = default;
  absl::Status ReadHead();
  bool ReadHeader(std::string_view line);
  absl::StatusOr<bool> ReadLine();  // to line_
  absl::Status ReadNumbers();       // from line_
  absl::StatusOr<bool> NextBinary();
  template <typename... Pieces>
  absl::Status Malformed(const Pieces&... pieces) const;

  std::string path_;
  bool binary_ = false, line_is_read_ = false, has_count_ = false;
  std::ifstream in_;
  std::string buffer_;
  std::string_view line_;
  size_t place_ = 0;    // lines (text) or words (binary) so far
  uint64_t count_ = 0;  // that the header promises
  size_t dimension_ = 0;
  std::string word_;
  std::vector<float> vector_;
  uint64_t hash_ = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_WORD_VECTOR_FILE_H_
