#include "cluster/message_codec.h"

#include <xxhash.h>

#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/byte_codec.h"
#include "libkv/options.h"

namespace kvserver::cluster {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;

// Flags of writes and versions.
constexpr uint8_t kKindBits = 1 | 2, kHasExpiry = 4, kHasVector = 8, kIsDelete = 16,
                  kHasContext = 32, kIsFirstOfUnit = 64;
// Of objects, read keys, sets of objects, adverts, opened ranges.
constexpr uint8_t kHasExtra = 1, kHasCovered = 2;
constexpr uint8_t kIsComplete = 1, kIsLast = 2, kHasVacuous = 4, kHasUnits = 8;
constexpr uint8_t kIsRecovering = 1, kWantsAnswer = 2, kHasKnown = 4;
constexpr uint8_t kIsRefused = 1;

// The kind byte of a message is the place of its body in the variant, from 1.
constexpr const char* kNames[] = {"Push",       "Ack",          "Advert",      "Digest",
                                  "Pull",       "Objects",      "Read",        "ReadAnswer",
                                  "RangeOpen",  "RangeOpened",  "RangeHashes", "RangeDiffers",
                                  "RangeItems", "RangeObjects", "Refusal"};
static_assert(std::size(kNames) == std::variant_size_v<Body>);

uint64_t ZigZag(uint64_t n) { return (n << 1) ^ (0 - (n >> 63)); }
uint64_t UnZigZag(uint64_t n) { return (n >> 1) ^ (0 - (n & 1)); }

uint64_t Checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

class Encoder {
 public:
  std::string Encode(const Message& message) {
    Put(kVersion);
    Put(static_cast<uint8_t>(message.body.index() + 1));
    Put(message.from);
    Put(message.to);
    Put(message.generations);
    std::visit([this](const auto& body) { Put(body); }, message.body);
    AppendFixed64(out_, Checksum(out_));
    return std::move(out_);
  }

 private:
  void Put(uint8_t byte) { out_.push_back(static_cast<char>(byte)); }
  void Varint(uint64_t v) { AppendVarint(out_, v); }
  void Bytes(std::string_view bytes) { AppendBytes(out_, bytes); }

  void Put(const Actor& actor) {
    if (actors_.empty() || last_actor_ != actor) {
      const auto [at, is_new] = actors_.emplace(actor, actors_.size());
      last_actor_ = actor;
      last_index_ = at->second;
      if (is_new) {
        Varint(last_index_);
        Varint(actor.slot);
        Varint(actor.generation);
        return;
      }
    }
    Varint(last_index_);
  }
  void Put(const Generations& generations) {
    Varint(generations.size());
    for (const auto& [slot, generation] : generations) Put(Actor{slot, generation});
  }
  void Put(const Dot& dot) {
    Put(dot.actor);
    Varint(dot.counter);
  }
  void Put(const std::vector<Dot>& dots) {
    Varint(dots.size());
    for (const Dot& dot : dots) Put(dot);
  }
  void Put(const DotSet& set) { set.AppendTo(out_); }
  void PutIfAny(const DotSet& set) {
    if (!set.empty()) Put(set);
  }
  void Time(uint64_t time) {
    if (has_time_) {
      Varint(ZigZag(time - last_time_));
    } else {
      AppendFixed64(out_, time);
    }
    has_time_ = true;
    last_time_ = time;
  }
  void Ascending(const std::vector<uint32_t>& numbers) {
    Varint(numbers.size());
    uint64_t least = 0;
    for (const uint32_t number : numbers) {
      Varint(number - least);
      least = uint64_t{number} + 1;
    }
  }

  static uint8_t ContentFlags(const Version& version) {
    auto flags = static_cast<uint8_t>(version.kind);
    if (version.expiry != 0) flags |= kHasExpiry;
    if (!version.vector.empty()) flags |= kHasVector;
    return flags;
  }
  void Content(const Version& version) {
    if (version.expiry != 0) {
      Varint(ZigZag(static_cast<uint64_t>(version.expiry) - (version.time >> 16)));
    }
    if (!version.vector.empty()) {
      Varint(version.vector.size());
      for (const float number : version.vector) {
        const auto bits = std::bit_cast<uint32_t>(number);
        for (int shift = 24; shift >= 0; shift -= 8) Put(static_cast<uint8_t>(bits >> shift));
      }
    }
    Bytes(version.value);
  }

