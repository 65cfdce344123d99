#include "base/fork_guard.h"

#include <pthread.h>

namespace libkv {
namespace {

std::atomic<uint64_t> generation{0};

}  // namespace

std::atomic<uint64_t>& ForkGuard::Generation() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return generation;
}

}  // namespace libkv
