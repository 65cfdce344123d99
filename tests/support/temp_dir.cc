#include "support/temp_dir.h"

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>

namespace libkv {

TempDir::TempDir() {
  const char* parent = std::getenv("TMPDIR");
  root_ = std::string(parent == nullptr ? "/tmp" : parent) + "/libkv-test-XXXXXX";
  if (mkdtemp(root_.data()) == nullptr) std::abort();
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string TempDir::path(const std::string& name) const {
  return name.empty() ? root_ : root_ + "/" + name;
}

}  // namespace libkv
