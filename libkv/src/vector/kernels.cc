#include "vector/kernels.h"

#include "base/check.h"
#include "vector/kernel_tables.h"

namespace libkv {

const Kernels& KernelsFor(SimdLevel level) {
  LIBKV_CHECK(level <= CpuSimdLevel());
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512) return kAvx512Kernels;
  if (level == SimdLevel::kAvx2) return kAvx2Kernels;
#endif
  return kBaselineKernels;
}

const Kernels& ActiveKernels() {
  static const Kernels& kernels = KernelsFor(DetectedSimdLevel());
  return kernels;
}

std::vector<SimdLevel> SupportedSimdLevels() {
  std::vector<SimdLevel> levels;
  for (const SimdLevel level : {SimdLevel::kBaseline, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (level <= CpuSimdLevel()) levels.push_back(level);
  }
  return levels;
}

}  // namespace libkv
