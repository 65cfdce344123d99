// A sample of a stream of texts within fixed bounds, every text with the same probability.
//
// A reservoir of fixed count would not bound the bytes, and one of fixed bytes would prefer short
// texts. So each text draws a number, and those with the smallest numbers stay, as many as fit:
// which texts stay does not depend on what is in them, other than through how much fits in all.
#ifndef LIBKV_SRC_EMBED_TEXT_SAMPLE_H_
#define LIBKV_SRC_EMBED_TEXT_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace libkv {

class TextSample {
 public:
  TextSample(size_t texts_max, size_t bytes_max, uint64_t seed)
      : texts_max_(texts_max), bytes_max_(bytes_max), seed_(seed) {}

  void Add(std::string_view text);
  uint64_t seen() const { return seen_; }

  struct Text {
    uint64_t draw = 0;
    std::string text;
  };
  // The same whatever came after them and was not kept: smallest draw first.
  std::vector<const Text*> InOrderOfDraw() const;

 private:
  void DropLast();

  const size_t texts_max_, bytes_max_;
  const uint64_t seed_;
  uint64_t seen_ = 0;
  uint64_t bytes_ = 0;
  uint64_t draw_max_ = UINT64_MAX;  // greater draws have no chance any more
  std::vector<Text> heap_;          // the greatest draw in front
};

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_TEXT_SAMPLE_H_
