#include "format/catalog_rows.h"

#include <algorithm>

#include "base/coding.h"
#include "base/strings.h"
#include "format/keys.h"
#include "format/row.h"
#include "libkv/options.h"

namespace libkv {
namespace {

constexpr uint8_t kDefinitionVersion = 1;
constexpr uint8_t kDescriptorVersion = 1;
constexpr uint8_t kVectorDescriptorVersion = 2;
constexpr uint64_t kListCountMax = kFieldNumbersMax;

enum Flag : uint8_t {
  kText = 0x01,
  kVectors = 0x02,
  kEmbedder = 0x04,
  kValues = 0x08,
  kFields = 0x10,
  kTextFields = 0x20,
  kFieldStates = 0x40,
  kMore = 0x80,  // a number with further flags follows
};

enum MoreFlag : uint64_t {
  kGeneration = 0x01,
  kLearns = 0x02,
  kBitsOnly = 0x04,
  kDeferred = 0x08,
  kKnownMoreFlags = 0x0F,
};

absl::Status Damaged(std::string_view key) {
  return DataLoss("row '", Printable(key), "' of the catalog is damaged");
}

absl::Status Unknown(std::string_view key) {
  return FailedPrecondition("row '", Printable(key),
                            "' of the catalog was written by a newer libkv: use that one");
}

void AppendList(std::string& out, const std::vector<std::string>& list) {
  AppendVarint(out, list.size());
  for (const std::string& item : list) AppendBytes(out, item);
}

bool ReadList(Reader& in, std::vector<std::string>* list) {
  uint64_t count = 0;
  if (!in.Varint(&count) || count > kListCountMax) return false;
  for (uint64_t i = 0; i < count; ++i) {
    std::string_view item;
    if (!in.Bytes(&item)) return false;
    list->emplace_back(item);
  }
  return true;
}

bool KnownVectors(const SpaceDefinition& d) {
  return d.dimension >= 1 && d.dimension <= kVectorDimensionMax &&
         d.metric >= static_cast<uint8_t>(Metric::kCosine) &&
         d.metric <= static_cast<uint8_t>(Metric::kInnerProduct) &&
         d.precision >= static_cast<uint8_t>(VectorPrecision::kFloat32) &&
         d.precision <= static_cast<uint8_t>(VectorPrecision::kFloat16);
}

bool ReadString(Reader& in, std::string* out) {
  std::string_view bytes;
  if (!in.Bytes(&bytes)) return false;
  *out = bytes;
  return true;
}

}  // namespace

std::string EncodeIdsRow(const IdsRow& ids) {
  std::string out;
  AppendFixed40(out, ids.next_document);
  AppendFixed32(out, ids.next_space);
  return SealRow(kIdsKey, std::move(out));
}

absl::Status ParseIdsRow(std::string_view row, IdsRow* ids) {
  std::string_view payload;
  if (!OpenRow(kIdsKey, row, &payload)) return Damaged(kIdsKey);
  Reader in(payload);
  in.Fixed40(&ids->next_document);
  in.Fixed32(&ids->next_space);
  return in.done() ? absl::OkStatus() : Damaged(kIdsKey);
}

void SpaceDefinition::SetState(size_t field, FieldState to) {
  field_states.resize(fields.size(), FieldState::kReady);
  field_states[field] = to;
  if (to == FieldState::kGone) fields[field].clear();
  const bool all_ready = std::all_of(field_states.begin(), field_states.end(),
                                     [](FieldState s) { return s == FieldState::kReady; });
  if (all_ready) field_states.clear();
}

std::optional<uint16_t> SpaceDefinition::FieldNumber(std::string_view name) const {
  for (size_t f = 0; f < fields.size(); ++f) {
    if (fields[f] == name && IsIndexed(f)) return static_cast<uint16_t>(f);
  }
  return std::nullopt;
}

bool SpaceDefinition::SameAs(const SpaceDefinition& other) const {
  return prefix == other.prefix && text == other.text && analyzer == other.analyzer &&
         text_fields == other.text_fields && dimension == other.dimension &&
         metric == other.metric && precision == other.precision && bits_only == other.bits_only &&
         embedder == other.embedder && learn == other.learn && deferred == other.deferred &&
         values == other.values && fields == other.fields && field_states == other.field_states;
}

bool SpaceDefinition::Serves(const SpaceDefinition& wanted) const {
  SpaceDefinition with_fields = wanted;
  with_fields.fields = fields;
  with_fields.field_states = field_states;
  with_fields.bits_only = bits_only;
  if (learn && wanted.learn) {
    with_fields.embedder = embedder;
    with_fields.dimension = dimension;
  }
  return SameAs(with_fields) &&
         std::all_of(wanted.fields.begin(), wanted.fields.end(),
                     [this](const std::string& name) { return FieldNumber(name).has_value(); });
}

std::string EncodeSpaceDefinition(uint32_t space, const SpaceDefinition& definition) {
  const SpaceDefinition& d = definition;
  uint8_t flags = 0;
  if (d.text) flags |= kText;
  if (d.dimension != 0) flags |= kVectors;
  if (!d.embedder.empty()) flags |= kEmbedder;
  if (d.values) flags |= kValues;
  if (!d.fields.empty()) flags |= kFields;
  if (!d.text_fields.empty()) flags |= kTextFields;
  if (!d.field_states.empty()) flags |= kFieldStates;
  uint64_t more = 0;
  if (d.vectors != 0) more |= kGeneration;
  if (d.learn) more |= kLearns;
  if (d.bits_only) more |= kBitsOnly;
  if (d.deferred) more |= kDeferred;
  if (more != 0) flags |= kMore;

  std::string out;
  out += static_cast<char>(kDefinitionVersion);
  out += static_cast<char>(d.state);
  out += static_cast<char>(flags);
  AppendBytes(out, d.prefix);
  if (d.text) AppendBytes(out, d.analyzer);
  if (!d.text_fields.empty()) AppendList(out, d.text_fields);
  if (d.dimension != 0) {
    AppendVarint(out, d.dimension);
    out += static_cast<char>(d.metric);
    out += static_cast<char>(d.precision);
  }
  if (!d.embedder.empty()) AppendBytes(out, d.embedder);
  if (!d.fields.empty()) AppendList(out, d.fields);
  for (const FieldState field_state : d.field_states) out += static_cast<char>(field_state);
  if (more != 0) AppendVarint(out, more);
  if (d.vectors != 0) AppendVarint(out, d.vectors);
  if (d.learn) AppendVarint(out, d.learnt_from);
  return SealRow(SpaceKey(space), std::move(out));
}

absl::Status ParseSpaceDefinition(uint32_t space, std::string_view row,
                                  SpaceDefinition* definition) {
  const std::string key = SpaceKey(space);
  std::string_view payload;
  if (!OpenRow(key, row, &payload)) return Damaged(key);
  Reader in(payload);
  uint8_t version = 0, state = 0, flags = 0;
  in.Fixed8(&version);
  in.Fixed8(&state);
  in.Fixed8(&flags);
  const bool known_flags = (flags & kFieldStates) == 0 || (flags & kFields) != 0;
  if (version != kDefinitionVersion || !known_flags || state < 1 || state > 3) {
    return Unknown(key);
  }
  SpaceDefinition d;
  d.state = static_cast<SpaceState>(state);
  d.text = (flags & kText) != 0;
  d.values = (flags & kValues) != 0;
  bool good = ReadString(in, &d.prefix);
  if (d.text) good = good && ReadString(in, &d.analyzer);
  if ((flags & kTextFields) != 0) good = good && ReadList(in, &d.text_fields);
  if ((flags & kVectors) != 0) {
    good = good && in.Varint32(&d.dimension) && in.Fixed8(&d.metric) && in.Fixed8(&d.precision);
  }
  if ((flags & kEmbedder) != 0) good = good && ReadString(in, &d.embedder);
  if ((flags & kFields) != 0) good = good && ReadList(in, &d.fields);
  bool known_states = true;
  if ((flags & kFieldStates) != 0) {
    for (size_t f = 0; good && f < d.fields.size(); ++f) {
      uint8_t field_state = 0;
      good = in.Fixed8(&field_state);
      known_states = known_states && field_state >= static_cast<uint8_t>(FieldState::kBuilding) &&
                     field_state <= static_cast<uint8_t>(FieldState::kGone);
      d.field_states.push_back(static_cast<FieldState>(field_state));
    }
  }
  if ((flags & kMore) != 0) {
    uint64_t more = 0;
    good = good && in.Varint(&more);
    if (good && (more & ~uint64_t{kKnownMoreFlags}) != 0) return Unknown(key);
    if ((more & kGeneration) != 0) good = good && in.Varint32(&d.vectors);
    d.bits_only = (more & kBitsOnly) != 0;
    d.deferred = (more & kDeferred) != 0;
    d.learn = (more & kLearns) != 0;
    if (d.learn) good = good && in.Varint(&d.learnt_from);
  }
  if (!good || !in.done()) return Damaged(key);
  if (!known_states) return Unknown(key);
  // The row is intact: what makes no sense here was written by a version that knows more.
  if ((flags & kVectors) != 0 && !KnownVectors(d)) return Unknown(key);
  *definition = std::move(d);
  return absl::OkStatus();
}

std::string EncodeTextDescriptor(uint32_t space, uint64_t sealed_through) {
  std::string out{static_cast<char>(kDescriptorVersion)};
  AppendFixed40(out, sealed_through);
  return SealRow(TextDescriptorKey(space), std::move(out));
}

absl::Status ParseTextDescriptor(uint32_t space, std::string_view row, uint64_t* sealed_through) {
  const std::string key = TextDescriptorKey(space);
  std::string_view payload;
  if (!OpenRow(key, row, &payload)) return Damaged(key);
  Reader in(payload);
  uint8_t version = 0;
  in.Fixed8(&version);
  if (in.ok() && version != kDescriptorVersion) return Unknown(key);
  in.Fixed40(sealed_through);
  return in.done() ? absl::OkStatus() : Damaged(key);
}

std::string EncodeSegmentRow(uint32_t space, uint32_t segment, const SegmentSummary& summary,
                             std::string_view dead) {
  std::string out{static_cast<char>(kDescriptorVersion)};
  AppendVarint(out, summary.documents);
  AppendVarint(out, summary.words);
  AppendFixed40(out, summary.first);
  AppendFixed40(out, summary.last);
  AppendVarint(out, summary.terms);
  AppendBytes(out, dead);
  return SealRow(SegmentKey(space, segment), std::move(out));
}

absl::Status ParseSegmentRow(uint32_t space, uint32_t segment, std::string_view row,
                             SegmentSummary* summary, std::string_view* dead) {
  const std::string key = SegmentKey(space, segment);
  std::string_view payload;
  if (!OpenRow(key, row, &payload)) return Damaged(key);
  Reader in(payload);
  uint8_t version = 0;
  in.Fixed8(&version);
  if (in.ok() && version != kDescriptorVersion) return Unknown(key);
  in.Varint(&summary->documents);
  in.Varint(&summary->words);
  in.Fixed40(&summary->first);
  in.Fixed40(&summary->last);
  in.Varint(&summary->terms);
  in.Bytes(dead);
  return in.done() ? absl::OkStatus() : Damaged(key);
}

std::string EncodeVectorDescriptor(uint32_t space, const VectorDescriptor& descriptor) {
  std::string out{static_cast<char>(descriptor.version), static_cast<char>(descriptor.rotation)};
  AppendFixed64(out, descriptor.seed);
  AppendVarint(out, descriptor.padded);
  return SealRow(VectorDescriptorKey(space), std::move(out));
}

absl::Status ParseVectorDescriptor(uint32_t space, std::string_view row,
                                   VectorDescriptor* descriptor) {
  const std::string key = VectorDescriptorKey(space);
  std::string_view payload;
  if (!OpenRow(key, row, &payload)) return Damaged(key);
  Reader in(payload);
  in.Fixed8(&descriptor->version);
  const bool is_known = descriptor->version >= 1 && descriptor->version <= kVectorDescriptorVersion;
  if (in.ok() && !is_known) return Unknown(key);
  in.Fixed8(&descriptor->rotation);
  in.Fixed64(&descriptor->seed);
  in.Varint32(&descriptor->padded);
  return in.done() ? absl::OkStatus() : Damaged(key);
}

std::string EncodeFormatRow(uint32_t format, uint32_t min_reader) {
  std::string out;
  AppendFixed32(out, format);
  AppendFixed32(out, min_reader);
  return SealRow(kFormatKey, std::move(out));
}

absl::Status ParseFormatRow(std::string_view row, uint32_t* format, uint32_t* min_reader) {
  std::string_view payload;
  if (!OpenRow(kFormatKey, row, &payload)) return Damaged(kFormatKey);
  Reader in(payload);
  in.Fixed32(format);
  in.Fixed32(min_reader);
  return in.ok() ? absl::OkStatus() : Damaged(kFormatKey);
}

}  // namespace libkv
