#include "cluster/row_names.h"

#include <xxhash.h>

#include <limits>

#include "base/byte_codec.h"

namespace kvserver::cluster {
namespace {

constexpr uint8_t kNodeVersion = 3, kOldestNodeVersion = 1;

// The second byte of the name of a log row: six bits of the place, and whether there are more.
constexpr uint8_t kPlaceByte = 0x80, kHasMore = 0x40;
constexpr int kPlaceBits = 6;

std::string Numbered(std::string_view prefix, uint64_t number) {
  std::string name(prefix);
  AppendFixed64(name, number);
  return name;
}

std::string Hashed(std::string_view prefix, std::string_view key) {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  std::string name = Numbered(prefix, hash.high64);
  AppendFixed64(name, hash.low64);
  return name;
}

bool ReadSlot(ByteReader& reader, Slot* slot) {
  uint64_t v = 0;
  if (!reader.Varint(&v) || v > std::numeric_limits<Slot>::max()) return false;
  *slot = static_cast<Slot>(v);
  return true;
}

}  // namespace

std::string ActorRow(uint64_t index) { return Numbered(kActorPrefix, index); }
std::string PeerRow(Slot slot) { return Numbered(kPeerPrefix, slot); }

// Short: one is written for each lone write.
std::string LogRow(uint64_t place) {
  const uint64_t more = place >> kPlaceBits;
  const auto low = static_cast<uint8_t>(place & (kHasMore - 1));
  std::string name(kRowPrefix);
  name.push_back(static_cast<char>(kPlaceByte | (more == 0 ? 0 : kHasMore) | low));
  if (more != 0) AppendVarint(name, more);
  return name;
}

bool PlaceOfLogRow(std::string_view name, uint64_t* place) {
  if (!name.starts_with(kRowPrefix)) return false;
  ByteReader reader(name.substr(kRowPrefix.size()));
  uint8_t first = 0;
  uint64_t more = 0;
  if (!reader.Byte(&first) || first < kPlaceByte) return false;
  if ((first & kHasMore) != 0 && (!reader.Varint(&more) || more == 0)) return false;
  if (more > std::numeric_limits<uint64_t>::max() >> kPlaceBits || !reader.at_end()) return false;
  *place = more << kPlaceBits | (first & (kHasMore - 1));
  return true;
}

std::string ExtraRow(std::string_view key) { return Hashed(kExtraPrefix, key); }
std::string VerdictRow(std::string_view key) { return Hashed(kVerdictPrefix, key); }

bool NumberOfRow(std::string_view name, std::string_view prefix, uint64_t* number) {
  if (!name.starts_with(prefix)) return false;
  ByteReader reader(name.substr(prefix.size()));
  return reader.Fixed64(number) && reader.at_end();
}

std::string NodeRow(Slot slot) {
  std::string row(1, static_cast<char>(kNodeVersion));
  AppendVarint(row, slot);
  return row;
}

bool ReadNodeRow(std::string_view row, Slot* slot) {
  ByteReader reader(row);
  uint8_t version = 0;
  return reader.Byte(&version) && version >= kOldestNodeVersion && version <= kNodeVersion &&
         ReadSlot(reader, slot);
}

std::string GenerationsRow(const Generations& generations) {
  std::string row;
  for (const auto& [slot, generation] : generations) {
    AppendVarint(row, slot);
    AppendVarint(row, generation);
  }
  return row;
}

bool ReadGenerationsRow(std::string_view row, Generations* generations) {
  ByteReader reader(row);
  while (!reader.at_end()) {
    Slot slot = 0;
    uint64_t generation = 0;
    if (!ReadSlot(reader, &slot) || !reader.Varint(&generation)) return false;
    (*generations)[slot] = generation;
  }
  return true;
}

std::string ActorRowValue(Actor actor) {
  std::string row;
  AppendVarint(row, actor.slot);
  AppendVarint(row, actor.generation);
  return row;
}

bool ReadActorRow(std::string_view row, Actor* actor) {
  ByteReader reader(row);
  return ReadSlot(reader, &actor->slot) && reader.Varint(&actor->generation) && reader.at_end();
}

std::string SlotsRow(const std::set<Slot>& slots) {
  std::string row;
  for (const Slot slot : slots) AppendVarint(row, slot);
  return row;
}

bool ReadSlotsRow(std::string_view row, std::set<Slot>* slots) {
  ByteReader reader(row);
  while (!reader.at_end()) {
    Slot slot = 0;
    if (!ReadSlot(reader, &slot)) return false;
    slots->insert(slot);
  }
  return true;
}

uint64_t HashOf(const Advert& advert) {
  std::string bytes(1, static_cast<char>(advert.is_recovering));
  bytes += GenerationsRow(advert.generations);
  advert.durable.AppendTo(bytes);
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace kvserver::cluster
