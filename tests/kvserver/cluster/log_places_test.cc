#include "cluster/log_places.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace kvserver::cluster {
namespace {

TEST_CASE("a row that is not needed is written over, and deleted if nobody comes") {
  LogPlaces places;
  CHECK(places.TakeIdle(1'000).empty());
  CHECK(places.Take(1) == 0);
  CHECK(places.Take(2) == 1);
  places.Leave(1);
  CHECK(places.Take(3) == 0);
  places.Leave(2);
  places.Leave(3);
  CHECK(places.TakeIdle(1'000 + LogPlaces::kIdleMs - 1).empty());
  CHECK(places.TakeIdle(1'000 + LogPlaces::kIdleMs).empty());  // they are new
  const std::vector<uint64_t> idle = places.TakeIdle(1'000 + 2 * LogPlaces::kIdleMs);
  CHECK(std::set(idle.begin(), idle.end()) == std::set<uint64_t>{0, 1});
  CHECK(places.Take(4) == 2);  // the others are still to be deleted
  places.Deleted(idle);
  CHECK(places.Take(5) < 2);
  CHECK(places.Take(6) < 2);
  CHECK(places.Take(7) == 3);
}

TEST_CASE("rows that were there at the start are never written over while they are needed") {
  LogPlaces places;
  places.Found(1, 7);
  CHECK(places.Take(2) == 8);
  places.Leave(1);
  CHECK(places.Take(3) == 7);
  places.Leave(9);  // it has none
  CHECK(places.Take(4) == 9);
}

TEST_CASE("no two turns have one place, and in the end no row is left") {
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  LogPlaces places;
  std::map<uint64_t, uint64_t> rows;  // by place: whose
  std::map<uint64_t, uint64_t> needed;
  size_t most = 0;
  int64_t now_ms = 0;
  for (uint64_t turn = 1; turn <= 20'000; ++turn) {
    const uint64_t place = places.Take(turn);
    REQUIRE((!rows.contains(place) || !needed.contains(rows[place])));
    rows[place] = turn;
    needed[turn] = place;
    most = std::max(most, needed.size());
    while (needed.size() > random() % 50) {
      auto gone = needed.begin();
      std::advance(gone, random() % needed.size());
      places.Leave(gone->first);
      needed.erase(gone);
    }
    now_ms += static_cast<int64_t>(random() % 20);
    const std::vector<uint64_t> idle = places.TakeIdle(now_ms);
    for (const uint64_t deleted : idle) {
      REQUIRE(rows.contains(deleted));
      REQUIRE(!needed.contains(rows[deleted]));
      rows.erase(deleted);
    }
    places.Deleted(idle);
  }
  for (const auto& [place, turn] : rows) CHECK(place < 2 * most);
  for (const auto& [turn, place] : needed) places.Leave(turn);
  for (int i = 0; i < 3; ++i) {
    now_ms += LogPlaces::kIdleMs;
    for (const uint64_t deleted : places.TakeIdle(now_ms)) rows.erase(deleted);
  }
  CHECK(rows.empty());
}

}  // namespace
}  // namespace kvserver::cluster
