// What a connection leaves behind between its requests: queued ones and watched keys.
#ifndef KVSERVER_SRC_COMMAND_TRANSACTION_H_
#define KVSERVER_SRC_COMMAND_TRANSACTION_H_

#include <cstddef>

namespace kvserver {

class Node;
struct Session;

inline constexpr size_t kWatchedKeysMax = 10'000;  // of one connection

// To be called when the connection ends, and by RESET.
void UnwatchAll(Node& node, Session& session);

// Forgets the requests since MULTI, and the watched keys.
void DiscardMulti(Node& node, Session& session);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_TRANSACTION_H_
