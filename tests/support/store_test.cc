#include "support/store_test.h"

#include <algorithm>

namespace libkv {

std::string StatusText(const absl::Status& status) { return status.ToString(); }

std::unique_ptr<Store> OpenStore(const std::string& directory, const Options& options) {
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options, directory);
  REQUIRE_OK(store);
  return *std::move(store);
}

std::string Value(const Store& store, const std::string& key, const ReadOptions& read) {
  const absl::StatusOr<std::string> value = store.Get(read, key);
  if (absl::IsNotFound(value.status())) return "(none)";
  REQUIRE_OK(value);
  return *value;
}

std::string Keys(const std::vector<std::string>& keys) {
  std::string out;
  for (const std::string& key : keys) out += (out.empty() ? "" : " ") + key;
  return out;
}

std::string Keys(const absl::StatusOr<std::vector<std::string>>& result) {
  REQUIRE_OK(result);
  return Keys(*result);
}

std::string Keys(const absl::StatusOr<SearchResult>& result) {
  REQUIRE_OK(result);
  std::vector<std::string> keys;
  for (const Hit& hit : result->hits) keys.push_back(hit.key);
  return Keys(keys);
}

std::string Keys(const absl::StatusOr<std::vector<Neighbor>>& result) {
  REQUIRE_OK(result);
  std::vector<std::string> keys;
  for (const Neighbor& neighbor : *result) keys.push_back(neighbor.key);
  return Keys(keys);
}

std::string Search(const Store& store, const std::string& query, const SearchOptions& options) {
  return Keys(store.Search(options, query));
}

std::string AllKeys(const Store& store, const IteratorOptions& bounds, const ReadOptions& read) {
  std::vector<std::string> forward, backward;
  const auto it = store.NewIterator(read, bounds);
  for (it->SeekToFirst(); it->Valid(); it->Next()) forward.emplace_back(it->key());
  CHECK_OK(it->status());
  for (it->SeekToLast(); it->Valid(); it->Prev()) backward.emplace_back(it->key());
  CHECK_OK(it->status());
  std::reverse(backward.begin(), backward.end());
  CHECK(forward == backward);
  return Keys(forward);
}

void CheckVerifies(const Store& store) {
  const absl::StatusOr<VerifyReport> report = store.Verify();
  REQUIRE_OK(report);
  for (const std::string& problem : report->problems) FAIL_CHECK(problem);
  CHECK(report->problem_count == 0);
}

Space TextSpace(const std::string& prefix) {
  Space space;
  space.prefix = prefix;
  space.text = true;
  return space;
}

Space VectorSpace(uint32_t dimension, Metric metric, const std::string& prefix) {
  Space space;
  space.prefix = prefix;
  space.vector_dimension = dimension;
  space.metric = metric;
  return space;
}

Options WithSpaces(std::vector<Space> spaces) {
  Options options;
  options.spaces = std::move(spaces);
  return options;
}

}  // namespace libkv
