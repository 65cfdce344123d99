// A leaf must not be delivered before the document is known to be valid to its end. Parsing twice
// costs twice; collecting leaves with their paths can take quadratic memory (one long name above
// many leaves). So the first walk writes a tape, hardly longer than the document, and the second
// walk reads the tape and keeps one path.
//
// tape := { step:u8 [length:varint text:bytes[length]] }      text after kName, kString, kNumber
#include "text/json_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/utf8.h"

namespace libkv {
namespace {

using Json = nlohmann::json;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Whether `value` begins and ends as JSON with an object or an array at the top must: spares most
// other values the parser.
bool MayBeJson(std::string_view value) {
  while (!value.empty() && IsBlank(value.front())) value.remove_prefix(1);
  while (!value.empty() && IsBlank(value.back())) value.remove_suffix(1);
  if (value.size() < 2) return false;
  return (value.front() == '{' && value.back() == '}') ||
         (value.front() == '[' && value.back() == ']');
}

// Whether `value` is ASCII without control characters, as most texts are: text without a doubt, and
// known to be without decoding it.
bool IsPlain(std::string_view value) {
  constexpr size_t kAtOnce = 64;  // without a branch among them
  while (!value.empty()) {
    const size_t count = std::min(value.size(), kAtOnce);
    bool strange = false;
    for (size_t i = 0; i < count; ++i) {
      const auto c = static_cast<uint8_t>(value[i]);
      strange |= (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c > '~';
    }
    if (strange) return false;
    value.remove_prefix(count);
  }
  return true;
}

// What all our handlers ignore. Names as nlohmann::json_sax asks for them.
struct IgnoreAll {
  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(Json::number_integer_t) { return true; }
  bool number_unsigned(Json::number_unsigned_t) { return true; }
  bool number_float(Json::number_float_t, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(Json::binary_t&) { return true; }
  bool start_object(size_t) { return true; }
  bool key(std::string&) { return true; }
  bool end_object() { return true; }
  bool start_array(size_t) { return true; }
  bool end_array() { return true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) { return false; }
};

template <typename Handler>
bool Parse(std::string_view value, Handler* handler) {
  return MayBeJson(value) && Json::sax_parse(value.begin(), value.end(), handler);
}

struct Strings : IgnoreAll {
  std::string text;
  bool string(std::string& s) {
    if (!text.empty()) text += '\n';
    text += s;
    return true;
  }
};

enum class Step : uint8_t {
  kEnterObject,
  kLeaveObject,
  kName,
  kString,
  kNumber,
  kTrue,
  kFalse,
  kNull
};

struct Tape : IgnoreAll {
  std::string bytes;

  bool Add(Step step) {
    bytes += static_cast<char>(step);
    return true;
  }
  bool Add(Step step, std::string_view text) {
    Add(step);
    AppendBytes(bytes, text);
    return true;
  }
  bool null() { return Add(Step::kNull); }
  bool boolean(bool v) { return Add(v ? Step::kTrue : Step::kFalse); }
  bool number_integer(Json::number_integer_t v) { return Add(Step::kNumber, std::to_string(v)); }
  bool number_unsigned(Json::number_unsigned_t v) { return Add(Step::kNumber, std::to_string(v)); }
  bool number_float(double, const std::string& text) { return Add(Step::kNumber, text); }
  bool string(std::string& s) { return Add(Step::kString, s); }
  bool start_object(size_t) { return Add(Step::kEnterObject); }
  bool key(std::string& s) { return Add(Step::kName, s); }
  bool end_object() { return Add(Step::kLeaveObject); }
};

// The path at one place of the tape.
class Path {
 public:
  void EnterObject() { lengths_.push_back(path_.size()); }
  void LeaveObject() {
    path_.resize(lengths_.back());
    lengths_.pop_back();
  }
  // Replaces the last name of the innermost object.
  void Name(std::string_view name) {
    path_.resize(lengths_.back());
    if (lengths_.size() > 1) path_ += '.';
    path_ += name;
  }
  std::string_view view() const { return path_; }

 private:
  std::string path_;
  std::vector<size_t> lengths_;  // of path_, outside of each open object
};

double NumberFrom(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void Replay(std::string_view tape,
            absl::FunctionRef<void(std::string_view path, const JsonLeaf& leaf)> sink) {
  using Kind = JsonLeaf::Kind;
  Path path;
  Reader reader(tape);
  uint8_t step;
  std::string_view text;
  while (reader.Fixed8(&step)) {
    const auto next = static_cast<Step>(step);
    if (next == Step::kName || next == Step::kString || next == Step::kNumber) reader.Bytes(&text);
    switch (next) {
      case Step::kEnterObject:
        path.EnterObject();
        break;
      case Step::kLeaveObject:
        path.LeaveObject();
        break;
      case Step::kName:
        path.Name(text);
        break;
      case Step::kString:
        sink(path.view(), {Kind::kString, text, 0});
        break;
      case Step::kNumber:
        sink(path.view(), {Kind::kNumber, text, NumberFrom(text)});
        break;
      case Step::kTrue:
        sink(path.view(), {Kind::kBool, "true", 0});
        break;
      case Step::kFalse:
        sink(path.view(), {Kind::kBool, "false", 0});
        break;
      case Step::kNull:
        sink(path.view(), {Kind::kNull, "null", 0});
        break;
    }
  }
}

// False: `value` is not JSON.
bool TextOfFields(std::string_view value, std::span<const std::string> fields, std::string* text) {
  std::vector<std::string> texts(fields.size());
  const bool is_json = ForEachJsonLeaf(value, [&](std::string_view path, const JsonLeaf& leaf) {
    if (leaf.kind != JsonLeaf::Kind::kString && leaf.kind != JsonLeaf::Kind::kNumber) return;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] != path) continue;
      if (!texts[i].empty()) texts[i] += '\n';
      texts[i] += leaf.text;
    }
  });
  for (const std::string& part : texts) {
    if (!text->empty() && !part.empty()) *text += '\n';
    *text += part;
  }
  return is_json;
}

}  // namespace

bool ForEachJsonLeaf(std::string_view value,
                     absl::FunctionRef<void(std::string_view path, const JsonLeaf& leaf)> sink) {
  Tape tape;
  if (!Parse(value, &tape)) return false;
  Replay(tape.bytes, sink);
  return true;
}

std::string IndexedText(std::string_view value, std::span<const std::string> text_fields) {
  std::string made;
  const std::string_view text = IndexedTextView(value, text_fields, &made);
  return text.data() == made.data() ? std::move(made) : std::string(text);
}

std::string_view IndexedTextView(std::string_view value, std::span<const std::string> text_fields,
                                 std::string* made) {
  if (!IsPlain(value) && !LooksLikeText(value)) return {};
  if (text_fields.empty()) {
    Strings strings;
    if (!Parse(value, &strings)) return value;
    *made = std::move(strings.text);
  } else if (!TextOfFields(value, text_fields, made)) {
    return value;
  }
  return *made;
}

}  // namespace libkv
