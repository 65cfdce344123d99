// Defining and dropping spaces while the store is in use.
//
// A definition goes through the commit queue like any write. From that commit on every write under
// the prefix is indexed; what was there before is then written again, value by value, each only if
// nobody changed it meanwhile. The definition says "building" until that is done, so that an open
// after a crash goes on with it; "dropping" works the same way in the other direction.
#include <algorithm>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/probed_embedder.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

constexpr size_t kStepChanges = 256;
constexpr size_t kStepBytes = size_t{1} << 20;  // a larger record alone: it may fill a batch

}  // namespace

void Store::Impl::PutTable(std::vector<std::shared_ptr<ActiveSpace>> spaces) {
  tables_.push_back(std::make_unique<const SpaceTable>(std::move(spaces)));
  table_.store(tables_.back().get(), std::memory_order_release);
}

std::vector<std::shared_ptr<ActiveSpace>> Store::Impl::SpacesBut(uint32_t id) const {
  std::vector<std::shared_ptr<ActiveSpace>> spaces;
  for (const auto& space : Spaces().all()) {
    if (space->id() != id) spaces.push_back(space);
  }
  return spaces;
}

// In force from now on: `space`, with what `before`, its older state, has in memory.
void Store::Impl::ReplaceSpace(ActiveSpace* before, const std::shared_ptr<ActiveSpace>& space) {
  const std::lock_guard lock(publish_mutex_);
  if (before != nullptr) {
    space->ReplaceIndex(before->index());
    before->ReplaceIndex(before->NewIndex());
    // Its vectors are those of the generation that was being built.
    if (before->vectors_id() != space->vectors_id()) {
      space->index()->TakeVectors(*before->next()->index());
    }
    if (VectorIndex* const vectors = space->index()->vectors()) {
      vectors->SetStorage(space->list_storage());
    }
  }
  const bool had_next = before != nullptr && before->next() != nullptr;
  if (space->next() != nullptr && !had_next) {
    space->next()->building().first_document = next_document_;
  }
  auto spaces = SpacesBut(space->id());
  spaces.push_back(space);
  PutTable(std::move(spaces));
}

std::optional<VectorDescriptor> Store::Impl::DescriptorFor(uint32_t vectors_id,
                                                           const SpaceDefinition& definition) {
  if (definition.dimension == 0) return std::nullopt;
  return VectorDescriptor{.rotation = kRotationVersion,
                          .seed = vectors_id,
                          .padded = static_cast<uint32_t>(PaddedDimension(definition.dimension))};
}

// Writes the definition and puts it in force, keeping what an older state of it has in memory.
absl::Status Store::Impl::CommitSpace(uint32_t id, const SpaceDefinition& definition,
                                      const SpaceObjects& objects) {
  const ActiveSpace* const before = Spaces().ById(id);
  return CommitSpace(id, definition, objects, nullptr,
                     before != nullptr ? before->next() : nullptr);
}

// `probes` of a space whose embedder is new; `next` is the generation that is built from now on.
absl::Status Store::Impl::CommitSpace(uint32_t id, const SpaceDefinition& definition,
                                      const SpaceObjects& objects, const Probes* probes,
                                      std::shared_ptr<ActiveSpace> next) {
  const uint32_t vectors_id = definition.vectors != 0 ? definition.vectors : id;
  const std::optional<VectorDescriptor> vectors = DescriptorFor(vectors_id, definition);
  ActiveSpace* const before = Spaces().ById(id);
  auto space = std::make_shared<ActiveSpace>(id, definition, objects.analyzer, objects.embedder,
                                             vectors, exact_vectors_max_, std::move(next));
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    next_space_ = std::max(next_space_, id + 1);
    batch.Put(Family::kDefault, kIdsKey,
              EncodeIdsRow({.next_document = reserved_documents_, .next_space = next_space_}));
    batch.Put(Family::kDefault, SpaceKey(id), EncodeSpaceDefinition(id, definition));
    // A segment that comes into force in the same group has moved it already.
    if (definition.text && before == nullptr) {
      batch.Put(Family::kIndex, TextDescriptorKey(id), EncodeTextDescriptor(id, 0));
    }
    if (vectors.has_value()) {
      batch.Put(Family::kVectors, VectorDescriptorKey(vectors_id),
                EncodeVectorDescriptor(vectors_id, *vectors));
    }
    if (probes != nullptr) {
      const std::string row_key = ProbesKey(vectors_id);
      batch.Put(Family::kVectors, row_key, EncodeProbesRow(row_key, *probes));
    }
  };
  request.after = [&] { ReplaceSpace(before, space); };
  return Run({}, request);
}

