#include "search/query.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness.h"
#include "search/stop_words.h"

namespace libkv::perf {
namespace {

constexpr std::array kKinds = {QueryKind::kTerm,   QueryKind::kOr,     QueryKind::kAnd,
                               QueryKind::kPhrase, QueryKind::kPrefix, QueryKind::kFuzzy};

QueryKind KindOf(const std::string& query_class) {
  for (const QueryKind kind : kKinds) {
    if (query_class.starts_with(NameOf(kind))) return kind;
  }
  Fail("no kind of query begins the class " + query_class);
}

// Lower-case words of letters and digits; everything else separates.
std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (is_digit || (lower >= 'a' && lower <= 'z')) {
      word += lower;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// Adds the query unless it asks for nothing.
void Add(std::string query_class, std::vector<std::string> words, std::vector<Query>* queries) {
  const QueryKind kind = KindOf(query_class);
  const bool all_stop_words = std::all_of(words.begin(), words.end(),
                                          [](const std::string& word) { return IsStopWord(word); });
  if (all_stop_words) return;
  if (kind != QueryKind::kPhrase)
    std::erase_if(words, [](const std::string& word) { return IsStopWord(word); });
  queries->push_back({std::move(query_class), kind, std::move(words)});
}

// The words of the documents, with the number of documents that have each; the frequent ones first.
std::vector<std::pair<std::string, size_t>> CountWords(const std::vector<Document>& documents) {
  std::unordered_map<std::string, size_t> counts;
  for (const Document& document : documents) {
    const std::vector<std::string> words = SplitWords(document.text);
    for (const std::string& word : std::unordered_set<std::string>(words.begin(), words.end())) {
      ++counts[word];
    }
  }
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::erase_if(sorted, [](const auto& entry) { return IsStopWord(entry.first); });
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return sorted;
}

// `count` of `words` at even distances.
std::vector<std::string> Spread(const std::vector<std::string>& words, size_t count) {
  std::vector<std::string> chosen;
  const size_t stride = std::max<size_t>(1, words.size() / count);
  for (size_t i = 0; i < words.size() && chosen.size() < count; i += stride) {
    chosen.push_back(words[i]);
  }
  return chosen;
}

}  // namespace

std::string_view NameOf(QueryKind kind) {
  constexpr std::array<std::string_view, kKinds.size()> kNames = {"term",   "or",     "and",
                                                                  "phrase", "prefix", "fuzzy"};
  return kNames[static_cast<size_t>(kind)];
}

std::vector<Query> ReadQueries(const std::string& path, size_t stride) {
  std::ifstream in(path);
  if (!in) Fail("cannot read " + path);
  std::vector<Query> queries;
  std::string line;
  for (size_t i = 0; std::getline(in, line); ++i) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) Fail(path + ": a line without a tab: " + line);
    if (i % stride != 0) continue;
    Add(line.substr(0, tab), SplitWords(std::string_view(line).substr(tab + 1)), &queries);
  }
  return queries;
}

std::vector<Query> InventQueries(const std::vector<Document>& documents, size_t count) {
  std::vector<std::string> high, middle, low;
  for (const auto& [word, frequency] : CountWords(documents)) {
    if (frequency * 10 > documents.size()) {
      high.push_back(word);
    } else if (frequency * 100 > documents.size()) {
      middle.push_back(word);
    } else if (frequency > 1) {
      low.push_back(word);
    }
  }
  std::vector<Query> queries;
  for (const std::string& word : Spread(high, count)) Add("term_hi", {word}, &queries);
  for (const std::string& word : Spread(middle, count)) Add("term_mid", {word}, &queries);
  for (const std::string& word : Spread(low, count)) Add("term_lo", {word}, &queries);

  std::mt19937_64 random(8);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<std::string> words = SplitWords(documents[random() % documents.size()].text);
    const size_t length = 2 + i % 4;
    if (words.size() < length + 1) continue;
    std::vector<std::string> some;
    while (some.size() < length) some.push_back(words[random() % words.size()]);
    Add("or_" + std::to_string(length), some, &queries);
    Add("and_" + std::to_string(length), some, &queries);
    const size_t phrase_length = 2 + i % 2;
    const size_t begin = random() % (words.size() - phrase_length + 1);
    Add("phrase",
        {words.begin() + static_cast<ptrdiff_t>(begin),
         words.begin() + static_cast<ptrdiff_t>(begin + phrase_length)},
        &queries);
  }
  return queries;
}

std::vector<Query> InventDictionaryQueries(const std::vector<Document>& documents, size_t count) {
  constexpr size_t kLettersMin = 6, kBeginning = 4;
  std::vector<std::string> long_words;
  for (const auto& [word, frequency] : CountWords(documents)) {
    if (frequency > 1 && word.size() >= kLettersMin) long_words.push_back(word);
  }
  std::vector<Query> queries;
  for (const std::string& word : Spread(long_words, count)) {
    Add("prefix", {word.substr(0, kBeginning)}, &queries);
    std::string misspelt = word;
    misspelt[word.size() / 2] = misspelt[word.size() / 2] == 'x' ? 'z' : 'x';
    Add("fuzzy", {misspelt}, &queries);
  }
  return queries;
}

}  // namespace libkv::perf
