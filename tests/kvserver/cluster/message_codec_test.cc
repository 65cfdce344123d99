#include "cluster/message_codec.h"

#include <doctest/doctest.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/byte_codec.h"

namespace kvserver::cluster {
namespace {

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    hex.push_back("0123456789abcdef"[static_cast<uint8_t>(c) >> 4]);
    hex.push_back("0123456789abcdef"[static_cast<uint8_t>(c) & 15]);
  }
  return hex;
}

std::string Unhex(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    const size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) continue;
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes.push_back(static_cast<char>(high << 4 | static_cast<int>(digit)));
      high = -1;
    }
  }
  return bytes;
}

// Every field of a message in plain text: messages are equal if their texts are.
class Plain {
 public:
  static std::string Of(const Message& message) {
    Plain plain;
    plain.Add(message.from, message.to, message.generations, message.body.index());
    std::visit([&](const auto& body) { plain.Add(body); }, message.body);
    return std::move(plain.text_);
  }

 private:
  template <typename... Parts>
  void Add(const Parts&... parts) {
    text_ += '(';
    (Put(parts), ...);
    text_ += ')';
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void Put(T v) { text_ += std::to_string(v) + ' '; }
  void Put(const std::string& v) { text_ += Hex(v) + ' '; }
  void Put(const Actor& v) { Add(v.slot, v.generation); }
  void Put(const Dot& v) { Add(v.actor, v.counter); }
  void Put(const DotSet& v) { Put(v.Encode()); }
  void Put(const Generations& v) {
    for (const auto& [slot, generation] : v) Add(slot, generation);
  }
  template <typename T>
  void Put(const std::vector<T>& v) {
    text_ += '[';
    for (const T& each : v) Put(each);
    text_ += ']';
  }
  void Put(const Version& v) {
    Add(v.dot, v.time, static_cast<uint64_t>(v.kind), static_cast<uint64_t>(v.expiry), v.value,
        v.vector);
  }
  void Put(const PushedWrite& v) {
    Add(v.key, v.is_delete, v.version, v.killed, v.context, v.unit_writes);
  }
  void Put(const SentObject& v) { Add(v.key, v.versions, v.extra, v.covered); }
  void Put(const Read::Key& v) { Add(v.key, v.dots, v.extra); }
  void Put(const Objects::Unit& v) { Add(v.actor, v.first, v.writes); }
  void Put(const RangeHashes::Bucket& v) { Add(v.end, v.hash, v.keys); }
  void Put(const Push& v) { Add(v.turn, v.first_counter, v.writes); }
  void Put(const Ack& v) { Add(v.turn); }
  void Put(const Advert& v) {
    Add(v.durable, v.generations, v.is_recovering, v.wants_answer, v.known.has_value(),
        v.known.value_or(DotSet()));
  }
  void Put(const Digest& v) { Add(v.advert_hash); }
  void Put(const Pull& v) { Add(v.clock); }
  void Put(const Objects& v) {
    Add(v.clock, v.objects, v.vacuous, v.units, v.is_complete, v.is_last);
  }
  void Put(const Read& v) { Add(v.id, v.clock, v.keys); }
  void Put(const ReadAnswer& v) { Add(v.id, v.objects); }
  void Put(const RangeOpen& v) { Add(v.session); }
  void Put(const RangeOpened& v) { Add(v.session, v.clock, v.is_refused); }
  void Put(const RangeHashes& v) { Add(v.session, v.step, v.first, v.buckets); }
  void Put(const RangeDiffers& v) { Add(v.session, v.step, v.buckets); }
  void Put(const RangeItems& v) { Add(v.session, v.step, v.first, v.end, v.ids); }
  void Put(const RangeObjects& v) { Add(v.session, v.step, v.reached, v.objects, v.absent); }
  void Put(const Refusal& v) { Add(v.reason); }

  std::string text_;
};

// Messages as they come, and such as never come but may.
class RandomMessages {
 public:
  explicit RandomMessages(uint64_t seed) : random_(seed) {}

