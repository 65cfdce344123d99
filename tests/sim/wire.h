// Messages as bytes, as between processes.
#ifndef LIBKV_TESTS_SIM_WIRE_H_
#define LIBKV_TESTS_SIM_WIRE_H_

#include <memory>
#include <optional>
#include <string>

#include "cluster/message.h"
#if __has_include("cluster/message_codec.h")
#include "cluster/message_codec.h"
#define KVSERVER_SIM_WIRE_BYTES 1
#endif

namespace kvserver::sim {

struct Packet {
  std::string bytes;
#ifndef KVSERVER_SIM_WIRE_BYTES
  std::shared_ptr<const cluster::Message> message;
#endif
};

inline Packet Pack(const cluster::Message& message) {
#ifdef KVSERVER_SIM_WIRE_BYTES
  return {cluster::EncodeMessage(message)};
#else
  return {"", std::make_shared<const cluster::Message>(message)};
#endif
}

// nullopt: what was packed cannot be read again.
inline std::optional<cluster::Message> Unpack(const Packet& packet) {
#ifdef KVSERVER_SIM_WIRE_BYTES
  absl::StatusOr<cluster::Message> message = cluster::DecodeMessage(packet.bytes);
  if (!message.ok() || cluster::EncodeMessage(*message) != packet.bytes) return std::nullopt;
  return *std::move(message);
#else
  return *packet.message;
#endif
}

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_WIRE_H_
