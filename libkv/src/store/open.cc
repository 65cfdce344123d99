// Opening and closing: what must be true of the directory, in which order the parts start, and what
// a close leaves behind.
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>

#include "base/clock.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "format/kvformat_file.h"
#include "format/row.h"
#include "index/probed_embedder.h"
#include "store/commit_types.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

constexpr size_t kMemoryBytesMin = size_t{8} << 20;

absl::Status CheckOptions(const Options& options) {
  if (options.memory_bytes < kMemoryBytesMin) {
    return InvalidArgument("memory_bytes is ", options.memory_bytes, "; at least ", kMemoryBytesMin,
                           " are needed");
  }
  if (options.exact_vectors_max < kExactVectorsMin) {
    return InvalidArgument("exact_vectors_max is ", options.exact_vectors_max, "; at least ",
                           kExactVectorsMin, " are needed");
  }
  for (const libkv::Space& space : options.spaces) {
    LIBKV_RETURN_IF_ERROR(DefinitionOf(space).status());
    const auto same = [&](const libkv::Space& other) { return other.prefix == space.prefix; };
    if (std::count_if(options.spaces.begin(), options.spaces.end(), same) > 1) {
      return InvalidArgument("two spaces have the prefix '", Printable(space.prefix), "'");
    }
  }
  return absl::OkStatus();
}

const libkv::Space* GivenFor(const Options& options, const std::string& prefix) {
  for (const libkv::Space& space : options.spaces) {
    if (space.prefix == prefix) return &space;
  }
  return nullptr;
}

// One delta fills while others are being sealed: together they may take a quarter of the budget.
size_t DeltaBytesMax(const Options& options) {
  return std::clamp(options.memory_bytes / 16, size_t{1} << 20, size_t{32} << 20);
}

// The state of a definition is the store's business, not the options'.
absl::Status CheckSame(const Options& options, const SpaceDefinition& stored) {
  const libkv::Space* const given = GivenFor(options, stored.prefix);
  if (given == nullptr) return absl::OkStatus();
  LIBKV_ASSIGN_OR_RETURN(const SpaceDefinition wanted, DefinitionOf(*given));
  if (stored.Serves(wanted)) return absl::OkStatus();
  return FailedPrecondition("space '", Printable(stored.prefix),
                            "' does not match the store: ", Difference(stored, wanted),
                            ". Open it as it is, or DropSpace it and define it anew");
}

}  // namespace

Store::Impl::Impl(const Options& options, std::string directory)
    : directory_(std::move(directory)),
      read_only_(options.read_only),
      clock_(options.clock ? options.clock : SystemTimeMillis),
      memory_bytes_(options.memory_bytes),
      delta_bytes_max_(DeltaBytesMax(options)),
      exact_vectors_max_(options.exact_vectors_max),
      records_(std::make_unique<RecordCache>(RecordBytesMax(options.memory_bytes, 0))) {
  PutTable({});
}

absl::StatusOr<std::unique_ptr<Store::Impl>> Store::Impl::Open(const Options& options,
                                                               const std::string& directory) {
  LIBKV_RETURN_IF_ERROR(CheckOptions(options));
  LIBKV_ASSIGN_OR_RETURN(const DirectoryContents there, LookInto(directory));
  if (there == DirectoryContents::kSomethingElse) {
    return FailedPrecondition(directory,
                              " holds other files: a store needs a directory of its own");
  }
  const bool is_new = there != DirectoryContents::kStore;
  if (is_new && (options.must_exist || options.read_only)) {
    return MakeStatus(absl::StatusCode::kNotFound, "there is no store in ", directory);
  }

  std::unique_ptr<Impl> store(new Impl(options, directory));
  if (is_new) LIBKV_RETURN_IF_ERROR(PrepareDirectory(directory));
  if (!options.read_only) {
    LIBKV_ASSIGN_OR_RETURN(store->lock_, DirectoryLock::Acquire(directory));
  }
  if (is_new) {
    LIBKV_RETURN_IF_ERROR(WriteFormatFile(directory));
  } else {
    LIBKV_RETURN_IF_ERROR(CheckFormatFile(directory));
  }
  LIBKV_RETURN_IF_ERROR(store->OpenEngine(options));
  LIBKV_RETURN_IF_ERROR(store->LoadCatalog(options));
  store->published_ = store->engine_->LatestSequence();
  Impl* const raw = store.get();
  if (!options.read_only) {
    store->queue_ = std::make_unique<CommitQueue>(
        [raw](std::span<CommitQueue::Request* const> group) noexcept { raw->CommitGroup(group); });
    LIBKV_RETURN_IF_ERROR(store->FinishSegments());
    // Whoever indexes existing values waits for these two.
    store->StartSealer();
    store->StartListKeeper();
    LIBKV_RETURN_IF_ERROR(store->FinishSpaces(options));
    store->StartLearner();
    store->StartEmbedding();
    store->StartMaintenance();
  }
  return store;
}

