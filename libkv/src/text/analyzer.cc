// The built-in analyzers: words from ForEachWord, terms from a TermMaker through a cache.
#include "libkv/analyzer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "text/built_in_analyzer.h"
#include "text/eastern.h"
#include "text/language.h"
#include "text/term_cache.h"
#include "text/word_breaker.h"

namespace libkv {
namespace {

using TokenSink = absl::FunctionRef<void(const Token&)>;

constexpr std::string_view kVersion = "/1";

// The caches of one thread: those of the languages it used last.
class ThreadCaches {
 public:
  // Shared, because a sink may analyze another language and push this one out while it is in use.
  std::shared_ptr<TermCache> Of(const Language* language) {
    const auto found = std::find_if(recent_.begin(), recent_.end(),
                                    [&](const Recent& one) { return one.language == language; });
    if (found == recent_.end()) {
      auto cache = std::make_shared<TermCache>(language);
      if (recent_.size() == kTermCachesPerThread) recent_.pop_back();
      recent_.insert(recent_.begin(), {language, std::move(cache)});
    } else {
      std::rotate(recent_.begin(), found, found + 1);
    }
    return recent_.front().cache;
  }

 private:
  struct Recent {
    const Language* language;  // null: "simple/1"
    std::shared_ptr<TermCache> cache;
  };
  std::vector<Recent> recent_;  // the last used first
};

class WordAnalyzer : public Analyzer {
 public:
  explicit WordAnalyzer(const Language* language) : language_(language) {}

  std::string id() const override {
    return Concat(language_ == nullptr ? "simple" : language_->name, kVersion);
  }

  void Analyze(std::string_view text, TokenSink sink) const override {
    static thread_local ThreadCaches caches;
    const std::shared_ptr<TermCache> cache = caches.Of(language_);
    uint32_t position = 0;
    ForEachWord(text, [&](const Word& word) {
      if (word.kind == Word::Kind::kEastern) {
        AnalyzeRun(text, word, &position, sink);
      } else {
        AnalyzeWord(text, word, position++, *cache, sink);
      }
    });
  }

 private:
  static void AnalyzeWord(std::string_view text, const Word& word, uint32_t position,
                          TermCache& cache, TokenSink sink) {
    const std::string_view bytes = text.substr(word.begin, word.end - word.begin);
    const auto give = [&](std::string_view term, std::string_view folded) {
      if (!term.empty()) sink({term, position, word.begin, word.end, folded});
    };
    if (cache.Find(bytes, text.size() - word.begin, give)) [[likely]]
      return;
    std::string folded;
    const std::string term = cache.maker().Make(bytes, &folded);
    give(term, folded);
  }

  static void AnalyzeRun(std::string_view text, const Word& run, uint32_t* position,
                         TokenSink sink) {
    ForEachPair(text.substr(run.begin, run.end - run.begin),
                [&](std::string_view term, uint32_t begin, uint32_t end) {
                  sink({term, (*position)++, run.begin + begin, run.begin + end});
                });
  }

  const Language* const language_;
};

}  // namespace

std::shared_ptr<const Analyzer> MakeEnglishAnalyzer() {
  const Language* const english = FindLanguage("english");
  LIBKV_CHECK(english != nullptr);
  return std::make_shared<WordAnalyzer>(english);
}

std::shared_ptr<const Analyzer> MakeSimpleAnalyzer() {
  return std::make_shared<WordAnalyzer>(nullptr);
}

std::vector<std::string> AnalyzerLanguages() {
  std::vector<std::string> names = {"simple"};
  for (const Language& language : AllLanguages()) {
    if (FindLanguage(language.name) != nullptr) names.emplace_back(language.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::shared_ptr<const Analyzer>> MakeAnalyzer(std::string_view language) {
  if (language == "simple") return MakeSimpleAnalyzer();
  if (const Language* const found = FindLanguage(language)) {
    return std::make_shared<WordAnalyzer>(found);
  }
  std::string known;
  for (const std::string& name : AnalyzerLanguages()) known += (known.empty() ? "" : ", ") + name;
  return InvalidArgument("no analyzer for the language '", Printable(language), "'; there are ",
                         known);
}

std::shared_ptr<const Analyzer> FindBuiltInAnalyzer(std::string_view id) {
  if (!id.ends_with(kVersion)) return nullptr;
  id.remove_suffix(kVersion.size());
  auto analyzer = MakeAnalyzer(id);
  return analyzer.ok() ? *std::move(analyzer) : nullptr;
}

}  // namespace libkv
