// Cuts what a peer sends into frames: u32 size, big endian, and so many bytes. No sockets here.
#ifndef KVSERVER_SRC_NET_PEER_FRAMES_H_
#define KVSERVER_SRC_NET_PEER_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace kvserver {

// The bytes in front of a frame of this size, which is at most 32 bits.
std::string PeerFrameHead(size_t bytes);

class PeerFrameReader {
 public:
  // Of one frame, its head not counted.
  explicit PeerFrameReader(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Calls `frame` for every frame that these bytes complete, heartbeats (frames of no bytes) not
  // counted. An error of `frame`, or a frame that is too long, ends it: no more may be fed. A
  // frame that is not complete takes memory for what has arrived of it, twice at most.
  absl::Status Feed(std::string_view bytes, absl::FunctionRef<absl::Status(std::string)> frame);

  // Nothing of a frame has arrived without the rest.
  bool is_between_frames() const { return head_bytes_ == 0; }

 private:
  size_t bytes_max_;
  size_t head_bytes_ = 0;  // of the head of the frame that is being read
  size_t size_ = 0;        // of that frame, as far as its head is there
  std::string frame_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_FRAMES_H_
