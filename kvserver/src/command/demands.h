// Demands are what a request asks for beside its command: how many nodes take part, what this node
// must have seen before it answers, and under which id it is counted once. In JSON they are
// members, over HTTP parameters and header fields; in RESP words in front of the request:
//
//   KV.WITH [WRITE level] [READ level] [SESSION token] [ID request-id] DO command [argument ...]
//
// A protocol puts them into the session together with the request; the connection forgets them with
// the reply. What a request does not demand is as the connection has it. Of a transaction the
// demands of EXEC count.
#ifndef KVSERVER_SRC_COMMAND_DEMANDS_H_
#define KVSERVER_SRC_COMMAND_DEMANDS_H_

#include <optional>
#include <string>
#include <string_view>

#include "cluster/replica.h"

namespace kvserver {

struct Context;
struct Request;

struct Demands {
  std::optional<cluster::Level> write_level, read_level;
  // The token of what the client has written; the reply has the next one. "": it has none yet.
  std::optional<std::string> session;
  std::string request_id;  // "": none

  bool any() const { return write_level || read_level || session || !request_id.empty(); }
};

inline constexpr size_t kRequestIdBytesMax = 128;

// By the number of cluster::Level.
inline constexpr std::string_view kLevelNames[] = {"one", "quorum", "all"};
inline constexpr std::string_view kNoSuchLevel = "a level is one of one, quorum, all";
// In any case; nullopt: no level.
std::optional<cluster::Level> ReadLevel(std::string_view name);

// Takes KV.WITH and its options off the request, and into the session. False: it makes no sense;
// the reply is the error.
bool TakeDemands(Context& context, Request& request);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_DEMANDS_H_
