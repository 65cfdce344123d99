#include "base/system_random.h"

#include <sys/random.h>

#include <cstring>
#include <stdexcept>

namespace kvserver {

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("the system has no random bytes");
  }
  return bytes;
}

uint64_t RandomNumber() {
  const std::string bytes = RandomBytes(sizeof(uint64_t));
  uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

}  // namespace kvserver
