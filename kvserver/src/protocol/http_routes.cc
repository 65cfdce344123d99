#include "protocol/http_routes.h"

#include "command/table.h"

namespace kvserver {
namespace {

using In = RouteParameter::In;

constexpr std::string_view kRest = "{key}";

constexpr RouteParameter kKey = {
    .name = "key", .in = In::kPath, .description = "The key, percent-encoded; slashes may stay"};
constexpr RouteParameter kEncoding = {
    .name = "enc",
    .description = "b64: the key in the path is base64, of either alphabet, padded or not"};
constexpr RouteParameter kReadLevel = {
    .name = "r", .description = "In a cluster, how many nodes are asked: one, quorum or all"};
constexpr RouteParameter kWriteLevel = {
    .name = "w",
    .description = "In a cluster, how many nodes have it on disk first: one, quorum or all"};
constexpr RouteParameter kSession = {
    .name = "X-Session",
    .in = In::kHeader,
    .description =
        "The token of an earlier answer: this one is of a node that has seen that write"};
constexpr RouteParameter kIfMatch = {
    .name = "If-Match",
    .in = In::kHeader,
    .description = "Only if the value has this ETag, or with * if there is one; else 412"};

constexpr RouteParameter kGetParameters[] = {
    kKey,
    kEncoding,
    kReadLevel,
    kSession,
    kIfMatch,
    {.name = "If-None-Match",
     .in = In::kHeader,
     .description = "304 instead of the value if it has one of these ETags"},
    {.name = "conflict",
     .description = "In a cluster: what makes one value of siblings: lww, max, json_merge, ...; "
                    "siblings: all of them, as JSON"}};
constexpr RouteParameter kPutParameters[] = {
    kKey,
    {.name = "ttl",
     .description = "The value expires after so many seconds, or with ms behind, milliseconds"},
    kEncoding,
    {.name = "durability",
     .description = "What the answer waits for: synced (survives a power cut), written (the end of "
                    "this process), buffered"},
    kWriteLevel,
    kSession,
    kIfMatch,
    {.name = "If-None-Match",
     .in = In::kHeader,
     .description = "*: only if there is no such key; else 412"}};
constexpr RouteParameter kDeleteParameters[] = {kKey,        kEncoding, kPutParameters[3],
                                                kWriteLevel, kSession,  kIfMatch};
constexpr RouteParameter kBulkParameters[] = {kPutParameters[3], kWriteLevel, kSession};
constexpr RouteParameter kAnyParameters[] = {
    kReadLevel,
    kWriteLevel,
    kSession,
    {.name = "Idempotency-Key",
     .in = In::kHeader,
     .description = "Of INCR, DECR, INCRBY, DECRBY: a repeated one is counted once by this node"}};
constexpr RouteParameter kKeysParameters[] = {
    {.name = "prefix", .description = "Only keys that begin with it"},
    {.name = "cursor", .description = "Where the page before ended: its cursor"},
    {.name = "limit",
     .description = "Keys per page, at most 10000; else 100",
     .type = Parameter::kInteger}};
constexpr RouteParameter kVerbose[] = {
    {.name = "verbose", .description = "Lists the checks", .type = Parameter::kFlag}};

constexpr Route kRoutes[] = {
    {"GET", "/v1/kv/{key}", Route::kGetValue, "kv.getx", "", kGetParameters},
    {"HEAD", "/v1/kv/{key}", Route::kGetValue, "kv.getx", "", kGetParameters},
    {"PUT", "/v1/kv/{key}", Route::kPutValue, "kv.setx", "", kPutParameters},
    {"DELETE", "/v1/kv/{key}", Route::kDeleteValue, "kv.delx", "", kDeleteParameters},
    {"GET", "/v1/keys", Route::kQuery, "kv.keys", "", kKeysParameters},
    {"POST", "/v1/bulk", Route::kBulk, "mset", "Set many values, all or none", kBulkParameters},
    {"POST", "/v1/search", Route::kBody, "kv.search"},
    {"POST", "/v1/similar", Route::kBody, "kv.similar"},
    {"POST", "/v1/hybrid", Route::kBody, "kv.hybrid"},
    {"POST", "/v1/embed", Route::kBody, "kv.embed"},
    {"GET", "/v1/stats", Route::kQuery, "kv.stats"},
    {"GET", "/v1/index", Route::kQuery, "kv.index"},
    {"GET", "/v1/cluster", Route::kQuery, "kv.cluster"},
    {"POST", "/v1/admin/backup", Route::kBody, "kv.backup"},
    {"POST", "/v1/admin/compact", Route::kBody, "kv.compact"},
    {"POST", "/v1/admin/verify", Route::kBody, "kv.verify"},
    {"POST", "/v1/admin/reindex", Route::kBody, "kv.reindex"},
    {"POST", "/v1/command", Route::kAnyCommand, "", "Run any command of the table", kAnyParameters},
    {"GET", "/metrics", Route::kMetrics, "", "Counters and times, for Prometheus"},
    {"GET", "/livez", Route::kLive, "", "Whether the process works", kVerbose},
    {"GET", "/readyz", Route::kReady, "", "Whether requests will be served", kVerbose},
    {"GET", "/healthz", Route::kReady, "", "As /readyz", kVerbose},
    {"GET", "/openapi.json", Route::kOpenApi, "", "This description"},
    {"GET", "/docs", Route::kFile, "docs.html", "All operations, to be tried in a browser"},
    {"GET", "/docs.js", Route::kFile, "docs.js"},
    {"GET", "/icon.svg", Route::kFile, "icon.svg"},
    {"GET", "/search.js", Route::kFile, "search.js"},
    {"GET", "/style.css", Route::kFile, "style.css"},
    {"GET", "/", Route::kFile, "search.html", "A page that searches the stored values"},
};

// Whether `path` is one of `pattern`; `rest` is what stands for {key}, never empty.
bool Matches(std::string_view pattern, std::string_view path, std::string_view& rest) {
  if (!pattern.ends_with(kRest)) return path == pattern;
  pattern.remove_suffix(kRest.size());
  if (!path.starts_with(pattern) || path.size() == pattern.size()) return false;
  rest = path.substr(pattern.size());
  return true;
}

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

RouteMatch FindRoute(std::string_view method, std::string_view path) {
  RouteMatch match;
  const Route* get = nullptr;
  for (const Route& route : kRoutes) {
    if (!Matches(route.path, path, match.rest)) continue;
    if (route.method == method) {
      match.route = &route;
      return match;
    }
    if (route.method == "GET") get = &route;
    if (route.method == "HEAD") continue;
    match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") match.allowed += ", HEAD";
  }
  // What can be read has a header.
  if (method == "HEAD") match.route = get;
  return match;
}

const Command* CommandOf(const Route& route) {
  if (route.action == Route::kFile || route.command.empty()) return nullptr;
  if (route.action == Route::kBulk) {
    if (const Command* const bulk = FindCommand("kv.bulkset"); bulk != nullptr) return bulk;
  }
  return FindCommand(route.command);
}

bool RunsOverHttp(const Command& command) {
  if (command.name == "ping" || command.name == "echo") return true;
  return !command.has(kConnection) && !command.has(kInMulti) && command.name != "monitor" &&
         command.group != "transactions";
}

}  // namespace kvserver
