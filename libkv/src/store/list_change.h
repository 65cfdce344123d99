// A change of a space's lists of vectors: lists come and go, and vectors move between them. It is
// worked out beside the writers, settled and written by the committer in a group of its own, and
// put in force with that group's sequence. A crash leaves all of it or nothing.
#ifndef LIBKV_SRC_STORE_LIST_CHANGE_H_
#define LIBKV_SRC_STORE_LIST_CHANGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/engine.h"
#include "index/space_index.h"
#include "vector/code_array.h"

namespace libkv {

class ListChange {
 public:
  // Gives a list with its codes, as it is on disk, when Settle asks for it; null: it cannot.
  using ReadCodes = std::function<std::shared_ptr<const PostingList>(
      const std::shared_ptr<const PostingList>& list)>;

  ListChange(uint32_t space, std::shared_ptr<SpaceIndex> index, ReadCodes read_codes = {})
      : space_(space), index_(std::move(index)), read_codes_(std::move(read_codes)) {}

  // That of the rows: ActiveSpace::vectors_id().
  uint32_t space() const { return space_; }
  const std::shared_ptr<SpaceIndex>& index() const { return index_; }

  // A list with this centroid. One that is there gets it as its new centroid, and keeps what does
  // not move.
  void Make(uint32_t list, const CodeView& centroid);

  // The list goes. What is in it and does not move, because it came meanwhile, goes to the nearest
  // of the others.
  void Remove(uint32_t list);

  // The vector goes to another list. Both lists must be in memory, or be made.
  void Move(uint64_t document, uint32_t from, uint32_t to);

  bool empty() const { return made_.empty() && removed_.empty() && moves_.empty(); }

  // The committer's, in this order, with nothing published in between. Settle leaves out what died
  // meanwhile; false: a list is no longer in memory, or cannot be read, and nothing must be done.
  // The views of what moves live as long as this object.
  [[nodiscard]] bool Settle();
  void PutRows(EngineBatch& batch) const;
  void Apply(uint64_t sequence);

 private:
  struct Made {
    uint32_t list;
    CodeArray centroid;
  };
  struct Moved {
    ListItem item;
    uint32_t from, to;
  };

  bool IsRemoved(uint32_t list) const;
  const Made* FindMade(uint32_t list) const;
  uint32_t NearestRemaining(const CodeView& code) const;

  const uint32_t space_;
  const std::shared_ptr<SpaceIndex> index_;
  const ReadCodes read_codes_;
  std::vector<Made> made_;
  std::vector<uint32_t> removed_;
  // By the list they leave: document -> where it goes.
  absl::flat_hash_map<uint32_t, absl::flat_hash_map<uint64_t, uint32_t>> moves_;

  std::shared_ptr<const ListTable> table_;                 // holds what `settled_` points into
  std::vector<std::shared_ptr<const PostingList>> lists_;  // the same
  std::vector<Moved> settled_;
  absl::flat_hash_map<uint32_t, std::vector<ListItem>> kept_;  // in lists with another centroid
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_LIST_CHANGE_H_
