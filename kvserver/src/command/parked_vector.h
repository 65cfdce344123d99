// A vector that came with a value and that no space here takes: it waits in the record's stamp,
// until the definition of a space comes that does. So the order in which values and definitions
// reach a node does not count, and a definition that a node cannot carry out loses nothing.
//
//   stamp := 0x30 floats:bytes rest     rest: the stamp of replication; floats: singles of 4 bytes,
//                                       little endian
#ifndef KVSERVER_SRC_COMMAND_PARKED_VECTOR_H_
#define KVSERVER_SRC_COMMAND_PARKED_VECTOR_H_

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"

namespace kvserver {

inline constexpr char kParkedVector = 0x30;

inline bool HasParkedVector(std::string_view stamp) {
  return !stamp.empty() && stamp[0] == kParkedVector;
}

inline std::string ParkVector(std::string_view stamp, std::span<const float> vector) {
  std::string parked(1, kParkedVector);
  AppendBytes(parked, {reinterpret_cast<const char*>(vector.data()), vector.size_bytes()});
  parked += stamp;
  return parked;
}

// The stamp of replication; `vector`, unless it is null, gets what is parked, if anything is.
inline std::string_view UnparkVector(std::string_view stamp, std::vector<float>* vector) {
  if (!HasParkedVector(stamp)) return stamp;
  ByteReader reader(stamp.substr(1));
  std::string_view floats;
  if (!reader.Bytes(&floats)) return stamp;  // malformed, which who decodes it says
  if (vector != nullptr) {
    vector->resize(floats.size() / sizeof(float));
    if (!vector->empty()) {
      std::memcpy(vector->data(), floats.data(), vector->size() * sizeof(float));
    }
  }
  return reader.rest();
}

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_PARKED_VECTOR_H_
