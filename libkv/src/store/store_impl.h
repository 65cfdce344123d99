// Store::Impl: the parts of an open store, and which file holds which of its methods.
//
//   open.cc          Open, Destroy, the order in which things start and end
//   loader.cc        what is in memory, rebuilt from the rows
//   write_path.cc    Set, Delete, BulkSet, ...: preparing a request, on the caller's thread
//   expiry_change.cc Batch::SetExpiry
//   commit_path.cc   committing a group of requests, on the leader's
//   read_path.cc     Get, View, MultiGet, iterators, snapshots
//   record_cache.cc  what they have read    rows.cc            rows of the application
//   search_path.cc   Search, Suggest        more_like_path.cc  MoreLike
//   similar_path.cc  Similar, SimilarTo, SimilarText    nearest.cc  what they share
//   hybrid_path.cc   Hybrid
//   find_path.cc     FindByValue, QueryField   spaces.cc        DefineSpace, DropSpace
//   field_indexes.cc CreateFieldIndex, DropFieldIndex
//   reembed.cc       Reembed                   learning.cc      TrainEmbedder
//   deferred.cc      vectors that are made after their values, WaitIndexed
//   stored_entries.cc  what lists of vectors leave on disk
//   sealing.cc       full deltas become segments   merging.cc       segments become one
//   vector_lists.cc  lists of vectors are read     list_upkeep.cc   they are split and merged
//   recall.cc        how deep searches must go     vector_repair.cc  Reindex of vectors
//   maintenance.cc   expired keys              memory_share.cc   one budget for all
//   verify.cc        Verify
#ifndef LIBKV_SRC_STORE_STORE_IMPL_H_
#define LIBKV_SRC_STORE_STORE_IMPL_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/fork_guard.h"
#include "engine/engine.h"
#include "format/keys.h"
#include "format/record.h"
#include "index/space_table.h"
#include "libkv/store.h"
#include "segment/segment_merge.h"
#include "store/commit_queue.h"
#include "store/directory.h"
#include "store/nearest.h"
#include "store/record_cache.h"
#include "store/segment_change.h"
#include "store/write_request.h"
#include "vector/code_array.h"
#include "vector/exact_candidates.h"
#include "vector/list_search.h"

namespace libkv {

class DocumentFilter;
class LazyFilter;
class ListChange;
class TextSearch;
enum class PendingState : uint8_t;
struct FoundHit;
struct LsaCounts;
struct LsaOptions;
struct Probes;
struct SpaceSearch;
struct StoredRecord;

// A view of everything at one moment: the rows, and what was in memory for them.
class StoreSnapshot final : public Snapshot {
 public:
  struct Space {
    const ActiveSpace* space;
    std::shared_ptr<const SpaceView> view;
    VectorView vectors;
  };
  std::unique_ptr<EngineSnapshot> rows;
  std::vector<Space> spaces;

  const Space* Find(const ActiveSpace& space) const;                        // null: not there then
  std::shared_ptr<const SpaceView> ViewOf(const ActiveSpace& space) const;  // the same
  const ActiveSpace* SpaceOf(const ActiveSpace& space) const;               // as it was; the same
};

class Store::Impl {
 public:
  static absl::StatusOr<std::unique_ptr<Impl>> Open(const Options& options,
                                                    const std::string& directory);
  ~Impl();

  // write_path.cc
  absl::Status Set(const WriteOptions& write, std::string_view key, std::string_view value,
                   const SetOptions& options);
  absl::Status SetVector(const WriteOptions& write, std::string_view key,
                         std::span<const float> vector);
  absl::Status Delete(const WriteOptions& write, std::string_view key);
  absl::Status BulkSet(const WriteOptions& write, std::span<const KeyValue> items);
  absl::Status Apply(const WriteOptions& write, const Batch& batch);
  void Write(const WriteOptions& write, Batch batch, std::function<void(absl::Status)> done);
  absl::Status CompareAndSet(const WriteOptions& write, std::string_view key,
                             std::optional<std::string_view> expected,
                             std::optional<std::string_view> desired);
  absl::StatusOr<int64_t> Increment(const WriteOptions& write, std::string_view key,
                                    int64_t amount);

