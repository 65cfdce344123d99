// Making fields of a space ones that can be asked for, and no longer, while the store is in use.
//
// The state of each field is part of the space's definition, which goes through the commit queue.
// Create: from the commit of "building" on, every write under the prefix has rows for the field.
// What was there before gets them value by value, without being written again: its rows are put by
// the committer if the record is still the one they were made from. Then the field is "ready".
// Drop: from the commit of "dropping" on no write makes rows; then those that are there are deleted
// and the field is "gone": its number stays taken, so that a row never means another field. What a
// crash leaves in between is finished by the next open.
#include <memory>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/commit_types.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

constexpr size_t kStepValues = 256;
constexpr size_t kStepBytes = size_t{1} << 20;

// The rows that one value needs, as long as its record is the one with this hash.
struct FieldRows {
  std::string key;
  uint64_t record_hash = 0;
  uint64_t document = 0;
  std::vector<std::string> rows;
};

// A value that had no rows at all: its record must name the space, or nobody removes them.
struct UnindexedValue {
  std::string key, record_bytes;
  Record record;
};

// The keys of the rows that `value` needs for one field.
std::vector<std::string> RowsOf(const ActiveSpace& space, uint16_t field, std::string_view key,
                                std::string_view value) {
  DerivedDocument derived;
  DeriveValueRows(space, value, &derived);
  std::vector<std::string> rows;
  for (const std::string& row : derived.fields) {
    if (LoadFixed16(row.data()) != field) continue;
    rows.push_back(FieldKey(space.id(), field, std::string_view(row).substr(sizeof field), key));
  }
  return rows;
}

}  // namespace

absl::StatusOr<ActiveSpace*> Store::Impl::SpaceAt(std::string_view prefix) const {
  ActiveSpace* const space = Spaces().At(prefix);
  if (space != nullptr) return space;
  return MakeStatus(absl::StatusCode::kNotFound, "no space has the prefix '", Printable(prefix),
                    "'");
}

absl::Status Store::Impl::CreateFieldIndex(std::string_view prefix, std::string_view path) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  if (path.empty()) return InvalidArgument("the path of a field must not be empty");
  const std::lock_guard lock(define_mutex_);
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* const space, SpaceAt(prefix));
  SpaceDefinition definition = space->definition();
  if (const std::optional<uint16_t> field = definition.FieldNumber(path)) {
    // Building: an earlier attempt failed.
    return FinishFields(*space);
  }
  if (definition.fields.size() == kFieldNumbersMax) {
    return MakeStatus(absl::StatusCode::kResourceExhausted, "the space '", Printable(prefix),
                      "' has had ", kFieldNumbersMax, " fields: DropSpace it and define it anew");
  }
  definition.fields.emplace_back(path);
  if (!definition.field_states.empty()) definition.field_states.push_back(FieldState::kReady);
  definition.SetState(definition.fields.size() - 1, FieldState::kBuilding);
  const uint32_t id = space->id();
  LIBKV_RETURN_IF_ERROR(CommitSpace(id, definition, space->objects()));
  return FinishFields(*Spaces().ById(id));
}

absl::Status Store::Impl::DropFieldIndex(std::string_view prefix, std::string_view path) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  const std::lock_guard lock(define_mutex_);
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* const space, SpaceAt(prefix));
  const uint32_t id = space->id();
  if (const std::optional<uint16_t> field = space->definition().FieldNumber(path)) {
    LIBKV_RETURN_IF_ERROR(CommitFieldState(*space, *field, FieldState::kDropping));
  }
  return FinishFields(*Spaces().ById(id));
}

absl::Status Store::Impl::CommitFieldState(const ActiveSpace& space, uint16_t field,
                                           FieldState state) {
  SpaceDefinition definition = space.definition();
  definition.SetState(field, state);
  return CommitSpace(space.id(), definition, space.objects());
}

