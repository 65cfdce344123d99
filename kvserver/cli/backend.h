// A Backend is where the keys are: a server, or a directory that is opened here. Both give answers
// of the same shape, so that everything above is written once.
#ifndef KVSERVER_CLI_BACKEND_H_
#define KVSERVER_CLI_BACKEND_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvclient/client.h"
#include "kvclient/reply.h"
#include "libkv/store.h"

namespace kvcli {

using kvclient::Reply;

struct Record {
  std::string key, value;
  int64_t expires_at = 0;  // milliseconds since 1970; 0: never
};

struct ScanRequest {
  std::string prefix;
  size_t limit = 0;  // 0: all
  bool with_values = false, with_expiry = false;
};

// Of search, similar and hybrid.
struct FindRequest {
  std::string text;
  std::string key;  // of similar: instead of the text
  std::string prefix;
  size_t limit = 10, offset = 0;
  size_t excerpt_bytes = 160;
  bool typos = false;
};

// Belongs to one thread.
class Backend {
 public:
  // False: stop.
  using Sink = std::function<bool(const Record&)>;

  virtual ~Backend() = default;
  virtual absl::StatusOr<std::string> Get(std::string_view key) = 0;
  virtual absl::Status Set(std::string_view key, std::string_view value,
                           std::chrono::milliseconds ttl) = 0;
  virtual absl::StatusOr<int64_t> Delete(std::span<const std::string> keys) = 0;
  // Those without expiry all or none; the others each by itself.
  virtual absl::Status Write(std::span<const Record> records) = 0;
  virtual absl::Status Scan(const ScanRequest& request, const Sink& sink) = 0;

  // Maps as KV.SEARCH, KV.SIMILAR and KV.HYBRID answer: "hits" is an array of maps with "key",
  // "score", and "excerpts": maps of "text" and "highlights".
  virtual absl::StatusOr<Reply> Search(const FindRequest& request) = 0;
  virtual absl::StatusOr<Reply> Similar(const FindRequest& request) = 0;
  virtual absl::StatusOr<Reply> Hybrid(const FindRequest& request) = 0;

  virtual absl::StatusOr<Reply> Verify() = 0;  // a map; "problem_count" 0: all is well
  virtual absl::StatusOr<Reply> Backup(const std::string& name) = 0;
  virtual absl::StatusOr<Reply> Stats() = 0;
  // What a server answers to KV.CLUSTER or KV.FINGERPRINT.
  virtual absl::StatusOr<Reply> Cluster(std::string_view command) = 0;
};

// Why a directory is opened.
enum class Access { kRead, kWrite, kCreate };

struct Target {
  kvclient::ClientOptions client;
  std::string directory;  // "": the server
  std::vector<std::string> spaces;
};

// FailedPrecondition: there is no store, or another process has it.
absl::StatusOr<std::unique_ptr<libkv::Store>> OpenStore(const Target& target, Access access);

absl::StatusOr<std::unique_ptr<Backend>> OpenServer(const Target& target);
absl::StatusOr<std::unique_ptr<Backend>> OpenDirectory(const Target& target, Access access);

}  // namespace kvcli

#endif  // KVSERVER_CLI_BACKEND_H_
