#include "http/embedding_json.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"

namespace libkv {
namespace {

using Json = nlohmann::json;

constexpr size_t kNumberBytesMax = 32;
constexpr size_t kOtherBytesMax = 64 << 10;  // usage, model, white space

template <typename... Pieces>
absl::Status WrongAnswer(const Pieces&... pieces) {
  return MakeStatus(absl::StatusCode::kInternal, "the embedding server's answer ", pieces...);
}

int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// False: not base64.
bool DecodeBase64(std::string_view text, std::string* bytes) {
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int value = Base64Value(c);
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    *bytes += static_cast<char>(bits >> bit_count);
  }
  return true;
}

absl::Status ReadBase64(const std::string& text, std::vector<float>* vector) {
  std::string bytes;
  if (!DecodeBase64(text, &bytes) || bytes.size() % 4 != 0) {
    return WrongAnswer("has an embedding that is not base64 of floats");
  }
  for (size_t at = 0; at < bytes.size(); at += 4) {
    uint32_t bits = 0;
    for (size_t i = 4; i > 0; --i) bits = bits << 8 | static_cast<uint8_t>(bytes[at + i - 1]);
    vector->push_back(std::bit_cast<float>(bits));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> ReadVector(const Json& embedding, size_t dimension) {
  std::vector<float> vector;
  if (embedding.is_string()) {
    LIBKV_RETURN_IF_ERROR(ReadBase64(embedding.get_ref<const std::string&>(), &vector));
  } else if (embedding.is_array()) {
    for (const Json& number : embedding) {
      if (!number.is_number()) return WrongAnswer("has an embedding with what is not a number");
      const double value = number.get<double>();
      if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max()))) {
        return WrongAnswer("has a number that no float can hold");
      }
      vector.push_back(static_cast<float>(value));
    }
  } else {
    return WrongAnswer("has an item without embedding");
  }
  if (vector.empty() || vector.size() > kHttpDimensionMax ||
      (dimension != 0 && vector.size() != dimension)) {
    return WrongAnswer("has a vector of ", vector.size(), " dimensions",
                       dimension == 0 ? std::string() : Concat(", expected ", dimension));
  }
  bool any = false;
  for (const float x : vector) {
    if (!std::isfinite(x)) return WrongAnswer("has a number that is not finite");
    any = any || x != 0;
  }
  if (!any) return WrongAnswer("has a vector of zeros");
  return vector;
}

// A single item may come without index.
absl::StatusOr<size_t> ReadIndex(const Json& item, size_t count) {
  const auto index = item.find("index");
  if (index == item.end() && count == 1) return 0;
  if (index == item.end() || !index->is_number_unsigned() || index->get<uint64_t>() >= count) {
    return WrongAnswer("has an item whose index is none of 0 to ", count - 1);
  }
  return index->get<size_t>();
}

}  // namespace

std::string EmbeddingRequest(const HttpEmbedderOptions& options,
                             std::span<const std::string> texts) {
  Json request = {
      {"model", options.model},
      {"input", texts},
      {"encoding_format", options.encoding == HttpEncoding::kBase64 ? "base64" : "float"}};
  if (options.request_dimension && options.dimension != 0) {
    request["dimensions"] = options.dimension;
  }
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<std::vector<float>> EmbeddingResponse(std::string_view body, size_t count,
                                                     size_t dimension) {
  const Json response = Json::parse(body.begin(), body.end(), nullptr, false);
  if (response.is_discarded()) return WrongAnswer("is not JSON");
  if (!response.is_object()) return WrongAnswer("is not a JSON object");
  const auto data = response.find("data");
  if (data == response.end() || !data->is_array()) return WrongAnswer("has no array \"data\"");
  if (data->size() != count) {
    return WrongAnswer("has ", data->size(), " vectors for ", count, " texts");
  }
  std::vector<float> vectors;
  std::vector<bool> seen(count);
  for (const Json& item : *data) {
    if (!item.is_object()) return WrongAnswer("has an item that is not an object");
    LIBKV_ASSIGN_OR_RETURN(const size_t index, ReadIndex(item, count));
    if (seen[index]) return WrongAnswer("has two vectors for text ", index);
    seen[index] = true;
    const auto embedding = item.find("embedding");
    if (embedding == item.end()) return WrongAnswer("has an item without embedding");
    LIBKV_ASSIGN_OR_RETURN(const std::vector<float> vector, ReadVector(*embedding, dimension));
    if (vectors.empty()) {
      dimension = vector.size();
      vectors.resize(count * dimension);
    }
    std::copy(vector.begin(), vector.end(),
              vectors.begin() + static_cast<std::ptrdiff_t>(index * dimension));
  }
  return vectors;
}

size_t EmbeddingResponseBytesMax(size_t count, size_t dimension) {
  const size_t numbers = dimension == 0 ? kHttpDimensionMax : dimension;
  return count * (numbers * kNumberBytesMax + 256) + kOtherBytesMax;
}

}  // namespace libkv