// Carries out what the states of its fields say is not done.
absl::Status Store::Impl::FinishFields(const ActiveSpace& space) {
  const ActiveSpace* newest = &space;
  for (size_t f = 0; f < space.definition().fields.size(); ++f) {
    const auto field = static_cast<uint16_t>(f);
    if (space.definition().StateOf(f) == FieldState::kBuilding) {
      LIBKV_RETURN_IF_ERROR(IndexField(*newest, field));
      LIBKV_RETURN_IF_ERROR(CommitFieldState(*newest, field, FieldState::kReady));
    } else if (space.definition().StateOf(f) == FieldState::kDropping) {
      LIBKV_RETURN_IF_ERROR(DeleteRows(Family::kIndex, FieldKey(space.id(), field, {}, {})));
      LIBKV_RETURN_IF_ERROR(CommitFieldState(*newest, field, FieldState::kGone));
    }
    newest = Spaces().ById(space.id());
  }
  return absl::OkStatus();
}

// Puts the rows of a field for the values that were there before it.
absl::Status Store::Impl::IndexField(const ActiveSpace& space, uint16_t field) {
  const std::string& prefix = space.definition().prefix;
  const std::unique_ptr<EngineSnapshot> rows = engine_->NewSnapshot();
  const auto cursor = engine_->NewCursor(
      Family::kData, {.snapshot = rows.get(), .fill_cache = false}, prefix, PrefixEnd(prefix));
  cursor->SeekToFirst();
  while (cursor->Valid()) {
    std::vector<FieldRows> step;
    std::vector<std::unique_ptr<UnindexedValue>> unindexed;
    size_t bytes = 0;
    // A larger record alone: it may fill a batch.
    const auto fits = [&] { return bytes == 0 || bytes + cursor->value().size() <= kStepBytes; };
    for (; cursor->Valid() && step.size() + unindexed.size() < kStepValues && fits();
         cursor->Next()) {
      Record record;
      // Damaged values stay as they are; Verify names them.
      const ActiveSpace* const owner = Spaces().Of(cursor->key());
      if (owner == nullptr || owner->id() != space.id() ||
          !ReadRecord(cursor->key(), cursor->value(), &record).ok()) {
        continue;
      }
      std::vector<std::string> keys = RowsOf(space, field, cursor->key(), record.value);
      if (keys.empty()) continue;
      bytes += cursor->value().size();
      if (record.header.space == space.id()) {
        step.push_back({std::string(cursor->key()), Hash64(cursor->value()), record.header.document,
                        std::move(keys)});
      } else {
        auto& value = *unindexed.emplace_back(std::make_unique<UnindexedValue>());
        value.key = cursor->key();
        value.record_bytes = cursor->value();
        LIBKV_RETURN_IF_ERROR(ReadRecord(value.key, value.record_bytes, &value.record));
      }
    }
    WriteRequest request;
    for (const auto& value : unindexed) {
      PendingChange& change = request.changes.emplace_back();
      change.key = value->key;
      change.value = value->record.value;
      change.expiry = value->record.header.expiry;
      change.stamp = value->record.header.stamp;
      change.only_if_record = Hash64(value->record_bytes);
    }
    absl::Status status;
    request.more_rows = [&](EngineBatch& batch) {
      for (const FieldRows& value : step) {
        // Somebody earlier in this group: what he wrote has its rows.
        if (pending_.contains(value.key)) continue;
        PinnedValue pinned;
        bool found = false;
        status.Update(engine_->Get(Family::kData, {}, value.key, &pinned, &found));
        if (!found || Hash64(pinned.view()) != value.record_hash) continue;
        for (const std::string& row : value.rows) {
          batch.Put(Family::kIndex, row, EncodeFieldRow(value.document));
        }
      }
    };
    if (step.empty() && unindexed.empty()) continue;
    LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
    LIBKV_RETURN_IF_ERROR(status);
  }
  return cursor->status();
}

}  // namespace libkv