  // `kind`: the place in Body.
  Message Next(size_t kind) {
    Message message{SomeActor(), SomeActor(), SomeGenerations(), {}};
    Fill<0>(kind, message.body);
    return message;
  }
  uint64_t Below(uint64_t bound) { return random_() % bound; }

 private:
  bool Chance() { return Below(2) == 0; }
  uint64_t Number() { return random_() >> Below(64); }
  uint32_t Number32() { return static_cast<uint32_t>(random_()) >> Below(32); }
  Actor SomeActor() {
    if (Below(20) == 0) return {Number32(), Number()};
    return {static_cast<Slot>(1 + Below(3)), (uint64_t{1'700'000'000} << 16) + Below(3)};
  }
  Generations SomeGenerations() {
    Generations generations;
    for (uint64_t i = Below(5); i > 0; --i) {
      const Actor actor = SomeActor();
      generations[actor.slot] = actor.generation;
    }
    return generations;
  }
  Dot SomeDot() { return {SomeActor(), std::max<uint64_t>(1, Number())}; }
  DotSet Set() {
    DotSet set;
    if (Chance()) return set;
    if (Below(4) == 0) set.Settle(static_cast<Slot>(1 + Below(3)), 1 + Below(1'000));
    for (uint64_t i = Below(6); i > 0; --i) {
      const uint64_t first = 1 + Below(100);
      set.AddRange(SomeActor(), first, first + Below(10));
    }
    return set;
  }
  std::string Text(size_t least, size_t most) {
    std::string text(least + Below(most - least + 1), '\0');
    for (char& c : text) c = static_cast<char>(random_());
    return text;
  }
  std::string Key() { return Text(1, Below(50) == 0 ? 65'535 : 20); }
  uint64_t Time() {
    return Below(10) == 0 ? Number() : (uint64_t{1'700'000'000'000} << 16) + Below(1'000'000);
  }
  template <typename T, typename Make>
  void Some(std::vector<T>& list, Make make) {
    for (uint64_t i = Below(5); i > 0; --i) list.push_back(make());
  }
  Version SomeVersion() {
    Version version;
    version.time = Time();
    version.kind = Chance() ? Kind::kRegister : Kind::kCounter;
    if (Below(3) == 0) version.expiry = static_cast<int64_t>(Number());
    version.value = Text(0, Below(50) == 0 ? 100'000 : 30);
    if (Below(4) == 0) {
      for (uint64_t i = 1 + Below(20); i > 0; --i) {
        version.vector.push_back(static_cast<float>(Number32()) / 1'000 - 7);
      }
    }
    return version;
  }
  SentObject Object() {
    SentObject object{Key(), {}, Set(), Set()};
    Some(object.versions, [this] {
      Version version = SomeVersion();
      version.dot = SomeDot();
      return version;
    });
    return object;
  }
  std::vector<uint32_t> Numbers() {
    std::vector<uint32_t> numbers;
    for (uint64_t at = Number32(), i = Below(6); i > 0; --i, at += 1 + Number32()) {
      if (at <= std::numeric_limits<uint32_t>::max()) {
        numbers.push_back(static_cast<uint32_t>(at));
      }
    }
    return numbers;
  }

  void Make(Push& push) {
    push = {Number(), 1 + Number() / 2, {}};
    Some(push.writes, [this] {
      PushedWrite write;
      write.key = Key();
      write.is_delete = Below(3) == 0;
      if (write.is_delete) {
        write.version.time = Time();
      } else {
        write.version = SomeVersion();
      }
      Some(write.killed, [this] { return SomeDot(); });
      write.context = Set();
      write.unit_writes = Chance() ? static_cast<uint32_t>(Below(3)) : Number32();
      return write;
    });
  }
  void Make(Ack& ack) { ack.turn = Number(); }
  void Make(Advert& advert) {
    advert = {Set(), SomeGenerations(), Chance(), Chance(), {}};
    if (Chance()) advert.known = Set();
  }
  void Make(Digest& digest) { digest.advert_hash = Number(); }
  void Make(Pull& pull) { pull.clock = Set(); }
  void Make(Objects& objects) {
    objects.clock = Set();
    Some(objects.objects, [this] { return Object(); });
    objects.vacuous = Set();
    Some(objects.units, [this] {
      return Objects::Unit{SomeActor(), 1 + (Number() >> 1), 2 + (Number32() >> 1)};
    });
    objects.is_complete = Chance();
    objects.is_last = Chance();
  }
  void Make(Read& read) {
    read = {Number(), Set(), {}};
    Some(read.keys, [this] {
      Read::Key key{Key(), {}, Set()};
      Some(key.dots, [this] { return SomeDot(); });
      return key;
    });
  }
  void Make(ReadAnswer& answer) {
    answer.id = Number();
    Make(answer.objects);
  }
  void Make(RangeOpen& open) { open.session = Number(); }
  void Make(RangeOpened& opened) { opened = {Number(), Set(), Chance()}; }
  void Make(RangeHashes& hashes) {
    hashes = {Number(), Number(), Text(0, 10), {}};
    Some(hashes.buckets, [this] {
      return RangeHashes::Bucket{Text(0, 10), random_(), Number32()};
    });
  }
  void Make(RangeDiffers& differs) { differs = {Number(), Number(), Numbers()}; }
  void Make(RangeItems& items) {
    items = {Number(), Number(), Text(0, 10), Text(0, 10), {}};
    Some(items.ids, [this] { return random_(); });
  }
  void Make(RangeObjects& objects) {
    objects.session = Number();
    objects.step = Number();
    objects.reached = Text(0, 10);
    Make(objects.objects);
    objects.absent = Numbers();
  }
  void Make(Refusal& refusal) { refusal.reason = Text(0, 100); }

  template <size_t i>
  void Fill(size_t kind, Body& body) {
    if constexpr (i < std::variant_size_v<Body>) {
      if (kind == i) return Make(body.emplace<i>());
      Fill<i + 1>(kind, body);
    }
  }

  std::mt19937_64 random_;
};

constexpr size_t kKinds = std::variant_size_v<Body>;

uint64_t Seed() {
  const char* const given = std::getenv("LIBKV_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 20'260'101;
}

// What somebody who knows the checksum would send.
std::string WithChecksum(std::string content) {
  AppendFixed64(content, XXH3_64bits(content.data(), content.size()));
  return content;
}

std::string WithoutChecksum(std::string bytes) {
  bytes.resize(bytes.size() - 8);
  return bytes;
}

// Version, kind, from {1, 5}, to {2, 6}, no generations.
std::string Head(uint8_t kind) { return {1, static_cast<char>(kind), 0, 1, 5, 1, 2, 6, 0}; }

bool IsRefused(const std::string& content) {
  const auto decoded = DecodeMessage(WithChecksum(content));
  if (!decoded.ok()) CHECK(absl::IsInvalidArgument(decoded.status()));
  return !decoded.ok();
}

// The samples of the golden files: every field has a value that is not the usual one.
const Actor kOne{1, 0x65'5A'3C'00'12'34}, kTwo{2, 0x65'5A'3C'10'AB'CD},
    kOld{2, 0x65'00'00'00'00'01};
constexpr uint64_t kTime = (uint64_t{1'700'000'000'000} << 16) + 3;

DotSet SampleSet(uint64_t first) {
  DotSet set;
  set.Settle(3, 77);
  set.AddRange(kOne, first, first + 9);
  set.AddRange(kTwo, 1, 2);
  return set;
}

Version SampleVersion(const Dot& dot) {
  return {dot, kTime + 65'536, Kind::kCounter, 1'700'000'060'000, "42", {0.5F, -2.0F}};
}

Objects SampleObjects() {
  Objects objects;
  objects.clock = SampleSet(1);
  objects.objects.push_back(
      {"k", {SampleVersion({kTwo, 9}), SampleVersion({kOld, 300})}, SampleSet(20), SampleSet(40)});
  objects.objects.push_back({"gone", {}, {}, SampleSet(60)});
  objects.vacuous = SampleSet(80);
  objects.units = {{kTwo, 8, 3}, {kOld, 300, 2}};
  objects.is_complete = false;
  objects.is_last = false;
  return objects;
}

Push SamplePush() {
  Push push{7, 1'000, {}};
  PushedWrite set, expiring, deleted;
  set.key = "user:1";
  set.version.time = kTime;
  set.version.value = "value";
  set.killed = {{kOne, 999}, {kOld, 5}};
  set.unit_writes = 2;
  expiring.key = "user:2";
  expiring.version = SampleVersion({});
  expiring.context = SampleSet(5);
  expiring.unit_writes = 0;
  deleted.key = "user:3";
  deleted.is_delete = true;
  deleted.version.time = kTime - 1;
  deleted.killed = {{kTwo, 3}};
  push.writes = {set, expiring, deleted};
  return push;
}

std::vector<std::pair<std::string, Body>> Samples() {
  return {
      {"push", SamplePush()},
      {"ack", Ack{300}},
      {"advert", Advert{SampleSet(1), {{1, kOne.generation}, {3, 99}}, true, true, SampleSet(30)}},
      {"digest", Digest{0x0123456789ABCDEF}},
      {"pull", Pull{SampleSet(1)}},
      {"objects", SampleObjects()},
      {"read", Read{9, SampleSet(1), {{"a", {{kTwo, 3}}, SampleSet(2)}, {"b", {}, {}}}}},
      {"read_answer", ReadAnswer{9, SampleObjects()}},
      {"range_open", RangeOpen{11}},
      {"range_opened", RangeOpened{11, SampleSet(1), true}},
      {"range_hashes", RangeHashes{11, 2, "a", {{"m", 0xFEDCBA9876543210, 256}, {"", 1, 3}}}},
      {"range_differs", RangeDiffers{11, 2, {0, 1, 300}}},
      {"range_items", RangeItems{11, 3, "a", "m", {1, 0xFFFFFFFFFFFFFFFF}}},
      {"range_objects", RangeObjects{11, 3, "g", SampleObjects(), {4, 7}}},
      {"refusal", Refusal{"its clock is 90 s ahead"}}};
}

}  // namespace

TEST_CASE("what is encoded comes back, field by field") {
  const uint64_t seed = Seed();
  CAPTURE(seed);
  RandomMessages messages(seed);
  for (int round = 0; round < 3'000; ++round) {
    const Message message = messages.Next(static_cast<size_t>(round) % kKinds);
    const std::string bytes = EncodeMessage(message);
    const auto decoded = DecodeMessage(bytes);
    REQUIRE_MESSAGE(decoded.ok(), decoded.status().message());
    REQUIRE(Plain::Of(*decoded) == Plain::Of(message));
    REQUIRE(EncodeMessage(*decoded) == bytes);
  }
}

TEST_CASE("messages have the bytes they had in the first version") {
  // Goal: nodes of different versions understand each other. Method: one file per kind, written
  // once. KVSERVER_WRITE_GOLDEN=1 writes the files of kinds that are new.
  const std::string folder = std::string(LIBKV_SOURCE_DIR) + "/tests/golden/peer_messages1/";
  const auto samples = Samples();
  REQUIRE(samples.size() == kKinds);
  for (size_t i = 0; i < samples.size(); ++i) {
    CAPTURE(samples[i].first);
    REQUIRE(samples[i].second.index() == i);
    const Message message{
        kOne, kTwo, {{1, kOne.generation}, {2, kTwo.generation}, {3, 99}}, samples[i].second};
    const std::string path = folder + samples[i].first + ".hex";
    if (std::getenv("KVSERVER_WRITE_GOLDEN") != nullptr && !std::ifstream(path)) {
      std::ofstream(path) << Hex(EncodeMessage(message)) << "\n";
    }
    std::ifstream in(path);
    const std::string golden = Unhex(std::string(std::istreambuf_iterator<char>(in), {}));
    REQUIRE_FALSE(golden.empty());
    CHECK(Hex(EncodeMessage(message)) == Hex(golden));
    const auto decoded = DecodeMessage(golden);
    REQUIRE_MESSAGE(decoded.ok(), decoded.status().message());
    CHECK(Plain::Of(*decoded) == Plain::Of(message));
  }
}

TEST_CASE("a message that is cut off anywhere, or goes on, is refused") {
  const uint64_t seed = Seed();
  CAPTURE(seed);
  RandomMessages messages(seed);
  for (size_t kind = 0; kind < kKinds; ++kind) {
    CAPTURE(kind);
    std::string bytes = EncodeMessage(messages.Next(kind));
    while (bytes.size() > 5'000) bytes = EncodeMessage(messages.Next(kind));
    const std::string content = WithoutChecksum(bytes);
    for (size_t size = 0; size < bytes.size(); ++size) {
      REQUIRE_FALSE(DecodeMessage(std::string_view(bytes).substr(0, size)).ok());
    }
    // And with a right checksum behind what is left.
    for (size_t size = 0; size < content.size(); ++size) {
      REQUIRE(IsRefused(content.substr(0, size)));
    }
    REQUIRE(IsRefused(content + '\0'));
    REQUIRE_FALSE(DecodeMessage(bytes + '\0').ok());
  }
}

TEST_CASE("a flipped bit is always found") {
  const uint64_t seed = Seed();
  CAPTURE(seed);
  RandomMessages messages(seed);
  for (int round = 0; round < 20'000; ++round) {
    static std::string bytes;
    if (round % 100 == 0) bytes = EncodeMessage(messages.Next(messages.Below(kKinds)));
    const uint64_t bit = messages.Below(bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE_FALSE(DecodeMessage(bytes).ok());
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST_CASE("bytes that mean a message are the only bytes that mean it") {
  // Goal: nothing that is accepted was not understood completely. Method: damaged bytes with a
  // right checksum are refused, or are just what the message that they mean is encoded to.
  const uint64_t seed = Seed();
  CAPTURE(seed);
  RandomMessages messages(seed);
  int accepted = 0, refused = 0;
  for (int round = 0; round < 30'000; ++round) {
    static std::string content;
    if (round % 50 == 0) {
      content = WithoutChecksum(EncodeMessage(messages.Next(messages.Below(kKinds))));
    }
    std::string damaged = content;
    for (uint64_t i = 1 + messages.Below(3); i > 0; --i) {
      const size_t at = messages.Below(damaged.size());
      const uint64_t how = messages.Below(4);
      if (how == 0) {
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << messages.Below(8)));
      } else if (how == 1) {
        damaged[at] = static_cast<char>(messages.Below(256));
      } else if (how == 2) {
        damaged.erase(at, 1 + messages.Below(3));
      } else {
        damaged.insert(at, 1 + messages.Below(3), static_cast<char>(messages.Below(256)));
      }
      if (damaged.empty()) damaged = content;
    }
    const std::string bytes = WithChecksum(damaged);
    const auto decoded = DecodeMessage(bytes);
    if (decoded.ok()) {
      ++accepted;
      REQUIRE(EncodeMessage(*decoded) == bytes);
    } else {
      ++refused;
      REQUIRE(absl::IsInvalidArgument(decoded.status()));
    }
  }
  CHECK(accepted > 1'000);
  CHECK(refused > 1'000);
}

TEST_CASE("what is wrong with a message is said") {
  const auto error = [](const std::string& bytes) {
    return std::string(DecodeMessage(bytes).status().message());
  };
  std::string good = EncodeMessage({kOne, kTwo, {}, Ack{1}});
  CHECK(error("") == "a peer's message is cut off: 0 bytes");
  CHECK(error(good.substr(0, 9)) == "a peer's message is cut off: 9 bytes");
  std::string newer = good;
  newer[0] = 2;
  CHECK(error(newer) ==
        "a peer's message has version 2, which is not known here: this node speaks version 1");
  good[5] = static_cast<char>(good[5] ^ 1);
  CHECK(error(good).find("has a wrong checksum: it was damaged on its way") != std::string::npos);
  CHECK(error(WithChecksum(Head(16))) ==
        "a peer's message is of kind 16, which is not known here: kinds are 1 to 15");
  CHECK(error(WithChecksum(Head(0))).find("is of kind 0") != std::string::npos);
  CHECK(error(WithChecksum(Head(2))) == "a peer's Ack message is malformed: turn");
  CHECK(error(WithChecksum(Head(2) + "\x01\x01")) == "a peer's Ack message has 1 bytes too many");
  CHECK(error(std::string(kMessageBytesMax + 1, '\x01')).find("at most 83886080 are allowed") !=
        std::string::npos);
}

TEST_CASE("counts that the bytes do not hold are refused, however great") {
  for (const uint64_t count :
       {uint64_t{2}, uint64_t{1} << 20, uint64_t{1} << 40, std::numeric_limits<uint64_t>::max()}) {
    CAPTURE(count);
    std::string number;
    AppendVarint(number, count);
    const std::string behind(12, '\0');
    CHECK(IsRefused(Head(1) + "\x01\x01" + number + behind));                  // writes
    CHECK(IsRefused(Head(6) + std::string(3, '\0') + number + behind));        // objects
    CHECK(IsRefused(Head(7) + std::string("\x01\0\0", 3) + number + behind));  // keys
    CHECK(IsRefused(Head(11) + std::string(3, '\x01') + "k" + number + behind));
    CHECK(IsRefused(Head(12) + "\x01\x01" + number));
    CHECK(IsRefused(Head(13) + std::string("\x01\x01\0\0", 4) + number + behind));
    CHECK(IsRefused(Head(15) + number + "x"));  // a reason
    CHECK(IsRefused(Head(5) + number + "x"));   // a set's settled slots
    std::string generations = Head(2);
    generations.pop_back();
    CHECK(IsRefused(generations + number + behind));
    // A key, killed dots, a vector of a write.
    CHECK(IsRefused(Head(1) + std::string("\x01\x01\x01\0", 4) + number + "x"));
    CHECK(IsRefused(Head(1) + std::string("\x01\x01\x01\x10\x01k", 6) + std::string(8, '\0') +
                    number + "\x01"));
    CHECK(IsRefused(Head(1) + std::string("\x01\x01\x01\x08\x01k", 6) + std::string(8, '\0') +
                    number + "1234"));
  }
}

TEST_CASE("what no sender makes is refused") {
  const std::string push = Head(1) + "\x01\x01\x01";
  const std::string time(8, '\0');
  const auto write = [&](char flags, const std::string& key, const std::string& rest) {
    return push + flags + static_cast<char>(key.size()) + key + time + rest;
  };
  const std::string none("\0", 1), empty_set("\0\0", 2);
  REQUIRE_FALSE(IsRefused(write(0, "k", "\x01v" + none)));
  CHECK(IsRefused(write(0, "", "\x01v" + none)));          // no key
  CHECK(IsRefused(write(2, "k", "\x01v" + none)));         // an unknown kind of value
  CHECK(IsRefused(write('\x80', "k", "\x01v" + none)));    // an unknown flag
  CHECK(IsRefused(write(4, "k", none + "\x01v" + none)));  // an expiry that is none
  CHECK(IsRefused(write(8, "k", none + "\x01v" + none)));  // a vector without numbers
  CHECK(IsRefused(write(8, "k", "\x01\x7F\xC0" + empty_set + "\x01v" + none)));  // NaN
  CHECK(IsRefused(write(16 + 1, "k", none)));                             // a deleted counter
  CHECK(IsRefused(write(16 + 4, "k", "\x02" + none)));                    // a delete that expires
  CHECK(IsRefused(write(32, "k", "\x01v" + none + empty_set)));           // a context that is none
  CHECK(IsRefused(write(64, "k", "\x01v" + none + none)));                // a unit of no writes
  CHECK(IsRefused(write(0, "k", "\x01v" + std::string("\x01\0\0", 3))));  // a dot with counter 0
  CHECK(IsRefused(Head(1) + std::string("\x01\0\0", 3)));  // a Push that begins at counter 0
  CHECK(IsRefused(Head(2) + std::string("\x81\0", 2)));    // a number not in its shortest form
  // An actor that was named before, under a new number; one that was not.
  std::string actors = {1, 2, 0, 1, 5, 1, 1, 5, 0, 1};
  CHECK(IsRefused(actors));
  actors = {1, 2, 0, 1, 5, 2, 2, 6, 0, 1};
  CHECK(IsRefused(actors));
  // Generations not in order of slots; two of one slot.
  std::string generations = {1, 2, 0, 2, 5, 1, 1, 6, 2, 0, 1, 1};
  CHECK(IsRefused(generations));
  generations = {1, 2, 0, 1, 5, 1, 1, 6, 2, 0, 1, 1};
  CHECK(IsRefused(generations));
  // Places beyond 32 bits.
  CHECK(IsRefused(Head(12) + std::string("\x01\x01\x02\xFF\xFF\xFF\xFF\x0F\0", 9)));
  CHECK_FALSE(IsRefused(Head(12) + std::string("\x01\x01\x02\xFE\xFF\xFF\xFF\x0F\0", 9)));
}

TEST_CASE("a message may not take much more memory than it has bytes") {
  // Goal: 80 MiB do not become gigabytes. Method: as many of the smallest objects as fit; each is
  // 4 bytes long here and two hundred in memory.
  std::string content = Head(6) + std::string("\x03\0\0", 3);
  const size_t count = size_t{4} << 20;
  AppendVarint(content, count);
  content.reserve(content.size() + count * 4);
  for (size_t i = 0; i < count; ++i) content.append("\0\x01k\0", 4);
  const auto decoded = DecodeMessage(WithChecksum(std::move(content)));
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.status().message() ==
        "a peer's Objects message is malformed: takes more than 512 MiB of memory");
}

TEST_CASE("a push costs few bytes beyond its keys and values") {
  const Generations generations = {
      {1, kOne.generation}, {2, kTwo.generation}, {3, kTwo.generation + 5}};
  Push push{100'000, 100'000'000, {}};
  const auto add = [&] {
    PushedWrite write;
    write.key = "k";
    write.version.time = kTime + push.writes.size() * 65'536 / 10;
    write.version.value = "v";
    write.killed = {{kOne, 99'000'000 + push.writes.size()}};
    push.writes.push_back(write);
    return EncodeMessage({kOne, kTwo, generations, push}).size() - 2 * push.writes.size();
  };
  const size_t one = add();
  CHECK(one <= 76);  // the frame takes 4 more
  size_t hundred = 0;
  while (push.writes.size() < 100) hundred = add();
  CHECK((hundred - one) / 99 <= 14);
  CHECK(EncodeMessage({kOne, kTwo, generations, Ack{100'000}}).size() <= 45);
  CHECK(EncodeMessage({kOne, kTwo, generations, Digest{1}}).size() <= 50);
}

TEST_CASE("the reason of a refusal is cut, not refused") {
  const auto decoded = DecodeMessage(
      EncodeMessage({kOne, kTwo, {}, Refusal{std::string(kRefusalBytesMax + 1, 'x')}}));
  REQUIRE(decoded.ok());
  CHECK(std::get<Refusal>(decoded->body).reason == std::string(kRefusalBytesMax, 'x'));
}

}  // namespace kvserver::cluster
