// main() of a fuzz target without libFuzzer: runs it on every file of the given folders, and on
// every front of these files, so that a corpus is a test with any compiler.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kCutsMax = 512;  // fronts of one file

void Run(const std::string& input) {
  // A copy of exactly this size: a sanitizer sees a read behind its end.
  const std::basic_string<uint8_t> copy(input.begin(), input.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

}  // namespace

int main(int argc, char** argv) {
  size_t files = 0, runs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string input(std::istreambuf_iterator<char>(in), {});
      const size_t step = 1 + input.size() / kCutsMax;
      for (size_t cut = 0; cut < input.size(); cut += step, ++runs) Run(input.substr(0, cut));
      Run(input);
      ++files, ++runs;
    }
  }
  std::printf("%zu files, %zu inputs\n", files, runs);
  return files > 0 ? 0 : 1;
}
