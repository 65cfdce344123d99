#include "embed/randomized_svd.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/hash.h"

namespace libkv {
namespace {

struct Both {
  SparseMatrix sparse;
  DenseMatrix dense;
};

Both RandomMatrix(size_t rows, size_t columns, size_t per_row, uint32_t seed) {
  std::mt19937 random(seed);
  Both both{SparseMatrix(columns), DenseMatrix(rows, columns)};
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < per_row; ++i) {
      // Low columns are frequent, as words are: the singular values fall off.
      const size_t below = 1 + random() % columns;
      const uint32_t column = static_cast<uint32_t>(random() % below);
      const float value = static_cast<float>(1 + random() % 4);
      both.sparse.Add(column, value);
      both.dense.Row(r)[column] += value;
    }
    both.sparse.EndRow();
  }
  return both;
}

// All eigenvalues of transposed(m) * m, by the power method and deflation: slow, and of other
// arithmetic than what is tested.
std::vector<double> SquaredValues(const DenseMatrix& m, size_t count) {
  const size_t n = m.columns;
  std::vector<double> gram(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      for (size_t r = 0; r < m.rows; ++r) {
        gram[i * n + j] += static_cast<double>(m.Row(r)[i]) * static_cast<double>(m.Row(r)[j]);
      }
    }
  }
  std::vector<double> values;
  for (size_t k = 0; k < count; ++k) {
    std::vector<double> v(n, 1.0), w(n);
    for (size_t i = 0; i < n; ++i) v[i] += 0.01 * static_cast<double>((i * 7 + k) % 13);
    double length = 0;
    for (int round = 0; round < 4000; ++round) {
      length = 0;
      for (size_t i = 0; i < n; ++i) {
        w[i] = 0;
        for (size_t j = 0; j < n; ++j) w[i] += gram[i * n + j] * v[j];
        length += w[i] * w[i];
      }
      length = std::sqrt(length);
      for (size_t i = 0; i < n; ++i) v[i] = w[i] / length;
    }
    values.push_back(length);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) gram[i * n + j] -= length * v[i] * v[j];
    }
  }
  return values;
}

double Dot(const DenseMatrix& m, size_t a, size_t b) {
  double sum = 0;
  for (size_t r = 0; r < m.rows; ++r) {
    sum += static_cast<double>(m.Row(r)[a]) * static_cast<double>(m.Row(r)[b]);
  }
  return sum;
}

TEST_CASE("the products are those of the dense matrix") {
  const Both both = RandomMatrix(30, 20, 5, 1);
  DenseMatrix right(20, 3), left(30, 3);
  std::mt19937 random(2);
  for (float& x : right.values) x = static_cast<float>(random() % 100);
  for (float& x : left.values) x = static_cast<float>(random() % 100);
  const DenseMatrix product = both.sparse.Times(right);
  const DenseMatrix transposed = both.sparse.TransposedTimes(left);
  for (size_t c = 0; c < 3; ++c) {
    for (size_t r = 0; r < 30; ++r) {
      float sum = 0;
      for (size_t i = 0; i < 20; ++i) sum += both.dense.Row(r)[i] * right.Row(i)[c];
      CHECK(product.Row(r)[c] == sum);  // small integers: exact
    }
    for (size_t i = 0; i < 20; ++i) {
      float sum = 0;
      for (size_t r = 0; r < 30; ++r) sum += both.dense.Row(r)[i] * left.Row(r)[c];
      CHECK(transposed.Row(i)[c] == sum);
    }
  }
}

TEST_CASE("singular values are right and their vectors orthonormal") {
  const Both both = RandomMatrix(120, 60, 12, 3);
  const std::vector<double> squares = SquaredValues(both.dense, 10);
  const Svd svd = *RandomizedSvd(both.sparse, 10, 1);
  REQUIRE(svd.values.size() == 10);
  REQUIRE(svd.right.rows == 60);
  for (size_t i = 0; i < 10; ++i) {
    CAPTURE(i);
    CHECK(svd.values[i] == doctest::Approx(std::sqrt(squares[i])).epsilon(0.01));
    for (size_t j = 0; j <= i; ++j) {
      CHECK(Dot(svd.right, i, j) == doctest::Approx(i == j ? 1 : 0).epsilon(0.02));
    }
  }
}

TEST_CASE("a matrix of low rank gives that many values, and empty rows do no harm") {
  SparseMatrix matrix(50);
  for (size_t r = 0; r < 40; ++r) {  // multiples of two rows, and nothing
    if (r % 3 == 0) matrix.Add(7, static_cast<float>(r + 1));
    if (r % 3 == 1) matrix.Add(30, 2);
    matrix.EndRow();
  }
  const Svd svd = *RandomizedSvd(matrix, 16, 1);
  REQUIRE(svd.values.size() == 2);
  CHECK(std::abs(svd.right.Row(7)[0]) == doctest::Approx(1));
  CHECK(std::abs(svd.right.Row(30)[1]) == doctest::Approx(1));

  SparseMatrix empty(5);
  for (int i = 0; i < 4; ++i) empty.EndRow();
  CHECK(RandomizedSvd(empty, 3, 1)->values.empty());
}

TEST_CASE("eigenvalues and vectors of symmetric matrices fulfil their equation") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const size_t n = 1 + random() % 40;
    std::vector<double> matrix(n * n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j <= i; ++j) {
        matrix[i * n + j] = matrix[j * n + i] = static_cast<double>(random() % 2001) / 1000 - 1;
      }
    }
    const Eigen eigen = SymmetricEigen(matrix, n);
    for (size_t k = 0; k < n; ++k) {
      if (k > 0) CHECK(eigen.values[k] <= eigen.values[k - 1]);
      double squares = 0;
      for (size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (size_t j = 0; j < n; ++j) sum += matrix[i * n + j] * eigen.vectors[j * n + k];
        REQUIRE(std::abs(sum - eigen.values[k] * eigen.vectors[i * n + k]) < 1e-9);
        squares += eigen.vectors[i * n + k] * eigen.vectors[i * n + k];
      }
      REQUIRE(squares == doctest::Approx(1));
    }
  }
}

TEST_CASE("the same matrix and seed give the same bits everywhere") {
  // The fingerprint is what every machine and compiler must find.
  const Both both = RandomMatrix(200, 100, 20, 4);
  const Svd svd = *RandomizedSvd(both.sparse, 12, 5);
  const std::string_view bytes(reinterpret_cast<const char*>(svd.right.values.data()),
                               svd.right.values.size() * sizeof(float));
  CHECK(Hash64(bytes) == 11754197420655385075U);
}

}  // namespace
}  // namespace libkv