absl::Status Store::Impl::DefineSpace(const libkv::Space& space) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  LIBKV_ASSIGN_OR_RETURN(SpaceDefinition definition, DefinitionOf(space));
  LIBKV_ASSIGN_OR_RETURN(SpaceObjects objects, ObjectsFor(definition, &space));
  const std::lock_guard lock(define_mutex_);
  if (const ActiveSpace* stored = Spaces().At(space.prefix)) {
    if (stored->definition().Serves(definition)) {
      return KeepInMemory(*stored, definition.bits_only);
    }
    return FailedPrecondition("space '", Printable(space.prefix), "' is defined otherwise: ",
                              Difference(stored->definition(), definition),
                              ". Open it as it is, or DropSpace it and define it anew");
  }
  const uint32_t id = next_space_;
  std::optional<Probes> probes;
  if (objects.embedder != nullptr) {
    LIBKV_ASSIGN_OR_RETURN(probes, MakeProbes(*objects.embedder));
    objects.embedder = WithProbes(std::move(objects.embedder), *probes);
  }
  definition.state = SpaceState::kBuilding;
  LIBKV_RETURN_IF_ERROR(
      CommitSpace(id, definition, objects, probes.has_value() ? &*probes : nullptr, nullptr));
  LIBKV_RETURN_IF_ERROR(IndexExisting(definition.prefix));
  definition.state = SpaceState::kReady;
  return CommitSpace(id, definition, objects);
}

// What of the vectors is in memory from now on.
absl::Status Store::Impl::KeepInMemory(const ActiveSpace& space, bool bits_only) {
  if (space.definition().bits_only == bits_only) return absl::OkStatus();
  if (space.next() != nullptr) {
    return FailedPrecondition("space '", Printable(space.definition().prefix),
                              "' is being embedded anew: change vector_memory afterwards");
  }
  SpaceDefinition definition = space.definition();
  definition.bits_only = bits_only;
  const uint32_t id = space.id();
  LIBKV_RETURN_IF_ERROR(CommitSpace(id, definition, space.objects()));
  return LoadAllLists(*Spaces().ById(id));
}

std::optional<libkv::Space> Store::Impl::SpaceOf(std::string_view key) const {
  const ActiveSpace* const space = CheckUsable().ok() ? Spaces().Of(key) : nullptr;
  if (space == nullptr) return std::nullopt;
  return SpaceFrom(*space);
}

std::vector<libkv::Space> Store::Impl::DefinedSpaces() const {
  std::vector<libkv::Space> spaces;
  if (!CheckUsable().ok()) return spaces;
  for (const auto& space : Spaces().all()) spaces.push_back(SpaceFrom(*space));
  std::sort(spaces.begin(), spaces.end(),
            [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  return spaces;
}

absl::Status Store::Impl::DropSpace(std::string_view prefix) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  const std::lock_guard lock(define_mutex_);
  ActiveSpace* const space = Spaces().At(prefix);
  if (space == nullptr) {
    return MakeStatus(absl::StatusCode::kNotFound, "no space has the prefix '", Printable(prefix),
                      "'");
  }
  SpaceDefinition definition = space->definition();
  definition.state = SpaceState::kDropping;
  std::shared_ptr<const SpaceView> dropped;
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    batch.Put(Family::kDefault, SpaceKey(space->id()),
              EncodeSpaceDefinition(space->id(), definition));
  };
  request.after = [&] {
    const std::lock_guard publish_lock(publish_mutex_);
    PutTable(SpacesBut(space->id()));
    dropped = space->index()->view();
    space->ReplaceIndex(space->NewIndex());
    if (space->next() != nullptr) space->next()->ReplaceIndex(space->next()->NewIndex());
  };
  LIBKV_RETURN_IF_ERROR(Run({}, request));
  Retire(dropped->sealed);
  dropped = nullptr;
  return RemoveSpace(*space);
}