  // read_path.cc
  absl::StatusOr<std::string> Get(const ReadOptions& read, std::string_view key) const;
  absl::StatusOr<Entry> GetEntry(const ReadOptions& read, std::string_view key) const;
  absl::Status View(const ReadOptions& read, std::string_view key,
                    absl::FunctionRef<void(std::string_view)> reader) const;
  absl::Status ViewEntry(const ReadOptions& read, std::string_view key,
                         absl::FunctionRef<void(const EntryView&)> reader) const;
  std::vector<absl::StatusOr<std::string>> MultiGet(const ReadOptions& read,
                                                    std::span<const std::string_view> keys) const;
  absl::StatusOr<std::optional<int64_t>> GetExpiry(const ReadOptions& read,
                                                   std::string_view key) const;
  std::unique_ptr<Iterator> NewIterator(const ReadOptions& read,
                                        const IteratorOptions& bounds) const;
  std::shared_ptr<const StoreSnapshot> GetSnapshot() const;

  // rows.cc
  absl::StatusOr<std::string> GetRow(const ReadOptions& read, std::string_view name) const;
  absl::Status ForEachRow(const ReadOptions& read, std::string_view prefix,
                          absl::FunctionRef<bool(std::string_view, std::string_view)> reader) const;

  // search_path.cc, similar_path.cc, hybrid_path.cc, find_path.cc
  absl::StatusOr<SearchResult> Search(const SearchOptions& options, std::string_view query) const;
  absl::StatusOr<std::vector<Suggestion>> Suggest(const SuggestOptions& options,
                                                  std::string_view text) const;
  absl::StatusOr<SearchResult> MoreLike(const MoreLikeOptions& options, std::string_view key) const;
  absl::StatusOr<std::vector<Neighbor>> Similar(const SimilarOptions& options,
                                                std::span<const float> vector) const;
  absl::StatusOr<std::vector<Neighbor>> SimilarTo(const SimilarOptions& options,
                                                  std::string_view key) const;
  absl::StatusOr<std::vector<Neighbor>> SimilarText(const SimilarOptions& options,
                                                    std::string_view text) const;
  absl::StatusOr<HybridResult> Hybrid(const HybridOptions& options, std::string_view query) const;
  absl::StatusOr<std::vector<float>> GetVector(const ReadOptions& read, std::string_view key) const;
  absl::StatusOr<std::vector<float>> EmbedText(std::string_view prefix, std::string_view text,
                                               EmbedKind kind) const;
  absl::StatusOr<std::vector<std::string>> FindByValue(const FindOptions& options,
                                                       std::string_view value) const;
  absl::StatusOr<std::vector<FieldHit>> QueryField(const FieldQuery& query) const;

  // spaces.cc
  absl::Status DefineSpace(const libkv::Space& space);
  absl::Status DropSpace(std::string_view prefix);
  std::optional<libkv::Space> SpaceOf(std::string_view key) const;
  std::vector<libkv::Space> DefinedSpaces() const;

  // field_indexes.cc
  absl::Status CreateFieldIndex(std::string_view prefix, std::string_view path);
  absl::Status DropFieldIndex(std::string_view prefix, std::string_view path);

  // reembed.cc
  absl::Status Reembed(std::string_view prefix, std::shared_ptr<const Embedder> embedder);

  // learning.cc, deferred.cc
  absl::Status TrainEmbedder(std::string_view prefix);
  absl::Status WaitIndexed(std::chrono::milliseconds timeout) const;

  // sealing.cc, merging.cc
  absl::Status SealIndex(std::string_view prefix);
  absl::Status MergeIndex(std::string_view prefix);
  absl::Status Reindex(std::string_view prefix);

  // open.cc, verify.cc
  absl::Status Flush();
  absl::Status Checkpoint(const std::string& directory) const;
  absl::StatusOr<VerifyReport> Verify() const;
  StoreStats Stats() const;

