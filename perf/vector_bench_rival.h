// The vector indexes that libkv is measured beside, behind one face. Each is in a file of its own,
// which is compiled when its package is there.
//
// Errors     A failure ends the process with a message.
// Threads    One.
#ifndef LIBKV_PERF_VECTOR_BENCH_RIVAL_H_
#define LIBKV_PERF_VECTOR_BENCH_RIVAL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vector_bench_data.h"

namespace libkv::perf {

// An index in memory over the base, which finds numbers of vectors by their distance.
class VectorRival {
 public:
  virtual ~VectorRival() = default;

  // The ten nearest, in no order.
  virtual void Search(const float* query, std::vector<uint32_t>* hits) = 0;
  virtual void SetDepth(int depth) = 0;
  virtual void Save(const std::string& path) = 0;

  virtual bool CanChange() const { return false; }
  virtual void Delete(uint32_t) {}
  virtual void Overwrite(uint32_t, const float*) {}
};

struct VectorRivalKind {
  std::string name;        // as --rivals has it
  std::string depth_name;  // "ef"
  std::vector<int> depths;
  bool is_slow = false;  // compares everything: asked fewer queries
  std::function<std::unique_ptr<VectorRival>(const VectorSet& base)> build;
  // What Save wrote. The base must be the same.
  std::function<std::unique_ptr<VectorRival>(const VectorSet& base, const std::string& path)> load;
};

// Those this program was built with. For each other one a line is printed that says what was
// missing.
std::vector<VectorRivalKind> VectorRivals();

VectorRivalKind HnswlibKind();
std::vector<VectorRivalKind> FaissKinds();

}  // namespace libkv::perf

#endif  // LIBKV_PERF_VECTOR_BENCH_RIVAL_H_
