// The list keeper: a thread that keeps the lists of vectors in shape while everybody goes on.
//
//   make    when list 0 is long enough, centroids are learnt from a sample of it; then it is
//           drained into the new lists, some thousand vectors at a time
//   split   a list that has grown too long becomes two; vectors of it, and of its neighbours, that
//           are nearer to another centroid move there (Xu et al., "SPFresh", SOSP 2023: LIRE)
//   merge   a list that has become too short goes, and its vectors to their next nearest lists
//   clean   a list with many dead entries is built anew, in memory only; and every list that has
//           some dead or new entries, once nothing else is to be done: searches read less then
//   measure how deep searches must go (recall.cc)
//
// Each of them is one batch. What is unfinished is found again by looking at the lists:
// nothing has to be remembered over a restart. Writers wait when the keeper lags.
#include <algorithm>
#include <chrono>

#include "base/status_macros.h"
#include "store/list_change.h"
#include "store/store_impl.h"
#include "vector/clustering.h"
#include "vector/list_query.h"
#include "vector/one_bit.h"

namespace libkv {
namespace {

constexpr auto kPause = std::chrono::milliseconds(500);
constexpr auto kPauseAfterFailure = std::chrono::seconds(1);
constexpr size_t kListMean = 64;       // vectors, when lists are made: they will grow
constexpr size_t kBitsListMean = 320;  // where bits alone are in memory
constexpr size_t kListMin = 20;        // shorter lists are merged
constexpr size_t kSampleOfList = 64;   // vectors to learn a centroid from
constexpr size_t kDrainStep = 2'048;   // vectors moved by one batch
constexpr size_t kNeighbours = 16;     // lists looked at after a split
// By which factor vectors have grown when recall is measured again: while lists are being split,
// and once they are not.
constexpr double kGrowthBusy = 2;
constexpr double kGrowthQuiet = 1.1;
constexpr size_t kLooseMax = 8;  // entries of a list at rest that are dead or have no bits,
constexpr int kLongQuiet = 4;    // and at the look after which there are none of them, once
// Lists are at rest when no more than this part of all vectors came or went since the last look.
constexpr uint64_t kChangesOfQuiet = 256;
// Lists that the keeper loads in one go, and how long it waits before for searches that load some.
constexpr size_t kLoadedTogether = 64;
constexpr auto kStepBackMax = std::chrono::milliseconds(20);
// Beyond, writers wait.
constexpr size_t kFlatTimes = 8;  // of exact_max()

std::vector<ListItem> LiveItems(const PostingList& list) {
  std::vector<ListItem> items;
  items.reserve(list.live());
  list.ForEach([&](const ListItem& item) {
    if (item.died == kAlive) items.push_back(item);
  });
  return items;
}

std::vector<CodeView> CodesOf(std::span<const ListItem> items) {
  std::vector<CodeView> codes;
  codes.reserve(items.size());
  for (const ListItem& item : items) codes.push_back(item.code);
  return codes;
}

ListQuery QueryAt(const CodeView& code) {
  std::vector<float> floats(code.values.size());
  Decode(code, floats.data());
  return MakeListQuery(floats, Metric::kL2);
}

}  // namespace

void Store::Impl::StartListKeeper() {
  list_keeper_ = std::thread([this] { KeepLists(); });
}

void Store::Impl::StopListKeeper() {
  stop_keeper_.store(true);
  WakeListKeeper();
  if (list_keeper_.joinable()) list_keeper_.join();
}

void Store::Impl::WakeListKeeper() {
  // Empty, so that the wake-up cannot fall between a look and the sleep after it.
  { const std::lock_guard lock(keeper_mutex_); }
  keeper_wake_.notify_all();
}

void Store::Impl::KeepLists() {
  bool is_warm = false;
  while (!stop_keeper_) {
    bool did_something = false, all_are_kept = true;
    absl::Status hopeless;  // of a space that lags and cannot be kept
    for (const auto& space : Spaces().with_vectors()) {
      if (stop_keeper_) break;
      bool did = false;
      absl::Status status = is_warm ? absl::OkStatus() : LoadAllLists(*space);
      if (status.ok()) status = KeepSpace(*space, &did);
      did_something = did_something || (did && status.ok());
      if (status.ok()) continue;
      all_are_kept = false;  // the other spaces are
      if (Lags(*space->index()->vectors())) hopeless = status;
    }
    is_warm = is_warm || all_are_kept;
    std::unique_lock lock(keeper_mutex_);
    keeper_status_ = hopeless;
    const bool lags = ListsLag();
    lists_lag_.store(lags, std::memory_order_release);
    kept_.notify_all();
    if (did_something) continue;
    if (!all_are_kept) {
      keeper_wake_.wait_for(lock, kPauseAfterFailure, [&] { return stop_keeper_.load(); });
    } else {
      keeper_wake_.wait_for(lock, kPause, [&] { return stop_keeper_.load() || ListsAreDue(); });
    }
  }
  const std::lock_guard lock(keeper_mutex_);
  kept_.notify_all();
}

bool Store::Impl::ListsAreDue() const {
  for (const auto& space : Spaces().with_vectors()) {
    if (space->index()->vectors()->due_count() > 0) return true;
  }
  return false;
}

bool Store::Impl::Lags(const VectorIndex& vectors) {
  return vectors.due_count() > VectorIndex::kDueMax ||
         vectors.view().lists->flat()->live() > kFlatTimes * vectors.exact_max();
}

bool Store::Impl::ListsLag() const {
  const auto& spaces = Spaces().with_vectors();
  return std::any_of(spaces.begin(), spaces.end(),
                     [](const auto& space) { return Lags(*space->index()->vectors()); });
}

// At each publication, so that a long round of the keeper cannot leave writers alone meanwhile.
void Store::Impl::NoteLag() {
  if (lists_lag_.load(std::memory_order_acquire) || !ListsLag()) return;
  // The keeper looks and notes under this lock: it does not take back what it has not seen.
  const std::lock_guard lock(keeper_mutex_);
  lists_lag_.store(true, std::memory_order_release);
}

// Writers wait here when the keeper does not keep up: searches stay fast.
absl::Status Store::Impl::WaitForLists() {
  if (!lists_lag_.load(std::memory_order_acquire)) [[likely]]
    return absl::OkStatus();
  std::unique_lock lock(keeper_mutex_);
  kept_.wait(lock, [&] {
    return stop_keeper_ || !keeper_status_.ok() || !lists_lag_.load(std::memory_order_acquire);
  });
  return keeper_status_;
}

// A search that meets lists on disk reads some dozens: the keeper steps back until it is done, but
// not for long.
void Store::Impl::LetSearchesLoad() const {
  std::unique_lock lock(load_turn_);
  searches_have_loaded_.wait_for(lock, kStepBackMax,
                                 [&] { return stop_keeper_ || loading_searches_.load() == 0; });
}

absl::Status Store::Impl::LoadAllLists(const ActiveSpace& space) const {
  std::vector<uint32_t> unloaded;
  space.index()->vectors()->view().lists->ForEach([&](const std::shared_ptr<PostingList>& list) {
    if (!list->is_loaded()) unloaded.push_back(list->number());
  });
  for (size_t i = 0; i < unloaded.size(); i += kLoadedTogether) {
    LetSearchesLoad();
    if (stop_keeper_) return absl::OkStatus();
    const auto rest = std::span(unloaded).subspan(i);
    LIBKV_RETURN_IF_ERROR(LoadLists(space, rest.first(std::min(kLoadedTogether, rest.size()))));
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::KeepSpace(const ActiveSpace& space, bool* did_something) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  VectorIndex& vectors = *index->vectors();
  std::vector<uint32_t> due;
  {
    const std::lock_guard lock(publish_mutex_);
    due = vectors.TakeDue();
  }
  *did_something = *did_something || !due.empty();
  absl::Status status;
  for (const uint32_t number : due) {
    if (status.ok() && !stop_keeper_) status = KeepList(space, number);
    if (status.ok() && !stop_keeper_) continue;
    const std::lock_guard lock(publish_mutex_);
    vectors.MakeDue(number);  // another time
  }
  LIBKV_RETURN_IF_ERROR(status);
  const std::shared_ptr<PostingList> flat = vectors.view().lists->flat();
  if (!flat->is_loaded()) return absl::OkStatus();
  if (!vectors.has_lists()) {
    return flat->live() > vectors.exact_max() ? MakeLists(space) : absl::OkStatus();
  }
  if (flat->live() > 0) {
    LIBKV_RETURN_IF_ERROR(DrainFlat(space));
    *did_something = true;
    // What it made long is split before anything is measured.
    if (vectors.due_count() > 0) return absl::OkStatus();
  }
  VectorIndex::KeeperNotes& notes = vectors.keeper_notes();
  const uint64_t changes = vectors.TakeChanges();
  if (changes > 0) notes.is_tidy = false;
  const bool looks_quiet =
      due.empty() && vectors.due_count() == 0 && changes <= vectors.live() / kChangesOfQuiet;
  notes.quiet_looks = looks_quiet ? notes.quiet_looks + 1 : 0;
  // The first quiet look may follow the last change at once; before the next there is a pause.
  const bool is_quiet = notes.quiet_looks > 1;
  if (is_quiet && (!notes.is_tidy || notes.quiet_looks == kLongQuiet)) {
    TidyLists(*index);
    notes.is_tidy = true;
  }
  if (!RecallIsDue(vectors, is_quiet ? kGrowthQuiet : kGrowthBusy) &&
      !(is_quiet && notes.is_recall_rough)) {
    return absl::OkStatus();
  }
  return MeasureRecall(space, !is_quiet);
}

absl::Status Store::Impl::KeepList(const ActiveSpace& space, uint32_t number) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  LIBKV_RETURN_IF_ERROR(LoadList(space, number));
  const std::shared_ptr<const ListTable> table = index->vectors()->view().lists;
  const std::shared_ptr<const PostingList> list = table->Find(number);
  if (list == nullptr) return absl::OkStatus();
  if (number == kFlatList) {
    if (VectorIndex::IsCrowded(*list)) CleanList(*index, number);
    return absl::OkStatus();
  }
  if (list->live() >= index->vectors()->list_due()) return SplitList(space, list);
  if (list->live() < kListMin && table->list_count() > 1) return MergeList(space, list);
  if (VectorIndex::IsCrowded(*list)) CleanList(*index, number);
  return absl::OkStatus();
}

// Where lists have bits alone in memory, what moves is read again at the commit.
ListChange Store::Impl::NewListChange(const ActiveSpace& space,
                                      const std::shared_ptr<SpaceIndex>& index) const {
  return {space.vectors_id(), index, [&](const std::shared_ptr<const PostingList>& list) {
            const auto read = ListWithCodes(space, list);
            return read.ok() ? *read : std::shared_ptr<const PostingList>();
          }};
}

absl::StatusOr<bool> Store::Impl::CommitLists(ListChange& change) {
  if (change.empty()) return false;
  WriteRequest request;
  request.is_alone = true;  // what it moves must be what is on disk
  bool in_force = false;
  request.more_rows = [&](EngineBatch& batch) {
    const ActiveSpace* const space = Spaces().ByVectors(change.space());
    in_force = space != nullptr && space->index() == change.index();
    in_force = in_force && change.Settle();  // else it was dropped meanwhile, or repaired
    if (in_force) change.PutRows(batch);
  };
  request.at_publish = [&](uint64_t sequence) {
    if (in_force) change.Apply(sequence);
  };
  // Everything is derived: whoever syncs next makes it durable.
  LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  return in_force;
}

// -- make -----------------------------------------------------------------------------------------

absl::Status Store::Impl::MakeLists(const ActiveSpace& space) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  VectorIndex& vectors = *index->vectors();
  const std::shared_ptr<const ListTable> table = vectors.view().lists;  // holds the codes
  const std::vector<ListItem> items = LiveItems(*table->flat());
  const size_t count = items.size() / (vectors.keeps_codes() ? kListMean : kBitsListMean);
  const size_t sample_size = std::min(items.size(), count * kSampleOfList);
  std::vector<CodeView> sample;
  sample.reserve(sample_size);
  for (size_t i = 0; i < sample_size; ++i) {
    sample.push_back(items[i * items.size() / sample_size].code);
  }
  const CodeArray centroids = KMeans(sample, table->padded(), count, {.seed = space.id()});
  ListChange change = NewListChange(space, index);
  for (size_t i = 0; i < centroids.size(); ++i) change.Make(vectors.NextList(), centroids[i]);
  return CommitLists(change).status();
}

