#include "search/documents.h"

#include <cmath>
#include <fstream>
#include <random>

#include "data.h"
#include "harness.h"
#include "search/child_process.h"

namespace libkv::perf {
namespace {

constexpr size_t kWordCount = 100'000;
constexpr size_t kDocumentBytes = 1'300;

void AddLine(const std::string& path, const std::string& line, std::vector<Document>* documents) {
  const size_t tab = line.find('\t');
  if (tab == std::string::npos) Fail(path + ": a line without a tab: " + line.substr(0, 40));
  documents->push_back({line.substr(0, tab), line.substr(tab + 1)});
}

}  // namespace

std::vector<Document> ReadDocuments(const std::string& path, size_t count_max) {
  std::ifstream in(path);
  if (!in) Fail("cannot read " + path);
  std::vector<Document> documents;
  std::string line;
  if (path.ends_with(".xz")) {
    ChildProcess xz({"xz", "-dc", path});
    while (xz.ReadLine(&line)) {
      if (documents.size() < count_max) AddLine(path, line, &documents);
    }
  } else {
    while (documents.size() < count_max && std::getline(in, line)) {
      AddLine(path, line, &documents);
    }
  }
  if (documents.empty()) Fail(path + " is empty");
  return documents;
}

std::vector<Document> InventDocuments(size_t count) {
  const std::vector<std::string> words = InventWords(kWordCount);
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> logarithm(0, std::log(static_cast<double>(kWordCount)));
  std::vector<uint32_t> follower(kWordCount, 0);  // the word that last stood behind this one
  std::vector<Document> documents(count);
  for (size_t i = 0; i < count; ++i) {
    Document& document = documents[i];
    document.id = std::to_string(i);
    uint32_t word = 0;
    while (document.text.size() < kDocumentBytes) {
      const auto drawn = static_cast<uint32_t>(std::exp(logarithm(random))) - 1;
      const uint32_t next = random() % 10 < 2 ? follower[word] : drawn;
      follower[word] = next;
      word = next;
      if (!document.text.empty()) document.text += ' ';
      document.text += words[word];
    }
  }
  return documents;
}

uint64_t TextBytes(const std::vector<Document>& documents) {
  uint64_t bytes = 0;
  for (const Document& document : documents) bytes += document.text.size();
  return bytes;
}

void WriteDocuments(const std::vector<Document>& documents, const std::string& path) {
  std::ofstream out(path);
  for (const Document& document : documents) out << document.id << '\t' << document.text << '\n';
  if (!out.flush()) Fail("cannot write " + path);
}

}  // namespace libkv::perf
