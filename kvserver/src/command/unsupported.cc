#include "command/unsupported.h"

#include <cctype>

#include "command/arguments.h"

namespace kvserver {
namespace {

// Of lists, hashes, sets, sorted sets, streams, and what is counted or sorted of them.
constexpr std::string_view kOtherTypes =
    " blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin geoadd geodist geohash"
    " geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch"
    " geosearchstore hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset"
    " hrandfield hscan hset hsetnx hstrlen hvals lindex linsert llen lmove lmpop lpop lpos lpush"
    " lpushx lrange lrem lset ltrim pfadd pfcount pfmerge rpop rpoplpush rpush rpushx sadd scard"
    " sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove sort"
    " sort_ro spop srandmember srem sscan sunion sunionstore xack xadd xautoclaim xclaim xdel"
    " xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim zadd zcard"
    " zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore"
    " zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem"
    " zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore"
    " zrevrank zscan zscore zunion zunionstore ";
// Of keys, but not of this server.
constexpr std::string_view kOtherServers = " dump migrate move restore swapdb ";

// Features that are not there, each with the commands that belong to it.
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

std::string WhyUnsupported(std::string_view name) {
  for (const Feature& feature : kFeatures) {
    for (const std::string_view command : feature.commands) {
      if (!command.empty() && IsWord(name, command)) return std::string(feature.error);
    }
  }
  constexpr size_t kNameBytesMax = 64;
  std::string word = " ";
  for (const char c : name.substr(0, kNameBytesMax)) {
    if (c == ' ') return "";
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  word += ' ';
  const std::string lower = word.substr(1, word.size() - 2);
  if (lower.empty()) return "";
  if (kOtherTypes.find(word) != std::string_view::npos) {
    return "ERR '" + lower + "' is not supported: kvserver stores strings (see COMMAND LIST)";
  }
  if (kOtherServers.find(word) != std::string_view::npos) {
    return "ERR '" + lower + "' is not supported (see COMMAND LIST)";
  }
  return "";
}

}  // namespace kvserver
