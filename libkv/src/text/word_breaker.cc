// Problem: ICU's break iterator costs about 80 ns a word, most text is ASCII, and on ASCII the
// rules come down to a few lines. So a text is cut at ASCII white space, which no rule joins
// across, into stretches of pure ASCII (a table and three rules, below) and stretches with other
// bytes (ICU). Neighbouring stretches of the second kind go to ICU together: opening a text costs
// it as much as several words do.
#include "text/word_breaker.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/white_space.h"

namespace libkv {
namespace {

// Stretches are merged for one ICU call until they have this size.
constexpr uint32_t kMergedBytes = 4 << 10;

// The word break classes of ASCII, as bits.
enum : uint8_t {
  kLetter = 1,
  kDigit = 2,
  kExtender = 4,   // '_' joins whatever it touches
  kMidBoth = 8,    // '.' and '\'' join two letters or two digits
  kMidDigits = 16  // ',' and ';' join two digits
};
constexpr uint8_t kInWord = kLetter | kDigit | kExtender;

constexpr std::array<uint8_t, 128> MakeClasses() {
  std::array<uint8_t, 128> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) classes[c] = kLetter;
  for (int c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  classes['_'] = kExtender;
  classes['.'] = classes['\''] = kMidBoth;
  classes[','] = classes[';'] = kMidDigits;
  return classes;
}
constexpr std::array<uint8_t, 128> kClasses = MakeClasses();

bool IsAscii(char c) { return static_cast<uint8_t>(c) < 0x80; }

// The first byte at or after `from` that is not ASCII, or text.size().
size_t FindNonAscii(std::string_view text, size_t from) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  while (from + 8 <= text.size()) {
    uint64_t chunk;
    std::memcpy(&chunk, text.data() + from, sizeof chunk);
    if ((chunk & kHighBits) != 0) break;
    from += 8;
  }
  while (from < text.size() && IsAscii(text[from])) ++from;
  return from;
}

// Thread-bound: break iterators carry the text they walk over.
class IcuIterator {
 public:
  IcuIterator() {
    UErrorCode error = U_ZERO_ERROR;
    breaks_ = ubrk_open(UBRK_WORD, "", nullptr, 0, &error);
    LIBKV_CHECK(U_SUCCESS(error));
  }
  ~IcuIterator() { ubrk_close(breaks_); }
  IcuIterator(const IcuIterator&) = delete;
  IcuIterator& operator=(const IcuIterator&) = delete;

  // Appends the segments of `piece` that ICU calls words; their offsets start at `base`.
  void Append(std::string_view piece, uint32_t base, std::vector<Word>* words) {
    UErrorCode error = U_ZERO_ERROR;
    UText text = UTEXT_INITIALIZER;
    utext_openUTF8(&text, piece.data(), static_cast<int64_t>(piece.size()), &error);
    ubrk_setUText(breaks_, &text, &error);
    LIBKV_CHECK(U_SUCCESS(error));
    int32_t begin = ubrk_first(breaks_);
    for (int32_t end = ubrk_next(breaks_); end != UBRK_DONE; end = ubrk_next(breaks_)) {
      if (ubrk_getRuleStatus(breaks_) >= UBRK_WORD_NONE_LIMIT) {
        words->push_back({Word::Kind::kUnicode, base + static_cast<uint32_t>(begin),
                          base + static_cast<uint32_t>(end)});
      }
      begin = end;
    }
    utext_close(&text);
  }

 private:
  UBreakIterator* breaks_ = nullptr;
};

bool IsEastern(char32_t c) {
  if (c < 0x1100) return false;
  if (c >= 0x4E00 && c <= 0x9FFF) return true;
  if (c == 0x30FC || c == 0xFF70) return true;  // the mark of a long vowel is of no script
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(c), &error)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
      return true;
    default:
      return false;
  }
}

// Marks and joiners belong to the character before them (WB4).
bool IsMark(char32_t c) {
  if (c < 0x300) return false;
  const int32_t kind = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_WORD_BREAK);
  return kind == U_WB_EXTEND || kind == U_WB_FORMAT || kind == U_WB_ZWJ;
}

class Breaker {
 public:
  Breaker(std::string_view text, absl::FunctionRef<void(const Word&)> sink)
      : text_(text), sink_(sink) {}

  void Run() {
    const auto size = static_cast<uint32_t>(text_.size());
    uint32_t at = 0;
    while (at < size) {
      uint32_t begin = static_cast<uint32_t>(FindNonAscii(text_, at));
      uint32_t end = begin;
      if (begin < size) {
        while (begin > at && !IsAsciiWhiteSpace(text_[begin - 1])) --begin;
        end = MixedEnd(end);
      }
      Ascii(at, begin);
      Mixed(begin, end);
      at = end;
    }
  }

