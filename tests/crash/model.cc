#include "crash/model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace libkv::crash {
namespace {

constexpr double kSamePlace = -1e-6;  // score of a vector compared with itself, about 0

// Where there are lists, scores may be those of codes. Others of a cluster are at about -0.4.
constexpr double kSamePlaceByCodes = -0.01;

constexpr int kSaidMax = 50;
constexpr uint64_t kLooksForAll = 8;        // until every vector with bits alone was asked for
constexpr uint64_t kLooksForClusters = 10;  // likewise, of clusters
constexpr size_t kGoneStep = 50;            // keys of a cluster that is gone, from one asked for
constexpr double kCodesTolerance = 0.01;  // of a score by codes: a part of it, and as much besides

void Say(const char* what, std::string_view key, const std::string& more) {
  static int said = 0;
  if (++said > kSaidMax) return;
  std::fprintf(stderr, "crash_test: %s: %.*s %s\n", what, static_cast<int>(key.size()), key.data(),
               more.c_str());
}

// "" when there is none.
std::string TextOf(const absl::StatusOr<std::string>& value) {
  if (value.ok()) return *value;
  return absl::IsNotFound(value.status()) ? "" : value.status().ToString();
}

std::string ValueIn(const Store& store, std::string_view key) { return TextOf(store.Get({}, key)); }

std::string RowIn(const Store& store, std::string_view name) {
  const absl::StatusOr<std::string> value = store.GetRow({}, name);
  if (value.ok()) return *value;
  return absl::IsNotFound(value.status()) ? "" : value.status().ToString();
}

double Distance2(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

bool IsScore(double score, const std::vector<float>& query, const std::vector<float>& vector) {
  const double distance = Distance2(query, vector);
  return std::abs(score + distance) < kCodesTolerance * (1 + distance);
}

void CheckFinds(const absl::StatusOr<std::vector<Neighbor>>& near, const std::string& key,
                Findings* findings) {
  if (near.ok() && near->size() == 1 && near->front().key == key &&
      near->front().score >= kSamePlaceByCodes) {
    return;
  }
  ++findings->disagree;
  const std::string found = !near.ok()      ? near.status().ToString()
                            : near->empty() ? "but nothing"
                                            : "but " + near->front().key + " with score " +
                                                  std::to_string(near->front().score);
  Say("its vector does not find", key, found);
}

// A search with the usual target may miss a vector now and then, one for all of them may not.
void CheckItself(const Store& store, const std::vector<float>& vector, const std::string& key,
                 Findings* findings) {
  SimilarOptions options{.prefix = std::string(BlockPrefix(Role::kClusters)), .limit = 1};
  const auto near = store.Similar(options, vector);
  ++findings->asked;
  if (near.ok() && near->size() == 1 && near->front().key == key) return;
  ++findings->missed;
  options.recall_target = 1;
  CheckFinds(store.Similar(options, vector), key, findings);
}

bool IsKeyed(size_t thread) {
  return RoleOf(thread) == Role::kSets || RoleOf(thread) == Role::kTexts;
}

}  // namespace

void Model::Take(const Message& message) {
  last_number_ = std::max(last_number_, message.number);
  if (message.kind == Message::Kind::kAttempt) {
    ++attempted_;
    in_doubt_[message.thread] = message.number;
    return;
  }
  in_doubt_[message.thread] = 0;
  if (message.kind == Message::Kind::kAborted) return;
  ++acknowledged_;
  switch (RoleOf(message.thread)) {
    case Role::kSets:
    case Role::kTexts:
      numbers_[KeyOf(message.thread, message.number)] =
          IsDelete(message.number) ? 0 : message.number;
      break;
    case Role::kBulks:
    case Role::kRows:
      bulks_[message.thread] = message.number;
      break;
    case Role::kVectors:
    case Role::kClusters: {
      const size_t block = BlockOf(message.thread, message.number);
      uint64_t& has = blocks_[message.thread][block];
      if (has != 0) gone_[message.thread][block] = has;
      has = IsDelete(message.number) ? 0 : message.number;
      break;
    }
    case Role::kCounters:
      ++(IsIncrement(message.number) ? incremented_ : compared_).acknowledged;
      greatest_sum_ = std::max(greatest_sum_, message.result);
      break;
  }
}

void Model::Check(const Store& store, uint64_t look, bool all, Findings* findings) const {
  CheckKeys(store, findings);
  for (size_t thread = 0; thread < kThreads; ++thread) {
    if (RoleOf(thread) == Role::kBulks) CheckBulk(store, thread, findings);
    if (RoleOf(thread) == Role::kRows) CheckRows(store, thread, findings);
  }
  CheckBlocks(store, Role::kVectors, look, all, findings);
  CheckBlocks(store, Role::kClusters, look, all, findings);
  CheckCounter(store, true, findings);
  CheckCounter(store, false, findings);
  const absl::StatusOr<VerifyReport> report = store.Verify();
  if (!report.ok()) {
    Say("Verify failed", "", report.status().ToString());
    ++findings->problems;
    return;
  }
  findings->problems += report->problem_count;
  for (const std::string& problem : report->problems) Say("Verify", "", problem);
}

void Model::CheckKeys(const Store& store, Findings* findings) const {
  std::map<std::string, uint64_t> doubtful;  // key -> what it may have instead
  for (size_t thread = 0; thread < kThreads; ++thread) {
    const uint64_t number = in_doubt_[thread];
    if (!IsKeyed(thread) || number == 0) continue;
    doubtful[KeyOf(thread, number)] = IsDelete(number) ? 0 : number;
  }
  for (size_t thread = 0; thread < kThreads; ++thread) {
    if (!IsKeyed(thread)) continue;
    // Numbers are tried until every key of the thread was seen.
    std::map<std::string, bool> seen;
    for (uint64_t n = 0; seen.size() < kKeysPerThread; ++n) {
      const std::string key = KeyOf(thread, n);
      if (!seen.emplace(key, true).second) continue;
      const std::string value = ValueIn(store, key);
      const auto known = numbers_.find(key);
      const uint64_t wanted = known == numbers_.end() ? 0 : known->second;
      const uint64_t found = NumberOf(value);
      const auto doubt = doubtful.find(key);
      const bool whole = value == (found == 0 ? "" : ValueOf(thread, found));
      if (!whole || (found != wanted && (doubt == doubtful.end() || found != doubt->second))) {
        found > wanted&& whole ? ++findings->foreign : ++findings->lost;
        Say("lost", key, "should have " + std::to_string(wanted) + ", has " + value.substr(0, 60));
      }
      if (RoleOf(thread) == Role::kTexts) CheckText(store, thread, key, found, findings);
    }
  }
}

void Model::CheckText(const Store& store, size_t thread, const std::string& key, uint64_t number,
                      Findings* findings) const {
  if (number == 0) return;
  const absl::StatusOr<SearchResult> result =
      store.Search({.prefix = "text:"}, WordOf(thread, number));
  if (result.ok() && result->hits.size() == 1 && result->hits[0].key == key) return;
  ++findings->disagree;
  Say("the search does not find", key, result.ok() ? "" : result.status().ToString());
}

void Model::CheckBulk(const Store& store, size_t thread, Findings* findings) const {
  const std::string first = BulkKey(thread, 0);
  const uint64_t found = NumberOf(ValueIn(store, first));
  for (size_t i = 0; i < kBulkKeys; ++i) {
    const std::string key = BulkKey(thread, i), value = ValueIn(store, key);
    if (value == (found == 0 ? "" : BulkValue(thread, found, i))) continue;
    ++findings->torn;
    Say("torn", key, first + " has " + std::to_string(found) + ", this " + value.substr(0, 60));
    return;
  }
  if (found != bulks_[thread] && (in_doubt_[thread] == 0 || found != in_doubt_[thread])) {
    ++(found < bulks_[thread] ? findings->lost : findings->foreign);
    Say("lost", first,
        "should have " + std::to_string(bulks_[thread]) + ", has " + std::to_string(found));
  }
  if (found == 0) return;

  const std::string prefix = first.substr(0, first.size() - 1);
  const absl::StatusOr<SearchResult> words =
      store.Search({.prefix = prefix}, WordOf(thread, found));
  if (!words.ok() || words->total != kBulkKeys) {
    ++findings->disagree;
    Say("the search does not find all of", first, "");
  }
  for (size_t i = 0; i < kBulkKeys; ++i) {
    const std::string key = BulkKey(thread, i), value = BulkValue(thread, found, i);
    const auto same = store.FindByValue({.prefix = prefix}, value);
    const auto near = store.SimilarText({.prefix = prefix, .limit = 1}, value);
    const bool good = same.ok() && same->size() == 1 && same->front() == key && near.ok() &&
                      near->size() == 1 && near->front().key == key &&
                      near->front().score >= kSamePlace;
    if (good) continue;
    ++findings->disagree;
    Say("by value or by vector something else is found than", key, "");
  }
}

// Values, stamps and rows are all those of one batch.
void Model::CheckRows(const Store& store, size_t thread, Findings* findings) const {
  const std::string first = RowName(thread, 0);
  const uint64_t found = NumberOf(RowIn(store, first));
  const auto torn = [&](const std::string& what, const std::string& has) {
    ++findings->torn;
    Say("torn", what, first + " has " + std::to_string(found) + ", this " + has.substr(0, 60));
  };
  for (size_t i = 0; i < kBatchRows; ++i) {
    const std::string name = RowName(thread, i), value = RowIn(store, name);
    if (value != (found == 0 ? "" : RowValue(found, i))) return torn(name, value);
  }
  for (size_t i = 0; i < kStampedKeys; ++i) {
    const std::string key = StampedKey(thread, i);
    const absl::StatusOr<Entry> entry = store.GetEntry({}, key);
    const std::string value = entry.ok() ? entry->value : "";
    const std::string stamp = entry.ok() ? entry->stamp : "";
    if (value != (found == 0 ? "" : StampedValue(thread, found, i))) return torn(key, value);
    if (stamp != (found == 0 ? "" : StampOf(found))) return torn(key, "the stamp " + stamp);
  }
  const bool is_doubt = in_doubt_[thread] != 0 && found == in_doubt_[thread];
  if (found != bulks_[thread] && !is_doubt) {
    ++(found < bulks_[thread] ? findings->lost : findings->foreign);
    Say("lost", first,
        "should have " + std::to_string(bulks_[thread]) + ", has " + std::to_string(found));
  }
  if (found == 0) return;
  const absl::StatusOr<SearchResult> words =
      store.Search({.prefix = "text:stamped:"}, WordOf(thread, found));
  if (words.ok() && words->total == kStampedKeys / 2) return;
  ++findings->disagree;
  Say("the search does not find all of", first, "");
}

// Every block is whole; a search that compares everything answers what is there and nothing else;
// and vectors find themselves, in lists and by comparing everything.
void Model::CheckBlocks(const Store& store, Role role, uint64_t look, bool all,
                        Findings* findings) const {
  const std::string prefix(BlockPrefix(role));
  std::map<std::string, Vector> vectors;  // that are there
  for (size_t thread = 0; thread < kThreads; ++thread) {
    if (RoleOf(thread) != role) continue;
    for (size_t block = 0; block < BlocksOf(thread); ++block) {
      const uint64_t found = CheckBlock(store, thread, block, findings);
      for (size_t i = 0; found != 0 && i < BlockKeys(thread); ++i) {
        const std::string key = BlockKey(thread, block, i);
        if (role == Role::kClusters) {
          vectors.emplace(key, ClusterVector(thread, found, i));
          continue;
        }
        const std::string value = BlockValue(thread, found, i);
        vectors.emplace(key, store.Embed(prefix, value).value_or(Vector(kVectorDimension)));
        if (i % kLooksForAll != look % kLooksForAll) continue;
        // With bits alone, comparing everything reads everything: few searches can do that.
        const bool exact = i < kLooksForAll && block == look % BlocksOf(thread);
        const SimilarOptions options{.prefix = prefix, .limit = 1, .exact = exact};
        CheckFinds(store.SimilarText(options, value), key, findings);
      }
    }
  }
  CheckAll(store, role, look, vectors, findings);
  if (role != Role::kClusters) return;
  uint64_t i = 0;
  for (const auto& [key, vector] : vectors) {
    if (all || i++ % kLooksForClusters == look % kLooksForClusters) {
      CheckItself(store, vector, key, findings);
    }
  }
  for (size_t thread = 0; thread < kThreads; ++thread) {
    if (RoleOf(thread) == role) CheckGone(store, thread, vectors, findings);
  }
}

// What compares everything answers each live vector once, with its score, and nothing else.
void Model::CheckAll(const Store& store, Role role, uint64_t look,
                     const std::map<std::string, Vector>& live, Findings* findings) const {
  const std::string prefix(BlockPrefix(role));
  const Vector query = ClusterVector(0, look, 0);
  const auto answer =
      store.Similar({.prefix = prefix, .limit = kSimilarLimitMax, .exact = true}, query);
  std::set<std::string_view> answered;
  for (const Neighbor& near : answer.ok() ? *answer : std::vector<Neighbor>()) {
    const auto is = live.find(near.key);
    if (is != live.end() && IsScore(near.score, query, is->second)) {
      answered.insert(is->first);
      continue;
    }
    ++findings->disagree;
    Say("a ghost was found", near.key, std::to_string(near.score));
  }
  if (answer.ok() && answered.size() == live.size() && answer->size() == live.size()) return;
  ++findings->disagree;
  Say("comparing everything answers not what there is", prefix,
      answer.ok() ? std::to_string(answer->size()) + " of " + std::to_string(live.size())
                  : answer.status().ToString());
}

// The number of what the block has.
uint64_t Model::CheckBlock(const Store& store, size_t thread, size_t block,
                           Findings* findings) const {
  const std::string first = BlockKey(thread, block, 0);
  std::vector<std::string> keys;
  for (size_t i = 0; i < BlockKeys(thread); ++i) keys.push_back(BlockKey(thread, block, i));
  const auto values = store.MultiGet({}, std::vector<std::string_view>(keys.begin(), keys.end()));
  const uint64_t found = NumberOf(TextOf(values[0]));
  for (size_t i = 0; i < BlockKeys(thread); ++i) {
    const std::string &key = keys[i], value = TextOf(values[i]);
    if (value == (found == 0 ? "" : BlockValue(thread, found, i))) continue;
    ++findings->torn;
    Say("torn", key, first + " has " + std::to_string(found) + ", this " + value.substr(0, 60));
    return found;
  }
  const uint64_t doubt = in_doubt_[thread];
  const bool may_be_doubt =
      doubt != 0 && BlockOf(thread, doubt) == block && found == (IsDelete(doubt) ? 0 : doubt);
  if (found != blocks_[thread][block] && !may_be_doubt) {
    ++(found < blocks_[thread][block] ? findings->lost : findings->foreign);
    Say("lost", first,
        "should have " + std::to_string(blocks_[thread][block]) + ", has " + std::to_string(found));
  }
  return found;
}

// Where a cluster was, searches answer what is there now, with the vectors it has now.
void Model::CheckGone(const Store& store, size_t thread, const std::map<std::string, Vector>& live,
                      Findings* findings) const {
  for (size_t block = 0; block < BlocksOf(thread); ++block) {
    const uint64_t number = gone_[thread][block];
    for (size_t i = 0; number != 0 && i < BlockKeys(thread); i += kGoneStep) {
      const Vector was = ClusterVector(thread, number, i);
      const auto near =
          store.Similar({.prefix = std::string(BlockPrefix(Role::kClusters)), .limit = 3}, was);
      for (const Neighbor& neighbor : near.ok() ? *near : std::vector<Neighbor>()) {
        const auto is = live.find(neighbor.key);
        if (is != live.end() && IsScore(neighbor.score, was, is->second)) {
          continue;
        }
        ++findings->disagree;
        Say("a ghost was found", neighbor.key, std::to_string(neighbor.score));
      }
      if (near.ok()) continue;
      ++findings->disagree;
      Say("no search where there was", BlockKey(thread, block, i), near.status().ToString());
    }
  }
}

void Model::CheckCounter(const Store& store, bool is_increment, Findings* findings) const {
  const Counter& counter = is_increment ? incremented_ : compared_;
  const std::string_view key = is_increment ? kIncrementedKey : kComparedKey;
  const uint64_t found = NumberOf(ValueIn(store, key));
  const uint64_t least = counter.settled + counter.acknowledged;
  uint64_t doubts = 0;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    doubts += RoleOf(thread) == Role::kCounters && in_doubt_[thread] != 0 &&
              IsIncrement(in_doubt_[thread]) == is_increment;
  }
  const uint64_t sum = is_increment ? static_cast<uint64_t>(greatest_sum_) : 0;
  if (found >= std::max(least, sum) && found <= least + doubts) return;
  ++(found < std::max(least, sum) ? findings->lost : findings->foreign);
  Say("lost", key,
      "has " + std::to_string(found) + ", acknowledged " + std::to_string(least) + " and " +
          std::to_string(doubts) + " in doubt");
}