 private:
  struct ReadView;
  class RecordIterator;
  class Verifier;
  class HybridSearch;
  class ListReader;
  class StoredEntries;
  friend class RecordIterator;
  friend class Verifier;
  friend class StoredEntries;

  Impl(const Options& options, std::string directory);

  // FailedPrecondition in a forked child, and for writes to a read-only store.
  absl::Status CheckUsable() const;
  absl::Status CheckWritable() const;
  int64_t Now() const { return clock_(); }
  const SpaceTable& Spaces() const { return *table_.load(std::memory_order_acquire); }

  // open.cc
  absl::Status OpenEngine(const Options& options);
  absl::Status LoadCatalog(const Options& options);
  absl::Status UpgradeVectorDescriptor(uint32_t vectors_id, VectorDescriptor* descriptor);
  absl::Status AddProbes(uint32_t vectors_id, SpaceObjects* objects) const;
  absl::Status FinishSegments();
  absl::Status FinishSpaces(const Options& options);

  // loader.cc
  absl::Status LoadIndex(const ActiveSpace& space, const EngineSnapshot* rows,
                         SpaceIndex& index) const;
  absl::Status LoadSegments(const ActiveSpace& space, const EngineSnapshot* rows,
                            SpaceIndex& index) const;
  absl::Status LoadMarkers(const ActiveSpace& space, const EngineSnapshot* rows,
                           SpaceIndex& index) const;
  absl::Status LoadPending(const ActiveSpace& space, const EngineSnapshot* rows,
                           SpaceIndex& index) const;
  absl::Status ForEachMapped(
      const ActiveSpace& space, const EngineRead& read, uint64_t first, uint64_t last,
      absl::FunctionRef<absl::Status(std::string_view key, const Record& record)> visit) const;
  static void DeriveStoredWords(const ActiveSpace& space, const Record& record,
                                DerivedDocument* derived);

  // write_path.cc
  absl::Status CheckChange(const PendingChange& change) const;
  absl::Status Prepare(WriteRequest& request) const;
  static absl::Status CheckBytes(WriteRequest& request);
  absl::Status Run(const WriteOptions& write, WriteRequest& request);

  // expiry_change.cc
  struct Pending;
  absl::Status ReadKept(PendingChange& change) const;
  absl::Status ReadKeptVector(const RecordHeader& header, PendingChange& change) const;
  void KeepPending(const Pending& there, PendingChange& change) const;
  absl::Status IsStillKept(PendingChange& change, bool* is_still) const;
  absl::Status RenewKept(WriteRequest& request);

  // memory_share.cc
  static size_t RecordBytesMax(size_t memory_bytes, size_t index_memory);
  void ShareMemory() const;
  void SetIndexMemory(size_t bytes);

  // commit_path.cc
  struct OldRecord;
  struct Publication;
  void CommitGroup(std::span<CommitQueue::Request* const> group);
  bool Admit(WriteRequest& request, bool track);
  absl::Status Evaluate(WriteRequest& request);
  absl::Status ReadOld(const PendingChange& change, OldRecord* old);
  absl::Status ReadOldList(OldRecord* old) const;
  absl::Status ReadPendingState(const RecordHeader& header,
                                std::optional<PendingState>* state) const;
  void CountPending(const Publication& publication);
  absl::Status ReadOlds(WriteRequest& request, std::vector<OldRecord>* olds);
  void AppendRequest(WriteRequest& request, std::vector<OldRecord>& olds, bool track);
  void AppendChange(const PendingChange& change, const OldRecord& old, bool track);
  uint64_t NextDocument();
  void Publish(std::span<CommitQueue::Request* const> group, uint64_t sequence);

  // rows.cc
  static absl::Status CheckRows(const Batch& batch);
  static size_t RowBytes(const Batch& batch);
  void AppendRows(const Batch& batch);