 private:
  uint32_t StretchEnd(uint32_t at) const {
    while (at < text_.size() && !IsAsciiWhiteSpace(text_[at])) ++at;
    return at;
  }

  // Where the stretches that go to ICU together end; `at` lies in the first of them.
  uint32_t MixedEnd(uint32_t at) const {
    const uint32_t first = at;
    uint32_t end = StretchEnd(at);
    while (end - first < kMergedBytes) {
      uint32_t next = end;
      while (next < text_.size() && IsAsciiWhiteSpace(text_[next])) ++next;
      const uint32_t next_end = StretchEnd(next);
      if (FindNonAscii(text_.substr(0, next_end), next) == next_end) break;
      end = next_end;
    }
    return end;
  }

  // WB5-WB13 for the characters of ASCII.
  void Ascii(uint32_t at, uint32_t end) {
    const auto kind = [this](uint32_t i) { return kClasses[static_cast<uint8_t>(text_[i])]; };
    while (at < end) {
      if ((kind(at) & kInWord) == 0) {
        ++at;
        continue;
      }
      const uint32_t begin = at;
      uint8_t seen = 0;
      while (at < end) {
        const uint8_t here = kind(at);
        if ((here & kInWord) != 0) {
          seen |= here;
        } else if (here == 0 || at + 1 == end || !Joins(kind(at - 1), here, kind(at + 1))) {
          break;
        }
        ++at;
      }
      if ((seen & (kLetter | kDigit)) != 0) sink_({Word::Kind::kAscii, begin, at});
    }
  }

  static bool Joins(uint8_t before, uint8_t here, uint8_t after) {
    const uint8_t both = before & after;
    if ((both & kLetter) != 0) return here == kMidBoth;
    return (both & kDigit) != 0 && (here == kMidBoth || here == kMidDigits);
  }

  // Text with more than ASCII in it: takes out what ICU does not decide and hands it the rest.
  void Mixed(const uint32_t begin, const uint32_t end) {
    uint32_t piece = begin;
    for (uint32_t at = begin; at < end;) {
      const char c = text_[at];
      if (IsAscii(c)) {
        if (c == '@' || c == ':') {
          Piece(piece, at);
          piece = at + 1;
        }
        ++at;
      } else {
        const DecodedCharacter decoded = DecodeCharacter(text_.substr(at, end - at));
        if (IsEastern(decoded.code)) {
          Piece(piece, at);
          piece = EasternEnd(at, end);
          sink_({Word::Kind::kEastern, at, piece});
          at = piece;
        } else {
          at += static_cast<uint32_t>(decoded.bytes);
        }
      }
      if (at - piece >= kBreakPieceBytesMax) {
        Piece(piece, at);
        piece = at;
      }
    }
    Piece(piece, end);
  }

  uint32_t EasternEnd(uint32_t at, uint32_t end) const {
    while (at < end && !IsAscii(text_[at])) {
      const DecodedCharacter c = DecodeCharacter(text_.substr(at, end - at));
      if (!IsEastern(c.code) && !IsMark(c.code)) break;
      at += static_cast<uint32_t>(c.bytes);
    }
    return at;
  }

  void Piece(uint32_t begin, uint32_t end) {
    const std::string_view piece = text_.substr(begin, end - begin);
    if (FindNonAscii(piece, 0) == piece.size()) return Ascii(begin, end);
    static thread_local IcuIterator iterator;
    // First all words, then the sink: it may come back here on this thread.
    std::vector<Word> words = std::exchange(words_, {});
    words.clear();
    iterator.Append(piece, begin, &words);
    for (const Word& word : words) {
      const std::string_view bytes = text_.substr(word.begin, word.end - word.begin);
      if (FindNonAscii(bytes, 0) == bytes.size()) {
        Ascii(word.begin, word.end);  // drops "__", which ICU takes for a word
      } else {
        sink_(word);
      }
    }
    words_ = std::move(words);
  }

  const std::string_view text_;
  const absl::FunctionRef<void(const Word&)> sink_;
  std::vector<Word> words_;  // kept for its memory
};

}  // namespace

void ForEachWord(std::string_view text, absl::FunctionRef<void(const Word&)> sink) {
  Breaker(text.substr(0, kAnalyzedBytesMax), sink).Run();
}

}  // namespace libkv
