// What a node tells of its cluster.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cluster/stamp.h"
#include "command/command.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/search_verbs.h"

namespace kvserver {
namespace {

std::string Hex(uint64_t v) {
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; v >>= 4) text[i] = "0123456789abcdef"[v & 15];
  return text;
}

void Pair(ReplyWriter& reply, std::string_view name, uint64_t value) {
  reply.Value(name);
  reply.Integer(static_cast<int64_t>(value));
}

// Null, with the error written, if the node runs alone.
Replication* OfCluster(Context& context) {
  Replication* const replication = context.node.replication();
  if (replication == nullptr) {
    context.reply.Error("ERR this node runs alone: a cluster is made with --peers");
  }
  return replication;
}

std::string_view StateOf(const cluster::ReplicaStatus& status) {
  if (status.is_failed) return "failed";
  if (status.is_recovering) return "recovering";
  return status.is_ready ? "ready" : "starting";
}

// The definitions that the cluster has agreed on, and how they are in force here.
void ReplySpaces(Context& context) {
  ReplyWriter& reply = context.reply;
  std::map<std::string, SharedSpaces::State> states;
  if (context.node.spaces() != nullptr) states = context.node.spaces()->states();
  reply.Value("spaces");
  reply.BeginArray(states.size());
  for (const auto& [prefix, state] : states) {
    reply.BeginMap(5);
    reply.Value("prefix");
    reply.Value(prefix);
    reply.Value("definition");
    reply.Value(state.definition);
    reply.Value("state");
    reply.Value(state.state);
    reply.Value("error");
    reply.Value(state.error);
    reply.Value("rejected");
    reply.BeginArray(state.rejected.size());
    for (const std::string& text : state.rejected) reply.Value(text);
  }
}

void Cluster(Context& context, Arguments /*arguments*/) {
  Replication* const replication = OfCluster(context);
  if (replication == nullptr) return;
  const cluster::ReplicaStatus status = replication->Status();
  const std::vector<Replication::Link> links = replication->PeerLinks();
  const int64_t now = NowMilliseconds();
  ReplyWriter& reply = context.reply;
  reply.BeginMap(14);
  Pair(reply, "node_id", status.self.slot);
  Pair(reply, "generation", status.self.generation);
  reply.Value("state");
  reply.Value(StateOf(status));
  Pair(reply, "nodes", replication->options().replica.members.size());
  reply.Value("clock_hash");
  reply.Value(Hex(status.clock_hash));
  Pair(reply, "clock_intervals", status.clock_intervals);
  Pair(reply, "log_dots", status.log_dots);
  Pair(reply, "extra_contexts", status.extras);
  Pair(reply, "conflicts", status.conflicts);
  Pair(reply, "pulled_objects", status.pulled_objects);
  Pair(reply, "recoveries", status.range_sessions);
  Pair(reply, "refused_messages", status.refused_messages);
  ReplySpaces(context);
  reply.Value("peers");
  reply.BeginArray(status.peers.size());
  for (const cluster::PeerStatus& peer : status.peers) {
    Replication::Link link;
    for (const Replication::Link& each : links) {
      if (each.slot == peer.slot) link = each;
    }
    reply.BeginMap(12);
    Pair(reply, "node_id", peer.slot);
    reply.Value("address");
    reply.Value(link.address);
    Pair(reply, "connected", link.is_connected ? 1 : 0);
    Pair(reply, "generation", peer.generation);
    reply.Value("heard_ms_ago");
    if (peer.generation == 0) {
      reply.Null();
    } else {
      reply.Integer(now - peer.last_heard_ms);
    }
    Pair(reply, "missing_here", peer.missing_here);
    Pair(reply, "missing_there", peer.missing_there);
    Pair(reply, "recovering", peer.is_recovering ? 1 : 0);
    Pair(reply, "bytes_in", link.bytes_in);
    Pair(reply, "bytes_out", link.bytes_out);
    Pair(reply, "messages_dropped", link.frames_dropped);
    reply.Value("last_error");
    reply.Value(link.last_error);
  }
}

void Fingerprint(Context& context, Arguments /*arguments*/) {
  Replication* const replication = OfCluster(context);
  if (replication == nullptr) return;
  const auto fingerprint = replication->MakeFingerprint();
  if (!fingerprint.ok()) return ReplyStatus(context, fingerprint.status());
  context.reply.BeginMap(4);
  Pair(context.reply, "node_id", replication->self().slot);
  Pair(context.reply, "keys", fingerprint->keys);
  context.reply.Value("fingerprint");
  context.reply.Value(Hex(fingerprint->hash));
  context.reply.Value("clock_hash");
  context.reply.Value(Hex(fingerprint->clock_hash));
}

// Which of the versions of a key clients see, if they are of one register.
size_t WinnerOf(const std::vector<cluster::Version>& versions) {
  size_t winner = versions.size();
  for (size_t i = 0; i < versions.size(); ++i) {
    if (versions[i].kind == cluster::Kind::kCounter) continue;
    const bool is_later =
        winner == versions.size() || std::pair(versions[i].time, versions[i].dot) >
                                         std::pair(versions[winner].time, versions[winner].dot);
    if (is_later) winner = i;
  }
  return winner;
}

void Nodes(ReplyWriter& reply, std::string_view name, const std::vector<cluster::Slot>& nodes) {
  reply.Value(name);
  reply.BeginArray(nodes.size());
  for (const cluster::Slot slot : nodes) reply.Integer(slot);
}

// What others have on disk is as they have told last.
void ReplyVersions(Context& context, const std::vector<cluster::Version>& versions) {
  Replication& replication = *context.node.replication();
  const size_t winner = WinnerOf(versions);
  ReplyWriter& reply = context.reply;
  reply.BeginArray(versions.size());
  for (size_t i = 0; i < versions.size(); ++i) {
    const cluster::Version& version = versions[i];
    const std::vector<cluster::Slot> holders = replication.HoldersOf(version.dot);
    std::vector<cluster::Slot> others;
    for (const cluster::Slot slot : replication.options().replica.members) {
      if (std::find(holders.begin(), holders.end(), slot) == holders.end()) others.push_back(slot);
    }
    const bool is_counter = version.kind == cluster::Kind::kCounter;
    reply.BeginMap(10);
    Pair(reply, "node_id", version.dot.actor.slot);
    Pair(reply, "generation", version.dot.actor.generation);
    Pair(reply, "counter", version.dot.counter);
    Pair(reply, "time_ms", version.time >> 16);
    reply.Value("kind");
    reply.Value(is_counter ? "counter" : "value");
    reply.Value("expires_at");
    if (version.expiry == 0) {
      reply.Null();
    } else {
      reply.Integer(version.expiry);
    }
    reply.Value("value");
    reply.Value(version.value);
    // Of counters all are part of what is shown.
    Pair(reply, "is_shown", is_counter || i == winner ? 1 : 0);
    Nodes(reply, "on_nodes", holders);
    Nodes(reply, "not_on_nodes", others);
  }
}

void Versions(Context& context, Arguments arguments) {
  Replication* const replication = OfCluster(context);
  if (replication == nullptr) return;
  const absl::StatusOr<cluster::KeyState> state = replication->State(arguments[1]);
  if (!state.ok()) return ReplyStatus(context, state.status());
  ReplyVersions(context, state->versions);
}

constexpr Parameter kKeyOnly[] = {{.name = "key", .type = Parameter::kKey}};

constexpr Command kCommands[] = {
    {.name = "kv.cluster",
     .arity = 1,
     .flags = kAdmin | kFast,
     .group = "server",
     .summary = "The state of this node and of its peers, as it sees them",
     .run = Cluster},
    {.name = "kv.fingerprint",
     .arity = 1,
     .flags = kAdmin | kSlow | kLong | kNoMulti,
     .group = "server",
     .summary = "One number for all keys and their versions: equal on nodes that hold the same",
     .run = Fingerprint},
    {.name = "kv.versions",
     .arity = 2,
     .flags = kReadOnly | kFast | kNoMulti,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "document",
     .summary = "The live versions of a key in a cluster: who wrote them, and who has them",
     .parameters = kKeyOnly,
     .run = Versions},
};

}  // namespace