absl::Status Store::Impl::OpenEngine(const Options& options) {
  const EngineOptions engine_options{.read_only = options.read_only,
                                     .memory_bytes = options.memory_bytes,
                                     .background_threads = options.background_threads};
  LIBKV_ASSIGN_OR_RETURN(engine_, Engine::Open(engine_options, directory_));
  batch_ = engine_->NewBatch();

  PinnedValue row;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kDefault, {}, kFormatKey, &row, &found));
  if (found) {
    uint32_t format = 0, min_reader = 0;
    LIBKV_RETURN_IF_ERROR(ParseFormatRow(row.view(), &format, &min_reader));
    return CheckFormat(format, min_reader);
  }
  if (options.read_only) return absl::OkStatus();  // created, and killed before its first write
  batch_->Put(Family::kDefault, kFormatKey, EncodeFormatRow(kFormat, kMinReader));
  return engine_->Write(*batch_, /*sync=*/true);
}

absl::Status Store::Impl::LoadCatalog(const Options& options) {
  PinnedValue row;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kDefault, {}, kIdsKey, &row, &found));
  if (found) {
    IdsRow ids;
    LIBKV_RETURN_IF_ERROR(ParseIdsRow(row.view(), &ids));
    next_document_ = reserved_documents_ = ids.next_document;
    next_space_ = ids.next_space;
  }

  const std::unique_ptr<EngineSnapshot> rows = engine_->NewSnapshot();
  std::vector<std::shared_ptr<ActiveSpace>> spaces;
  const std::string prefix(kSpaceKeyPrefix);
  const auto cursor = engine_->NewCursor(Family::kDefault, {}, prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    Reader key(cursor->key().substr(prefix.size()));
    uint32_t id = 0;
    key.Fixed32(&id);
    if (!key.done()) continue;
    SpaceDefinition definition;
    LIBKV_RETURN_IF_ERROR(ParseSpaceDefinition(id, cursor->value(), &definition));
    const bool dropping = definition.state == SpaceState::kDropping;
    if (!dropping) LIBKV_RETURN_IF_ERROR(CheckSame(options, definition));
    const libkv::Space* const given = GivenFor(options, definition.prefix);
    LIBKV_ASSIGN_OR_RETURN(SpaceObjects objects,
                           ObjectsFor(definition, dropping ? nullptr : given));
    const uint32_t vectors_id = definition.vectors != 0 ? definition.vectors : id;

    uint64_t sealed_through = 0;
    if (definition.text) {
      LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kIndex, {}, TextDescriptorKey(id), &row, &found));
      if (found) LIBKV_RETURN_IF_ERROR(ParseTextDescriptor(id, row.view(), &sealed_through));
    }
    std::optional<VectorDescriptor> vectors;
    if (definition.dimension != 0) {
      LIBKV_RETURN_IF_ERROR(
          engine_->Get(Family::kVectors, {}, VectorDescriptorKey(vectors_id), &row, &found));
      if (found) {
        LIBKV_RETURN_IF_ERROR(ParseVectorDescriptor(vectors_id, row.view(), &vectors.emplace()));
        if (vectors->rotation != kRotationVersion ||
            vectors->padded != PaddedDimension(definition.dimension)) {
          return FailedPrecondition("the vectors of space '", Printable(definition.prefix),
                                    "' were rotated by a recipe this libkv does not know: use a "
                                    "newer one");
        }
        LIBKV_RETURN_IF_ERROR(UpgradeVectorDescriptor(vectors_id, &*vectors));
      } else if (!dropping) {
        return DataLoss("the vector descriptor of space '", Printable(definition.prefix),
                        "' is missing");
      }
    }
    LIBKV_RETURN_IF_ERROR(LoadModel(vectors_id, definition, &objects));
    LIBKV_RETURN_IF_ERROR(AddProbes(vectors_id, &objects));
    auto space = std::make_shared<ActiveSpace>(id, std::move(definition), objects.analyzer,
                                               objects.embedder, vectors, exact_vectors_max_);
    space->index()->SetSealedThrough(sealed_through);
    if (dropping) {
      dropping_.push_back(std::move(space));
      continue;
    }
    LIBKV_RETURN_IF_ERROR(LoadIndex(*space, rows.get(), *space->index()));
    spaces.push_back(std::move(space));
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());
  PutTable(std::move(spaces));
  return absl::OkStatus();
}

