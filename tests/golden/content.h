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

// A value of every byte.
inline std::string GoldenBinary() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  return bytes;
}

}  // namespace libkv

#endif  // LIBKV_TESTS_GOLDEN_CONTENT_H_
