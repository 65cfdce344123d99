// A Progress tells how far a long task is: how much is done, how fast, how long it will still take.
// On a terminal it is one line that is rewritten, and appears only when the task takes longer than
// two seconds; elsewhere (a log, a pipe) it is one line for every tenth.
#ifndef LIBKV_EXAMPLES_PACKAGES_PROGRESS_H_
#define LIBKV_EXAMPLES_PACKAGES_PROGRESS_H_

#include <chrono>
#include <cstddef>
#include <string>

namespace packages {

class Progress {
 public:
  // Of `total` things; `verb` is what happens to them, as in "loading". Writes to standard error.
  Progress(std::string verb, size_t total);
  ~Progress();  // clears the line on a terminal

  void Advance(size_t count);

 private:
  double seconds() const;
  void Print(bool in_place);

  const std::string verb_;
  const size_t total_;
  const bool is_terminal_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_print_;
  size_t done_ = 0;
  size_t tenths_printed_ = 0;
  bool has_printed_ = false;
};

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_PROGRESS_H_
