#include "search/lucene_process.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "harness.h"

namespace libkv::perf {
namespace {

// Queries before the first that is measured. On 50,000 reviews the times fell until 18,000 to
// 35,000 had been answered and stayed within 3 % from there to 140,000.
constexpr size_t kWarmQueries = 36'000;

// A tab would end the field, a line feed the command.
std::string OneField(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

}  // namespace

// The serial collector has no threads that would take the machine from the others.
LuceneProcess::LuceneProcess()
    : java_({LIBKV_PERF_JAVA, "-Xmx1g", "-XX:+UseSerialGC", "-cp", LIBKV_PERF_LUCENE,
             "LuceneHarness"}) {}

BuildCost LuceneProcess::Index(const std::vector<Document>& documents,
                               const std::string& directory) {
  std::filesystem::create_directories(directory);
  const std::string file = directory + ".tsv";
  WriteDocuments(documents, file);
  java_.WriteLine("index\t" + file + "\t" + directory);
  BuildCost cost;
  std::istringstream answer(java_.RequireLine());
  if (!(answer >> cost.write_cpu_seconds >> cost.merge_cpu_seconds)) Fail("lucene: no index");
  std::filesystem::remove(file);
  return cost;
}

void LuceneProcess::Open(const std::string& directory, double k1, double b) {
  java_.WriteLine("open\t" + directory + "\t" + std::to_string(k1) + "\t" + std::to_string(b));
  if (java_.RequireLine() != "ok") Fail("lucene: cannot open " + directory);
}

std::vector<Answer> LuceneProcess::Pass(const std::vector<Query>& queries) {
  if (queries_ != &queries) {
    queries_ = &queries;
    java_.WriteLine("clear");
    for (const Query& query : queries) {
      std::string words;
      for (const std::string& word : query.words) words += (words.empty() ? "" : " ") + word;
      java_.WriteLine("query\t" + std::string(NameOf(query.kind)) + "\t" + words);
    }
    java_.WriteLine("warm\t" + std::to_string(kWarmQueries / queries.size() + 1));
    if (java_.RequireLine() != "ok") Fail("lucene: not warm");
  }
  java_.WriteLine("pass");
  std::vector<Answer> answers(queries.size());
  for (Answer& answer : answers) {
    std::istringstream line(java_.RequireLine());
    if (!(line >> answer.us)) Fail("lucene: no time");
    for (uint32_t number = 0; line >> number;) answer.hits.push_back(number);
  }
  return answers;
}

std::vector<std::pair<uint32_t, double>> LuceneProcess::Rank(const std::string& text,
                                                             size_t limit) {
  java_.WriteLine("rank\t" + std::to_string(limit) + "\t" + OneField(text));
  std::istringstream line(java_.RequireLine());
  std::vector<std::pair<uint32_t, double>> ranked;
  char colon = 0;
  double score = 0;
  for (uint32_t number = 0; line >> number >> colon >> score;) ranked.emplace_back(number, score);
  return ranked;
}

}  // namespace libkv::perf