  // read_path.cc
  absl::Status ReadLive(const EngineRead& read, std::string_view key, PinnedValue* pinned,
                        Record* record) const;
  absl::Status ReadNewest(std::string_view key, bool fill_cache, StoredRecord* stored,
                          Record* record) const;
  absl::Status ReadAsAsked(const ReadOptions& read, std::string_view key, StoredRecord* stored,
                           Record* record) const;
  absl::Status ReadStored(std::string_view key, StoredRecord* stored) const;
  void KeepRecord(std::string_view key, std::string_view bytes,
                  const RecordCache::Ticket& ticket) const;
  absl::StatusOr<std::string> LiveValue(std::string_view key, std::string_view bytes,
                                        bool is_verified) const;
  struct ManyRead;
  void ReadMany(const EngineRead& read, const ManyRead& many,
                std::vector<absl::StatusOr<std::string>>* values) const;
  void ReadManyNewest(std::span<const std::string_view> keys, bool fill_cache,
                      std::vector<absl::StatusOr<std::string>>* values) const;
  EngineRead ReadFor(const ReadOptions& options) const;
  std::shared_ptr<const StoreSnapshot> SnapshotOrNow(
      const std::shared_ptr<const Snapshot>& snapshot) const;

  // search_path.cc
  void AddFeedback(const Feedback& feedback, const StoreSnapshot& snapshot,
                   std::chrono::steady_clock::time_point deadline, TextSearch* search) const;
  static void AddExplanations(const TextSearch& search, std::span<const FoundHit> found,
                              std::vector<Hit>* hits);
  std::vector<Excerpt> ExcerptsOf(const SpaceSearch& in, const StoreSnapshot& snapshot,
                                  std::string_view key, size_t bytes, size_t count) const;

  // similar_path.cc
  static const ActiveSpace& SpaceAsIn(const std::shared_ptr<const Snapshot>& snapshot,
                                      const ActiveSpace& space);
  absl::StatusOr<const ActiveSpace*> OneVectorSpace(std::string_view prefix) const;
  absl::Status CheckNotLost(const ActiveSpace& space, const EngineSnapshot* snapshot,
                            uint64_t document) const;
  absl::StatusOr<DocumentFilter> FilterFor(const SimilarOptions& options, const ActiveSpace& space,
                                           const StoreSnapshot& snapshot) const;
  absl::StatusOr<std::unique_ptr<LazyFilter>> LazyFilterFor(const SimilarOptions& options,
                                                            const ActiveSpace& space,
                                                            const StoreSnapshot& snapshot) const;
  absl::StatusOr<std::vector<Neighbor>> NearestPassing(SimilarOptions options,
                                                       const ActiveSpace& space,
                                                       std::span<const float> vector,
                                                       std::string_view without_key) const;
  absl::StatusOr<std::vector<NearDocument>> Nearest(
      const SimilarOptions& options, const ActiveSpace& space, std::span<const float> vector,
      std::string_view without_key, const DocumentFilter& filter, LazyFilter* lazy = nullptr) const;
  absl::StatusOr<std::vector<NearDocument>> NearestOf(const SimilarOptions& options,
                                                      const ActiveSpace& space,
                                                      const StoreSnapshot& snapshot,
                                                      std::span<const float> query,
                                                      std::string_view without_key,
                                                      std::span<const uint64_t> documents) const;
  absl::StatusOr<DocumentFilter> DocumentsUnder(const std::string& prefix, const ActiveSpace& space,
                                                const StoreSnapshot& snapshot,
                                                const DocumentFilter& filter) const;
  absl::StatusOr<std::string> KeyOfDocument(const ActiveSpace& space, const EngineRead& read,
                                            uint64_t document) const;
  absl::StatusOr<std::vector<std::optional<double>>> VectorScores(
      const ActiveSpace& space, const StoreSnapshot& snapshot, std::span<const float> query,
      std::span<const uint64_t> documents) const;
  absl::StatusOr<std::vector<float>> VectorOf(const ActiveSpace& space,
                                              const EngineSnapshot* snapshot,
                                              std::string_view key) const;

