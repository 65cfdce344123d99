// The rules of the house that a compiler does not know: which folder may include which, what must
// not be called, how wide a line is.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct SourceFile {
  std::string path;  // from the top of the project
  std::vector<std::string> lines;
};

std::vector<SourceFile> SourcesUnder(const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  const fs::path top = LIBKV_SOURCE_DIR;
  for (const std::string& folder : folders) {
    if (!fs::exists(top / folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      SourceFile file{fs::relative(entry.path(), top), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end(), [](auto& a, auto& b) { return a.path < b.path; });
  return files;
}

std::string Where(const SourceFile& file, size_t line) {
  std::ostringstream out;
  out << file.path << ":" << line + 1 << ": " << file.lines[line];
  return out.str();
}

// The folder of libkv/src that holds `path`, or "".
std::string LibkvFolder(const std::string& path) {
  static const std::regex pattern("^libkv/src/([a-z0-9]+)/");
  std::smatch match;
  return std::regex_search(path, match, pattern) ? match[1].str() : "";
}

}  // namespace

TEST_CASE("dependencies point down only") {
  // Goal: the folders stay layers. Method: every quoted #include of libkv/src names a folder that
  // the including folder may look down on.
  const std::map<std::string, std::set<std::string>> below = {
      {"base", {}},
      {"format", {"base"}},
      {"text", {"base"}},
      {"vector", {"base"}},
      {"embed", {"base"}},
      {"engine", {"base", "format"}},
      {"segment", {"base", "format", "engine", "text"}},
      {"index", {"base", "format", "engine", "text", "vector", "embed", "segment"}},
      {"store", {"base", "format", "engine", "text", "vector", "embed", "segment", "index"}},
  };
  const std::regex include("^\\s*#\\s*include\\s+\"([^\"]+)\"");
  size_t seen = 0;
  for (const SourceFile& file : SourcesUnder({"libkv/src"})) {
    const std::string folder = LibkvFolder(file.path);
    REQUIRE_MESSAGE(below.count(folder) == 1, "unknown folder: " << file.path);
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, include)) continue;
      const std::string target = match[1];
      const std::string first = target.substr(0, target.find('/'));
      ++seen;
      const bool allowed = first == "libkv" || first == "absl" || first == folder ||
                           below.at(folder).count(first) == 1;
      CHECK_MESSAGE(allowed, Where(file, i));
    }
  }
  CHECK(seen > 50);
}

TEST_CASE("dependencies of kvserver point down only, and Asio stays in its room") {
  // net is the only folder with sockets; protocols are bytes in, bytes out; commands know neither.
  const std::map<std::string, std::set<std::string>> below = {
      {"base", {}},
      {"cluster", {"base"}},
      {"command", {"base", "cluster"}},
      {"protocol", {"base", "cluster", "command"}},
      {"net", {"base", "cluster", "command", "protocol"}},
      {"server", {"base", "cluster", "command", "protocol", "net"}},
  };
  const std::regex folder_of("^kvserver/src/([a-z0-9]+)/");
  const std::regex include("^\\s*#\\s*include\\s+\"([^\"]+)\"");
  size_t seen = 0;
  for (const SourceFile& file : SourcesUnder({"kvserver/src"})) {
    std::smatch match;
    REQUIRE_MESSAGE(std::regex_search(file.path, match, folder_of), file.path);
    const std::string folder = match[1];
    REQUIRE_MESSAGE(below.count(folder) == 1, "unknown folder: " << file.path);
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (folder != "net") {
        CHECK_MESSAGE(file.lines[i].find("<boost/asio") == std::string::npos, Where(file, i));
      }
      if (!std::regex_search(file.lines[i], match, include)) continue;
      const std::string target = match[1];
      const std::string first = target.substr(0, target.find('/'));
      ++seen;
      const bool allowed = first == "libkv" || first == "absl" || first == folder ||
                           below.at(folder).count(first) == 1;
      CHECK_MESSAGE(allowed, Where(file, i));
    }
  }
  CHECK(seen > 20);
}

