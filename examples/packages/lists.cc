#include "packages/lists.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

namespace packages {
namespace {

using nlohmann::ordered_json;

// From a package's name and the MD5 of its text to the text.
using Texts = std::unordered_map<std::string, std::string>;

std::string TextKey(const Paragraph& paragraph) {
  std::string key(paragraph.Get("Package"));
  key += ' ';
  key += paragraph.Get("Description-md5");
  return key;
}

// Paragraphs of a description are parted by lines of one dot.
std::string WithoutDots(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line != ".") result += line;
    if (!text.empty()) result += '\n';
  }
  return result;
}

std::vector<std::string> SplitTags(std::string_view text) {
  constexpr std::string_view kSeparators = ", \n";
  std::vector<std::string> tags;
  for (size_t begin = text.find_first_not_of(kSeparators); begin != text.npos;) {
    const size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    tags.emplace_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kSeparators, end);
  }
  return tags;
}

uint64_t ToNumber(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string ToJson(const Paragraph& paragraph, std::string_view text) {
  const size_t line_end = std::min(text.find('\n'), text.size());
  ordered_json json;
  json["name"] = paragraph.Get("Package");
  json["section"] = paragraph.Get("Section");
  json["homepage"] = paragraph.Get("Homepage");
  json["installed_kb"] = ToNumber(paragraph.Get("Installed-Size"));
  json["tags"] = SplitTags(paragraph.Get("Tag"));
  json["summary"] = text.substr(0, line_end);
  json["description"] = WithoutDots(text.substr(std::min(text.size(), line_end + 1)));
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::vector<std::filesystem::path> FilesNamed(const std::string& directory,
                                              std::string_view ending) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().native().ends_with(ending)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Texts ReadTexts(const std::string& directory) {
  Texts texts;
  for (const auto& file : FilesNamed(directory, "_Translation-en")) {
    std::ifstream in(file);
    ForEachParagraph(in, [&texts](const Paragraph& paragraph) {
      texts.try_emplace(TextKey(paragraph), paragraph.Get("Description-en"));
    });
  }
  return texts;
}

}  // namespace

std::string_view Paragraph::Get(std::string_view field) const {
  for (const auto& [name, value] : fields_) {
    if (name == field) return value;
  }
  return {};
}

void ForEachParagraph(std::istream& in, const std::function<void(const Paragraph&)>& sink) {
  Paragraph paragraph;
  size_t paragraph_bytes = 0;
  const auto finish = [&] {
    if (!paragraph.fields_.empty()) sink(paragraph);
    paragraph.fields_.clear();
    paragraph_bytes = 0;
  };
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) {
      finish();
      continue;
    }
    paragraph_bytes += line.size();
    if (paragraph_bytes > kParagraphBytesMax) continue;
    const std::string_view text = line;
    if (text.front() == ' ' || text.front() == '\t') {
      if (paragraph.fields_.empty()) continue;
      std::string& value = paragraph.fields_.back().second;
      value += '\n';
      value += text.substr(1);
    } else if (const size_t colon = text.find(':'); colon != text.npos) {
      const size_t begin = std::min(text.find_first_not_of(' ', colon + 1), text.size());
      paragraph.fields_.emplace_back(text.substr(0, colon), text.substr(begin));
    }
  }
  finish();
}

std::vector<Document> ReadLists(const std::string& directory) {
  const Texts texts = ReadTexts(directory);
  std::vector<Document> documents;
  std::unordered_set<std::string> seen;
  for (const auto& file : FilesNamed(directory, "_Packages")) {
    std::ifstream in(file);
    ForEachParagraph(in, [&](const Paragraph& paragraph) {
      std::string name(paragraph.Get("Package"));
      if (name.empty() || !seen.insert(name).second) return;
      // Lists of other archives hold the whole text themselves.
      const auto text = texts.find(TextKey(paragraph));
      std::string value =
          ToJson(paragraph, text == texts.end() ? paragraph.Get("Description") : text->second);
      documents.push_back({std::move(name), std::move(value)});
    });
  }
  return documents;
}

}  // namespace packages
