#include "command/arguments.h"

#include "base/numbers.h"

namespace kvserver {

bool IsWord(std::string_view argument, std::string_view word) {
  if (argument.size() != word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = argument[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != word[i]) return false;
  }
  return true;
}

std::optional<int64_t> ReadInteger(Context& context, std::string_view argument,
                                   std::string_view error) {
  const std::optional<int64_t> value = ParseInteger(argument);
  if (!value) context.reply.Error(error);
  return value;
}

std::string Quoted(std::string_view argument) {
  const std::string_view start = argument.substr(0, kQuotedBytesMax);
  return std::string(start.substr(0, start.find('\0')));
}

void ReplySyntaxError(Context& context) { context.reply.Error("ERR syntax error"); }

void ReplyArityError(Context& context, std::string_view command) {
  context.reply.Error("ERR wrong number of arguments for '" + std::string(command) + "' command");
}

}  // namespace kvserver