TEST_CASE("libkv knows nothing of kvserver and public headers include public headers only") {
  for (const SourceFile& file : SourcesUnder({"libkv"})) {
    const bool is_public = file.path.starts_with("libkv/include/");
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (file.lines[i].find("#include") == std::string::npos) continue;
      CHECK_MESSAGE(file.lines[i].find("kvserver") == std::string::npos, Where(file, i));
      if (!is_public || file.lines[i].find('"') == std::string::npos) continue;
      const bool allowed = file.lines[i].find("\"libkv/") != std::string::npos ||
                           file.lines[i].find("\"absl/") != std::string::npos;
      CHECK_MESSAGE(allowed, Where(file, i));
    }
  }
}

TEST_CASE("only the engine includes RocksDB") {
  for (const SourceFile& file : SourcesUnder({"libkv", "kvserver", "examples"})) {
    if (LibkvFolder(file.path) == "engine") continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      CHECK_MESSAGE(file.lines[i].find("include <rocksdb/") == std::string::npos, Where(file, i));
    }
  }
}

TEST_CASE("banned calls stay out") {
  // Each would make the code untestable or unsafe; the second column says what to use.
  const std::vector<std::pair<std::string, std::string>> banned = {
      {"std::random_device", "a seed that the caller gives"},
      {"absl::Mutex", "std::mutex"},
      {"std::regex", "a hand-written loop: std::regex recurses on user input"},
      {"sprintf(", "std::to_chars or Concat"},
      {"strtok(", "std::string_view"},
      {"using namespace std", "names"},
      {"usleep(", "a condition variable with a deadline"},
      {"sleep_for(", "a condition variable with a deadline"},
      {"XX"
       "X",
       "an issue"},
      {"TO"
       "DO",
       "an issue"},
      {"FIX"
       "ME",
       "an issue"},
  };
  for (const SourceFile& file : SourcesUnder({"libkv", "kvserver"})) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      for (const auto& entry : banned) {
        const std::string &call = entry.first, &instead = entry.second;
        if (call == "sprintf(" && file.lines[i].find("snprintf(") != std::string::npos) continue;
        CHECK_MESSAGE(file.lines[i].find(call) == std::string::npos, Where(file, i)
                                                                         << "  -> use " << instead);
      }
    }
  }
}

TEST_CASE("the clock is read in one place") {
  for (const SourceFile& file : SourcesUnder({"libkv", "kvserver"})) {
    if (file.path == "libkv/src/base/clock.cc") continue;
    if (file.path == "kvserver/src/base/clock.cc") continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      CHECK_MESSAGE(file.lines[i].find("system_clock") == std::string::npos, Where(file, i));
    }
  }
}

TEST_CASE("lines are at most 100 columns wide and carry no tab or trailing space") {
  for (const SourceFile& file : SourcesUnder({"libkv", "kvserver", "examples", "tests", "perf"})) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // UTF-8 trail bytes take no room
      });
      CHECK_MESSAGE(columns <= 100, Where(file, i));
      CHECK_MESSAGE(line.find('\t') == std::string::npos, Where(file, i));
      CHECK_MESSAGE((line.empty() || line.back() != ' '), Where(file, i));
    }
  }
}

TEST_CASE("every header has its own include guard and every file an opening comment or include") {
  for (const SourceFile& file : SourcesUnder({"libkv", "kvserver"})) {
    REQUIRE(!file.lines.empty());
    if (!file.path.ends_with(".h")) continue;
    std::string guard = file.path.starts_with("libkv/include/") ? file.path.substr(14) : file.path;
    for (char& c : guard) {
      if (c == '/' || c == '.') c = '_';
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    guard += "_";
    const bool guarded =
        std::find(file.lines.begin(), file.lines.end(), "#ifndef " + guard) != file.lines.end();
    CHECK_MESSAGE(guarded, file.path << " needs #ifndef " << guard);
    CHECK_MESSAGE(file.lines[0].starts_with("//"), file.path << " says what it promises, first");
  }
}