// What is left to do once a space is out of force.
absl::Status Store::Impl::RemoveSpace(const ActiveSpace& space) {
  LIBKV_RETURN_IF_ERROR(DeleteRows(Family::kIndex, SpacePrefix(space.id())));
  LIBKV_RETURN_IF_ERROR(DeleteGeneration(space.vectors_id()));
  if (space.next() != nullptr) LIBKV_RETURN_IF_ERROR(DeleteGeneration(space.next()->id()));
  // Its keys may belong to a shorter prefix now.
  LIBKV_RETURN_IF_ERROR(IndexExisting(space.definition().prefix));
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    batch.Delete(Family::kDefault, SpaceKey(space.id()));
  };
  return Run({}, request);
}

// Deletes all rows that begin with `prefix`, in steps: range tombstones would slow down every later
// scan next to them.
absl::Status Store::Impl::DeleteRows(Family family, const std::string& prefix) {
  const auto cursor = engine_->NewCursor(family, {.fill_cache = false}, prefix, PrefixEnd(prefix));
  cursor->SeekToFirst();
  while (cursor->Valid()) {
    std::vector<std::string> keys;
    for (; cursor->Valid() && keys.size() < kStepChanges; cursor->Next()) {
      keys.emplace_back(cursor->key());
    }
    WriteRequest request;
    request.more_rows = [&](EngineBatch& batch) {
      for (const std::string& key : keys) batch.Delete(family, key);
    };
    LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  }
  return cursor->status();
}

// Indexes the values under `prefix` that are not yet in the space they belong to.
absl::Status Store::Impl::IndexExisting(std::string_view prefix) {
  const std::unique_ptr<EngineSnapshot> rows = engine_->NewSnapshot();
  const auto cursor =
      engine_->NewCursor(Family::kData, {.snapshot = rows.get(), .fill_cache = false},
                         std::string(prefix), PrefixEnd(prefix));
  cursor->SeekToFirst();
  struct Copy {
    std::string key, record_bytes;
    Record record;
  };
  while (cursor->Valid()) {
    std::vector<Copy> step;
    size_t bytes = 0;
    step.reserve(kStepChanges);
    const auto fits = [&] { return bytes == 0 || bytes + cursor->value().size() <= kStepBytes; };
    for (; cursor->Valid() && step.size() < kStepChanges && fits(); cursor->Next()) {
      const ActiveSpace* const space = Spaces().Of(cursor->key());
      Copy& copy = step.emplace_back();
      copy.key = cursor->key();
      copy.record_bytes = cursor->value();
      // Damaged values stay as they are; Verify names them.
      if (space == nullptr || !ReadRecord(copy.key, copy.record_bytes, &copy.record).ok() ||
          copy.record.header.space == space->id()) {
        step.pop_back();
        continue;
      }
      bytes += copy.record_bytes.size();
    }
    WriteRequest request;
    for (const Copy& copy : step) {
      PendingChange& change = request.changes.emplace_back();
      change.key = copy.key;
      change.value = copy.record.value;
      change.expiry = copy.record.header.expiry;
      change.stamp = copy.record.header.stamp;
      change.only_if_record = Hash64(copy.record_bytes);
    }
    if (step.empty()) continue;
    LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  }
  return cursor->status();
}

}  // namespace libkv
