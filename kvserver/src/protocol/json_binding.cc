#include "protocol/json_binding.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/numbers.h"
#include "protocol/json_value.h"

namespace kvserver {
namespace {

using Kind = JsonField::Kind;

constexpr size_t kParametersMax = 64;
constexpr size_t kQuotedBytesMax = 64;
constexpr std::string_view kBase64Suffix = "_b64";

constexpr std::string_view kValueCommands[] = {
    "get",  "getdel", "getex",  "getset", "incrbyfloat", "kv.bulkset", "kv.getx", "kv.setx",
    "mget", "mset",   "msetnx", "psetex", "set",         "setex",      "setnx",
};

// Other parameters that any JSON value may be given for. Where commands read the stored form, with
// quotes around text that looks like JSON, they get that, otherwise plain text.
struct ValueParameter {
  std::string_view command, parameter;
  bool is_stored_form;
};
constexpr ValueParameter kValueParameters[] = {
    {"kv.find", "value", false},    {"kv.queryindex", "max", true},
    {"kv.queryindex", "min", true}, {"kv.queryindex", "value", true},
    {"vadd", "attributes", false},  {"vsetattr", "attributes", false},
};

std::string Quoted(std::string_view name) {
  return "'" + std::string(name.substr(0, kQuotedBytesMax)) + "'";
}

absl::Status Wrong(std::string_view name, std::string_view must_be) {
  return absl::InvalidArgumentError(Quoted(name) + " must be " + std::string(must_be));
}

bool HoldsBytes(const Parameter& parameter) {
  return parameter.type == Parameter::kKey || parameter.type == Parameter::kBytes ||
         parameter.type == Parameter::kPattern || parameter.type == Parameter::kVector;
}

bool IsScalar(Kind kind) {
  return kind == Kind::kString || kind == Kind::kNumber || kind == Kind::kBool;
}

absl::StatusOr<std::string_view> FromBase64(const JsonField& field, std::string_view name,
                                            Arena& arena) {
  if (field.kind != Kind::kString) return Wrong(name, "a string in base64");
  if (field.text.empty()) return std::string_view();
  char* const bytes = arena.Allocate(Base64BytesMax(field.text));
  const std::optional<size_t> count = DecodeBase64(field.text, bytes);
  if (!count) return Wrong(name, "base64, with its padding");
  return std::string_view(bytes, *count);
}

class Binder {
 public:
  Binder(const Command& command, Arena& arena, std::vector<std::string_view>& arguments)
      : command_(command),
        arena_(arena),
        arguments_(arguments),
        holds_values_(HoldsJsonValues(command)) {}

