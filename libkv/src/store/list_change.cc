#include "store/list_change.h"

#include <algorithm>
#include <limits>

#include "format/keys.h"
#include "index/vector_rows.h"
#include "vector/clustering.h"
#include "vector/one_bit.h"

namespace libkv {

void ListChange::Make(uint32_t list, const CodeView& centroid) {
  made_.push_back({list, CodeArray(1, centroid.values.size())});
  made_.back().centroid.Set(0, centroid);
}

void ListChange::Remove(uint32_t list) { removed_.push_back(list); }

void ListChange::Move(uint64_t document, uint32_t from, uint32_t to) {
  if (from != to) moves_[from][document] = to;
}

bool ListChange::IsRemoved(uint32_t list) const {
  return std::find(removed_.begin(), removed_.end(), list) != removed_.end();
}

const ListChange::Made* ListChange::FindMade(uint32_t list) const {
  for (const Made& made : made_) {
    if (made.list == list) return &made;
  }
  return nullptr;
}

// Where a vector goes that came while the change was worked out.
uint32_t ListChange::NearestRemaining(const CodeView& code) const {
  uint32_t nearest = kFlatList;
  double best = std::numeric_limits<double>::infinity();
  const auto consider = [&](uint32_t list, const CodeView& centroid) {
    const double distance2 = CodeDistance2(code, centroid);
    if (distance2 >= best) return;
    best = distance2;
    nearest = list;
  };
  for (const Made& made : made_) consider(made.list, made.centroid[0]);
  if (!made_.empty()) return nearest;
  table_->ForEach([&](const std::shared_ptr<PostingList>& list) {
    if (list->number() != kFlatList && !IsRemoved(list->number())) {
      consider(list->number(), list->centroid());
    }
  });
  return nearest;
}

bool ListChange::Settle() {
  table_ = index_->vectors()->view().lists;
  static const absl::flat_hash_map<uint64_t, uint32_t> kNone;
  bool all_loaded = true;
  const auto settle = [&](uint32_t from) {
    std::shared_ptr<const PostingList> list = table_->Find(from);
    if (list == nullptr) return;  // made now
    all_loaded = all_loaded && list->is_loaded();
    if (!list->keeps_codes()) {
      list = read_codes_(list);
      if (list == nullptr) all_loaded = false;
      if (list == nullptr) return;
      lists_.push_back(list);
    }
    const auto found = moves_.find(from);
    const auto& moves = found == moves_.end() ? kNone : found->second;
    const bool is_replaced = FindMade(from) != nullptr;
    const bool is_removed = IsRemoved(from);
    list->ForEach([&](const ListItem& item) {
      if (item.died != kAlive) return;
      const auto move = moves.find(item.document);
      if (move != moves.end()) {
        settled_.push_back({item, from, move->second});
      } else if (is_removed) {
        settled_.push_back({item, from, NearestRemaining(item.code)});
      } else if (is_replaced) {
        kept_[from].push_back(item);
      }
    });
  };
  for (const auto& [from, unused] : moves_) settle(from);
  for (const Made& made : made_) {
    if (moves_.find(made.list) == moves_.end()) settle(made.list);
  }
  for (const uint32_t removed : removed_) {
    if (moves_.find(removed) == moves_.end()) settle(removed);
  }
  return all_loaded;
}

void ListChange::PutRows(EngineBatch& batch) const {
  for (const uint32_t removed : removed_) {
    batch.Delete(Family::kVectors, CentroidKey(space_, removed));
  }
  for (const Made& made : made_) {
    const std::string row_key = CentroidKey(space_, made.list);
    batch.Put(Family::kVectors, row_key, EncodeCentroidRow(row_key, made.centroid[0]));
  }
  for (const Moved& moved : settled_) {
    const ListItem& item = moved.item;
    const Posting posting = {.code = item.code, .expiry = item.expiry, .key = item.key};
    batch.Delete(Family::kVectors, PostingKey(space_, moved.from, item.document));
    batch.Put(Family::kVectors, PostingKey(space_, moved.to, item.document),
              EncodePostingRow(posting));
    if (moved.to != kFlatList) {
      batch.Put(Family::kVectors, ListKey(space_, item.document), EncodeListRow(moved.to));
    } else {
      batch.Delete(Family::kVectors, ListKey(space_, item.document));
    }
  }
}

void ListChange::Apply(uint64_t sequence) {
  VectorIndex& vectors = *index_->vectors();
  for (const Moved& moved : settled_) {
    if (FindMade(moved.from) == nullptr && !IsRemoved(moved.from)) {
      vectors.Kill(moved.from, moved.item.document, sequence);
    }
    ListItem item = moved.item;
    if (FindMade(moved.to) != nullptr) {
      kept_[moved.to].push_back(item);
    } else {
      item.born = sequence;
      vectors.Add(moved.to, item);
    }
  }
  // Nobody reads the lists that are made at a sequence before this one.
  std::vector<std::shared_ptr<PostingList>> put;
  for (const Made& made : made_) {
    std::vector<ListItem>& items = kept_[made.list];
    for (ListItem& item : items) item.born = 0;
    put.push_back(PostingList::Build(made.list, made.centroid.padded(), made.centroid[0], items,
                                     vectors.storage()));
  }
  vectors.Publish();
  if (!put.empty() || !removed_.empty()) vectors.Replace(removed_, put, sequence);
}

}  // namespace libkv
