#include "index/vector_index.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace libkv {
namespace {

// What an entry takes besides its codes, with a key of usual length (vector/entry_block.h).
constexpr size_t kEntryBytes = 56;
// And of bits alone, its share of half-filled blocks included; and what a list takes besides.
constexpr size_t kBitsEntryBytes = 26;
constexpr size_t kListBytes = 256;

constexpr uint32_t kQueriesPerKept = 16;
constexpr size_t kRecentQueries = 128;

}  // namespace

VectorIndex::VectorIndex(size_t padded, size_t exact_max, ListStorage storage)
    : padded_(padded), exact_max_(exact_max), storage_(storage) {
  const auto flat = PostingList::Build(kFlatList, padded, {}, {});
  view_.lists = ListTable::Empty(padded)->With({}, std::span(&flat, 1));
}

void VectorIndex::Clear() {
  grown_.clear();
  due_.clear();
  due_count_.store(0, std::memory_order_release);
  live_.store(0, std::memory_order_relaxed);
  entries_.store(0, std::memory_order_relaxed);
  unloaded_.store(0, std::memory_order_relaxed);
  const auto flat = PostingList::Build(kFlatList, padded_, {}, {});
  SetView(ListTable::Empty(padded_)->With({}, std::span(&flat, 1)), 0);
}

VectorView VectorIndex::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

size_t VectorIndex::memory_bytes() const {
  const size_t entries = entries_.load(std::memory_order_relaxed);
  if (keeps_codes()) return entries * (padded_ + padded_ / 8 + kEntryBytes);
  const std::shared_ptr<const ListTable> lists = view().lists;
  const size_t flat = std::min(entries, lists->flat()->size());
  return flat * (padded_ + kEntryBytes) + (entries - flat) * (padded_ / 8 + kBitsEntryBytes) +
         lists->list_count() * (2 * padded_ + padded_ / 8 + kListBytes);
}

void VectorIndex::SetStorage(ListStorage storage) {
  if (storage == this->storage()) return;
  storage_.store(storage, std::memory_order_relaxed);
  Unload();
}

void VectorIndex::SetView(std::shared_ptr<const ListTable> lists, uint64_t complete_from) {
  has_lists_.store(lists->list_count() > 0, std::memory_order_release);
  VectorView view = {std::move(lists), std::max(complete_from, view_.complete_from)};
  const std::lock_guard lock(mutex_);
  std::swap(view_, view);  // the old one dies outside of the lock
}

void VectorIndex::SetUnloaded(std::span<const std::shared_ptr<PostingList>> lists,
                              uint64_t last_document) {
  last_document_ = last_document;
  for (const auto& list : lists) {
    if (list->number() >= next_list_.load()) next_list_.store(list->number() + 1);
  }
  unloaded_.store(lists.size(), std::memory_order_relaxed);
  SetView(view_.lists->With({}, lists), 0);
}

void VectorIndex::Unload() {
  std::vector<std::shared_ptr<PostingList>> lists;
  view_.lists->ForEach([&](const std::shared_ptr<PostingList>& list) {
    lists.push_back(PostingList::Unloaded(list->number(), padded_, list->centroid()));
  });
  live_.store(0, std::memory_order_relaxed);
  entries_.store(0, std::memory_order_relaxed);
  SetUnloaded(lists, last_document_);
}

std::shared_ptr<PostingList> VectorIndex::Current(uint32_t list) const {
  const auto grown = grown_.find(list);
  return grown != grown_.end() ? grown->second : view_.lists->Find(list);
}

void VectorIndex::Grow(std::shared_ptr<PostingList>* list, const ListItem& item) {
  if (!(*list)->Append(item)) *list = (*list)->Grown(std::span(&item, 1));
  changes_.fetch_add(1, std::memory_order_relaxed);
  live_.fetch_add(1, std::memory_order_relaxed);
  entries_.fetch_add(1, std::memory_order_relaxed);
}

void VectorIndex::LookAt(const PostingList& list) {
  size_t due = list.number() == kFlatList ? exact_max() + 1 : list_due();
  if (!resting_.empty()) {
    const auto resting = resting_.find(list.number());
    if (resting != resting_.end()) due = std::max(due, resting->second);
  }
  if (list.live() >= due || IsCrowded(list)) MakeDue(list.number());
}

void VectorIndex::Add(uint32_t list, const ListItem& item) {
  last_document_ = std::max(last_document_, item.document);
  if (const auto loading = loading_.find(list); loading != loading_.end()) {
    loading->second.missed.push_back(
        {.document = item.document,
         .key = std::string(item.key),
         .expiry = item.expiry,
         .born = item.born,
         .code = item.code.code,
         .values = {item.code.values.begin(), item.code.values.end()}});
  }
  std::shared_ptr<PostingList> current = Current(list);
  LIBKV_CHECK(current != nullptr);
  if (!current->is_loaded()) return;
  const PostingList* const before = current.get();
  Grow(&current, item);
  LookAt(*current);
  if (current.get() != before) grown_[list] = std::move(current);
}