void Model::CheckVectors(const Store& store, Findings* findings) const {
  for (const auto& [key, unused] : numbers_) {
    const std::string value = key.starts_with("text:") ? ValueIn(store, key) : "";
    if (value.empty()) continue;
    const auto near = store.SimilarText({.prefix = "text:", .limit = 1}, value);
    if (near.ok() && near->size() == 1 && near->front().score >= kSamePlace &&
        ValueIn(store, near->front().key) == value) {
      continue;
    }
    ++findings->disagree;
    Say("its vector was lost", key, near.ok() ? "" : near.status().ToString());
  }
}

void Model::Settle(const Store& store) {
  for (size_t thread = 0; thread < kThreads; ++thread) {
    if (RoleOf(thread) == Role::kBulks) {
      bulks_[thread] = NumberOf(ValueIn(store, BulkKey(thread, 0)));
    } else if (RoleOf(thread) == Role::kRows) {
      bulks_[thread] = NumberOf(RowIn(store, RowName(thread, 0)));
    } else if (HasBlocks(thread)) {
      for (size_t block = 0; block < BlocksOf(thread); ++block) {
        uint64_t& has = blocks_[thread][block];
        const uint64_t found = NumberOf(ValueIn(store, BlockKey(thread, block, 0)));
        if (found != has && has != 0) gone_[thread][block] = has;
        has = found;
      }
    } else if (IsKeyed(thread) && in_doubt_[thread] != 0) {
      numbers_.emplace(KeyOf(thread, in_doubt_[thread]), 0);
    }
  }
  for (auto& [key, number] : numbers_) number = NumberOf(ValueIn(store, key));
  incremented_ = {.settled = NumberOf(ValueIn(store, kIncrementedKey))};
  compared_ = {.settled = NumberOf(ValueIn(store, kComparedKey))};
  greatest_sum_ = 0;
  in_doubt_.fill(0);
}

}  // namespace libkv::crash