  // nearest.cc
  absl::StatusOr<std::vector<NearDocument>> FindNearest(
      const NearestQuery& query, const ActiveSpace& space, const StoreSnapshot& snapshot,
      absl::FunctionRef<bool(const BlockEntry& entry)> accept) const;
  absl::StatusOr<std::vector<NearDocument>> Refine(const ActiveSpace& space,
                                                   const EngineSnapshot* rows,
                                                   std::span<const float> query,
                                                   std::span<const ListCandidate> candidates,
                                                   size_t limit) const;
  static std::vector<ListCandidate> CandidatesOf(std::span<const ListHit> hits, float margins = 1);
  absl::StatusOr<std::vector<NearDocument>> CompareAll(
      const ActiveSpace& space, const EngineSnapshot* rows, std::span<const float> query,
      const ListTable& lists, size_t limit, absl::FunctionRef<bool(const BlockEntry&)> accept,
      absl::FunctionRef<std::shared_ptr<const PostingList>(const PostingList&)> load) const;

  // recall.cc
  static SearchDepth DepthOf(const NearestQuery& query, const StoreSnapshot::Space& space);
  static bool RecallIsDue(const VectorIndex& vectors, double growth);
  absl::Status LoadRecall(const ActiveSpace& space, VectorIndex& vectors) const;
  absl::Status MeasureRecall(const ActiveSpace& space, bool is_rough);

  // spaces.cc
  void ReplaceSpace(ActiveSpace* before, const std::shared_ptr<ActiveSpace>& space);
  static std::optional<VectorDescriptor> DescriptorFor(uint32_t vectors_id,
                                                       const SpaceDefinition& definition);
  absl::Status CommitSpace(uint32_t id, const SpaceDefinition& definition,
                           const SpaceObjects& objects);
  absl::Status CommitSpace(uint32_t id, const SpaceDefinition& definition,
                           const SpaceObjects& objects, const Probes* probes,
                           std::shared_ptr<ActiveSpace> next);
  absl::Status KeepInMemory(const ActiveSpace& space, bool bits_only);
  absl::Status RemoveSpace(const ActiveSpace& space);
  absl::Status IndexExisting(std::string_view prefix);
  absl::Status DeleteRows(Family family, const std::string& prefix);
  std::vector<std::shared_ptr<ActiveSpace>> SpacesBut(uint32_t id) const;
  void PutTable(std::vector<std::shared_ptr<ActiveSpace>> spaces);

  // field_indexes.cc
  absl::StatusOr<ActiveSpace*> SpaceAt(std::string_view prefix) const;
  absl::Status CommitFieldState(const ActiveSpace& space, uint16_t field, FieldState state);
  absl::Status FinishFields(const ActiveSpace& space);
  absl::Status IndexField(const ActiveSpace& space, uint16_t field);

  // reembed.cc
  struct ReembedValue;
  struct LearntModel;
  struct Learning {
    bool is_running = false;
    double progress = 0;
    std::string error;  // of the last training
  };
  absl::Status BuildGeneration(std::string_view prefix, std::shared_ptr<const Embedder> embedder,
                               const LearntModel* model);
  absl::StatusOr<uint32_t> BeginGeneration(std::string_view prefix,
                                           std::shared_ptr<const Embedder> embedder,
                                           const LearntModel* model,
                                           std::shared_ptr<ActiveSpace>* next);
  bool IsBuilding(uint32_t space, const std::shared_ptr<ActiveSpace>& next) const;
  absl::Status CountExisting(uint32_t space, ActiveSpace& next) const;
  absl::Status EmbedExisting(uint32_t space, const std::shared_ptr<ActiveSpace>& next);
  absl::Status EmbedStep(uint32_t space, const std::shared_ptr<ActiveSpace>& next,
                         std::span<const std::unique_ptr<ReembedValue>> step);
  absl::Status AppendEmbedded(const ActiveSpace& next, ReembedValue& value);
  absl::Status EndGeneration(uint32_t space, const std::shared_ptr<ActiveSpace>& next,
                             bool is_complete);
  absl::Status DeleteGeneration(uint32_t vectors_id);
  absl::Status DeleteLeftGenerations();

