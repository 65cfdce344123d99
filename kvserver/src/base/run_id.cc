#include "base/run_id.h"

#include "base/system_random.h"

namespace kvserver {

std::string NewRunId() {
  std::string id;
  for (const char c : RandomBytes(20)) {
    const auto byte = static_cast<unsigned char>(c);
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

}  // namespace kvserver
