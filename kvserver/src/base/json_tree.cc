#include "base/json_tree.h"

#include "base/utf8.h"

namespace kvserver {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool All(JsonTree* out) {
    SkipSpace();
    if (!Value(out, 0)) return false;
    SkipSpace();
    return rest_.empty();
  }

 private:
  void SkipSpace() {
    const size_t begin = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool Value(JsonTree* out, int depth) {
    if (rest_.empty() || depth > kJsonTreeDepthMax || ++values_ > kJsonTreeValuesMax) return false;
    switch (rest_[0]) {
      case '{':
        return Object(out, depth);
      case '[':
        return Array(out, depth);
      case '"':
        out->kind = JsonTree::Kind::kString;
        return String(&out->text);
      default:
        out->kind = JsonTree::Kind::kLiteral;
        return Literal(&out->text);
    }
  }

  bool Object(JsonTree* out, int depth) {
    out->kind = JsonTree::Kind::kObject;
    Take('{');
    SkipSpace();
    if (Take('}')) return true;
    while (true) {
      std::string name;
      SkipSpace();
      if (!String(&name)) return false;
      SkipSpace();
      if (!Take(':')) return false;
      SkipSpace();
      JsonTree value;
      if (!Value(&value, depth + 1)) return false;
      out->members.insert_or_assign(std::move(name), std::move(value));
      SkipSpace();
      if (Take('}')) return true;
      if (!Take(',')) return false;
    }
  }

  bool Array(JsonTree* out, int depth) {
    out->kind = JsonTree::Kind::kArray;
    Take('[');
    SkipSpace();
    if (Take(']')) return true;
    while (true) {
      SkipSpace();
      if (!Value(&out->elements.emplace_back(), depth + 1)) return false;
      SkipSpace();
      if (Take(']')) return true;
      if (!Take(',')) return false;
    }
  }

  bool Literal(std::string* out) {
    const std::string_view begin = rest_;
    if (!TakeWord("true") && !TakeWord("false") && !TakeWord("null") && !Number()) return false;
    *out = begin.substr(0, begin.size() - rest_.size());
    return true;
  }

  bool Digits() {
    const size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(count);
    return count > 0;
  }
  bool Number() {
    Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      return Digits();
    }
    return true;
  }

  bool Hex(uint32_t* out) {
    if (rest_.size() < 4) return false;
    *out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = rest_[static_cast<size_t>(i)];
      const char low = static_cast<char>(c | 0x20);
      if (c >= '0' && c <= '9') {
        *out = *out << 4 | static_cast<uint32_t>(c - '0');
      } else if (low >= 'a' && low <= 'f') {
        *out = *out << 4 | static_cast<uint32_t>(low - 'a' + 10);
      } else {
        return false;
      }
    }
    rest_.remove_prefix(4);
    return true;
  }
  bool Escape(std::string* out) {
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (const size_t at = kFrom.find(c); at != std::string_view::npos) {
      out->push_back(kTo[at]);
      return true;
    }
    uint32_t code = 0;
    if (c != 'u' || !Hex(&code)) return false;
    if (code >= 0xD800 && code < 0xE000) {
      uint32_t low = 0;
      if (code >= 0xDC00 || !TakeWord("\\u") || !Hex(&low)) return false;
      if (low < 0xDC00 || low >= 0xE000) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    AppendUtf8(*out, code);
    return true;
  }
  static void AppendUtf8(std::string& out, uint32_t code) {
    const auto add = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) return add(code);
    if (code < 0x800) {
      add(0xC0 | code >> 6);
    } else if (code < 0x10000) {
      add(0xE0 | code >> 12);
      add(0x80 | (code >> 6 & 0x3F));
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
      add(0x80 | (code >> 6 & 0x3F));
    }
    add(0x80 | (code & 0x3F));
  }
  bool String(std::string* out) {
    if (!Take('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out->push_back(c);
      } else if (!Escape(out)) {
        return false;
      }
    }
    return false;
  }

  std::string_view rest_;
  size_t values_ = 0;
};

}  // namespace

std::optional<JsonTree> ParseJsonTree(std::string_view text) {
  if (!IsUtf8(text)) return std::nullopt;
  JsonTree tree;
  if (!Parser(text).All(&tree)) return std::nullopt;
  return tree;
}

void AppendJsonText(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out += "\\u00";
      out.push_back("0123456789abcdef"[byte >> 4]);
      out.push_back("0123456789abcdef"[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void AppendJson(std::string& out, const JsonTree& value) {
  bool is_first = true;
  const auto separate = [&] {
    if (!is_first) out.push_back(',');
    is_first = false;
  };
  switch (value.kind) {
    case JsonTree::Kind::kLiteral:
      out += value.text;
      break;
    case JsonTree::Kind::kString:
      AppendJsonText(out, value.text);
      break;
    case JsonTree::Kind::kArray:
      out.push_back('[');
      for (const JsonTree& element : value.elements) {
        separate();
        AppendJson(out, element);
      }
      out.push_back(']');
      break;
    case JsonTree::Kind::kObject:
      out.push_back('{');
      for (const auto& [name, member] : value.members) {
        separate();
        AppendJsonText(out, name);
        out.push_back(':');
        AppendJson(out, member);
      }
      out.push_back('}');
      break;
  }
}

}  // namespace kvserver
