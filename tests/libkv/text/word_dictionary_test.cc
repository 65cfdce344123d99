#include "text/word_dictionary.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace libkv {
namespace {

using Place = std::pair<std::string, std::string>;  // word, term
using Counts = std::map<Place, uint64_t>;

Counts Read(const WordDictionary& dictionary, const std::string& prefix) {
  Counts counts;
  Place last;
  for (const auto cursor = dictionary.Open(prefix); cursor->valid(); cursor->Next()) {
    const Place place{std::string(cursor->word()), std::string(cursor->term())};
    if (!counts.empty()) REQUIRE(last < place);
    counts[place] = cursor->documents();
    last = place;
  }
  return counts;
}

// Past beginnings of any length.
void CheckSkips(const WordDictionary& dictionary, const std::string& prefix, const Counts& expected,
                std::mt19937& random) {
  const auto cursor = dictionary.Open(prefix);
  for (auto at = expected.begin(); at != expected.end();) {
    REQUIRE(cursor->valid());
    const std::string& word = at->first.first;
    REQUIRE(Place(cursor->word(), cursor->term()) == at->first);
    if (random() % 4 == 0) {
      cursor->Next();
      ++at;
      continue;
    }
    const size_t longest = random() % 64 == 0 ? 2 : word.size();
    const std::string beginning = word.substr(0, longest - random() % 2);
    cursor->SkipBeginning(beginning.size());
    while (at != expected.end() && at->first.first.starts_with(beginning)) ++at;
  }
  CHECK_FALSE(cursor->valid());
}

TEST_CASE("words come back in order, with their terms and counts, from any prefix on") {
  // Goal: chains and the ordered set agree. Method: terms with up to a hundred words, words with
  // several terms, terms that are and are not how their words begin, against a map.
  constexpr uint32_t kSeed = 72;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  std::map<std::string, WordDictionary::Chain> chains;
  WordDictionary dictionary;
  Counts oracle;
  size_t memory = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string word = "w" + std::to_string(random() % 3'000);
    const std::string term =
        random() % 8 == 0 ? "other" + std::to_string(random() % 9) : word.substr(0, 3);
    dictionary.Count(word, Hash64(word), term, &chains[term]);
    ++oracle[{word, term}];
    REQUIRE(dictionary.memory_bytes() >= memory);
    memory = dictionary.memory_bytes();
  }
  CHECK(Read(dictionary, "") == oracle);
  for (const std::string prefix : {"w", "w1", "w29", "w2999", "x", "", "w\xFF", "a"}) {
    CAPTURE(prefix);
    Counts expected;
    for (const auto& [place, count] : oracle) {
      if (place.first.starts_with(prefix)) expected[place] = count;
    }
    CHECK(Read(dictionary, prefix) == expected);
    CheckSkips(dictionary, prefix, expected, random);
  }
  CHECK(memory > oracle.size() * 24);
  CHECK(memory < oracle.size() * 100);
}

TEST_CASE("words may hold any bytes") {
  WordDictionary dictionary;
  WordDictionary::Chain first, second;
  const std::string zero("a\0b", 3);
  dictionary.Count(zero, Hash64(zero), "\xFF", &first);
  dictionary.Count("", Hash64(""), "", &second);
  CHECK(Read(dictionary, "") == Counts{{{"", ""}, 1}, {{zero, "\xFF"}, 1}});
  CHECK(Read(dictionary, zero).size() == 1);
}

TEST_CASE("readers beside a writer see every word that was there when they began") {
  constexpr int kWords = 30'000;
  WordDictionary dictionary;
  std::atomic<int> added{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      for (bool is_last = false; !is_last;) {
        const int at_least = added.load(std::memory_order_acquire);
        is_last = at_least == kWords;
        int seen = 0;
        std::string last;
        for (const auto cursor = dictionary.Open("w"); cursor->valid(); cursor->Next(), ++seen) {
          wrong += std::string(cursor->word()) <= last;
          wrong += cursor->documents() > 2;
          last = cursor->word();
        }
        wrong += seen < at_least;
      }
    });
  }
  std::vector<WordDictionary::Chain> chains(kWords);
  for (int i = 0; i < kWords; ++i) {
    // Neither ascending nor descending: words appear before and behind the readers.
    const std::string word = "w" + std::to_string(i * 7'919LL % kWords);
    dictionary.Count(word, Hash64(word), word, &chains[static_cast<size_t>(i)]);
    dictionary.Count(word, Hash64(word), word, &chains[static_cast<size_t>(i)]);
    added.store(i + 1, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace libkv
