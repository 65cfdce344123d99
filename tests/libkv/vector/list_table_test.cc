#include "vector/list_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "vector/code_array.h"
#include "vector/one_bit.h"

namespace libkv {
namespace {

constexpr size_t kPadded = 64;

std::vector<float> Gaussian(std::mt19937& random, size_t n = kPadded) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(n);
  for (float& x : vector) x = normal(random);
  return vector;
}

std::shared_ptr<PostingList> ListAt(uint32_t number, const std::vector<float>& centroid,
                                    size_t size = 1) {
  CodeArray codes(1, centroid.size());
  codes.Encode(0, centroid);
  std::vector<ListItem> items(size, {.document = number, .key = "key", .code = codes[0]});
  return PostingList::Build(number, centroid.size(), number == kFlatList ? CodeView{} : codes[0],
                            items);
}

double Distance2(const std::vector<float>& a, const PostingList& list) {
  std::vector<float> c(a.size());
  Decode(list.centroid(), c.data());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - c[i]) * (double{a[i]} - c[i]);
  return sum;
}

double Dot(const std::vector<float>& a, const PostingList& list) {
  std::vector<float> c(a.size());
  Decode(list.centroid(), c.data());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * c[i];
  return sum;
}

using Model = std::map<uint32_t, std::shared_ptr<PostingList>>;

void CheckSame(const ListTable& table, const Model& model) {
  std::vector<std::shared_ptr<PostingList>> actual, expected;
  table.ForEach([&](const auto& list) { actual.push_back(list); });
  size_t size = 0, live = 0, memory_bytes = 0;
  for (const auto& [number, list] : model) {
    expected.push_back(list);
    CHECK(table.Find(number) == list);
    size += list->size();
    live += list->live();
    memory_bytes += list->memory_bytes();
  }
  CHECK(actual == expected);
  CHECK(table.list_count() == model.size() - model.count(kFlatList));
  CHECK(table.size() == size);
  CHECK(table.live() == live);
  CHECK(table.memory_bytes() >= memory_bytes);
  for (const uint32_t number : {7'777'777u, 3u, 100u, 0u}) {
    if (model.count(number) == 0) CHECK(table.Find(number) == nullptr);
  }
}

TEST_CASE("a table holds what was put and not removed, and older tables stay as they were") {
  // Goal: copies of the root and its groups never mix. Method: random changes against a map, every
  // table being checked again after later changes.
  for (const uint32_t seed : {1u, 2u, 3u}) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<std::pair<std::shared_ptr<const ListTable>, Model>> history;
    history.push_back({ListTable::Empty(kPadded), {}});
    uint32_t next = 1;
    for (int step = 0; step < 200; ++step) {
      auto [table, model] = history.back();
      std::vector<uint32_t> removed;
      std::vector<std::shared_ptr<PostingList>> put;
      const bool shrinks = step % 50 >= 40;
      for (size_t i = 0; i < random() % (shrinks ? 60 : 5) && !model.empty(); ++i) {
        const auto victim = std::next(model.begin(), random() % model.size());
        removed.push_back(victim->first);
      }
      if (step % 7 == 0) removed.push_back(4'000'000);  // never there
      for (size_t i = 0; i < random() % 12 && !shrinks; ++i) {
        put.push_back(ListAt(next, Gaussian(random)));
        next += 1 + random() % 3;
      }
      if (random() % 4 == 0) put.push_back(ListAt(kFlatList, Gaussian(random), random() % 9));
      for (int i = 0; i < 3 && !model.empty(); ++i) {
        // A successor: the same number and centroid.
        const auto& list = std::next(model.begin(), random() % model.size())->second;
        if (std::count(removed.begin(), removed.end(), list->number()) == 0 &&
            std::none_of(put.begin(), put.end(),
                         [&](const auto& p) { return p->number() == list->number(); })) {
          put.push_back(list->Grown({}));
        }
      }
      for (const uint32_t number : removed) model.erase(number);
      for (const auto& list : put) model[list->number()] = list;
      history.push_back({table->With(removed, put), model});
      CheckSame(*history.back().first, model);
    }
    for (const auto& [table, model] : history) CheckSame(*table, model);
  }
}

