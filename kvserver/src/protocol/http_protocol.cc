#include "protocol/http_protocol.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/numbers.h"
#include "command/table.h"
#include "protocol/http_safety.h"
#include "protocol/json_binding.h"
#include "protocol/metrics.h"
#include "protocol/openapi.h"
#include "protocol/web_files.h"

namespace kvserver {
namespace {

using Next = Protocol::Next;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kNoStore = "Cache-Control: no-store\r\n";
constexpr int64_t kTtlMax = int64_t{1} << 53;

bool IsRead(std::string_view method) { return method == "GET" || method == "HEAD"; }

// Of either alphabet, padded or not: URLs come in all spellings.
std::optional<std::string> FromBase64(std::string text) {
  for (char& c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  while (text.size() % 4 != 0) text += '=';
  std::string bytes(Base64BytesMax(text), '\0');
  const std::optional<size_t> count = DecodeBase64(text, bytes.data());
  if (!count) return std::nullopt;
  bytes.resize(*count);
  return bytes;
}

// The parameter that holds keys with their values.
const Parameter* ItemsOf(const Command& command) {
  for (const Parameter& parameter : command.parameters) {
    if (parameter.type == Parameter::kItems) return &parameter;
  }
  return nullptr;
}

std::string_view WithoutSpace(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

}  // namespace

Next HttpProtocol::Parse(std::string_view input, size_t& used, Request& request) {
  switch (parser_.Parse(input, used)) {
    case HttpParser::Result::kMore:
      return Next::kMore;
    case HttpParser::Result::kContinue:
      reply_.output() += kContinue;
      return Next::kMore;
    case HttpParser::Result::kError:
      reply_.Start({.closes = true});
      reply_.AnswerError(parser_.error_status(), "ERR", parser_.error());
      return Next::kClose;
    case HttpParser::Result::kRequest:
      break;
  }
  const HttpRequest& http = parser_.request();
  of_ = {.is_head = http.method == "HEAD",
         .closes = !http.keep_alive,
         .is_old = http.minor_version == 0};
  reply_.Start(of_);
  arena_.Clear();
  request.args.clear();
  const Next next = Handle(request);
  reply_.Start(of_);
  return next;
}

void HttpProtocol::RefuseLate() {
  reply_.Start({.closes = true});
  reply_.AnswerError(408, "ERR", "the rest of the request did not come in time");
}

Next HttpProtocol::Refuse(int status, std::string_view code, std::string_view message,
                          std::string_view fields) {
  reply_.AnswerError(status, code, message, fields);
  return Next::kAnswered;
}

Next HttpProtocol::Handle(Request& request) {
  const HttpRequest& http = parser_.request();
  if (!IsAllowed()) return Next::kAnswered;
  auto query = ParseQuery(http.query);
  if (!query) return Refuse(400, "ERR", "the query of the URL is malformed");
  query_ = *std::move(query);
  const RouteMatch match = FindRoute(http.method, http.path);
  if (match.route != nullptr) return Route(*match.route, match.rest, request);
  if (match.allowed.empty()) return Refuse(404, "NOTFOUND", "no such path; /docs lists them");
  const std::string fields = "Allow: " + match.allowed + "\r\n";
  return Refuse(405, "ERR", "this path takes " + match.allowed, fields);
}

// Writes the refusal and answers false when the request may come from somebody else's page.
bool HttpProtocol::IsAllowed() {
  const HttpRequest& http = parser_.request();
  if (!http.host.empty() || http.minor_version == 1) {
    if (!IsHostAllowed(http.host, node_.settings().fixed.allowed_hosts)) {
      Refuse(421, "NOPERM", "this host name is not served here; see --allowed-hosts");
      return false;
    }
  }
  if (!IsRead(http.method) && !http.origin.empty() && !IsSameOrigin(http.origin, http.host)) {
    Refuse(403, "NOPERM", "pages of other servers may not change anything here");
    return false;
  }
  return true;
}

Next HttpProtocol::Route(const kvserver::Route& route, std::string_view rest, Request& request) {
  using Action = kvserver::Route::Action;
  if (route.action == Action::kAnyCommand) return AnyCommand(request);
  const Command* const command = CommandOf(route);
  if (command == nullptr) {
    if (route.command.empty() || route.action == Action::kFile) return AnswerAtOnce(route);
    return Refuse(501, "ERR", "this server does not have " + std::string(route.command));
  }
  session_.durability = node_.settings().durability.load(std::memory_order_relaxed);
  if (!TakeDemands(*command)) return Next::kAnswered;
  switch (route.action) {
    case Action::kGetValue:
    case Action::kPutValue:
    case Action::kDeleteValue:
      return KeyRequest(route, rest, request);
    case Action::kQuery:
      return QueryRequest(*command, request);
    case Action::kBulk:
      return BulkRequest(*command, request);
    default:
      return BodyRequest(*command, request);
  }
}

Next HttpProtocol::AnswerAtOnce(const kvserver::Route& route) {
  using Action = kvserver::Route::Action;
  switch (route.action) {
    case Action::kMetrics:
      reply_.Answer(200, "text/plain; version=0.0.4; charset=utf-8", MetricsText(node_), kNoStore);
      break;
    case Action::kLive:
      reply_.Answer(200, "text/plain; charset=utf-8",
                    FindParameter(query_, "verbose") != nullptr ? "[+]event loop ok\nok\n" : "ok\n",
                    kNoStore);
      break;
    case Action::kReady: {
      const auto status = node_.store().GetExpiry({}, "ready").status();
      const bool has_store = status.ok() || absl::IsNotFound(status);
      Replication* const replication = node_.replication();
      const bool is_ready = has_store && (replication == nullptr || replication->is_ready());
      std::string body;
      if (!is_ready || FindParameter(query_, "verbose") != nullptr) {
        body = has_store ? "[+]store ok\n" : "[-]store " + std::string(status.message()) + "\n";
        if (replication != nullptr) {
          body += replication->is_ready() ? "[+]cluster ok\n"
                                          : "[-]cluster catching up with the other nodes\n";
        }
        // Words and vectors change in the commit of their value: there is nothing to wait for.
        body += is_ready ? "[+]search ok\n" : "";
      }
      reply_.Answer(is_ready ? 200 : 503, "text/plain; charset=utf-8",
                    body + (is_ready ? "ok\n" : "not ready\n"), kNoStore);
      break;
    }
    case Action::kOpenApi:
      reply_.Answer(200, "application/json", OpenApiDocument(), "Cache-Control: no-cache\r\n");
      break;
    default:
      return AnswerFile(route.command);
  }
  return Next::kAnswered;
}

Next HttpProtocol::AnswerFile(std::string_view name) {
  const WebFile* const file = FindWebFile(name);
  if (file == nullptr) return Refuse(404, "NOTFOUND", "no such page");
  const HttpRequest& http = parser_.request();
  const bool is_packed = !file->packed.empty() &&
                         http.accept_encoding.find("gzip") != std::string_view::npos &&
                         http.accept_encoding.find("gzip;q=0") == std::string_view::npos;
  // One tag per form of the content, as they differ byte by byte.
  const std::string tag = file->tag + (is_packed ? "z" : "");
  std::string fields =
      "ETag: \"" + tag + "\"\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\n";
  if (!http.if_none_match.empty() && HasTag(http.if_none_match, tag, true)) {
    reply_.Answer(304, "", "", fields);
    return Next::kAnswered;
  }
  if (is_packed) fields += "Content-Encoding: gzip\r\n";
  reply_.Answer(200, file->content_type, is_packed ? file->packed : file->plain, fields);
  return Next::kAnswered;
}

Next HttpProtocol::KeyRequest(const kvserver::Route& route, std::string_view rest,
                              Request& request) {
  using Action = kvserver::Route::Action;
  const HttpRequest& http = parser_.request();
  if (!TakeKey(rest)) return Next::kAnswered;
  request.args.assign({route.command, key_});
  if (route.action == Action::kGetValue) {
    of_.shape = HttpShape::kValue;
    if (const std::string* const conflict = FindParameter(query_, "conflict")) {
      if (*conflict == "siblings") of_.shape = HttpShape::kJson;
      request.args.push_back("CONFLICT");
      request.args.push_back(*conflict);
    }
    of_.if_match = http.if_match;
    of_.if_none_match = http.if_none_match;
    return Next::kRequest;
  }
  of_.shape = route.action == Action::kPutValue ? HttpShape::kStored : HttpShape::kDeleted;
  if (!TakeDurability()) return Next::kAnswered;
  if (route.action == Action::kPutValue) {
    if (!http.has_length) return Refuse(411, "ERR", "a value needs Content-Length, even of 0");
    if (http.body.size() > libkv::kValueBytesMax) {
      return Refuse(413, "ERR", "the value is longer than 64 MiB");
    }
    request.args.push_back(http.body);
    if (!AddExpiry(request)) return Next::kAnswered;
  }
  return AddCondition(route, request) ? Next::kRequest : Next::kAnswered;
}

bool HttpProtocol::TakeKey(std::string_view rest) {
  std::optional<std::string> key = PercentDecode(rest);
  if (const std::string* const encoding = FindParameter(query_, "enc"); key && encoding) {
    if (*encoding != "b64") {
      Refuse(400, "ERR", "the only encoding of keys is b64");
      return false;
    }
    key = FromBase64(*std::move(key));
  }
  if (!key) {
    Refuse(400, "ERR", "the key in the path is malformed");
    return false;
  }
  key_ = *std::move(key);
  return true;
}

bool HttpProtocol::TakeDurability() {
  const std::string* const given = FindParameter(query_, "durability");
  if (given == nullptr) return true;
  if (*given == "synced") {
    session_.durability = libkv::Durability::kSynced;
  } else if (*given == "written") {
    session_.durability = libkv::Durability::kWritten;
  } else if (*given == "buffered") {
    session_.durability = libkv::Durability::kBuffered;
  } else {
    Refuse(400, "ERR", "durability is synced, written or buffered");
    return false;
  }
  return true;
}

bool HttpProtocol::TakeLevel(std::string_view name, std::optional<cluster::Level>* level) {
  const std::string* const given = FindParameter(query_, name);
  if (given == nullptr) return true;
  *level = ReadLevel(*given);
  if (*level) return true;
  Refuse(400, "ERR", std::string(name) + " is one, quorum or all");
  return false;
}

// What the request asks for beside its command: ?w=, ?r= and header fields.
bool HttpProtocol::TakeDemands(const Command& command) {
  const HttpRequest& http = parser_.request();
  Demands& demands = session_.demands;
  if (!TakeLevel("w", &demands.write_level) || !TakeLevel("r", &demands.read_level)) return false;
  // Each request stands for itself: a proxy may send those of many clients over this connection.
  session_.written = {};
  if (http.session) {
    demands.session = *http.session;
  } else if (command.has(kWrite) && node_.replication() != nullptr) {
    demands.session = "";
  }
  std::string_view id = http.idempotency_key;
  // A string of structured fields (RFC 8941) stands in quotes.
  if (id.size() > 2 && id.front() == '"' && id.back() == '"') id = id.substr(1, id.size() - 2);
  demands.request_id = id;
  return true;
}

// "60", "60s" or "1500ms".
bool HttpProtocol::AddExpiry(Request& request) {
  const std::string* const given = FindParameter(query_, "ttl");
  if (given == nullptr) return true;
  std::string_view text = *given;
  int64_t unit = 1'000;
  if (text.ends_with("ms")) {
    unit = 1;
    text.remove_suffix(2);
  } else if (text.ends_with("s")) {
    text.remove_suffix(1);
  }
  const auto count = ParseInteger(text);
  if (!count || *count <= 0 || *count > kTtlMax / unit) {
    Refuse(400, "ERR", "ttl is a number of seconds, or with ms behind, of milliseconds");
    return false;
  }
  ttl_ms_ = std::to_string(*count * unit);
  request.args.insert(request.args.end(), {"PX", ttl_ms_});
  return true;
}

// If-Match: "tag", If-Match: *, and for values that are set If-None-Match: *. Other conditions
// cannot be kept, and so the write is refused.
bool HttpProtocol::AddCondition(const kvserver::Route& route, Request& request) {
  const HttpRequest& http = parser_.request();
  std::string_view tag = http.if_match;
  if (!http.if_none_match.empty()) {
    if (http.if_none_match != "*" || !tag.empty() || route.action != kvserver::Route::kPutValue) {
      Refuse(400, "ERR", "a write takes If-Match or, to set a value, If-None-Match: *");
      return false;
    }
    request.args.push_back("IFABSENT");
    return true;
  }
  if (tag.empty()) return true;
  if (tag.starts_with("W/")) {
    Refuse(412, "VERSIONMISMATCH", "a weak ETag never matches");
    return false;
  }
  if (tag.size() > 2 && tag.front() == '"' && tag.find('"', 1) == tag.size() - 1) {
    tag = tag.substr(1, tag.size() - 2);
  } else if (tag != "*") {
    Refuse(400, "ERR", "If-Match takes one ETag, or *");
    return false;
  }
  request.args.insert(request.args.end(), {"IFVERSION", tag});
  return true;
}

Next HttpProtocol::Bind(const Command& command, std::span<const JsonField> fields,
                        Request& request) {
  if (absl::Status status = BindJson(fields, command, arena_, request); !status.ok()) {
    return Refuse(400, "ERR", std::string(status.message()));
  }
  return Next::kRequest;
}

Next HttpProtocol::QueryRequest(const Command& command, Request& request) {
  fields_.clear();
  for (const auto& [name, value] : query_) {
    if (name == "w" || name == "r") continue;  // see TakeDemands
    fields_.push_back({.kind = JsonField::kString, .name = name, .text = value});
  }
  return Bind(command, fields_, request);
}

// Writes the refusal, and answers false, when the body is not announced as JSON: a form of another
// server's page could have sent it.
bool HttpProtocol::IsJson() {
  if (IsMediaType(parser_.request().content_type, "application/json")) return true;
  Refuse(415, "ERR", "send Content-Type: application/json");
  return false;
}

Next HttpProtocol::BodyRequest(const Command& command, Request& request) {
  if (!IsJson()) return Next::kAnswered;
  fields_.clear();
  const std::string_view body = WithoutSpace(parser_.request().body);
  if (!body.empty()) {
    if (absl::Status status = ReadJsonObject(body, arena_, fields_); !status.ok()) {
      return Refuse(400, "ERR", std::string(status.message()));
    }
  }
  return Bind(command, fields_, request);
}

Next HttpProtocol::BulkRequest(const Command& command, Request& request) {
  const bool is_lines = IsMediaType(parser_.request().content_type, "application/x-ndjson");
  if (!is_lines && !IsJson()) return Next::kAnswered;
  if (!TakeDurability()) return Next::kAnswered;
  const Parameter* const items = ItemsOf(command);
  std::string_view body = WithoutSpace(parser_.request().body);
  if (is_lines) {
    // Line ends stand between JSON values only, so that commas in their place make an array.
    bulk_ = "[";
    while (!body.empty()) {
      const size_t end = std::min(body.find('\n'), body.size());
      const std::string_view line = WithoutSpace(body.substr(0, end));
      body.remove_prefix(std::min(end + 1, body.size()));
      if (line.empty()) continue;
      if (bulk_.size() > 1) bulk_ += ',';
      bulk_ += line;
    }
    body = bulk_ += ']';
  }
  if (items == nullptr || body.empty() || (body[0] != '{' && body[0] != '[')) {
    return Refuse(400, "ERR", "the body is a JSON object, or an array of {key, value}");
  }
  const JsonField field{.kind = body[0] == '{' ? JsonField::kObject : JsonField::kArray,
                        .name = items->name,
                        .text = body};
  return Bind(command, std::span(&field, 1), request);
}

Next HttpProtocol::AnyCommand(Request& request) {
  if (!IsJson()) return Next::kAnswered;
  session_.durability = node_.settings().durability.load(std::memory_order_relaxed);
  fields_.clear();
  if (absl::Status status = ReadJsonObject(WithoutSpace(parser_.request().body), arena_, fields_);
      !status.ok()) {
    return Refuse(400, "ERR", std::string(status.message()));
  }
  const auto named = std::find_if(fields_.begin(), fields_.end(),
                                  [](const JsonField& field) { return field.name == "command"; });
  if (named == fields_.end() || named->kind != JsonField::kString) {
    return Refuse(400, "ERR", "'command' is missing: the name of a command");
  }
  std::string name(named->text.substr(0, 64));
  std::replace(name.begin(), name.end(), ' ', '|');  // "client list"
  fields_.erase(named);
  const Command* const command = FindCommand(name);
  if (command == nullptr || command->run == nullptr) {
    return Refuse(404, "ERR", "unknown command '" + name + "'");
  }
  if (!RunsOverHttp(*command)) {
    return Refuse(400, "ERR", "'" + name + "' is about a connection, and HTTP has none");
  }
  if (!TakeDemands(*command)) return Next::kAnswered;
  return Bind(*command, fields_, request);
}

}  // namespace kvserver
