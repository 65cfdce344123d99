// What every example needs and none is about: a folder to work in, and an end when a call fails.
#ifndef LIBKV_EXAMPLES_EXAMPLE_H_
#define LIBKV_EXAMPLES_EXAMPLE_H_

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace example {

// The folder the user named, or a fresh one that is removed at the end. Declare it before the
// store, so that it is still there when the store closes.
class Folder {
 public:
  explicit Folder(const char* name) {
    if (name != nullptr) {
      path_ = name;
      return;
    }
    temporary_ = std::filesystem::temp_directory_path() / "libkv-example-XXXXXX";
    if (mkdtemp(temporary_.data()) == nullptr) {
      std::cerr << "cannot create " << temporary_ << "\n";
      std::exit(1);
    }
    path_ = temporary_ + "/store";
  }
  ~Folder() {
    std::error_code ignored;
    if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_, temporary_;
};

inline void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  std::exit(1);
}

template <typename T>
T Require(absl::StatusOr<T> result) {
  Require(result.status());
  return *std::move(result);
}

}  // namespace example

#endif  // LIBKV_EXAMPLES_EXAMPLE_H_
