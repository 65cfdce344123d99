#include "kvserver/support/dialog.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "command/dispatcher.h"
#include "command/session.h"
#include "protocol/resp_parser.h"
#include "protocol/resp_writer.h"

namespace kvserver {
namespace {

std::vector<std::string> WordsOf(std::string_view line) {
  std::vector<std::string> words;
  REQUIRE(SplitWords(line, words));
  return words;
}

// Moves past one reply.
std::string TakeReply(std::string_view* rest) {
  const size_t end = rest->find("\r\n");
  REQUIRE(end != std::string_view::npos);
  const char type = rest->front();
  const std::string line(rest->substr(1, end - 1));
  rest->remove_prefix(end + 2);
  if (type == '_' || line == "-1") return "nil";
  if (type == '+' || type == ':' || type == ',') return line;
  if (type == '-') return "-" + line;
  if (type == '#') return "#" + line;
  const size_t count = static_cast<size_t>(std::atoll(line.c_str()));
  if (type == '$' || type == '=') {
    std::string bytes(rest->substr(0, count));
    rest->remove_prefix(count + 2);
    return bytes;
  }
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += i == 0 ? "" : ", ";
    text += TakeReply(rest);
    if (type == '%') text += ": " + TakeReply(rest);
  }
  if (type == '%') return "{" + text + "}";
  return type == '~' ? "(" + text + ")" : "[" + text + "]";
}

}  // namespace

std::string ReplyText(std::string_view reply) { return TakeReply(&reply); }

std::string Dialog::Say(std::string_view line) { return Say(WordsOf(line)); }
std::string Dialog::Say(const std::vector<std::string>& arguments) {
  return ReplyText(client_.Ask(arguments));
}

std::string Dialog::Say3(std::string_view line) { return Say3(WordsOf(line)); }
std::string Dialog::Say3(const std::vector<std::string>& arguments) {
  Session session;
  RespWriter writer;
  writer.SetRespVersion(3);
  std::string out;
  writer.SetOutput(&out);
  Context context{server_.node(), session, writer};
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  RunSlow(context, views);
  return ReplyText(out);
}

}  // namespace kvserver
