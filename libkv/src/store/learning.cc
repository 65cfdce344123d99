// Spaces that learn their embedder: a model is trained on the values that are there, kept in rows
// beside the vectors it makes, and read back at open. How one follows the other: reembed.cc.
//
// The learner is a thread that looks now and then whether a space has twice the values that its
// model was learnt from. Vectors of two models cannot be compared, so that each time costs all of
// them anew: at each doubling, that is as much again as all values together took, once.
#include <algorithm>
#include <chrono>
#include <exception>

#include "absl/container/flat_hash_map.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "embed/lsa_counts.h"
#include "format/keys.h"
#include "format/row.h"
#include "index/corpus_counts.h"
#include "libkv/lsa.h"
#include "store/learnt_model.h"
#include "store/store_impl.h"
#include "text/json_text.h"

namespace libkv {
namespace {

constexpr auto kPause = std::chrono::milliseconds(500);
constexpr uint64_t kLearnFrom = 2'000;  // values with vectors
// Of a training's progress: until the words are counted.
constexpr double kCountingShare = 0.2;
constexpr uint8_t kVersion = 1;
constexpr size_t kChunkBytes = size_t{256} << 10;
constexpr size_t kModelBytesMax = size_t{64} << 20;

}  // namespace

absl::Status Store::Impl::TrainEmbedder(std::string_view prefix) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* const space, SpaceAt(prefix));
  if (!space->definition().learn) {
    return FailedPrecondition("space '", Printable(prefix),
                              "' does not learn its embedder: set Space::learn");
  }
  const std::lock_guard lock(learn_mutex_);  // one after the other: the learner may be at it
  const uint32_t id = space->id();
  SetLearning(id, {.is_running = true});
  const absl::Status status = TrainNow(*space);
  SetLearning(id, {.error = std::string(status.message())});  // none if it is OK
  return status;
}

absl::Status Store::Impl::TrainNow(const ActiveSpace& space) {
  LIBKV_ASSIGN_OR_RETURN(const LearntModel model, LearnFrom(space));
  if (stop_learning_) return absl::AbortedError("the store is being closed");
  LIBKV_ASSIGN_OR_RETURN(std::shared_ptr<const Embedder> embedder,
                         MakeLsaEmbedder(model.bytes, space.objects().analyzer));
  return BuildGeneration(space.definition().prefix, std::move(embedder), &model);
}

absl::StatusOr<Store::Impl::LearntModel> Store::Impl::LearnFrom(const ActiveSpace& space) const {
  LsaOptions options;
  options.analyzer = space.objects().analyzer;
  if (options.analyzer == nullptr) options.analyzer = MakeEnglishAnalyzer();
  try {
    if (space.analyzer() != nullptr) return LearnFromIndex(space, options);
    return LearnFromValues(space, options);
  } catch (const std::exception& error) {
    return MakeStatus(absl::StatusCode::kInternal,
                      "the analyzer threw an exception: ", std::string_view(error.what()));
  } catch (...) {
    return MakeStatus(absl::StatusCode::kInternal, "the analyzer threw an exception");
  }
}

// From the counts that the word index has.
absl::StatusOr<Store::Impl::LearntModel> Store::Impl::LearnFromIndex(
    const ActiveSpace& space, const LsaOptions& options) const {
  LearntModel model;
  model.texts = space.index()->vectors()->live();
  LIBKV_ASSIGN_OR_RETURN(LsaCounts counts, CountTexts(space, options.seed));
  const auto tell = [&](double done) {
    return TellLearning(space.id(), kCountingShare + (1 - kCountingShare) * done);
  };
  LIBKV_ASSIGN_OR_RETURN(model.bytes, LearnLsaModel(std::move(counts), options, tell));
  return model;
}

absl::StatusOr<LsaCounts> Store::Impl::CountTexts(const ActiveSpace& space, uint64_t seed) const {
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(nullptr);
  const std::shared_ptr<const SpaceView> view = snapshot->ViewOf(space);
  if (view == nullptr) return FailedPrecondition("the space was dropped while it learnt");
  const PartView of_now{.sequence = snapshot->rows->sequence(), .now = Now()};
  return CountCorpus(view->parts(), of_now, seed,
                     [&](double done) { return TellLearning(space.id(), kCountingShare * done); });
}

