// How the parts of a store share its budget, Options::memory_bytes. The engine has all of it at
// first; indexes take what they need, the record cache up to a quarter of what they leave, as it
// fills; and the engine's block cache shrinks by what both take.
#include <algorithm>

#include "store/store_impl.h"

namespace libkv {
namespace {

// The block cache is told in steps.
constexpr size_t kStep = size_t{1} << 20;

// What the record cache may have however large the indexes are, as a part of the budget.
constexpr size_t kRecordsPartMin = 64;

}  // namespace

size_t Store::Impl::RecordBytesMax(size_t memory_bytes, size_t index_memory) {
  const size_t left = memory_bytes - std::min(memory_bytes, index_memory);
  return std::max(left / 4, memory_bytes / kRecordsPartMin);
}

// From readers, when the record cache has grown.
void Store::Impl::ShareMemory() const {
  const size_t records = records_->figures().memory_bytes;
  const std::lock_guard lock(memory_mutex_);
  const size_t taken = index_memory_ + records;
  if (taken <= shared_memory_ + kStep && taken + kStep >= shared_memory_) return;
  shared_memory_ = taken;
  engine_->ReserveMemory(taken);
}

// From the committer, when it knows what the indexes have.
void Store::Impl::SetIndexMemory(size_t bytes) {
  {
    const std::lock_guard lock(memory_mutex_);
    if (bytes <= index_memory_ + kStep && bytes + kStep >= index_memory_) return;
    index_memory_ = bytes;
  }
  records_->SetBytesMax(RecordBytesMax(memory_bytes_, bytes));
  ShareMemory();
}

}  // namespace libkv