  absl::Status Bind(std::span<const JsonField> fields) {
    AddName();
    if (command_.parameters.size() > kParametersMax) {
      return absl::InternalError("too many parameters");
    }
    for (const JsonField& field : fields) {
      if (absl::Status status = Assign(field); !status.ok()) return status;
    }
    std::string_view left_out;  // an optional argument by position
    for (size_t i = 0; i < command_.parameters.size(); ++i) {
      const Parameter& parameter = command_.parameters[i];
      // A vector says itself what it is.
      const bool by_position = parameter.token.empty() && parameter.type != Parameter::kFlag &&
                               parameter.type != Parameter::kVector;
      if (given_[i].field == nullptr) {
        if (!parameter.optional && parameter.type != Parameter::kFlag) {
          return absl::InvalidArgumentError(Quoted(parameter.name) + " is missing" + Names());
        }
        if (by_position && left_out.empty()) left_out = parameter.name;
        continue;
      }
      if (by_position && !left_out.empty()) {
        return absl::InvalidArgumentError(Quoted(parameter.name) + " needs " + Quoted(left_out) +
                                          " too");
      }
      if (absl::Status status = Add(parameter, given_[i]); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  struct Given {
    const JsonField* field = nullptr;
    bool is_base64 = false;
  };

  // "client|list" is two words.
  void AddName() {
    const size_t bar = command_.name.find('|');
    arguments_.push_back(command_.name.substr(0, bar));
    if (bar != std::string_view::npos) arguments_.push_back(command_.name.substr(bar + 1));
  }

  std::string Names() const {
    if (command_.parameters.empty()) return "; " + std::string(command_.name) + " takes no names";
    std::string names = "; " + std::string(command_.name) + " takes ";
    for (size_t i = 0; i < command_.parameters.size(); ++i) {
      names += (i == 0 ? "" : ", ") + std::string(command_.parameters[i].name);
    }
    return names;
  }

  absl::Status Assign(const JsonField& field) {
    for (size_t i = 0; i < command_.parameters.size(); ++i) {
      const Parameter& parameter = command_.parameters[i];
      if (!field.name.starts_with(parameter.name)) continue;
      const std::string_view rest = field.name.substr(parameter.name.size());
      const bool is_base64 = rest == kBase64Suffix && HoldsBytes(parameter);
      if (!rest.empty() && !is_base64) continue;
      if (field.kind == Kind::kNull && !is_base64 && NullMeansAbsent(parameter)) {
        return absl::OkStatus();
      }
      if (given_[i].field != nullptr) {
        return absl::InvalidArgumentError(Quoted(parameter.name) + " is there twice");
      }
      given_[i] = {&field, is_base64};
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError("unknown name " + Quoted(field.name) + Names());
  }

  bool NullMeansAbsent(const Parameter& parameter) const {
    return parameter.optional || parameter.type == Parameter::kFlag;
  }

  enum class ValueForm { kNone, kPlain, kStored };

  ValueForm FormOf(const Parameter& parameter) const {
    if (parameter.type != Parameter::kBytes) return ValueForm::kNone;
    if (holds_values_ && parameter.token.empty()) return ValueForm::kStored;
    for (const ValueParameter& row : kValueParameters) {
      if (row.command != command_.name || row.parameter != parameter.name) continue;
      return row.is_stored_form ? ValueForm::kStored : ValueForm::kPlain;
    }
    return ValueForm::kNone;
  }

  absl::Status Add(const Parameter& parameter, const Given& given) {
    const JsonField& field = *given.field;
    if (parameter.type == Parameter::kFlag) {
      if (field.kind != Kind::kBool) return Wrong(field.name, "true or false");
      if (field.text == "true") {
        arguments_.push_back(parameter.token.empty() ? parameter.name : parameter.token);
      }
      return absl::OkStatus();
    }
    if (!parameter.token.empty() && !parameter.token_each) arguments_.push_back(parameter.token);
    if (parameter.type == Parameter::kItems) return AddItems(parameter, field);
    if (parameter.type == Parameter::kVector) return AddVector(field, given.is_base64);
    if (!parameter.many || field.kind != Kind::kArray) return AddOne(parameter, field, given);

    std::vector<JsonField> elements;
    if (absl::Status status = ReadJsonArray(field.text, arena_, elements); !status.ok()) {
      return status;
    }
    if (elements.empty()) return Wrong(field.name, "one or more, not an empty array");
    for (JsonField& element : elements) {
      element.name = field.name;
      if (absl::Status status = AddOne(parameter, element, given); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status AddOne(const Parameter& parameter, const JsonField& field, const Given& given) {
    if (parameter.token_each) arguments_.push_back(parameter.token);
    if (given.is_base64) {
      const auto bytes = FromBase64(field, field.name, arena_);
      if (!bytes.ok()) return bytes.status();
      arguments_.push_back(*bytes);
      return absl::OkStatus();
    }
    if (const ValueForm form = FormOf(parameter); form != ValueForm::kNone) {
      arguments_.push_back(form == ValueForm::kStored ? StoredForm(field, arena_) : field.text);
      return absl::OkStatus();
    }
    const bool is_text = field.kind == Kind::kString || field.kind == Kind::kNumber;
    switch (parameter.type) {
      case Parameter::kInteger:
      case Parameter::kUnixTime:
        if (!is_text || !ParseInteger(field.text)) return Wrong(field.name, "an integer");
        break;
      case Parameter::kNumber:
        if (!is_text || !ParseDouble(field.text)) return Wrong(field.name, "a number");
        break;
      case Parameter::kKey:
      case Parameter::kPattern:
        if (!is_text) return Wrong(field.name, "a string");
        break;
      default:
        if (!IsScalar(field.kind)) return Wrong(field.name, "a string");
    }
    arguments_.push_back(field.text);
    return absl::OkStatus();
  }

  // {"k": v, ...}, [["k", v], ...] or [{"key": "k", "value": v}, ...]
  absl::Status AddItems(const Parameter& parameter, const JsonField& field) {
    token_ = parameter.token_each ? parameter.token : "";
    constexpr std::string_view kMustBe =
        "an object, an array of [key, value], or an array of {key, value}";
    std::vector<JsonField> items;
    if (field.kind == Kind::kObject) {
      if (absl::Status status = ReadJsonObject(field.text, arena_, items); !status.ok()) {
        return absl::InvalidArgumentError(Quoted(field.name) + ": " +
                                          std::string(status.message()));
      }
      for (const JsonField& item : items) AddItem(item.name, StoredForm(item, arena_));
    } else if (field.kind == Kind::kArray) {
      if (absl::Status status = ReadJsonArray(field.text, arena_, items); !status.ok()) {
        return status;
      }
      for (const JsonField& item : items) {
        const bool is_added = item.kind == Kind::kArray    ? AddPair(item)
                              : item.kind == Kind::kObject ? AddKeyAndValue(item)
                                                           : false;
        if (!is_added) return Wrong(field.name, kMustBe);
      }
    } else {
      return Wrong(field.name, kMustBe);
    }
    return items.empty() ? Wrong(field.name, "one item or more") : absl::OkStatus();
  }

  void AddItem(std::string_view key, std::string_view value) {
    if (!token_.empty()) arguments_.push_back(token_);
    arguments_.push_back(key);
    arguments_.push_back(value);
  }

  bool AddPair(const JsonField& item) {
    if (!ReadJsonArray(item.text, arena_, members_).ok() || members_.size() != 2) return false;
    if (members_[0].kind != Kind::kString && members_[0].kind != Kind::kNumber) return false;
    AddItem(members_[0].text, StoredForm(members_[1], arena_));
    return true;
  }

  bool AddKeyAndValue(const JsonField& item) {
    if (!ReadJsonObject(item.text, arena_, members_).ok() || members_.size() != 2) return false;
    std::optional<std::string_view> key, value;
    for (const JsonField& member : members_) {
      if (member.name == "key" && (member.kind == Kind::kString || member.kind == Kind::kNumber)) {
        key = member.text;
      } else if (member.name == "value") {
        value = StoredForm(member, arena_);
      } else if (member.name == "key_b64" || member.name == "value_b64") {
        const auto bytes = FromBase64(member, member.name, arena_);
        if (!bytes.ok()) return false;
        (member.name == "key_b64" ? key : value) = *bytes;
      }
    }
    if (!key || !value) return false;
    AddItem(*key, *value);
    return true;
  }

  absl::Status AddVector(const JsonField& field, bool is_base64) {
    if (is_base64) {
      const auto bytes = FromBase64(field, field.name, arena_);
      if (!bytes.ok()) return bytes.status();
      arguments_.push_back("FP32");
      arguments_.push_back(*bytes);
      return absl::OkStatus();
    }
    std::vector<JsonField> numbers;
    if (field.kind != Kind::kArray) return Wrong(field.name, "an array of numbers");
    if (absl::Status status = ReadJsonArray(field.text, arena_, numbers); !status.ok()) {
      return status;
    }
    std::string count;
    AppendInteger(count, static_cast<int64_t>(numbers.size()));
    arguments_.push_back("VALUES");
    arguments_.push_back(arena_.Copy(count));
    for (const JsonField& number : numbers) {
      if (number.kind != Kind::kNumber) return Wrong(field.name, "an array of numbers");
      arguments_.push_back(number.text);
    }
    return absl::OkStatus();
  }

  const Command& command_;
  Arena& arena_;
  std::vector<std::string_view>& arguments_;
  const bool holds_values_;
  std::array<Given, kParametersMax> given_{};
  std::vector<JsonField> members_;  // of the item at hand
  std::string_view token_;          // before each item
};

}  // namespace

bool HoldsJsonValues(const Command& command) {
  return std::binary_search(std::begin(kValueCommands), std::end(kValueCommands), command.name);
}

absl::Status BindJson(std::span<const JsonField> fields, const Command& command, Arena& arena,
                      Request& request) {
  request.args.clear();
  return Binder(command, arena, request.args).Bind(fields);
}

absl::Status BindJson(std::string_view json_object, const Command& command, Arena& arena,
                      Request& request) {
  std::vector<JsonField> fields;
  if (absl::Status status = ReadJsonObject(json_object, arena, fields); !status.ok()) {
    return status;
  }
  return BindJson(fields, command, arena, request);
}

}  // namespace kvserver
