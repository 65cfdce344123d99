// COMMAND: the table of commands, as Redis describes its own. redis-cli makes its hints from it.
#include <algorithm>
#include <string>
#include <vector>

#include "base/glob.h"
#include "command/acl_categories.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/help.h"
#include "command/keys_of.h"
#include "command/quoted.h"
#include "command/table.h"
#include "command/version.h"

namespace kvserver {
namespace {

bool IsSubcommand(const Command& command) {
  return command.name.find('|') != std::string_view::npos;
}

std::vector<const Command*> TopCommands() {
  std::vector<const Command*> top;
  for (const Command* const command : AllCommands()) {
    if (!IsSubcommand(*command)) top.push_back(command);
  }
  return top;
}

void SimpleSet(ReplyWriter& reply, const std::vector<std::string_view>& words) {
  reply.BeginSet(words.size());
  for (const std::string_view word : words) reply.Simple(word);
}

void Flags(ReplyWriter& reply, const Command& command) {
  constexpr std::pair<CommandFlag, std::string_view> kNames[] = {
      {kWrite, "write"}, {kReadOnly, "readonly"}, {kAdmin, "admin"},
      {kFast, "fast"},   {kNoMulti, "no_multi"},  {kSecret, "skip_monitor"}};
  std::vector<std::string_view> flags;
  for (const auto& [flag, name] : kNames) {
    if (command.has(flag)) flags.push_back(name);
  }
  SimpleSet(reply, flags);
}

// Where the keys are: from first_key on, up to last_key, which counts from there, or from the end.
void KeySpecifications(ReplyWriter& reply, const Command& command) {
  if (command.first_key == 0) return reply.BeginSet(0);
  reply.BeginSet(1);
  reply.BeginMap(3);
  reply.Value("flags");
  SimpleSet(reply, KeyFlags(command));
  reply.Value("begin_search");
  reply.BeginMap(2);
  reply.Value("type");
  reply.Value("index");
  reply.Value("spec");
  reply.BeginMap(1);
  reply.Value("index");
  reply.Integer(command.first_key);
  reply.Value("find_keys");
  reply.BeginMap(2);
  reply.Value("type");
  reply.Value("range");
  reply.Value("spec");
  reply.BeginMap(3);
  reply.Value("lastkey");
  reply.Integer(command.last_key < 0 ? command.last_key : command.last_key - command.first_key);
  reply.Value("keystep");
  reply.Integer(command.key_step);
  reply.Value("limit");
  reply.Integer(0);
}

// Nested once at most: a subcommand has none of its own.
void Row(ReplyWriter& reply, const Command& command) {
  const std::vector<const Command*> subcommands = SubcommandsOf(command);
  reply.BeginArray(10);
  reply.Value(command.name);
  reply.Integer(command.arity);
  Flags(reply, command);
  reply.Integer(command.first_key);
  reply.Integer(command.last_key);
  reply.Integer(command.key_step);
  SimpleSet(reply, AclCategoriesOf(command));
  reply.BeginSet(0);  // tips
  KeySpecifications(reply, command);
  reply.BeginSet(subcommands.size());
  for (const Command* const subcommand : subcommands) Row(reply, *subcommand);
}

// COMMAND alone, and COMMAND with a subcommand: the only container that can do both.
void Table(Context& context, Arguments arguments) {
  if (arguments.size() == 1) {
    const std::vector<const Command*> top = TopCommands();
    context.reply.BeginArray(top.size());
    for (const Command* const command : top) Row(context.reply, *command);
    return;
  }
  const Command* const subcommand =
      FindCommand("command|" + std::string(arguments[1].substr(0, 64)));
  if (subcommand == nullptr) {
    return context.reply.Error("ERR unknown subcommand '" + Quoted(arguments[1]) +
                               "'. Try COMMAND HELP.");
  }
  if (!ArityFits(*subcommand, arguments.size())) return ReplyArityError(context, subcommand->name);
  subcommand->run(context, arguments);
}

void Count(Context& context, Arguments /*arguments*/) {
  context.reply.Integer(static_cast<int64_t>(TopCommands().size()));
}

void Info(Context& context, Arguments arguments) {
  if (arguments.size() == 2) return Table(context, arguments.first(1));
  context.reply.BeginArray(arguments.size() - 2);
  for (const std::string_view name : arguments.subspan(2)) {
    const Command* const command = FindCommand(name);
    if (command == nullptr) {
      context.reply.Null();
    } else {
      Row(context.reply, *command);
    }
  }
}

// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN glob]. With a filter subcommands
// are listed, too.
void List(Context& context, Arguments arguments) {
  std::vector<const Command*> chosen;
  if (arguments.size() == 2) {
    chosen = TopCommands();
  } else if (arguments.size() == 5 && IsWord(arguments[2], "filterby")) {
    const std::string_view filter = arguments[3], value = arguments[4];
    if (!IsWord(filter, "module") && !IsWord(filter, "aclcat") && !IsWord(filter, "pattern")) {
      return ReplySyntaxError(context);
    }
    for (const Command* const command : AllCommands()) {
      const bool passes = IsWord(filter, "pattern")
                              ? GlobMatches(value, command->name, /*ignore_case=*/true)
                              : IsWord(filter, "aclcat") && IsInAclCategory(*command, value);
      if (passes) chosen.push_back(command);
    }
  } else {
    return ReplySyntaxError(context);
  }
  context.reply.BeginArray(chosen.size());
  for (const Command* const command : chosen) context.reply.Value(command->name);
}

std::string_view TypeName(Parameter::Type type) {
  switch (type) {
    case Parameter::kKey:
      return "key";
    case Parameter::kInteger:
      return "integer";
    case Parameter::kNumber:
      return "double";
    case Parameter::kPattern:
      return "pattern";
    case Parameter::kUnixTime:
      return "unix-time";
    case Parameter::kFlag:
      return "pure-token";
    case Parameter::kItems:
      return "block";
    default:
      return "string";
  }
}

void ArgumentDocs(ReplyWriter& reply, const Parameter& parameter) {
  std::vector<std::string_view> flags;
  const bool is_items = parameter.type == Parameter::kItems;
  if (parameter.optional) flags.push_back("optional");
  if (parameter.many || is_items) flags.push_back("multiple");
  const bool is_key = parameter.type == Parameter::kKey;
  reply.BeginMap(2 + (is_key ? 1 : 0) + (parameter.token.empty() ? 0 : 1) +
                 (flags.empty() ? 0 : 1) + (is_items ? 1 : 0));
  reply.Value("name");
  reply.Value(parameter.name);
  reply.Value("type");
  reply.Value(TypeName(parameter.type));
  if (is_key) {
    reply.Value("key_spec_index");
    reply.Integer(0);
  }
  if (!parameter.token.empty()) {
    reply.Value("token");
    reply.Value(parameter.token);
  }
  if (!flags.empty()) {
    reply.Value("flags");
    SimpleSet(reply, flags);
  }
  if (!is_items) return;
  constexpr Parameter kItem[] = {{.name = "key", .type = Parameter::kKey}, {.name = "value"}};
  reply.Value("arguments");
  reply.BeginArray(std::size(kItem));
  for (const Parameter& part : kItem) ArgumentDocs(reply, part);
}

std::string_view Complexity(const Command& command) {
  if (command.has(kFast) || command.has(kConnection)) {
    return command.last_key == command.first_key ? "O(1)" : "O(N) where N is the number of keys";
  }
  return command.has(kSlow) ? "O(N) where N is all that is looked at"
                            : "O(N) where N is the size of the arguments and the reply";
}

void Docs(ReplyWriter& reply, const Command& command) {
  const std::vector<const Command*> subcommands = SubcommandsOf(command);
  reply.BeginMap(4 + (command.parameters.empty() ? 0 : 1) + (subcommands.empty() ? 0 : 1));
  reply.Value("summary");
  reply.Value(command.summary);
  reply.Value("since");
  reply.Value(Version());
  reply.Value("group");
  reply.Value(command.group);
  reply.Value("complexity");
  reply.Value(Complexity(command));
  if (!command.parameters.empty()) {
    reply.Value("arguments");
    reply.BeginArray(command.parameters.size());
    for (const Parameter& parameter : command.parameters) ArgumentDocs(reply, parameter);
  }
  if (subcommands.empty()) return;
  reply.Value("subcommands");
  reply.BeginMap(subcommands.size());
  for (const Command* const subcommand : subcommands) {
    reply.Value(subcommand->name);
    Docs(reply, *subcommand);
  }
}

void DocsOf(Context& context, Arguments arguments) {
  std::vector<const Command*> chosen;
  if (arguments.size() == 2) {
    chosen = TopCommands();
  } else {
    for (const std::string_view name : arguments.subspan(2)) {
      const Command* const command = FindCommand(name);
      if (command != nullptr) chosen.push_back(command);
    }
  }
  context.reply.BeginMap(chosen.size());
  for (const Command* const command : chosen) {
    context.reply.Value(command->name);
    Docs(context.reply, *command);
  }
}

// The keys of the request that follows COMMAND GETKEYS. Otherwise the reply is the error.
bool ReadKeys(Context& context, Arguments request, const Command*& command,
              std::vector<std::string_view>& keys) {
  command = FindCommand(request[0]);
  if (command != nullptr && request.size() > 1 && !SubcommandsOf(*command).empty()) {
    command = FindCommand(std::string(command->name) + "|" + std::string(request[1].substr(0, 64)));
  }
  if (command == nullptr) {
    context.reply.Error("ERR Invalid command specified");
  } else if (command->first_key == 0) {
    context.reply.Error("ERR The command has no key arguments");
  } else if (!ArityFits(*command, request.size())) {
    context.reply.Error("ERR Invalid number of arguments specified for command");
  } else if (keys = KeysOf(*command, request); keys.empty()) {
    context.reply.Error("ERR Invalid arguments specified for command");
  } else {
    return true;
  }
  return false;
}

void GetKeys(Context& context, Arguments arguments) {
  const Command* command = nullptr;
  std::vector<std::string_view> keys;
  if (!ReadKeys(context, arguments.subspan(2), command, keys)) return;
  context.reply.BeginArray(keys.size());
  for (const std::string_view key : keys) context.reply.Value(key);
}

void GetKeysAndFlags(Context& context, Arguments arguments) {
  const Command* command = nullptr;
  std::vector<std::string_view> keys;
  if (!ReadKeys(context, arguments.subspan(2), command, keys)) return;
  const std::vector<std::string_view> flags = KeyFlags(*command);
  context.reply.BeginArray(keys.size());
  for (const std::string_view key : keys) {
    context.reply.BeginArray(2);
    context.reply.Value(key);
    SimpleSet(context.reply, flags);
  }
}

constexpr Parameter kNames[] = {{.name = "command_names", .optional = true, .many = true}};
constexpr Parameter kFilter[] = {
    {.name = "filter", .token = "FILTERBY", .optional = true, .many = true}};
constexpr Parameter kRequest[] = {{.name = "command"},
                                  {.name = "args", .optional = true, .many = true}};

constexpr Command ServerRow(std::string_view name, int arity, std::string_view summary,
                            void (*run)(Context&, Arguments),
                            std::span<const Parameter> parameters = {}) {
  return {.name = name,
          .arity = arity,
          .flags = kConnection,
          .group = "server",
          .summary = summary,
          .parameters = parameters,
          .run = run};
}

constexpr Command kCommands[] = {
    ServerRow("command", -1, "The commands", Table),
    ServerRow("command|count", 2, "How many commands there are", Count),
    ServerRow("command|docs", -2, "What commands do, with their arguments", DocsOf, kNames),
    ServerRow("command|getkeys", -4, "The keys of a request", GetKeys, kRequest),
    ServerRow("command|getkeysandflags", -4, "The keys of a request, and what becomes of them",
              GetKeysAndFlags, kRequest),
    ServerRow("command|help", 2, "Print this help", Help),
    ServerRow("command|info", -2, "Arity, flags and keys of commands", Info, kNames),
    ServerRow("command|list", -2, "The names of the commands", List, kFilter),
};

}  // namespace

std::span<const Command> CommandCommands() { return kCommands; }

}  // namespace kvserver
