#include "embed/word_vector_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <system_error>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "libkv/word_vectors.h"

namespace libkv {
namespace {

constexpr std::string_view kBlanks = " \t";

// Takes the first field off `line`.
std::string_view TakeField(std::string_view* line) {
  line->remove_prefix(std::min(line->find_first_not_of(kBlanks), line->size()));
  const std::string_view field = line->substr(0, line->find_first_of(kBlanks));
  line->remove_prefix(field.size());
  return field;
}

// Takes the last field off `line`; empty: there is none.
std::string_view TakeLastField(std::string_view* line) {
  *line = line->substr(0, line->find_last_not_of(kBlanks) + 1);
  const std::string_view field = line->substr(line->find_last_of(kBlanks) + 1);
  line->remove_suffix(field.size());
  return field;
}

template <typename Number>
bool Parse(std::string_view field, Number* number) {
  const auto result = std::from_chars(field.data(), field.data() + field.size(), *number);
  return result.ec == std::errc() && result.ptr == field.data() + field.size();
}

size_t CountFields(std::string_view line) {
  size_t count = 0;
  while (!TakeField(&line).empty()) ++count;
  return count;
}

}  // namespace

template <typename... Pieces>
absl::Status WordVectorFile::Malformed(const Pieces&... pieces) const {
  return InvalidArgument(path_, binary_ ? ", word " : ", line ", place_, ": ", pieces...);
}

absl::StatusOr<WordVectorFile> WordVectorFile::Open(const std::string& path, bool binary) {
  WordVectorFile file;
  file.path_ = path;
  file.binary_ = binary;
  file.in_.open(path, std::ios::binary);
  if (!file.in_) return MakeStatus(absl::StatusCode::kNotFound, path, ": cannot be opened");
  file.buffer_.resize(kWordVectorLineBytesMax);
  LIBKV_RETURN_IF_ERROR(file.ReadHead());
  if (file.dimension_ == 0 || file.dimension_ > kWordVectorDimensionMax) {
    return file.Malformed("vectors of ", file.dimension_, " dimensions; 1 to ",
                          kWordVectorDimensionMax, " are known");
  }
  file.vector_.resize(file.dimension_);
  return file;
}

absl::Status WordVectorFile::ReadHead() {
  LIBKV_ASSIGN_OR_RETURN(const bool any, ReadLine());
  if (!any) return Malformed("the file is empty");
  if (ReadHeader(line_)) {
    has_count_ = true;
    if (binary_) place_ = 0;
    return absl::OkStatus();
  }
  if (binary_) return Malformed("no header: count and dimension");
  dimension_ = CountFields(line_) - std::min<size_t>(CountFields(line_), 1);
  line_is_read_ = true;
  return absl::OkStatus();
}

bool WordVectorFile::ReadHeader(std::string_view line) {
  const std::string_view count = TakeField(&line), dimension = TakeField(&line);
  return TakeField(&line).empty() && Parse(count, &count_) && Parse(dimension, &dimension_);
}

absl::StatusOr<bool> WordVectorFile::ReadLine() {
  ++place_;
  in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  const auto count = static_cast<size_t>(in_.gcount());
  if (in_.fail() && count > 0) return Malformed("longer than ", buffer_.size(), " bytes");
  if (in_.bad()) return Malformed("the file cannot be read");
  if (count == 0) return false;
  line_ = std::string_view(buffer_).substr(0, in_.eof() ? count : count - 1);
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  return true;
}

absl::StatusOr<bool> WordVectorFile::Next() {
  if (binary_) return NextBinary();
  if (!line_is_read_) {
    LIBKV_ASSIGN_OR_RETURN(const bool any, ReadLine());
    if (!any) return false;
  }
  line_is_read_ = false;
  hash_ = Hash64(line_, hash_);
  LIBKV_RETURN_IF_ERROR(ReadNumbers());
  return true;
}

absl::Status WordVectorFile::ReadNumbers() {
  // From the end: a word may contain blanks.
  for (size_t i = dimension_; i > 0; --i) {
    const std::string_view field = TakeLastField(&line_);
    if (field.empty()) return Malformed("fewer than ", dimension_, " numbers after the word");
    float number = 0;
    if (!Parse(field, &number) || !std::isfinite(number)) {
      return Malformed("'", Printable(field), "' is not a finite number");
    }
    vector_[i - 1] = number;
  }
  const size_t end = line_.find_last_not_of(kBlanks);
  if (end == std::string_view::npos) return Malformed("no word before the numbers");
  word_ = line_.substr(0, end + 1);
  return absl::OkStatus();
}

absl::StatusOr<bool> WordVectorFile::NextBinary() {
  if (place_ == count_) return false;
  ++place_;
  word_.clear();
  char c = 0;
  while (in_.get(c) && c != ' ') {
    if (c == '\n' && word_.empty()) continue;
    if (word_.size() == kWordVectorWordBytesMax) {
      return Malformed("a word of more than ", kWordVectorWordBytesMax, " bytes");
    }
    word_ += c;
  }
  const size_t bytes = dimension_ * sizeof(float);
  in_.read(buffer_.data(), static_cast<std::streamsize>(bytes));
  if (!in_) return Malformed("the file ends here; its header promises ", count_, " words");
  for (size_t i = 0; i < dimension_; ++i) {
    uint32_t bits = 0;
    for (size_t k = 4; k > 0; --k) {
      bits = bits << 8 | static_cast<uint8_t>(buffer_[4 * i + k - 1]);
    }
    vector_[i] = std::bit_cast<float>(bits);
    if (!std::isfinite(vector_[i])) return Malformed("a number that is not finite");
  }
  hash_ = Hash64(word_, Hash64(std::string_view(buffer_).substr(0, bytes), hash_));
  return true;
}

}  // namespace libkv
