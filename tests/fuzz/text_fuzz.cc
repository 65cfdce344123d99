// Values of any bytes: JSON, analysis, excerpts, embedding.
//
// input := excerpt_bytes:u8 value
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "libkv/embedder.h"
#include "libkv/search.h"
#include "text/excerpt.h"
#include "text/json_text.h"

namespace libkv {
namespace {

constexpr size_t kTermBytesMax = 64;

// Made once: the fuzzers run for a long time.
struct Tools {
  std::shared_ptr<const Analyzer> simple = MakeSimpleAnalyzer();
  std::shared_ptr<const Analyzer> english = MakeEnglishAnalyzer();
  std::shared_ptr<const Analyzer> french = *MakeAnalyzer("french");    // drops elisions
  std::shared_ptr<const Analyzer> turkish = *MakeAnalyzer("turkish");  // has its own capitals
  std::shared_ptr<const Embedder> embedder = MakeHashEmbedder();
};

const Tools& TheTools() {
  static const auto* const tools = new Tools;
  return *tools;
}

// The terms, for excerpts.
std::vector<std::string> Analyze(const Analyzer& analyzer, std::string_view text) {
  std::vector<std::string> terms;
  uint32_t position = 0;
  analyzer.Analyze(text, [&](const Token& token) {
    LIBKV_CHECK(!token.term.empty() && token.term.size() <= kTermBytesMax);
    LIBKV_CHECK(token.position >= position);
    LIBKV_CHECK(token.begin_byte < token.end_byte && token.end_byte <= text.size());
    position = token.position;
    if (terms.size() < 4) terms.emplace_back(token.term);
  });
  return terms;
}

void CheckExcerpt(const Excerpt& excerpt) {
  LIBKV_CHECK(IsValidUtf8(excerpt.text));
  size_t end = 0;
  for (const Excerpt::Highlight& mark : excerpt.highlights) {
    LIBKV_CHECK(mark.begin >= end && mark.begin < mark.end && mark.end <= excerpt.text.size());
    end = mark.end;
  }
  std::string html = ToHtml(excerpt);
  for (const std::string_view tag : {"<em>", "</em>"}) {
    for (size_t at; (at = html.find(tag)) != std::string::npos;) html.erase(at, tag.size());
  }
  LIBKV_CHECK(html.find_first_of("<>\"") == std::string::npos);
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const size_t excerpt_bytes = static_cast<uint8_t>(input[0]);
  const std::string_view value = input.substr(1);
  static const std::vector<std::string> kFields = {"a", "a.b", ""};
  ForEachJsonLeaf(value, [](std::string_view, const JsonLeaf& leaf) {
    if (leaf.kind == JsonLeaf::Kind::kNumber) LIBKV_CHECK(std::isfinite(leaf.number));
  });
  for (const std::string& text : {IndexedText(value, {}), IndexedText(value, kFields)}) {
    const Tools& tools = TheTools();
    Analyze(*tools.simple, text);
    Analyze(*tools.french, text);
    Analyze(*tools.turkish, text);
    const std::vector<std::string> terms = Analyze(*tools.english, text);
    for (const size_t count : {1, 5}) {
      const auto excerpts = MakeExcerpts(text, terms, *tools.english, excerpt_bytes, count);
      LIBKV_CHECK(excerpts.size() <= count);
      size_t end = 0;
      for (const Excerpt& excerpt : excerpts) {
        CheckExcerpt(excerpt);
        LIBKV_CHECK(excerpt.begin_byte >= end && excerpt.end_byte >= excerpt.begin_byte);
        end = excerpt.end_byte;
      }
      LIBKV_CHECK(end <= text.size());
    }
    std::vector<float> vector(tools.embedder->dimension());
    const std::string_view texts[] = {text};
    LIBKV_CHECK(tools.embedder->Embed(EmbedKind::kDocument, texts, vector).ok());
    for (const float x : vector) LIBKV_CHECK(std::isfinite(x));
  }
}

}  // namespace
}  // namespace libkv

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  libkv::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
