#include "protocol/json_protocol.h"

#include <algorithm>

#include "command/table.h"
#include "command/unsupported.h"
#include "protocol/json_binding.h"
#include "protocol/json_value.h"

namespace kvserver {
namespace {

constexpr std::string_view kBadJson = "BADJSON", kBadArgument = "BADARG", kTooBig = "TOOBIG";
constexpr size_t kQuotedBytesMax = 64;
constexpr size_t kFieldsKept = 1'024;  // room that is kept from request to request

// They change how replies look, which is fixed here; or what has members of its own here.
constexpr std::string_view kRespOnly[] = {"hello", "kv.with", "monitor"};

// "CLIENT LIST" is the row "client|list".
const Command* FindByName(std::string_view name) {
  const size_t space = name.find(' ');
  if (space == std::string_view::npos) return FindCommand(name);
  std::string joined(name.substr(0, kQuotedBytesMax));
  if (space < joined.size()) joined[space] = '|';
  return FindCommand(joined);
}

std::string UnknownCommand(std::string_view name) {
  const std::string why = WhyUnsupported(name);  // "ERR ..."
  if (!why.empty()) return why.substr(why.find(' ') + 1);
  return "unknown command '" + std::string(name.substr(0, kQuotedBytesMax)) + "'";
}

}  // namespace

Protocol::Next JsonProtocol::Refuse(std::string_view code, const absl::Status& status) {
  if (session_.in_multi) session_.multi_failed = true;
  const bool has_code = status.code() == absl::StatusCode::kNotFound;  // an unknown command
  writer_.Refuse(has_code ? "ERR" : code, std::string(status.message()));
  return Next::kAnswered;
}

Protocol::Next JsonProtocol::RefuseLength() {
  writer_.Expect("");
  writer_.Refuse(kTooBig, "a request is 64 MiB at most");
  return Next::kClose;
}

Protocol::Next JsonProtocol::ReadRequest(std::string_view json, Request& request) {
  if (own_durability_) session_.durability = *own_durability_;
  own_durability_.reset();
  id_.clear();
  writer_.Expect("");
  arena_.Clear();
  for (std::vector<JsonField>* fields : {&fields_, &members_}) {
    if (fields->capacity() > kFieldsKept) *fields = {};
  }
  if (absl::Status status = ReadJsonObject(json, arena_, fields_); !status.ok()) {
    return Refuse(kBadJson, status);
  }
  if (absl::Status status = MakeRequest(request); !status.ok()) {
    return Refuse(kBadArgument, status);
  }
  return Next::kRequest;
}

absl::Status JsonProtocol::MakeRequest(Request& request) {
  Envelope envelope;
  members_.clear();
  for (const JsonField& field : fields_) {
    if (field.name == dialect_.command_member) {
      envelope.command = &field;
    } else if (field.name == "id") {
      envelope.id = &field;
    } else if (field.name == "durability") {
      envelope.durability = &field;
    } else if (field.name == "w") {
      envelope.write_level = &field;
    } else if (field.name == "r") {
      envelope.read_level = &field;
    } else if (field.name == "session") {
      envelope.session = &field;
    } else if (field.name == "request_id") {
      envelope.request_id = &field;
    } else if (field.name == "args") {
      envelope.arguments = &field;
    } else {
      members_.push_back(field);
    }
  }
  if (envelope.id != nullptr) {
    if (absl::Status status = TakeId(*envelope.id); !status.ok()) return status;
  }
  if (envelope.command == nullptr || envelope.command->kind != JsonField::kString) {
    return absl::InvalidArgumentError("'" + std::string(dialect_.command_member) +
                                      "' must be the name of a command");
  }
  if (envelope.durability != nullptr) {
    if (absl::Status status = TakeDurability(*envelope.durability); !status.ok()) return status;
  }
  if (absl::Status status = TakeDemands(envelope); !status.ok()) return status;
  if (envelope.arguments != nullptr) {
    return TakeArguments(*envelope.command, *envelope.arguments, request);
  }

  const std::string_view name = envelope.command->text;
  const JsonVerb* const verb = FindVerb(dialect_, name, members_);
  std::string_view command_name = verb != nullptr ? verb->command : name;
  if (session_.in_multi && verb != nullptr && !verb->command_in_multi.empty()) {
    command_name = verb->command_in_multi;
  }
  const Command* const command = FindByName(command_name);
  if (command == nullptr || command->run == nullptr) {
    return absl::NotFoundError(UnknownCommand(name));
  }
  if (std::count(std::begin(kRespOnly), std::end(kRespOnly), command->name) > 0) {
    return absl::NotFoundError("'" + std::string(command->name) + "' is for RESP only");
  }
  if (verb != nullptr) {
    for (JsonField& member : members_) {
      const auto rename =
          std::find_if(verb->renames.begin(), verb->renames.end(),
                       [&](const JsonVerb::Rename& row) { return row.from == member.name; });
      if (rename != verb->renames.end()) member.name = rename->to;
    }
    for (const JsonField& constant : verb->constants) {
      const bool is_given =
          std::any_of(members_.begin(), members_.end(),
                      [&](const JsonField& member) { return member.name == constant.name; });
      if (!is_given) members_.push_back(constant);
    }
    writer_.Expect(id_, verb->result_name, verb->shape);
  }
  return BindJson(members_, *command, arena_, request);
}

absl::Status JsonProtocol::TakeId(const JsonField& field) {
  if (field.text.size() > kIdBytesMax) {
    return absl::InvalidArgumentError("'id' is 1024 bytes at most");
  }
  if (field.kind == JsonField::kString) {
    AppendJsonString(id_, field.text);
  } else {
    id_ = field.text;
  }
  writer_.Expect(id_);
  return absl::OkStatus();
}

absl::Status JsonProtocol::TakeDurability(const JsonField& field) {
  using libkv::Durability;
  std::optional<Durability> asked;
  if (field.kind == JsonField::kString) {
    if (field.text == "synced") asked = Durability::kSynced;
    if (field.text == "written") asked = Durability::kWritten;
    if (field.text == "buffered") asked = Durability::kBuffered;
  }
  if (!asked) return absl::InvalidArgumentError("'durability' must be synced, written or buffered");
  own_durability_ = session_.durability;
  session_.durability = *asked;
  return absl::OkStatus();
}

absl::Status JsonProtocol::TakeDemands(const Envelope& envelope) {
  Demands& demands = session_.demands;
  const auto read_level = [](const JsonField* field, std::optional<cluster::Level>* level) {
    if (field == nullptr) return true;
    if (field->kind == JsonField::kString) *level = ReadLevel(field->text);
    return level->has_value();
  };
  if (!read_level(envelope.write_level, &demands.write_level)) {
    return absl::InvalidArgumentError("'w' must be one, quorum or all");
  }
  if (!read_level(envelope.read_level, &demands.read_level)) {
    return absl::InvalidArgumentError("'r' must be one, quorum or all");
  }
  if (envelope.session != nullptr) {
    if (envelope.session->kind != JsonField::kString) {
      return absl::InvalidArgumentError("'session' must be a token, or \"\" to begin");
    }
    demands.session = envelope.session->text;
  }
  if (envelope.request_id == nullptr) return absl::OkStatus();
  const std::string_view id = envelope.request_id->text;
  if (envelope.request_id->kind != JsonField::kString || id.empty() ||
      id.size() > kRequestIdBytesMax) {
    return absl::InvalidArgumentError("'request_id' must be a string of 1 to 128 bytes");
  }
  demands.request_id = id;
  return absl::OkStatus();
}

// Arguments by position, as words.
absl::Status JsonProtocol::TakeArguments(const JsonField& command, const JsonField& arguments,
                                         Request& request) {
  if (!members_.empty()) {
    return absl::InvalidArgumentError("'args' and '" +
                                      std::string(members_[0].name.substr(0, kQuotedBytesMax)) +
                                      "': give arguments by position or by name, not both");
  }
  constexpr char kMustBe[] = "'args' must be an array of strings, numbers and booleans";
  if (arguments.kind != JsonField::kArray) return absl::InvalidArgumentError(kMustBe);
  if (absl::Status status = ReadJsonArray(arguments.text, arena_, members_); !status.ok()) {
    return status;
  }
  request.args.clear();
  const size_t space = command.text.find(' ');
  request.args.push_back(command.text.substr(0, space));
  if (space != std::string_view::npos) request.args.push_back(command.text.substr(space + 1));
  for (const JsonField& argument : members_) {
    if (argument.kind != JsonField::kString && argument.kind != JsonField::kNumber &&
        argument.kind != JsonField::kBool) {
      return absl::InvalidArgumentError(kMustBe);
    }
    request.args.push_back(argument.text);
  }
  const Command* const row = FindCommand(request.args[0]);
  if (row != nullptr && std::count(std::begin(kRespOnly), std::end(kRespOnly), row->name) > 0) {
    return absl::NotFoundError("'" + std::string(row->name) + "' is for RESP only");
  }
  return absl::OkStatus();
}

}  // namespace kvserver