TEST_CASE("the chosen lists are the nearest, best first") {
  // Goal: no list is hidden by the one-bit bound, but for the chance that it allows. Method: exact
  // distances of every centroid; clustered and plain centroids.
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kInnerProduct}) {
    for (const bool clustered : {false, true}) {
      CAPTURE(static_cast<int>(metric));
      CAPTURE(clustered);
      std::mt19937 random(81);
      std::vector<std::shared_ptr<PostingList>> lists;
      std::vector<std::vector<float>> centres;
      for (int i = 0; i < 20; ++i) centres.push_back(Gaussian(random, 128));
      for (uint32_t number = 1; number <= 1'000; ++number) {
        std::vector<float> c = Gaussian(random, 128);
        if (clustered) {
          const auto& centre = centres[random() % centres.size()];
          for (size_t i = 0; i < c.size(); ++i) c[i] = centre[i] + 0.3f * c[i];
        }
        lists.push_back(ListAt(number, c));
      }
      const auto table = ListTable::Empty(128)->With({}, lists);
      size_t missing = 0;
      for (int round = 0; round < 50; ++round) {
        const std::vector<float> q = Gaussian(random, 128);
        const ListQuery query = MakeListQuery(q, metric);
        const size_t count = 1 + random() % 60;
        const std::vector<NearList> near = table->NearestLists(query, count);
        REQUIRE(near.size() == count);
        const auto order = [&](const PostingList& list) {
          return metric == Metric::kInnerProduct ? -Dot(q, list) : Distance2(q, list);
        };
        std::vector<double> expected, actual;
        for (const auto& list : lists) expected.push_back(order(*list));
        std::sort(expected.begin(), expected.end());
        for (const NearList& list : near) {
          CHECK(list.dot == doctest::Approx(Dot(q, *list.list)).epsilon(1e-3));
          CHECK(list.distance2 == doctest::Approx(Distance2(q, *list.list)).epsilon(1e-4));
          actual.push_back(order(*list.list));
          missing += actual.back() > expected[count - 1] + 1;
        }
        CHECK(std::is_sorted(actual.begin(), actual.end(),
                             [](double a, double b) { return a < b - 1; }));
      }
      CHECK(missing < 30);  // of about 1,500
      CHECK(table->NearestLists(MakeListQuery(Gaussian(random, 128), metric), 5'000).size() ==
            1'000);
      CHECK(table->NearestLists(MakeListQuery(Gaussian(random, 128), metric), 0).empty());
    }
  }
}

TEST_CASE("a vector belongs to the list with the nearest centroid, or to list 0") {
  std::mt19937 random(82);
  const auto empty = ListTable::Empty(kPadded);
  CHECK(empty->Nearest(Gaussian(random)) == kFlatList);
  CHECK(empty->NearestLists(MakeListQuery(Gaussian(random), Metric::kL2), 5).empty());
  CHECK(empty->NearestLists(MakeListQuery(Gaussian(random), Metric::kL2), 0).empty());
  std::vector<std::shared_ptr<PostingList>> lists;
  for (uint32_t number = 1; number <= 300; ++number) {
    lists.push_back(ListAt(number, Gaussian(random)));
  }
  const auto table = empty->With({}, lists);
  size_t wrong = 0;
  for (int round = 0; round < 300; ++round) {
    const std::vector<float> q = Gaussian(random);
    const uint32_t number = table->Nearest(q);
    double least = 1e30;
    for (const auto& list : lists) least = std::min(least, Distance2(q, *list));
    wrong += Distance2(q, *table->Find(number)) > least * (1 + 1e-4);
    std::vector<float> centroid(kPadded);
    Decode(lists[round]->centroid(), centroid.data());
    CHECK(table->Nearest(centroid) == lists[round]->number());
  }
  CHECK(wrong <= 6);
}

TEST_CASE("many vectors at once find the list that each finds") {
  std::mt19937 random(83);
  CodeArray codes(500, kPadded);
  std::vector<CodeView> views;
  for (size_t i = 0; i < codes.size(); ++i) codes.Encode(i, Gaussian(random));
  for (size_t i = 0; i < codes.size(); ++i) views.push_back(codes[i]);
  const auto empty = ListTable::Empty(kPadded);
  CHECK(empty->NearestOfMany({}).empty());
  CHECK(empty->NearestOfMany(views) == std::vector<uint32_t>(500, kFlatList));
  std::vector<std::shared_ptr<PostingList>> lists;
  for (uint32_t number = 1; number <= 300; ++number) {
    lists.push_back(ListAt(number, Gaussian(random)));
  }
  const auto table = empty->With({}, lists);
  const std::vector<uint32_t> nearest = table->NearestOfMany(views);
  for (size_t i = 0; i < codes.size(); ++i) {
    std::vector<float> vector(kPadded);
    Decode(codes[i], vector.data());
    double least = 1e30;
    for (const auto& list : lists) least = std::min(least, Distance2(vector, *list));
    CHECK(Distance2(vector, *table->Find(nearest[i])) <= least * (1 + 1e-5));
  }
}

}  // namespace
}  // namespace libkv
