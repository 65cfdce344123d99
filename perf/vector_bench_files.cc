#include "vector_bench_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>

#include "base/status_macros.h"
#include "search/child_process.h"

namespace libkv::perf {
namespace {

constexpr size_t kDimensionMax = 65'536;

absl::Status Unusable(const std::string& path, const std::string& why) {
  return absl::InvalidArgumentError(path + ": " + why);
}

// The bytes of the file, unpacked. Of a packed one there may be a line feed too many at the end: a
// ChildProcess gives lines.
absl::StatusOr<std::string> ReadBytes(const std::string& path) {
  std::string bytes;
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  const auto size = in ? static_cast<std::streamoff>(in.tellg()) : -1;
  if (size < 0) return absl::NotFoundError("cannot read " + path);
  if (static_cast<size_t>(size) > kVectorFileBytesMax) return Unusable(path, "too large");
  if (path.ends_with(".xz")) {
    ChildProcess xz({"xz", "-dc", path});
    for (std::string line; xz.ReadLine(&line);) {
      if (bytes.size() + line.size() > kVectorFileBytesMax) return Unusable(path, "too large");
      bytes += line;
      bytes += '\n';
    }
    return bytes;
  }
  bytes.resize(static_cast<size_t>(size));
  in.seekg(0);
  if (!in.read(bytes.data(), size)) return absl::DataLossError("cannot read " + path);
  return bytes;
}

template <typename Number>
Number Load(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

template <typename Number>
void AppendAll(const char* from, size_t count, std::vector<float>* floats) {
  for (size_t i = 0; i < count; ++i) {
    floats->push_back(static_cast<float>(Load<Number>(from + i * sizeof(Number))));
  }
}

absl::Status CheckDimension(const std::string& path, size_t dimension) {
  if (dimension > 0 && dimension <= kDimensionMax) return absl::OkStatus();
  return Unusable(path, "rows of " + std::to_string(dimension) + " numbers");
}

// What is behind the last whole row may be the line feed of ReadBytes and nothing else.
bool IsEnd(std::string_view rest) { return rest.empty() || rest == "\n"; }

// The text behind `name` in a NumPy header, which is a Python dictionary.
absl::StatusOr<std::string_view> HeaderField(const std::string& path, std::string_view header,
                                             std::string_view name) {
  const size_t at = header.find(name);
  if (at == std::string_view::npos) {
    return Unusable(path, "no '" + std::string(name) + " in the header");
  }
  std::string_view rest = header.substr(at + name.size());
  rest.remove_prefix(std::min(rest.find_first_not_of("': "), rest.size()));
  return rest;
}

struct Shape {
  size_t rows = 0, columns = 0;
};

// (rows, columns, ...) as rows and the product of the others.
absl::StatusOr<Shape> ParseShape(const std::string& path, std::string_view text) {
  const size_t close = text.find(')');
  if (!text.starts_with('(') || close == std::string_view::npos) {
    return Unusable(path, "a shape that cannot be read");
  }
  std::vector<size_t> axes;
  const char* at = text.data() + 1;
  const char* const end = text.data() + close;
  while (at < end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    size_t axis = 0;
    const auto [next, error] = std::from_chars(at, end, axis);
    if (error == std::errc::result_out_of_range || axis > kVectorFileBytesMax) {
      return Unusable(path, "a shape that is too large");
    }
    if (error != std::errc()) return Unusable(path, "a shape that cannot be read");
    axes.push_back(axis);
    at = next;
  }
  if (axes.size() < 2 || axes.size() > 4) return Unusable(path, "not an array of vectors");
  Shape shape = {.rows = axes[0], .columns = 1};
  for (size_t i = 1; i < axes.size(); ++i) {
    LIBKV_RETURN_IF_ERROR(CheckDimension(path, axes[i]));
    shape.columns *= axes[i];
    LIBKV_RETURN_IF_ERROR(CheckDimension(path, shape.columns));
  }
  return shape;
}

absl::StatusOr<VectorSet> ParseNpy(const std::string& path, const std::string& bytes,
                                   size_t rows_max) {
  constexpr size_t kPrefixBytes = 10;
  if (bytes.size() < kPrefixBytes + 2 || !bytes.starts_with("\x93NUMPY") || bytes[6] < 1 ||
      bytes[6] > 3) {
    return Unusable(path, "not a NumPy file");
  }
  const bool is_long = bytes[6] >= 2;
  const size_t header_bytes =
      is_long ? Load<uint32_t>(&bytes[8]) : size_t{Load<uint16_t>(&bytes[8])};
  const size_t begin = is_long ? kPrefixBytes + 2 : kPrefixBytes;
  if (bytes.size() - begin < header_bytes) return Unusable(path, "cut off");
  const std::string_view header = std::string_view(bytes).substr(begin, header_bytes);
  LIBKV_ASSIGN_OR_RETURN(const std::string_view kind, HeaderField(path, header, "descr'"));
  LIBKV_ASSIGN_OR_RETURN(const std::string_view order, HeaderField(path, header, "fortran_order'"));
  if (!order.starts_with("False")) return Unusable(path, "by columns");
  LIBKV_ASSIGN_OR_RETURN(const std::string_view shape_text, HeaderField(path, header, "shape'"));
  LIBKV_ASSIGN_OR_RETURN(const Shape shape, ParseShape(path, shape_text));
  const std::string_view type = kind.substr(0, kind.find('\''));
  const size_t width = type == "|u1" ? 1 : 4;
  if (width != 1 && type != "<f4" && type != "<i4" && type != "<u4") {
    return Unusable(path, "neither u8, i32, u32 nor f32");
  }
  const std::string_view numbers = std::string_view(bytes).substr(begin + header_bytes);
  if (numbers.size() / width / shape.columns < shape.rows) return Unusable(path, "cut off");
  if (!IsEnd(numbers.substr(shape.rows * shape.columns * width))) {
    return Unusable(path, "more than the header says");
  }
  VectorSet set{shape.columns, {}};
  const size_t count = std::min(shape.rows, rows_max) * shape.columns;
  set.floats.reserve(count);
  if (type == "|u1") {
    AppendAll<uint8_t>(numbers.data(), count, &set.floats);
  } else if (type == "<f4") {
    AppendAll<float>(numbers.data(), count, &set.floats);
  } else if (type == "<i4") {
    AppendAll<int32_t>(numbers.data(), count, &set.floats);
  } else {
    AppendAll<uint32_t>(numbers.data(), count, &set.floats);
  }
  return set;
}

template <typename Number>
absl::StatusOr<VectorSet> ParseVecs(const std::string& path, const std::string& bytes,
                                    size_t rows_max) {
  VectorSet set;
  std::string_view rest = bytes;
  for (size_t rows = 0; rows < rows_max && !IsEnd(rest); ++rows) {
    if (rest.size() < sizeof(uint32_t)) return Unusable(path, "cut off");
    const size_t dimension = Load<uint32_t>(rest.data());
    rest.remove_prefix(sizeof(uint32_t));
    LIBKV_RETURN_IF_ERROR(CheckDimension(path, dimension));
    if (rows == 0) set.dimension = dimension;
    if (dimension != set.dimension) return Unusable(path, "rows of different lengths");
    if (rest.size() / sizeof(Number) < dimension) return Unusable(path, "cut off");
    AppendAll<Number>(rest.data(), dimension, &set.floats);
    rest.remove_prefix(dimension * sizeof(Number));
  }
  return set;
}

// The numbers behind the first word.
absl::StatusOr<std::vector<float>> ParseLine(const std::string& path, std::string_view line) {
  std::vector<float> row;
  for (size_t blank = line.find(' '); blank != std::string_view::npos;) {
    const size_t begin = blank + 1;
    blank = line.find(' ', begin);
    const std::string_view text = line.substr(begin, std::min(blank, line.size()) - begin);
    float number = 0;
    if (text.empty()) continue;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Unusable(path, "not a number: " + std::string(text.substr(0, 20)));
    }
    row.push_back(number);
  }
  return row;
}

// The count of a line "count dimension".
std::optional<size_t> ParseCount(std::string_view line) {
  size_t count = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), count);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return std::nullopt;
  return count;
}

