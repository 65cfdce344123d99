#include "embed/randomized_svd.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace libkv {
namespace {

constexpr double kRelativeValueMin = 1e-4;
constexpr size_t kJacobiSweepsMax = 30;
// A column whose part outside the others is smaller than this share of it counts as spanned.
constexpr double kIndependentShareMin = 1e-10;  // of the squared length

void AddScaled(double factor, const double* __restrict row, size_t count, double* __restrict sum) {
  for (size_t i = 0; i < count; ++i) sum[i] += factor * row[i];
}

uint64_t Mixed(uint64_t z) {  // SplitMix64
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Signs serve as well as normal numbers here, and need no logarithm.
DenseMatrix RandomSigns(size_t rows, size_t columns, uint64_t seed) {
  DenseMatrix signs(rows, columns);
  uint64_t state = Mixed(seed);
  for (size_t i = 0; i < signs.values.size(); ++i) {
    if (i % 64 == 0) state = Mixed(state);
    signs.values[i] = (state >> (i % 64) & 1) != 0 ? 1.0F : -1.0F;
  }
  return signs;
}

// transposed(left) * right
std::vector<double> ColumnProducts(const DenseMatrix& left, const DenseMatrix& right) {
  LIBKV_CHECK(left.rows == right.rows);
  const size_t n = left.columns, m = right.columns;
  std::vector<double> products(n * m), row(m);
  for (size_t r = 0; r < left.rows; ++r) {
    for (size_t j = 0; j < m; ++j) row[j] = static_cast<double>(right.Row(r)[j]);
    for (size_t i = 0; i < n; ++i) {
      AddScaled(static_cast<double>(left.Row(r)[i]), row.data(), m, products.data() + i * m);
    }
  }
  return products;
}

// left * right, of whose rows' first `columns` elements count.
DenseMatrix TimesSmall(const DenseMatrix& left, const std::vector<double>& right, size_t stride,
                       size_t columns) {
  DenseMatrix product(left.rows, columns);
  std::vector<double> sums(columns);
  for (size_t r = 0; r < left.rows; ++r) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (size_t i = 0; i < left.columns; ++i) {
      AddScaled(static_cast<double>(left.Row(r)[i]), right.data() + i * stride, columns,
                sums.data());
    }
    for (size_t j = 0; j < columns; ++j) product.Row(r)[j] = static_cast<float>(sums[j]);
  }
  return product;
}

// Replaces the symmetric `matrix` by the R above its diagonal with transposed(R) * R = matrix. A
// row that depends on those before it becomes zeros.
void Cholesky(std::vector<double>* matrix, size_t n) {
  double* const m = matrix->data();
  for (size_t i = 0; i < n; ++i) {
    double* const row = m + i * n;
    const double length = row[i];
    for (size_t k = 0; k < i; ++k) {
      AddScaled(-m[k * n + i], m + k * n + i, n - i, row + i);
    }
    if (!(row[i] > length * kIndependentShareMin)) {
      std::fill(row + i, row + n, 0.0);
      continue;
    }
    const double inverse = 1 / std::sqrt(row[i]);
    for (size_t j = i; j < n; ++j) row[j] *= inverse;
  }
}

void FixSigns(DenseMatrix* matrix) {
  std::vector<float> largest(matrix->columns);
  for (size_t r = 0; r < matrix->rows; ++r) {
    for (size_t j = 0; j < matrix->columns; ++j) {
      const float value = matrix->Row(r)[j];
      if (std::abs(value) > std::abs(largest[j])) largest[j] = value;
    }
  }
  for (size_t r = 0; r < matrix->rows; ++r) {
    for (size_t j = 0; j < matrix->columns; ++j) {
      if (largest[j] < 0) matrix->Row(r)[j] = -matrix->Row(r)[j];
    }
  }
}

}  // namespace

void Orthonormalize(DenseMatrix* matrix) {
  const size_t n = matrix->columns;
  std::vector<double> r = ColumnProducts(*matrix, *matrix);
  Cholesky(&r, n);
  std::vector<double> row(n);
  for (size_t k = 0; k < matrix->rows; ++k) {
    float* const values = matrix->Row(k);
    for (size_t j = 0; j < n; ++j) row[j] = static_cast<double>(values[j]);
    for (size_t i = 0; i < n; ++i) {
      const double pivot = r[i * n + i];
      row[i] = pivot > 0 ? row[i] / pivot : 0;
      AddScaled(-row[i], r.data() + i * n + i + 1, n - i - 1, row.data() + i + 1);
    }
    for (size_t j = 0; j < n; ++j) values[j] = static_cast<float>(row[j]);
  }
}

