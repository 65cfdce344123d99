#include "net/peer_frames.h"

#include <algorithm>
#include <utility>

namespace kvserver {
namespace {

constexpr size_t kHeadBytes = 4;

}  // namespace

std::string PeerFrameHead(size_t bytes) {
  std::string head;
  for (int shift = 24; shift >= 0; shift -= 8) head.push_back(static_cast<char>(bytes >> shift));
  return head;
}

absl::Status PeerFrameReader::Feed(std::string_view bytes,
                                   absl::FunctionRef<absl::Status(std::string)> frame) {
  while (!bytes.empty()) {
    if (head_bytes_ < kHeadBytes) {
      size_ = size_ << 8 | static_cast<uint8_t>(bytes[0]);
      bytes.remove_prefix(1);
      if (++head_bytes_ < kHeadBytes) continue;
      if (size_ > bytes_max_) {
        return absl::InvalidArgumentError("it announced a frame of " + std::to_string(size_) +
                                          " bytes; at most " + std::to_string(bytes_max_) +
                                          " are allowed");
      }
    }
    const size_t taken = std::min(bytes.size(), size_ - frame_.size());
    frame_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (frame_.size() < size_) break;
    const bool is_heartbeat = size_ == 0;
    head_bytes_ = size_ = 0;
    std::string whole = std::exchange(frame_, std::string());
    if (is_heartbeat) continue;
    if (absl::Status status = frame(std::move(whole)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace kvserver
