#include "vector/simd_level.h"

#include <cstdlib>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace libkv {

#if defined(__x86_64__)

namespace {

// Older compilers do not know this one by name.
bool HasF16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

}  // namespace

// __builtin_cpu_supports also asks whether the operating system saves the wide registers.
SimdLevel CpuSimdLevel() {
  __builtin_cpu_init();
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && HasF16c();
  if (!has_avx2) return SimdLevel::kBaseline;
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512vnni");
  return has_avx512 ? SimdLevel::kAvx512 : SimdLevel::kAvx2;
}

#else

SimdLevel CpuSimdLevel() { return SimdLevel::kBaseline; }

#endif

SimdLevel LowerSimdLevel(SimdLevel best, const char* wanted) {
  if (wanted == nullptr) return best;
  const std::string_view word = wanted;
  SimdLevel level = best;
  if (word == "baseline") level = SimdLevel::kBaseline;
  if (word == "avx2") level = SimdLevel::kAvx2;
  if (word == "avx512") level = SimdLevel::kAvx512;
  return level < best ? level : best;
}

SimdLevel DetectedSimdLevel() {
  static const SimdLevel level = LowerSimdLevel(CpuSimdLevel(), std::getenv("LIBKV_SIMD"));
  return level;
}

}  // namespace libkv
