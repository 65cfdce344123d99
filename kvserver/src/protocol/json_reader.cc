#include "protocol/json_reader.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "base/utf8.h"
#include "protocol/json_escape.h"

namespace kvserver {
namespace {

namespace json = boost::json;
using json::error_code;
using Kind = JsonField::Kind;

// Memory for what cannot be a view into the input. Neither a string without its escapes nor text
// without its spaces is longer than it was, so the size of the input is enough for all together;
// but the colon behind a name is written before it is read, and may turn out not to be there.
class Scratch {
 public:
  Scratch(size_t input_bytes, Arena& arena) : capacity_(input_bytes + 1), arena_(arena) {}

  void append(const char* bytes, size_t count) {
    if (count == 0) return;
    if (begin_ == nullptr) begin_ = arena_.Allocate(capacity_);
    if (count > capacity_ - used_) std::abort();  // what is written above is wrong
    std::memcpy(begin_ + used_, bytes, count);
    used_ += count;
  }
  void append(char c) { append(&c, 1); }

  size_t used() const { return used_; }
  char last() const { return begin_[used_ - 1]; }
  std::string_view From(size_t begin) const {
    return begin == used_ ? std::string_view() : std::string_view(begin_ + begin, used_ - begin);
  }

 private:
  const size_t capacity_;
  Arena& arena_;
  char* begin_ = nullptr;
  size_t used_ = 0;
};

// What the parser reports, sorted by depth: at `level_` a field begins, below it the text of the
// field goes on. Level 0 makes the whole document one field, level 1 its members.
struct Splitter {
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  Splitter(std::string_view input, int level, Arena& arena, std::vector<JsonField>& fields)
      : input_(input), level_(level), scratch_(input.size(), arena), fields_(fields) {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& error) { return Open(Kind::kObject, '{', error); }
  bool on_object_end(size_t, error_code&) { return Shut('}'); }
  bool on_array_begin(error_code& error) { return Open(Kind::kArray, '[', error); }
  bool on_array_end(size_t, error_code&) { return Shut(']'); }

