// What tests of whole stores share: opening, and reading answers as plain values.
#ifndef LIBKV_TESTS_SUPPORT_STORE_TEST_H_
#define LIBKV_TESTS_SUPPORT_STORE_TEST_H_

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "libkv/store.h"
#include "support/temp_dir.h"

namespace libkv {

// Fails the test when `status` is not OK, showing it.
#define REQUIRE_OK(expression)                                    \
  do {                                                            \
    const auto& libkv_result = (expression);                      \
    REQUIRE_MESSAGE(libkv_result.ok(), StatusText(libkv_result)); \
  } while (false)
#define CHECK_OK(expression)                                    \
  do {                                                          \
    const auto& libkv_result = (expression);                    \
    CHECK_MESSAGE(libkv_result.ok(), StatusText(libkv_result)); \
  } while (false)

std::string StatusText(const absl::Status& status);
template <typename T>
std::string StatusText(const absl::StatusOr<T>& result) {
  return StatusText(result.status());
}

std::unique_ptr<Store> OpenStore(const std::string& directory, const Options& options = {});

// The value of `key`; "(none)" when there is none.
std::string Value(const Store& store, const std::string& key, const ReadOptions& read = {});

// The keys of an answer, in its order, joined by blanks.
std::string Keys(const absl::StatusOr<SearchResult>& result);
std::string Keys(const absl::StatusOr<std::vector<Neighbor>>& result);
std::string Keys(const absl::StatusOr<std::vector<std::string>>& result);
std::string Keys(const std::vector<std::string>& keys);

std::string Search(const Store& store, const std::string& query, const SearchOptions& options = {});

// All keys of the store, forward; checks that backward is the same reversed.
std::string AllKeys(const Store& store, const IteratorOptions& bounds = {},
                    const ReadOptions& read = {});

// Fails the test with the problems when Verify finds any.
void CheckVerifies(const Store& store);

// A space over all keys with words (and whatever `change` adds).
Space TextSpace(const std::string& prefix = "");
Space VectorSpace(uint32_t dimension, Metric metric, const std::string& prefix = "");
Options WithSpaces(std::vector<Space> spaces);

}  // namespace libkv

#endif  // LIBKV_TESTS_SUPPORT_STORE_TEST_H_
