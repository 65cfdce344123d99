#include "cluster/dot_set.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace kvserver::cluster {
namespace {

constexpr uint64_t kCounters = 24, kGenerations = 3;
constexpr Slot kSlots = 3;

using Plain = std::set<Dot>;

// The same set twice: as intervals, and dot by dot. Of settled runs the plain one has all dots that
// there are here.
struct Both {
  DotSet set;
  Plain plain;

  void Add(Dot dot) {
    set.Add(dot);
    plain.insert(dot);
  }
  void AddRange(Actor actor, uint64_t first, uint64_t last) {
    set.AddRange(actor, first, last);
    for (uint64_t counter = first; counter <= last; ++counter) plain.insert({actor, counter});
  }
  void Settle(Slot slot, uint64_t up_to) {
    set.Settle(slot, up_to);
    for (uint64_t generation = 1; generation <= up_to; ++generation) {
      for (uint64_t counter = 1; counter <= kCounters; ++counter) {
        plain.insert({{slot, generation}, counter});
      }
    }
  }
};

Both MakeBoth(std::mt19937_64& random, bool settles) {
  Both both;
  const auto below = [&](uint64_t n) { return random() % n; };
  for (uint64_t i = below(12); i > 0; --i) {
    const Actor actor{static_cast<Slot>(1 + below(kSlots)), 1 + below(kGenerations)};
    const uint64_t first = 1 + below(kCounters);
    switch (below(settles ? 6 : 5)) {
      case 0:
        both.AddRange(actor, first, std::min(kCounters, first + below(8)));
        break;
      case 5:
        both.Settle(actor.slot, 1 + below(kGenerations - 1));
        break;
      default:
        both.Add({actor, first});
    }
  }
  return both;
}

bool IsEqual(const Both& both) {
  for (Slot slot = 1; slot <= kSlots; ++slot) {
    for (uint64_t generation = 1; generation <= kGenerations; ++generation) {
      for (uint64_t counter = 1; counter <= kCounters; ++counter) {
        const Dot dot{{slot, generation}, counter};
        if (both.set.Has(dot) != both.plain.contains(dot)) return false;
      }
    }
  }
  return true;
}

TEST_CASE("a dot set is a set of dots") {
  // Goal: intervals and settled runs answer as the dots one by one do. Method: random sets beside
  // a std::set.
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3'000; ++round) {
    CAPTURE(round);
    Both a = MakeBoth(random, true);
    const Both b = MakeBoth(random, true);
    REQUIRE(IsEqual(a));

    // HasAll may know less than there is: two runs with the same dots, of which one is settled.
    const bool has_all =
        std::includes(a.plain.begin(), a.plain.end(), b.plain.begin(), b.plain.end());
    if (a.set.HasAll(b.set)) CHECK(has_all);
    Both sum = a;
    sum.set.AddAll(b.set);
    sum.plain.insert(b.plain.begin(), b.plain.end());
    REQUIRE(IsEqual(sum));
    CHECK(sum.set.HasAll(a.set));
    CHECK(sum.set.HasAll(b.set));

    Both missing;
    a.set.ForEachMissing(b.set, [&](const DotSet::Interval& interval) {
      missing.AddRange(interval.actor, interval.first, interval.last);
    });
    for (const Dot& dot : a.plain) {
      const bool is_interval = dot.actor.generation > a.set.settled(dot.actor.slot);
      CHECK(missing.set.Has(dot) == (is_interval && !b.plain.contains(dot)));
    }
    Both common;
    common.set = a.set.Intersect(b.set);
    for (const Dot& dot : a.plain) {
      const bool is_interval = dot.actor.generation > a.set.settled(dot.actor.slot);
      CHECK(common.set.Has(dot) == (is_interval && b.plain.contains(dot)));
    }
  }
}

TEST_CASE("the union of dot sets does not depend on order or repetition") {
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1'000; ++round) {
    const DotSet a = MakeBoth(random, true).set, b = MakeBoth(random, true).set,
                 c = MakeBoth(random, true).set;
    DotSet left = a, right = c;
    left.AddAll(b);
    left.AddAll(c);
    right.AddAll(b);
    right.AddAll(a);
    right.AddAll(b);
    CHECK(left == right);
    CHECK(left.Encode() == right.Encode());
    CHECK(left.Hash() == right.Hash());
  }
}

TEST_CASE("without settled runs the difference and the count are exact") {
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1'000; ++round) {
    const Both a = MakeBoth(random, false), b = MakeBoth(random, false);
    Both rest;
    rest.set = a.set.Minus(b.set);
    for (const Dot& dot : a.plain) {
      if (!b.plain.contains(dot)) rest.plain.insert(dot);
    }
    REQUIRE(IsEqual(rest));
    CHECK(rest.set.dot_count() == rest.plain.size());
    CHECK(rest.set.empty() == rest.plain.empty());
    const bool has_all =
        std::includes(a.plain.begin(), a.plain.end(), b.plain.begin(), b.plain.end());
    CHECK(a.set.HasAll(b.set) == has_all);
    uint64_t of_actors = 0;
    for (const Actor& actor : a.set.actors()) of_actors += a.set.Only(actor).dot_count();
    CHECK(of_actors == a.plain.size());
  }
}

TEST_CASE("a dot set survives its bytes, and other bytes are refused") {
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 500; ++round) {
    const DotSet set = MakeBoth(random, true).set;
    const std::string bytes = set.Encode();
    const std::string with_rest = bytes + "rest";
    std::string_view in = with_rest;
    DotSet read;
    REQUIRE(read.DecodeFrom(in));
    CHECK(read == set);
    CHECK(in == "rest");
    for (size_t size = 0; size < bytes.size(); ++size) {
      std::string_view part = std::string_view(bytes).substr(0, size);
      CHECK_FALSE(DotSet().DecodeFrom(part));
    }
    // What is accepted is in the only form of what it says.
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    std::string_view rest = damaged;
    DotSet other;
    if (other.DecodeFrom(rest)) {
      CHECK(other.Encode() == damaged.substr(0, damaged.size() - rest.size()));
    }
  }
}

}  // namespace
}  // namespace kvserver::cluster
