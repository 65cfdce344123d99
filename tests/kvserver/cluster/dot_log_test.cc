#include "cluster/dot_log.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace kvserver::cluster {
namespace {

constexpr Actor kActors[] = {{1, 5}, {2, 7}, {2, 8}};

struct Plain {
  struct Logged {
    std::string key;
    uint64_t turn = 0;
  };
  std::map<Dot, Logged> dots;

  std::vector<uint64_t> Remove(const std::vector<Dot>& removed) {
    std::set<uint64_t> before, after;
    for (const auto& [dot, logged] : dots) before.insert(logged.turn);
    for (const Dot& dot : removed) dots.erase(dot);
    for (const auto& [dot, logged] : dots) after.insert(logged.turn);
    std::vector<uint64_t> gone;
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(gone));
    return gone;
  }
};

void CheckSame(const DotLog& log, const Plain& plain) {
  REQUIRE(log.size() == plain.dots.size());
  CHECK(log.dots().dot_count() == plain.dots.size());
  std::map<std::string, std::set<Dot>> by_key;
  for (const auto& [dot, logged] : plain.dots) {
    DotLog::Found found;
    REQUIRE(log.Find(dot, &found));
    CHECK(log.dots().Has(dot));
    CHECK((found.key == nullptr ? std::string() : *found.key) == logged.key);
    by_key[logged.key].insert(dot);
  }
  for (const auto& [key, dots] : by_key) {
    if (key.empty()) continue;
    const auto of_key = log.DotsOf(key);
    CHECK(std::set<Dot>(of_key.begin(), of_key.end()) == dots);
  }
}

TEST_CASE("the log knows the keys of its dots, until they are forgotten") {
  // Goal: what is added is found, by dot and by key; a turn is told as gone when its last dot is,
  // and once. Method: beside a plain map.
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    DotLog log;
    Plain plain;
    uint64_t turn = 0, counter = 0;
    for (int step = 0; step < 60; ++step) {
      CAPTURE(step);
      if (random() % 3 != 0) {
        ++turn;
        for (uint64_t i = 1 + random() % 3; i > 0; --i) {
          // A dot that was forgotten is in the clock, and never comes again.
          Dot dot{kActors[random() % 3], ++counter};
          if (!plain.dots.empty() && random() % 4 == 0) dot = plain.dots.begin()->first;
          const std::string key = random() % 8 == 0 ? "" : "key" + std::to_string(random() % 6);
          log.Add(turn, {dot, key, dot.counter, 1});
          plain.dots.try_emplace(dot, Plain::Logged{key, turn});
        }
      } else if (random() % 4 == 0) {
        const size_t dots_max = random() % 20;
        std::vector<uint64_t> gone;
        log.Truncate(dots_max, &gone);
        // Whole turns, the oldest first, and no more than it takes.
        std::vector<Dot> removed;
        size_t left = plain.dots.size();
        for (uint64_t oldest = 0; left > dots_max; ++oldest) {
          for (const auto& [dot, logged] : plain.dots) {
            if (logged.turn == oldest) removed.push_back(dot);
          }
          left = plain.dots.size() - removed.size();
        }
        std::vector<uint64_t> expected = plain.Remove(removed);
        std::sort(gone.begin(), gone.end());
        CHECK(gone == expected);
      } else {
        DotSet stable;
        if (random() % 5 == 0) stable.Settle(2, 7);
        const uint64_t first = 1 + random() % (counter + 1);
        stable.AddRange(kActors[random() % 3], first, first + random() % 20);
        std::vector<uint64_t> gone;
        log.Forget(stable, &gone);
        std::vector<Dot> removed;
        for (const auto& [dot, logged] : plain.dots) {
          if (stable.Has(dot)) removed.push_back(dot);
        }
        std::vector<uint64_t> expected = plain.Remove(removed);
        std::sort(gone.begin(), gone.end());
        CHECK(gone == expected);
      }
      CheckSame(log, plain);
    }
  }
}

