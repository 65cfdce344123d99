// A directory for one test, gone when the test is over.
#ifndef LIBKV_TESTS_SUPPORT_TEMP_DIR_H_
#define LIBKV_TESTS_SUPPORT_TEMP_DIR_H_

#include <string>

namespace libkv {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  // The name of something in it; `name` "" is the directory itself.
  std::string path(const std::string& name = "store") const;

 private:
  std::string root_;
};

}  // namespace libkv

#endif  // LIBKV_TESTS_SUPPORT_TEMP_DIR_H_
