#include "cluster/session_token.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace kvserver::cluster {
namespace {

constexpr Actor kFirst{1, 100}, kSecond{2, 200};
constexpr uint64_t kSeed = 7;

}  // namespace

TEST_CASE("a node has seen a session when its clock has every write of it, and not before") {
  DotSet session;
  AddToSession({kFirst, 5, 6}, &session);
  AddToSession({kSecond, 9, 9}, &session);
  DotSet clock;
  CHECK(!HasSeenSession(clock, session));
  clock.AddRange(kFirst, 1, 5);
  clock.AddRange(kSecond, 9, 9);
  CHECK(!HasSeenSession(clock, session));
  clock.Add({kFirst, 6});
  CHECK(HasSeenSession(clock, session));
  // Not by writes of another run of the same node.
  AddToSession({{1, 101}, 1, 1}, &session);
  CHECK(!HasSeenSession(clock, session));
  clock.Settle(1, 101);
  CHECK(HasSeenSession(clock, session));
  CHECK(HasSeenSession({}, {}));
}

TEST_CASE("a request that has written nothing adds nothing to a session") {
  DotSet session;
  AddToSession(DotRange{}, &session);
  CHECK(session.empty());
}

TEST_CASE("a session that is bounded asks for all it has written, whatever else") {
  // Goal: bounded and never less. Method: random writes of a few nodes, in many runs, against the
  // set of all of them.
  const uint64_t seed = 20;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    DotSet session, all;
    uint64_t next[4] = {1, 1, 1, 1};
    for (int i = 0; i < 100; ++i) {
      const auto node = static_cast<Slot>(random() % 4);
      const Actor actor{node, 1};
      const uint64_t first = next[node] + random() % 5, last = first + random() % 3;
      next[node] = last + 1;
      AddToSession({actor, first, last}, &session);
      all.AddRange(actor, first, last);
      REQUIRE(session.interval_count() <= kSessionRunsMax);
      REQUIRE(session.HasAll(all));
    }
    // It asks for no write that comes after the last one.
    DotSet clock;
    for (Slot node = 0; node < 4; ++node) clock.AddRange({node, 1}, 1, next[node]);
    REQUIRE(HasSeenSession(clock, session));
  }
}

TEST_CASE("of more runs of nodes than a session keeps the oldest leave it") {
  DotSet session;
  for (uint64_t generation = 1; generation <= 100; ++generation) {
    AddToSession({{1, generation}, 3, 3}, &session);
  }
  CHECK(session.interval_count() == kSessionActorsMax);
  CHECK(session.Has({{1, 100}, 3}));
  CHECK(!session.Has({{1, 36}, 3}));
  CHECK(SessionToken(session, kSeed).size() <= kSessionTokenBytesMax);
}

TEST_CASE("a token is read as it was written, and refused when a character of it is another one") {
  DotSet session;
  AddToSession({kFirst, 5, 6}, &session);
  AddToSession({kSecond, 1'000'000, 1'000'000}, &session);
  const std::string token = SessionToken(session, kSeed);
  CHECK(ReadSessionToken(token, kSeed).value() == session);
  CHECK(ReadSessionToken(SessionToken({}, kSeed), kSeed).value().empty());
  for (size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    CAPTURE(i);
    CHECK(absl::IsInvalidArgument(ReadSessionToken(damaged, kSeed).status()));
    CHECK(absl::IsInvalidArgument(ReadSessionToken(token.substr(0, i), kSeed).status()));
  }
  CHECK(absl::IsInvalidArgument(ReadSessionToken(token, kSeed + 1).status()));  // another cluster
  CHECK(absl::IsInvalidArgument(ReadSessionToken(token + "AAAA", kSeed).status()));
  CHECK(absl::IsInvalidArgument(ReadSessionToken(std::string(10'000, 'A'), kSeed).status()));
}

}  // namespace kvserver::cluster
