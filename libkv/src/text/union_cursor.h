// Several terms seen as one: what a prefix or a misspelt word stands for. A document has it as
// often as all of them together, where any of them stands.
#ifndef LIBKV_SRC_TEXT_UNION_CURSOR_H_
#define LIBKV_SRC_TEXT_UNION_CURSOR_H_

#include <memory>
#include <vector>

#include "text/document_heap.h"
#include "text/postings.h"

namespace libkv {

class UnionCursor final : public PostingsCursor {
 public:
  // At least one cursor.
  explicit UnionCursor(std::vector<std::unique_ptr<PostingsCursor>> cursors);

  void Next() override;
  void SeekTo(uint32_t target) override;
  uint32_t frequency() override;
  void Positions(std::vector<uint32_t>* positions) override;
  uint32_t cost() const override { return heap_.cost(); }

 private:
  DocumentHeap<PostingsCursor> heap_;
  std::vector<uint32_t> positions_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_UNION_CURSOR_H_
