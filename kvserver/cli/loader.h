// kv load and kv import: files into the store, in batches; kv export: the way back.
#ifndef KVSERVER_CLI_LOADER_H_
#define KVSERVER_CLI_LOADER_H_

#include <string>
#include <vector>

#include "backend.h"
#include "output.h"

namespace kvcli {

struct LoadRequest {
  std::vector<std::string> files;  // "-": stdin
  std::string format;              // ndjson, csv, tsv; "": by the name of the file
  std::string key_field;
  bool skip_errors = false;
};

// Stops at the first bad line, with what stands before it stored, or passes over bad lines and
// counts them. Returns an ExitCode.
int Load(Backend& backend, const Output& output, const LoadRequest& request);

// Every key as a line of NDJSON that Load reads back to the same bytes. `file` "" or "-": stdout.
int Export(Backend& backend, const Output& output, const std::string& prefix,
           const std::string& file);

}  // namespace kvcli

#endif  // KVSERVER_CLI_LOADER_H_
