// How each protocol spells a SET and a GET, and where its replies end.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "net/load.h"

namespace libkv::perf {
namespace {

[[noreturn]] void DieOf(std::string_view reply) {
  std::fprintf(stderr, "%s: the server answered: %.*s\n", program_invocation_short_name,
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

std::string KeyOf(uint64_t number) {
  std::string key = "key:000000000000";
  for (size_t at = key.size(); number > 0; number /= 10) {
    key[--at] = static_cast<char>('0' + number % 10);
  }
  return key;
}

std::string Key(uint64_t n, uint64_t count) { return KeyOf(Scattered(n, count)); }

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

// -- gRPC, as much of HTTP/2 as one request at a time on a connection needs ----------------------

std::string Http2Frame(uint8_t type, uint8_t flags, uint64_t stream, std::string_view payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  return frame.append(payload);
}

// A string of less than 127 bytes, after the first byte of a literal header that is not remembered.
std::string HpackText(std::string_view text) {
  return static_cast<char>(text.size()) + std::string(text);
}

std::string GrpcHeaders(std::string_view path) {
  std::string block = "\x83\x86";  // POST, http
  block += "\x04" + HpackText(path);
  block += "\x01" + HpackText("localhost");
  block += "\x0f\x10" + HpackText("application/grpc");
  block += std::string(1, '\0') + HpackText("te") + HpackText("trailers");
  return block;
}

// Takes part in no flow control: what is received is allowed once, 2 GiB, and what is sent is less
// than what the server allows again as it reads.
std::string GrpcGreeting() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Http2Frame(4, 0, 0, "") +
         Http2Frame(8, 0, 0, std::string_view("\x7f\xfe\0\0", 4));
}

size_t GrpcReply(std::string_view input) {
  constexpr size_t kHeadBytes = 9;
  bool has_data = false;
  for (size_t at = 0; at + kHeadBytes <= input.size();) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(input[at + i]); };
    const size_t bytes =
        kHeadBytes + (size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | size_t{byte(2)});
    if (at + bytes > input.size()) return 0;
    const uint8_t type = byte(3);
    const bool ends = (byte(4) & 1) != 0;
    if (type == 3 || type == 7) DieOf("RST_STREAM or GOAWAY");
    if (type == 0) has_data = true;
    const std::string_view payload = input.substr(at + kHeadBytes, bytes - kHeadBytes);
    at += bytes;
    if (type != 1 || !ends) continue;
    if (!has_data) DieOf(payload);  // the trailers have an error instead
    return at;
  }
  return 0;
}

void AppendProtobufBytes(std::string& out, char field, std::string_view bytes) {
  out += static_cast<char>(field << 3 | 2);
  for (size_t size = bytes.size(); true; size >>= 7) {
    out += static_cast<char>((size & 127) | (size > 127 ? 128 : 0));
    if (size <= 127) break;
  }
  out += bytes;
}

Dialect GrpcDialect(std::string_view path, std::function<std::string(uint64_t n)> message) {
  return {
      [headers = GrpcHeaders(path), message = std::move(message)](std::string& out, uint64_t n) {
        const uint64_t stream = 2 * n + 1;
        const std::string body = message(n);
        std::string payload(1, '\0');  // not compressed
        for (const int shift : {24, 16, 8, 0}) payload += static_cast<char>(body.size() >> shift);
        out += Http2Frame(1, 4, stream, headers);
        out += Http2Frame(0, 1, stream, payload + body);
      },
      GrpcReply, GrpcGreeting()};
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

Dialect RespSetAndWait(uint64_t keys, size_t value_bytes) {
  const Dialect set = RespSet(keys, value_bytes);
  return {[set](std::string& out, uint64_t n) {
            set.request(out, n);
            out += "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$1\r\n0\r\n";
          },
          [](std::string_view input) -> size_t {
            const size_t first = RespReply(input);
            if (first == 0) return 0;
            const std::string_view wait = input.substr(first);
            const size_t second = RespReply(wait);
            if (second > 0 && wait.substr(0, 2) != ":1") DieOf(wait);
            return second == 0 ? 0 : first + second;
          }};
}

std::string EachKey(uint64_t n) {
  // Multiplied by an odd number, so that each comes once and neighbours are far apart.
  return KeyOf(n * 999'999'937 % 1'000'000'000'000);
}

Dialect RespSetEach(size_t value_bytes) {
  const std::string length = "\r\n$" + std::to_string(value_bytes) + "\r\n";
  return RespDialect([value_bytes, length](std::string& out, uint64_t n) {
    out += "*3\r\n$3\r\nSET\r\n$16\r\n";
    out += EachKey(n);
    out += length;
    for (size_t i = 0; i < value_bytes; i += 8) {
      const uint64_t random = Scattered(n * 1'024 + i, UINT64_MAX);
      out.append(reinterpret_cast<const char*>(&random), std::min<size_t>(8, value_bytes - i));
    }
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

Dialect EtcdPut(uint64_t keys, size_t value_bytes) {
  return GrpcDialect("/etcdserverpb.KV/Put", [=](uint64_t n) {
    std::string message;
    AppendProtobufBytes(message, 1, Key(n, keys));
    AppendProtobufBytes(message, 2, std::string(value_bytes, 'v'));
    return message;
  });
}

Dialect EtcdGet(uint64_t keys, bool is_serializable) {
  return GrpcDialect("/etcdserverpb.KV/Range", [=](uint64_t n) {
    std::string message;
    AppendProtobufBytes(message, 1, Key(n, keys));
    if (is_serializable) message += "\x38\x01";
    return message;
  });
}

Dialect HttpDialect(std::function<void(std::string& out, uint64_t n)> request) {
  return {std::move(request), HttpReply};
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
