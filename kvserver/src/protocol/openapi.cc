#include "protocol/openapi.h"

#include <map>
#include <vector>

#include "command/table.h"
#include "protocol/http_routes.h"
#include "protocol/json_value.h"

namespace kvserver {
namespace {

std::string Quote(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

std::string SchemaOf(Parameter::Type type) {
  switch (type) {
    case Parameter::kInteger:
    case Parameter::kUnixTime:
      return R"({"type":"integer"})";
    case Parameter::kNumber:
      return R"({"type":"number"})";
    case Parameter::kFlag:
      return R"({"type":"boolean"})";
    case Parameter::kVector:
      return R"({"type":"array","items":{"type":"number"}})";
    case Parameter::kItems:
      return R"({"type":"object","additionalProperties":true})";
    default:
      return R"({"type":"string"})";
  }
}

std::string SchemaOf(const Parameter& parameter) {
  const std::string one = SchemaOf(parameter.type);
  if (!parameter.many || parameter.type == Parameter::kItems) return one;
  return R"({"type":"array","items":)" + one + "}";
}

// The JSON object that a command's arguments are.
std::string BodySchema(const Command& command) {
  std::vector<std::string> properties, required;
  for (const Parameter& parameter : command.parameters) {
    properties.push_back(Quote(parameter.name) + ":" + SchemaOf(parameter));
    if (!parameter.optional && parameter.type != Parameter::kFlag) {
      required.push_back(Quote(parameter.name));
    }
  }
  return R"({"type":"object","properties":{)" + Join(properties) + R"(},"required":[)" +
         Join(required) + "]}";
}

std::string JsonContent(const std::string& schema) {
  return R"("content":{"application/json":{"schema":)" + schema + "}}";
}

std::string RequestBody(const Route& route) {
  switch (route.action) {
    case Route::kPutValue:
      return R"("requestBody":{"required":true,"content":{"application/octet-stream":{}}},)";
    case Route::kBody: {
      const Command& command = *CommandOf(route);
      return R"("requestBody":{)" + JsonContent(BodySchema(command)) + "},";
    }
    case Route::kBulk:
      return R"("requestBody":{"required":true,"content":{"application/json":{"schema":)"
             R"({"type":"object","additionalProperties":true}},"application/x-ndjson":{}}},)";
    case Route::kAnyCommand:
      return R"("requestBody":{"required":true,)" +
             JsonContent(R"({"type":"object","properties":{"command":{"type":"string"}},)"
                         R"("required":["command"],"additionalProperties":true})") +
             "},";
    default:
      return "";
  }
}

std::string Response(int status, std::string_view description, const std::string& content = "") {
  return "\"" + std::to_string(status) + R"(":{"description":)" + Quote(description) +
         (content.empty() ? "" : "," + content) + "}";
}

std::string Responses(const Route& route) {
  const std::string error = JsonContent(R"({"$ref":"#/components/schemas/Error"})");
  const std::string text = R"("content":{"text/plain":{}})";
  std::vector<std::string> all;
  switch (route.action) {
    case Route::kGetValue:
      all = {Response(200, "The value", R"("content":{"application/octet-stream":{}})"),
             Response(304, "It has the ETag of If-None-Match"), Response(404, "No such key", error),
             Response(412, "It has not the ETag of If-Match", error)};
      break;
    case Route::kPutValue:
      all = {Response(204, "Stored; the new ETag"),
             Response(412, "The condition did not hold; nothing is changed", error),
             Response(413, "Longer than 64 MiB", error)};
      break;
    case Route::kDeleteValue:
      all = {Response(204, "Deleted"), Response(404, "No such key", error),
             Response(412, "The condition did not hold; nothing is changed", error)};
      break;
    case Route::kMetrics:
    case Route::kLive:
      return Response(200, "Text", text);
    case Route::kReady:
      return Response(200, "Ready", text) + "," + Response(503, "Not ready", text);
    case Route::kOpenApi:
      return Response(200, "OpenAPI 3.1", R"("content":{"application/json":{}})");
    case Route::kFile:
      return Response(200, "A page", R"("content":{"text/html":{}})");
    default:
      all = {Response(200, "The result", JsonContent(R"({"$ref":"#/components/schemas/Result"})"))};
      break;
  }
  all.push_back(Response(400, "The request is wrong; the message says how", error));
  return Join(all);
}

std::string ParametersOf(const Route& route) {
  std::vector<std::string> all;
  for (const RouteParameter& parameter : route.parameters) {
    const bool is_path = parameter.in == RouteParameter::kPath;
    const std::string_view in = is_path                                  ? "path"
                                : parameter.in == RouteParameter::kQuery ? "query"
                                                                         : "header";
    all.push_back(R"({"name":)" + Quote(parameter.name) + R"(,"in":)" + Quote(in) +
                  R"(,"required":)" + (is_path ? "true" : "false") + R"(,"description":)" +
                  Quote(parameter.description) + R"(,"schema":)" + SchemaOf(parameter.type) + "}");
  }
  return Join(all);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// "getV1KvKey": no two routes have the same.
std::string OperationId(const Route& route) {
  std::string id = Lower(route.method);
  bool starts_word = true;
  for (const char c : route.path) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_letter) id += starts_word && c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    starts_word = !is_letter;
  }
  return id;
}

std::string_view TagOf(const Route& route) {
  if (route.path.starts_with("/v1/admin/")) return "maintenance";
  if (route.action == Route::kAnyCommand) return "commands";
  if (route.path.starts_with("/v1/kv/") || route.path == "/v1/bulk" || route.path == "/v1/keys") {
    return "values";
  }
  if (route.action == Route::kBody) return "search";
  return "server";
}

std::string Operation(const Route& route) {
  const Command* const command = CommandOf(route);
  const std::string_view summary =
      !route.summary.empty() || command == nullptr ? route.summary : command->summary;
  return Quote(Lower(route.method)) + R"(:{"operationId":)" + Quote(OperationId(route)) +
         R"(,"summary":)" + Quote(summary) + R"(,"tags":[)" + Quote(TagOf(route)) +
         R"(],"parameters":[)" + ParametersOf(route) + "]," + RequestBody(route) +
         R"("responses":{)" + Responses(route) + "}}";
}

// Files that belong to the pages are no operations.
bool IsListed(const Route& route) {
  if (route.action == Route::kFile) return !route.summary.empty();
  return route.command.empty() || CommandOf(route) != nullptr;
}

std::string CommandRow(const Command& command) {
  std::string name(command.name);
  for (char& c : name) {
    if (c == '|') c = ' ';
  }
  return R"({"name":)" + Quote(name) + R"(,"group":)" + Quote(command.group) + R"(,"summary":)" +
         Quote(command.summary) + R"(,"schema":)" + BodySchema(command) + "}";
}

std::string Make() {
  std::vector<std::string> paths;
  std::vector<std::string_view> done;
  std::map<std::string_view, std::vector<std::string>> operations;
  for (const Route& route : Routes()) {
    if (!IsListed(route)) continue;
    if (operations[route.path].empty()) done.push_back(route.path);
    operations[route.path].push_back(Operation(route));
  }
  for (const std::string_view path : done) {
    paths.push_back(Quote(path) + ":{" + Join(operations[path]) + "}");
  }
  std::vector<std::string> commands;
  for (const Command* command : AllCommands()) {
    if (command->run != nullptr && RunsOverHttp(*command)) commands.push_back(CommandRow(*command));
  }
  return R"({"openapi":"3.1.0","info":{"title":"kvserver","version":"1","description":)"
         R"("Keys and values, full text and vectors. Every operation is a command; Redis clients )"
         R"(and JSON sockets reach the same ones on the same port."},"paths":{)" +
         Join(paths) +
         R"(},"components":{"schemas":{"Result":{"type":"object","properties":{"status":)"
         R"({"const":"ok"},"result":{}},"required":["status"]},"Error":{"type":"object",)"
         R"("properties":{"status":{"const":"error"},"code":{"type":"string"},"message":)"
         R"({"type":"string"}},"required":["status","code","message"]}}},"x-commands":[)" +
         Join(commands) + "]}\n";
}

}  // namespace

const std::string& OpenApiDocument() {
  static const std::string document = Make();
  return document;
}

}  // namespace kvserver