  void Put(const PushedWrite& write) {
    uint8_t flags = write.is_delete ? kIsDelete : ContentFlags(write.version);
    if (!write.context.empty()) flags |= kHasContext;
    if (write.unit_writes != 0) flags |= kIsFirstOfUnit;
    Put(flags);
    Bytes(write.key);
    Time(write.version.time);
    if (!write.is_delete) Content(write.version);
    Put(write.killed);
    PutIfAny(write.context);
    if (write.unit_writes != 0) Varint(write.unit_writes);
  }
  void Put(const Version& version) {
    Put(ContentFlags(version));
    Put(version.dot);
    Time(version.time);
    Content(version);
  }
  void Put(const SentObject& object) {
    Put(static_cast<uint8_t>((object.extra.empty() ? 0 : kHasExtra) |
                             (object.covered.empty() ? 0 : kHasCovered)));
    Bytes(object.key);
    Varint(object.versions.size());
    for (const Version& version : object.versions) Put(version);
    PutIfAny(object.extra);
    PutIfAny(object.covered);
  }

  void Put(const Push& push) {
    Varint(push.turn);
    Varint(push.first_counter);
    Varint(push.writes.size());
    for (const PushedWrite& write : push.writes) Put(write);
  }
  void Put(const Ack& ack) { Varint(ack.turn); }
  void Put(const Advert& advert) {
    Put(static_cast<uint8_t>((advert.is_recovering ? kIsRecovering : 0) |
                             (advert.wants_answer ? kWantsAnswer : 0) |
                             (advert.known.has_value() ? kHasKnown : 0)));
    Put(advert.durable);
    Put(advert.generations);
    if (advert.known.has_value()) Put(*advert.known);
  }
  void Put(const Digest& digest) { AppendFixed64(out_, digest.advert_hash); }
  void Put(const Pull& pull) { Put(pull.clock); }
  void Put(const Objects& objects) {
    Put(static_cast<uint8_t>(
        (objects.is_complete ? kIsComplete : 0) | (objects.is_last ? kIsLast : 0) |
        (objects.vacuous.empty() ? 0 : kHasVacuous) | (objects.units.empty() ? 0 : kHasUnits)));
    Put(objects.clock);
    Varint(objects.objects.size());
    for (const SentObject& object : objects.objects) Put(object);
    PutIfAny(objects.vacuous);
    if (objects.units.empty()) return;
    Varint(objects.units.size());
    for (const Objects::Unit& unit : objects.units) {
      Put(unit.actor);
      Varint(unit.first);
      Varint(unit.writes);
    }
  }
  void Put(const Read& read) {
    Varint(read.id);
    Put(read.clock);
    Varint(read.keys.size());
    for (const Read::Key& key : read.keys) {
      Put(key.extra.empty() ? uint8_t{0} : kHasExtra);
      Bytes(key.key);
      Put(key.dots);
      PutIfAny(key.extra);
    }
  }
  void Put(const ReadAnswer& answer) {
    Varint(answer.id);
    Put(answer.objects);
  }
  void Put(const RangeOpen& open) { Varint(open.session); }
  void Put(const RangeOpened& opened) {
    Varint(opened.session);
    Put(opened.is_refused ? kIsRefused : uint8_t{0});
    Put(opened.clock);
  }
  void Put(const RangeHashes& hashes) {
    Varint(hashes.session);
    Varint(hashes.step);
    Bytes(hashes.first);
    Varint(hashes.buckets.size());
    for (const RangeHashes::Bucket& bucket : hashes.buckets) {
      Bytes(bucket.end);
      AppendFixed64(out_, bucket.hash);
      Varint(bucket.keys);
    }
  }
  void Put(const RangeDiffers& differs) {
    Varint(differs.session);
    Varint(differs.step);
    Ascending(differs.buckets);
  }
  void Put(const RangeItems& items) {
    Varint(items.session);
    Varint(items.step);
    Bytes(items.first);
    Bytes(items.end);
    Varint(items.ids.size());
    for (const uint64_t id : items.ids) AppendFixed64(out_, id);
  }
  void Put(const RangeObjects& objects) {
    Varint(objects.session);
    Varint(objects.step);
    Bytes(objects.reached);
    Put(objects.objects);
    Ascending(objects.absent);
  }
  void Put(const Refusal& refusal) {
    Bytes(std::string_view(refusal.reason).substr(0, kRefusalBytesMax));
  }

