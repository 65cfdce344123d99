#include "base/clock.h"

#include <chrono>

namespace libkv {

int64_t SystemTimeMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace libkv
