#include "packages/texts.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace packages {
namespace {

namespace fs = std::filesystem;

std::string ReadBeginning(const fs::path& file) {
  std::string text(kTextBytesMax, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

}  // namespace

std::vector<Document> ReadTexts(const std::string& directory) {
  std::vector<Document> documents;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::string key = fs::relative(entry.path(), directory).string();
    const std::string text = ReadBeginning(entry.path());
    if (text.empty()) continue;
    nlohmann::ordered_json json;
    json["name"] = key;
    json["description"] = text;
    documents.push_back(
        {std::move(key), json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  }
  std::sort(documents.begin(), documents.end(),
            [](const Document& a, const Document& b) { return a.key < b.key; });
  return documents;
}

}  // namespace packages
