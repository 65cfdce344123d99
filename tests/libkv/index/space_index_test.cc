#include "index/space_index.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "index/derive.h"

namespace libkv {
namespace {

DerivedDocument Words(const std::string& text) {
  static const auto analyzer = MakeSimpleAnalyzer();
  DerivedDocument derived;
  DeriveWords(*analyzer, text, &derived);
  return derived;
}

// The keys that a view at `sequence` and `now` finds under `term`.
std::string Find(const SpaceIndex& index, const std::string& term, uint64_t sequence,
                 int64_t now = 0) {
  std::string keys;
  const auto cursor = index.delta().Open(term);
  if (cursor == nullptr) return keys;
  for (; cursor->document() != kNoDocument; cursor->Next()) {
    const DocumentEntry& entry = index.documents()[cursor->document()];
    if (entry.VisibleAt(sequence, now)) keys += entry.key + " ";
  }
  return keys;
}

TEST_CASE("a document is seen from its birth up to its death") {
  SpaceIndex index(0);
  index.Add(1, "a", 10, 0, Words("apple"));
  index.Add(2, "b", 20, 0, Words("apple pear"));
  index.Kill(1, 30);
  index.Add(3, "a", 30, 0, Words("pear"));
  CHECK(Find(index, "apple", 9) == "");
  CHECK(Find(index, "apple", 10) == "a ");
  CHECK(Find(index, "apple", 20) == "a b ");
  CHECK(Find(index, "apple", 29) == "a b ");
  CHECK(Find(index, "apple", 30) == "b ");
  CHECK(Find(index, "pear", 29) == "b ");
  CHECK(Find(index, "pear", 30) == "b a ");
}

TEST_CASE("a document of the first moment is seen by every view, an expired one by none") {
  SpaceIndex index(0);
  index.Add(1, "old", 0, 0, Words("apple"));
  index.Add(2, "brief", 0, 1'000, Words("apple"));
  CHECK(Find(index, "apple", 0, 999) == "old brief ");
  CHECK(Find(index, "apple", 0, 1'000) == "old ");
  CHECK(Find(index, "apple", UINT64_MAX - 1, 1'000) == "old ");
}

TEST_CASE("killing twice, or what is not there, changes nothing") {
  SpaceIndex index(64);
  index.Add(7, "a", 1, 0, Words("apple"));
  index.Kill(7, 5);
  index.Kill(7, 3);
  index.Kill(8, 3);
  CHECK(Find(index, "apple", 4) == "a ");
  CHECK(index.live_documents() == 0);
  CHECK(index.dead_entries() == 1);
}

TEST_CASE("counts follow words and vectors, dead ones leave the living only") {
  SpaceIndex index(64);
  DerivedDocument both = Words("apple pear apple");
  both.code.assign(64, 1);
  both.scale = 1;
  both.norm2 = 64;
  DerivedDocument vector_only;
  vector_only.code.assign(64, 2);
  vector_only.scale = 1;
  vector_only.norm2 = 256;
  index.Add(1, "both", 1, 0, both);
  index.Add(2, "vector", 2, 0, vector_only);
  index.Add(3, "words", 3, 0, Words("fig"));
  CHECK(index.document_count() == 2);
  CHECK(index.total_words() == 4);
  CHECK(index.live_documents() == 2);
  CHECK(index.live_vectors() == 2);
  REQUIRE(index.slot_count() == 2);
  CHECK(index.DocumentOfSlot(0).key == "both");
  CHECK(index.DocumentOfSlot(1).key == "vector");
  CHECK(index.codes()->row(1).values[0] == 2);
  CHECK(index.text_bytes() > 0);
  CHECK(index.vector_bytes() > 0);
  index.Kill(1, 4);
  CHECK(index.document_count() == 2);
  CHECK(index.live_documents() == 1);
  CHECK(index.live_vectors() == 1);
  CHECK(index.slot_count() == 2);
}

TEST_CASE("a space without vectors keeps none, whatever it is given") {
  SpaceIndex index(0);
  DerivedDocument derived = Words("apple");
  derived.code.assign(64, 1);
  index.Add(1, "a", 1, 0, derived);
  CHECK(index.codes() == nullptr);
  CHECK(index.slot_count() == 0);
  CHECK(index.live_vectors() == 0);
  CHECK(index.vector_bytes() == 0);
}

TEST_CASE("every moment of a random history is seen as it was") {
  // Method: a map from keys to words is kept for every sequence number and compared afterwards.
  constexpr uint64_t kSeed = 5;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  SpaceIndex index(0);
  std::vector<std::map<std::string, std::string>> history(1);
  std::map<std::string, uint64_t> document_of;
  uint64_t next_document = 1;
  for (uint64_t sequence = 1; sequence <= 500; ++sequence) {
    history.push_back(history.back());
    const std::string key = "k" + std::to_string(random() % 20);
    if (const auto it = document_of.find(key); it != document_of.end()) {
      index.Kill(it->second, sequence);
      document_of.erase(it);
    }
    history.back().erase(key);
    if (random() % 3 == 0) continue;
    const std::string word = "w" + std::to_string(random() % 5);
    document_of[key] = next_document;
    index.Add(next_document++, key, sequence, 0, Words(word));
    history.back()[key] = word;
  }
  for (uint64_t sequence = 0; sequence < history.size(); ++sequence) {
    CAPTURE(sequence);
    for (int w = 0; w < 5; ++w) {
      const std::string word = "w" + std::to_string(w);
      std::map<std::string, std::string> found;
      const std::string keys = Find(index, word, sequence);
      for (size_t begin = 0; begin < keys.size();) {
        const size_t end = keys.find(' ', begin);
        CHECK(found.emplace(keys.substr(begin, end - begin), word).second);
        begin = end + 1;
      }
      std::map<std::string, std::string> expected = history[sequence];
      std::erase_if(expected, [&](const auto& item) { return item.second != word; });
      CHECK(found == expected);
    }
  }
  CHECK(index.live_documents() == history.back().size());
}

}  // namespace
}  // namespace libkv
