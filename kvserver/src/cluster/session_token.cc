#include "cluster/session_token.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/base64.h"
#include "base/byte_codec.h"

namespace kvserver::cluster {
namespace {

constexpr char kKind = 'S';  // no context of a key can be taken for a session

void Bound(DotSet* session) {
  if (session->interval_count() <= kSessionRunsMax) return;
  std::map<Actor, DotRange> whole;
  session->ForEachInterval([&](const DotSet::Interval& interval) {
    DotRange& range = whole[interval.actor];
    if (range.first == 0) range = {interval.actor, interval.first, interval.last};
    range.last = interval.last;
  });
  std::vector<DotRange> newest;
  for (const auto& [actor, range] : whole) newest.push_back(range);
  std::sort(newest.begin(), newest.end(), [](const DotRange& a, const DotRange& b) {
    return a.actor.generation > b.actor.generation;
  });
  if (newest.size() > kSessionActorsMax) newest.resize(kSessionActorsMax);
  DotSet bounded;
  for (const DotRange& range : newest) bounded.AddRange(range.actor, range.first, range.last);
  *session = std::move(bounded);
}

}  // namespace

void AddToSession(const DotRange& written, DotSet* session) {
  if (written.first == 0) return;
  session->AddRange(written.actor, written.first, written.last);
  Bound(session);
}

void AddToSession(const DotSet& other, DotSet* session) {
  if (other.empty()) return;
  session->AddAll(other);
  Bound(session);
}

bool HasSeenSession(const DotSet& clock, const DotSet& session) { return clock.HasAll(session); }

std::string SessionToken(const DotSet& session, uint64_t seed) {
  std::string bytes(1, kKind);
  session.AppendTo(bytes);
  AppendFixed64(bytes, XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
  std::string token;
  AppendBase64(token, bytes);
  return token;
}

absl::StatusOr<DotSet> ReadSessionToken(std::string_view token, uint64_t seed) {
  const absl::Status wrong = absl::InvalidArgumentError(
      "this is not a session token of this cluster: give the newest one that a node has answered, "
      "as it is");
  if (token.size() > kSessionTokenBytesMax) return wrong;
  std::string bytes(Base64BytesMax(token), '\0');
  const std::optional<size_t> decoded = DecodeBase64(token, bytes.data());
  if (!decoded || *decoded < 1 + 8 || bytes[0] != kKind) return wrong;
  const size_t size = *decoded - 8;
  uint64_t checksum = 0;
  ByteReader(std::string_view(bytes).substr(size, 8)).Fixed64(&checksum);
  if (checksum != XXH3_64bits_withSeed(bytes.data(), size, seed)) return wrong;
  std::string_view rest = std::string_view(bytes).substr(1, size - 1);
  DotSet session;
  if (!session.DecodeFrom(rest) || !rest.empty()) return wrong;
  return session;
}

}  // namespace kvserver::cluster
