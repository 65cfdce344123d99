#include "packages/answers.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

namespace packages {
namespace {

constexpr size_t kHits = 5;
constexpr size_t kExcerptBytes = 90;
constexpr size_t kSectionKeysMax = 10'000;
constexpr size_t kSectionKeysShown = 6;

class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
        .count();
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string Printable(std::string_view text) {
  std::string printable(text);
  for (char& c : printable) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return printable;
}

std::vector<std::string> PrintError(const absl::Status& status) {
  std::cerr << status << "\n";
  return {};
}

void PrintLine(const std::string& key, const std::string& text) {
  const std::string name = Printable(key);
  if (text.empty()) {
    std::printf("  %s\n", name.c_str());
  } else {
    std::printf("  %-26s  %s\n", name.c_str(), text.c_str());
  }
}

std::string Count(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

Answers::Answers(const libkv::Store& store)
    : store_(store), is_terminal_(isatty(STDOUT_FILENO) == 1) {}

std::vector<std::string> Answers::Ask(const std::string& query) const {
  const Stopwatch watch;
  const absl::StatusOr<libkv::SearchResult> found =
      store_.Search({.limit = kHits, .excerpt_bytes = kExcerptBytes, .typos = true}, query);
  const double milliseconds = watch.milliseconds();
  if (!found.ok()) return PrintError(found.status());
  PrintTitle("words: " + query, Count(found->total, "text", "texts"), milliseconds);
  std::vector<std::string> keys;
  for (const libkv::Hit& hit : found->hits) {
    PrintLine(hit.key, SummaryOf(hit.key));
    std::printf("      %s\n", Marked(hit.excerpts).c_str());
    keys.push_back(hit.key);
  }
  for (const std::string& warning : found->warnings) {
    std::printf("  (%s)\n", Printable(warning).c_str());
  }
  return keys;
}

std::vector<std::string> Answers::Like(const std::string& key) const {
  const Stopwatch watch;
  const auto neighbors = store_.SimilarTo({.limit = kHits}, key);
  const double milliseconds = watch.milliseconds();
  if (absl::IsNotFound(neighbors.status())) {
    std::cerr << "no text is named " << Printable(key) << "\n";
    return {};
  }
  if (!neighbors.ok()) return PrintError(neighbors.status());
  return PrintNeighbors("like: " + key, milliseconds, *neighbors);
}

std::vector<std::string> Answers::Meaning(const std::string& text) const {
  const Stopwatch watch;
  const auto neighbors = store_.SimilarText({.limit = kHits}, text);
  const double milliseconds = watch.milliseconds();
  if (!neighbors.ok()) return PrintError(neighbors.status());
  return PrintNeighbors("meaning: " + text, milliseconds, *neighbors);
}

std::vector<std::string> Answers::Both(const std::string& text) const {
  const Stopwatch watch;
  const auto found = store_.Hybrid({.limit = kHits}, text);
  const double milliseconds = watch.milliseconds();
  if (!found.ok()) return PrintError(found.status());
  PrintTitle("both: " + text, "words and vectors", milliseconds);
  std::vector<std::string> keys;
  for (const libkv::HybridHit& hit : found->hits) {
    char parts[64];
    std::snprintf(parts, sizeof(parts), "%.2f = .6 * %.2f + .4 * %.2f  ", hit.score, hit.word_part,
                  hit.vector_part);
    PrintLine(hit.key, parts + SummaryOf(hit.key));
    keys.push_back(hit.key);
  }
  return keys;
}

std::vector<std::string> Answers::Section(const std::string& section) const {
  const Stopwatch watch;
  const auto keys = store_.FindByValue({.field = "section", .limit = kSectionKeysMax}, section);
  const double milliseconds = watch.milliseconds();
  if (!keys.ok()) return PrintError(keys.status());
  PrintTitle("section: " + section, Count(keys->size(), "package", "packages"), milliseconds);
  for (size_t i = 0; i < keys->size() && i < kSectionKeysShown; ++i) {
    std::printf("%s%s", i == 0 ? "  " : ", ", Printable((*keys)[i]).c_str());
  }
  std::printf("%s\n", keys->size() > kSectionKeysShown ? ", ..." : "");
  return *keys;
}

std::vector<std::string> Answers::Sections(const std::string& query) const {
  const Stopwatch watch;
  const auto found = store_.Search({.limit = 0, .facets = {{"section", kSectionKeysShown}}}, query);
  const double milliseconds = watch.milliseconds();
  if (!found.ok()) return PrintError(found.status());
  const libkv::Facet& facet = found->facets[0];
  PrintTitle("sections: " + query, Count(facet.distinct, "section", "sections"), milliseconds);
  std::vector<std::string> names;
  for (const libkv::Facet::Value& value : facet.values) {
    const auto* const name = std::get_if<std::string>(&value.value);
    if (name == nullptr) continue;
    std::printf("%s%s %zu", names.empty() ? "  " : ", ", Printable(*name).c_str(), value.count);
    names.push_back(*name);
  }
  std::printf("%s\n", facet.other_count > 0 ? ", ..." : "");
  return names;
}

std::vector<std::string> Answers::Largest() const {
  const Stopwatch watch;
  const auto hits = store_.QueryField(
      {.field = "installed_kb", .last = 1e12, .descending = true, .limit = kHits});
  const double milliseconds = watch.milliseconds();
  if (!hits.ok()) return PrintError(hits.status());
  PrintTitle("largest", "by installed_kb", milliseconds);
  std::vector<std::string> keys;
  for (const libkv::FieldHit& hit : *hits) {
    const double* const kb = std::get_if<double>(&hit.value);
    char size[32];
    std::snprintf(size, sizeof(size), "%.0f MB", kb == nullptr ? 0 : *kb / 1'000);
    PrintLine(hit.key, size + ("  " + SummaryOf(hit.key)));
    keys.push_back(hit.key);
  }
  return keys;
}

void Answers::PrintSizes() const {
  const libkv::StoreStats stats = store_.Stats();
  uint64_t documents = 0, terms = 0, vectors = 0, index_bytes = 0, vector_bytes = 0;
  uint64_t segments = 0;
  for (const libkv::SpaceStats& space : stats.spaces) {
    documents += space.documents;
    terms += space.terms;
    vectors += space.vectors;
    index_bytes += space.index_bytes;
    vector_bytes += space.vector_bytes;
    segments += space.segments;
  }
  const auto mb = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  std::printf("The store: %zu texts, %zu different words in %s; %.0f MB on disk,\n",
              size_t{documents}, size_t{terms},
              Count(segments, "segment on disk", "segments on disk").c_str(), mb(stats.disk_bytes));
  std::printf("%.0f MB in memory (word index %.0f, %s %.0f, the rest is cache).\n",
              mb(stats.memory_bytes), mb(index_bytes),
              Count(vectors, "vector that was needed", "vectors that were needed so far").c_str(),
              mb(vector_bytes));
}

std::vector<std::string> Answers::PrintNeighbors(
    const std::string& title, double milliseconds,
    const std::vector<libkv::Neighbor>& neighbors) const {
  PrintTitle(title, "the " + std::to_string(neighbors.size()) + " nearest", milliseconds);
  std::vector<std::string> keys;
  for (const libkv::Neighbor& neighbor : neighbors) {
    char score[16];
    std::snprintf(score, sizeof(score), "%.2f", neighbor.score);
    const std::string summary = SummaryOf(neighbor.key);
    PrintLine(neighbor.key, summary.empty() ? score : score + ("  " + summary));
    keys.push_back(neighbor.key);
  }
  return keys;
}

void Answers::PrintTitle(const std::string& title, const std::string& found,
                         double milliseconds) const {
  std::printf("\n%s%s%s   (%s, %.2f ms)\n", is_terminal_ ? "\033[36m" : "",
              Printable(title).c_str(), is_terminal_ ? "\033[0m" : "", found.c_str(), milliseconds);
}

std::string Answers::SummaryOf(const std::string& key) const {
  std::string summary;
  const absl::Status status = store_.View({}, key, [&summary](std::string_view value) {
    const auto json = nlohmann::json::parse(value, nullptr, false);
    if (json.is_object()) summary = Printable(json.value("summary", ""));
  });
  return status.ok() ? summary : Printable(std::string(status.message()));
}

std::string Answers::Marked(const std::vector<libkv::Excerpt>& excerpts) const {
  if (excerpts.empty()) return "";
  const libkv::Excerpt& excerpt = excerpts[0];
  std::string marked;
  size_t end = 0;
  for (const libkv::Excerpt::Highlight& highlight : excerpt.highlights) {
    marked += excerpt.text.substr(end, highlight.begin - end);
    marked += is_terminal_ ? "\033[1m" : "*";
    marked += excerpt.text.substr(highlight.begin, highlight.end - highlight.begin);
    marked += is_terminal_ ? "\033[0m" : "*";
    end = highlight.end;
  }
  return marked + excerpt.text.substr(end);
}

}  // namespace packages
