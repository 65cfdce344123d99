// Random schedules of writes, new expiry times, seals, merges and reopenings against the simplest
// index there is: all values in a map, each query answered by looking at all of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libkv/analyzer.h"
#include "support/store_test.h"
#include "text/cosine_norm.h"
#include "text/length_norm.h"
#include "text/scoring.h"

namespace libkv {
namespace {

constexpr int kWords = 40;

std::string WordOf(int i) {
  return "w" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i / 26);
}

// A value as its terms.
struct Document {
  std::vector<std::string> words;  // in their order

  uint32_t Frequency(const std::string& word) const {
    return static_cast<uint32_t>(std::count(words.begin(), words.end(), word));
  }
  uint32_t PhraseFrequency(const std::vector<std::string>& phrase) const {
    uint32_t count = 0;
    for (size_t i = 0; i + phrase.size() <= words.size(); ++i) {
      count += std::equal(phrase.begin(), phrase.end(), words.begin() + static_cast<long>(i));
    }
    return count;
  }
};

using Collection = std::map<std::string, Document>;

// A query as text and as what it means.
struct Query {
  enum class Kind { kWord, kPhrase, kPrefix, kAnd, kOr, kNot, kAll };
  Kind kind = Kind::kWord;
  std::vector<std::string> words;
  std::vector<Query> children;
  int boost = 1;

  std::string Text() const {
    const std::string weight = boost == 1 ? "" : "^" + std::to_string(boost);
    switch (kind) {
      case Kind::kWord:
        return words[0] + weight;
      case Kind::kPhrase: {
        std::string text;
        for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
        return "\"" + text + "\"" + weight;
      }
      case Kind::kPrefix:
        return words[0] + "*" + weight;
      case Kind::kAll:
        return "*" + weight;
      case Kind::kNot:
        return "(" + children[0].Text() + " -" + children[1].Text() + ")" + weight;
      default:
        break;
    }
    std::string text;
    for (const Query& child : children) {
      text += (text.empty() ? "" : kind == Kind::kOr ? " OR " : " ") + child.Text();
    }
    return "(" + text + ")" + weight;
  }
};

// Scores by the formulas of scoring.h, over all documents, with sums and nothing else.
class Oracle {
 public:
  Oracle(const Collection& collection, Ranking ranking)
      : collection_(collection), ranking_(ranking) {
    for (const auto& [key, document] : collection) {
      if (document.words.empty()) continue;
      ++documents_;
      words_ += document.words.size();
    }
  }

  // key -> score of all that match.
  std::map<std::string, double> Answer(const Query& query) const {
    std::map<std::string, double> answer;
    for (const auto& [key, document] : collection_) {
      double score = 0;
      if (!document.words.empty() && Matches(query, document, 1, &score)) answer[key] = score;
    }
    return answer;
  }

 private:
  std::set<std::string> TermsOf(const Query& query) const {
    if (query.kind != Query::Kind::kPrefix) return {query.words[0]};
    std::set<std::string> terms;
    for (const auto& [key, document] : collection_) {
      for (const std::string& word : document.words) {
        if (word.starts_with(query.words[0])) terms.insert(word);
      }
    }
    return terms;
  }

  double Idf(const std::set<std::string>& terms) const {
    uint64_t df = 0;
    for (const std::string& term : terms) {
      for (const auto& [key, document] : collection_) df += document.Frequency(term) > 0;
    }
    return InverseDocumentFrequency(ranking_, documents_, df);
  }

  double Score(const Document& document, uint32_t frequency, double idf, double boost) const {
    const double length = DecodeLength(EncodeLength(static_cast<uint32_t>(document.words.size())));
    const double average = static_cast<double>(words_) / static_cast<double>(documents_);
    const double tf = frequency;
    const Scoring scoring;
    return boost * idf * tf * (scoring.k1 + 1) /
           (tf + scoring.k1 * (1 - scoring.b + scoring.b * length / average));
  }