  std::string out_;
  std::map<Actor, uint64_t> actors_;
  Actor last_actor_;
  uint64_t last_index_ = 0;
  bool has_time_ = false;
  uint64_t last_time_ = 0;
};

// Every Get answers false when it is not there, or not in the form that the Encoder writes; then
// `what_` says where that was.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : in_(bytes) {}

  absl::StatusOr<Message> Decode() {
    Message message;
    uint8_t version = 0, kind = 0;
    static_cast<void>(in_.Byte(&version) && in_.Byte(&kind));  // were seen by DecodeMessage
    const bool is_good = What("actors") && Get(message.from) && Get(message.to) &&
                         What("generations") && Get(message.generations) &&
                         GetBody(kind, message.body);
    if (!is_good) {
      return absl::InvalidArgumentError(std::string("a peer's ") + kNames[kind - 1] +
                                        " message is malformed: " + what_);
    }
    if (!in_.at_end()) {
      return absl::InvalidArgumentError(std::string("a peer's ") + kNames[kind - 1] +
                                        " message has " + std::to_string(in_.rest().size()) +
                                        " bytes too many");
    }
    return message;
  }

 private:
  bool What(const char* what) {
    what_ = what;
    return true;
  }

  // Memory is taken as elements arrive, and accounted for.
  bool Take(size_t bytes) {
    if (bytes > kDecodedBytesMax - taken_) {
      what_ = "takes more than 512 MiB of memory";
      return false;
    }
    taken_ += bytes;
    return true;
  }

  // So many elements of at least `bytes_each` bytes; they are there.
  bool Count(uint64_t* count, size_t bytes_each) {
    return in_.Varint(count) && *count <= in_.rest().size() / bytes_each;
  }
  template <typename T, typename Read>
  bool List(std::vector<T>& list, size_t bytes_each, Read read) {
    uint64_t count = 0;
    if (!Count(&count, bytes_each)) return false;
    for (uint64_t i = 0; i < count; ++i) {
      // What a vector that grows takes, the old elements beside the new ones.
      if (!Take(2 * sizeof(T)) || !read(list.emplace_back())) return false;
    }
    return true;
  }

  bool Number32(uint32_t* v) {
    uint64_t wide = 0;
    if (!in_.Varint(&wide) || wide > std::numeric_limits<uint32_t>::max()) return false;
    *v = static_cast<uint32_t>(wide);
    return true;
  }
  bool Text(std::string& text) {
    std::string_view bytes;
    if (!in_.Bytes(&bytes)) return false;
    text = bytes;
    return true;
  }
  bool Key(std::string& key) {
    return What("key") && Text(key) && !key.empty() && key.size() <= libkv::kKeyBytesMax;
  }
  bool Flags(uint8_t* flags, uint8_t known) {
    return What("flags") && in_.Byte(flags) && (*flags & ~known) == 0;
  }