  // learning.cc
  absl::Status TrainNow(const ActiveSpace& space);
  absl::StatusOr<LearntModel> LearnFrom(const ActiveSpace& space) const;
  absl::StatusOr<LearntModel> LearnFromIndex(const ActiveSpace& space,
                                             const LsaOptions& options) const;
  absl::StatusOr<LearntModel> LearnFromValues(const ActiveSpace& space,
                                              const LsaOptions& options) const;
  absl::StatusOr<LsaCounts> CountTexts(const ActiveSpace& space, uint64_t seed) const;
  bool TellLearning(uint32_t space, double done) const;
  void SetLearning(uint32_t space, Learning learning);
  static void PutModel(EngineBatch& batch, uint32_t vectors_id, std::string_view model);
  absl::Status LoadModel(uint32_t vectors_id, const SpaceDefinition& definition,
                         SpaceObjects* objects) const;
  void StartLearner();
  void StopLearner();
  void KeepLearning();

  // deferred.cc
  struct DeferredValue;
  struct DeferredSpace;
  void StartEmbedding();
  void StopEmbedding();
  void WakeEmbedding();
  void KeepEmbedding();
  int64_t WaitingVectors() const;
  bool EmbedStepOf(const ActiveSpace& space, DeferredSpace& progress);
  void SetEmbedError(const ActiveSpace& space, std::string message);
  absl::Status ReadWaiting(const ActiveSpace& space, DeferredSpace& progress,
                           std::vector<DeferredValue>* values) const;
  static absl::Status EmbedValues(const ActiveSpace& space, const ActiveSpace* next,
                                  std::span<DeferredValue> values);
  absl::Status CommitValues(const ActiveSpace& space, const std::shared_ptr<ActiveSpace>& next,
                            std::span<DeferredValue> values);
  absl::Status AppendDeferred(const ActiveSpace& space, DeferredValue& value);
  absl::Status SetPendingState(const ActiveSpace& space, std::span<const uint64_t> documents,
                               PendingState from, PendingState to);
  absl::Status AskRefusedAgain(const ActiveSpace& space);

  // sealing.cc
  bool IsFull(const DeltaPart& delta) const;
  void FreezeFullDeltas();
  void StartSealer();
  void StopSealer();
  void WakeSealer();
  void RunSealer();
  std::shared_ptr<ActiveSpace> SpaceWithBacklog() const;
  absl::Status WaitForSealing();
  absl::Status SealOldest(const ActiveSpace& space);
  absl::Status WriteSegment(std::span<SegmentInput* const> inputs,
                            absl::FunctionRef<bool(size_t input, uint32_t ordinal)> keep,
                            SegmentChange* change);
  absl::Status PublishSegments(SegmentChange& change);
  void Retire(std::span<const std::shared_ptr<SealedPart>> parts);
  void DropRetired();
  absl::Status DropOrphans();
  absl::Status ForgetSegmentRows(const ActiveSpace& space);
  absl::StatusOr<std::shared_ptr<ActiveSpace>> TextSpaceAt(std::string_view prefix) const;

  // merging.cc
  void MergeWhatIsDue();
  absl::Status Merge(const ActiveSpace& space,
                     const std::vector<std::shared_ptr<SealedPart>>& parts);
  absl::Status FoldMarkers(const ActiveSpace& space);
  absl::Status ReindexWords(std::string_view prefix);

