#include "protocol/web_files.h"

#include <xxhash.h>

#include <vector>

namespace kvserver {
namespace {

std::string_view TypeOf(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

}  // namespace

const WebFile* FindWebFile(std::string_view name) {
  static const std::vector<WebFile> files = [] {
    std::vector<WebFile> all;
    for (const EmbeddedFile& file : EmbeddedFiles()) {
      const uint64_t hash = XXH3_64bits(file.plain.data(), file.plain.size());
      all.push_back({file.name, TypeOf(file.name), file.plain, file.packed, std::to_string(hash)});
    }
    return all;
  }();
  for (const WebFile& file : files) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace kvserver