// The embedder is checked against the vectors that it made when the space was defined. Stores of
// older versions have none, and a row that is damaged is none: then it is taken as it is.
absl::Status Store::Impl::AddProbes(uint32_t vectors_id, SpaceObjects* objects) const {
  if (objects->embedder == nullptr) return absl::OkStatus();
  PinnedValue row;
  bool found = false;
  const std::string row_key = ProbesKey(vectors_id);
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, {}, row_key, &row, &found));
  if (!found) return absl::OkStatus();
  Probes probes;
  const absl::Status status = ParseProbesRow(row_key, row.view(), &probes);
  if (absl::IsDataLoss(status)) return absl::OkStatus();  // Verify names it
  LIBKV_RETURN_IF_ERROR(status);
  objects->embedder = WithProbes(std::move(objects->embedder), std::move(probes));
  return absl::OkStatus();
}

// From now on postings have keys, and lists: older libraries must not write here.
absl::Status Store::Impl::UpgradeVectorDescriptor(uint32_t vectors_id,
                                                  VectorDescriptor* descriptor) {
  if (read_only_ || descriptor->version >= VectorDescriptor().version) return absl::OkStatus();
  descriptor->version = VectorDescriptor().version;
  batch_->Clear();
  batch_->Put(Family::kVectors, VectorDescriptorKey(vectors_id),
              EncodeVectorDescriptor(vectors_id, *descriptor));
  return engine_->Write(*batch_, /*sync=*/true);
}

// What an earlier process left behind: segments not in force, or no longer readable.
absl::Status Store::Impl::FinishSegments() {
  for (const auto& space : Spaces().all()) {
    if (space->index()->has_forgotten_segments()) {
      LIBKV_RETURN_IF_ERROR(ForgetSegmentRows(*space));
    }
  }
  return DropOrphans();
}

// Takes up what an earlier process left unfinished, then defines what is new in the options.
absl::Status Store::Impl::FinishSpaces(const Options& options) {
  for (const auto& space : std::exchange(dropping_, {})) {
    LIBKV_RETURN_IF_ERROR(RemoveSpace(*space));
  }
  LIBKV_RETURN_IF_ERROR(DeleteLeftGenerations());
  for (const auto& space : std::vector(Spaces().all())) {
    if (space->definition().state != SpaceState::kBuilding) continue;
    SpaceDefinition definition = space->definition();
    LIBKV_RETURN_IF_ERROR(IndexExisting(definition.prefix));
    definition.state = SpaceState::kReady;
    LIBKV_RETURN_IF_ERROR(CommitSpace(space->id(), definition, space->objects()));
  }
  for (const auto& space : std::vector(Spaces().all())) LIBKV_RETURN_IF_ERROR(FinishFields(*space));
  for (const libkv::Space& space : options.spaces) LIBKV_RETURN_IF_ERROR(DefineSpace(space));
  return absl::OkStatus();
}

Store::Impl::~Impl() {
  if (fork_guard_.InChild()) {
    // The threads do not exist here and the files belong to the parent: touch nothing.
    static_cast<void>(queue_.release());
    static_cast<void>(engine_.release());
    static_cast<void>(batch_.release());
    static_cast<void>(records_.release());  // a thread may have been changing it
    maintenance_.detach();
    sealer_.detach();
    list_keeper_.detach();
    learner_.detach();
    embedding_.detach();
    return;
  }
  stop_keeper_.store(true);
  stop_sealing_.store(true);  // a merge that is running ends soon, with nothing changed
  stop_learning_.store(true);
  stop_embedding_.store(true);
  StopMaintenance();
  StopEmbedding();
  StopLearner();
  StopListKeeper();
  StopSealer();
  queue_.reset();
  if (engine_ == nullptr || read_only_) return;
  if (unsynced_.load()) {
    // One synced row behind them makes all writes before it durable.
    std::string sequence;
    AppendFixed64(sequence, engine_->LatestSequence());
    batch_->Clear();
    batch_->Put(Family::kDefault, kClosedKey, SealRow(kClosedKey, std::move(sequence)));
    static_cast<void>(engine_->Write(*batch_, /*sync=*/true));
  }
}

absl::Status Store::Impl::CheckUsable() const {
  if (!fork_guard_.InChild()) [[likely]]
    return absl::OkStatus();
  return FailedPrecondition(
      "the store was opened before a fork: only the process that opened it may use it");
}

