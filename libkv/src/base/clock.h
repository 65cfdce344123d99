// The time of day, read in one place only so that everything else can be given another.
#ifndef LIBKV_SRC_BASE_CLOCK_H_
#define LIBKV_SRC_BASE_CLOCK_H_

#include <cstdint>

namespace libkv {

// Milliseconds since 1970.
int64_t SystemTimeMillis();

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_CLOCK_H_
