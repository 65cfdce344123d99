// Another embedder for a space, or the same one with another model, while the store is in use.
//
//   1. begin     the rows of the new generation of vectors get an id of their own; from then on
//                every write puts, and removes, its vector in both generations
//   2. existing  the values of before are embedded in steps; the committer writes the vectors of
//                those that are still what was embedded
//   3. switch    one row of the catalog names the new embedder and the new id
//   4. end       the rows of the old generation are deleted
//
// Of a generation whose id no definition names nothing is used: a crash before 3 leaves the new
// one behind, a crash after it the old one, and the next open deletes it.
#include <algorithm>
#include <memory>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "index/probed_embedder.h"
#include "store/commit_types.h"
#include "store/learnt_model.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

constexpr size_t kStepBytes = size_t{1} << 20;

absl::Status DroppedMeanwhile() {
  return FailedPrecondition("the space was dropped while it was embedded anew");
}

// The embedder that `space` has, without the check that its model is the one of before.
absl::StatusOr<std::shared_ptr<const Embedder>> OwnEmbedder(const ActiveSpace& space) {
  std::shared_ptr<const Embedder> embedder = WithoutProbes(space.objects().embedder);
  if (embedder != nullptr) return embedder;
  return FailedPrecondition("space '", Printable(space.definition().prefix),
                            "' uses the embedder '", space.definition().embedder,
                            "', which was not given at open: give one");
}

}  // namespace

// A value of before, and its vector by the new embedder.
struct Store::Impl::ReembedValue {
  std::string key, record_bytes;
  Record record;
  bool has_rows = false;  // its record names the space and says that there is a vector
  DerivedDocument derived;
};

absl::Status Store::Impl::Reembed(std::string_view prefix,
                                  std::shared_ptr<const Embedder> embedder) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  return BuildGeneration(prefix, std::move(embedder), nullptr);
}

// `model`: the one of the embedder, to be kept with its vectors; or null.
absl::Status Store::Impl::BuildGeneration(std::string_view prefix,
                                          std::shared_ptr<const Embedder> embedder,
                                          const LearntModel* model) {
  std::shared_ptr<ActiveSpace> next;
  LIBKV_ASSIGN_OR_RETURN(const uint32_t space,
                         BeginGeneration(prefix, std::move(embedder), model, &next));
  absl::Status status = CountExisting(space, *next);
  if (status.ok()) status = EmbedExisting(space, next);
  if (stop_learning_) return status;  // the next open deletes it
  const absl::Status ended = EndGeneration(space, next, /*is_complete=*/status.ok());
  return status.ok() ? ended : status;
}

// -- 1 --------------------------------------------------------------------------------------------

// The id of the space.
absl::StatusOr<uint32_t> Store::Impl::BeginGeneration(std::string_view prefix,
                                                      std::shared_ptr<const Embedder> embedder,
                                                      const LearntModel* model,
                                                      std::shared_ptr<ActiveSpace>* next) {
  const std::lock_guard lock(define_mutex_);
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* const space, SpaceAt(prefix));
  const SpaceDefinition& stored = space->definition();
  if (stored.embedder.empty()) {
    return FailedPrecondition("space '", Printable(prefix),
                              "' has no embedder: its vectors are given with its values");
  }
  if (stored.learn != (model != nullptr)) {
    return FailedPrecondition("space '", Printable(prefix), "' ",
                              stored.learn ? "learns its embedder: call TrainEmbedder"
                                           : "does not learn its embedder: set Space::learn");
  }
  if (space->next() != nullptr) {
    return FailedPrecondition("space '", Printable(prefix), "' is being embedded anew already");
  }
  if (embedder == nullptr) {
    LIBKV_ASSIGN_OR_RETURN(embedder, OwnEmbedder(*space));
  }
  SpaceDefinition definition;
  definition.state = SpaceState::kReady;
  definition.prefix = stored.prefix;
  definition.text_fields = stored.text_fields;
  definition.metric = stored.metric;
  definition.precision = stored.precision;
  definition.bits_only = stored.bits_only;
  definition.embedder = embedder->identity();
  definition.learn = stored.learn;
  if (model != nullptr) definition.learnt_from = model->texts;
  if (definition.embedder.empty()) return InvalidArgument("the embedder has an empty identity");
  if (embedder->dimension() == 0 || embedder->dimension() > kVectorDimensionMax) {
    return InvalidArgument("the embedder's dimension of ", embedder->dimension(), " is outside 1..",
                           kVectorDimensionMax);
  }
  LIBKV_ASSIGN_OR_RETURN(const Probes probes, MakeProbes(*embedder));
  definition.dimension = probes.dimension;

  const uint32_t vectors_id = next_space_;
  const std::optional<VectorDescriptor> descriptor = DescriptorFor(vectors_id, definition);
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    next_space_ = std::max(next_space_, vectors_id + 1);
    batch.Put(Family::kDefault, kIdsKey,
              EncodeIdsRow({.next_document = reserved_documents_, .next_space = next_space_}));
    batch.Put(Family::kVectors, VectorDescriptorKey(vectors_id),
              EncodeVectorDescriptor(vectors_id, *descriptor));
    const std::string row_key = ProbesKey(vectors_id);
    batch.Put(Family::kVectors, row_key, EncodeProbesRow(row_key, probes));
    if (model != nullptr) PutModel(batch, vectors_id, model->bytes);
  };
  LIBKV_RETURN_IF_ERROR(Run({}, request));
  *next = std::make_shared<ActiveSpace>(vectors_id, std::move(definition), nullptr,
                                        WithProbes(std::move(embedder), probes), descriptor,
                                        exact_vectors_max_);
  (*next)->building().keeps_old =
      space->embedder() != nullptr && MakeProbes(*space->embedder()).ok();
  const uint32_t id = space->id();
  LIBKV_RETURN_IF_ERROR(CommitSpace(id, stored, space->objects(), nullptr, *next));
  return id;
}

