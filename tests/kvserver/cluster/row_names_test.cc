#include "cluster/row_names.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>

namespace kvserver::cluster {
namespace {

TEST_CASE("each row has a name of its own, below the common prefix") {
  std::set<std::string> names = {std::string(kNodeRow), std::string(kClockRow),
                                 std::string(kGenerationsRow), std::string(kRecoveringRow),
                                 std::string(kEndedRow)};
  size_t count = names.size();
  for (const uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{255}, ~uint64_t{0}}) {
    names.insert(ActorRow(number));
    names.insert(LogRow(number));
    count += 2;
  }
  names.insert(PeerRow(1));
  names.insert(ExtraRow(""));
  names.insert(ExtraRow(std::string(65'535, 'k')));
  CHECK(names.size() == count + 3);
  for (const std::string& name : names) {
    CHECK(name.starts_with(kRowPrefix));
    CHECK(name.size() <= 32);
  }
}

TEST_CASE("a number comes back from a name, in order of numbers") {
  std::string last;
  for (const uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{256}, ~uint64_t{0}}) {
    const std::string name = ActorRow(number);
    uint64_t read = 1;
    CHECK(NumberOfRow(name, kActorPrefix, &read));
    CHECK(read == number);
    CHECK_FALSE(NumberOfRow(name, kPeerPrefix, &read));
    CHECK_FALSE(NumberOfRow(name.substr(0, name.size() - 1), kActorPrefix, &read));
    CHECK_FALSE(NumberOfRow(name + "x", kActorPrefix, &read));
    CHECK(last < name);
    last = name;
  }
}

TEST_CASE("rows of the log have short names, and no place the name of another row") {
  std::set<std::string> names;
  for (const uint64_t place : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{127},
                               uint64_t{128}, uint64_t{1} << 40, ~uint64_t{0}}) {
    const std::string name = LogRow(place);
    CHECK(names.insert(name).second);
    uint64_t read = 1;
    CHECK(PlaceOfLogRow(name, &read));
    CHECK(read == place);
    CHECK_FALSE(PlaceOfLogRow(name + "x", &read));
    CHECK_FALSE(PlaceOfLogRow(ActorRow(place), &read));
    CHECK_FALSE(name.starts_with(kOldLogPrefix));
  }
  CHECK(LogRow(0) == "R\x80");
  CHECK(LogRow(63) == "R\xbf");
  CHECK(LogRow(64) == "R\xc0\x01");
  CHECK(LogRow(8'191).size() == 3);
  uint64_t read = 1;
  CHECK_FALSE(PlaceOfLogRow("R", &read));
  CHECK_FALSE(PlaceOfLogRow("R\xc0", &read));
  CHECK_FALSE(PlaceOfLogRow(std::string("R\xc0\0", 3), &read));
  // Of version 2 and 1.
  CHECK_FALSE(PlaceOfLogRow("RL\x05", &read));
  CHECK_FALSE(PlaceOfLogRow(std::string("RL\0\0\0\0\0\0\x01\x02", 10), &read));
}

TEST_CASE("rows come back, and other bytes are refused") {
  Slot slot = 0;
  CHECK(ReadNodeRow(NodeRow(7), &slot));
  CHECK(slot == 7);
  CHECK_FALSE(ReadNodeRow("", &slot));
  CHECK(ReadNodeRow("\x01\x08", &slot));  // before rows of the log had places
  CHECK(slot == 8);
  CHECK(ReadNodeRow("\x02\x09", &slot));
  CHECK(slot == 9);
  CHECK_FALSE(ReadNodeRow("\x04\x07", &slot));  // a newer version

  const Generations generations = {{1, 1}, {2, ~uint64_t{0}}};
  Generations read;
  CHECK(ReadGenerationsRow(GenerationsRow(generations), &read));
  CHECK(read == generations);
  CHECK_FALSE(ReadGenerationsRow("\x01", &read));

  Actor actor;
  CHECK(ReadActorRow(ActorRowValue({3, 9}), &actor));
  CHECK(actor == Actor{3, 9});
  CHECK_FALSE(ReadActorRow(ActorRowValue({3, 9}) + "x", &actor));

  std::set<Slot> slots;
  CHECK(ReadSlotsRow(SlotsRow({1, 5, 200}), &slots));
  CHECK(slots == std::set<Slot>{1, 5, 200});
  CHECK_FALSE(ReadSlotsRow("\xff", &slots));
}

TEST_CASE("adverts that say the same have the same hash") {
  Advert advert;
  advert.durable.AddRange({1, 1}, 1, 5);
  advert.generations = {{1, 1}};
  Advert other = advert;
  other.wants_answer = true;
  other.known = DotSet();
  CHECK(HashOf(other) == HashOf(advert));
  other.is_recovering = true;
  CHECK(HashOf(other) != HashOf(advert));
  other = advert;
  other.durable.Add({{1, 1}, 7});
  CHECK(HashOf(other) != HashOf(advert));
  other = advert;
  other.generations[2] = 1;
  CHECK(HashOf(other) != HashOf(advert));
}

}  // namespace
}  // namespace kvserver::cluster
