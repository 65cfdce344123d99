#include "command/rates.h"

namespace kvserver {

void Rates::Sample(int64_t steady_us, const Counters& counters) {
  const std::lock_guard lock(mutex_);
  if (count_ > 0 && steady_us - taken_[(count_ - 1) % kSamples].steady_us < kApartMin) return;
  taken_[count_++ % kSamples] = {steady_us, counters};
}

Rates::Counters Rates::PerSecond() const {
  const std::lock_guard lock(mutex_);
  if (count_ < 2) return {};
  const Taken& newest = taken_[(count_ - 1) % kSamples];
  const Taken& oldest = taken_[count_ <= kSamples ? 0 : count_ % kSamples];
  const double seconds = static_cast<double>(newest.steady_us - oldest.steady_us) / 1e6;
  const auto rate = [&](uint64_t from, uint64_t to) {
    return to <= from ? 0 : static_cast<uint64_t>(static_cast<double>(to - from) / seconds);
  };
  const Counters &a = oldest.counters, &b = newest.counters;
  return {rate(a.commands, b.commands), rate(a.input_bytes, b.input_bytes),
          rate(a.output_bytes, b.output_bytes)};
}

void Rates::Clear() {
  const std::lock_guard lock(mutex_);
  count_ = 0;
}

}  // namespace kvserver
