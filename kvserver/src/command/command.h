// A Command is one row of the table that everything else is made from: dispatch, COMMAND, the
// binding of JSON names, OpenAPI, the documentation page.
#ifndef KVSERVER_SRC_COMMAND_COMMAND_H_
#define KVSERVER_SRC_COMMAND_COMMAND_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "command/reply.h"
#include "command/request.h"

namespace kvserver {

class Node;
struct Session;

// What a command may use while it runs.
struct Context {
  Node& node;
  Session& session;
  ReplyWriter& reply;
};

enum CommandFlag : uint32_t {
  kWrite = 1 << 0,       // may change keys
  kReadOnly = 1 << 1,    // reads keys
  kFast = 1 << 2,        // takes the same time however much there is
  kAdmin = 1 << 3,       // of the server, not of keys
  kSlow = 1 << 4,        // runs on a worker thread: a search, a scan of everything
  kNoMulti = 1 << 5,     // not between MULTI and EXEC
  kInMulti = 1 << 6,     // runs at once between MULTI and EXEC: EXEC, DISCARD, ...
  kConnection = 1 << 7,  // of the connection itself
  kSecret = 1 << 8,      // has passwords: neither MONITOR nor the slow log shows it
  kLong = 1 << 9,        // with kSlow: for minutes. One of them runs at a time
};

// One argument: how it is found in a RESP request, and under which name in JSON and HTTP.
struct Parameter {
  std::string_view name;  // in JSON
  enum Type : uint8_t {
    kKey,
    kBytes,
    kInteger,
    kNumber,
    kPattern,
    kUnixTime,
    kFlag,    // only its token, when true
    kVector,  // an array of numbers in JSON; in RESP as VALUES n a b ... or FP32 bytes
    kItems,   // key value [key value ...]; an object in JSON
  } type = kBytes;
  std::string_view token = "";  // the word before it in RESP; "": by position
  bool optional = false;
  bool many = false;  // one or more
  // With `many`: the token before each of them, and of items before each pair.
  bool token_each = false;
};

struct Command {
  std::string_view name;  // lower case; of a subcommand "client|list"
  int arity;              // arguments with the name: so many, or -so many at least
  uint32_t flags;
  int8_t first_key = 0, last_key = 0, key_step = 0;
  std::string_view group;
  std::string_view summary;
  std::span<const Parameter> parameters = {};
  void (*run)(Context& context, Arguments arguments) = nullptr;
  // Of a command without kSlow: whether it needs a worker thread for once, with these arguments.
  bool (*is_slow)(Context& context, Arguments arguments) = nullptr;

  bool has(CommandFlag flag) const { return (flags & flag) != 0; }
};

// The rows, by the file they are in.
std::span<const Command> StringCommands();
std::span<const Command> CounterCommands();
std::span<const Command> RangeCommands();
std::span<const Command> BitCommands();
std::span<const Command> BitFieldCommands();
std::span<const Command> LcsCommands();
std::span<const Command> KeyCommands();
std::span<const Command> ExpiryCommands();
std::span<const Command> ScanCommands();
std::span<const Command> FlushCommands();
std::span<const Command> ConnectionCommands();
std::span<const Command> ClientCommands();
std::span<const Command> ServerCommands();
std::span<const Command> InfoCommands();
std::span<const Command> ConfigCommands();
std::span<const Command> CommandCommands();
std::span<const Command> DiagnosticCommands();
std::span<const Command> TransactionCommands();
std::span<const Command> SearchCommands();
std::span<const Command> IndexCommands();
std::span<const Command> VectorSetCommands();
std::span<const Command> FtCommands();
std::span<const Command> SpaceCommands();
std::span<const Command> DocumentCommands();
std::span<const Command> MaintenanceCommands();
std::span<const Command> MetadataCommands();
std::span<const Command> ClusterCommands();
std::span<const Command> DemandCommands();
std::span<const Command> MaintenanceCommands();

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_COMMAND_H_
