// KV.METADATA: which node this is, and how much it holds.
#include "base/clock.h"
#include "command/command.h"
#include "command/node.h"

namespace kvserver {
namespace {

void Metadata(Context& context, Arguments /*arguments*/) {
  Node& node = context.node;
  ReplyWriter& reply = context.reply;
  Replication* const replication = node.replication();
  reply.BeginMap(replication == nullptr ? 4 : 6);
  reply.Value("node_id");
  reply.Value(node.settings().fixed.node_id);
  reply.Value("run_id");
  reply.Value(node.run_id());
  reply.Value("data_count");
  reply.Integer(static_cast<int64_t>(node.store().Stats().keys_estimate));
  reply.Value("uptime_seconds");
  reply.Integer((NowMicroseconds() - node.started_us()) / 1'000'000);
  if (replication == nullptr) return;
  const cluster::ReplicaStatus status = replication->Status();
  reply.Value("vector_clock");
  reply.BeginMap(status.newest.size());
  for (const auto& [slot, counter] : status.newest) {
    reply.Value(std::to_string(slot));
    reply.Integer(static_cast<int64_t>(counter));
  }
  // Deletes leave nothing but their place in the log, for a moment.
  reply.Value("tombstone_count");
  reply.Integer(static_cast<int64_t>(status.log_dots));
}

constexpr Command kCommands[] = {
    {.name = "kv.metadata",
     .arity = 1,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "server",
     .summary = "Which node this is, and about how many keys it holds",
     .run = Metadata},
};

}  // namespace

std::span<const Command> MetadataCommands() { return kCommands; }

}  // namespace kvserver
