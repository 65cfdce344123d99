// A Protocol cuts what a connection receives into requests and writes their replies: bytes in,
// bytes out, no sockets.
#ifndef KVSERVER_SRC_PROTOCOL_PROTOCOL_H_
#define KVSERVER_SRC_PROTOCOL_PROTOCOL_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "command/reply.h"
#include "command/request.h"

namespace kvserver {

// One per connection, from its first byte to its end.
class Protocol {
 public:
  enum class Next {
    kRequest,   // `request` is to be run; its views live until the next call
    kAnswered,  // the input had something that is no request, or a wrong one: the reply is written
    kMore,      // nothing yet: call again with at least one more byte behind the same input
    kClose,     // the input makes no sense from here on: the last reply is written
  };

  virtual ~Protocol() = default;

  virtual std::string_view name() const = 0;

  // Looks at `input`, which begins where the last call left off, and says how much of it was used
  // (also with kMore: those bytes are not shown again). Replies that are not a command's go to the
  // writer's output.
  virtual Next Parse(std::string_view input, size_t& used, Request& request) = 0;

  // The replies to the request of the last Parse.
  virtual ReplyWriter& reply() = 0;

  // Of a request that has begun, and whose rest must come in time: the bytes that are there, as of
  // the last Parse; 0: there is none. RefuseLate writes the last reply when the rest does not come.
  virtual size_t unfinished_bytes() const { return 0; }
  virtual void RefuseLate() {}

  // Whether the connection ends with the last reply (HTTP: Connection: close).
  virtual bool is_last() const { return false; }
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_PROTOCOL_H_
