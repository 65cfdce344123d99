// Sizes for builds in which everything takes ten times as long.
#ifndef LIBKV_TESTS_SUPPORT_SLOW_BUILD_H_
#define LIBKV_TESTS_SUPPORT_SLOW_BUILD_H_

#include <cstddef>

namespace libkv {

#if defined(__SANITIZE_THREAD__)
inline constexpr size_t kSlowBuild = 4;
#else
inline constexpr size_t kSlowBuild = 1;
#endif

// A number of items that shows the same with a quarter of them.
constexpr size_t Scaled(size_t count) { return count / kSlowBuild; }

}  // namespace libkv

#endif  // LIBKV_TESTS_SUPPORT_SLOW_BUILD_H_
