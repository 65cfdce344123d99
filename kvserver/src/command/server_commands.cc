// Commands on the server as a whole.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "command/acl_categories.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/help.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/quoted.h"
#include "command/session.h"
#include "command/table.h"
#include "command/version.h"

namespace kvserver {
namespace {

void Time(Context& context, Arguments /*arguments*/) {
  constexpr int64_t kSecond = 1'000'000;
  const int64_t now = NowMicroseconds();
  context.reply.BeginArray(2);
  context.reply.Value(std::to_string(now / kSecond));
  context.reply.Value(std::to_string(now % kSecond));
}

void Role(Context& context, Arguments /*arguments*/) {
  context.reply.BeginArray(3);
  context.reply.Value("master");
  context.reply.Integer(0);
  context.reply.BeginArray(0);
}

// A WAIT that takes longer would keep a worker from searches.
constexpr int64_t kWaitMillisecondsMax = 5'000;

// WAIT replicas timeout: how many other nodes have on disk what this node has written until now.
// Alone there are none to wait for, and the answer is there at once.
void Wait(Context& context, Arguments arguments) {
  const auto wanted = ReadInteger(context, arguments[1]);
  if (!wanted) return;
  const auto timeout =
      ReadInteger(context, arguments[2], "ERR timeout is not an integer or out of range");
  if (!timeout) return;
  if (*timeout < 0) return context.reply.Error("ERR timeout is negative");
  Replication* const replication = context.node.replication();
  if (replication == nullptr) return context.reply.Integer(0);
  const int64_t most = *timeout == 0 ? kWaitMillisecondsMax : *timeout;
  const int64_t deadline = NowMilliseconds() + std::min(most, kWaitMillisecondsMax);
  const std::map<cluster::Slot, uint64_t> newest = replication->Status().newest;
  const auto own = newest.find(replication->self().slot);
  if (own == newest.end()) {  // nothing was written
    const size_t others = replication->options().replica.members.size() - 1;
    return context.reply.Integer(static_cast<int64_t>(others));
  }
  // Without this node.
  const int64_t count = -1 + static_cast<int64_t>(replication->AwaitHolders(
                                 {replication->self(), own->second},
                                 static_cast<size_t>(std::max<int64_t>(*wanted, 0)) + 1, deadline));
  context.reply.Integer(count);
}

bool WaitIsSlow(Context& context, Arguments /*arguments*/) {
  return context.node.replication() != nullptr;
}

constexpr Command Slow(Command command, bool (*is_slow)(Context&, Arguments)) {
  command.is_slow = is_slow;
  return command;
}

void LastSave(Context& context, Arguments /*arguments*/) {
  context.reply.Integer(context.node.last_save_seconds.load());
}

// Acknowledged writes are durable without it: this makes the next start read no log.
bool Flush(Context& context) {
  const absl::Status status = context.node.store().Flush();
  if (status.ok()) {
    context.node.last_save_seconds = NowMicroseconds() / 1'000'000;
  } else {
    ReplyStatus(context, status);
  }
  return status.ok();
}

void Save(Context& context, Arguments /*arguments*/) {
  if (Flush(context)) context.reply.Ok();
}

// It is done when the reply comes; the words are those that clients expect.
void BackgroundSave(Context& context, Arguments arguments) {
  if (arguments.size() > 2 || (arguments.size() == 2 && !IsWord(arguments[1], "schedule"))) {
    return ReplySyntaxError(context);
  }
  if (Flush(context)) context.reply.Simple("Background saving started");
}

void RewriteLog(Context& context, Arguments /*arguments*/) {
  if (Flush(context)) context.reply.Simple("Background append only file rewriting started");
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. The process ends as SIGTERM ends it: all that was
// received is answered and stored. In RESP the end of the connection is the reply, as in Redis.
void Shutdown(Context& context, Arguments arguments) {
  bool save = false, no_save = false, now = false, force = false, abort = false;
  for (const std::string_view word : arguments.subspan(1)) {
    if (IsWord(word, "save")) {
      save = true;
    } else if (IsWord(word, "nosave")) {
      no_save = true;
    } else if (IsWord(word, "now")) {
      now = true;
    } else if (IsWord(word, "force")) {
      force = true;
    } else if (IsWord(word, "abort")) {
      abort = true;
    } else {
      return ReplySyntaxError(context);
    }
  }
  if ((save && no_save) || (abort && (save || no_save || now || force))) {
    return ReplySyntaxError(context);
  }
  if (abort) return context.reply.Error("ERR No shutdown in progress.");
  context.session.close_after_reply = true;
  if (context.reply.resp_version() == 0) context.reply.Ok();
  kill(getpid(), SIGTERM);
}

void AclWhoAmI(Context& context, Arguments /*arguments*/) { context.reply.Value("default"); }

void AclList(Context& context, Arguments /*arguments*/) {
  context.reply.BeginArray(1);
  context.reply.Value("user default on nopass ~* &* +@all");
}

void AclUsers(Context& context, Arguments /*arguments*/) {
  context.reply.BeginArray(1);
  context.reply.Value("default");
}

// ACL CAT [category]
void AclCat(Context& context, Arguments arguments) {
  if (arguments.size() > 3) return ReplySubcommandError(context, arguments);
  if (arguments.size() == 2) {
    context.reply.BeginArray(AclCategories().size());
    for (const std::string_view category : AclCategories()) context.reply.Value(category);
    return;
  }
  bool is_known = false;
  for (const std::string_view category : AclCategories()) {
    is_known = is_known || IsWord(arguments[2], category);
  }
  if (!is_known) {
    return context.reply.Error("ERR Unknown category '" + Quoted(arguments[2]) + "'");
  }
  std::vector<std::string_view> names;
  for (const Command* const command : AllCommands()) {
    if (IsInAclCategory(*command, arguments[2])) names.push_back(command->name);
  }
  context.reply.BeginArray(names.size());
  for (const std::string_view name : names) context.reply.Value(name);
}

void EmptyList(Context& context, Arguments /*arguments*/) { context.reply.BeginArray(0); }

void FunctionFlush(Context& context, Arguments arguments) {
  const bool is_known =
      arguments.size() == 2 ||
      (arguments.size() == 3 && (IsWord(arguments[2], "sync") || IsWord(arguments[2], "async")));
  if (!is_known) {
    return context.reply.Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  context.reply.Ok();
}

void Lolwut(Context& context, Arguments /*arguments*/) {
  std::string text =
      "  _            _\n"
      " | | ____   __| |\n"
      " | |/ /\\ \\ / /| |   one store, many tongues\n"
      " |   <  \\ V / |_|\n"
      " |_|\\_\\  \\_/  (_)\n\nkvserver ver. ";
  text.append(Version());
  text += '\n';
  context.reply.Text(text);
}

constexpr Parameter kWait[] = {{.name = "numreplicas", .type = Parameter::kInteger},
                               {.name = "timeout", .type = Parameter::kInteger}};
constexpr Parameter kSchedule[] = {
    {.name = "schedule", .type = Parameter::kFlag, .token = "SCHEDULE", .optional = true}};
constexpr Parameter kShutdown[] = {
    {.name = "nosave", .type = Parameter::kFlag, .token = "NOSAVE", .optional = true},
    {.name = "save", .type = Parameter::kFlag, .token = "SAVE", .optional = true},
    {.name = "now", .type = Parameter::kFlag, .token = "NOW", .optional = true},
    {.name = "force", .type = Parameter::kFlag, .token = "FORCE", .optional = true},
    {.name = "abort", .type = Parameter::kFlag, .token = "ABORT", .optional = true}};
constexpr Parameter kCategory[] = {{.name = "category", .optional = true}};
constexpr Parameter kFlushMode[] = {{.name = "mode", .optional = true}};
constexpr Parameter kOptions[] = {{.name = "options", .optional = true, .many = true}};

constexpr Command Row(std::string_view name, int arity, uint32_t flags, std::string_view summary,
                      void (*run)(Context&, Arguments),
                      std::span<const Parameter> parameters = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = "server",
          .summary = summary,
          .parameters = parameters,
          .run = run};
}

constexpr Command kCommands[] = {
    Row("acl", -2, 0, "Users: there is one, who may do everything", nullptr),
    Row("acl|cat", -2, 0, "The categories of commands, or the commands of one", AclCat, kCategory),
    Row("acl|help", 2, 0, "Print this help", Help),
    Row("acl|list", 2, kAdmin, "The users and what they may do", AclList),
    Row("acl|users", 2, kAdmin, "The users", AclUsers),
    Row("acl|whoami", 2, 0, "The user of this connection", AclWhoAmI),
    Row("bgrewriteaof", 1, kAdmin | kSlow | kNoMulti, "As SAVE", RewriteLog),
    Row("bgsave", -1, kAdmin | kSlow | kNoMulti, "As SAVE", BackgroundSave, kSchedule),
    Row("function", -2, 0, "Stored functions: there are none", nullptr),
    Row("function|flush", -2, kWrite, "Accepted, without effect", FunctionFlush, kFlushMode),
    Row("function|help", 2, 0, "Print this help", Help),
    Row("function|list", -2, 0, "None", EmptyList, kOptions),
    Row("lastsave", 1, kFast, "When SAVE was done last, or the server started", LastSave),
    Row("lolwut", -1, kReadOnly | kFast, "The version, in style", Lolwut, kOptions),
    Row("module", -2, 0, "Modules: there are none", nullptr),
    Row("module|help", 2, 0, "Print this help", Help),
    Row("module|list", 2, kAdmin, "None", EmptyList),
    Row("role", 1, kFast, "The part this server plays in replication: master", Role),
    Row("save", 1, kAdmin | kSlow | kNoMulti,
        "Move everything from the log into tables; writes are durable without it", Save),
    Row("shutdown", -1, kAdmin | kNoMulti, "Store everything and end the process", Shutdown,
        kShutdown),
    Row("time", 1, kFast, "The time: seconds since 1970, and microseconds", Time),
    Slow(Row("wait", 3, 0, "How many other nodes have what was written here; alone: none", Wait,
             kWait),
         WaitIsSlow),
};

}  // namespace

std::span<const Command> ServerCommands() { return kCommands; }

}  // namespace kvserver
