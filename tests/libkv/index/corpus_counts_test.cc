// The counts that an index has of its texts, compared with those of the texts themselves.
#include "index/corpus_counts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "embed/lsa_words.h"
#include "index/delta_part.h"
#include "index/derive.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr uint64_t kSeed = 1;

bool GoOn(double) { return true; }

// What CountCorpus is to find, from the texts by key: texts in the order of their keys' hashes.
struct Expected {
  uint64_t text_count = 0;
  std::map<uint64_t, uint32_t> texts_of;           // by the word's hash
  std::vector<std::map<uint64_t, uint32_t>> rows;  // hash -> how often
};

Expected CountTexts(const std::map<std::string, std::string>& texts, const Analyzer& analyzer) {
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [key, text] : texts) order.emplace_back(Hash64(key, kSeed), text);
  std::sort(order.begin(), order.end());
  Expected expected;
  LsaWordCounter counter;
  for (const auto& [hash, text] : order) {
    const std::vector<LsaWord>& words = counter.Count(analyzer, text);
    if (words.empty()) continue;
    ++expected.text_count;
    std::map<uint64_t, uint32_t>& row = expected.rows.emplace_back();
    for (const LsaWord& word : words) {
      ++expected.texts_of[word.hash];
      row[word.hash] = word.count;
    }
  }
  return expected;
}

void CheckCounts(LsaCounts counts, const Expected& expected) {
  CHECK(counts.text_count == expected.text_count);
  REQUIRE(counts.words.size() == expected.texts_of.size());
  size_t at = 0;
  for (const auto& [hash, texts] : expected.texts_of) {
    REQUIRE(counts.words[at].hash == hash);
    REQUIRE(counts.words[at++].texts == texts);
  }
  REQUIRE(counts.counts.rows() == expected.rows.size());
  REQUIRE(counts.counts.columns() == counts.words.size());
  for (size_t row = 0; row < expected.rows.size(); ++row) {
    std::map<uint64_t, uint32_t> there;
    for (const SparseMatrix::Entry& entry : counts.counts.Row(row)) {
      const bool is_new =
          there.emplace(counts.words[entry.column].hash, static_cast<uint32_t>(entry.value)).second;
      REQUIRE(is_new);
    }
    REQUIRE(there == expected.rows[row]);
  }
}

std::string RandomText(std::mt19937& random) {
  static const char* const kForms[] = {"", "s", "ed", "ing"};
  std::string text;
  for (size_t count = random() % 12; count > 0; --count) {
    const uint32_t draw = random() % 1'000;
    text += "word" + std::string(1, static_cast<char>('a' + draw * draw / 40'000 % 26)) +
            std::string(1, static_cast<char>('a' + draw % 7)) + kForms[random() % 4] + ' ';
  }
  return text;
}

TEST_CASE("the index counts as the texts do: overwritten, deleted and expired ones are not there") {
  const uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto analyzer = MakeEnglishAnalyzer();
  std::map<std::string, std::string> texts;
  DeltaPart first, second;
  std::vector<DeltaPart*> parts = {&first, &second};
  std::map<std::string, std::pair<DeltaPart*, uint64_t>> alive;
  for (uint64_t document = 1; document <= 600; ++document) {
    DeltaPart* const part = parts[document <= 300 ? 0 : 1];
    const std::string key = "k" + std::to_string(random() % 200);
    if (const auto old = alive.find(key); old != alive.end()) {
      old->second.first->Kill(old->second.second, document);
      alive.erase(old);
      texts.erase(key);
    }
    if (random() % 8 == 0) continue;  // deleted
    const std::string text = RandomText(random);
    DerivedDocument derived;
    DeriveWords(*analyzer, text, &derived);
    if (derived.words == 0) continue;
    const int64_t expiry = random() % 10 == 0 ? 50 : 0;
    part->Add(document, key, document, expiry, derived);
    alive[key] = {part, document};
    if (expiry == 0) texts[key] = text;
  }
  // What was committed later is not of this moment.
  DerivedDocument later;
  DeriveWords(*analyzer, "tomorrow wordaa", &later);
  second.Add(700, "later", 700, 0, later);
  const std::vector<const TextPart*> all = {&first, &second};
  const auto counts = CountCorpus(all, {.sequence = 650, .now = 100}, kSeed, GoOn);
  REQUIRE_OK(counts);
  CheckCounts(*counts, CountTexts(texts, *analyzer));
}

TEST_CASE("the numbers of documents, and the parts they are in, do not change the counts") {
  const auto analyzer = MakeEnglishAnalyzer();
  std::mt19937 random(7);
  std::map<std::string, std::string> texts;
  for (int i = 0; i < 300; ++i) texts["k" + std::to_string(i)] = RandomText(random);
  std::vector<std::pair<std::string, std::string>> order(texts.begin(), texts.end());
  for (const size_t first_part : {0, 150, 300}) {
    std::shuffle(order.begin(), order.end(), random);
    DeltaPart a, b;
    for (size_t i = 0; i < order.size(); ++i) {
      DerivedDocument derived;
      DeriveWords(*analyzer, order[i].second, &derived);
      if (derived.words > 0) (i < first_part ? a : b).Add(i + 1, order[i].first, i + 1, 0, derived);
    }
    const std::vector<const TextPart*> parts = {&a, &b};
    const auto counts = CountCorpus(parts, {.sequence = 1'000}, kSeed, GoOn);
    REQUIRE_OK(counts);
    CheckCounts(*counts, CountTexts(texts, *analyzer));
  }
}

TEST_CASE("counting tells its progress, ascending to the end, and stops when it is told to") {
  const auto analyzer = MakeEnglishAnalyzer();
  std::mt19937 random(9);
  DeltaPart part;
  for (uint64_t i = 1; i <= 500; ++i) {
    DerivedDocument derived;
    DeriveWords(*analyzer, RandomText(random) + "word" + std::to_string(i), &derived);
    part.Add(i, "k" + std::to_string(i), i, 0, derived);
  }
  const std::vector<const TextPart*> parts = {&part};
  std::vector<double> told;
  REQUIRE_OK(CountCorpus(parts, {.sequence = 1'000}, kSeed, [&](double done) {
    told.push_back(done);
    return true;
  }));
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(told.back() == 1);
  for (size_t stop_at = 1; stop_at <= told.size(); ++stop_at) {
    size_t calls = 0;
    const auto stopped =
        CountCorpus(parts, {.sequence = 1'000}, kSeed, [&](double) { return ++calls < stop_at; });
    CHECK(absl::IsAborted(stopped.status()));
    CHECK(calls == stop_at);
  }
}

TEST_CASE("an index without documents has no counts") {
  const DeltaPart part;
  const std::vector<const TextPart*> parts = {&part};
  const auto counts = CountCorpus(parts, {.sequence = 1}, kSeed, GoOn);
  REQUIRE_OK(counts);
  CHECK(counts->text_count == 0);
  CHECK(counts->words.empty());
  CHECK(counts->counts.rows() == 0);
}

}  // namespace
}  // namespace libkv
