// Memory for many small byte strings that are given back together.
#ifndef KVSERVER_SRC_BASE_ARENA_H_
#define KVSERVER_SRC_BASE_ARENA_H_

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace kvserver {

// Views stay where they are until Clear or the end.
class Arena {
 public:
  std::string_view Copy(std::string_view bytes) {
    if (bytes.empty()) return {};
    char* const target = Allocate(bytes.size());
    std::memcpy(target, bytes.data(), bytes.size());
    return {target, bytes.size()};
  }

  // Aligned as a float needs it.
  char* Allocate(size_t bytes) {
    bytes = (bytes + kAlign - 1) / kAlign * kAlign;
    if (bytes > kBlockBytes / 4) {
      large_.push_back(std::make_unique<char[]>(bytes));
      return large_.back().get();
    }
    if (blocks_.empty() || used_ + bytes > kBlockBytes) {
      block_ = blocks_.empty() ? 0 : block_ + 1;
      if (block_ == blocks_.size()) blocks_.push_back(std::make_unique<char[]>(kBlockBytes));
      used_ = 0;
    }
    char* const target = blocks_[block_].get() + used_;
    used_ += bytes;
    return target;
  }

  // Keeps a few blocks for what comes next.
  void Clear() {
    large_.clear();
    if (blocks_.size() > kBlocksKept) blocks_.resize(kBlocksKept);
    block_ = 0;
    used_ = 0;
  }

 private:
  static constexpr size_t kBlockBytes = size_t{64} << 10;
  static constexpr size_t kBlocksKept = 4;
  static constexpr size_t kAlign = 8;

  std::vector<std::unique_ptr<char[]>> blocks_, large_;
  size_t block_ = 0, used_ = 0;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_ARENA_H_
