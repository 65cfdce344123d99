// A Client is one connection to a kvserver (or to any server that speaks RESP): requests go out,
// replies come back, the calling thread waits for them.
//
//   auto client = kvclient::Client::Connect({.addresses = {"10.0.0.1:7411", "10.0.0.2:7411"}});
//   if (!client.ok()) ...
//   absl::Status status = client->Set("greeting", "hello");
//   absl::StatusOr<std::string> value = client->Get("greeting");
//
//   kvclient::Pipeline pipeline;  // one round trip for many requests
//   for (const std::string& key : keys) pipeline.Append({"INCR", key});
//   absl::StatusOr<std::vector<kvclient::Reply>> replies = client->Execute(pipeline);
//
// Threads     A Client and a Pipeline belong to one thread at a time. Many threads: a client each.
// Lifetime    Arguments are read before a call returns; results belong to the caller.
// Addresses   When the connection is lost, the next call connects again, first to the address that
//             follows in the list, and every address is tried once. What the connection itself
//             knew (MULTI, WATCH, CLIENT SETNAME) is gone then: send MULTI ... EXEC as one
//             Pipeline. What the options ask for is not.
// Repetition  A request is sent again only if none of its bytes had left, or if it (of a pipeline:
//             all of it) only reads. Otherwise the answer is Unavailable, and the message says that
//             its effect is unknown.
// Time        connect_timeout holds for each address, request_timeout for a whole call: connecting,
//             sending and every reply. Looking up a host name is the system's and is not counted.
//             After DeadlineExceeded the connection is closed, and the effect of a request that
//             writes is unknown.
// Memory      The request as bytes, and the replies; of one call at most reply_bytes_max bytes as
//             sent and kReplyElementsMax elements (of about 100 bytes each).
// Errors      Of the server: see StatusOf. InvalidArgument also for a wrong address. Unavailable:
//             no address answers, or the connection was lost. Internal: the server's bytes are not
//             RESP, or a reply is beyond its bounds; the connection is closed.
#ifndef KVSERVER_CLIENT_INCLUDE_KVCLIENT_CLIENT_H_
#define KVSERVER_CLIENT_INCLUDE_KVCLIENT_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvclient/reply.h"

namespace kvclient {

inline constexpr size_t kAddressesMax = 64;
inline constexpr int kDefaultPort = 7411;

struct ClientOptions {
  // "host:port", "[::1]:port", or "host", which means kDefaultPort. At least one.
  std::vector<std::string> addresses = {"127.0.0.1:7411"};
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds request_timeout{30'000};
  // 3 asks for RESP3, and takes RESP2 of a server that has no other. 2: RESP2.
  int resp_version = 3;
  size_t reply_bytes_max = size_t{256} << 20;

  // Of a kvserver's cluster: "one", "quorum" or "all" for every write and every read; "": what the
  // server was told. An error of Connect if the server does not know them.
  std::string write_level, read_level;
  // Reads see what this client has written before, whichever node they go to and at whatever level.
  // A call that writes asks for the token of it in the same round trip, and a new connection begins
  // with that: a node that has not seen the writes within 2 s is passed over, Unavailable if all
  // are.
  bool reads_own_writes = false;
};

struct KeyValue {
  std::string_view key;
  std::string_view value;
};

// Requests that go out together, as bytes: may be executed again, by any client.
class Pipeline {
 public:
  // The first argument is the command. Without arguments nothing is appended.
  Pipeline& Append(std::span<const std::string_view> arguments);
  Pipeline& Append(std::initializer_list<std::string_view> arguments);
  void Clear();

  size_t count() const { return count_; }
  bool only_reads() const { return only_reads_; }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
  size_t count_ = 0;
  bool only_reads_ = true;
};

class Client {
 public:
  // Returns when a server has answered, or every address was tried once.
  static absl::StatusOr<Client> Connect(ClientOptions options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // ttl 0: for ever.
  absl::Status Set(std::string_view key, std::string_view value,
                   std::chrono::milliseconds ttl = std::chrono::milliseconds(0));
  // NotFound, without a message: there is no such key.
  absl::StatusOr<std::string> Get(std::string_view key);
  // Whether there was one.
  absl::StatusOr<bool> Delete(std::string_view key);
  absl::StatusOr<int64_t> Increment(std::string_view key, int64_t amount = 1);
  // All or none: KV.BULKSET, or MSET where the server has no such command. No items: OK.
  absl::Status BulkSet(std::span<const KeyValue> items);

  // Any command. An error of the server is a status; errors within a reply (EXEC) stay replies.
  absl::StatusOr<Reply> Command(std::span<const std::string_view> arguments);
  absl::StatusOr<Reply> Command(std::initializer_list<std::string_view> arguments);

  // One reply for each request, in order; errors of the server are among them (StatusOf). A failure
  // says how many replies had come; of the other requests the effect is unknown.
  absl::StatusOr<std::vector<Reply>> Execute(const Pipeline& pipeline);

  // The address that it is or was last connected to, as given; and the version of RESP spoken.
  const std::string& address() const;
  int resp_version() const;

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvclient

#endif  // KVSERVER_CLIENT_INCLUDE_KVCLIENT_CLIENT_H_
