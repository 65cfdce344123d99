// Random collections, and queries of all kinds over their words.
#ifndef LIBKV_TESTS_TEXT_RANDOM_QUERY_H_
#define LIBKV_TESTS_TEXT_RANDOM_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "libkv/text/test_source.h"

namespace libkv {

inline std::string RandomWord(std::mt19937& random, size_t vocabulary) {
  // Squared, so that some words are in most documents and some in few.
  const double x = static_cast<double>(random() % 1000) / 1000;
  const auto i = static_cast<size_t>(x * x * static_cast<double>(vocabulary));
  return random() % 6 == 0 ? (random() % 2 == 0 ? "the" : "of") : "w" + std::to_string(i);
}

inline Document RandomDocument(std::mt19937& random, size_t vocabulary) {
  Document document;
  const size_t length = random() % 5 == 0 ? 40 + random() % 200 : 1 + random() % 20;
  while (document.size() < length) document.push_back(RandomWord(random, vocabulary));
  return document;
}

// Document numbers are 1 to `spread` apart.
inline Collection RandomCollection(std::mt19937& random, uint32_t spread, size_t documents) {
  Collection collection;
  const size_t vocabulary = 4 + random() % 12;
  uint32_t id = random() % spread;
  for (; documents > 0; --documents, id += 1 + random() % spread) {
    const Document document = RandomDocument(random, vocabulary);
    if (LengthOf(document) > 0) collection[id] = document;
  }
  return collection;
}

inline std::string RandomPhrase(std::mt19937& random) {
  std::string phrase = "\"";
  for (size_t words = 1 + random() % 4; words > 0; --words) phrase += RandomWord(random, 5) + " ";
  return phrase + "\"" + (random() % 2 == 0 ? "" : "~" + std::to_string(random() % 6));
}

inline std::string RandomTerm(std::mt19937& random) {
  switch (random() % 5) {
    case 0:
      return RandomPhrase(random);
    case 1:
      return RandomWord(random, 12) + "-" + RandomWord(random, 12);
    case 2: {
      const std::string head = random() % 4 == 0 ? RandomWord(random, 12) + "-" : "";
      return head + (random() % 8 == 0 ? "w" : RandomWord(random, 20)) + "*";
    }
    case 3:
      return RandomWord(random, 20) + (random() % 2 == 0 ? "~" : "~2");
    default:
      return RandomWord(random, 12);
  }
}

inline std::string RandomQuery(std::mt19937& random, int depth) {
  std::string query;
  for (size_t count = 1 + random() % 4; count > 0; --count) {
    if (!query.empty()) query += random() % 3 == 0 ? " OR " : " ";
    if (random() % 5 == 0) query += "-";
    switch (random() % (depth > 0 ? 10 : 8)) {
      case 0:
      case 1:
        query += RandomTerm(random) + " NEAR/" + std::to_string(1 + random() % 9) + " " +
                 RandomTerm(random);
        break;
      case 2:
        query += random() % 4 == 0 ? "*" : RandomTerm(random);
        break;
      case 8:
      case 9:
        query += "(" + RandomQuery(random, depth - 1) + ")";
        break;
      case 3:
      case 4:
        query += RandomTerm(random);
        break;
      default:
        query += RandomWord(random, 12);
    }
    if (random() % 6 == 0) query += random() % 2 == 0 ? "^2.5" : "^0.25";
  }
  return query;
}

}  // namespace libkv

#endif  // LIBKV_TESTS_TEXT_RANDOM_QUERY_H_