  bool Matches(const Query& query, const Document& document, double boost, double* score) const {
    boost *= query.boost;
    switch (query.kind) {
      case Query::Kind::kAll:
        *score += boost;
        return true;
      case Query::Kind::kWord:
      case Query::Kind::kPrefix: {
        const std::set<std::string> terms = TermsOf(query);
        uint32_t frequency = 0;
        for (const std::string& term : terms) frequency += document.Frequency(term);
        if (frequency == 0) return false;
        *score += Score(document, frequency, Idf(terms), boost);
        return true;
      }
      case Query::Kind::kPhrase: {
        const uint32_t frequency = document.PhraseFrequency(query.words);
        if (frequency == 0) return false;
        double idf = 0;
        for (const std::string& word : query.words) idf += Idf({word});
        *score += Score(document, frequency, idf, boost);
        return true;
      }
      case Query::Kind::kAnd:
        return std::all_of(query.children.begin(), query.children.end(), [&](const Query& child) {
          return Matches(child, document, boost, score);
        });
      case Query::Kind::kNot: {
        double unused = 0;
        return Matches(query.children[0], document, boost, score) &&
               !Matches(query.children[1], document, 1, &unused);
      }
      case Query::Kind::kOr:
        break;
    }
    bool any = false;
    for (const Query& child : query.children) {
      double own = 0;
      if (!Matches(child, document, boost, &own)) continue;
      any = true;
      *score += own;
    }
    return any;
  }

  const Collection& collection_;
  const Ranking ranking_;
  uint64_t documents_ = 0, words_ = 0;
};

class Schedule {
 public:
  explicit Schedule(uint32_t seed) : random_(seed) {
    options_ = WithSpaces({TextSpace("t:")});
    options_.spaces[0].analyzer = MakeSimpleAnalyzer();
    store_ = OpenStore(directory_.path(), options_);
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      CAPTURE(i);
      Step();
      if (i % 20 == 19) CompareMatches();
    }
    CompareMatches();
    CheckVerifies(*store_);
    // Without the dead, what scores are made from is exactly what the values say.
    REQUIRE_OK(store_->MergeIndex("t:"));
    const SpaceStats stats = store_->Stats().spaces[0];
    CHECK(stats.segments == 1);
    CHECK(stats.sealed_documents == stats.documents);
    CHECK(stats.dead_documents == 0);
    CompareMatches();
    CompareScores();
    ComparePruned();
    CheckVerifies(*store_);
  }

 private:
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  // Few words stand for most of a text.
  std::string AnyWord() { return WordOf(static_cast<int>(Below(1 + Below(kWords)))); }
  std::string AnyKey() { return "t:" + std::to_string(Below(120)); }

  Document AnyDocument() {
    Document document;
    for (uint32_t n = Below(Below(10) == 0 ? 400 : 30); n-- > 0;)
      document.words.push_back(AnyWord());
    return document;
  }
  static std::string TextOf(const Document& document) {
    std::string text;
    for (const std::string& word : document.words) text += word + " ";
    return text;
  }

  void Step() {
    const uint32_t what = Below(100);
    if (what < 10) {
      // The same value under another time is another document, and the same hit.
      Batch batch;
      const int64_t in_a_thousand_years = int64_t{1} << 45;
      batch.SetExpiry(AnyKey(), in_a_thousand_years + Below(3));
      batch.SetExpiry(AnyKey(), std::nullopt);
      REQUIRE_OK(store_->Apply(kWritten, batch));
    } else if (what < 55) {
      const std::string key = AnyKey();
      const Document document = AnyDocument();
      REQUIRE_OK(store_->Set(kWritten, key, TextOf(document)));
      collection_[key] = document;
    } else if (what < 70) {
      const std::string key = AnyKey();
      REQUIRE_OK(store_->Delete(kWritten, key));
      collection_.erase(key);
    } else if (what < 82) {
      std::map<std::string, Document> bulk;
      for (uint32_t n = Below(20); n-- > 0;) bulk[AnyKey()] = AnyDocument();
      std::vector<std::string> texts;
      std::vector<KeyValue> items;
      for (const auto& [key, document] : bulk) texts.push_back(TextOf(document));
      size_t i = 0;
      for (const auto& [key, document] : bulk) items.push_back({key, texts[i++]});
      REQUIRE_OK(store_->BulkSet(kWritten, items));
      for (const auto& [key, document] : bulk) collection_[key] = document;
    } else if (what < 92) {
      REQUIRE_OK(store_->SealIndex("t:"));
    } else if (what < 95) {
      REQUIRE_OK(store_->MergeIndex("t:"));
    } else if (what < 97) {
      REQUIRE_OK(store_->Reindex("t:"));
    } else {
      store_ = nullptr;
      store_ = OpenStore(directory_.path(), options_);
    }
  }

