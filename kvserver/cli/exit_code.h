// What the exit code of kv says.
#ifndef KVSERVER_CLI_EXIT_CODE_H_
#define KVSERVER_CLI_EXIT_CODE_H_

#include "absl/status/status.h"

namespace kvcli {

enum ExitCode : int {
  kOk = 0,
  kNotFound = 1,     // no such key; nothing deleted; nothing found
  kUsage = 2,        // wrong options
  kNoServer = 3,     // no connection, connection lost, no answer in time; the directory is in use
  kErrorAnswer = 4,  // the server or the store answered with an error; verify found problems
  kBadInput = 5,     // a file cannot be read, or a line of it is wrong
};

inline ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
      return kNoServer;
    default:
      return kErrorAnswer;
  }
}

}  // namespace kvcli

#endif  // KVSERVER_CLI_EXIT_CODE_H_
