#include "vector_bench_data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <queue>
#include <random>

#include "harness.h"
#include "vector_bench_files.h"

namespace libkv::perf {
namespace {

namespace fs = std::filesystem;

constexpr size_t kOwnQueriesMax = 100;  // where the base gives the queries
constexpr size_t kCheckedQueries = 10;  // whose truth is computed to believe a file
// Sums of floats differ in their last digits with the order of adding.
constexpr float kTolerance = 1e-5F;

constexpr size_t kLanes = 16;  // sums beside one another, for the compiler to make vectors of

enum class FileRole : uint8_t { kOther, kBase, kQueries, kTruth };

bool IsVectorFile(std::string name) {
  if (name.ends_with(".xz")) name.resize(name.size() - 3);
  for (const char* const ending : {".npy", ".fvecs", ".ivecs", ".vec", ".u32.bin"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

FileRole RoleOf(const std::string& name) {
  const auto begins = [&](const char* word) {
    return name.starts_with(word) || name.find(std::string("_") + word) != std::string::npos;
  };
  if (begins("gt") || begins("groundtruth")) return FileRole::kTruth;
  if (begins("test") || begins("query")) return FileRole::kQueries;
  if (begins("learn")) return FileRole::kOther;
  return FileRole::kBase;
}

struct Folder {
  std::string base, queries, truth;  // paths; queries and truth may be empty
};

Folder FindFiles(const std::string& path) {
  if (!fs::is_directory(path)) Fail(path + " is not a folder");
  Folder folder;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().filename();
    if (!IsVectorFile(name)) continue;
    const FileRole role = RoleOf(name);
    if (role == FileRole::kOther) continue;
    std::string& place = role == FileRole::kTruth     ? folder.truth
                         : role == FileRole::kQueries ? folder.queries
                                                      : folder.base;
    if (!place.empty()) Fail(place + " and " + entry.path().string() + ": which one?");
    place = entry.path();
  }
  if (folder.base.empty()) Fail(path + ": no file of vectors");
  return folder;
}

void MakeUnitLength(VectorSet* set) {
  for (size_t i = 0; i < set->count(); ++i) {
    float* const row = set->at(i);
    double square = 0;
    for (size_t k = 0; k < set->dimension; ++k) square += double{row[k]} * row[k];
    if (square == 0) Fail("a vector of length 0 has no direction");
    const auto factor = static_cast<float>(1 / std::sqrt(square));
    for (size_t k = 0; k < set->dimension; ++k) row[k] *= factor;
  }
}

bool PassesAll(size_t) { return true; }

bool Agree(float a, float b) { return std::abs(a - b) <= kTolerance * std::max(a, b); }

VectorSet MustRead(const std::string& path, size_t rows_max) {
  absl::StatusOr<VectorSet> set = ReadVectors(path, rows_max);
  if (!set.ok()) Fail(std::string(set.status().message()));
  return *std::move(set);
}

// What the file says, where some of it is true.
bool TakeTruth(const std::string& path, size_t shift, VectorData* data) {
  const VectorSet rows = MustRead(path, data->queries.count());
  if (rows.count() < data->queries.count() || rows.dimension < kNeighboursWanted) return false;
  Truth truth;
  for (size_t i = 0; i < data->queries.count(); ++i) {
    const float number = rows.at(i)[kNeighboursWanted - 1] - static_cast<float>(shift);
    if (number < 0 || number >= static_cast<float>(data->base.count())) return false;
    truth.limits.push_back(SquaredDistance(
        data->queries.at(i), data->base.at(static_cast<size_t>(number)), data->base.dimension));
  }
  const Truth some = ComputeTruth(data->base, data->queries, kCheckedQueries, PassesAll);
  for (size_t i = 0; i < some.limits.size(); ++i) {
    if (!Agree(some.limits[i], truth.limits[i])) return false;
  }
  data->truth = std::move(truth);
  return true;
}

}  // namespace

std::vector<std::string> FindVectorFolders(const std::string& path) {
  std::vector<std::string> folders;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename();
    if (entry.is_regular_file(ignored) && IsVectorFile(name)) return {path};
    if (!entry.is_directory(ignored)) continue;
    for (const auto& file : fs::directory_iterator(entry.path(), ignored)) {
      if (!IsVectorFile(file.path().filename())) continue;
      folders.push_back(entry.path());
      break;
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

float SquaredDistance(const float* a, const float* b, size_t dimension) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    for (size_t k = 0; k < kLanes; ++k) {
      const float difference = a[i + k] - b[i + k];
      lanes[k] += difference * difference;
    }
  }
  float sum = 0;
  for (; i < dimension; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  for (const float lane : lanes) sum += lane;
  return sum;
}

Truth ComputeTruth(const VectorSet& base, const VectorSet& queries, size_t queries_max,
                   const std::function<bool(size_t number)>& passes) {
  const size_t count = std::min(queries_max, queries.count());
  std::vector<std::priority_queue<float>> nearest(count);
  // Base by base: it is read once, and the queries stay in the cache.
  for (size_t number = 0; number < base.count(); ++number) {
    if (!passes(number)) continue;
    for (size_t i = 0; i < count; ++i) {
      const float distance = SquaredDistance(queries.at(i), base.at(number), base.dimension);
      if (nearest[i].size() < kNeighboursWanted) {
        nearest[i].push(distance);
      } else if (distance < nearest[i].top()) {
        nearest[i].pop();
        nearest[i].push(distance);
      }
    }
  }
  Truth truth;
  truth.wanted = nearest.empty() ? 0 : nearest[0].size();  // the same for all
  for (const auto& queue : nearest) truth.limits.push_back(queue.empty() ? 0 : queue.top());
  return truth;
}

double RecallOf(const VectorData& data, const Truth& truth, size_t query,
                std::vector<uint32_t> hits) {
  if (truth.wanted == 0) return 1;
  std::sort(hits.begin(), hits.end());
  hits.erase(std::unique(hits.begin(), hits.end()), hits.end());
  size_t found = 0;
  for (const uint32_t hit : hits) {
    const float distance =
        SquaredDistance(data.queries.at(query), data.base.at(hit), data.base.dimension);
    if (distance <= truth.limits[query] * (1 + kTolerance)) ++found;
  }
  return static_cast<double>(std::min(found, truth.wanted)) / static_cast<double>(truth.wanted);
}

VectorData ReadVectorData(const std::string& path, size_t vectors_max, size_t queries_max) {
  const Folder folder = FindFiles(path);
  VectorData data;
  data.name = fs::path(path).lexically_normal().filename();
  if (data.name.empty()) data.name = fs::path(path).lexically_normal().parent_path().filename();
  size_t shift = 0;
  if (folder.queries.empty()) {
    data.base = MustRead(folder.base, SIZE_MAX);
    const size_t queries = std::min({queries_max, kOwnQueriesMax, data.base.count() / 2});
    // All that a truth file may have counted as queries leave the base, whatever is asked.
    shift = std::min(kOwnQueriesMax, data.base.count() / 2);
    const auto begin = data.base.floats.begin();
    data.queries.dimension = data.base.dimension;
    data.queries.floats.assign(begin,
                               begin + static_cast<ptrdiff_t>(queries * data.base.dimension));
    data.base.floats.erase(begin, begin + static_cast<ptrdiff_t>(shift * data.base.dimension));
    if (data.base.count() > vectors_max) {
      data.base.floats.resize(vectors_max * data.base.dimension);
    }
  } else {
    data.base = MustRead(folder.base, vectors_max);
    data.queries = MustRead(folder.queries, queries_max);
  }
  if (data.base.dimension != data.queries.dimension) Fail(path + ": different dimensions");
  data.by_direction = folder.base.find(".vec") != std::string::npos;
  if (data.by_direction) {
    MakeUnitLength(&data.base);
    MakeUnitLength(&data.queries);
  }
  if (folder.truth.empty() || (!TakeTruth(folder.truth, 0, &data) &&
                               (shift == 0 || !TakeTruth(folder.truth, shift, &data)))) {
    if (!folder.truth.empty()) {
      std::puts("the truth file is for other vectors or queries: the truth is computed");
    }
    data.truth = ComputeTruth(data.base, data.queries, SIZE_MAX, PassesAll);
  }
  return data;
}

VectorData InventVectorData(size_t count, size_t dimension, size_t queries) {
  // What makes a set hard is how many directions neighbours differ in, not how long vectors are.
  constexpr size_t kHidden = 18;
  constexpr size_t kCentres = 200;
  constexpr float kCentreSpread = 0.8F, kSpread = 0.6F;  // in the hidden space
  constexpr float kMean = 25, kScale = 35, kNoise = 3;   // in the numbers
  std::mt19937_64 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> matrix(kHidden * dimension), centres(kCentres * kHidden), hidden(kHidden);
  for (float& number : matrix) number = normal(random) / std::sqrt(static_cast<float>(kHidden));
  for (float& number : centres) number = kCentreSpread * normal(random);
  VectorData data;
  data.name = "invented-" + std::to_string(count) + "x" + std::to_string(dimension);
  for (VectorSet* const set : {&data.base, &data.queries}) {
    set->dimension = dimension;
    const size_t points = set == &data.base ? count : queries;
    set->floats.reserve(points * dimension);
    for (size_t i = 0; i < points; ++i) {
      const float* const centre = &centres[random() % kCentres * kHidden];
      for (size_t h = 0; h < kHidden; ++h) hidden[h] = centre[h] + kSpread * normal(random);
      for (size_t k = 0; k < dimension; ++k) {
        float number = 0;
        for (size_t h = 0; h < kHidden; ++h) number += hidden[h] * matrix[k * kHidden + h];
        number = kMean + kScale * number + kNoise * normal(random);
        set->floats.push_back(std::clamp(std::round(number), 0.0F, 255.0F));
      }
    }
  }
  data.truth = ComputeTruth(data.base, data.queries, SIZE_MAX, PassesAll);
  return data;
}

std::vector<uint32_t> ClustersOf(const VectorSet& base, size_t count) {
  constexpr size_t kRounds = 4;
  constexpr size_t kSamplePerCentre = 64;
  std::mt19937_64 random(5);
  VectorSet centres{base.dimension, {}};
  for (size_t i = 0; i < count; ++i) {
    const float* const row = base.at(random() % base.count());
    centres.floats.insert(centres.floats.end(), row, row + base.dimension);
  }
  const auto nearest = [&](const float* row) {
    uint32_t best = 0;
    float best_distance = std::numeric_limits<float>::max();
    for (uint32_t i = 0; i < count; ++i) {
      const float distance = SquaredDistance(row, centres.at(i), base.dimension);
      if (distance < best_distance) best = i, best_distance = distance;
    }
    return best;
  };
  for (size_t round = 0; round < kRounds; ++round) {
    VectorSet sums{base.dimension, std::vector<float>(centres.floats.size(), 0.0F)};
    std::vector<size_t> members(count, 0);
    for (size_t i = 0; i < count * kSamplePerCentre; ++i) {
      const float* const row = base.at(random() % base.count());
      const uint32_t centre = nearest(row);
      ++members[centre];
      for (size_t k = 0; k < base.dimension; ++k) sums.at(centre)[k] += row[k];
    }
    for (size_t i = 0; i < count; ++i) {
      if (members[i] == 0) continue;
      for (size_t k = 0; k < base.dimension; ++k) {
        centres.at(i)[k] = sums.at(i)[k] / static_cast<float>(members[i]);
      }
    }
  }
  std::vector<uint32_t> clusters;
  for (size_t i = 0; i < base.count(); ++i) clusters.push_back(nearest(base.at(i)));
  return clusters;
}

}  // namespace libkv::perf