  bool on_key_part(json::string_view part, size_t total, error_code&) {
    AddPart(part, part.size() == total);
    return true;
  }
  bool on_key(json::string_view part, size_t total, error_code&) {
    const std::string_view whole = LastPart(part, part.size() == total);
    if (depth_ == level_) name_ = whole;
    if (depth_ > level_) scratch_.append(':');
    return true;
  }
  bool on_string_part(json::string_view part, size_t total, error_code&) {
    AddPart(part, part.size() == total);
    return true;
  }
  bool on_string(json::string_view part, size_t total, error_code& error) {
    const std::string_view whole = LastPart(part, part.size() == total);
    return depth_ > level_ || Add(Kind::kString, whole, error);
  }
  // The input is whole, so numbers are too.
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(int64_t, json::string_view text, error_code& error) { return Number(text, error); }
  bool on_uint64(uint64_t, json::string_view text, error_code& error) {
    return Number(text, error);
  }
  bool on_double(double, json::string_view text, error_code& error) { return Number(text, error); }
  bool on_bool(bool value, error_code& error) {
    return Scalar(Kind::kBool, value ? "true" : "false", error);
  }
  bool on_null(error_code& error) { return Scalar(Kind::kNull, "null", error); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  Kind top() const { return top_; }

 private:
  bool Open(Kind kind, char bracket, error_code& error) {
    if (depth_ == 0) top_ = kind;
    if (depth_ >= level_) {
      if (depth_ == level_) {
        if (!Add(kind, {}, error)) return false;
        begin_ = scratch_.used();
      } else {
        Separate();
      }
      scratch_.append(bracket);
    }
    ++depth_;
    return true;
  }

  bool Shut(char bracket) {
    --depth_;
    if (depth_ < level_) return true;
    scratch_.append(bracket);
    if (depth_ == level_) fields_.back().text = scratch_.From(begin_);
    return true;
  }

  bool Number(json::string_view text, error_code& error) {
    return Scalar(Kind::kNumber, {text.data(), text.size()}, error);
  }

  bool Scalar(Kind kind, std::string_view text, error_code& error) {
    if (depth_ <= level_) return Add(kind, text, error);
    Separate();
    scratch_.append(text.data(), text.size());
    return true;
  }

  bool Add(Kind kind, std::string_view text, error_code& error) {
    if (depth_ == 0) top_ = kind;
    if (fields_.size() == kJsonFieldsMax) {
      error = json::error::array_too_large;
      return false;
    }
    fields_.push_back({kind, name_, text});
    name_ = {};
    return true;
  }

  // A comma, unless a bracket or a name stands before what comes.
  void Separate() {
    const char last = scratch_.last();
    if (last != '[' && last != '{' && last != ':') scratch_.append(',');
  }

  // The pieces of a string or name: into the scratch, with escapes again where it is text.
  void AddPart(json::string_view part, bool is_first) {
    if (depth_ > level_) {
      if (is_first) {
        Separate();
        scratch_.append('"');
      }
      EscapeJson(scratch_, {part.data(), part.size()});
    } else {
      if (is_first) string_begin_ = scratch_.used();
      scratch_.append(part.data(), part.size());
    }
  }

  // The same with the last piece; answers the whole, if it is a field or its name.
  std::string_view LastPart(json::string_view part, bool is_only) {
    const bool is_input =
        std::greater_equal<>()(part.data(), input_.data()) &&
        std::less_equal<>()(part.data() + part.size(), input_.data() + input_.size());
    if (is_only && is_input && depth_ <= level_) return {part.data(), part.size()};
    AddPart(part, is_only);
    if (depth_ <= level_) return scratch_.From(string_begin_);
    scratch_.append('"');
    return {};
  }

  const std::string_view input_;
  const int level_;
  Scratch scratch_;
  std::vector<JsonField>& fields_;
  int depth_ = 0;
  Kind top_ = Kind::kNull;
  std::string_view name_;
  size_t begin_ = 0;         // of the field's text
  size_t string_begin_ = 0;  // of a string in pieces
};

// Only whether it is JSON.
struct Checker {
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(size_t, error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(size_t, error_code&) { return true; }
  bool on_key_part(json::string_view, size_t, error_code&) { return true; }
  bool on_key(json::string_view, size_t, error_code&) { return true; }
  bool on_string_part(json::string_view, size_t, error_code&) { return true; }
  bool on_string(json::string_view, size_t, error_code&) { return true; }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(int64_t, json::string_view, error_code&) { return true; }
  bool on_uint64(uint64_t, json::string_view, error_code&) { return true; }
  bool on_double(double, json::string_view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

json::parse_options Options() {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  return options;
}

absl::Status Error(std::string_view json, size_t at, const error_code& error) {
  std::string what = "unexpected character";
  if (!error) {
    what = "something follows the value";
  } else if (error == json::error::incomplete) {
    what = "it ends too early";
  } else if (error == json::error::too_deep) {
    what = "nested deeper than " + std::to_string(kJsonDepthMax);
  } else if (error == json::error::array_too_large) {
    what = "more than " + std::to_string(kJsonFieldsMax) + " members";
  } else if (error == json::error::exponent_overflow) {
    what = "a number with too large an exponent";
  } else if (!IsUtf8(json)) {
    what = "not UTF-8";
  }
  return absl::InvalidArgumentError("not JSON at byte " + std::to_string(at) + ": " + what);
}

absl::Status Split(std::string_view json, int level, Arena& arena, std::vector<JsonField>& fields,
                   Kind& top) {
  fields.clear();
  json::basic_parser<Splitter> parser(Options(), json, level, arena, fields);
  error_code error;
  const size_t read = parser.write_some(false, json.data(), json.size(), error);
  if (error || read != json.size()) return Error(json, read, error);
  top = parser.handler().top();
  return absl::OkStatus();
}

absl::Status CheckUnique(const std::vector<JsonField>& fields) {
  const auto fail = [](std::string_view name) {
    return absl::InvalidArgumentError("'" + std::string(name.substr(0, 64)) + "' is there twice");
  };
  constexpr size_t kFew = 12;
  if (fields.size() <= kFew) {
    for (size_t i = 1; i < fields.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (fields[i].name == fields[j].name) return fail(fields[i].name);
      }
    }
    return absl::OkStatus();
  }
  std::vector<std::string_view> names;
  names.reserve(fields.size());
  for (const JsonField& field : fields) names.push_back(field.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? absl::OkStatus() : fail(*twice);
}

}  // namespace

absl::Status ReadJsonObject(std::string_view json, Arena& arena, std::vector<JsonField>& fields) {
  Kind top = Kind::kNull;
  if (absl::Status status = Split(json, 1, arena, fields, top); !status.ok()) return status;
  if (top != Kind::kObject) return absl::InvalidArgumentError("not a JSON object");
  return CheckUnique(fields);
}

absl::Status ReadJsonArray(std::string_view json, Arena& arena, std::vector<JsonField>& fields) {
  Kind top = Kind::kNull;
  if (absl::Status status = Split(json, 1, arena, fields, top); !status.ok()) return status;
  return top == Kind::kArray ? absl::OkStatus() : absl::InvalidArgumentError("not a JSON array");
}

absl::StatusOr<JsonField> ReadJsonValue(std::string_view json, Arena& arena) {
  std::vector<JsonField> fields;
  Kind top = Kind::kNull;
  if (absl::Status status = Split(json, 0, arena, fields, top); !status.ok()) return status;
  return fields[0];
}

bool IsJson(std::string_view text) {
  if (text.empty()) return false;
  // Most text ends here.
  constexpr std::string_view kFirst = "{[\"-0123456789tfn", kLast = "}]\"0123456789el";
  if (kFirst.find(text.front()) == std::string_view::npos ||
      kLast.find(text.back()) == std::string_view::npos) {
    return false;
  }
  json::basic_parser<Checker> parser(Options());
  error_code error;
  return parser.write_some(false, text.data(), text.size(), error) == text.size() && !error;
}

}  // namespace kvserver