absl::Status Store::Impl::DrainFlat(const ActiveSpace& space) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  VectorIndex& vectors = *index->vectors();
  const std::shared_ptr<const ListTable> table = vectors.view().lists;  // holds the codes
  CodeArray centroids(table->list_count(), table->padded());
  std::vector<uint32_t> numbers;
  table->ForEach([&](const std::shared_ptr<PostingList>& list) {
    if (list->number() == kFlatList) return;
    centroids.Set(numbers.size(), list->centroid());
    numbers.push_back(list->number());
  });
  const std::vector<ListItem> items = LiveItems(*table->flat());
  for (size_t begin = 0; begin < items.size() && !stop_keeper_; begin += kDrainStep) {
    const auto step = std::span(items).subspan(begin, std::min(kDrainStep, items.size() - begin));
    const std::vector<uint32_t> nearest = AssignToNearest(CodesOf(step), centroids);
    ListChange change = NewListChange(space, index);
    for (size_t i = 0; i < step.size(); ++i) {
      change.Move(step[i].document, kFlatList, numbers[nearest[i]]);
    }
    LIBKV_RETURN_IF_ERROR(CommitLists(change).status());
  }
  CleanList(*index, kFlatList);
  return absl::OkStatus();
}

// -- split, merge, clean --------------------------------------------------------------------------

