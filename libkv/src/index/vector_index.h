// The VectorIndex is what one space keeps in memory of its vectors: lists of codes, each around a
// centroid (vector/posting_list.h), and list 0 for those that are in no other. It mirrors the
// posting rows; a list that nobody has asked for yet is on disk only.
//
// A vector that moves to another list dies in the one and is born in the other with the sequence of
// the batch that moves it: a view at any sequence sees it once.
//
// Threads    view() and the counters from any thread. All changes from one thread at a time, under
//            the store's publish lock (or by the loader, before the store is open).
#ifndef LIBKV_SRC_INDEX_VECTOR_INDEX_H_
#define LIBKV_SRC_INDEX_VECTOR_INDEX_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "index/vector_rows.h"
#include "vector/list_table.h"
#include "vector/posting_list.h"

namespace libkv {

// All lists at one moment. What is appended to one of them later, and what dies in it, is seen too.
struct VectorView {
  std::shared_ptr<const ListTable> lists;  // null: no vectors
  // Views at sequences before see less than there was: lists were replaced, and their dead dropped.
  uint64_t complete_from = 0;
};

class VectorIndex {
 public:
  VectorIndex(size_t padded, size_t exact_max, ListStorage storage = ListStorage::kCodes);

  // Up to so many vectors lists are not worth it. Fewer when lists have bits alone in memory, for
  // list 0 has codes.
  size_t exact_max() const {
    return keeps_codes() ? exact_max_ : std::min(exact_max_, kBitsExactMax);
  }
  static constexpr size_t kBitsExactMax = 16'384;

  // What of lists with a centroid is in memory. After a change of it all are on disk only, as after
  // Unload.
  ListStorage storage() const { return storage_.load(std::memory_order_relaxed); }
  bool keeps_codes() const { return storage() == ListStorage::kCodes; }
  void SetStorage(ListStorage storage);

  VectorView view() const;
  bool has_lists() const { return has_lists_.load(std::memory_order_acquire); }  // besides list 0

  // Vectors in memory, the living and all, and about how much it takes.
  uint64_t live() const { return live_.load(std::memory_order_relaxed); }
  size_t memory_bytes() const;
  bool is_loaded() const { return unloaded_.load(std::memory_order_relaxed) == 0; }  // all lists
  // Vectors that were overwritten or deleted since the store was opened.
  uint64_t deaths() const { return deaths_.load(std::memory_order_relaxed); }
  void CountDeath() { deaths_.fetch_add(1, std::memory_order_relaxed); }

  // For the loader: the lists as they are on disk, none of them read yet. Documents up to
  // `last_document` are in them.
  void SetUnloaded(std::span<const std::shared_ptr<PostingList>> lists, uint64_t last_document);

  // All lists are on disk only from now on, with all that was added: the rows were repaired.
  void Unload();

  // A vector that was committed with sequence item.born; the death of one. Lists that are on disk
  // only, and unknown documents, are passed over. Additions are seen after Publish.
  void Add(uint32_t list, const ListItem& item);
  void Kill(uint32_t list, uint64_t document, uint64_t died);
  void Publish();

  // Forgets all vectors: they are gone, or others are in their place.
  void Clear();

  // Reading a list from disk: what is added and dies in between is kept, and told to it at the end.
  // The reader takes its snapshot under the same lock as BeginLoad, and leaves out documents above
  // last_document(): they are added later.
  void BeginLoad(uint32_t list);
  // Those that were begun together, and the sequence of the snapshot.
  void FinishLoad(std::vector<std::shared_ptr<PostingList>> lists, uint64_t sequence);
  void AbortLoad(uint32_t list);
  uint64_t last_document() const { return last_document_; }

  // Splits and merges of lists that are in force; any thread.
  uint64_t splits() const { return splits_.load(std::memory_order_relaxed); }
  uint64_t merges() const { return merges_.load(std::memory_order_relaxed); }
  void CountSplit() { splits_.fetch_add(1, std::memory_order_relaxed); }
  void CountMerge() { merges_.fetch_add(1, std::memory_order_relaxed); }

  // Lists come, go, or are replaced; `complete_from` as in VectorView.
  void Replace(std::span<const uint32_t> removed, std::span<const std::shared_ptr<PostingList>> put,
               uint64_t complete_from);

