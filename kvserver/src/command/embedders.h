// Embedders that a definition can name, beside "hash": those that this process was given, such as
// servers on the network. What they make travels with the values, so a name must mean the same
// model on every node; a node that lacks one stores and compares vectors all the same.
#ifndef KVSERVER_SRC_COMMAND_EMBEDDERS_H_
#define KVSERVER_SRC_COMMAND_EMBEDDERS_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libkv/embedder.h"

namespace kvserver {

// Threads    Any.
class Embedders {
 public:
  // InvalidArgument: no name of a to z, 0 to 9, '_', '-', '.', or one that means something else.
  // Of equal names the last one counts.
  absl::Status Add(const std::string& name, std::shared_ptr<const libkv::Embedder> embedder);
  void Remove(std::string_view name);

  std::shared_ptr<const libkv::Embedder> Find(std::string_view name) const;  // null: none
  std::vector<std::string> names() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const libkv::Embedder>, std::less<>> by_name_;
};

// Those of this process.
Embedders& NamedEmbedders();

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_EMBEDDERS_H_
