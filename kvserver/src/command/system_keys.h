// Keys of the cluster's own: they replicate as all keys do, and no client sees them. In the store
// they are rows, which are in no space and no search.
//
//   key   := "\0kv.system\0" rest          rest: "space:" and the prefix of a space
//   row   := "S" rest -> stamp:bytes value
#ifndef KVSERVER_SRC_COMMAND_SYSTEM_KEYS_H_
#define KVSERVER_SRC_COMMAND_SYSTEM_KEYS_H_

#include <string>
#include <string_view>

#include "base/byte_codec.h"
#include "cluster/storage.h"

namespace kvserver {

inline constexpr std::string_view kSystemPrefix("\0kv.system\0", 11);
inline constexpr std::string_view kSystemRowPrefix = "S";
inline constexpr size_t kSystemRestBytesMax = 1'000;

inline bool IsSystemKey(std::string_view key) { return key.starts_with(kSystemPrefix); }

inline std::string SystemKey(std::string_view rest) {
  return std::string(kSystemPrefix) + std::string(rest);
}

inline std::string SystemRow(std::string_view key) {
  return std::string(kSystemRowPrefix) + std::string(key.substr(kSystemPrefix.size()));
}
inline std::string SystemKeyOfRow(std::string_view row) {
  return SystemKey(row.substr(kSystemRowPrefix.size()));
}

inline std::string SystemRowValue(std::string_view stamp, std::string_view value) {
  std::string row;
  AppendBytes(row, stamp);
  row += value;
  return row;
}
inline bool ReadSystemRow(std::string_view row, std::string_view* stamp, std::string_view* value) {
  ByteReader reader(row);
  if (!reader.Bytes(stamp)) return false;
  *value = reader.rest();
  return true;
}

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SYSTEM_KEYS_H_