  bool Get(Actor& actor) {
    uint64_t index = 0;
    if (!in_.Varint(&index) || index > actors_.size()) return false;
    if (index < actors_.size()) {
      actor = actors_[index];
      return true;
    }
    if (!Take(128) || !Number32(&actor.slot) || !in_.Varint(&actor.generation)) return false;
    actors_.push_back(actor);
    return known_actors_.insert(actor).second;
  }
  bool Get(Generations& generations) {
    uint64_t count = 0;
    if (!Count(&count, 1)) return false;
    for (uint64_t i = 0; i < count; ++i) {
      Actor actor;
      if (!Take(64) || !Get(actor)) return false;
      if (!generations.empty() && actor.slot <= generations.rbegin()->first) return false;
      generations.emplace_hint(generations.end(), actor.slot, actor.generation);
    }
    return true;
  }
  bool Get(Dot& dot) { return Get(dot.actor) && in_.Varint(&dot.counter) && dot.counter != 0; }
  bool Get(std::vector<Dot>& dots) {
    return What("dots") && List(dots, 2, [this](Dot& dot) { return Get(dot); });
  }
  bool Get(DotSet& set) {
    std::string_view rest = in_.rest(), taken;
    if (!What("set of dots") || !set.DecodeFrom(rest)) return false;
    const size_t bytes = in_.rest().size() - rest.size();
    // The dearest intervals are those of actors with one each: a tree's node for 5 bytes.
    return Take(32 * bytes) && in_.Raw(bytes, &taken);
  }
  bool GetIf(bool is_there, DotSet& set) { return !is_there || (Get(set) && !set.empty()); }

  bool Time(uint64_t* time) {
    What("time");
    uint64_t difference = 0;
    if (!has_time_) {
      if (!in_.Fixed64(time)) return false;
    } else {
      if (!in_.Varint(&difference)) return false;
      *time = last_time_ + UnZigZag(difference);
    }
    has_time_ = true;
    last_time_ = *time;
    return true;
  }
  bool Ascending(std::vector<uint32_t>& numbers) {
    uint64_t least = 0;
    return What("ascending numbers") && List(numbers, 1, [&](uint32_t& number) {
             uint64_t difference = 0;
             constexpr uint64_t kMax = std::numeric_limits<uint32_t>::max();
             if (!in_.Varint(&difference) || difference > kMax || least + difference > kMax) {
               return false;
             }
             number = static_cast<uint32_t>(least + difference);
             least = uint64_t{number} + 1;
             return true;
           });
  }

  bool Content(uint8_t flags, Version& version) {
    const uint8_t kind = flags & kKindBits;
    if (!What("kind of value") || kind > static_cast<uint8_t>(Kind::kCounter)) return false;
    version.kind = static_cast<Kind>(kind);
    if ((flags & kHasExpiry) != 0) {
      uint64_t difference = 0;
      if (!What("expiry") || !in_.Varint(&difference)) return false;
      version.expiry = static_cast<int64_t>(UnZigZag(difference) + (version.time >> 16));
      if (version.expiry == 0) return false;
    }
    if ((flags & kHasVector) != 0 && !Vector(version.vector)) return false;
    return What("value") && Text(version.value) && version.value.size() <= libkv::kValueBytesMax;
  }
  bool Vector(std::vector<float>& vector) {
    uint64_t dimension = 0;
    std::string_view bytes;
    if (!What("vector") || !in_.Varint(&dimension) || dimension == 0 ||
        dimension > libkv::kVectorDimensionMax || !in_.Raw(dimension * 4, &bytes)) {
      return false;
    }
    vector.reserve(dimension);
    for (size_t i = 0; i < bytes.size(); i += 4) {
      uint32_t bits = 0;
      for (size_t k = i; k < i + 4; ++k) bits = bits << 8 | static_cast<uint8_t>(bytes[k]);
      vector.push_back(std::bit_cast<float>(bits));
      if (!std::isfinite(vector.back())) return false;
    }
    return true;
  }