Eigen SymmetricEigen(std::vector<double> matrix, size_t n) {
  LIBKV_CHECK(matrix.size() == n * n);
  // Rows of `vectors` are eigenvectors until the end: rows are fast to rotate.
  std::vector<double> vectors(n * n);
  for (size_t i = 0; i < n; ++i) vectors[i * n + i] = 1;
  const auto at = [&](size_t i, size_t j) -> double& { return matrix[i * n + j]; };
  for (size_t i = 0; i < n; ++i) {  // what was meant to be symmetric may have been rounded
    for (size_t j = 0; j < i; ++j) at(i, j) = at(j, i) = (at(i, j) + at(j, i)) / 2;
  }
  double trace = 0;
  for (size_t i = 0; i < n; ++i) trace += std::abs(at(i, i));
  const double negligible = 1e-14 * trace / static_cast<double>(std::max<size_t>(n, 1));
  bool rotated = true;
  for (size_t sweep = 0; sweep < kJacobiSweepsMax && rotated; ++sweep) {
    rotated = false;
    for (size_t p = 0; p + 1 < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        if (std::abs(at(p, q)) <= negligible) continue;
        rotated = true;
        // The angle that makes at(p, q) zero.
        const double theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        const double pp = at(p, p), qq = at(q, q), pq = at(p, q);
        double* const row_p = &matrix[p * n];
        double* const row_q = &matrix[q * n];
        double* const vector_p = &vectors[p * n];
        double* const vector_q = &vectors[q * n];
        for (size_t k = 0; k < n; ++k) {
          const double a = row_p[k], b = row_q[k];
          row_p[k] = c * a - s * b;
          row_q[k] = s * a + c * b;
          const double v = vector_p[k], w = vector_q[k];
          vector_p[k] = c * v - s * w;
          vector_q[k] = s * v + c * w;
        }
        row_p[p] = pp - t * pq;
        row_q[q] = qq + t * pq;
        row_p[q] = row_q[p] = 0;
        for (size_t k = 0; k < n; ++k) {
          matrix[k * n + p] = row_p[k];
          matrix[k * n + q] = row_q[k];
        }
      }
    }
  }
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return at(a, a) > at(b, b); });
  Eigen eigen{std::vector<double>(n), std::vector<double>(n * n)};
  for (size_t i = 0; i < n; ++i) {
    eigen.values[i] = at(order[i], order[i]);
    for (size_t k = 0; k < n; ++k) eigen.vectors[k * n + i] = vectors[order[i] * n + k];
  }
  return eigen;
}

std::optional<Svd> RandomizedSvd(const SparseMatrix& matrix, size_t rank, uint64_t seed,
                                 absl::FunctionRef<bool(double done)> progress) {
  constexpr size_t kProducts = 2 * kSvdPowerIterations + 3;
  size_t products = 0;
  const auto go_on = [&] { return progress(static_cast<double>(++products) / kProducts); };
  // 1. A random start, as wide as the answer and a little more.
  const size_t width = std::min({rank + kSvdOversampling, matrix.rows(), matrix.columns()});
  DenseMatrix range = RandomSigns(matrix.rows(), width, seed);
  // 2. Each round multiplies what lies in direction i by values[i]^2: the largest remain.
  for (size_t round = 0; round < kSvdPowerIterations; ++round) {
    const DenseMatrix transposed = matrix.TransposedTimes(range);
    if (!go_on()) return std::nullopt;
    range = matrix.Times(transposed);
    Orthonormalize(&range);
    if (!go_on()) return std::nullopt;
  }
  // 3. Within that space: the eigenvectors of A A^T, whose values are the squares of A's.
  const DenseMatrix transposed = matrix.TransposedTimes(range);
  if (!go_on()) return std::nullopt;
  std::vector<double> small = ColumnProducts(range, matrix.Times(transposed));
  if (!go_on()) return std::nullopt;
  const Eigen eigen = SymmetricEigen(std::move(small), width);
  Svd svd;
  for (size_t i = 0; i < std::min(rank, width); ++i) {
    const double square = eigen.values[i];
    if (!(square > 0) || square < kRelativeValueMin * kRelativeValueMin * eigen.values[0]) break;
    svd.values.push_back(std::sqrt(square));
  }
  // 4. From left singular vectors to right ones: v = A^T u / s.
  const DenseMatrix left = TimesSmall(range, eigen.vectors, width, svd.values.size());
  svd.right = matrix.TransposedTimes(left);
  for (size_t r = 0; r < svd.right.rows; ++r) {
    for (size_t i = 0; i < svd.values.size(); ++i) {
      svd.right.Row(r)[i] =
          static_cast<float>(static_cast<double>(svd.right.Row(r)[i]) / svd.values[i]);
    }
  }
  FixSigns(&svd.right);
  if (!go_on()) return std::nullopt;
  return svd;
}

}  // namespace libkv
