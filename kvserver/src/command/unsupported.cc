#include "command/unsupported.h"

#include <algorithm>
#include <cctype>

namespace kvserver {
namespace {

// Of lists, hashes, sets, sorted sets, streams, and what is counted or sorted of them. Ascending.
constexpr std::string_view kOtherTypes[] = {
    "blmove",
    "blmpop",
    "blpop",
    "brpop",
    "brpoplpush",
    "bzmpop",
    "bzpopmax",
    "bzpopmin",
    "geoadd",
    "geodist",
    "geohash",
    "geopos",
    "georadius",
    "georadius_ro",
    "georadiusbymember",
    "georadiusbymember_ro",
    "geosearch",
    "geosearchstore",
    "hdel",
    "hexists",
    "hget",
    "hgetall",
    "hincrby",
    "hincrbyfloat",
    "hkeys",
    "hlen",
    "hmget",
    "hmset",
    "hrandfield",
    "hscan",
    "hset",
    "hsetnx",
    "hstrlen",
    "hvals",
    "lindex",
    "linsert",
    "llen",
    "lmove",
    "lmpop",
    "lpop",
    "lpos",
    "lpush",
    "lpushx",
    "lrange",
    "lrem",
    "lset",
    "ltrim",
    "pfadd",
    "pfcount",
    "pfmerge",
    "rpop",
    "rpoplpush",
    "rpush",
    "rpushx",
    "sadd",
    "scard",
    "sdiff",
    "sdiffstore",
    "sinter",
    "sintercard",
    "sinterstore",
    "sismember",
    "smembers",
    "smismember",
    "smove",
    "sort",
    "sort_ro",
    "spop",
    "srandmember",
    "srem",
    "sscan",
    "sunion",
    "sunionstore",
    "xack",
    "xadd",
    "xautoclaim",
    "xclaim",
    "xdel",
    "xgroup",
    "xinfo",
    "xlen",
    "xpending",
    "xrange",
    "xread",
    "xreadgroup",
    "xrevrange",
    "xsetid",
    "xtrim",
    "zadd",
    "zcard",
    "zcount",
    "zdiff",
    "zdiffstore",
    "zincrby",
    "zinter",
    "zintercard",
    "zinterstore",
    "zlexcount",
    "zmpop",
    "zmscore",
    "zpopmax",
    "zpopmin",
    "zrandmember",
    "zrange",
    "zrangebylex",
    "zrangebyscore",
    "zrangestore",
    "zrank",
    "zrem",
    "zremrangebylex",
    "zremrangebyrank",
    "zremrangebyscore",
    "zrevrange",
    "zrevrangebylex",
    "zrevrangebyscore",
    "zrevrank",
    "zscan",
    "zscore",
    "zunion",
    "zunionstore",
};
// Of keys, but not of this server. Ascending.
constexpr std::string_view kOtherServers[] = {"dump", "migrate", "move", "restore", "swapdb"};

static_assert(std::is_sorted(std::begin(kOtherTypes), std::end(kOtherTypes)));
static_assert(std::is_sorted(std::begin(kOtherServers), std::end(kOtherServers)));

}  // namespace

std::string WhyUnsupported(std::string_view name) {
  std::string lower(name.substr(0, 64));
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (std::binary_search(std::begin(kOtherTypes), std::end(kOtherTypes), lower)) {
    return "ERR '" + lower + "' is not supported: kvserver stores strings (see COMMAND LIST)";
  }
  if (std::binary_search(std::begin(kOtherServers), std::end(kOtherServers), lower)) {
    return "ERR '" + lower + "' is not supported (see COMMAND LIST)";
  }
  return "";
}

}  // namespace kvserver
