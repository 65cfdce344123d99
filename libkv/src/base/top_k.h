// TopK keeps the best `limit` of many items, in O(log limit) for each that enters.
#ifndef LIBKV_SRC_BASE_TOP_K_H_
#define LIBKV_SRC_BASE_TOP_K_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace libkv {

// Better(a, b) says that a comes before b in the answer; a strict weak order.
template <typename Item, typename Better>
class TopK {
 public:
  explicit TopK(size_t limit, Better better = {}) : limit_(limit), better_(std::move(better)) {}

  // Whether `item` would be kept if it were pushed now.
  bool WouldKeep(const Item& item) const {
    return heap_.size() < limit_ || (limit_ > 0 && better_(item, heap_.front()));
  }

  void Push(Item item) {
    if (heap_.size() < limit_) {
      heap_.push_back(std::move(item));
      std::push_heap(heap_.begin(), heap_.end(), better_);
    } else if (limit_ > 0 && better_(item, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), better_);
      heap_.back() = std::move(item);
      std::push_heap(heap_.begin(), heap_.end(), better_);
    }
  }

  bool full() const { return heap_.size() == limit_; }
  size_t size() const { return heap_.size(); }
  const Item& worst() const { return heap_.front(); }    // requires size() > 0
  std::span<const Item> items() const { return heap_; }  // in any order

  // Empties this and returns the items, best first.
  std::vector<Item> TakeSorted() {
    std::sort(heap_.begin(), heap_.end(), better_);
    return std::exchange(heap_, {});
  }

 private:
  size_t limit_;
  Better better_;
  std::vector<Item> heap_;  // the worst of the kept ones in front
};

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_TOP_K_H_