// -- 2 --------------------------------------------------------------------------------------------

bool Store::Impl::IsBuilding(uint32_t space, const std::shared_ptr<ActiveSpace>& next) const {
  const ActiveSpace* const there = Spaces().ById(space);
  return there != nullptr && there->next() == next;
}

absl::Status Store::Impl::CountExisting(uint32_t space, ActiveSpace& next) const {
  const std::string prefix = IndexPrefix(space, IndexKind::kDocument);
  const auto cursor =
      engine_->NewCursor(Family::kIndex, {.fill_cache = false}, prefix, PrefixEnd(prefix));
  const uint64_t first_document = next.building().first_document;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    uint64_t document = 0;
    if (!ParseDocumentSuffix(cursor->key().substr(prefix.size()), &document)) continue;
    if (document >= first_document) break;
    next.building().total.fetch_add(1, std::memory_order_relaxed);
  }
  return cursor->status();
}

// No snapshot: this may take hours, and what is written meanwhile has its vector already.
absl::Status Store::Impl::EmbedExisting(uint32_t space, const std::shared_ptr<ActiveSpace>& next) {
  const std::string end = PrefixEnd(next->definition().prefix);
  const uint64_t first_document = next->building().first_document;
  std::string from = next->definition().prefix;
  for (bool more = true; more;) {
    if (stop_learning_) return absl::AbortedError("the store is being closed");
    std::vector<std::unique_ptr<ReembedValue>> step;
    size_t bytes = 0;
    const auto cursor = engine_->NewCursor(Family::kData, {.fill_cache = false}, from, end);
    // A larger record alone: it may fill a batch.
    const auto fits = [&] { return bytes == 0 || bytes + cursor->value().size() <= kStepBytes; };
    for (cursor->SeekToFirst(); cursor->Valid() && step.size() < kEmbedTextsMax && fits();
         cursor->Next()) {
      const ActiveSpace* const owner = Spaces().Of(cursor->key());
      if (owner == nullptr || owner->id() != space) continue;
      auto value = std::make_unique<ReembedValue>();
      value->key = cursor->key();
      value->record_bytes = cursor->value();
      // Damaged values stay as they are; Verify names them.
      if (!ReadRecord(value->key, value->record_bytes, &value->record).ok()) continue;
      const RecordHeader& header = value->record.header;
      if (header.space == space && header.document >= first_document) continue;
      value->has_rows = header.space == space && header.has_vector;
      bytes += value->record_bytes.size();
      step.push_back(std::move(value));
    }
    LIBKV_RETURN_IF_ERROR(cursor->status());
    more = cursor->Valid();
    if (more) from = cursor->key();
    LIBKV_RETURN_IF_ERROR(EmbedStep(space, next, step));
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::EmbedStep(uint32_t space, const std::shared_ptr<ActiveSpace>& next,
                                    std::span<const std::unique_ptr<ReembedValue>> step) {
  std::vector<DeriveItem> items;
  uint64_t documents = 0;
  for (const auto& value : step) {
    items.push_back({next.get(), value->key, value->record.value, {}, &value->derived});
    if (value->record.header.document != 0) ++documents;
  }
  LIBKV_RETURN_IF_ERROR(Derive(items));
  WriteRequest request;
  for (const auto& value : step) {
    AssignList(*next, &value->derived);
    // One that had no vector until now: it is written again, and gets a document for it.
    if (value->has_rows || !value->derived.has_vector()) continue;
    PendingChange& change = request.changes.emplace_back();
    change.key = value->key;
    change.value = value->record.value;
    change.expiry = value->record.header.expiry;
    change.stamp = value->record.header.stamp;
    change.only_if_record = Hash64(value->record_bytes);
  }
  absl::Status status;
  request.more_rows = [&](EngineBatch&) {
    if (!IsBuilding(space, next)) {
      status = DroppedMeanwhile();
      return;
    }
    for (const auto& value : step) {
      if (!value->has_rows || !value->derived.has_vector() || !status.ok()) continue;
      status = AppendEmbedded(*next, *value);
    }
  };
  LIBKV_RETURN_IF_ERROR(WaitForLists());
  LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  next->building().done.fetch_add(documents, std::memory_order_relaxed);
  return status;
}

// On the leader's thread: the vector's rows, if the value is still the one that was embedded.
absl::Status Store::Impl::AppendEmbedded(const ActiveSpace& next, ReembedValue& value) {
  // Somebody earlier in this group: what he wrote has its vector.
  if (pending_.contains(value.key)) return absl::OkStatus();
  PinnedValue pinned;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, {}, value.key, &pinned, &found));
  if (!found || pinned.view() != value.record_bytes) return absl::OkStatus();
  OldRecord there;
  there.header = value.record.header;
  LIBKV_RETURN_IF_ERROR(ReadOldList(&there));
  PlaceVector(next, &value.derived);
  const RecordHeader& header = value.record.header;
  PutVectorRows(*batch_, next, value.key, header.document, header.expiry, value.derived);
  // Who overwrites it in this group must find the list it is in.
  std::optional<PendingState> vector_is;
  LIBKV_RETURN_IF_ERROR(ReadPendingState(header, &vector_is));
  pending_[value.key] = {
      false,     header, value.record.value, there.derived.list, value.derived.list,
      vector_is, nullptr};
  publications_.push_back({.space = &next,
                           .document = header.document,
                           .key = value.key,
                           .expiry = header.expiry,
                           .derived = &value.derived});
  return absl::OkStatus();
}

