// Bytes that nobody can guess, from the system.
#ifndef KVSERVER_SRC_BASE_SYSTEM_RANDOM_H_
#define KVSERVER_SRC_BASE_SYSTEM_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace kvserver {

// Throws std::runtime_error if the system has none; `count` is at most 256.
std::string RandomBytes(size_t count);
uint64_t RandomNumber();

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_SYSTEM_RANDOM_H_
