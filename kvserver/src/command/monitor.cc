#include "command/monitor.h"

#include <cstdio>
#include <string>

#include "base/clock.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

void AppendQuoted(std::string& out, std::string_view bytes) {
  out += '"';
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (byte >= 0x20 && byte < 0x7f) {
          out += c;
        } else {
          out += "\\x";
          out += "0123456789abcdef"[byte >> 4];
          out += "0123456789abcdef"[byte & 15];
        }
    }
  }
  out += '"';
}

}  // namespace

void ShowMonitors(Context& context, Arguments arguments) {
  const int64_t now = NowMicroseconds();
  char time[40];
  std::snprintf(time, sizeof(time), "+%lld.%06lld", static_cast<long long>(now / 1'000'000),
                static_cast<long long>(now % 1'000'000));
  std::string line = time;
  line += " [0 " + context.session.address + "]";
  for (const std::string_view argument : arguments) {
    line += ' ';
    AppendQuoted(line, argument);
  }
  line += "\r\n";
  context.node.clients().SendToMonitors(std::move(line));
}

}  // namespace kvserver