  // vector_lists.cc
  static void AssignList(const ActiveSpace& space, DerivedDocument* derived);
  static void PlaceVector(const ActiveSpace& space, DerivedDocument* derived);
  static void AssignLists(WriteRequest& request);
  static void AssignTogether(const ActiveSpace& space, std::span<DerivedDocument* const> documents);
  static void PlaceVectors(WriteRequest& request);
  void PublishVectors();
  absl::Status LoadCentroids(const ActiveSpace& space, const EngineSnapshot* rows,
                             VectorIndex& vectors) const;
  absl::Status MeanOfPostings(const ActiveSpace& space, const EngineSnapshot* rows, uint32_t list,
                              CodeArray* mean) const;
  absl::StatusOr<std::shared_ptr<PostingList>> ReadList(const ActiveSpace& space,
                                                        const PostingList& unloaded,
                                                        const EngineSnapshot* rows,
                                                        uint64_t last_document,
                                                        ListStorage storage) const;
  absl::StatusOr<std::vector<std::shared_ptr<PostingList>>> ReadLists(
      const ActiveSpace& space, std::span<const std::shared_ptr<const PostingList>> unloaded,
      const EngineSnapshot* rows, uint64_t last_document, ListStorage storage) const;
  absl::StatusOr<std::shared_ptr<const PostingList>> ListWithCodes(
      const ActiveSpace& space, const std::shared_ptr<const PostingList>& list) const;
  absl::Status ReadKeyOf(const ActiveSpace& space, const EngineRead& read, uint64_t document,
                         std::string* key, int64_t* expiry, bool* found) const;
  absl::Status LoadLists(const ActiveSpace& space, std::span<const uint32_t> numbers) const;
  absl::Status LoadList(const ActiveSpace& space, uint32_t number) const;

  // vector_repair.cc
  absl::Status RepairVectors(const ActiveSpace& space);
  absl::Status RemakeVectors(const ActiveSpace& space);
  absl::StatusOr<bool> HasVector(const ActiveSpace& space, const EngineRead& read,
                                 uint64_t document) const;
  absl::StatusOr<bool> HasRow(const std::string& row_key) const;
  absl::Status RepairRows(
      const ActiveSpace& space, VectorKind kind,
      absl::FunctionRef<absl::Status(EngineBatch& batch, std::string_view suffix)> repair);
  absl::Status RepairPosting(const ActiveSpace& space, std::string_view suffix,
                             EngineBatch& batch) const;
  absl::Status DropStrayPosting(const ActiveSpace& space, std::string_view suffix,
                                EngineBatch& batch) const;
  absl::Status RepairCentroid(const ActiveSpace& space, std::string_view suffix,
                              EngineBatch& batch) const;

  // list_upkeep.cc
  void StartListKeeper();
  void StopListKeeper();
  void WakeListKeeper();
  void KeepLists();
  bool ListsAreDue() const;
  static bool Lags(const VectorIndex& vectors);
  bool ListsLag() const;
  void NoteLag();
  absl::Status WaitForLists();
  void LetSearchesLoad() const;
  absl::Status LoadAllLists(const ActiveSpace& space) const;
  absl::Status KeepSpace(const ActiveSpace& space, bool* did_something);
  absl::Status KeepList(const ActiveSpace& space, uint32_t number);
  // True: the change is in force. False: there was nothing to change, or no longer.
  absl::StatusOr<bool> CommitLists(ListChange& change);
  absl::Status MakeLists(const ActiveSpace& space);
  absl::Status DrainFlat(const ActiveSpace& space);
  ListChange NewListChange(const ActiveSpace& space,
                           const std::shared_ptr<SpaceIndex>& index) const;
  absl::Status SplitList(const ActiveSpace& space,
                         const std::shared_ptr<const PostingList>& in_memory);
  absl::Status MergeList(const ActiveSpace& space,
                         const std::shared_ptr<const PostingList>& in_memory);
  void TidyLists(SpaceIndex& index);
  void CleanList(SpaceIndex& index, uint32_t number);

  // maintenance.cc
  void StartMaintenance();
  void StopMaintenance();
  void Maintain();
  size_t RemoveExpired();

  // Fixed after construction.
  const std::string directory_;
  const bool read_only_;
  const std::function<int64_t()> clock_;
  const size_t memory_bytes_;     // the budget
  const size_t delta_bytes_max_;  // of text in a delta
  const size_t exact_vectors_max_;
  const ForkGuard fork_guard_;
  std::optional<DirectoryLock> lock_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<RecordCache> records_;  // those of the data family, as they are now

