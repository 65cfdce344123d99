// Vectors that embedders with a name make of the values of a request, in a cluster: on the node
// that takes the request, before it writes, for they go with the values to the others, which ask
// nobody.
//
// It happens on a worker thread: the embedder may be a server on the network. If it fails, so does
// the request, and nothing is written. Values that a command makes itself
// (APPEND, INCR, SETRANGE) have no vector, until they are set, or the space is defined once more.
#ifndef KVSERVER_SRC_COMMAND_MADE_VECTORS_H_
#define KVSERVER_SRC_COMMAND_MADE_VECTORS_H_

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "command/command.h"
#include "libkv/embedder.h"

namespace kvserver {

class MadeVectors {
 public:
  // Of that value; empty: none was made.
  std::span<const float> Of(std::string_view key, std::string_view value) const;

  // For a command, or all that EXEC is about to run. The views of the request must live as long.
  // InvalidArgument: the vectors have more than 16 MiB. Else: the embedder's error.
  absl::Status Make(Context& context, const Command& command, Arguments arguments);

 private:
  struct Made {
    std::string_view value;
    std::vector<float> vector;
  };
  std::multimap<std::string_view, Made> by_key_;
};

// Whether Make would ask an embedder. Costs a look at a flag where no space has one.
bool NeedsVectors(const Context& context, const Command& command, Arguments arguments);

// The text of a value that is embedded: of JSON its strings, or those of `paths`, with a space
// between them; else the value, if it is UTF-8.
std::string EmbeddedText(std::string_view value, const std::vector<std::string>& paths);

// In a cluster, the vector of a question to the one space with vectors that `prefix` leads to, if
// its embedder has a name: true, and `vector` is set. False: the store is to be asked. Or an error:
// the embedder is not here, or fails.
absl::StatusOr<bool> EmbedQuestion(Context& context, std::string_view prefix, std::string_view text,
                                   libkv::EmbedKind kind, std::vector<float>* vector);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_MADE_VECTORS_H_
