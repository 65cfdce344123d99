#include "command/dispatcher.h"

#include <string>

#include "base/clock.h"
#include "command/monitor.h"
#include "command/node.h"
#include "command/session.h"
#include "command/table.h"

namespace kvserver {
namespace {

constexpr size_t kQueuedRequestsMax = 100'000;
constexpr size_t kQueuedBytesMax = size_t{64} << 20;  // as much as one batch may have
constexpr size_t kQuotedArgumentsBytesMax = 128;

std::string UnknownCommand(Arguments arguments) {
  const auto quoted = [](std::string_view text) {
    std::string copy(text.substr(0, kQuotedArgumentsBytesMax));
    for (char& c : copy) {
      if (c == '\r' || c == '\n' || c == '\0') c = ' ';
    }
    return copy;
  };
  std::string message =
      "ERR unknown command '" + quoted(arguments[0]) + "', with args beginning with: ";
  size_t bytes = 0;
  for (size_t i = 1; i < arguments.size() && bytes < kQuotedArgumentsBytesMax; ++i) {
    const std::string argument = quoted(arguments[i].substr(0, kQuotedArgumentsBytesMax - bytes));
    bytes += argument.size() + 3;
    message += "'" + argument + "' ";
  }
  return message;
}

// The row for the request; writes the error and answers nullptr when it cannot run.
const Command* CommandOf(Context& context, Arguments arguments) {
  const Command* command = FindCommand(arguments[0]);
  if (command == nullptr) {
    context.reply.Error(UnknownCommand(arguments));
    return nullptr;
  }
  std::string full_name(command->name);
  if (command->run == nullptr && arguments.size() >= 2) {  // a container
    const std::string name = full_name + "|" + std::string(arguments[1].substr(0, 64));
    const Command* const sub = FindCommand(name);
    if (sub == nullptr) {
      std::string upper = full_name;
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      context.reply.Error("ERR unknown subcommand '" + std::string(arguments[1].substr(0, 128)) +
                          "'. Try " + upper + " HELP.");
      return nullptr;
    }
    command = sub;
  }
  if (command->run == nullptr || !ArityFits(*command, arguments.size())) {
    context.reply.Error("ERR wrong number of arguments for '" + std::string(command->name) +
                        "' command");
    return nullptr;
  }
  return command;
}

// Between MULTI and EXEC: kept for later.
void Queue(Context& context, Arguments arguments) {
  Session& session = context.session;
  size_t bytes = 0;
  for (const std::string_view argument : arguments) bytes += argument.size() + sizeof(std::string);
  if (session.queued.size() >= kQueuedRequestsMax ||
      session.queued_bytes + bytes > kQueuedBytesMax) {
    session.multi_failed = true;
    context.reply.Error("ERR too much between MULTI and EXEC: 100,000 requests or 64 MiB at most");
    return;
  }
  session.queued_bytes += bytes;
  session.queued.emplace_back(arguments.begin(), arguments.end());
  context.reply.Simple("QUEUED");
}

void Run(Context& context, const Command& command, Arguments arguments) {
  context.node.commands.fetch_add(1, std::memory_order_relaxed);
  if (context.node.clients().has_monitors() && !command.has(kAdmin)) {
    ShowMonitors(context, arguments);
  }
  const int64_t start = SteadyMicroseconds();
  command.run(context, arguments);
  const int64_t took = SteadyMicroseconds() - start;
  Settings& settings = context.node.settings();
  const int64_t slow = settings.slow_log_us.load(std::memory_order_relaxed);
  if (slow >= 0 && took >= slow) {
    context.node.slow_log().Add(NowMicroseconds() / 1'000'000, took, arguments,
                                context.session.address, context.session.name,
                                static_cast<size_t>(settings.slow_log_length.load()));
  }
}

}  // namespace

Dispatched Dispatch(Context& context, Arguments arguments) {
  Session& session = context.session;
  session.hold = {};
  context.reply.Begin();
  const Command* const command = CommandOf(context, arguments);
  if (command == nullptr) {
    context.node.errors.fetch_add(1, std::memory_order_relaxed);
    if (session.in_multi) session.multi_failed = true;
  } else if (!session.in_multi || command->has(kInMulti)) {
    const bool is_slow = command->has(kSlow) ||
                         (command->is_slow != nullptr && command->is_slow(context, arguments));
    if (is_slow) return Dispatched::kSlow;
    Run(context, *command, arguments);
  } else if (command->has(kNoMulti)) {
    session.multi_failed = true;
    context.reply.Error("ERR Command not allowed inside a transaction");
  } else {
    Queue(context, arguments);
  }
  context.reply.End();
  return Dispatched::kDone;
}

void RunSlow(Context& context, Arguments arguments) {
  context.session.hold = {};
  context.reply.Begin();
  const Command* const command = CommandOf(context, arguments);
  if (command != nullptr) Run(context, *command, arguments);
  context.reply.End();
}

}  // namespace kvserver
