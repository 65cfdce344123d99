#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace kvcli {
namespace {

constexpr auto kPeriod = std::chrono::milliseconds(200);
constexpr const char* kWipe = "\r\x1b[K";

}  // namespace

Progress::Progress()
    : is_shown_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      next_(start_ + kPeriod) {}

Progress::~Progress() {
  if (has_written_) std::fputs(kWipe, stderr);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

std::string Progress::Text(uint64_t records, uint64_t bytes, uint64_t total_bytes, double seconds) {
  const double rate = static_cast<double>(records) / std::max(seconds, 0.001);
  std::string text = std::to_string(records) + " records";
  char piece[64];
  if (total_bytes > 0 && bytes > 0) {
    const double share =
        std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total_bytes));
    std::snprintf(piece, sizeof(piece), "  %.0f %%", share * 100);
    text += piece;
    const auto left = static_cast<long>(std::min(seconds / share * (1 - share), 359'999.0));
    std::snprintf(piece, sizeof(piece), "  %.0f/s  %02ld:%02ld left", rate, left / 60, left % 60);
  } else {
    std::snprintf(piece, sizeof(piece), "  %.0f/s", rate);
  }
  return text + piece;
}

void Progress::Show(uint64_t records, uint64_t bytes, uint64_t total_bytes) {
  if (!is_shown_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kPeriod;
  has_written_ = true;
  std::fputs((kWipe + Text(records, bytes, total_bytes, seconds())).c_str(), stderr);
}

}  // namespace kvcli
