// What keeps other web pages, in a browser that can reach this server, away from it.
//
//   Host     A page whose name is made to point at this server's address (DNS rebinding) sends its
//            own name: only IP literals, localhost and names that were allowed are served.
//   Origin   A request that changes something and comes from another page is refused. Such pages
//            cannot read answers anyway: there are no CORS headers.
//   JSON     A form can send text, but no body of type application/json: that asks for permission
//            first, which is never given.
#ifndef KVSERVER_SRC_PROTOCOL_HTTP_SAFETY_H_
#define KVSERVER_SRC_PROTOCOL_HTTP_SAFETY_H_

#include <span>
#include <string>
#include <string_view>

namespace kvserver {

// `host` as in the Host header. `allowed`: names, in lower case, without a port.
bool IsHostAllowed(std::string_view host, std::span<const std::string> allowed);

// `origin` as in the Origin header: "http://host[:port]" with the same host and port.
bool IsSameOrigin(std::string_view origin, std::string_view host);

// "application/json; charset=utf-8" is "application/json".
bool IsMediaType(std::string_view content_type, std::string_view type);

// Entity tags: `list` is "*" or tags like "\"1f\", W/\"2e\"", and has `tag` (without quotes) or is
// "*". If-Match counts no weak ones (W/). What stands behind a dot in a tag does not count: in a
// cluster that is what the node had seen, and differs from node to node.
bool HasTag(std::string_view list, std::string_view tag, bool count_weak);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_HTTP_SAFETY_H_
