#include "index/delta_part.h"

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
std::string Find(const DeltaPart& index, const std::string& term, uint64_t sequence,
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
  DeltaPart index;
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
  DeltaPart index;
  index.Add(1, "old", 0, 0, Words("apple"));
  index.Add(2, "brief", 0, 1'000, Words("apple"));
  CHECK(Find(index, "apple", 0, 999) == "old brief ");
  CHECK(Find(index, "apple", 0, 1'000) == "old ");
  CHECK(Find(index, "apple", UINT64_MAX - 1, 1'000) == "old ");
}

TEST_CASE("killing twice, or what is not there, changes nothing") {
  DeltaPart index;
  index.Add(7, "a", 1, 0, Words("apple"));
  CHECK(index.Kill(7, 5));
  CHECK_FALSE(index.Kill(7, 3));
  CHECK_FALSE(index.Kill(8, 3));
  CHECK(Find(index, "apple", 4) == "a ");
  CHECK(index.live_documents() == 0);
  CHECK(index.document_count() == 1);
}

TEST_CASE("counts follow documents and their words, live ones leave the dead out") {
  DeltaPart index;
  index.Add(1, "a", 1, 0, Words("apple pear apple"));
  index.Add(3, "b", 3, 0, Words("fig"));
  CHECK(index.document_count() == 2);
  CHECK(index.total_words() == 4);
  CHECK(index.live_documents() == 2);
  CHECK(index.term_count() == 3);
  CHECK(index.text_bytes() == std::string("apple pear apple").size() + std::string("fig").size());
  CHECK(index.memory_bytes() > 0);
  index.Kill(1, 4);
  CHECK(index.document_count() == 2);
  CHECK(index.total_words() == 4);
  CHECK(index.live_documents() == 1);
}

TEST_CASE("a reader shows what its view sees under its prefix") {
  DeltaPart index;
  index.Add(1, "a:1", 10, 0, Words("apple"));
  index.Add(2, "b:1", 10, 0, Words("apple"));
  index.Add(3, "a:2", 20, 0, Words("apple"));
  index.Kill(1, 30);
  const auto shown = [&](uint64_t sequence, const std::string& prefix) {
    const auto reader = index.NewReader({.sequence = sequence, .prefix = prefix});
    std::string keys;
    for (uint32_t i = 0; i < 3; ++i) {
      if (reader->Shows(i)) keys += std::string(reader->KeyOf(i)) + " ";
    }
    return keys;
  };
  CHECK(shown(10, "") == "a:1 b:1 ");
  CHECK(shown(20, "a:") == "a:1 a:2 ");
  CHECK(shown(30, "a:") == "a:2 ");
  CHECK(shown(30, "c") == "");
}

TEST_CASE("every moment of a random history is seen as it was") {
  // Method: a map from keys to words is kept for every sequence number and compared afterwards.
  constexpr uint64_t kSeed = 5;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  DeltaPart index;
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
