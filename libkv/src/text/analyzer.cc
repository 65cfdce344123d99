// The built-in analyzers: words from ForEachWord, terms from MakeTerm through a cache.
#include "libkv/analyzer.h"

#include <utility>

#include "text/eastern.h"
#include "text/term.h"
#include "text/term_cache.h"
#include "text/word_breaker.h"

namespace libkv {
namespace {

using TokenSink = absl::FunctionRef<void(const Token&)>;

class WordAnalyzer : public Analyzer {
 public:
  WordAnalyzer(std::string id, const TermRules& rules) : id_(std::move(id)), rules_(rules) {}

  std::string id() const override { return id_; }

  void Analyze(std::string_view text, TokenSink sink) const override {
    TermCache& cache = CacheOfThread();
    uint32_t position = 0;
    ForEachWord(text, [&](const Word& word) {
      if (word.kind == Word::Kind::kEastern) {
        AnalyzeRun(text, word, &position, sink);
      } else {
        AnalyzeWord(text, word, position++, cache, sink);
      }
    });
  }

 private:
  void AnalyzeWord(std::string_view text, const Word& word, uint32_t position, TermCache& cache,
                   TokenSink sink) const {
    const std::string_view bytes = text.substr(word.begin, word.end - word.begin);
    const auto give = [&](std::string_view term, std::string_view folded) {
      if (!term.empty()) sink({term, position, word.begin, word.end, folded});
    };
    if (cache.Find(bytes, text.size() - word.begin, give)) [[likely]]
      return;
    std::string folded;
    const std::string term = MakeTerm(rules_, bytes, &folded);
    give(term, folded);
  }

  static void AnalyzeRun(std::string_view text, const Word& run, uint32_t* position,
                         TokenSink sink) {
    ForEachPair(text.substr(run.begin, run.end - run.begin),
                [&](std::string_view term, uint32_t begin, uint32_t end) {
                  sink({term, (*position)++, run.begin + begin, run.begin + end});
                });
  }

  TermCache& CacheOfThread() const {
    if (rules_.stem) {
      static thread_local TermCache english(TermRules{true, true});
      return english;
    }
    static thread_local TermCache simple(TermRules{false, false});
    return simple;
  }

  const std::string id_;
  const TermRules rules_;
};

}  // namespace

std::shared_ptr<const Analyzer> MakeEnglishAnalyzer() {
  return std::make_shared<WordAnalyzer>("english/1", TermRules{true, true});
}

std::shared_ptr<const Analyzer> MakeSimpleAnalyzer() {
  return std::make_shared<WordAnalyzer>("simple/1", TermRules{false, false});
}

}  // namespace libkv