absl::Status Store::Impl::SplitList(const ActiveSpace& space,
                                    const std::shared_ptr<const PostingList>& in_memory) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  VectorIndex& vectors = *index->vectors();
  const std::shared_ptr<const ListTable> table = vectors.view().lists;
  LIBKV_ASSIGN_OR_RETURN(const std::shared_ptr<const PostingList> with_codes,
                         ListWithCodes(space, in_memory));
  const PostingList& list = *with_codes;
  const std::vector<ListItem> items = LiveItems(list);
  Halves halves{CodeArray(2, table->padded()), {}};
  // Vectors that are all the same stay together, however many they are.
  if (!SplitInTwo(CodesOf(items), table->padded(), &halves)) {
    const std::lock_guard lock(publish_mutex_);
    vectors.Rest(list.number(), 2 * items.size());
    return absl::OkStatus();
  }

  const uint32_t numbers[2] = {list.number(), vectors.NextList()};
  ListChange change = NewListChange(space, index);
  for (size_t side = 0; side < 2; ++side) change.Make(numbers[side], halves.centroids[side]);

  std::vector<std::shared_ptr<const PostingList>> neighbours;
  for (const NearList& near : table->NearestLists(QueryAt(list.centroid()), kNeighbours + 1)) {
    if (near.list->number() == list.number()) continue;
    LIBKV_RETURN_IF_ERROR(LoadList(space, near.list->number()));
    const auto loaded = vectors.view().lists->Find(near.list->number());
    if (loaded == nullptr) continue;
    LIBKV_ASSIGN_OR_RETURN(auto neighbour, ListWithCodes(space, loaded));
    neighbours.push_back(std::move(neighbour));
  }
  const PlacedCentroid old_centroid(list.centroid());
  const PlacedCentroid new_centroids[2] = {PlacedCentroid(halves.centroids[0]),
                                           PlacedCentroid(halves.centroids[1])};
  std::vector<PlacedCentroid> theirs;
  theirs.reserve(neighbours.size());
  for (const auto& neighbour : neighbours) theirs.emplace_back(neighbour->centroid());
  for (size_t i = 0; i < items.size(); ++i) {
    const CodeView& code = items[i].code;
    uint32_t to = numbers[halves.side[i]];
    double nearness = Nearness(code, new_centroids[halves.side[i]]);
    // Further from its new centroid than from the old one: perhaps a neighbour is nearer.
    if (Nearness(code, old_centroid) > nearness) {
      for (size_t j = 0; j < neighbours.size(); ++j) {
        const double other = Nearness(code, theirs[j]);
        if (other <= nearness) continue;
        to = neighbours[j]->number();
        nearness = other;
      }
    }
    change.Move(items[i].document, list.number(), to);
  }
  for (size_t j = 0; j < neighbours.size(); ++j) {
    neighbours[j]->ForEach([&](const ListItem& item) {
      if (item.died != kAlive) return;
      uint32_t to = neighbours[j]->number();
      double nearness = Nearness(item.code, theirs[j]);
      for (size_t side = 0; side < 2; ++side) {
        const double other = Nearness(item.code, new_centroids[side]);
        if (other <= nearness) continue;
        to = numbers[side];
        nearness = other;
      }
      change.Move(item.document, neighbours[j]->number(), to);
    });
  }
  LIBKV_ASSIGN_OR_RETURN(const bool is_split, CommitLists(change));
  if (is_split) vectors.CountSplit();
  return absl::OkStatus();
}

