#include "kvserver/support/protocol_steps.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace kvserver {
namespace {

void FeedPiece(Protocol& protocol, std::string& waiting, Steps& steps) {
  Request request;
  size_t at = 0;
  while (at < waiting.size() && !steps.is_closed) {
    // A buffer of exactly that size, so that a sanitizer sees a step beyond it.
    const std::vector<char> exact(waiting.begin() + static_cast<ptrdiff_t>(at), waiting.end());
    size_t used = 0;
    protocol.reply().SetOutput(&steps.output);
    const Protocol::Next next = protocol.Parse({exact.data(), exact.size()}, used, request);
    REQUIRE(used <= exact.size());
    at += used;
    if (next == Protocol::Next::kMore) break;
    if (next == Protocol::Next::kClose) steps.is_closed = true;
    if (next != Protocol::Next::kRequest) continue;
    REQUIRE(!request.args.empty());
    steps.requests.emplace_back(request.args.begin(), request.args.end());
    protocol.reply().Begin();
    protocol.reply().Ok();
    protocol.reply().End();
  }
  waiting.erase(0, at);
}

}  // namespace

Steps FeedProtocol(Protocol& protocol, std::string_view input, const std::vector<size_t>& cuts) {
  Steps steps;
  std::string waiting;
  size_t begin = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t end = i < cuts.size() ? cuts[i] : input.size();
    waiting.append(input.substr(begin, end - begin));
    begin = end;
    if (!steps.is_closed) FeedPiece(protocol, waiting, steps);
  }
  return steps;
}

std::vector<size_t> RandomCuts(size_t input_bytes, size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<size_t> cuts;
  for (size_t i = 0; i < count && input_bytes > 0; ++i) cuts.push_back(random() % input_bytes);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

}  // namespace kvserver
