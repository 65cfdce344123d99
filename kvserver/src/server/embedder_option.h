// --embedder NAME=URL,model=M,dimension=N: an embedder that definitions of spaces can name.
#ifndef KVSERVER_SRC_SERVER_EMBEDDER_OPTION_H_
#define KVSERVER_SRC_SERVER_EMBEDDER_OPTION_H_

#include <string_view>

#include "absl/status/status.h"

namespace kvserver {

// Makes the embedder and adds it to NamedEmbedders. Without a dimension the server is asked for it
// now. InvalidArgument: not of the form, or of a kvserver that was built without libkv::http.
absl::Status AddEmbedder(std::string_view text);

}  // namespace kvserver

#endif  // KVSERVER_SRC_SERVER_EMBEDDER_OPTION_H_
