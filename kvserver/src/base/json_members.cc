#include "base/json_members.h"

#include <cstdint>
#include <utility>

namespace kvserver {
namespace {

constexpr size_t kMembersMax = 10'000;

void AppendUtf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool Members(std::vector<JsonMember>& members) {
    if (!Take('{')) return false;
    if (Take('}')) return AtEnd();
    do {
      JsonMember& member = members.emplace_back();
      if (members.size() > kMembersMax || !String(&member.name) || !Take(':') || !Value(member)) {
        return false;
      }
    } while (Take(','));
    return Take('}') && AtEnd();
  }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  bool AtEnd() {
    SkipBlanks();
    return at_ == text_.size();
  }
  bool Take(char c) {
    SkipBlanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool Value(JsonMember& member) {
    SkipBlanks();
    if (at_ == text_.size()) return false;
    if (text_[at_] == '"') return String(&member.value);
    const size_t begin = at_;
    if (!(text_[at_] == '{' || text_[at_] == '[' ? SkipNested() : SkipWord())) return false;
    member.value = text_.substr(begin, at_ - begin);
    return true;
  }

  bool SkipWord() {
    const size_t begin = at_;
    while (at_ < text_.size() &&
           std::string_view(",}] \t\r\n:\"{[").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    return at_ > begin;
  }

  // Counts brackets: no nesting goes too deep for that.
  bool SkipNested() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!String(nullptr)) return false;
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return true;
    }
    return false;
  }

  // `out` null: only past it.
  bool String(std::string* out) {
    if (!Take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\') {
        if (!Escape(out)) return false;
      } else if (out != nullptr) {
        *out += c;
      }
    }
    return false;
  }

  bool Escape(std::string* out) {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    uint32_t code = static_cast<uint8_t>(c);
    if (c == 'n') code = '\n';
    if (c == 't') code = '\t';
    if (c == 'r') code = '\r';
    if (c == 'b') code = '\b';
    if (c == 'f') code = '\f';
    if (c == 'u' && !Unicode(&code)) return false;
    if (out != nullptr) AppendUtf8(*out, code);
    return true;
  }

  bool Hex4(uint32_t* code) {
    if (text_.size() - at_ < 4) return false;
    *code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
      if (digit == std::string_view::npos) return false;
      *code = *code * 16 + static_cast<uint32_t>(digit > 15 ? digit - 6 : digit);
    }
    return true;
  }

  // Two halves make one; a half alone stands for no character.
  bool Unicode(uint32_t* code) {
    if (!Hex4(code)) return false;
    if (*code < 0xD800 || *code > 0xDFFF) return true;
    uint32_t second = 0;
    const bool has_second = *code < 0xDC00 && text_.substr(at_).starts_with("\\u");
    if (has_second) {
      at_ += 2;
      if (!Hex4(&second)) return false;
    }
    const bool is_pair = second >= 0xDC00 && second <= 0xDFFF;
    *code = is_pair ? 0x10000 + ((*code - 0xD800) << 10) + (second - 0xDC00) : 0xFFFD;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<JsonMember>> JsonMembers(std::string_view text) {
  std::vector<JsonMember> members;
  if (!Scanner(text).Members(members)) return std::nullopt;
  return members;
}

}  // namespace kvserver
