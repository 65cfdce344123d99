// The bytes of messages between nodes. The grammar is in kvserver/doc/peer_protocol.md.
//
// Equal messages have equal bytes, and bytes that Encode would not write are refused: whatever
// Decode accepts, Encode gives back byte for byte.
#ifndef KVSERVER_SRC_CLUSTER_MESSAGE_CODEC_H_
#define KVSERVER_SRC_CLUSTER_MESSAGE_CODEC_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cluster/message.h"

namespace kvserver::cluster {

inline constexpr size_t kMessageBytesMax = size_t{80} << 20;
inline constexpr size_t kRefusalBytesMax = 1'024;
// Memory that one decoded message may take, beside its keys and values.
inline constexpr size_t kDecodedBytesMax = size_t{512} << 20;

// Always succeeds; what cannot be said is not sent: the dot of a pushed version, everything but the
// time of a pushed delete, what a Refusal has over kRefusalBytesMax. Decode refuses what the sender
// should not have made: longer than kMessageBytesMax, a key that is empty or too long, a counter 0.
std::string EncodeMessage(const Message& message);

// InvalidArgument: not a message of this version; the text says why. Takes memory in proportion to
// the bytes that are there, whatever they say, and at most kDecodedBytesMax and their own size.
absl::StatusOr<Message> DecodeMessage(std::string_view bytes);

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_MESSAGE_CODEC_H_
