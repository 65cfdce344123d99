// The web pages, which are part of the program.
#ifndef KVSERVER_SRC_PROTOCOL_WEB_FILES_H_
#define KVSERVER_SRC_PROTOCOL_WEB_FILES_H_

#include <span>
#include <string>
#include <string_view>

namespace kvserver {

// As the build embedded it (cmake/Embed.cmake).
struct EmbeddedFile {
  std::string_view name;
  std::string_view plain;
  std::string_view packed;  // by gzip
};
std::span<const EmbeddedFile> EmbeddedFiles();

struct WebFile {
  std::string_view name, content_type, plain, packed;
  std::string tag;  // changes with the content
};

// nullptr: there is no such file.
const WebFile* FindWebFile(std::string_view name);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_WEB_FILES_H_
