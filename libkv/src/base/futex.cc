#include "base/futex.h"

#if defined(__linux__)

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace libkv {

void FutexWait(const std::atomic<uint32_t>& word, uint32_t seen) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}

void FutexWake(std::atomic<uint32_t>& word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

}  // namespace libkv

#else

namespace libkv {

void FutexWait(const std::atomic<uint32_t>& word, uint32_t seen) { word.wait(seen); }
void FutexWake(std::atomic<uint32_t>& word, int) { word.notify_all(); }

}  // namespace libkv

#endif
