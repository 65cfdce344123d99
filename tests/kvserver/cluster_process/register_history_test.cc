// The judge is judged: what it must find out, and what it must let pass.
#include "kvserver/cluster_process/register_history.h"

#include <doctest/doctest.h>

namespace kvserver::cluster_process {
namespace {

using Kind = Operation::Kind;

constexpr int64_t kSecond = 1'000'000;

Operation Of(Kind kind, int64_t begin_seconds, int64_t end_seconds, const char* value,
             Outcome outcome = Outcome::kOk) {
  Operation operation{kind, 0, begin_seconds * kSecond, end_seconds * kSecond, outcome};
  if (value != nullptr) operation.value = value;
  return operation;
}

size_t ProblemsOf(const std::vector<Operation>& operations) {
  RegisterHistory history;
  for (const Operation& operation : operations) history.Add(operation);
  return history.Check("k").size();
}

}  // namespace

TEST_CASE("a lost write, a stale read and a value out of nowhere are found out") {
  const Operation a = Of(Kind::kSet, 1, 2, "a"), b = Of(Kind::kSet, 3, 4, "b");
  CHECK(ProblemsOf({a, b, Of(Kind::kGet, 5, 6, "a")}) == 1);
  CHECK(ProblemsOf({a, b, Of(Kind::kGet, 5, 6, nullptr)}) == 1);
  CHECK(ProblemsOf({a, b, Of(Kind::kGet, 5, 6, "c")}) == 1);
  CHECK(ProblemsOf({Of(Kind::kSet, 7, 8, "a"), Of(Kind::kGet, 5, 6, "a")}) == 1);
  CHECK(ProblemsOf({Of(Kind::kSet, 1, 2, "a", Outcome::kRefused), Of(Kind::kGet, 5, 6, "a")}) == 1);
  // A delete that was over before the write began explains nothing.
  CHECK(ProblemsOf({Of(Kind::kDelete, 1, 2, nullptr), b, Of(Kind::kGet, 5, 6, nullptr)}) == 1);
}

TEST_CASE("what concurrent and unanswered writes explain is let pass") {
  const Operation b = Of(Kind::kSet, 3, 4, "b");
  CHECK(ProblemsOf({b, Of(Kind::kGet, 5, 6, "b")}) == 0);
  CHECK(ProblemsOf({Of(Kind::kSet, 1, 4, "a"), b, Of(Kind::kGet, 5, 6, "a")}) == 0);
  CHECK(ProblemsOf({Of(Kind::kSet, 1, 2, "a", Outcome::kUnknown), b, Of(Kind::kGet, 5, 6, "a")}) ==
        0);
  CHECK(ProblemsOf({b, Of(Kind::kGet, 3, 6, nullptr)}) == 0);  // began before it was acknowledged
  CHECK(ProblemsOf({b, Of(Kind::kDelete, 5, 6, nullptr), Of(Kind::kGet, 7, 8, nullptr)}) == 0);
  CHECK(ProblemsOf({b, Of(Kind::kGet, 7, 8, "a", Outcome::kUnknown)}) == 0);
}

}  // namespace kvserver::cluster_process