absl::StatusOr<VectorSet> ParseText(const std::string& path, const std::string& bytes,
                                    size_t rows_max) {
  VectorSet set;
  std::optional<size_t> promised;
  size_t rows = 0;
  for (size_t at = 0; at < bytes.size() && rows < rows_max;) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = std::string_view(bytes).substr(at, end - at);
    const bool is_first = at == 0;
    at = end + 1;
    if (line.empty()) continue;
    LIBKV_ASSIGN_OR_RETURN(const std::vector<float> row, ParseLine(path, line));
    if (is_first && row.size() == 1) promised = ParseCount(line);
    if (promised.has_value() && is_first) continue;
    if (rows == 0) set.dimension = row.size();
    LIBKV_RETURN_IF_ERROR(CheckDimension(path, row.size()));
    if (row.size() != set.dimension) return Unusable(path, "rows of different lengths");
    set.floats.insert(set.floats.end(), row.begin(), row.end());
    ++rows;
  }
  if (promised.has_value() && rows < std::min(*promised, rows_max)) {
    return Unusable(path, "cut off");
  }
  return set;
}

absl::StatusOr<VectorSet> ParseNumbers(const std::string& path, const std::string& bytes,
                                       size_t rows_max) {
  const size_t at = path.rfind("top");
  size_t columns = 0;
  if (at != std::string::npos) {
    std::from_chars(path.data() + at + 3, path.data() + path.size(), columns);
  }
  LIBKV_RETURN_IF_ERROR(CheckDimension(path, columns));
  VectorSet set{columns, {}};
  const size_t row_bytes = sizeof(uint32_t) * columns;
  const size_t there = bytes.size() / row_bytes;
  if (!IsEnd(std::string_view(bytes).substr(there * row_bytes))) return Unusable(path, "cut off");
  AppendAll<uint32_t>(bytes.data(), std::min(there, rows_max) * columns, &set.floats);
  return set;
}

absl::StatusOr<VectorSet> Parse(const std::string& path, const std::string& bytes,
                                size_t rows_max) {
  const std::string name = path.ends_with(".xz") ? path.substr(0, path.size() - 3) : path;
  if (name.ends_with(".npy")) return ParseNpy(path, bytes, rows_max);
  if (name.ends_with(".fvecs")) return ParseVecs<float>(path, bytes, rows_max);
  if (name.ends_with(".ivecs")) return ParseVecs<uint32_t>(path, bytes, rows_max);
  if (name.ends_with(".vec")) return ParseText(path, bytes, rows_max);
  if (name.ends_with(".u32.bin")) return ParseNumbers(name, bytes, rows_max);
  return Unusable(path, "a kind of file that is not known");
}

}  // namespace

absl::StatusOr<VectorSet> ReadVectors(const std::string& path, size_t rows_max) {
  LIBKV_ASSIGN_OR_RETURN(const std::string bytes, ReadBytes(path));
  LIBKV_ASSIGN_OR_RETURN(VectorSet set, Parse(path, bytes, rows_max));
  if (set.count() == 0) return Unusable(path, "no vectors in it");
  const auto is_finite = [](float number) { return std::isfinite(number); };
  if (!std::all_of(set.floats.begin(), set.floats.end(), is_finite)) {
    return Unusable(path, "a number that is not finite");
  }
  return set;
}

}  // namespace libkv::perf