  Query AnyQuery(int depth) {
    using Kind = Query::Kind;
    Query query;
    if (Below(4) == 0) query.boost = 1 + static_cast<int>(Below(4));
    const uint32_t what = Below(depth > 0 ? 10 : 6);
    if (what < 3) {
      query.words = {AnyWord()};
    } else if (what < 4) {
      query.kind = Kind::kPhrase;
      for (uint32_t n = 2 + Below(2); n-- > 0;) query.words.push_back(AnyWord());
    } else if (what < 5) {
      query.kind = Kind::kPrefix;
      query.words = {AnyWord().substr(0, 2)};
    } else if (what < 6) {
      if (Below(4) == 0) {
        query.kind = Kind::kAll;
      } else {
        query.words = {AnyWord()};
      }
    } else if (what < 7) {
      query.kind = Kind::kNot;
      query.children = {AnyQuery(depth - 1), AnyQuery(0)};
    } else {
      query.kind = what < 8 ? Kind::kAnd : Kind::kOr;
      for (uint32_t n = 2 + Below(3); n-- > 0;) query.children.push_back(AnyQuery(depth - 1));
    }
    return query;
  }

  SearchResult Ask(const std::string& text, size_t limit, size_t count_up_to) {
    const absl::StatusOr<SearchResult> result = store_->Search(
        {.prefix = "t:", .limit = limit, .strict = true, .count_up_to = count_up_to}, text);
    REQUIRE_OK(result);
    return *result;
  }

  void CompareMatches() {
    const Oracle oracle(collection_, Ranking::kBm25);
    for (int i = 0; i < 10; ++i) {
      const Query query = AnyQuery(2);
      CAPTURE(query.Text());
      std::set<std::string> wanted, found;
      for (const auto& [key, score] : oracle.Answer(query)) wanted.insert(key);
      const SearchResult result = Ask(query.Text(), kSearchLimitMax, kCountAll);
      for (const Hit& hit : result.hits) found.insert(hit.key);
      CHECK(found == wanted);
      CHECK(result.total == wanted.size());
      CHECK(result.total_is_exact);
    }
  }

  void CompareScores() {
    const Oracle oracle(collection_, Ranking::kBm25);
    for (int i = 0; i < 20; ++i) {
      const Query query = AnyQuery(2);
      CAPTURE(query.Text());
      const std::map<std::string, double> wanted = oracle.Answer(query);
      for (const Hit& hit : Ask(query.Text(), kSearchLimitMax, kCountAll).hits) {
        REQUIRE(wanted.count(hit.key) == 1);
        CHECK(hit.score == doctest::Approx(wanted.at(hit.key)).epsilon(1e-9));
      }
    }
  }

  void ComparePruned() {
    for (int i = 0; i < 20; ++i) {
      const Query query = AnyQuery(2);
      CAPTURE(query.Text());
      const std::vector<Hit> all = Ask(query.Text(), kSearchLimitMax, kCountAll).hits;
      const size_t limit = 1 + Below(12);
      const std::vector<Hit> best = Ask(query.Text(), limit, 0).hits;
      REQUIRE(best.size() == std::min(limit, all.size()));
      for (size_t k = 0; k < best.size(); ++k) {
        CHECK(best[k].key == all[k].key);
        CHECK(best[k].score == all[k].score);
      }
    }
  }

  static constexpr WriteOptions kWritten{.durability = Durability::kWritten};
  std::mt19937 random_;
  TempDir directory_;
  Options options_;
  std::unique_ptr<Store> store_;
  Collection collection_;
};

TEST_CASE("whatever is written, sealed, merged and reopened: searches answer what the values say") {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    Schedule(seed).Run(150);
  }
}

}  // namespace
}  // namespace libkv
