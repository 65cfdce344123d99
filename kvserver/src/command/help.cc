#include "command/help.h"

#include <vector>

#include "command/quoted.h"
#include "command/table.h"

namespace kvserver {
namespace {

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

std::string SyntaxOf(const Parameter& parameter) {
  std::string text(parameter.token);
  if (parameter.type != Parameter::kFlag) {
    if (!text.empty()) text += ' ';
    const std::string name = parameter.type == Parameter::kItems ? std::string("key value")
                                                                 : std::string(parameter.name);
    text += name;
    if (parameter.many || parameter.type == Parameter::kItems) text += " [" + name + " ...]";
  }
  return parameter.optional ? "[" + text + "]" : text;
}

}  // namespace

std::string SyntaxOf(const Command& command) {
  std::string text;
  for (const Parameter& parameter : command.parameters) {
    if (!text.empty()) text += ' ';
    text += SyntaxOf(parameter);
  }
  return text;
}

void ReplySubcommandError(Context& context, Arguments arguments) {
  context.reply.Error("ERR unknown subcommand or wrong number of arguments for '" +
                      Quoted(arguments[1]) + "'. Try " + Upper(FindCommand(arguments[0])->name) +
                      " HELP.");
}

void Help(Context& context, Arguments arguments) {
  const Command* const container = FindCommand(arguments[0]);
  const std::vector<const Command*> subcommands = SubcommandsOf(*container);
  context.reply.BeginArray(1 + 2 * subcommands.size());
  context.reply.Simple(Upper(container->name) +
                       " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const Command* const subcommand : subcommands) {
    std::string line = Upper(subcommand->name.substr(container->name.size() + 1));
    const std::string syntax = SyntaxOf(*subcommand);
    if (!syntax.empty()) line += " " + syntax;
    context.reply.Simple(line);
    context.reply.Simple("    " + std::string(subcommand->summary) + ".");
  }
}

}  // namespace kvserver