void VectorIndex::Kill(uint32_t list, uint64_t document, uint64_t died) {
  if (const auto loading = loading_.find(list); loading != loading_.end()) {
    loading->second.missed.push_back({.document = document, .died = died});
  }
  const std::shared_ptr<PostingList> current = Current(list);
  if (current == nullptr || !current->is_loaded()) return;
  if (!current->Kill(document, died)) return;
  changes_.fetch_add(1, std::memory_order_relaxed);
  live_.fetch_sub(1, std::memory_order_relaxed);
  LookAt(*current);
}

void VectorIndex::Publish() {
  if (grown_.empty()) return;
  std::vector<std::shared_ptr<PostingList>> put;
  put.reserve(grown_.size());
  for (auto& [number, list] : grown_) put.push_back(std::move(list));
  grown_.clear();
  SetView(view_.lists->With({}, put), 0);
}

void VectorIndex::BeginLoad(uint32_t list) {
  loading_[list] = {.last_document = last_document_, .missed = {}};
}

void VectorIndex::AbortLoad(uint32_t list) { loading_.erase(list); }

void VectorIndex::CatchUp(std::shared_ptr<PostingList>* list, uint64_t sequence) {
  const auto found = loading_.find((*list)->number());
  const Loading loading = std::move(found->second);
  loading_.erase(found);
  for (const Missed& what : loading.missed) {
    if (what.died != 0) {
      if ((*list)->Kill(what.document, what.died)) live_.fetch_sub(1, std::memory_order_relaxed);
      continue;
    }
    // One that moved here before the snapshot was read here.
    if (what.document <= loading.last_document && what.born <= sequence) continue;
    Grow(list, {.document = what.document,
                .key = what.key,
                .expiry = what.expiry,
                .born = what.born,
                .code = {what.code, what.values}});
  }
}

void VectorIndex::FinishLoad(std::vector<std::shared_ptr<PostingList>> lists, uint64_t sequence) {
  unloaded_.fetch_sub(lists.size(), std::memory_order_relaxed);
  for (std::shared_ptr<PostingList>& list : lists) {
    live_.fetch_add(list->live(), std::memory_order_relaxed);
    entries_.fetch_add(list->size(), std::memory_order_relaxed);
    CatchUp(&list, sequence);
    LookAt(*list);
  }
  SetView(view_.lists->With({}, lists), sequence);
}

void VectorIndex::Replace(std::span<const uint32_t> removed,
                          std::span<const std::shared_ptr<PostingList>> put,
                          uint64_t complete_from) {
  const auto forget = [&](uint32_t number) {
    const std::shared_ptr<PostingList>& old = view_.lists->Find(number);
    if (old == nullptr || !old->is_loaded()) return;
    live_.fetch_sub(old->live(), std::memory_order_relaxed);
    entries_.fetch_sub(old->size(), std::memory_order_relaxed);
  };
  for (const uint32_t number : removed) forget(number);
  for (const auto& list : put) {
    forget(list->number());
    live_.fetch_add(list->live(), std::memory_order_relaxed);
    entries_.fetch_add(list->size(), std::memory_order_relaxed);
    LookAt(*list);
  }
  SetView(view_.lists->With(removed, put), complete_from);
}

std::vector<uint32_t> VectorIndex::TakeDue() {
  std::vector<uint32_t> due(due_.begin(), due_.end());
  due_.clear();
  due_count_.store(0, std::memory_order_release);
  return due;
}

void VectorIndex::MakeDue(uint32_t list) {
  due_.insert(list);
  due_count_.store(due_.size(), std::memory_order_release);
}

void VectorIndex::Rest(uint32_t list, size_t until) { resting_[list] = until; }

std::shared_ptr<const RecallTable> VectorIndex::recall() const {
  const std::lock_guard lock(mutex_);
  return recall_;
}

void VectorIndex::SetRecall(std::shared_ptr<const RecallTable> table, uint64_t deaths,
                            size_t list_size) {
  recall_deaths_.store(deaths, std::memory_order_relaxed);
  recall_list_size_.store(list_size, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  recall_ = std::move(table);
}

void VectorIndex::Remember(std::span<const float> query) {
  if (queries_.fetch_add(1, std::memory_order_relaxed) % kQueriesPerKept != 0) return;
  const std::unique_lock lock(recent_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  if (recent_.size() < kRecentQueries) recent_.emplace_back();
  recent_[next_recent_].assign(query.begin(), query.end());
  next_recent_ = (next_recent_ + 1) % kRecentQueries;
}

std::vector<std::vector<float>> VectorIndex::RecentQueries() const {
  const std::lock_guard lock(recent_mutex_);
  return recent_;
}

}  // namespace libkv
