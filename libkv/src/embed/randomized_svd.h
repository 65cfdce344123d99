// The greatest singular values of a large sparse matrix and their right singular vectors.
//
// An exact decomposition takes time cubic in the dimensions. Multiplying the matrix with a few
// random vectors leaves, after some repetitions, vectors that span the directions in which it is
// largest; within that small space the decomposition is exact. (Halko, Martinsson and Tropp,
// "Finding structure with randomness", SIAM Review 53, 2011.)
#ifndef LIBKV_SRC_EMBED_RANDOMIZED_SVD_H_
#define LIBKV_SRC_EMBED_RANDOMIZED_SVD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "embed/sparse_matrix.h"

namespace libkv {

inline constexpr size_t kSvdOversampling = 16;
inline constexpr size_t kSvdPowerIterations = 3;

struct Svd {
  std::vector<double> values;  // descending
  DenseMatrix right;           // matrix.columns() rows; column i belongs to values[i]
};

// At most `rank` singular values; fewer when the matrix has fewer that are worth the name (above
// 1e-4 of the first). The same matrix and seed give the same bits on every machine. A vector's sign
// is that of its largest element. Costs 9 products with the matrix, of rank + 16 columns; after
// each `progress` is told the share that is done. Nothing: it returned false.
std::optional<Svd> RandomizedSvd(
    const SparseMatrix& matrix, size_t rank, uint64_t seed,
    absl::FunctionRef<bool(double done)> progress = [](double) { return true; });

// Makes the columns orthogonal and of length 1, in place; a column that the others span becomes
// zeros. (Cholesky QR.)
void Orthonormalize(DenseMatrix* matrix);

// The eigenvalues of a symmetric matrix of `n` rows, descending, and in column i of `vectors` the
// vector of values[i]. (Jacobi's method, with rotations in a fixed order.)
struct Eigen {
  std::vector<double> values;
  std::vector<double> vectors;  // n rows of n
};
Eigen SymmetricEigen(std::vector<double> matrix, size_t n);

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_RANDOMIZED_SVD_H_
