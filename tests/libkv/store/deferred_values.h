// What tests of vectors that are made after their values share. Oracle: the vector of every key is
// the one that the test's model makes of the value that stands there.
#ifndef LIBKV_TESTS_LIBKV_STORE_DEFERRED_VALUES_H_
#define LIBKV_TESTS_LIBKV_STORE_DEFERRED_VALUES_H_

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "support/store_test.h"

namespace libkv {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr size_t kDeferredDimension = 8;
// For what must happen, and for what must not.
inline constexpr milliseconds kLong{60'000}, kShort{30};

// What the tests' models make of a text.
inline std::vector<float> VectorOf(std::string_view text, uint64_t model = 1) {
  std::mt19937_64 random(Hash64(text) + model);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> vector(kDeferredDimension);
  for (float& x : vector) x = uniform(random);
  return vector;
}

// A deferred space under "d", with words.
inline Options With(const std::shared_ptr<const Embedder>& embedder) {
  Space space;
  space.prefix = "d";
  space.text = true;
  space.embedder = embedder;
  space.deferred = true;
  return WithSpaces({space});
}

inline SpaceStats StatsOf(const Store& store) { return store.Stats().spaces.at(0); }

using Model = std::map<std::string, std::string>;

// All vectors are made, and are those of the values.
inline void CheckVectors(const Store& store, const Model& model, uint64_t by = 1) {
  REQUIRE_OK(store.WaitIndexed(kLong));
  for (const auto& [key, text] : model) {
    CAPTURE(key);
    const auto vector = store.GetVector({}, key);
    REQUIRE_OK(vector);
    CHECK(*vector == VectorOf(text, by));
    CHECK(Keys(store.Similar({.prefix = "d", .limit = 1, .exact = true}, *vector)) == key);
  }
  CHECK(StatsOf(store).vectors == model.size());
  CHECK(StatsOf(store).pending_vectors == 0);
  CheckVerifies(store);
}

}  // namespace libkv

#endif  // LIBKV_TESTS_LIBKV_STORE_DEFERRED_VALUES_H_
