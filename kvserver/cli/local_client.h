// The commands of kvserver in this process, on a directory that is opened here: what a shell on a
// directory talks to.
#ifndef KVSERVER_CLI_LOCAL_CLIENT_H_
#define KVSERVER_CLI_LOCAL_CLIENT_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "backend.h"
#include "command/node.h"
#include "command/session.h"
#include "libkv/store.h"
#include "protocol/resp_writer.h"

namespace kvcli {

// Belongs to one thread.
class LocalClient {
 public:
  // FailedPrecondition: there is no store, or another process has it.
  static absl::StatusOr<std::unique_ptr<LocalClient>> Open(const Target& target);

  // Runs the command as a server does, and waits until what it has written is synced. Errors of
  // the command are replies.
  absl::StatusOr<Reply> Execute(const std::vector<std::string_view>& words);

 private:
  LocalClient(std::unique_ptr<libkv::Store> store, const Target& target);

  void WaitFor(kvserver::WriteTurns::Hold hold);

  std::mutex mutex_;
  std::condition_variable finished_;  // a turn is
  const size_t reply_bytes_max_;
  const std::unique_ptr<libkv::Store> store_;
  kvserver::Node node_;
  kvserver::Session session_;
  kvserver::RespWriter writer_;
};

}  // namespace kvcli

#endif  // KVSERVER_CLI_LOCAL_CLIENT_H_
