// The cache against no cache: every answer must be what a TermMaker makes.
#include "text/term_cache.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace libkv {
namespace {

// Looks `word` up in front of `behind`, of which the cache may read but must not take notice.
template <typename Cache>
void CheckWord(Cache& cache, TermMaker& maker, const std::string& word, const std::string& behind) {
  CAPTURE(word);
  CAPTURE(behind);
  std::string folded;
  const std::string term = maker.Make(word, &folded);
  const std::string text = word + behind;
  bool is_called = false;
  const bool found = cache.Find(std::string_view(text).substr(0, word.size()), text.size(),
                                [&](std::string_view its_term, std::string_view its_folded) {
                                  is_called = true;
                                  CHECK(its_term == term);
                                  CHECK(its_folded == folded);
                                });
  CHECK(found == is_called);
  CHECK(found == (word.size() <= 31 && term.size() <= 31 && folded.size() <= 31));
}

std::vector<std::string> Words(std::mt19937_64& random) {
  std::vector<std::string> words = {"the", "The", "ponies", "PONY", "dog's", "happy",
                                    "\xC3\x89T\xC3\x89", "Dog\xE2\x80\x99s",
                                    // One character that folds to 18 of them, which take 33 bytes.
                                    "\xEF\xB7\xBA", "ab\xEF\xB7\xBA",
                                    // Words that a zero would tell from nothing.
                                    "a", std::string("a\0", 2), std::string("a\0\0", 3)};
  for (const size_t size : {7, 8, 9, 14, 15, 16, 17, 30, 31, 32, 33, 64, 65, 100}) {
    words.emplace_back(size, 'x');
    words.emplace_back(size, 'X');
    words.push_back(std::string(size - 1, 'x') + 'y');
    words.push_back(std::string(size - 3, 'x') + "ing");
  }
  for (int i = 0; i < 300; ++i) {
    std::string& word = words.emplace_back();
    const size_t size = 1 + random() % 20;
    while (word.size() < size) word += "abeinsygtlABE\xC3"[random() % 13];
    if (random() % 4 == 0) word += "ing";
  }
  return words;
}

template <typename Cache>
void CheckCache() {
  constexpr uint64_t kSeed = 31;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const std::vector<std::string> words = Words(random);
  for (const Language* language :
       {FindLanguage("english"), static_cast<const Language*>(nullptr)}) {
    Cache cache(language);
    TermMaker maker(language);
    for (int i = 0; i < 20'000; ++i) {
      // Neighbours in the list come close together, so that they are often found again.
      const std::string& word = words[(static_cast<size_t>(i) / 50 + random() % 8) % words.size()];
      CheckWord(cache, maker, word, std::string(random() % 3 * 17, 'q'));
    }
  }
}

TEST_CASE("a cache changes no term, however many words share a slot") {
  CheckCache<BasicTermCache<1, 1>>();
  CheckCache<BasicTermCache<4, 2>>();
  CheckCache<TermCache>();
}

}  // namespace
}  // namespace libkv
