// The description of the HTTP interface, made from the routes and the command table.
#ifndef KVSERVER_SRC_PROTOCOL_OPENAPI_H_
#define KVSERVER_SRC_PROTOCOL_OPENAPI_H_

#include <string>

namespace kvserver {

// OpenAPI 3.1, as JSON. Routes whose command this server does not have are left out. "x-commands"
// lists the commands that /v1/command takes. Made once.
const std::string& OpenApiDocument();

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_OPENAPI_H_