  // How deep searches must go, null if that is not known; deaths() when it was measured, and how
  // long lists usually were then: 0 if it was measured before the store was opened.
  std::shared_ptr<const RecallTable> recall() const;
  uint64_t recall_deaths() const { return recall_deaths_.load(std::memory_order_relaxed); }
  size_t recall_list_size() const { return recall_list_size_.load(std::memory_order_relaxed); }
  void SetRecall(std::shared_ptr<const RecallTable> table, uint64_t deaths = 0,
                 size_t list_size = 0);

  // Keeps one in some queries, to measure with; any thread.
  void Remember(std::span<const float> query);
  std::vector<std::vector<float>> RecentQueries() const;

  // Lists that want to be looked after: they have grown to list_due() entries, the flat one beyond
  // exact_max(), or are crowded with the dead. Where an entry is small its list may be longer, so
  // that centroids and half-filled blocks weigh less.
  static bool IsCrowded(const PostingList& list) {
    return list.size() - list.live() > 16 + list.live() / 4;
  }
  static constexpr size_t kListDue = 224;
  static constexpr size_t kBitsListDue = 640;
  size_t list_due() const { return keeps_codes() ? kListDue : kBitsListDue; }
  static constexpr size_t kDueMax = 512;  // beyond, writers should wait
  size_t due_count() const { return due_count_.load(std::memory_order_acquire); }
  std::vector<uint32_t> TakeDue();
  // Additions and deaths since the last call; any thread.
  uint64_t TakeChanges() { return changes_.exchange(0, std::memory_order_relaxed); }
  // What the list keeper remembers of this index; its own.
  struct KeeperNotes {
    bool is_tidy = true;           // no list was changed since all were tidied
    bool is_recall_rough = false;  // it was measured while lists changed: to be done again
    int quiet_looks = 0;           // in a row at which there was nothing to be done
  };
  KeeperNotes& keeper_notes() { return keeper_notes_; }
  void MakeDue(uint32_t list);
  void Rest(uint32_t list, size_t until);  // not due for its size before it is that large

  // List numbers are not used again while the store is open.
  uint32_t NextList() { return next_list_.fetch_add(1, std::memory_order_relaxed); }

 private:
  const size_t padded_, exact_max_;
  std::atomic<ListStorage> storage_;

  std::shared_ptr<PostingList> Current(uint32_t list) const;
  void CatchUp(std::shared_ptr<PostingList>* list, uint64_t sequence);
  void Grow(std::shared_ptr<PostingList>* list, const ListItem& item);
  void LookAt(const PostingList& list);
  void SetView(std::shared_ptr<const ListTable> lists, uint64_t complete_from);

  mutable std::mutex mutex_;
  VectorView view_;                            // guarded by mutex_; changed by the writer only
  std::shared_ptr<const RecallTable> recall_;  // guarded by mutex_
  std::atomic<bool> has_lists_{false};
  std::atomic<uint64_t> live_{0}, entries_{0}, deaths_{0};
  std::atomic<size_t> due_count_{0}, unloaded_{0};
  std::atomic<uint32_t> next_list_{1};

  // The writer's own.
  uint64_t last_document_ = 0;
  absl::flat_hash_map<uint32_t, std::shared_ptr<PostingList>> grown_;  // not in the view yet
  struct Missed {
    uint64_t document = 0;
    uint64_t died = 0;  // 0: it was added
    std::string key;
    int64_t expiry = 0;
    uint64_t born = 0;
    Code code;
    std::vector<int8_t> values;
  };
  struct Loading {
    uint64_t last_document = 0;  // that is read
    std::vector<Missed> missed;
  };
  absl::flat_hash_map<uint32_t, Loading> loading_;
  absl::flat_hash_set<uint32_t> due_;
  absl::flat_hash_map<uint32_t, size_t> resting_;

  KeeperNotes keeper_notes_;
  std::atomic<uint64_t> changes_{0}, splits_{0}, merges_{0};
  std::atomic<uint64_t> recall_deaths_{0};
  std::atomic<size_t> recall_list_size_{0};
  std::atomic<uint32_t> queries_{0};
  mutable std::mutex recent_mutex_;
  std::vector<std::vector<float>> recent_;  // guarded by recent_mutex_, as is the next
  size_t next_recent_ = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_VECTOR_INDEX_H_