// Of a space without a word index.
absl::StatusOr<Store::Impl::LearntModel> Store::Impl::LearnFromValues(
    const ActiveSpace& space, const LsaOptions& options) const {
  const SpaceDefinition& definition = space.definition();
  LearntModel model;
  LsaTrainer trainer(options);
  const auto cursor = engine_->NewCursor(Family::kData, {.fill_cache = false}, definition.prefix,
                                         PrefixEnd(definition.prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    if (stop_learning_) return absl::AbortedError("the store is being closed");
    const ActiveSpace* const owner = Spaces().Of(cursor->key());
    Record record;
    if (owner == nullptr || owner->id() != space.id() ||
        !ReadRecord(cursor->key(), cursor->value(), &record).ok()) {
      continue;
    }
    if (record.header.has_vector) ++model.texts;
    trainer.Add(IndexedText(record.value, definition.text_fields));
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());
  const auto tell = [&](double done) {
    return TellLearning(space.id(), kCountingShare + (1 - kCountingShare) * done);
  };
  LIBKV_ASSIGN_OR_RETURN(model.bytes, trainer.Train(tell));
  return model;
}

// -- What is told of it ---------------------------------------------------------------------------

// The share that is done; false: it is to stop.
bool Store::Impl::TellLearning(uint32_t space, double done) const {
  const std::lock_guard lock(learning_mutex_);
  learning_[space].progress = done;
  return !stop_learning_;
}

void Store::Impl::SetLearning(uint32_t space, Learning learning) {
  const std::lock_guard lock(learning_mutex_);
  if (learning.is_running || !learning.error.empty()) {
    learning_[space] = std::move(learning);
  } else {
    learning_.erase(space);
  }
}

// -- The model's rows -----------------------------------------------------------------------------

void Store::Impl::PutModel(EngineBatch& batch, uint32_t vectors_id, std::string_view model) {
  for (uint32_t chunk = 0; !model.empty(); ++chunk) {
    const std::string row_key = ModelKey(vectors_id, chunk);
    std::string row{static_cast<char>(kVersion)};
    row += model.substr(0, kChunkBytes);
    batch.Put(Family::kVectors, row_key, SealRow(row_key, std::move(row)));
    model.remove_prefix(std::min(model.size(), kChunkBytes));
  }
}

// The embedder of a space that has learnt one. A model that cannot be read is none: what needs no
// embedding goes on, Verify names it, and TrainEmbedder makes another one.
absl::Status Store::Impl::LoadModel(uint32_t vectors_id, const SpaceDefinition& definition,
                                    SpaceObjects* objects) const {
  if (!definition.learn || objects->embedder != nullptr) return absl::OkStatus();
  const std::string prefix = VectorPrefix(vectors_id, VectorKind::kModel);
  const auto cursor =
      engine_->NewCursor(Family::kVectors, {.fill_cache = false}, prefix, PrefixEnd(prefix));
  std::string model;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    std::string_view payload;
    if (!OpenRow(cursor->key(), cursor->value(), &payload) || payload.empty() ||
        model.size() > kModelBytesMax) {
      return absl::OkStatus();
    }
    if (static_cast<uint8_t>(payload[0]) != kVersion) {
      return FailedPrecondition("the embedder of space '", Printable(definition.prefix),
                                "' was written by a newer libkv: use that one");
    }
    model += payload.substr(1);
  }
  LIBKV_RETURN_IF_ERROR(cursor->status());
  const auto embedder = MakeLsaEmbedder(model, objects->analyzer);
  if (embedder.ok() && (*embedder)->identity() == definition.embedder &&
      (*embedder)->dimension() == definition.dimension) {
    objects->embedder = *embedder;
  }
  return absl::OkStatus();
}

// -- The learner ----------------------------------------------------------------------------------

void Store::Impl::StartLearner() {
  learner_ = std::thread([this] { KeepLearning(); });
}

void Store::Impl::StopLearner() {
  stop_learning_.store(true);
  { const std::lock_guard lock(learner_mutex_); }
  learner_wake_.notify_all();
  if (learner_.joinable()) learner_.join();
}

void Store::Impl::KeepLearning() {
  // After a failure the next attempt waits for the next doubling as well.
  absl::flat_hash_map<uint32_t, uint64_t> tried;
  while (!stop_learning_) {
    for (const auto& space : Spaces().all()) {
      const SpaceDefinition& definition = space->definition();
      if (!definition.learn || space->next() != nullptr || stop_learning_) continue;
      const uint64_t there = space->index()->vectors()->live();
      const uint64_t learnt_from = std::max(definition.learnt_from, tried[space->id()]);
      if (there < std::max(kLearnFrom, 2 * learnt_from)) continue;
      tried[space->id()] = there;
      // A failure is told in SpaceStats; the vectors there are stay in force.
      try {
        static_cast<void>(TrainEmbedder(definition.prefix));
      } catch (const std::exception& error) {
        SetLearning(space->id(), {.error = error.what()});  // out of memory
      }
    }
    std::unique_lock lock(learner_mutex_);
    learner_wake_.wait_for(lock, kPause, [this] { return stop_learning_.load(); });
  }
}

}  // namespace libkv
