// A ListTable is the root of a space's vectors in memory: all lists with their centroids, as they
// are at one moment. Changing it makes another table that shares nearly everything.
//
//   table = groups in ascending order of numbers
//   group = up to 64 lists; their centroids side by side, with one-bit codes like any entries
//
// Choosing lists scans the one-bit codes of all centroids and compares exactly the few that can be
// among the nearest, so no list is hidden behind a coarser choice.
//
// Threads    A table never changes. Its lists are PostingLists, with their own rule.
// Lifetime   Everything a reader reaches from a table lives as long as the table. A reader takes
//            its snapshot's sequence first and the table second: a table taken earlier can miss
//            that an entry has died.
#ifndef LIBKV_SRC_VECTOR_LIST_TABLE_H_
#define LIBKV_SRC_VECTOR_LIST_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "vector/list_query.h"
#include "vector/posting_list.h"

namespace libkv {

class ScannedCentroids;

// A list and where its centroid lies to a query.
struct NearList {
  PostingList* list = nullptr;  // lives as long as the table
  float distance2 = 0;          // |q - c|^2
  double dot = 0;               // q.c
};

class ListTable {
 public:
  static constexpr size_t kGroupLists = 64;

  // Without any list, not even list 0.
  static std::shared_ptr<const ListTable> Empty(size_t padded);

  // Like this table, but without the lists `removed`, and with the lists `put`, which take the
  // place of those of the same numbers. Numbers in `removed` that are not there are ignored. Cost:
  // one pointer for each group, 64 pointers for each group that changes, and 64 centroids if one of
  // the group's centroids changes. A list of the same centroid changes none.
  std::shared_ptr<const ListTable> With(std::span<const uint32_t> removed,
                                        std::span<const std::shared_ptr<PostingList>> put) const;

  size_t padded() const { return padded_; }

  // Null: there is none. O(log lists).
  const std::shared_ptr<PostingList>& Find(uint32_t number) const;
  const std::shared_ptr<PostingList>& flat() const { return flat_; }  // list 0, or null

  // The list whose centroid is nearest to a vector, by Euclidean distance; kFlatList: there is
  // none.
  uint32_t Nearest(std::span<const float> rotated) const;

  // The same for what many codes stand for, none if there is no list: the centroids of a group are
  // read once for all of them. Cost: one int8 dot product for each pair.
  std::vector<uint32_t> NearestOfMany(std::span<const CodeView> codes) const;

  // The `count` lists that a query should look into first, best first: by distance, or by dot
  // product under kInnerProduct, to within the rounding of one byte per coordinate. Without list 0.
  // Ties: the lower number.
  std::vector<NearList> NearestLists(const ListQuery& query, size_t count) const;

  // Every list in the order of their numbers.
  void ForEach(absl::FunctionRef<void(const std::shared_ptr<PostingList>& list)> visit) const;

  size_t list_count() const { return list_count_; }  // without list 0

  // About how many entries a numbered list has, 0 if none was loaded: as of when the table was
  // made.
  size_t usual_size() const { return usual_size_; }

  // Sums over the lists, with what is not loaded left out. O(lists).
  size_t size() const;
  size_t live() const;
  size_t memory_bytes() const;

 private:
  struct Group;
  using GroupPointer = std::shared_ptr<const Group>;

  explicit ListTable(size_t padded) : padded_(padded) {}

  // Puts lists behind those that are there, in new groups.
  void AddGroups(std::vector<std::shared_ptr<PostingList>> lists);

  // What the `count`-th nearest list will probably score, or a little less.
  float ExpectedThreshold(const ListQuery& query, Metric metric, size_t count) const;

  const size_t padded_;
  size_t list_count_ = 0;
  size_t usual_size_ = 0;
  std::shared_ptr<PostingList> flat_;
  std::vector<GroupPointer> groups_;
  std::vector<const ScannedCentroids*> scanned_;  // of each group
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_LIST_TABLE_H_