  bool Get(PushedWrite& write) {
    uint8_t flags = 0;
    if (!Flags(&flags,
               kKindBits | kHasExpiry | kHasVector | kIsDelete | kHasContext | kIsFirstOfUnit)) {
      return false;
    }
    write.is_delete = (flags & kIsDelete) != 0;
    if (write.is_delete && (flags & (kKindBits | kHasExpiry | kHasVector)) != 0) return false;
    if (!Key(write.key) || !Time(&write.version.time)) return false;
    if (!write.is_delete && !Content(flags, write.version)) return false;
    if (!Get(write.killed) || !GetIf((flags & kHasContext) != 0, write.context)) return false;
    write.unit_writes = 0;
    return (flags & kIsFirstOfUnit) == 0 ||
           (What("unit") && Number32(&write.unit_writes) && write.unit_writes != 0);
  }
  bool Get(Version& version) {
    uint8_t flags = 0;
    return Flags(&flags, kKindBits | kHasExpiry | kHasVector) && What("dot") && Get(version.dot) &&
           Time(&version.time) && Content(flags, version);
  }
  bool Get(SentObject& object) {
    uint8_t flags = 0;
    return Flags(&flags, kHasExtra | kHasCovered) && Key(object.key) && What("versions") &&
           List(object.versions, 5, [this](Version& version) { return Get(version); }) &&
           GetIf((flags & kHasExtra) != 0, object.extra) &&
           GetIf((flags & kHasCovered) != 0, object.covered);
  }

  bool Get(Push& push) {
    if (!What("counters") || !in_.Varint(&push.turn) || !in_.Varint(&push.first_counter) ||
        push.first_counter == 0) {
      return false;
    }
    return What("writes") &&
           List(push.writes, 5, [this](PushedWrite& write) { return Get(write); }) &&
           What("counters") &&
           push.writes.size() <= std::numeric_limits<uint64_t>::max() - push.first_counter;
  }
  bool Get(Ack& ack) { return What("turn") && in_.Varint(&ack.turn); }
  bool Get(Advert& advert) {
    uint8_t flags = 0;
    if (!Flags(&flags, kIsRecovering | kWantsAnswer | kHasKnown)) return false;
    advert.is_recovering = (flags & kIsRecovering) != 0;
    advert.wants_answer = (flags & kWantsAnswer) != 0;
    return Get(advert.durable) && What("generations") && Get(advert.generations) &&
           ((flags & kHasKnown) == 0 || Get(advert.known.emplace()));
  }
  bool Get(Digest& digest) { return What("hash") && in_.Fixed64(&digest.advert_hash); }
  bool Get(Pull& pull) { return Get(pull.clock); }
  bool Get(Objects& objects) {
    uint8_t flags = 0;
    if (!Flags(&flags, kIsComplete | kIsLast | kHasVacuous | kHasUnits)) return false;
    objects.is_complete = (flags & kIsComplete) != 0;
    objects.is_last = (flags & kIsLast) != 0;
    return Get(objects.clock) && What("objects") &&
           List(objects.objects, 4, [this](SentObject& object) { return Get(object); }) &&
           GetIf((flags & kHasVacuous) != 0, objects.vacuous) &&
           ((flags & kHasUnits) == 0 || GetUnits(objects.units));
  }
  bool GetUnits(std::vector<Objects::Unit>& units) {
    const auto get = [this](Objects::Unit& unit) {
      uint64_t writes = 0;
      if (!Get(unit.actor) || !in_.Varint(&unit.first) || !in_.Varint(&writes)) return false;
      unit.writes = static_cast<uint32_t>(writes);
      return unit.first > 0 && writes > 1 && writes <= std::numeric_limits<uint32_t>::max() &&
             writes <= std::numeric_limits<uint64_t>::max() - unit.first;
    };
    return What("units") && List(units, 3, get) && !units.empty();
  }
  bool Get(Read& read) {
    return What("id") && in_.Varint(&read.id) && Get(read.clock) && What("keys") &&
           List(read.keys, 4, [this](Read::Key& key) {
             uint8_t flags = 0;
             return Flags(&flags, kHasExtra) && Key(key.key) && Get(key.dots) &&
                    GetIf(flags != 0, key.extra);
           });
  }
  bool Get(ReadAnswer& answer) {
    return What("id") && in_.Varint(&answer.id) && Get(answer.objects);
  }
  bool Get(RangeOpen& open) { return What("session") && in_.Varint(&open.session); }
  bool Get(RangeOpened& opened) {
    uint8_t flags = 0;
    if (!What("session") || !in_.Varint(&opened.session) || !Flags(&flags, kIsRefused)) {
      return false;
    }
    opened.is_refused = flags != 0;
    return Get(opened.clock);
  }
  bool Step(uint64_t* session, uint64_t* step) {
    return What("session") && in_.Varint(session) && in_.Varint(step);
  }
  // Between keys: nothing, a key, or what comes right behind one.
  bool Border(std::string& key) {
    return What("range") && Text(key) && key.size() <= libkv::kKeyBytesMax + 1;
  }
  bool Get(RangeHashes& hashes) {
    return Step(&hashes.session, &hashes.step) && Border(hashes.first) && What("buckets") &&
           List(hashes.buckets, 10, [this](RangeHashes::Bucket& bucket) {
             return Border(bucket.end) && What("bucket") && in_.Fixed64(&bucket.hash) &&
                    Number32(&bucket.keys);
           });
  }
  bool Get(RangeDiffers& differs) {
    return Step(&differs.session, &differs.step) && Ascending(differs.buckets);
  }
  bool Get(RangeItems& items) {
    return Step(&items.session, &items.step) && Border(items.first) && Border(items.end) &&
           What("ids") && List(items.ids, 8, [this](uint64_t& id) { return in_.Fixed64(&id); });
  }
  bool Get(RangeObjects& objects) {
    return Step(&objects.session, &objects.step) && Border(objects.reached) &&
           Get(objects.objects) && Ascending(objects.absent);
  }
  bool Get(Refusal& refusal) {
    return What("reason") && Text(refusal.reason) && refusal.reason.size() <= kRefusalBytesMax;
  }

