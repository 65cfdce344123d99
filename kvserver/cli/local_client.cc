#include "local_client.h"

#include <string>
#include <utility>

#include "base/clock.h"
#include "command/command.h"
#include "command/demands.h"
#include "command/dispatcher.h"
#include "command/keyspace.h"
#include "reply_parser.h"

namespace kvcli {

using kvserver::WriteTurns;

LocalClient::LocalClient(std::unique_ptr<libkv::Store> store, const Target& target)
    : reply_bytes_max_(target.client.reply_bytes_max),
      store_(std::move(store)),
      node_(*store_, {.data_dir = target.directory},
            [this](const std::shared_ptr<const WriteTurns::Finished>&) {
              const std::lock_guard lock(mutex_);
              finished_.notify_all();
            }) {
  session_.address = "shell";
  session_.protocol = "resp";
  session_.created_us = kvserver::SteadyMicroseconds();
  writer_.SetRespVersion(3);
}

absl::StatusOr<std::unique_ptr<LocalClient>> LocalClient::Open(const Target& target) {
  auto store = OpenStore(target, Access::kWrite);
  if (!store.ok()) return store.status();
  return std::unique_ptr<LocalClient>(new LocalClient(*std::move(store), target));
}

void LocalClient::WaitFor(WriteTurns::Hold hold) {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [&] { return node_.turns().last_finished(hold.level) >= hold.turn; });
}

absl::StatusOr<Reply> LocalClient::Execute(const std::vector<std::string_view>& words) {
  std::string bytes;
  writer_.SetOutput(&bytes);
  session_.demands = {};
  session_.hold = {};
  kvserver::Context context{node_, session_, writer_};
  kvserver::Request request{words};
  if (kvserver::TakeDemands(context, request) &&
      kvserver::Dispatch(context, request.args) == kvserver::Dispatched::kSlow) {
    bytes.clear();
    kvserver::RunSlow(context, request.args);
  }
  node_.turns().Submit(WriteTurns::Here::kAll);
  if (session_.hold.turn != 0) {
    WaitFor(session_.hold);
    const absl::Status failure = node_.turns().FailureOf(session_.hold);
    // The reply says that it was done; it was not.
    if (!failure.ok()) return failure;
  }
  kvclient::ReplyParser parser;
  parser.Reset(reply_bytes_max_);
  Reply reply;
  size_t used = 0;
  if (parser.Parse(bytes, used, reply) != kvclient::ReplyParser::Result::kReply) {
    return absl::ResourceExhaustedError("the reply is too large");
  }
  return reply;
}

}  // namespace kvcli
