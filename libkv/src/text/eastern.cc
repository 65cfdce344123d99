#include "text/eastern.h"

#include <string>

#include "base/utf8.h"
#include "text/fold.h"

namespace libkv {
namespace {

// Holds one character back until it is known whether another follows.
class Pairs {
 public:
  explicit Pairs(absl::FunctionRef<void(std::string_view, uint32_t, uint32_t)> sink)
      : sink_(sink) {}

  void Add(std::string_view character, uint32_t begin, uint32_t end) {
    if (!last_.empty()) {
      last_ += character;
      sink_(last_, last_begin_, end);
    }
    paired_ = !last_.empty();
    last_.assign(character);
    last_begin_ = begin;
    last_end_ = end;
  }

  void Finish() {
    if (!last_.empty() && !paired_) sink_(last_, last_begin_, last_end_);
  }

 private:
  const absl::FunctionRef<void(std::string_view, uint32_t, uint32_t)> sink_;
  std::string last_;
  uint32_t last_begin_ = 0, last_end_ = 0;
  bool paired_ = false;  // `last_` was delivered as the second half of a pair
};

// The end of the character that starts at `at`, with the marks that fold together with it.
uint32_t UnitEnd(std::string_view run, uint32_t at) {
  uint32_t end = at + static_cast<uint32_t>(DecodeCharacter(run.substr(at)).bytes);
  while (end < run.size() && end - at < kEasternUnitBytesMax) {
    const DecodedCharacter next = DecodeCharacter(run.substr(end));
    if (IsFoldedEastern(next.code) || StartsFoldUnit(next.code)) break;
    end += static_cast<uint32_t>(next.bytes);
  }
  return end;
}

}  // namespace

void ForEachPair(
    std::string_view run,
    absl::FunctionRef<void(std::string_view term, uint32_t begin, uint32_t end)> sink) {
  Pairs pairs(sink);
  std::string folded;
  for (uint32_t begin = 0, end = 0; begin < run.size(); begin = end) {
    end = UnitEnd(run, begin);
    const std::string_view unit = run.substr(begin, end - begin);
    const DecodedCharacter first = DecodeCharacter(unit);
    if (first.bytes == unit.size() && IsFoldedEastern(first.code)) {
      pairs.Add(unit, begin, end);
      continue;
    }
    folded.clear();
    FoldWord(unit, &folded);
    for (std::string_view rest = folded; !rest.empty();) {
      const DecodedCharacter c = DecodeCharacter(rest);
      pairs.Add(rest.substr(0, c.bytes), begin, end);
      rest.remove_prefix(c.bytes);
    }
  }
  pairs.Finish();
}

}  // namespace libkv
