#include "read_commands.h"

#include <algorithm>
#include <array>
#include <string>

namespace kvclient {
namespace {

constexpr size_t kNameBytesMax = 32;

// In order.
constexpr std::array<std::string_view, 47> kReads = {
    "bitcount",     "bitpos",     "command",     "dbsize",        "echo",       "exists",
    "expiretime",   "ft._list",   "ft.info",     "ft.search",     "get",        "getbit",
    "getrange",     "info",       "keys",        "kv.embed",      "kv.explain", "kv.find",
    "kv.getvector", "kv.hybrid",  "kv.morelike", "kv.queryindex", "kv.search",  "kv.similar",
    "kv.stats",     "kv.suggest", "kv.verify",   "lcs",           "mget",       "object",
    "pexpiretime",  "ping",       "pttl",        "randomkey",     "scan",       "strlen",
    "substr",       "time",       "ttl",         "type",          "vcard",      "vdim",
    "vemb",         "vgetattr",   "vinfo",       "vismember",     "vsim",
};
static_assert(std::is_sorted(kReads.begin(), kReads.end()));

}  // namespace

bool IsRead(std::string_view command) {
  if (command.size() > kNameBytesMax) return false;
  std::string lower(command);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::binary_search(kReads.begin(), kReads.end(), lower);
}

}  // namespace kvclient