  // Which spaces there are. Tables stay until the store closes: readers hold no lock on them.
  std::atomic<const SpaceTable*> table_{nullptr};
  std::vector<std::unique_ptr<const SpaceTable>> tables_;
  std::mutex define_mutex_;                             // one change of the spaces at a time
  std::vector<std::shared_ptr<ActiveSpace>> dropping_;  // between loading and finishing at open

  // The sequence up to which commits are in memory too: what a search without snapshot sees.
  std::atomic<uint64_t> published_{0};

  // The committer's own: used by one thread at a time, whoever leads the queue.
  std::unique_ptr<EngineBatch> batch_;
  std::vector<Publication> publications_;
  absl::flat_hash_map<std::string_view, Pending, StringHash, StringEqual> pending_;
  std::string record_buffer_;
  uint64_t next_document_ = 1, reserved_documents_ = 1;
  uint32_t next_space_ = 1;

  // Held while memory is changed: by the committer, and by those who replace parts, for a moment.
  mutable std::mutex publish_mutex_;

  mutable std::mutex memory_mutex_;
  mutable size_t index_memory_ = 0, shared_memory_ = 0;  // guarded by memory_mutex_

  std::atomic<uint64_t> commits_{0}, writes_{0}, syncs_{0}, expired_{0};
  std::atomic<bool> unsynced_{false};

  std::mutex seal_mutex_;
  std::condition_variable seal_wake_;  // a delta was frozen
  std::condition_variable sealed_;     // the sealer has done something
  absl::Status seal_status_;           // of its last attempt; guarded by seal_mutex_
  std::atomic<bool> sealing_lags_{false}, stop_sealing_{false};
  std::thread sealer_;

  std::mutex merge_mutex_;                            // one merge, fold or rebuilding at a time
  std::chrono::steady_clock::time_point next_merge_;  // after one failed; maintenance's own
  mutable std::mutex
      segments_mutex_;  // segments come into force, or their rows go, or a copy is taken
  struct RetiredSegment {
    uint32_t space, segment;
    std::weak_ptr<const SealedPart> part;
  };
  std::mutex retired_mutex_;
  std::vector<RetiredSegment> retired_;  // guarded by retired_mutex_

  mutable std::mutex load_mutex_;  // lists are read from disk for one at a time
  mutable std::mutex load_turn_;   // held while waiting for that: who comes first loads first
  mutable std::atomic<int> loading_searches_{0};          // that have met lists on disk
  mutable std::condition_variable searches_have_loaded_;  // all of them

  std::mutex keeper_mutex_;
  std::condition_variable keeper_wake_;  // something is due
  std::condition_variable kept_;         // the keeper has done a round
  absl::Status keeper_status_;           // of a space that lags for it; guarded by keeper_mutex_
  std::atomic<bool> lists_lag_{false}, stop_keeper_{false};
  std::thread list_keeper_;

  std::mutex learn_mutex_;  // one training, with the generation made by it, at a time
  std::mutex learner_mutex_;
  std::condition_variable learner_wake_;
  std::atomic<bool> stop_learning_{false};
  std::thread learner_;
  mutable std::mutex learning_mutex_;
  mutable std::map<uint32_t, Learning> learning_;  // by space; guarded by learning_mutex_

  mutable std::mutex embedding_mutex_;
  std::condition_variable embedding_wake_;        // there is something to embed
  mutable std::condition_variable embedded_;      // something was
  std::map<uint32_t, std::string> embed_errors_;  // by space; guarded by embedding_mutex_
  bool embedding_is_due_ = false;                 // the same
  std::atomic<bool> embedding_changed_{false}, stop_embedding_{false};
  std::thread embedding_;

  std::mutex maintenance_mutex_;
  std::condition_variable maintenance_wake_;
  bool stopping_ = false;  // guarded by maintenance_mutex_
  std::thread maintenance_;

  std::unique_ptr<CommitQueue> queue_;  // last: its thread uses all of the above
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_STORE_IMPL_H_
