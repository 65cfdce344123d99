#include "kvclient/reply.h"

#include <charconv>
#include <cstdlib>

namespace kvclient {
namespace {

struct Row {
  std::string_view word;
  absl::StatusCode code;
};

constexpr Row kRows[] = {
    {"BUSY", absl::StatusCode::kUnavailable},
    {"CLUSTERDOWN", absl::StatusCode::kUnavailable},
    {"DATALOSS", absl::StatusCode::kDataLoss},
    {"ERR", absl::StatusCode::kInvalidArgument},
    {"EXECABORT", absl::StatusCode::kAborted},
    {"LOADING", absl::StatusCode::kUnavailable},
    {"MASTERDOWN", absl::StatusCode::kUnavailable},
    {"NOAUTH", absl::StatusCode::kUnauthenticated},
    {"NOPERM", absl::StatusCode::kPermissionDenied},
    {"NOPROTO", absl::StatusCode::kInvalidArgument},
    {"NOSCRIPT", absl::StatusCode::kNotFound},
    {"NOTFOUND", absl::StatusCode::kNotFound},
    {"OOM", absl::StatusCode::kResourceExhausted},
    {"READONLY", absl::StatusCode::kFailedPrecondition},
    {"TRYAGAIN", absl::StatusCode::kUnavailable},
    {"WRONGPASS", absl::StatusCode::kUnauthenticated},
    {"WRONGTYPE", absl::StatusCode::kFailedPrecondition},
};

}  // namespace

const Reply* Reply::Find(std::string_view name) const {
  for (size_t i = 0; i + 1 < elements.size(); i += 2) {
    if (elements[i].has_bytes() && elements[i].bytes == name) return &elements[i + 1];
  }
  return nullptr;
}

double Reply::AsNumber() const {
  if (kind == Kind::kDouble) return number;
  if (!has_bytes()) return static_cast<double>(integer);
  return std::strtod(bytes.c_str(), nullptr);
}

int64_t Reply::AsInteger() const {
  if (!has_bytes()) return integer;
  int64_t value = 0;
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
  return value;
}

absl::Status StatusOf(const Reply& reply) {
  if (!reply.is_error()) return absl::OkStatus();
  const std::string_view message = reply.bytes;
  if (message.starts_with("ERR unknown command")) return absl::UnimplementedError(reply.bytes);
  const std::string_view word = message.substr(0, message.find(' '));
  for (const Row& row : kRows) {
    if (row.word == word) return absl::Status(row.code, reply.bytes);
  }
  return absl::UnknownError(reply.bytes);
}

}  // namespace kvclient
