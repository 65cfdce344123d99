#include "embed/text_sample.h"

#include <algorithm>
#include <string_view>

#include "base/hash.h"

namespace libkv {
namespace {

bool DrawsLess(const TextSample::Text& a, const TextSample::Text& b) { return a.draw < b.draw; }

uint64_t Draw(uint64_t arrival, uint64_t seed) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(arrival >> (8 * i));
  return Hash64({bytes, sizeof bytes}, seed);
}

}  // namespace

void TextSample::Add(std::string_view text) {
  const uint64_t draw = Draw(seen_++, seed_);
  if (draw > draw_max_) return;
  heap_.push_back({draw, std::string(text)});
  std::push_heap(heap_.begin(), heap_.end(), DrawsLess);
  bytes_ += text.size();
  while (heap_.size() > texts_max_ || bytes_ > bytes_max_) DropLast();
}

void TextSample::DropLast() {
  std::pop_heap(heap_.begin(), heap_.end(), DrawsLess);
  draw_max_ = heap_.back().draw;
  bytes_ -= heap_.back().text.size();
  heap_.pop_back();
}

std::vector<const TextSample::Text*> TextSample::InOrderOfDraw() const {
  std::vector<const Text*> texts;
  for (const Text& text : heap_) texts.push_back(&text);
  std::sort(texts.begin(), texts.end(),
            [](const Text* a, const Text* b) { return DrawsLess(*a, *b); });
  return texts;
}

}  // namespace libkv