absl::Status Store::Impl::MergeList(const ActiveSpace& space,
                                    const std::shared_ptr<const PostingList>& in_memory) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  const std::shared_ptr<const ListTable> table = index->vectors()->view().lists;
  LIBKV_ASSIGN_OR_RETURN(const std::shared_ptr<const PostingList> with_codes,
                         ListWithCodes(space, in_memory));
  const PostingList& list = *with_codes;
  ListChange change = NewListChange(space, index);
  for (const ListItem& item : LiveItems(list)) {
    for (const NearList& near : table->NearestLists(QueryAt(item.code), 2)) {
      if (near.list->number() == list.number()) continue;
      LIBKV_RETURN_IF_ERROR(LoadList(space, near.list->number()));
      change.Move(item.document, list.number(), near.list->number());
      break;
    }
  }
  change.Remove(list.number());
  LIBKV_ASSIGN_OR_RETURN(const bool is_merged, CommitLists(change));
  if (is_merged) index->vectors()->CountMerge();
  return absl::OkStatus();
}

// What the writers and the keeper have left in memory: searches find only blocks with bits. Lists
// that have become too short without being crowded, or before an open, are due.
void Store::Impl::TidyLists(SpaceIndex& index) {
  const bool is_long = index.vectors()->keeper_notes().quiet_looks == kLongQuiet;
  const size_t loose_max = is_long ? 0 : kLooseMax;
  std::vector<uint32_t> loose, too_short;
  const std::shared_ptr<const ListTable> table = index.vectors()->view().lists;
  table->ForEach([&](const std::shared_ptr<PostingList>& list) {
    if (list->number() == kFlatList || !list->is_loaded()) return;
    if (list->loose() > loose_max) loose.push_back(list->number());
    if (list->live() < kListMin && table->list_count() > 1) too_short.push_back(list->number());
  });
  {
    const std::lock_guard lock(publish_mutex_);
    for (const uint32_t number : too_short) index.vectors()->MakeDue(number);
  }
  for (const uint32_t number : loose) {
    if (stop_keeper_) return;
    CleanList(index, number);
  }
}

// Without the dead, and without the numbers of births: nothing changes on disk.
void Store::Impl::CleanList(SpaceIndex& index, uint32_t number) {
  const std::lock_guard lock(publish_mutex_);
  VectorIndex& vectors = *index.vectors();
  const std::shared_ptr<const ListTable> table = vectors.view().lists;
  const std::shared_ptr<PostingList>& list = table->Find(number);
  if (list == nullptr || !list->is_loaded()) return;
  uint64_t complete_from = 0;
  std::vector<ListItem> items;
  items.reserve(list->live());
  list->ForEach([&](ListItem item) {
    complete_from = std::max(complete_from, item.died == kAlive ? item.born : item.died);
    if (item.died != kAlive) return;
    item.born = 0;
    items.push_back(item);
  });
  const auto cleaned =
      PostingList::Build(number, table->padded(), list->centroid(), items,
                         list->keeps_codes() ? ListStorage::kCodes : vectors.storage());
  vectors.Replace({}, std::span(&cleaned, 1), complete_from);
}

}  // namespace libkv
