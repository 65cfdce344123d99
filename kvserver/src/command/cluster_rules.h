// What commands may do in a cluster, where no node can stop the others while it reads and writes.
#ifndef KVSERVER_SRC_COMMAND_CLUSTER_RULES_H_
#define KVSERVER_SRC_COMMAND_CLUSTER_RULES_H_

#include <string>

#include "command/command.h"

namespace kvserver {

// Why the request is refused; empty: it may run. `arguments` begin with the command's name.
std::string WhyNotInCluster(const Command& command, Arguments arguments, bool allows_weak);

// Whether it may have a request id: repeated as it is, it would do something else.
bool CountsOnce(const Command& command);

// Whether it reads keys that other nodes could know more of.
bool ReadsKeys(const Command& command);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_CLUSTER_RULES_H_
