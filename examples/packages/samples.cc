#include "packages/samples.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <span>
#include <string_view>

#include "packages/answers.h"

namespace packages {
namespace {

using Keys = std::vector<std::string>;

constexpr size_t kAnswers = 5;  // that hash/1 gives, as many as Answers does
constexpr size_t kShown = 3;    // of them

// Of fewer texts less can be learnt: what is asked of many finds too few that are meant.
constexpr uint64_t kManyTexts = 2'000;

// Shorter words are in nearly every text.
constexpr size_t kTellingWordBytes = 5;

class Problems {
 public:
  void Unless(bool is_well, const std::string& problem) {
    if (!is_well) list_.push_back(problem);
  }
  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

bool Has(const Keys& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Not only the best ones.
Keys AllWith(const libkv::Store& store, const std::string& query) {
  Keys keys;
  const auto found = store.Search({.limit = libkv::kSearchLimitMax}, query);
  if (!found.ok()) return keys;
  for (const libkv::Hit& hit : found->hits) keys.push_back(hit.key);
  return keys;
}

std::string ValueOf(const libkv::Store& store, const std::string& key) {
  return store.Get({}, key).value_or("");
}

// What is embedded of a package.
std::string TextOf(std::string_view value) {
  const auto json = nlohmann::json::parse(value, nullptr, false);
  if (!json.is_object() || !json.contains("summary")) return "";
  return json.value("name", "") + "\n" + json.value("summary", "") + "\n" +
         json.value("description", "");
}

std::set<std::string> TellingWords(std::string_view text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (word.size() >= kTellingWordBytes) words.insert(word);
    word.clear();
  }
  return words;
}

bool ShareWords(const std::string& one, const std::string& other) {
  const std::set<std::string> words = TellingWords(other);
  const std::set<std::string> own = TellingWords(one);
  return std::any_of(own.begin(), own.end(), [&](auto& word) { return words.count(word) == 1; });
}

bool AnyHas(const libkv::Store& store, const Keys& keys, std::string_view word) {
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return ValueOf(store, key).find(word) != std::string::npos;
  });
}

// What the embedder that knows no meaning would have said: every text is compared by it here.
Keys HashAnswer(const libkv::Store& store, std::string_view question) {
  const auto hash = libkv::MakeHashEmbedder();
  const size_t dimension = hash->dimension();
  std::vector<float> query(dimension), vector(dimension);
  if (!hash->Embed(libkv::EmbedKind::kQuery, std::span(&question, 1), query).ok()) return {};
  std::vector<std::pair<double, std::string>> best;
  const auto all = store.NewIterator({.fill_cache = false});
  for (all->SeekToFirst(); all->Valid(); all->Next()) {
    const std::string text = TextOf(all->value());
    const std::string_view view = text;
    if (text.empty() || !hash->Embed(libkv::EmbedKind::kDocument, std::span(&view, 1), vector).ok())
      continue;
    best.emplace_back(-std::inner_product(query.begin(), query.end(), vector.begin(), 0.0),
                      std::string(all->key()));
    std::sort(best.begin(), best.end());
    if (best.size() > kAnswers) best.pop_back();
  }
  Keys keys;
  for (const auto& [score, key] : best) keys.push_back(key);
  return keys;
}

size_t CountIn(const libkv::Store& store, const Keys& keys, const std::string& section) {
  return static_cast<size_t>(std::count_if(keys.begin(), keys.end(), [&](const std::string& key) {
    const auto json = nlohmann::json::parse(ValueOf(store, key), nullptr, false);
    return json.is_object() && json.value("section", "") == section;
  }));
}

// What was learnt must have told more answers of the right section than hash/1 tells, `demanded`.
void CompareWithHash(const libkv::Store& store, const std::string& question, const Keys& answers,
                     const std::string& section, bool demanded, Problems* problems) {
  const Keys by_hash = HashAnswer(store, question);
  std::string names;
  for (size_t i = 0; i < by_hash.size() && i < kShown; ++i) {
    names += (names.empty() ? "" : ", ") + by_hash[i];
  }
  std::printf("  (by hash/1, which learns nothing, it would be: %s)\n", names.c_str());
  problems->Unless(!demanded || CountIn(store, answers, section) > CountIn(store, by_hash, section),
                   "hash/1, which learns nothing, finds as many " + section + " for: " + question);
}

std::vector<std::string> AskAboutPackages(const libkv::Store& store) {
  const Answers answers(store);
  Problems problems;
  const Keys servers = answers.Ask("web server");
  problems.Unless(!servers.empty(), "no text has the words: web server");
  const Keys all_servers = AllWith(store, "web server");
  problems.Unless(Has(all_servers, "nginx") || Has(all_servers, "apache2"),
                  "neither nginx nor apache2 is an answer to: web server");
  const Keys phrase = answers.Ask("\"version control system\"");
  problems.Unless(!phrase.empty(), "no text has the phrase: version control system");
  const Keys editors = answers.Ask("\"text editor\" -emacs -vim");
  problems.Unless(!editors.empty(), "no text editor is left without emacs and vim");
  problems.Unless(!Has(editors, "vim") && !Has(editors, "emacs"), "an excluded word was found");

  const Keys repaired = answers.Ask("modlar servver");
  problems.Unless(AnyHas(store, repaired, "odular"), "two typos were not forgiven");

  const Keys like = answers.Like("nginx");
  problems.Unless(!like.empty(), "nothing is like nginx");
  for (const std::string& key : like) {
    problems.Unless(ShareWords(ValueOf(store, "nginx"), ValueOf(store, key)),
                    key + " is said to be like nginx and shares no word with it");
  }
  const Keys games = answers.Meaning("play chess");
  problems.Unless(AnyHas(store, games, "chess"), "nothing to play chess with was found");
  const libkv::StoreStats stats = store.Stats();
  const bool has_many = !stats.spaces.empty() && stats.spaces[0].documents >= kManyTexts;
  CompareWithHash(store, "play chess", games, "games", has_many, &problems);
  const Keys tools = answers.Both("tool to edit photographs");
  problems.Unless(AnyHas(store, tools, "photo"), "no tool to edit photographs was found");
  CompareWithHash(store, "tool to edit photographs", tools, "graphics", has_many, &problems);
  // A word that few texts have stands for those that speak of the same without it.
  const Keys rivals = answers.Meaning("opponent");
  CompareWithHash(store, "opponent", rivals, "games", !has_many, &problems);
  problems.Unless(std::any_of(rivals.begin(), rivals.end(),
                              [&](const std::string& key) {
                                return ValueOf(store, key).find("opponent") == std::string::npos;
                              }) ||
                      has_many,
                  "no answer to opponent leaves the word out");
  const Keys section = answers.Section("httpd");
  problems.Unless(Has(section, "nginx") || Has(section, "apache2"),
                  "neither nginx nor apache2 is in the section httpd");
  const Keys small = answers.Ask("web server section:httpd installed_kb:<1000");
  problems.Unless(!small.empty(), "no web server is small");
  for (const std::string& key : small) {
    problems.Unless(Has(section, key), key + " is not in the section httpd");
  }
  problems.Unless(!Has(small, "nginx-doc"), "nginx-doc is said to be in the section httpd");
  problems.Unless(!answers.Sections("web server").empty(), "no section has web servers");
  problems.Unless(!answers.Largest().empty(), "no package has a size");
  return problems.Take();
}

std::vector<std::string> AskAboutTexts(const libkv::Store& store) {
  const Answers answers(store);
  Problems problems;
  problems.Unless(!answers.Ask("redistribute software").empty(), "no text is about software");
  const Keys phrase = answers.Ask("\"without warranty\"");
  const Keys both = answers.Ask("license -warranty");
  problems.Unless(!phrase.empty() || !both.empty(), "no text is a license");
  for (const std::string& key : both) {
    problems.Unless(!Has(phrase, key), key + " was found although it has the excluded word");
  }
  if (!phrase.empty()) {
    problems.Unless(!answers.Like(phrase.front()).empty(), "no text is like " + phrase.front());
  }
  const Keys meaning = answers.Meaning("permission to use, copy and modify");
  problems.Unless(!meaning.empty(), "no text gives a permission");
  return problems.Take();
}

}  // namespace

std::vector<std::string> AskSamples(const libkv::Store& store, CorpusKind kind) {
  return kind == CorpusKind::kPackages ? AskAboutPackages(store) : AskAboutTexts(store);
}

std::vector<std::string> VerifyAll(const libkv::Store& store) {
  const absl::StatusOr<libkv::VerifyReport> report = store.Verify();
  if (!report.ok()) return {"Verify: " + report.status().ToString()};
  std::printf(
      "\nVerified: %zu values, %zu word lists, %zu vectors and %zu index rows; %zu problems.\n",
      size_t{report->keys}, size_t{report->documents}, size_t{report->vectors},
      size_t{report->index_rows}, size_t{report->problem_count});
  return report->problems;
}

}  // namespace packages
