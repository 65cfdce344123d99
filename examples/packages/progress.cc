#include "packages/progress.h"

#include <unistd.h>

#include <cstdio>

namespace packages {
namespace {

using std::chrono::steady_clock;

constexpr auto kQuietTime = std::chrono::seconds(2);
constexpr auto kRedrawTime = std::chrono::milliseconds(200);

}  // namespace

Progress::Progress(std::string verb, size_t total)
    : verb_(std::move(verb)),
      total_(total),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      start_(steady_clock::now()),
      last_print_(start_) {}

Progress::~Progress() {
  if (is_terminal_ && has_printed_) std::fputs("\r\033[K", stderr);
}

void Progress::Advance(size_t count) {
  done_ += count;
  if (is_terminal_) {
    const auto now = steady_clock::now();
    if (now - start_ < kQuietTime || now - last_print_ < kRedrawTime) return;
    last_print_ = now;
    Print(true);
  } else if (const size_t tenths = total_ == 0 ? 10 : done_ * 10 / total_;
             tenths > tenths_printed_) {
    tenths_printed_ = tenths;
    Print(false);
  }
}

double Progress::seconds() const {
  return std::chrono::duration<double>(steady_clock::now() - start_).count();
}

void Progress::Print(bool in_place) {
  has_printed_ = true;
  const double rate = static_cast<double>(done_) / seconds();
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
  std::fprintf(stderr, "%s%s %zu of %zu (%zu %%), %.0f a second, %.0f s left%s",
               in_place ? "\r" : "", verb_.c_str(), done_, total_,
               total_ == 0 ? 100 : done_ * 100 / total_, rate, left, in_place ? "\033[K" : "\n");
  std::fflush(stderr);
}

}  // namespace packages
