// The replies to connection and server commands are those of Redis, byte by byte, where they can
// be: errors above all.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "kvserver/support/redis_server.h"
#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

// One request per line, words between spaces; '' is the empty word.
constexpr const char* kRequests = R"(
PING
PING hello
PING a b
ECHO
ECHO hello
ECHO ''
SELECT 0
SELECT 1
SELECT -1
SELECT abc
AUTH
AUTH x
AUTH default x
AUTH nobody x
AUTH a b c
HELLO 1
HELLO 4
HELLO abc
HELLO 3 FOO
HELLO 2 SETNAME
HELLO 2 AUTH a
HELLO 2 AUTH a b
RESET x
RESET
NOSUCH
NOSUCH a b c
CLIENT
CLIENT FOO
CLIENT ID x
CLIENT GETNAME
CLIENT SETNAME me
CLIENT GETNAME
CLIENT SETNAME ''
CLIENT GETNAME
CLIENT GETNAME x
CLIENT SETNAME
CLIENT KILL
CLIENT KILL a b
CLIENT KILL TYPE foo
CLIENT KILL TYPE pubsub
CLIENT KILL ID abc
CLIENT KILL ID 0
CLIENT KILL ID 99999
CLIENT KILL ID 99999 SKIPME
CLIENT KILL SKIPME maybe
CLIENT KILL 1.1.1.1:1
CLIENT KILL ADDR 1.1.1.1:1
CLIENT KILL LADDR 1.1.1.1:1
CLIENT KILL FOO bar
CLIENT KILL USER nobody
CLIENT LIST TYPE foo
CLIENT LIST TYPE
CLIENT LIST ID
CLIENT LIST ID abc
CLIENT LIST ID 99999
CLIENT LIST FOO bar
CLIENT LIST TYPE normal x
CLIENT LIST TYPE pubsub
CLIENT REPLY foo
CLIENT REPLY ON
CLIENT NO-EVICT foo
CLIENT NO-EVICT on
CLIENT NO-EVICT off
CLIENT GETREDIR
CLIENT TRACKINGINFO
CLIENT CACHING yes
CLIENT TRACKING foo
CLIENT TRACKING off
CLIENT UNPAUSE
CLIENT UNBLOCK 99
CLIENT UNBLOCK abc
CLIENT UNBLOCK 9 x
CLIENT UNBLOCK 9 TIMEOUT
COMMAND FOO
COMMAND GETKEYS
COMMAND GETKEYS GET
COMMAND GETKEYS PING a
COMMAND GETKEYS NOSUCH a
COMMAND GETKEYS SET a
COMMAND GETKEYS SET a b
COMMAND GETKEYS DEL a b c
COMMAND GETKEYSANDFLAGS GET a
COMMAND LIST FILTERBY
COMMAND LIST FILTERBY foo bar
COMMAND LIST FILTERBY MODULE x
COMMAND LIST FILTERBY PATTERN slowlog|g*
COMMAND DOCS nosuch
COMMAND INFO nosuch
COMMAND INFO get
COMMAND COUNT x
CONFIG
CONFIG FOO
CONFIG GET
CONFIG GET nosuch
CONFIG GET databases
CONFIG GET save
CONFIG GET slowlog-max-len
CONFIG SET
CONFIG SET a
CONFIG SET a b c
CONFIG SET nosuch 1
CONFIG SET databases 3
CONFIG SET maxclients abc
CONFIG SET maxclients 0
CONFIG SET maxclients 100 maxclients 100
CONFIG SET timeout -1
CONFIG SET timeout 99999999999
CONFIG SET slowlog-max-len -1
CONFIG SET slowlog-log-slower-than -5
CONFIG SET slowlog-log-slower-than -1
CONFIG GET slowlog-log-slower-than
CONFIG REWRITE
CONFIG RESETSTAT
INFO nosuch
SLOWLOG
SLOWLOG FOO
SLOWLOG RESET
SLOWLOG GET
SLOWLOG GET abc
SLOWLOG GET -2
SLOWLOG GET 1 2
SLOWLOG LEN
SLOWLOG LEN x
LATENCY LATEST
LATENCY HISTORY x
LATENCY RESET
LATENCY RESET a b
LATENCY GRAPH x
LATENCY FOO
MEMORY USAGE nosuch
MEMORY USAGE nosuch SAMPLES
MEMORY USAGE nosuch SAMPLES -1
MEMORY USAGE nosuch SAMPLES x
MEMORY USAGE nosuch FOO 1
MEMORY PURGE
MEMORY FOO
WAIT 0 0
WAIT a 0
WAIT 0 a
WAIT 0 -1
ROLE
ROLE x
TIME x
LASTSAVE x
BGSAVE foo
BGSAVE a b
SAVE x
SHUTDOWN FOO
SHUTDOWN ABORT
SHUTDOWN SAVE NOSAVE
SHUTDOWN ABORT NOW
ACL WHOAMI
ACL LIST
ACL USERS
ACL CAT
ACL CAT foo
ACL CAT a b
ACL FOO
MODULE LIST
MODULE FOO
FUNCTION FLUSH
FUNCTION FLUSH foo
FUNCTION LIST
CLUSTER INFO
READONLY
ASKING
MONITOR x
MULTI
CLIENT GETNAME
CONFIG GET databases
RESET
EXEC
MULTI
NOSUCH
EXEC
MULTI
SHUTDOWN
EXEC
)";

std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; in >> word;) words.push_back(word == "''" ? "" : word);
  return words;
}

void Compare(bool resp3) {
  const auto redis = RedisServer::Start();
  if (redis == nullptr) {
    MESSAGE("skipped: there is no redis-server");
    return;
  }
  TestServer server;
  TestClient theirs(redis->port()), ours(server.port());
  std::istringstream lines(kRequests);
  size_t compared = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = Words(line);
    if (words.empty()) continue;
    if (resp3) {
      theirs.Ask({"HELLO", "3"});
      ours.Ask({"HELLO", "3"});
    }
    CAPTURE(line);
    CHECK(ours.Ask(words) == theirs.Ask(words));
    ++compared;
  }
  CHECK(compared > 150);
}

}  // namespace

TEST_CASE("replies in RESP2 are those of Redis") { Compare(false); }

TEST_CASE("replies in RESP3 are those of Redis") { Compare(true); }

}  // namespace kvserver
