#include "vector_bench_files.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

#include "harness.h"
#include "search/child_process.h"

namespace libkv::perf {
namespace {

constexpr size_t kDimensionMax = 65'536;

// The bytes of the file, unpacked. Of a packed one there may be a line feed too many at the end: a
// ChildProcess gives lines.
std::string ReadBytes(const std::string& path) {
  std::string bytes;
  if (path.ends_with(".xz")) {
    ChildProcess xz({"xz", "-dc", path});
    for (std::string line; xz.ReadLine(&line);) {
      if (bytes.size() + line.size() > kVectorFileBytesMax) Fail(path + " is too large");
      bytes += line;
      bytes += '\n';
    }
    return bytes;
  }
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) Fail("cannot read " + path);
  const auto size = static_cast<size_t>(in.tellg());
  if (size > kVectorFileBytesMax) Fail(path + " is too large");
  bytes.resize(size);
  in.seekg(0);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) Fail("cannot read " + path);
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

void CheckDimension(const std::string& path, size_t dimension) {
  if (dimension == 0 || dimension > kDimensionMax) {
    Fail(path + ": rows of " + std::to_string(dimension) + " numbers");
  }
}

// The text behind `name` in a NumPy header, which is a Python dictionary.
std::string_view HeaderField(const std::string& path, std::string_view header,
                             std::string_view name) {
  const size_t at = header.find(name);
  if (at == std::string_view::npos) Fail(path + ": no " + std::string(name) + " in the header");
  std::string_view rest = header.substr(at + name.size());
  rest.remove_prefix(std::min(rest.find_first_not_of("': "), rest.size()));
  return rest;
}

// (rows, columns, ...) as rows and the product of the others.
std::pair<size_t, size_t> ParseShape(const std::string& path, std::string_view text) {
  std::vector<size_t> axes;
  const std::string_view inner = text.substr(0, text.find(')'));
  const char* at = inner.data();
  const char* const end = at + inner.size();
  while (at < end) {
    size_t axis = 0;
    const auto [next, error] = std::from_chars(at, end, axis);
    if (error == std::errc()) {
      if (axis > kVectorFileBytesMax) Fail(path + ": a shape that is too large");
      axes.push_back(axis);
    }
    at = error == std::errc() ? next : at + 1;
  }
  if (axes.size() < 2 || axes.size() > 4) Fail(path + ": not an array of vectors");
  size_t columns = 1;
  for (size_t i = 1; i < axes.size(); ++i) {
    CheckDimension(path, axes[i]);
    columns *= axes[i];
    CheckDimension(path, columns);
  }
  return {axes[0], columns};
}

VectorSet ParseNpy(const std::string& path, const std::string& bytes, size_t rows_max) {
  constexpr size_t kPrefixBytes = 10;
  if (bytes.size() < kPrefixBytes + 2 || !bytes.starts_with("\x93NUMPY")) {
    Fail(path + ": not a NumPy file");
  }
  const bool is_long = bytes[6] >= 2;
  const size_t header_bytes =
      is_long ? Load<uint32_t>(&bytes[8]) : size_t{Load<uint16_t>(&bytes[8])};
  const size_t begin = is_long ? kPrefixBytes + 2 : kPrefixBytes;
  if (bytes.size() - begin < header_bytes) Fail(path + ": cut off");
  const std::string_view header = std::string_view(bytes).substr(begin, header_bytes);
  const std::string_view kind = HeaderField(path, header, "descr'");
  if (HeaderField(path, header, "fortran_order'").starts_with("True")) Fail(path + ": by columns");
  const auto [rows, columns] = ParseShape(path, HeaderField(path, header, "shape'"));
  const bool is_byte = kind.starts_with("|u1");
  const bool is_float = kind.starts_with("<f4");
  if (!is_byte && !is_float && !kind.starts_with("<i4") && !kind.starts_with("<u4")) {
    Fail(path + ": neither u8, i32, u32 nor f32");
  }
  const size_t width = is_byte ? 1 : 4;
  if ((bytes.size() - begin - header_bytes) / width / columns < rows) Fail(path + ": cut off");
  VectorSet set{columns, {}};
  const size_t count = std::min(rows, rows_max) * columns;
  set.floats.reserve(count);
  const char* const from = bytes.data() + begin + header_bytes;
  if (is_byte) {
    AppendAll<uint8_t>(from, count, &set.floats);
  } else if (is_float) {
    AppendAll<float>(from, count, &set.floats);
  } else {
    AppendAll<uint32_t>(from, count, &set.floats);
  }
  return set;
}

template <typename Number>
VectorSet ParseVecs(const std::string& path, const std::string& bytes, size_t rows_max) {
  VectorSet set;
  size_t rows = 0;
  for (size_t at = 0; at + 4 <= bytes.size() && rows < rows_max; ++rows) {
    const size_t dimension = Load<uint32_t>(&bytes[at]);
    if (rows == 0) set.dimension = dimension;
    CheckDimension(path, dimension);
    at += 4;
    if (dimension != set.dimension || (bytes.size() - at) / 4 < dimension) {
      if (bytes.size() - at + 4 < 4 + dimension * 4 && rows > 0) Fail(path + ": cut off");
      Fail(path + ": rows of different lengths");
    }
    AppendAll<Number>(bytes.data() + at, dimension, &set.floats);
    at += dimension * 4;
  }
  return set;
}

VectorSet ParseText(const std::string& path, const std::string& bytes, size_t rows_max) {
  VectorSet set;
  size_t rows = 0;
  std::vector<float> row;
  for (size_t at = 0; at < bytes.size() && rows < rows_max;) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = std::string_view(bytes).substr(at, end - at);
    at = end + 1;
    row.clear();
    for (size_t blank = line.find(' '); blank != std::string_view::npos;) {
      const size_t begin = blank + 1;
      blank = line.find(' ', begin);
      const std::string_view text = line.substr(begin, std::min(blank, line.size()) - begin);
      float number = 0;
      if (text.empty()) continue;
      if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) {
        Fail(path + ": not a number: " + std::string(text.substr(0, 20)));
      }
      row.push_back(number);
    }
    if (row.size() <= 1) continue;  // "count dimension"
    if (rows == 0) set.dimension = row.size();
    CheckDimension(path, row.size());
    if (row.size() != set.dimension) Fail(path + ": rows of different lengths");
    set.floats.insert(set.floats.end(), row.begin(), row.end());
    ++rows;
  }
  return set;
}