TEST_CASE("the heads of a key are what no later write here has seen") {
  DotLog log;
  const Dot first{kActors[0], 1}, second{kActors[0], 2}, third{kActors[1], 1};
  log.Add(1, {first, "k", 1, 1});
  log.Add(1, {third, "k", 1, 1});
  log.DropHeads("k", [&](const Dot& dot) { return dot == first; });
  log.Add(2, {second, "k", 2, 1});
  const auto heads = log.HeadsOf("k");
  CHECK(std::set<Dot>(heads.begin(), heads.end()) == std::set<Dot>{second, third});
  CHECK(log.HeadsOf("another").empty());
}

TEST_CASE("rows that were written once are read for ever") {
  // Goal: no later kvserver loses what is on disk. Method: bytes of each form, as they were.
  ActorTable actors;
  actors.IndexOf(kActors[0]);
  actors.IndexOf(kActors[1]);
  const auto check = [&](std::string_view row, std::string_view key, uint32_t writes) {
    DotLog log;
    REQUIRE(log.LoadRow(3, row, actors));
    REQUIRE(log.size() == 1);
    DotLog::Found found;
    REQUIRE(log.Find({kActors[1], 300}, &found));
    CHECK((found.key == nullptr ? "" : *found.key) == key);
    CHECK(found.unit_writes == writes);
    CHECK(found.unit_first == 300);
  };
  check(
      "\x01\x01\xac\x02\x01\x04"
      "ab",
      "ab", 1);
  check(std::string_view("\x01\x01\xac\x02\x01\x05"
                         "ab\x02\x00",
                         10),
        "ab", 2);
  check(
      "\x81\xac\x02\x02"
      "ab",
      "ab", 1);
  check(std::string_view("\x81\xac\x02\x00", 4), "", 1);

  std::string row;
  DotLog::AppendRow(row, {{{kActors[1], 300}, "ab", 300, 1}}, actors);
  CHECK(row ==
        "\x81\xac\x02\x02"
        "ab");
  CHECK_FALSE(DotLog().LoadRow(3,
                               "\x82\xac\x02\x02"
                               "ab",
                               actors));  // who is that?
  CHECK_FALSE(DotLog().LoadRow(3,
                               std::string_view("\x81\x00\x02"
                                                "ab",
                                                5),
                               actors));
}

TEST_CASE("a row brings back the entries of its turn, and other bytes are refused") {
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 500; ++round) {
    ActorTable actors;
    std::vector<DotLog::Entry> entries;
    std::set<Dot> given;
    for (uint64_t i = 1 + random() % 8; i > 0; --i) {
      DotLog::Entry entry;
      entry.dot = {kActors[random() % 3], 10 + random() % 300};
      if (!given.insert(entry.dot).second) continue;
      if (random() % 6 != 0) entry.key = std::string(1 + random() % 30, 'k');
      entry.unit_first = entry.dot.counter;
      if (random() % 3 == 0) {
        entry.unit_writes = 2 + random() % 5;
        entry.unit_first -= random() % entry.unit_writes;
      }
      entries.push_back(entry);
    }
    std::string row;
    DotLog::AppendRow(row, entries, actors);
    DotLog log;
    REQUIRE(log.LoadRow(3, row, actors));
    CHECK(log.size() == entries.size());
    for (const DotLog::Entry& entry : entries) {
      DotLog::Found found;
      REQUIRE(log.Find(entry.dot, &found));
      CHECK((found.key == nullptr ? std::string() : *found.key) == entry.key);
      CHECK(found.unit_first == entry.unit_first);
      CHECK(found.unit_writes == entry.unit_writes);
    }
    CHECK_FALSE(DotLog().LoadRow(3, row.substr(0, row.size() - 1), actors));
    CHECK_FALSE(DotLog().LoadRow(3, row, ActorTable()));
    std::string damaged = row;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    DotLog other;
    static_cast<void>(other.LoadRow(3, damaged, actors));
    CHECK(other.size() <= damaged.size());  // whatever it says, memory is bounded by what is there
  }
}

}  // namespace
}  // namespace kvserver::cluster