void ExplainKey(Context& context, std::string_view key) {
  Replication* const replication = OfCluster(context);
  if (replication == nullptr || !CheckSizes(context, key)) return;
  const absl::StatusOr<cluster::KeyState> state = replication->State(key);
  if (!state.ok()) return ReplyStatus(context, state.status());
  const cluster::ReplicaStatus status = replication->Status();
  const std::vector<Replication::Link> links = replication->PeerLinks();
  const int64_t now = NowMilliseconds();
  ReplyWriter& reply = context.reply;
  reply.BeginMap(5);
  reply.Value("key");
  reply.Value(key);
  Pair(reply, "asked_node", status.self.slot);
  reply.Value("value");
  if (state->versions.empty()) {
    reply.Null();
  } else {
    reply.Value(cluster::Resolve(state->versions).value);
  }
  reply.Value("versions");
  ReplyVersions(context, state->versions);
  reply.Value("peers");
  reply.BeginArray(status.peers.size());
  for (const cluster::PeerStatus& peer : status.peers) {
    const auto link = std::find_if(links.begin(), links.end(), [&](const Replication::Link& each) {
      return each.slot == peer.slot;
    });
    reply.BeginMap(5);
    Pair(reply, "node_id", peer.slot);
    Pair(reply, "connected", link != links.end() && link->is_connected ? 1 : 0);
    Pair(reply, "recovering", peer.is_recovering ? 1 : 0);
    reply.Value("heard_ms_ago");
    if (peer.generation == 0) {
      reply.Null();
    } else {
      reply.Integer(now - peer.last_heard_ms);
    }
    Pair(reply, "missing_there", peer.missing_there);
  }
}

std::span<const Command> ClusterCommands() { return kCommands; }

}  // namespace kvserver
