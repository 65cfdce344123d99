// CLIENT: the connections of the server, and what this one wants.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "command/arguments.h"
#include "command/client_name.h"
#include "command/command.h"
#include "command/help.h"
#include "command/node.h"
#include "command/quoted.h"
#include "command/session.h"

namespace kvserver {
namespace {

std::string FlagsOf(const Client::Description& client) {
  std::string flags;
  if (client.is_monitor) flags += 'O';
  if (client.queued >= 0) flags += 'x';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

// As Redis has it, since clients count on its fields; what is not known here is 0. The protocol
// comes last.
void AppendLine(std::string& out, const Client::Description& client) {
  const auto add = [&](std::string_view name, const auto& value) {
    if (!out.empty() && out.back() != '\n') out += ' ';
    out.append(name);
    out += '=';
    if constexpr (std::is_integral_v<std::decay_t<decltype(value)>>) {
      AppendInteger(out, static_cast<int64_t>(value));
    } else {
      out.append(value);
    }
  };
  add("id", client.id);
  add("addr", client.address);
  add("laddr", client.local_address);
  add("fd", client.fd);
  add("name", client.name);
  add("age", client.age_seconds);
  add("idle", client.idle_seconds);
  add("flags", FlagsOf(client));
  for (const std::string_view zero : {"db", "sub", "psub", "ssub"}) add(zero, 0);
  add("multi", client.queued);
  add("qbuf", client.input_bytes);
  for (const std::string_view zero : {"qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp"}) {
    add(zero, 0);
  }
  add("obl", client.output_bytes);
  add("oll", 0);
  add("omem", client.output_bytes);
  add("tot-mem", client.input_bytes + client.output_bytes);
  add("events", "r");
  add("cmd", client.last_command.empty() ? "NULL" : client.last_command);
  add("user", client.user);
  add("redir", -1);
  add("resp", client.resp);
  add("lib-name", client.library_name);
  add("lib-ver", client.library_version);
  add("proto", client.protocol);
  out += '\n';
}

// Whether it is one of those that Redis lets one ask for; of ours all are normal.
bool IsClientType(std::string_view word) {
  return IsWord(word, "normal") || IsWord(word, "master") || IsWord(word, "slave") ||
         IsWord(word, "replica") || IsWord(word, "pubsub");
}

void ReplyUnknownType(Context& context, std::string_view type) {
  context.reply.Error("ERR Unknown client type '" + Quoted(type) + "'");
}

void Id(Context& context, Arguments /*arguments*/) {
  context.reply.Integer(static_cast<int64_t>(context.session.id));
}

void GetName(Context& context, Arguments /*arguments*/) {
  if (context.session.name.empty()) return context.reply.Null();
  context.reply.Value(context.session.name);
}

void SetName(Context& context, Arguments arguments) {
  if (!IsClientName(arguments[2])) return context.reply.Error(kBadClientName);
  context.session.name = arguments[2];
  context.session.description_changed = true;
  context.reply.Ok();
}

void SetInfo(Context& context, Arguments arguments) {
  std::string* target = nullptr;
  std::string_view option;
  if (IsWord(arguments[2], option = "lib-name")) {
    target = &context.session.library_name;
  } else if (IsWord(arguments[2], option = "lib-ver")) {
    target = &context.session.library_version;
  } else {
    return context.reply.Error("ERR Unrecognized option '" + Quoted(arguments[2]) + "'");
  }
  if (!IsClientName(arguments[3])) {
    return context.reply.Error("ERR " + std::string(option) +
                               " cannot contain spaces, newlines or special characters.");
  }
  *target = arguments[3];
  context.session.description_changed = true;
  context.reply.Ok();
}

void Info(Context& context, Arguments /*arguments*/) {
  std::string line;
  if (const auto self = context.node.clients().Find(context.session.id); self != nullptr) {
    AppendLine(line, self->Describe());
  }
  context.reply.Text(line);
}

// CLIENT LIST [TYPE type | ID id ...]
void List(Context& context, Arguments arguments) {
  Clients& clients = context.node.clients();
  std::vector<std::shared_ptr<Client>> chosen;
  if (arguments.size() == 2) {
    chosen = clients.All();
  } else if (arguments.size() == 4 && IsWord(arguments[2], "type")) {
    if (!IsClientType(arguments[3])) return ReplyUnknownType(context, arguments[3]);
    if (IsWord(arguments[3], "normal")) chosen = clients.All();
  } else if (arguments.size() > 3 && IsWord(arguments[2], "id")) {
    for (const std::string_view argument : arguments.subspan(3)) {
      const auto id = ReadInteger(context, argument, "ERR Invalid client ID");
      if (!id) return;
      auto client = clients.Find(static_cast<uint64_t>(*id));
      if (client != nullptr) chosen.push_back(std::move(client));
    }
  } else {
    return ReplySyntaxError(context);
  }
  std::string lines;
  for (const std::shared_ptr<Client>& client : chosen) AppendLine(lines, client->Describe());
  context.reply.Text(lines);
}

// Which connections CLIENT KILL is to close.
struct Selection {
  std::optional<uint64_t> id;
  std::optional<std::string_view> address, local_address;
  bool of_another_type = false;  // than normal: none here
  bool skip_me = true;

  bool Has(const Client::Description& client) const {
    return (!id || *id == client.id) && (!address || *address == client.address) &&
           (!local_address || *local_address == client.local_address) && !of_another_type;
  }
};

// Reads option and value in turn. Otherwise the reply is the error, and nullopt.
std::optional<Selection> ReadSelection(Context& context, Arguments options) {
  Selection selection;
  for (size_t i = 0; i < options.size(); i += 2) {
    if (i + 1 == options.size()) {
      ReplySyntaxError(context);
      return std::nullopt;
    }
    const std::string_view option = options[i], value = options[i + 1];
    if (IsWord(option, "id")) {
      const std::optional<int64_t> id = ParseInteger(value);
      if (!id || *id < 1) {
        context.reply.Error("ERR client-id should be greater than 0");
        return std::nullopt;
      }
      selection.id = static_cast<uint64_t>(*id);
    } else if (IsWord(option, "addr")) {
      selection.address = value;
    } else if (IsWord(option, "laddr")) {
      selection.local_address = value;
    } else if (IsWord(option, "type")) {
      if (!IsClientType(value)) {
        ReplyUnknownType(context, value);
        return std::nullopt;
      }
      selection.of_another_type = !IsWord(value, "normal");
    } else if (IsWord(option, "user")) {
      if (value != "default") {
        context.reply.Error("ERR No such user '" + Quoted(value) + "'");
        return std::nullopt;
      }
    } else if (IsWord(option, "skipme") && (IsWord(value, "yes") || IsWord(value, "no"))) {
      selection.skip_me = IsWord(value, "yes");
    } else {
      ReplySyntaxError(context);
      return std::nullopt;
    }
  }
  return selection;
}

// Closes them, this one when its reply is sent; answers how many.
int64_t KillAll(Context& context, const Selection& selection) {
  int64_t killed = 0;
  for (const std::shared_ptr<Client>& client : context.node.clients().All()) {
    const Client::Description description = client->Describe();
    if (!selection.Has(description)) continue;
    if (description.id != context.session.id) {
      client->Kill();
      context.node.clients().Remove(description.id);  // at once: it is in no later list or count
    } else if (selection.skip_me) {
      continue;
    } else {
      context.session.close_after_reply = true;
    }
    ++killed;
  }
  return killed;
}

// CLIENT KILL address, or CLIENT KILL option value [option value ...]
void Kill(Context& context, Arguments arguments) {
  if (arguments.size() == 3) {
    const int64_t killed = KillAll(
        context, {.id = {}, .address = arguments[2], .local_address = {}, .skip_me = false});
    if (killed == 0) return context.reply.Error("ERR No such client");
    return context.reply.Ok();
  }
  const std::optional<Selection> selection = ReadSelection(context, arguments.subspan(2));
  if (selection) context.reply.Integer(KillAll(context, *selection));
}

void ReplyMode(Context& context, Arguments arguments) {
  using Mode = Session::ReplyMode;
  Mode& mode = context.session.reply_mode;
  if (context.reply.resp_version() == 0) {
    return context.reply.Error("ERR CLIENT REPLY is for connections that speak RESP");
  }
  if (IsWord(arguments[2], "on")) {
    mode = Mode::kOn;
    context.reply.Ok();
  } else if (IsWord(arguments[2], "off")) {
    mode = Mode::kOff;
  } else if (IsWord(arguments[2], "skip")) {
    if (mode != Mode::kOff) mode = Mode::kSkipNext;
  } else {
    ReplySyntaxError(context);
  }
}

void SetSwitch(Context& context, std::string_view word, bool& target) {
  if (!IsWord(word, "on") && !IsWord(word, "off")) return ReplySyntaxError(context);
  target = IsWord(word, "on");
  context.session.description_changed = true;
  context.reply.Ok();
}

void NoEvict(Context& context, Arguments arguments) {
  SetSwitch(context, arguments[2], context.session.no_evict);
}

void NoTouch(Context& context, Arguments arguments) {
  SetSwitch(context, arguments[2], context.session.no_touch);
}

void DurabilityOf(Context& context, Arguments arguments) {
  libkv::Durability& durability = context.session.durability;
  if (arguments.size() == 2) {
    return context.reply.Value(kDurabilityNames[static_cast<size_t>(durability)]);
  }
  if (arguments.size() > 3) return ReplySubcommandError(context, arguments);
  for (size_t i = 0; i < std::size(kDurabilityNames); ++i) {
    if (!IsWord(arguments[2], kDurabilityNames[i])) continue;
    durability = static_cast<libkv::Durability>(i);
    return context.reply.Ok();
  }
  context.reply.Error("ERR the durability is one of synced, written, buffered");
}

void LevelOf(Context& context, Arguments arguments, cluster::Level& level) {
  if (arguments.size() == 2) return context.reply.Value(kLevelNames[static_cast<size_t>(level)]);
  if (arguments.size() > 3) return ReplySubcommandError(context, arguments);
  const std::optional<cluster::Level> given = ReadLevel(arguments[2]);
  if (!given) return context.reply.Error("ERR " + std::string(kNoSuchLevel));
  level = *given;
  context.reply.Ok();
}

void WriteLevelOf(Context& context, Arguments arguments) {
  LevelOf(context, arguments, context.session.write_level);
}

void ReadLevelOf(Context& context, Arguments arguments) {
  LevelOf(context, arguments, context.session.read_level);
}

void GetRedirection(Context& context, Arguments /*arguments*/) { context.reply.Integer(-1); }

void TrackingInfo(Context& context, Arguments /*arguments*/) {
  context.reply.BeginMap(3);
  context.reply.Value("flags");
  context.reply.BeginSet(1);
  context.reply.Value("off");
  context.reply.Value("redirect");
  context.reply.Integer(-1);
  context.reply.Value("prefixes");
  context.reply.BeginArray(0);
}

void Tracking(Context& context, Arguments arguments) {
  if (IsWord(arguments[2], "off")) return context.reply.Ok();
  if (!IsWord(arguments[2], "on")) return ReplySyntaxError(context);
  context.reply.Error("ERR client side caching is not supported");
}

void Caching(Context& context, Arguments /*arguments*/) {
  context.reply.Error(
      "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
      "OPTOUT mode enabled");
}

void Pause(Context& context, Arguments /*arguments*/) {
  context.reply.Error("ERR CLIENT PAUSE is not supported");
}

void Unpause(Context& context, Arguments /*arguments*/) { context.reply.Ok(); }

// No command waits for another client's, so there is nobody to wake.
void Unblock(Context& context, Arguments arguments) {
  if (arguments.size() > 4) return ReplySyntaxError(context);
  if (arguments.size() == 4 && !IsWord(arguments[3], "timeout") && !IsWord(arguments[3], "error")) {
    return context.reply.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  if (ReadInteger(context, arguments[2])) context.reply.Integer(0);
}

constexpr Parameter kName[] = {{.name = "connection_name"}};
constexpr Parameter kSetInfo[] = {{.name = "attribute"}, {.name = "value"}};
constexpr Parameter kList[] = {
    {.name = "type", .token = "TYPE", .optional = true},
    {.name = "ids", .type = Parameter::kInteger, .token = "ID", .optional = true, .many = true}};
constexpr Parameter kKill[] = {
    {.name = "address", .optional = true},
    {.name = "id", .type = Parameter::kInteger, .token = "ID", .optional = true},
    {.name = "type", .token = "TYPE", .optional = true},
    {.name = "user", .token = "USER", .optional = true},
    {.name = "addr", .token = "ADDR", .optional = true},
    {.name = "laddr", .token = "LADDR", .optional = true},
    {.name = "skipme", .token = "SKIPME", .optional = true}};
constexpr Parameter kMode[] = {{.name = "mode"}};
constexpr Parameter kLevel[] = {{.name = "level", .optional = true}};
constexpr Parameter kPause[] = {{.name = "timeout", .type = Parameter::kInteger},
                                {.name = "mode", .optional = true}};
constexpr Parameter kUnblock[] = {{.name = "id", .type = Parameter::kInteger},
                                  {.name = "reason", .optional = true}};

constexpr Command Row(std::string_view name, int arity, uint32_t flags, std::string_view summary,
                      void (*run)(Context&, Arguments),
                      std::span<const Parameter> parameters = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags | kConnection,
          .group = "connection",
          .summary = summary,
          .parameters = parameters,
          .run = run};
}

constexpr Command kCommands[] = {
    Row("client", -2, 0, "Connections, and what this one wants", nullptr),
    Row("client|caching", 3, 0, "Client side caching is not supported", Caching, kMode),
    Row("client|durability", -2, 0,
        "How this connection's later writes are stored: synced, written or buffered", DurabilityOf,
        kLevel),
    Row("client|getname", 2, 0, "The name of this connection", GetName),
    Row("client|getredir", 2, 0, "Client side caching is not supported: -1", GetRedirection),
    Row("client|help", 2, 0, "Print this help", Help),
    Row("client|id", 2, 0, "The number of this connection", Id),
    Row("client|info", 2, 0, "What is known of this connection", Info),
    Row("client|kill", -3, kAdmin, "Close connections", Kill, kKill),
    Row("client|list", -2, kAdmin | kSlow, "The open connections", List, kList),
    Row("client|no-evict", 3, kAdmin, "Accepted, without effect: nobody is evicted", NoEvict,
        kMode),
    Row("client|no-touch", 3, 0, "Accepted, without effect: reads leave no trace", NoTouch, kMode),
    Row("client|pause", -3, kAdmin, "Not supported", Pause, kPause),
    Row("client|read-level", -2, 0,
        "How many nodes take part in this connection's later reads: one, quorum or all",
        ReadLevelOf, kLevel),
    Row("client|reply", 3, 0, "Whether replies are sent: ON, OFF, or SKIP the next", ReplyMode,
        kMode),
    Row("client|setinfo", 4, 0, "Name the library that the client uses", SetInfo, kSetInfo),
    Row("client|setname", 3, 0, "Name this connection", SetName, kName),
    Row("client|tracking", -3, 0, "Client side caching is not supported: OFF", Tracking, kMode),
    Row("client|trackinginfo", 2, 0, "Client side caching is not supported: off", TrackingInfo),
    Row("client|unblock", -3, kAdmin, "Wake a waiting connection: none ever waits", Unblock,
        kUnblock),
    Row("client|unpause", 2, kAdmin, "Accepted, without effect: nobody is paused", Unpause),
    Row("client|write-level", -2, 0,
        "How many nodes have a later write of this connection on disk before it is answered: one, "
        "quorum or all",
        WriteLevelOf, kLevel),
};

}  // namespace

std::span<const Command> ClientCommands() { return kCommands; }

}  // namespace kvserver
