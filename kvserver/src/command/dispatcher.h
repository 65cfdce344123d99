// The Dispatcher runs requests: it finds the command, checks the arguments, queues between MULTI
// and EXEC, and measures.
#ifndef KVSERVER_SRC_COMMAND_DISPATCHER_H_
#define KVSERVER_SRC_COMMAND_DISPATCHER_H_

#include "command/command.h"
#include "command/replication.h"

namespace kvserver {

enum class Dispatched {
  kDone,      // the reply is in the writer's output; Session::hold says what it waits for
  kSlow,      // nothing happened yet: call RunSlow on a worker thread, with arguments that stay
  kAskPeers,  // nor here: call AskPeers, and then Dispatch with `has_asked`
};

// One reply is written, whatever the request is, if kDone is returned.
Dispatched Dispatch(Context& context, Arguments arguments, bool has_asked = false);
// Lets this node see, of the keys that the request reads, what as many nodes have seen as the
// session asks for. `done` may be called at once, and from any thread.
void AskPeers(Context& context, Arguments arguments, Replication::AskDone done);
// Of a request that is kSlow: whether it may take minutes, so that no other should wait for it.
bool TakesLong(Arguments arguments);
void RunSlow(Context& context, Arguments arguments);

// Runs it and measures: for EXEC, whose requests have passed Dispatch before.
void RunCommand(Context& context, const Command& command, Arguments arguments);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_DISPATCHER_H_
