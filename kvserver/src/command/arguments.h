// How commands read their arguments, and the errors when they cannot. The texts are those of Redis.
#ifndef KVSERVER_SRC_COMMAND_ARGUMENTS_H_
#define KVSERVER_SRC_COMMAND_ARGUMENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "command/command.h"

namespace kvserver {

inline constexpr std::string_view kNotAnInteger = "ERR value is not an integer or out of range";

// Whether `argument` is `word`, which is in lower case, in any case of its own.
bool IsWord(std::string_view argument, std::string_view word);

// An integer of 64 bits; otherwise `error` is replied.
std::optional<int64_t> ReadInteger(Context& context, std::string_view argument,
                                   std::string_view error = kNotAnInteger);

// An argument as part of an error: so many bytes of it, and none from its first zero byte on.
inline constexpr size_t kQuotedBytesMax = 128;
std::string Quoted(std::string_view argument);

void ReplySyntaxError(Context& context);

// For what the arity in the table cannot say: pairs, at most so many.
void ReplyArityError(Context& context, std::string_view command);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_ARGUMENTS_H_
