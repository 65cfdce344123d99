// An ArgumentReader takes the arguments of a request from the left: those by position, then
// options, each a word and what belongs to it, in any order.
//
//   ArgumentReader reader(arguments.subspan(2));
//   while (reader.NextOption()) {
//     if (reader.Is("LIMIT")) {
//       limit = reader.Count(0, kLimitMax);
//     } else if (reader.Is("PREFIX")) {
//       prefix = reader.Bytes();
//     } else {
//       reader.Unknown();
//     }
//   }
//   if (!reader.ok()) return context.reply.Error(reader.error());
//
// The first thing that is wrong ends the reading: what is taken then is empty or the least value.
#ifndef KVSERVER_SRC_COMMAND_ARGUMENT_READER_H_
#define KVSERVER_SRC_COMMAND_ARGUMENT_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "command/request.h"

namespace kvserver {

// Views are into the arguments. Belongs to one thread.
class ArgumentReader {
 public:
  explicit ArgumentReader(Arguments arguments) : arguments_(arguments) {}

  // Moves to the next option; false: there is none, or something was wrong.
  bool NextOption();
  // Whether the option, or after Take the argument, is this word, in any case. `word` in capitals.
  bool Is(std::string_view word) const;
  std::string_view option() const { return option_; }

  // The next argument, as what belongs to the option. Bounds are included.
  std::string_view Bytes();
  int64_t Integer(int64_t least, int64_t most);
  size_t Count(size_t least, size_t most);
  double Number(double least, double most);  // never NaN

  // Takes the next argument if it is this word.
  bool TakeWord(std::string_view word);
  // How many are left.
  size_t left() const { return ok() ? arguments_.size() - at_ : 0; }
  Arguments rest() const { return arguments_.subspan(at_); }

  void Unknown();                  // the option is none that the command knows
  void Fail(std::string message);  // "ERR " goes before it

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }  // "ERR sentence"

 private:
  Arguments arguments_;
  size_t at_ = 0;
  std::string_view option_;
  std::string error_;
};

// `a` and `b` are the same but for the case of ASCII letters.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// For a message: in quotes, no longer than a line, without control characters.
std::string Quoted(std::string_view text);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_ARGUMENT_READER_H_
