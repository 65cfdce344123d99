#include "command/absent.h"

#include "command/arguments.h"

namespace kvserver {
namespace {

struct Feature {
  std::string_view error;
  std::string_view commands[12];
};

constexpr Feature kFeatures[] = {
    {"ERR scripts are not supported: use MULTI and EXEC, with WATCH for conditions",
     {"eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro", "script"}},
    {"ERR PUBLISH and SUBSCRIBE are not supported yet",
     {"psubscribe", "publish", "pubsub", "punsubscribe", "spublish", "ssubscribe", "subscribe",
      "sunsubscribe", "unsubscribe"}},
    // Clients look for this sentence.
    {"ERR This instance has cluster support disabled",
     {"asking", "cluster", "readonly", "readwrite"}},
    {"ERR replication by the protocol of Redis is not supported",
     {"failover", "psync", "replconf", "replicaof", "slaveof", "sync", "waitaof"}},
    {"ERR DEBUG is not supported", {"debug"}},
};

}  // namespace

std::string_view WhyAbsent(std::string_view name) {
  if (name.empty()) return "";
  for (const Feature& feature : kFeatures) {
    for (const std::string_view command : feature.commands) {
      if (IsWord(name, command)) return feature.error;
    }
  }
  return "";
}

}  // namespace kvserver
