// Drives a Protocol without a socket, as a connection does, in pieces of any size.
#ifndef TESTS_KVSERVER_SUPPORT_PROTOCOL_STEPS_H_
#define TESTS_KVSERVER_SUPPORT_PROTOCOL_STEPS_H_

#include <string>
#include <string_view>
#include <vector>

#include "protocol/protocol.h"

namespace kvserver {

struct Steps {
  std::vector<std::vector<std::string>> requests;
  std::string output;      // errors, and "OK" for each request
  bool is_closed = false;  // kClose was answered

  bool operator==(const Steps&) const = default;
};

// Feeds `input` cut at the ascending positions `cuts`.
Steps FeedProtocol(Protocol& protocol, std::string_view input, const std::vector<size_t>& cuts);

// So many distinct random positions in `input`.
std::vector<size_t> RandomCuts(size_t input_bytes, size_t count, uint64_t seed);

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_PROTOCOL_STEPS_H_
