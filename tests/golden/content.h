// What is in the golden stores: shared by the program that makes one and the test that reads them.
#ifndef LIBKV_TESTS_GOLDEN_CONTENT_H_
#define LIBKV_TESTS_GOLDEN_CONTENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "libkv/store.h"

namespace libkv {

inline constexpr int64_t kGoldenNow = 1'700'000'000'000;     // when it was written, by its clock
inline constexpr int64_t kGoldenExpiry = 7'258'118'400'000;  // in the year 2200
inline constexpr int64_t kGoldenPast = kGoldenNow + 1'000;   // over for every reader

inline Options GoldenOptions() {
  Space documents;
  documents.prefix = "doc:";
  documents.text = true;
  documents.text_fields = {"title", "body"};
  documents.values = true;
  documents.fields = {"year", "tags"};
  Space exact;
  exact.prefix = "v32:";
  exact.vector_dimension = 4;
  exact.metric = Metric::kL2;
  Space half;
  half.prefix = "v16:";
  half.vector_dimension = 4;
  half.metric = Metric::kCosine;
  half.precision = VectorPrecision::kFloat16;
  Space embedded;
  embedded.prefix = "e:";
  embedded.text = true;
  embedded.embedder = MakeHashEmbedder();
  Options options;
  options.spaces = {documents, exact, half, embedded};
  return options;
}

// Of the store with stamps and rows.
inline const char* const kGoldenStamp = "version 2";
inline constexpr size_t kGoldenLongStamp = 1'000;  // bytes, all 's'

// -- The store with lists of vectors --------------------------------------------------------------

// Cheap, and different for different texts. One that is down answers Unavailable, and refuses texts
// that begin with "no".
class GoldenEmbedder final : public Embedder {
 public:
  explicit GoldenEmbedder(bool is_down = false) : is_down_(is_down) {}
  std::string identity() const override { return "golden/1"; }
  size_t dimension() const override { return 4; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].starts_with("no")) return absl::InvalidArgumentError("refused");
      if (is_down_ && texts[i].starts_with("late")) return absl::UnavailableError("down");
      uint32_t sum = 7;
      for (size_t j = 0; j < 4; ++j) {
        for (const char c : texts[i]) sum = sum * 31 + static_cast<unsigned char>(c);
        vectors[i * 4 + j] = static_cast<float>(sum >> 16 & 1'023) - 511.5f;
      }
    }
    return absl::OkStatus();
  }

 private:
  const bool is_down_;
};

inline constexpr size_t kGoldenListed = 1'200;  // vectors, more than are compared without lists

inline std::vector<float> GoldenListed(size_t i) {
  const auto at = [](size_t x) { return static_cast<float>(x % 97) - 48; };
  return {at(i * 7), at(i * 31 + 5), at(i * i), static_cast<float>(i % 13) * 15};
}

// Of a text's words `i` begins with.
inline std::string GoldenText(size_t i) {
  static const char* const kWords[] = {"river", "boat",  "water",  "bank", "money",
                                       "loan",  "stone", "bridge", "fish", "credit"};
  std::string text;
  for (size_t j = 0; j < 5; ++j) text += std::string(kWords[(i * 3 + j * (1 + i % 2)) % 10]) + " ";
  return text + "text" + std::to_string(i);
}

inline Options GoldenVectorOptions(bool is_down = false) {
  Options options;
  for (const char* prefix : {"codes:", "bits:"}) {
    Space lists;
    lists.prefix = prefix;
    lists.vector_dimension = 4;
    lists.metric = Metric::kL2;
    if (options.spaces.size() == 1) lists.vector_memory = VectorMemory::kBits;
    options.spaces.push_back(lists);
  }
  Space again;
  again.prefix = "again:";
  again.embedder = std::make_shared<GoldenEmbedder>();
  Space learns;
  learns.prefix = "learns:";
  learns.text = true;
  learns.learn = true;
  Space later;
  later.prefix = "later:";
  later.text = true;
  later.embedder = std::make_shared<GoldenEmbedder>(is_down);
  later.deferred = true;
  for (const Space& space : {again, learns, later}) options.spaces.push_back(space);
  options.exact_vectors_max = kExactVectorsMin;
  return options;
}

// A value of every byte.
inline std::string GoldenBinary() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  return bytes;
}

}  // namespace libkv

#endif  // LIBKV_TESTS_GOLDEN_CONTENT_H_
