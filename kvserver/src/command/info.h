// INFO: what monitoring tools and clients want to know of a server, as lines "name:value" in
// sections.
#ifndef KVSERVER_SRC_COMMAND_INFO_H_
#define KVSERVER_SRC_COMMAND_INFO_H_

#include <string>

#include "command/command.h"

namespace kvserver {

class Node;

// The sections with these names, in any case; without names the usual ones, and so for "default",
// "all" and "everything". Unknown names are left out. Names of fields that Redis has mean what they
// mean there; ours begin with kv_. Costs some reads of RocksDB's properties, and for "keyspace" a
// walk over the keys of a small store; the number of keys of a larger one is an estimate.
std::string InfoText(Node& node, Arguments sections = {});

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_INFO_H_