VectorSet ParseNumbers(const std::string& path, const std::string& bytes, size_t rows_max) {
  const size_t at = path.rfind("top");
  size_t columns = 0;
  if (at != std::string::npos) {
    std::from_chars(path.data() + at + 3, path.data() + path.size(), columns);
  }
  CheckDimension(path, columns);
  VectorSet set{columns, {}};
  const size_t rows = std::min(bytes.size() / 4 / columns, rows_max);
  AppendAll<uint32_t>(bytes.data(), rows * columns, &set.floats);
  return set;
}

}  // namespace

VectorSet ReadVectors(const std::string& path, size_t rows_max) {
  const std::string bytes = ReadBytes(path);
  const std::string name = path.ends_with(".xz") ? path.substr(0, path.size() - 3) : path;
  VectorSet set;
  if (name.ends_with(".npy")) {
    set = ParseNpy(path, bytes, rows_max);
  } else if (name.ends_with(".fvecs")) {
    set = ParseVecs<float>(path, bytes, rows_max);
  } else if (name.ends_with(".ivecs")) {
    set = ParseVecs<uint32_t>(path, bytes, rows_max);
  } else if (name.ends_with(".vec")) {
    set = ParseText(path, bytes, rows_max);
  } else if (name.ends_with(".u32.bin")) {
    set = ParseNumbers(name, bytes, rows_max);
  } else {
    Fail(path + ": a kind of file that is not known");
  }
  if (set.count() == 0) Fail(path + " is empty");
  return set;
}

}  // namespace libkv::perf
