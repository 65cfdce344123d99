#include "cluster/stamp.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "base/byte_codec.h"
#include "base/numbers.h"

namespace kvserver::cluster {
namespace {

constexpr uint8_t kSingle = 0x10, kSeveral = 0x20, kSingleShort = 0x40, kFormMask = 0xF0;
// What most stamps are: short, of a register with nothing else; in the lower bits is the actor.
constexpr uint8_t kPlain = 0x80;
constexpr uint8_t kIsCounter = 0x01, kExpires = 0x02, kHasVector = 0x04, kIsRecord = 0x08;

// Sums must not depend on the order of what is added.
__extension__ using Wide = __int128;

absl::Status Malformed() {
  return absl::DataLossError("the stamp of a record is malformed, or of a newer kvserver");
}

bool IsLater(const Version& a, const Version* b) {
  return b == nullptr || a.time > b->time || (a.time == b->time && a.dot > b->dot);
}

// What the versions show: one of them, or a value that none has.
struct Resolution {
  const Version* own = nullptr;  // value and vector are the record's; null: `value` is
  std::string value;
  const Version* vector_of = nullptr;  // without `own`
};

Resolution RegistersOf(const std::vector<Version>& versions, const MergeFunction* merge) {
  Resolution resolution;
  std::vector<Sibling> siblings;
  for (const Version& version : versions) {
    if (version.kind != Kind::kRegister) continue;
    siblings.push_back({version.value, version.time, version.dot});
    if (IsLater(version, resolution.own)) resolution.own = &version;
    if (!version.vector.empty() && IsLater(version, resolution.vector_of)) {
      resolution.vector_of = &version;
    }
  }
  if (merge == nullptr || siblings.size() < 2) return resolution;
  resolution.value = MergeSiblings(*merge, siblings);
  resolution.own = nullptr;
  for (const Version& version : versions) {
    const bool has_it = version.kind == Kind::kRegister && version.value == resolution.value;
    if (has_it && IsLater(version, resolution.own)) resolution.own = &version;
  }
  return resolution;
}

Resolution ResolutionOf(const std::vector<Version>& versions, const MergeFunction* merge) {
  if (versions.size() == 1) return {.own = &versions[0], .value = {}};
  Resolution registers = RegistersOf(versions, merge);
  Wide sum = 0;
  bool has_registers = false, has_counters = false;
  for (const Version& version : versions) {
    has_registers |= version.kind == Kind::kRegister;
    if (version.kind != Kind::kCounter) continue;
    has_counters = true;
    sum += ParseInteger(version.value).value_or(0);
  }
  if (!has_counters) return registers;
  if (has_registers) {
    const auto number =
        ParseInteger(registers.own != nullptr ? registers.own->value : registers.value);
    if (!number) return registers;
    sum += *number;
  }
  constexpr Wide kMax = std::numeric_limits<int64_t>::max();
  constexpr Wide kMin = std::numeric_limits<int64_t>::min();
  return {.own = nullptr,
          .value = std::to_string(static_cast<int64_t>(std::clamp(sum, kMin, kMax)))};
}

int64_t LastExpiry(const std::vector<Version>& versions) {
  int64_t last = 0;
  for (const Version& version : versions) {
    if (version.expiry == 0) return 0;
    last = std::max(last, version.expiry);
  }
  return last;
}

StoredRecord RecordOf(const std::vector<Version>& versions, const Resolution& resolution) {
  StoredRecord record;
  record.expiry = LastExpiry(versions);
  record.value = resolution.own != nullptr ? resolution.own->value : resolution.value;
  const Version* const vector_of =
      resolution.own != nullptr ? resolution.own : resolution.vector_of;
  if (vector_of != nullptr) record.vector = vector_of->vector;
  return record;
}

// A time is mostly not long after the start of the run that wrote it, which is the upper part of
// its generation, and mostly the first one of its millisecond.
constexpr int kLogicalBits = 16;
constexpr uint64_t kLogicalMask = (uint64_t{1} << kLogicalBits) - 1;

bool IsTimeShort(const Version& version) {
  const uint64_t started = version.dot.actor.generation >> kLogicalBits;
  const uint64_t at = version.time >> kLogicalBits;
  constexpr uint64_t kShortMs = uint64_t{1} << 34;  // then it takes 8 bytes at most
  return at >= started && at - started < kShortMs;
}

void AppendShortTime(std::string& out, const Version& version) {
  const uint64_t started = version.dot.actor.generation >> kLogicalBits;
  const uint64_t logical = version.time & kLogicalMask;
  const uint64_t after = (version.time >> kLogicalBits) - started;
  AppendVarint(out, after << 1 | (logical == 0 ? 0 : 1));
  if (logical != 0) AppendVarint(out, logical);
}

bool ReadShortTime(ByteReader& reader, const Dot& dot, uint64_t* time) {
  uint64_t after = 0, logical = 0;
  if (!reader.Varint(&after)) return false;
  if ((after & 1) != 0 && (!reader.Varint(&logical) || logical > kLogicalMask)) return false;
  *time = ((dot.actor.generation >> kLogicalBits) + (after >> 1)) << kLogicalBits | logical;
  return true;
}

void AppendDot(std::string& out, const Version& version, ActorTable& actors) {
  AppendVarint(out, actors.IndexOf(version.dot.actor));
  AppendVarint(out, version.dot.counter);
}

bool ReadDotOf(uint64_t index, ByteReader& reader, const ActorTable& actors, Dot* dot) {
  const std::optional<Actor> actor = actors.At(index);
  if (!actor || !reader.Varint(&dot->counter)) return false;
  dot->actor = *actor;
  return true;
}

bool ReadDot(ByteReader& reader, const ActorTable& actors, Dot* dot) {
  uint64_t index = 0;
  return reader.Varint(&index) && ReadDotOf(index, reader, actors, dot);
}

bool IsSingle(uint8_t head) {
  return head >= kPlain || (head & kFormMask) == kSingle || (head & kFormMask) == kSingleShort;
}

bool HasFlag(uint8_t head, uint8_t flag) { return head < kPlain && (head & flag) != 0; }

// The dot and time of a stamp of one version, behind its head.
bool ReadSingle(ByteReader& reader, uint8_t head, const ActorTable& actors, Dot* dot,
                uint64_t* time) {
  const bool is_plain = head >= kPlain;
  if (is_plain ? !ReadDotOf(head - kPlain, reader, actors, dot) : !ReadDot(reader, actors, dot)) {
    return false;
  }
  const bool is_short = is_plain || (head & kFormMask) == kSingleShort;
  return (is_short ? ReadShortTime(reader, *dot, time) : reader.Fixed64(time)) && reader.at_end();
}

}  // namespace

StoredRecord Resolve(const std::vector<Version>& versions, const MergeFunction* merge) {
  return RecordOf(versions, ResolutionOf(versions, merge));
}

StoredRecord EncodeRecord(const std::vector<Version>& versions, ActorTable& actors,
                          const MergeFunction* merge) {
  const Resolution resolution = ResolutionOf(versions, merge);
  StoredRecord record = RecordOf(versions, resolution);
  if (versions.size() == 1) {
    const Version& version = versions[0];
    const bool is_short = IsTimeShort(version);
    uint8_t flags = 0;
    if (version.kind == Kind::kCounter) flags |= kIsCounter;
    if (version.expiry != 0) flags |= kExpires;
    if (!version.vector.empty()) flags |= kHasVector;
    const uint64_t index = actors.IndexOf(version.dot.actor);
    if (is_short && flags == 0 && index < kPlain) {
      record.stamp.push_back(static_cast<char>(kPlain | index));
      AppendVarint(record.stamp, version.dot.counter);
    } else {
      record.stamp.push_back(static_cast<char>((is_short ? kSingleShort : kSingle) | flags));
      AppendDot(record.stamp, version, actors);
    }
    if (is_short) {
      AppendShortTime(record.stamp, version);
    } else {
      AppendFixed64(record.stamp, version.time);
    }
    return record;
  }
  const Version* const own = resolution.own;
  std::string& out = record.stamp;
  const bool own_has_vector = own != nullptr && !own->vector.empty();
  out.push_back(static_cast<char>(kSeveral | (own_has_vector ? kHasVector : 0)));
  AppendVarint(out, versions.size());
  for (const Version& version : versions) {
    uint8_t flags = 0;
    if (version.kind == Kind::kCounter) flags |= kIsCounter;
    if (version.expiry != 0) flags |= kExpires;
    if (!version.vector.empty()) flags |= kHasVector;
    if (&version == own) flags |= kIsRecord;
    out.push_back(static_cast<char>(flags));
    AppendDot(out, version, actors);
    AppendFixed64(out, version.time);
    if (version.expiry != 0) AppendFixed64(out, static_cast<uint64_t>(version.expiry));
    if (&version == own) continue;
    AppendBytes(out, version.value);
    if (!version.vector.empty()) {
      AppendBytes(out, {reinterpret_cast<const char*>(version.vector.data()),
                        version.vector.size() * sizeof(float)});
    }
  }
  return record;
}

absl::StatusOr<std::vector<Version>> DecodeRecord(const StoredRecord& record,
                                                  const ActorTable& actors) {
  ByteReader reader(record.stamp);
  uint8_t head = 0;
  if (!reader.Byte(&head)) return Malformed();
  std::vector<Version> versions;
  if (IsSingle(head)) {
    Version version;
    version.kind = HasFlag(head, kIsCounter) ? Kind::kCounter : Kind::kRegister;
    if (!ReadSingle(reader, head, actors, &version.dot, &version.time)) return Malformed();
    version.expiry = HasFlag(head, kExpires) ? record.expiry : 0;
    version.value = record.value;
    if (HasFlag(head, kHasVector)) version.vector = record.vector;
    versions.push_back(std::move(version));
    return versions;
  }
  uint64_t count = 0;
  if ((head & kFormMask) != kSeveral || !reader.Varint(&count)) return Malformed();
  for (uint64_t i = 0; i < count; ++i) {
    Version version;
    uint8_t flags = 0;
    uint64_t expiry = 0;
    if (!reader.Byte(&flags) || !ReadDot(reader, actors, &version.dot) ||
        !reader.Fixed64(&version.time)) {
      return Malformed();
    }
    if ((flags & kExpires) != 0 && !reader.Fixed64(&expiry)) return Malformed();
    version.expiry = static_cast<int64_t>(expiry);
    version.kind = (flags & kIsCounter) != 0 ? Kind::kCounter : Kind::kRegister;
    if ((flags & kIsRecord) != 0) {
      version.value = record.value;
      if ((flags & kHasVector) != 0) version.vector = record.vector;
    } else {
      std::string_view value, floats;
      if (!reader.Bytes(&value)) return Malformed();
      version.value = value;
      if ((flags & kHasVector) != 0) {
        if (!reader.Bytes(&floats) || floats.size() % sizeof(float) != 0) return Malformed();
        version.vector.resize(floats.size() / sizeof(float));
        if (!floats.empty()) std::memcpy(version.vector.data(), floats.data(), floats.size());
      }
    }
    if (i > 0 && !(versions.back().dot < version.dot)) return Malformed();
    versions.push_back(std::move(version));
  }
  if (!reader.at_end() || count < 2) return Malformed();
  return versions;
}

bool DecodeDots(std::string_view stamp, const ActorTable& actors, std::vector<Dot>* dots) {
  dots->clear();
  ByteReader reader(stamp);
  uint8_t head = 0;
  uint64_t count = 1, time = 0, ignored = 0;
  Dot dot;
  if (!reader.Byte(&head)) return false;
  if (IsSingle(head)) {
    if (!ReadSingle(reader, head, actors, &dot, &time)) return false;
    dots->push_back(dot);
    return true;
  }
  if ((head & kFormMask) != kSeveral || !reader.Varint(&count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint8_t flags = 0;
    std::string_view bytes;
    if (!reader.Byte(&flags) || !ReadDot(reader, actors, &dot) || !reader.Fixed64(&time)) {
      return false;
    }
    if ((flags & kExpires) != 0 && !reader.Fixed64(&ignored)) return false;
    if ((flags & kIsRecord) == 0) {
      if (!reader.Bytes(&bytes)) return false;
      if ((flags & kHasVector) != 0 && !reader.Bytes(&bytes)) return false;
    }
    dots->push_back(dot);
  }
  return reader.at_end();
}

uint64_t ItemId(std::string_view key, const std::vector<Dot>& dots) {
  std::string bytes(key);
  for (const Dot& dot : dots) {
    AppendFixed64(bytes, dot.actor.slot);
    AppendFixed64(bytes, dot.actor.generation);
    AppendFixed64(bytes, dot.counter);
  }
  return XXH3_64bits(bytes.data(), bytes.size());
}

bool StampHasVector(std::string_view stamp) {
  return !stamp.empty() && HasFlag(static_cast<uint8_t>(stamp[0]), kHasVector);
}

bool StampHasSiblings(std::string_view stamp) {
  return !stamp.empty() && (static_cast<uint8_t>(stamp[0]) & kFormMask) == kSeveral;
}

}  // namespace kvserver::cluster
