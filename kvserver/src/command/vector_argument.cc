#include "command/vector_argument.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>

#include "base/numbers.h"
#include "libkv/options.h"

namespace kvserver {
namespace {

static_assert(std::endian::native == std::endian::little, "FP32 is read and written as it is");

std::vector<float> ReadNumbers(ArgumentReader& reader) {
  const size_t count = reader.Count(1, libkv::kVectorDimensionMax);
  if (reader.ok() && reader.left() < count) {
    reader.Fail("VALUES announces " + std::to_string(count) + " numbers, but " +
                std::to_string(reader.left()) + " follow");
  }
  std::vector<float> vector;
  for (size_t i = 0; i < count && reader.ok(); ++i) {
    const std::string_view text = reader.Bytes();
    const auto value = ParseDouble(text);
    const float number = value ? static_cast<float>(*value) : NAN;
    if (!std::isfinite(number)) {
      reader.Fail("number " + std::to_string(i + 1) + " of the vector is " + Quoted(text) +
                  ", which is no 32-bit float");
    }
    vector.push_back(number);
  }
  return vector;
}

std::vector<float> ReadBlob(ArgumentReader& reader) {
  const std::string_view bytes = reader.Bytes();
  const size_t count = bytes.size() / sizeof(float);
  if (reader.ok() &&
      (bytes.size() % sizeof(float) != 0 || count == 0 || count > libkv::kVectorDimensionMax)) {
    reader.Fail("FP32 needs 4 bytes for each of 1 to " +
                std::to_string(libkv::kVectorDimensionMax) + " numbers, not " +
                std::to_string(bytes.size()) + " bytes");
  }
  if (!reader.ok()) return {};
  std::vector<float> vector(count);
  std::memcpy(vector.data(), bytes.data(), bytes.size());
  for (const float number : vector) {
    if (!std::isfinite(number)) reader.Fail("FP32 has a number that is not finite");
  }
  return vector;
}

// The double that is spelled as the float is, so that 0.1f is written 0.1.
double AsSpelled(float number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  double value = number;
  std::from_chars(text, end, value);
  return value;
}

}  // namespace

bool IsVector(const ArgumentReader& reader) { return reader.Is("VALUES") || reader.Is("FP32"); }

std::vector<float> ReadVector(ArgumentReader& reader) {
  std::vector<float> vector = reader.Is("VALUES") ? ReadNumbers(reader) : ReadBlob(reader);
  if (!reader.ok()) vector.clear();
  return vector;
}

void ReplyVector(ReplyWriter& reply, std::span<const float> vector) {
  reply.BeginArray(vector.size());
  for (const float number : vector) reply.Double(AsSpelled(number));
}

}  // namespace kvserver
