// How each protocol spells a SET and a GET, and where its replies end.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "net/load.h"

namespace libkv::perf {
namespace {

[[noreturn]] void DieOf(std::string_view reply) {
  std::fprintf(stderr, "net_bench: the server answered: %.*s\n",
               static_cast<int>(std::min<size_t>(reply.size(), 300)), reply.data());
  std::exit(1);
}

// A number that looks random and takes every value below `count` equally often.
uint64_t Scattered(uint64_t n, uint64_t count) {
  n += 0x9e3779b97f4a7c15;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
  n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
  return (n ^ (n >> 31)) % count;
}

std::string Key(uint64_t n, uint64_t count) {
  std::string key = "key:000000000000";
  uint64_t number = Scattered(n, count);
  for (size_t at = key.size(); number > 0; number /= 10) {
    key[--at] = static_cast<char>('0' + number % 10);
  }
  return key;
}

// The length of a whole RESP reply; 0: not all there.
size_t RespReply(std::string_view input) {
  const size_t end = input.find("\r\n");
  if (end == std::string_view::npos) return 0;
  long long count = 0;
  std::from_chars(input.data() + 1, input.data() + end, count);
  size_t at = end + 2;
  switch (input[0]) {
    case '-':
      DieOf(input);
    case '$':
      if (count >= 0) at += static_cast<size_t>(count) + 2;
      return at <= input.size() ? at : 0;
    case '*':
    case '%': {
      const long long elements = input[0] == '%' ? 2 * count : count;
      for (long long i = 0; i < elements; ++i) {
        const size_t bytes = at < input.size() ? RespReply(input.substr(at)) : 0;
        if (bytes == 0) return 0;
        at += bytes;
      }
      return at;
    }
    default:
      return at;
  }
}

size_t LineReply(std::string_view input) {
  const size_t end = input.find('\n');
  if (end == std::string_view::npos) return 0;
  if (input.find("\"error\"") < end) DieOf(input);
  return end + 1;
}

size_t MemcachedReply(std::string_view input) {
  if (input.substr(0, 5) != "VALUE") {
    const size_t end = input.find("\r\n");
    if (end == std::string_view::npos) return 0;
    if (input.find("ERROR") < end) DieOf(input);
    return end + 2;
  }
  const size_t end = input.find("\r\nEND\r\n");
  return end == std::string_view::npos ? 0 : end + 7;
}

size_t HttpReply(std::string_view input) {
  const size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (input.size() > 9 && (input[9] == '5' || (input[9] == '4' && input.substr(9, 3) != "404"))) {
    DieOf(input);
  }
  size_t at = input.find("Content-Length: ");
  if (at == std::string_view::npos || at > end) return end + 4;
  size_t length = 0;
  at += 16;
  std::from_chars(input.data() + at, input.data() + end, length);
  return end + 4 + length <= input.size() ? end + 4 + length : 0;
}

}  // namespace

void AppendResp(std::string& out, const std::vector<std::string_view>& arguments) {
  out += "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string_view argument : arguments) {
    out += "$" + std::to_string(argument.size()) + "\r\n";
    out += argument;
    out += "\r\n";
  }
}

Dialect RespDialect(std::function<void(std::string& out, uint64_t n)> request) {
  return {std::move(request), RespReply};
}

Dialect RespSet(uint64_t keys, size_t value_bytes) {
  const std::string tail =
      "\r\n$" + std::to_string(value_bytes) + "\r\n" + std::string(value_bytes, 'v') + "\r\n";
  return RespDialect([keys, tail](std::string& out, uint64_t n) {
    out += "*3\r\n$3\r\nSET\r\n$16\r\n";
    out += Key(n, keys);
    out += tail;
  });
}

Dialect RespGet(uint64_t keys) {
  return RespDialect([keys](std::string& out, uint64_t n) {
    out += "*2\r\n$3\r\nGET\r\n$16\r\n";
    out += Key(n, keys);
    out += "\r\n";
  });
}

Dialect MemcachedSet(uint64_t keys, size_t value_bytes) {
  const std::string tail =
      " 0 0 " + std::to_string(value_bytes) + "\r\n" + std::string(value_bytes, 'v') + "\r\n";
  return {[keys, tail](std::string& out, uint64_t n) { out += "set " + Key(n, keys) + tail; },
          MemcachedReply};
}

Dialect MemcachedGet(uint64_t keys) {
  return {[keys](std::string& out, uint64_t n) { out += "get " + Key(n, keys) + "\r\n"; },
          MemcachedReply};
}

Dialect JsonLineSet(uint64_t keys, size_t value_bytes) {
  const std::string tail = "\",\"value\":\"" + std::string(value_bytes, 'v') + "\"}\n";
  return {[keys, tail](std::string& out, uint64_t n) {
            out += "{\"command\":\"SET\",\"key\":\"" + Key(n, keys) + tail;
          },
          LineReply};
}

Dialect JsonLineGet(uint64_t keys) {
  return {[keys](std::string& out, uint64_t n) {
            out += "{\"command\":\"GET\",\"key\":\"" + Key(n, keys) + "\"}\n";
          },
          LineReply};
}

Dialect HttpPut(uint64_t keys, size_t value_bytes) {
  const std::string tail =
      " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(value_bytes) +
      "\r\n\r\n" + std::string(value_bytes, 'v');
  return {
      [keys, tail](std::string& out, uint64_t n) { out += "PUT /v1/kv/" + Key(n, keys) + tail; },
      HttpReply};
}

Dialect HttpGet(uint64_t keys) {
  return {[keys](std::string& out, uint64_t n) {
            out += "GET /v1/kv/" + Key(n, keys) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
          },
          HttpReply};
}

}  // namespace libkv::perf
