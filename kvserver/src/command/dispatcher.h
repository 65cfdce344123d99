// The Dispatcher runs requests: it finds the command, checks the arguments, queues between MULTI
// and EXEC, and measures.
#ifndef KVSERVER_SRC_COMMAND_DISPATCHER_H_
#define KVSERVER_SRC_COMMAND_DISPATCHER_H_

#include "command/command.h"
#include "command/write_turns.h"

namespace kvserver {

enum class Dispatched {
  kDone,  // the reply is in the writer's output; Session::hold says what it waits for
  kSlow,  // nothing happened yet: call RunSlow on a worker thread, with arguments that stay
};

// One reply is written, whatever the request is, unless kSlow is returned.
Dispatched Dispatch(Context& context, Arguments arguments);
void RunSlow(Context& context, Arguments arguments);

// Runs it and measures: for EXEC, whose requests have passed Dispatch before.
void RunCommand(Context& context, const Command& command, Arguments arguments);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_DISPATCHER_H_
