// The routes of HTTP: which method and path is which command, and where its arguments come from.
// Dispatch, /openapi.json and the tests read this one table.
#ifndef KVSERVER_SRC_PROTOCOL_HTTP_ROUTES_H_
#define KVSERVER_SRC_PROTOCOL_HTTP_ROUTES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "command/command.h"

namespace kvserver {

struct RouteParameter {
  enum In : uint8_t { kPath, kQuery, kHeader };

  std::string_view name;
  In in = kQuery;
  std::string_view description;
  Parameter::Type type = Parameter::kBytes;
};

struct Route {
  enum Action : uint8_t {
    kGetValue,  // the raw value of the key in the path
    kPutValue,
    kDeleteValue,
    kQuery,       // the parameters of the query are those of the command
    kBody,        // the members of the JSON object in the body are
    kBulk,        // the body is a JSON object or array of items, or lines of them
    kAnyCommand,  // the body names the command
    kMetrics,
    kLive,
    kReady,
    kOpenApi,
    kFile,  // of the web pages
  };

  std::string_view method;
  std::string_view path;  // "{key}" at its end stands for the rest, slashes too
  Action action;
  std::string_view command = "";  // or the name of the file
  std::string_view summary = "";  // where there is no command to tell it
  std::span<const RouteParameter> parameters = {};
};

std::span<const Route> Routes();

struct RouteMatch {
  const Route* route = nullptr;  // null: no such path; or the path has other methods
  std::string_view rest;         // what "{key}" stands for, not decoded
  std::string allowed;           // the methods of the path, if there is such a path
};
RouteMatch FindRoute(std::string_view method, std::string_view path);

// The command of the route; of the bulk route the one that is there. nullptr: it has none, or this
// server does not have it.
const Command* CommandOf(const Route& route);

// Whether /v1/command takes it. Commands that are about the connection have no meaning where every
// request stands for itself.
bool RunsOverHttp(const Command& command);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_HTTP_ROUTES_H_
