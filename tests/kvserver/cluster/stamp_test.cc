#include "cluster/stamp.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace kvserver::cluster {
namespace {

std::vector<Version> MakeVersions(std::mt19937_64& random) {
  std::vector<Version> versions(1 + random() % 5);
  for (size_t i = 0; i < versions.size(); ++i) {
    Version& version = versions[i];
    version.dot = {{static_cast<Slot>(1 + i), 1 + random() % 100}, 1 + random() % 1'000};
    version.time = random() % 4 == 0 ? 7 : random();
    if (random() % 2 == 0) {  // of a run like others, some time after its start
      version.dot.actor.generation += random() >> 8;
      version.time = version.dot.actor.generation + (random() >> random() % 64);
    }
    if (random() % 3 == 0) version.expiry = static_cast<int64_t>(1 + random() % 1'000'000);
    if (random() % 3 == 0) {
      version.kind = Kind::kCounter;
      version.value = std::to_string(static_cast<int64_t>(random() % 2'000) - 1'000);
    } else {
      version.value = random() % 2 == 0 ? std::to_string(random() % 1'000)
                                        : std::string(random() % 20, static_cast<char>(random()));
      if (random() % 3 == 0) version.vector = {1, static_cast<float>(random() % 100), -0.5};
    }
  }
  return versions;
}

TEST_CASE("what a record is made of comes back from it and its stamp") {
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3'000; ++round) {
    CAPTURE(round);
    const std::vector<Version> versions = MakeVersions(random);
    ActorTable actors;
    for (size_t i = random() % 300; i > 0; --i) actors.IndexOf({99, i});  // numbers of two bytes
    const StoredRecord record = EncodeRecord(versions, actors);
    const absl::StatusOr<std::vector<Version>> read = DecodeRecord(record, actors);
    REQUIRE(read.ok());
    CHECK(*read == versions);
    std::vector<Dot> dots;
    REQUIRE(DecodeDots(record.stamp, actors, &dots));
    REQUIRE(dots.size() == versions.size());
    for (size_t i = 0; i < dots.size(); ++i) CHECK(dots[i] == versions[i].dot);
    StoredRecord resolved = Resolve(versions);
    CHECK(resolved.value == record.value);
    CHECK(resolved.expiry == record.expiry);
    CHECK(resolved.vector == record.vector);
    CHECK(StampHasVector(record.stamp) == !record.vector.empty());
  }
}

TEST_CASE("what clients see does not depend on the order in which versions came") {
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1'000; ++round) {
    std::vector<Version> versions = MakeVersions(random);
    const StoredRecord first = Resolve(versions);
    std::shuffle(versions.begin(), versions.end(), random);
    CHECK(Resolve(versions) == first);
  }
}

TEST_CASE("one version costs a stamp of 14 bytes, and one of a run that began lately 11") {
  ActorTable actors;
  Version version;
  version.dot = {{1, uint64_t{1} << 56}, 1'000'000};
  version.time = uint64_t{1'700'000'000'000} << 16;
  version.value = "value";
  CHECK(EncodeRecord({version}, actors).stamp.size() <= 14);
  constexpr uint64_t kStart = uint64_t{1'700'000'000'000};
  constexpr uint64_t kThirtyDays = uint64_t{30} * 24 * 3'600 * 1'000;
  version.dot.actor.generation = kStart << 16 | 4'711;
  version.time = (kStart + kThirtyDays) << 16 | 100;
  CHECK(EncodeRecord({version}, actors).stamp.size() <= 11);
}

TEST_CASE("stamps that were written once are read for ever") {
  // Goal: no later kvserver loses what is on disk. Method: bytes of each form, as they were.
  ActorTable actors;
  const Actor actor{2, uint64_t{1'700'000'000'000} << 16 | 4'711};
  actors.IndexOf({1, 1});
  actors.IndexOf(actor);
  const uint64_t time = uint64_t{1'700'000'003'000} << 16;
  const auto read = [&](std::string stamp) {
    const auto versions = DecodeRecord({.value = "v", .stamp = std::move(stamp)}, actors);
    REQUIRE(versions.ok());
    REQUIRE(versions->size() == 1);
    CHECK((*versions)[0].dot == Dot{actor, 300});
    CHECK((*versions)[0].value == "v");
    return (*versions)[0];
  };
  const Version whole = read(std::string("\x10\x01\xac\x02\x01\x8b\xcf\xe5\x73\xb8\x00\x00", 12));
  CHECK(whole.time == time);
  CHECK(whole.kind == Kind::kRegister);
  const Version first = read("\x40\x01\xac\x02\xf0\x2e");
  CHECK(first.time == time);
  CHECK(first.kind == Kind::kRegister);
  const Version plain = read("\x81\xac\x02\xf0\x2e");
  CHECK(plain.time == time);
  CHECK(plain.kind == Kind::kRegister);
  const Version plain_later = read("\x81\xac\x02\xf1\x2e\x05");
  CHECK(plain_later.time == time + 5);
  const Version later = read("\x41\x01\xac\x02\xf1\x2e\x05");
  CHECK(later.time == time + 5);
  CHECK(later.kind == Kind::kCounter);
}

TEST_CASE("a damaged stamp is an error or another stamp, and never more than that") {
  // Goal: bytes that are not ours do no harm, and both readers agree. Method: every prefix of a
  // stamp, and stamps with one bit turned.
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1'000; ++round) {
    ActorTable actors;
    StoredRecord record = EncodeRecord(MakeVersions(random), actors);
    const std::string stamp = record.stamp;
    std::vector<Dot> dots;
    for (size_t size = 0; size < stamp.size(); ++size) {
      record.stamp = stamp.substr(0, size);
      CHECK(absl::IsDataLoss(DecodeRecord(record, actors).status()));
      CHECK_FALSE(DecodeDots(record.stamp, actors, &dots));
    }
    record.stamp = stamp;
    record.stamp[random() % stamp.size()] ^= static_cast<char>(1 << random() % 8);
    const absl::StatusOr<std::vector<Version>> read = DecodeRecord(record, actors);
    if (!read.ok()) continue;
    REQUIRE(DecodeDots(record.stamp, actors, &dots));
    CHECK(dots.size() == read->size());
  }
  ActorTable some, none;
  Version version;
  version.dot = {{1, 1}, 1};
  const StoredRecord other = EncodeRecord({version}, some);
  CHECK(absl::IsDataLoss(DecodeRecord(other, none).status()));  // an actor without a number
}

}  // namespace
}  // namespace kvserver::cluster
