// Sleeping until a number changes: the cheapest way to wait that a process has, one system call to
// sleep and one to wake any number of sleepers.
#ifndef LIBKV_SRC_BASE_FUTEX_H_
#define LIBKV_SRC_BASE_FUTEX_H_

#include <atomic>
#include <cstdint>

namespace libkv {

// Returns when `word` may have changed from `seen`; spurious returns happen.
void FutexWait(const std::atomic<uint32_t>& word, uint32_t seen);

// Wakes at most `count` threads that wait on `word`.
void FutexWake(std::atomic<uint32_t>& word, int count);

inline constexpr int kFutexWakeAll = 0x7fffffff;

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_FUTEX_H_
