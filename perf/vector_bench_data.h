// Vectors to search among and to search for, from a folder or invented, and what the true answers
// are.
//
//   a folder holds   base vectors   the file that begins with train or base, or the only one
//                    queries        one that begins with test or query; else the first base vectors
//                                   are the queries, and no longer in the base
//                    truth          one that begins with gt or groundtruth; optional
//   .npy      NumPy's: u8, i32 or f32 in C order, little endian; the first axis counts vectors
//   .fvecs    (dimension:u32le value:f32le[dimension])*      .ivecs: the same with u32
//   .vec      text, a word and its vector per line, perhaps after a line "count dimension"; these
//             are compared by direction (cosine), all others by distance
//   .u32.bin  u32le, rows of as many as the name says behind "top"
// In front of the kind a name may have the name of the set (sift_base.fvecs); behind it .xz.
//
// Errors     A file that cannot be used ends the process with a message.
#ifndef LIBKV_PERF_VECTOR_BENCH_DATA_H_
#define LIBKV_PERF_VECTOR_BENCH_DATA_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace libkv::perf {

inline constexpr size_t kNeighboursWanted = 10;

struct VectorSet {
  size_t dimension = 0;
  std::vector<float> floats;

  size_t count() const { return dimension == 0 ? 0 : floats.size() / dimension; }
  const float* at(size_t i) const { return floats.data() + i * dimension; }
  float* at(size_t i) { return floats.data() + i * dimension; }
};

// Of each query the squared distance to its tenth nearest vector: whatever is no further is a true
// neighbour, so that equally near ones count, whichever of them an index returns.
struct Truth {
  std::vector<float> limits;          // by query
  size_t wanted = kNeighboursWanted;  // true neighbours there are, at most ten
};

struct VectorData {
  std::string name;
  VectorSet base, queries;
  bool bits_only = false;     // libkv keeps a bit per dimension in memory, and the rest on disk
  bool by_direction = false;  // all vectors have length 1 then, and distance ranks as cosine does
  Truth truth;
};

// Folders that ReadVectorData takes: `path` if there are files of vectors in it, else those in it
// with such files, by name. Empty: there are none, or no such folder.
std::vector<std::string> FindVectorFolders(const std::string& path);

// At most so many vectors and queries. The truth of the file is used where it agrees with what is
// computed for some queries; otherwise all of it is computed.
VectorData ReadVectorData(const std::string& folder, size_t vectors_max, size_t queries_max);

// Clusters that overlap in a space of few dimensions, mapped to `dimension` with a little noise and
// rounded to 0..255, as SIFT features are; always the same for the same numbers.
VectorData InventVectorData(size_t count, size_t dimension, size_t queries);

float SquaredDistance(const float* a, const float* b, size_t dimension);

// The truth for the first `queries_max` queries among the vectors that pass. Compares everything
// with everything.
Truth ComputeTruth(const VectorSet& base, const VectorSet& queries, size_t queries_max,
                   const std::function<bool(size_t number)>& passes);

// The share of the true neighbours of query i among its hits; one that was hit twice counts once.
double RecallOf(const VectorData& data, const Truth& truth, size_t query,
                std::vector<uint32_t> hits);

// The nearest of `count` centres, learnt by a few rounds of k-means from a sample, of each vector.
std::vector<uint32_t> ClustersOf(const VectorSet& base, size_t count);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_VECTOR_BENCH_DATA_H_
