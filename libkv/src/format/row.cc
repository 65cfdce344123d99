#include "format/row.h"

#include <cstdint>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"

namespace libkv {

std::string SealRow(std::string_view key, std::string payload) {
  const uint64_t checksum = Hash64(payload, Hash64(key));
  AppendFixed64(payload, checksum);
  return payload;
}

bool OpenRow(std::string_view key, std::string_view row, std::string_view* payload) {
  if (row.size() < sizeof(uint64_t)) return false;
  *payload = row.substr(0, row.size() - sizeof(uint64_t));
  return LoadFixed64(row.data() + payload->size()) == Hash64(*payload, Hash64(key));
}

}  // namespace libkv
