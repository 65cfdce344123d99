// Tells whether this process forked after a store was opened: RocksDB's threads do not exist in a
// child, and a flush there would hang for ever. Costs one load, not the getpid system call.
#ifndef LIBKV_SRC_BASE_FORK_GUARD_H_
#define LIBKV_SRC_BASE_FORK_GUARD_H_

#include <atomic>
#include <cstdint>

namespace libkv {

class ForkGuard {
 public:
  ForkGuard() : born_(Generation().load(std::memory_order_relaxed)) {}
  bool InChild() const { return Generation().load(std::memory_order_relaxed) != born_; }

 private:
  // Counts the forks between the first process and this one.
  static std::atomic<uint64_t>& Generation();

  const uint64_t born_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_FORK_GUARD_H_