// -- 3, 4 -----------------------------------------------------------------------------------------

// The new generation comes into force, or is given up; the other one is deleted.
absl::Status Store::Impl::EndGeneration(uint32_t space, const std::shared_ptr<ActiveSpace>& next,
                                        bool is_complete) {
  uint32_t useless = next->id();
  {
    const std::lock_guard lock(define_mutex_);
    if (!IsBuilding(space, next)) return DroppedMeanwhile();  // with all of its rows
    const ActiveSpace* const before = Spaces().ById(space);
    SpaceDefinition definition = before->definition();
    SpaceObjects objects = before->objects();
    if (is_complete) {
      useless = before->vectors_id();
      definition.vectors = next->id();
      definition.dimension = next->definition().dimension;
      definition.embedder = next->definition().embedder;
      definition.learnt_from = next->definition().learnt_from;
      objects.embedder = next->objects().embedder;
    }
    LIBKV_RETURN_IF_ERROR(CommitSpace(space, definition, objects, nullptr, nullptr));
    if (!is_complete) next->ReplaceIndex(next->NewIndex());
    if (is_complete) LIBKV_RETURN_IF_ERROR(AskRefusedAgain(*Spaces().ById(space)));
  }
  return DeleteGeneration(useless);
}

// The descriptor last: by it Verify knows what the other rows are.
absl::Status Store::Impl::DeleteGeneration(uint32_t vectors_id) {
  for (const VectorKind kind :
       {VectorKind::kModel, VectorKind::kCentroid, VectorKind::kProbes, VectorKind::kList,
        VectorKind::kPosting, VectorKind::kRecall, VectorKind::kVector}) {
    LIBKV_RETURN_IF_ERROR(DeleteRows(Family::kVectors, VectorPrefix(vectors_id, kind)));
  }
  return DeleteRows(Family::kVectors, SpacePrefix(vectors_id));
}

// At open: what a crash left behind.
absl::Status Store::Impl::DeleteLeftGenerations() {
  std::vector<uint32_t> left;
  const auto cursor = engine_->NewCursor(Family::kVectors, {.fill_cache = false}, {}, {});
  cursor->SeekToFirst();
  while (cursor->Valid()) {
    Reader key(cursor->key());
    uint32_t id = 0;
    if (!key.Fixed32(&id)) {
      cursor->Next();
      continue;
    }
    // Ids from next_space_ on were not given by this library: not ours to judge.
    if (Spaces().ByVectors(id) == nullptr && id < next_space_) left.push_back(id);
    const std::string next = PrefixEnd(SpacePrefix(id));
    if (next.empty()) break;
    cursor->Seek(next);
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());
  for (const uint32_t id : left) LIBKV_RETURN_IF_ERROR(DeleteGeneration(id));
  return absl::OkStatus();
}

}  // namespace libkv
