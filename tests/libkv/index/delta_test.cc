// The delta against maps: what was added is read back, also while a writer adds.
#include "index/delta.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/coding.h"

namespace libkv {
namespace {

using Positions = std::vector<uint32_t>;
using Words = std::map<std::string, Positions>;  // of one document

// Encodes a document independently of DeriveWords.
DerivedDocument Encode(const Words& words) {
  DerivedDocument derived;
  for (const auto& [word, positions] : words) {
    DerivedDocument::Term term;
    term.hash = Hash64(word);
    term.term_begin = static_cast<uint32_t>(derived.term_pool.size());
    term.term_bytes = static_cast<uint32_t>(word.size());
    term.frequency = static_cast<uint32_t>(positions.size());
    term.positions_begin = static_cast<uint32_t>(derived.position_pool.size());
    derived.term_pool += word;
    uint32_t last = 0;
    for (const uint32_t position : positions) {
      AppendVarint(derived.position_pool, position - last);
      last = position;
    }
    term.positions_bytes =
        static_cast<uint32_t>(derived.position_pool.size()) - term.positions_begin;
    derived.terms.push_back(term);
    derived.words += term.frequency;
  }
  return derived;
}

Words RandomWords(std::mt19937_64& random, size_t vocabulary) {
  Words words;
  uint32_t position = 0;
  for (size_t i = random() % 30; i-- > 0;) {
    position += 1 + static_cast<uint32_t>(random() % 300);
    // Low numbers are frequent, as in texts.
    const double uniform = static_cast<double>(random() % 10'000) / 10'000;
    const auto rank = static_cast<size_t>(std::pow(static_cast<double>(vocabulary), uniform));
    words["w" + std::to_string(rank)].push_back(position);
  }
  return words;
}

void CheckPosting(PostingsCursor& cursor, const Positions& expected) {
  Positions positions = {99};
  cursor.Positions(&positions);
  REQUIRE(positions == expected);
  REQUIRE(cursor.frequency() == expected.size());
}

TEST_CASE("postings come back in order with their frequencies and positions") {
  constexpr uint64_t kSeed = 42;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const DocumentTable documents;
  Delta delta(&documents);
  std::map<std::string, std::map<uint32_t, Positions>> oracle;
  uint32_t ordinal = 0;
  for (int i = 0; i < 5'000; ++i) {
    const Words words = RandomWords(random, 2'000);
    delta.Add(ordinal, Encode(words));
    for (const auto& [word, positions] : words) oracle[word][ordinal] = positions;
    ordinal += 1 + static_cast<uint32_t>(random() % 1'000);
  }
  CHECK(delta.term_count() == oracle.size());
  CHECK(delta.memory_bytes() > 0);
  std::vector<std::string> terms = delta.Terms();
  std::sort(terms.begin(), terms.end());
  REQUIRE(terms.size() == oracle.size());
  size_t at = 0;
  for (const auto& entry : oracle) {
    const std::string& word = entry.first;
    const std::map<uint32_t, Positions>& postings = entry.second;
    CAPTURE(word);
    CHECK(terms[at++] == word);
    CHECK(delta.DocumentFrequency(word) == postings.size());
    const auto cursor = delta.Open(word);
    REQUIRE(cursor != nullptr);
    CHECK(cursor->cost() == postings.size());
    for (const auto& [document, positions] : postings) {
      REQUIRE(cursor->document() == document);
      CheckPosting(*cursor, positions);
      cursor->Next();
    }
    CHECK(cursor->document() == kNoDocument);
  }
  CHECK(delta.Open("absent") == nullptr);
  CHECK(delta.DocumentFrequency("absent") == 0);
}

TEST_CASE("a seek finds the first document at or behind its target") {
  constexpr uint64_t kSeed = 43;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const DocumentTable documents;
  Delta delta(&documents);
  std::map<uint32_t, Positions> oracle;
  for (uint32_t ordinal = 3; ordinal < 50'000; ordinal += 1 + random() % 40) {
    oracle[ordinal] = {static_cast<uint32_t>(random() % 1'000)};
    delta.Add(ordinal, Encode({{"word", oracle[ordinal]}}));
  }
  for (int round = 0; round < 200; ++round) {
    const auto cursor = delta.Open("word");
    uint32_t target = 0;
    while (cursor->document() != kNoDocument) {
      target += static_cast<uint32_t>(random() % 5'000);
      const uint32_t before = cursor->document();
      cursor->SeekTo(target);
      const auto expected = oracle.lower_bound(std::max(target, before));
      REQUIRE(cursor->document() == (expected == oracle.end() ? kNoDocument : expected->first));
      if (expected != oracle.end()) CheckPosting(*cursor, expected->second);
    }
  }
}

TEST_CASE("a posting larger than any block is kept whole") {
  // Goal: blocks that are made for one posting. Method: 20,000 positions of three bytes each,
  // between small postings of the same term.
  const DocumentTable documents;
  Delta delta(&documents);
  Positions many;
  for (uint32_t i = 0; i < 20'000; ++i) many.push_back(i * 20'000);
  for (uint32_t ordinal = 0; ordinal < 30; ++ordinal) {
    const bool is_large = ordinal % 10 == 5;
    delta.Add(ordinal, Encode({{"a", is_large ? many : Positions{ordinal}}, {"b", {ordinal}}}));
  }
  const auto cursor = delta.Open("a");
  for (uint32_t ordinal = 0; ordinal < 30; ++ordinal, cursor->Next()) {
    REQUIRE(cursor->document() == ordinal);
    CheckPosting(*cursor, ordinal % 10 == 5 ? many : Positions{ordinal});
  }
  CHECK(cursor->document() == kNoDocument);
}

// What document `ordinal` says of the term number `term`: known to writer and readers.
Positions PositionsOf(uint32_t term, uint32_t ordinal) {
  Positions positions;
  const uint32_t mixed = (ordinal + 1) * 2'654'435'761U + term;
  for (uint32_t i = 0; i <= mixed % 7; ++i) positions.push_back(ordinal + i * (1 + mixed % 900));
  return positions;
}

bool IsWithin(PostingsCursor& cursor, const ScoreBounds& bounds) {
  const auto end = bounds.impacts.begin() + bounds.count;
  return std::any_of(bounds.impacts.begin(), end, [&cursor](const Impact& impact) {
    return impact.frequency >= cursor.frequency();
  });
}

TEST_CASE("readers beside a writer see whole postings only, and never fewer than before") {
  // Goal: publication without a lock. Method: every posting follows from its term and document, so
  // any torn or mixed one is noticed; documents must be all up to the last one seen.
  constexpr uint32_t kTerms = 5, kDocuments = 60'000, kReaders = 3;
  const DocumentTable documents;
  Delta delta(&documents);
  std::atomic<uint32_t> added{0};
  std::atomic<uint64_t> wrong{0}, read{0};
  std::vector<std::thread> readers;
  for (uint32_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      uint32_t term = reader % kTerms;
      bool is_last = false;
      while (!is_last) {
        const uint32_t at_least = added.load(std::memory_order_acquire);
        is_last = at_least == kDocuments;
        term = (term + 1) % kTerms;
        const auto cursor = delta.Open("t" + std::to_string(term));
        if (cursor == nullptr) {
          wrong += at_least != 0;
          continue;
        }
        uint32_t expected = 0;
        Positions positions;
        ScoreBounds bounds;
        uint32_t until = 0;
        for (; cursor->document() != kNoDocument; cursor->Next(), ++expected) {
          cursor->Positions(&positions);
          if (expected == 0 || expected > until) until = cursor->BoundsFrom(expected, &bounds);
          const bool good = cursor->document() == expected && IsWithin(*cursor, bounds) &&
                            positions == PositionsOf(term, expected) &&
                            cursor->frequency() == positions.size();
          wrong += !good;
          if (!good) return;
          ++read;
        }
        wrong += expected < at_least;
      }
    });
  }
  for (uint32_t ordinal = 0; ordinal < kDocuments; ++ordinal) {
    Words words;
    for (uint32_t t = 0; t < kTerms; ++t) {
      words["t" + std::to_string(t)] = PositionsOf(t, ordinal);
    }
    words["own" + std::to_string(ordinal)] = {1};  // the table of terms grows meanwhile
    delta.Add(ordinal, Encode(words));
    added.store(ordinal + 1, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
  CHECK(read >= kDocuments);
}

}  // namespace
}  // namespace libkv