absl::Status Store::Impl::CheckWritable() const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  if (!read_only_) [[likely]]
    return absl::OkStatus();
  return FailedPrecondition("the store is open read-only");
}

absl::Status Store::Impl::Flush() {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  return engine_->Flush();
}

absl::Status Store::Impl::Checkpoint(const std::string& directory) const {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  LIBKV_ASSIGN_OR_RETURN(const DirectoryContents there, LookInto(directory));
  if (there != DirectoryContents::kMissing) {
    return FailedPrecondition(directory, " exists already: a checkpoint needs a new name");
  }
  {
    // The copy has the tables of now and the log of a moment later: no segment may come into force
    // in between.
    const std::lock_guard lock(segments_mutex_);
    LIBKV_RETURN_IF_ERROR(engine_->Checkpoint(directory));
  }
  // Last: only a complete checkpoint is a store.
  return WriteFormatFile(directory);
}

StoreStats Store::Impl::Stats() const {
  StoreStats stats;
  if (!CheckUsable().ok()) return stats;
  const EngineStats engine = engine_->Stats();
  stats.keys_estimate = engine.keys_estimate;
  stats.disk_bytes = engine.disk_bytes;
  stats.memory_bytes = engine.memory_bytes;
  stats.commits = commits_.load(std::memory_order_relaxed);
  stats.writes = writes_.load(std::memory_order_relaxed);
  stats.syncs = syncs_.load(std::memory_order_relaxed);
  stats.expired = expired_.load(std::memory_order_relaxed);
  const RecordCache::Figures records = records_->figures();
  stats.record_hits = records.hits;
  stats.record_misses = records.misses;
  stats.record_cache_bytes = records.memory_bytes;
  stats.memory_bytes += records.memory_bytes;
  for (const auto& space : Spaces().all()) {
    const std::shared_ptr<const SpaceView> view = space->index()->view();
    SpaceStats& of_space = stats.spaces.emplace_back();
    of_space.prefix = space->definition().prefix;
    of_space.dimension = space->definition().dimension;
    of_space.embedder = space->definition().embedder;
    of_space.segments = view->sealed.size();
    for (const TextPart* part : view->parts()) {
      of_space.documents += part->live_documents();
      of_space.dead_documents += part->document_count() - part->live_documents();
      of_space.terms += part->term_count();
    }
    for (const auto& part : view->sealed) of_space.sealed_documents += part->live_documents();
    of_space.index_bytes = view->text_bytes();
    if (const VectorIndex* vectors = space->index()->vectors(); vectors != nullptr) {
      const std::shared_ptr<const ListTable> lists = vectors->view().lists;
      of_space.vectors = lists->live();
      of_space.vector_bytes = lists->memory_bytes();
      of_space.vector_lists = lists->list_count();
      of_space.list_splits = vectors->splits();
      of_space.list_merges = vectors->merges();
      if (space->next() != nullptr) {
        of_space.reembedded = space->next()->building().done;
        of_space.reembed_total = space->next()->building().total;
      }
      const SpaceIndex::Pending& pending = space->index()->pending();
      of_space.pending_vectors = static_cast<uint64_t>(std::max<int64_t>(pending.waiting, 0));
      of_space.refused_vectors = static_cast<uint64_t>(std::max<int64_t>(pending.refused, 0));
      if (space->definition().deferred) {
        const std::lock_guard embedding_lock(embedding_mutex_);
        const auto error = embed_errors_.find(space->id());
        if (error != embed_errors_.end()) of_space.embedder_error = error->second;
      }
      if (space->definition().learn) {
        of_space.learnt_from = space->definition().learnt_from;
        const std::lock_guard learning_lock(learning_mutex_);
        if (const auto learning = learning_.find(space->id()); learning != learning_.end()) {
          of_space.is_learning = learning->second.is_running;
          of_space.learning_progress = learning->second.progress;
          of_space.learning_error = learning->second.error;
        }
      }
      of_space.recall_age = vectors->deaths() - vectors->recall_deaths();
      if (const auto recall = vectors->recall(); recall != nullptr) {
        for (const RecallPoint& point : recall->points) {
          if (point.limit != 10) continue;
          of_space.recall.push_back(
              {.target = point.target,
               .share = static_cast<double>(point.entries) / static_cast<double>(recall->vectors),
               .delivered = point.delivered});
        }
      }
    }
    stats.memory_bytes += of_space.index_bytes + of_space.vector_bytes;
  }
  return stats;
}

}  // namespace libkv
