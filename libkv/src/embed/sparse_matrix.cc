#include "embed/sparse_matrix.h"

#include "base/check.h"

namespace libkv {
namespace {

// sum += factor * row
void AddScaled(float factor, const float* __restrict row, size_t count, float* __restrict sum) {
  for (size_t i = 0; i < count; ++i) sum[i] += factor * row[i];
}

}  // namespace

void SparseMatrix::ScaleRow(size_t row, float factor) {
  for (Entry& entry : Row(row)) entry.value *= factor;
}

DenseMatrix SparseMatrix::Times(const DenseMatrix& right) const {
  LIBKV_CHECK(right.rows == columns_);
  DenseMatrix product(rows(), right.columns);
  for (size_t row = 0; row < rows(); ++row) {
    for (size_t i = BeginOf(row); i < ends_[row]; ++i) {
      AddScaled(entries_[i].value, right.Row(entries_[i].column), right.columns, product.Row(row));
    }
  }
  return product;
}

DenseMatrix SparseMatrix::TransposedTimes(const DenseMatrix& right) const {
  LIBKV_CHECK(right.rows == rows());
  DenseMatrix product(columns_, right.columns);
  for (size_t row = 0; row < rows(); ++row) {
    for (size_t i = BeginOf(row); i < ends_[row]; ++i) {
      AddScaled(entries_[i].value, right.Row(row), right.columns, product.Row(entries_[i].column));
    }
  }
  return product;
}

}  // namespace libkv
