// kv shell: lines of words, as redis-cli cuts them, to a server, or run here on a directory;
// replies readably back.
#ifndef KVSERVER_CLI_SHELL_H_
#define KVSERVER_CLI_SHELL_H_

#include "backend.h"
#include "output.h"

namespace kvcli {

// At a terminal with history (in $XDG_STATE_HOME/kv/history, or ~/.local/state/kv/history) and
// completion of command names; otherwise every line of stdin is a request, and the exit code says
// whether any had an error. "quit", "exit" or the end of input ends it. Returns an ExitCode.
int Shell(const Target& target, const Output& output);

}  // namespace kvcli

#endif  // KVSERVER_CLI_SHELL_H_