  template <size_t i = 0>
  bool GetBody(uint8_t kind, Body& body) {
    if constexpr (i < std::variant_size_v<Body>) {
      if (kind == i + 1) return Get(body.emplace<i>());
      return GetBody<i + 1>(kind, body);
    } else {
      return false;
    }
  }

  ByteReader in_;
  const char* what_ = "";
  size_t taken_ = 0;
  std::vector<Actor> actors_;
  std::set<Actor> known_actors_;
  bool has_time_ = false;
  uint64_t last_time_ = 0;
};

}  // namespace

std::string EncodeMessage(const Message& message) { return Encoder().Encode(message); }

absl::StatusOr<Message> DecodeMessage(std::string_view bytes) {
  const auto refuse = [](const std::string& what) { return absl::InvalidArgumentError(what); };
  if (bytes.size() > kMessageBytesMax) {
    return refuse("a peer's message has " + std::to_string(bytes.size()) + " bytes; at most " +
                  std::to_string(kMessageBytesMax) + " are allowed");
  }
  if (bytes.size() < 2 + kChecksumBytes) {
    return refuse("a peer's message is cut off: " + std::to_string(bytes.size()) + " bytes");
  }
  // The version first: another one may have another checksum.
  if (const auto version = static_cast<uint8_t>(bytes[0]); version != kVersion) {
    return refuse("a peer's message has version " + std::to_string(version) +
                  ", which is not known here: this node speaks version 1");
  }
  const std::string_view content = bytes.substr(0, bytes.size() - kChecksumBytes);
  uint64_t checksum = 0;
  static_cast<void>(ByteReader(bytes.substr(content.size())).Fixed64(&checksum));
  if (checksum != Checksum(content)) {
    return refuse("a peer's message of " + std::to_string(bytes.size()) +
                  " bytes has a wrong checksum: it was damaged on its way");
  }
  const auto kind = static_cast<uint8_t>(bytes[1]);
  if (kind == 0 || kind > std::variant_size_v<Body>) {
    return refuse("a peer's message is of kind " + std::to_string(kind) +
                  ", which is not known here: kinds are 1 to " +
                  std::to_string(std::variant_size_v<Body>));
  }
  return Decoder(content).Decode();
}

}  // namespace kvserver::cluster
