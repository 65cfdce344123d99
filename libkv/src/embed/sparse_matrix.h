// A sparse matrix of floats, row after row, and its products with dense ones.
//
// Every sum has a fixed order, and vector instructions only ever work on elements that do not meet:
// the results are the same bits whatever the compiler makes of the loops.
#ifndef LIBKV_SRC_EMBED_SPARSE_MATRIX_H_
#define LIBKV_SRC_EMBED_SPARSE_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace libkv {

// Row-major, without gaps.
struct DenseMatrix {
  DenseMatrix() = default;
  DenseMatrix(size_t row_count, size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}

  float* Row(size_t row) { return values.data() + row * columns; }
  const float* Row(size_t row) const { return values.data() + row * columns; }

  size_t rows = 0, columns = 0;
  std::vector<float> values;
};

class SparseMatrix {
 public:
  explicit SparseMatrix(size_t column_count) : columns_(column_count) {}

  struct Entry {
    uint32_t column;
    float value;
  };

  // A matrix whose row i is entries[ends[i - 1], ends[i]), row 0 from 0 on.
  SparseMatrix(size_t column_count, std::vector<Entry> entries, std::vector<size_t> ends)
      : columns_(column_count), entries_(std::move(entries)), ends_(std::move(ends)) {}

  // Adds to the last row; EndRow() makes it one.
  void Add(uint32_t column, float value) { entries_.push_back({column, value}); }
  void EndRow() { ends_.push_back(entries_.size()); }

  std::span<Entry> Row(size_t row) {
    return std::span(entries_).subspan(BeginOf(row), ends_[row] - BeginOf(row));
  }
  void ScaleRow(size_t row, float factor);

  size_t rows() const { return ends_.size(); }
  size_t columns() const { return columns_; }
  size_t entry_count() const { return entries_.size(); }

  DenseMatrix Times(const DenseMatrix& right) const;            // this * right
  DenseMatrix TransposedTimes(const DenseMatrix& right) const;  // transposed(this) * right

 private:
  size_t BeginOf(size_t row) const { return row == 0 ? 0 : ends_[row - 1]; }

  size_t columns_;
  std::vector<Entry> entries_;
  std::vector<size_t> ends_;  // one past the last entry of each row
};

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_SPARSE_MATRIX_H_
