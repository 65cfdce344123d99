// What tests of lists of vectors in a store share: points around centres, a model beside the store,
// comparing everything as the oracle, and waiting until the keeper has done its work.
#ifndef LIBKV_TESTS_SUPPORT_VECTOR_LISTS_H_
#define LIBKV_TESTS_SUPPORT_VECTOR_LISTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "libkv/store.h"
#include "support/slow_build.h"

namespace libkv {

inline constexpr size_t kDimension = 24;
inline constexpr size_t kExactMax = Scaled(4'000);
// With all codes in memory, and with bits alone.
inline constexpr VectorMemory kMemories[] = {VectorMemory::kCodes, VectorMemory::kBits};
using Vector = std::vector<float>;
using Model = std::map<std::string, Vector>;

// Points around random centres, as texts of some subjects are.
class Points {
 public:
  Points(uint64_t seed, size_t clusters, size_t dimension = kDimension);
  Vector Of(size_t cluster);
  Vector Any() { return Of(random_() % centres_.size()); }

 private:
  Vector Uniform();
  size_t dimension_;
  std::mt19937_64 random_;
  std::vector<Vector> centres_;
};

// One space over all keys, and lists from kExactMax vectors on.
Options VectorOptions(Metric metric = Metric::kL2, VectorMemory memory = VectorMemory::kCodes);

// In the store and in the model; Fill a thousand at a time.
void Put(Store& store, Model& model, const std::vector<std::pair<std::string, Vector>>& items);
void Fill(Store& store, Model& model, size_t count, const std::function<Vector(size_t)>& make,
          const std::string& prefix = "v");

double Distance2(const Vector& a, const Vector& b);
// The keys, nearest first, and by their order where they are equally near; without one of them.
std::vector<std::string> Nearest(const Model& model, const Vector& query, size_t limit,
                                 const std::string& without = {});
std::vector<std::string> KeysOf(const absl::StatusOr<std::vector<Neighbor>>& found);
// How many of the keys that were found are among the true ones.
size_t CountTrue(const std::vector<std::string>& found, const std::vector<std::string>& truth);

// A query, and its ten true neighbours.
struct Question {
  Vector query;
  std::vector<std::string> truth;
};
// So many that the mean over them is hardly a matter of luck. The standard error of a share of .95
// is .004 then, with searches that find .975 and more; that of .99, and .992 and more, is .0009.
inline constexpr size_t kQuestions = 500, kManyQuestions = 2'000;
std::vector<Question> QuestionsOf(const Model& model, Points& points, size_t count = kQuestions);

// The mean share of the true neighbours that was found; and what the contract leaves to chance
// below the target (libkv/doc/vectors.md, 14).
inline constexpr double kRecallSlack = 0.002;
class Recall {
 public:
  void Add(const std::vector<std::string>& found, const std::vector<std::string>& truth);
  double mean() const;

 private:
  size_t found_ = 0, wanted_ = 0;
};
double RecallOf(const Store& store, const std::vector<Question>& questions,
                const SimilarOptions& options);

// Exact searches are exact, and Verify is content.
void CheckExact(const Store& store, const Model& model, Points& points);

// Waits until the lists are there and their recall was measured.
void WaitForLists(const Store& store, size_t vectors, size_t space = 0);

// What vectors take in memory once that does not change any more: for longer than the keeper takes,
// on a busy machine, from the last change to its last tidying, with a measurement in between.
uint64_t BytesAtRest(const Store& store);

}  // namespace libkv

#endif  // LIBKV_TESTS_SUPPORT_VECTOR_LISTS_H_
