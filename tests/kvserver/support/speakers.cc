#include "kvserver/support/speakers.h"

#include <doctest/doctest.h>

#include <optional>
#include <span>
#include <utility>

#include "base/arena.h"
#include "base/base64.h"
#include "base/numbers.h"
#include "base/utf8.h"
#include "command/table.h"
#include "kvserver/support/http_client.h"
#include "kvserver/support/test_server.h"
#include "protocol/http_routes.h"
#include "protocol/json_binding.h"
#include "protocol/json_reader.h"
#include "protocol/json_value.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string>;

std::string Printable(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

// RESP.

// The value at the beginning of `reply`, which is taken away.
std::string RespAnswer(std::string_view& reply) {
  const size_t end = reply.find("\r\n");
  const char type = reply[0];
  const std::string_view line = reply.substr(1, end - 1);
  reply.remove_prefix(end + 2);
  if (type == '-') return "!" + std::string(line);
  if (type == '+' || type == ':') return std::string(line);
  const int64_t count = ParseInteger(line).value();
  if (count < 0) return "(nil)";
  if (type == '$') {
    const std::string text = Printable(reply.substr(0, static_cast<size_t>(count)));
    reply.remove_prefix(static_cast<size_t>(count) + 2);
    return text;
  }
  REQUIRE(type == '*');
  std::string list = "[";
  for (int64_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + RespAnswer(reply);
  return list + "]";
}

class RespSpeaker : public Speaker {
 public:
  RespSpeaker(uint16_t port, bool is_inline) : client_(port), is_inline_(is_inline) {}

  std::optional<std::string> Ask(const Words& words) override {
    client_.Send(is_inline_ ? Line(words) : RespRequest(words));
    const std::string reply = client_.ReadReply();
    std::string_view rest = reply;
    std::string answer = RespAnswer(rest);
    CHECK(rest.empty());
    return answer;
  }

 private:
  static std::string Line(const Words& words) {
    std::string line;
    for (const std::string& word : words) {
      line += '"';
      for (const char c : word) {
        if (c == '"' || c == '\\') line += '\\';
        line += c == '\\' || c == '"' ? std::string(1, c) : Printable({&c, 1});
      }
      line += "\" ";
    }
    // The first word decides what the connection speaks.
    return line.substr(1, words[0].size()) + line.substr(words[0].size() + 2) + "\r\n";
  }

  TestClient client_;
  const bool is_inline_;
};

// JSON.

std::string JsonString(std::string_view text) {
  std::string json;
  AppendJsonString(json, text);
  return json;
}

// The member for one word or more; nullopt: they do not fit the parameter.
std::optional<std::string> Member(const Parameter& parameter, bool is_value,
                                  std::span<const std::string> words) {
  bool is_utf8 = true;
  for (const std::string& word : words) is_utf8 &= IsUtf8(word);
  const auto one = [&](std::string_view word) {
    std::string json;
    if (!is_utf8) {
      AppendBase64(json, word);
      return JsonString(json);
    }
    if (is_value) {
      AppendStored(json, word);
      return json;
    }
    const bool is_number =
        parameter.type != Parameter::kBytes && parameter.type != Parameter::kKey && IsJson(word);
    return is_number ? std::string(word) : JsonString(word);
  };
  std::string member = JsonString(std::string(parameter.name) + (is_utf8 ? "" : "_b64")) + ":";
  if (parameter.type == Parameter::kItems) {
    if (!is_utf8 || words.size() % 2 != 0) return std::nullopt;
    member += '{';
    for (size_t i = 0; i < words.size(); i += 2) {
      member += (i == 0 ? "" : ",") + JsonString(words[i]) + ":";
      AppendStored(member, words[i + 1]);
    }
    return member + "}";
  }
  if ((parameter.type == Parameter::kInteger || parameter.type == Parameter::kUnixTime) &&
      !ParseInteger(words[0])) {
    return std::nullopt;
  }
  if (words.size() == 1) return member + one(words[0]);
  member += '[';
  for (const std::string& word : words) member += (&word == words.data() ? "" : ",") + one(word);
  return member + "]";
}

// The words by the names of the command's row; nullopt: they do not fit it.
std::optional<std::string> Members(const Words& words) {
  const Command* const command = FindCommand(words[0]);
  if (command == nullptr || command->run == nullptr) return std::nullopt;
  std::string members;
  size_t at = 1;
  for (const Parameter& parameter : command->parameters) {
    if (!parameter.token.empty()) continue;
    if (at == words.size()) {
      if (!parameter.optional) return std::nullopt;
      continue;
    }
    const bool takes_all = parameter.many || parameter.type == Parameter::kItems;
    const size_t count = takes_all ? words.size() - at : 1;
    const bool is_value = HoldsJsonValues(*command) && parameter.type == Parameter::kBytes;
    const auto member = Member(parameter, is_value, std::span(words).subspan(at, count));
    if (!member) return std::nullopt;
    members += "," + *member;
    at += count;
  }
  while (at < words.size()) {
    const Parameter* found = nullptr;
    for (const Parameter& parameter : command->parameters) {
      if (!parameter.token.empty() && parameter.token == words[at]) found = &parameter;
    }
    if (found == nullptr) return std::nullopt;
    ++at;
    if (found->type == Parameter::kFlag) {
      members += "," + JsonString(found->name) + ":true";
      continue;
    }
    if (at == words.size()) return std::nullopt;
    const auto member = Member(*found, false, std::span(words).subspan(at, 1));
    if (!member) return std::nullopt;
    members += "," + *member;
    ++at;
  }
  return members;
}

std::string FromBase64(std::string_view text) {
  std::string bytes(Base64BytesMax(text), '\0');
  const auto count = DecodeBase64(text, bytes.data());
  REQUIRE(count.has_value());
  return Printable(std::string_view(bytes).substr(0, *count));
}

std::string JsonAnswer(const JsonField& field) {
  Arena arena;
  std::vector<JsonField> fields;
  switch (field.kind) {
    case JsonField::kNull:
      return "(nil)";
    case JsonField::kString:
      return Printable(field.text);
    case JsonField::kArray: {
      REQUIRE(ReadJsonArray(field.text, arena, fields).ok());
      std::string list = "[";
      for (const JsonField& element : fields) {
        list += (&element == fields.data() ? "" : ",") + JsonAnswer(element);
      }
      return list + "]";
    }
    case JsonField::kObject:
      REQUIRE(ReadJsonObject(field.text, arena, fields).ok());
      if (fields.size() == 3 && fields[1].name == "code") {
        return "!" + std::string(fields[1].text) + " " + std::string(fields[2].text);
      }
      if (fields.size() == 1 && fields[0].name == "b64") return FromBase64(fields[0].text);
      return std::string(field.text);
    default:
      return std::string(field.text);
  }
}

// The answer in a whole reply, whether it echoes an id or not.
std::string ReplyAnswer(std::string_view reply, const Words& words) {
  Arena arena;
  std::vector<JsonField> all;
  REQUIRE_MESSAGE(ReadJsonObject(reply, arena, all).ok(), reply);
  const size_t skipped = all.size() > 0 && all[0].name == "id" ? 1 : 0;
  REQUIRE(all.size() >= skipped + 2);
  const auto fields = std::span(all).subspan(skipped);
  if (fields[0].text == "error") {
    REQUIRE(fields.size() == 3);
    return "!" + std::string(fields[1].text) + " " + std::string(fields[2].text);
  }
  CHECK(fields[0].text == "ok");
  if (fields[1].name.ends_with("_b64")) return FromBase64(fields[1].text);
  // A stored array is a value, not a list of answers.
  const bool is_value = fields[1].name == "val" || words[0] == "GET";
  if (is_value && fields[1].kind == JsonField::kArray) return std::string(fields[1].text);
  return JsonAnswer(fields[1]);
}

class JsonSpeaker : public Speaker {
 public:
  JsonSpeaker(uint16_t port, bool is_framed, bool by_name)
      : client_(port), is_framed_(is_framed), by_name_(by_name) {}

  std::optional<std::string> Ask(const Words& words) override {
    const std::string id = std::to_string(++id_);
    Send("{\"id\":" + id + ",\"" + (is_framed_ ? "cmd" : "command") + "\":" + JsonString(words[0]) +
         Arguments(words) + "}");
    const std::string reply = Receive();
    CHECK(reply.starts_with("{\"id\":" + id + ",\"status\":"));
    return ReplyAnswer(reply, words);
  }

 private:
  std::string Arguments(const Words& words) const {
    const std::optional<std::string> members = by_name_ ? Members(words) : std::nullopt;
    if (members) return *members;
    std::string arguments = ",\"args\":[";
    for (size_t i = 1; i < words.size(); ++i) {
      // Other bytes go by name only.
      if (!IsUtf8(words[i])) return Members(words).value();
      arguments += (i == 1 ? "" : ",") + JsonString(words[i]);
    }
    return arguments + "]";
  }

  void Send(const std::string& json) {
    if (!is_framed_) return client_.Send(json + "\n");
    std::string length;
    for (int shift = 24; shift >= 0; shift -= 8) length += static_cast<char>(json.size() >> shift);
    client_.Send(length + json);
  }

  std::string Receive() {
    if (!is_framed_) return client_.ReadLine();
    size_t length = 0;
    for (const char c : client_.Read(4)) length = length << 8 | static_cast<unsigned char>(c);
    return client_.Read(length);
  }

  TestClient client_;
  const bool is_framed_, by_name_;
  int id_ = 0;
};

// HTTP: the routes of values where they say the same, else any command by the names of its row.
class HttpSpeaker : public Speaker {
 public:
  explicit HttpSpeaker(uint16_t port) : client_(port) {}

  std::optional<std::string> Ask(const Words& words) override {
    const bool has_key = words.size() >= 2 && !words[1].empty();
    if (words[0] == "GET" && words.size() == 2 && has_key) return Get(words[1]);
    if (words[0] == "SET" && words.size() == 3 && has_key) {
      const HttpAnswer answer = client_.Ask("PUT", Target(words[1]), words[2]);
      return answer.status == 204 ? "OK" : ReplyAnswer(answer.body, words);
    }
    if (words[0] == "DEL" && words.size() == 2 && has_key) {
      const HttpAnswer answer = client_.Ask("DELETE", Target(words[1]));
      if (answer.status == 404) return "0";
      return answer.status == 204 ? "1" : ReplyAnswer(answer.body, words);
    }
    return AskCommand(words);
  }

 private:
  static std::string Target(std::string_view key) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string target = "/v1/kv/";
    for (const char c : key) {
      const auto byte = static_cast<unsigned char>(c);
      target += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
    return target;
  }

  std::string Get(const std::string& key) {
    const HttpAnswer answer = client_.Ask("GET", Target(key));
    if (answer.status == 404) return "(nil)";
    return answer.status == 200 ? Printable(answer.body) : ReplyAnswer(answer.body, {"GET", key});
  }

  std::optional<std::string> AskCommand(const Words& words) {
    std::string members;
    if (const Command* const command = FindCommand(words[0]); command != nullptr) {
      if (command->run == nullptr || !RunsOverHttp(*command)) return std::nullopt;
      const std::optional<std::string> named = Members(words);
      if (!named) return std::nullopt;
      members = *named;
    }
    const HttpAnswer answer =
        client_.PostJson("/v1/command", "{\"command\":" + JsonString(words[0]) + members + "}");
    return ReplyAnswer(answer.body, words);
  }

  HttpClient client_;
};

template <class Kind, class... Options>
SpeakerMaker Maker(std::string_view protocol, Options... options) {
  return {protocol, [=](uint16_t port) { return std::make_unique<Kind>(port, options...); }};
}

}  // namespace

const std::vector<SpeakerMaker>& AllSpeakers() {
  static const std::vector<SpeakerMaker> speakers = {
      Maker<RespSpeaker>("RESP", false),
      Maker<RespSpeaker>("RESP inline", true),
      Maker<JsonSpeaker>("line JSON", false, true),
      Maker<JsonSpeaker>("line JSON by position", false, false),
      Maker<JsonSpeaker>("framed JSON", true, true),
      Maker<HttpSpeaker>("HTTP"),
  };
  return speakers;
}

}  // namespace kvserver
