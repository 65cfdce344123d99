// libkv as vector_bench uses it: vector number n is the value of a key that names n, with a JSON
// value {"r":0..999} to filter by.
//
// Errors     A failure ends the process with a message.
// Threads    As Store; loading from one.
#ifndef LIBKV_PERF_VECTOR_BENCH_STORE_H_
#define LIBKV_PERF_VECTOR_BENCH_STORE_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libkv/store.h"
#include "vector_bench_data.h"

namespace libkv::perf {

inline constexpr uint32_t kFilterValues = 1'000;
inline constexpr std::string_view kFilterField = "r";

std::string VectorKeyOf(uint32_t number);
std::string VectorValueOf(uint32_t number);
uint32_t FilterValueOf(uint32_t number);

class VectorStore {
 public:
  // Opens the store in `directory` or creates it.
  VectorStore(std::string directory, const VectorData& data, size_t memory_bytes);
  ~VectorStore();

  // Without vectors where `vectors` is null.
  void Load(const VectorSet* vectors, std::span<const uint32_t> numbers, size_t bulk,
            Durability durability);
  void Delete(std::span<const uint32_t> numbers);
  void Set(uint32_t number, const float* vector);  // kWritten; null: without a vector

  // Waits until nothing is left to do in the background: lists are there, if there are enough
  // vectors, and their recall was measured. Returns the CPU seconds of the process when the last
  // work was done. After two minutes it says so and returns all the same.
  double Settle();

  void Search(const SimilarOptions& options, const float* query, std::vector<uint32_t>* hits);

  Store& store() { return *store_; }
  SpaceStats Space() const { return store_->Stats().spaces.at(0); }
  // A copy in another directory, which shares the files.
  std::unique_ptr<VectorStore> CopyTo(const std::string& directory);

 private:
  std::string directory_;
  Options options_;
  std::unique_ptr<Store> store_;
};

}  // namespace libkv::perf

#endif  // LIBKV_PERF_VECTOR_BENCH_STORE_H_
