#include "sim/simulation.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "sim/names.h"

namespace kvserver::sim {

using cluster::Message;
using cluster::Outgoing;
using cluster::Replica;
using cluster::ReplicaOptions;

namespace {

constexpr int64_t kEpochMs = 1'700'000'000'000;
constexpr size_t kPacketsMax = 4'000;  // under way; more are lost
constexpr int64_t kHealingMaxMs = 120'000;
constexpr size_t kClients = 4;

}  // namespace

void RunCounts::Add(const RunCounts& other) {
  runs += other.runs;
  steps += other.steps;
  writes += other.writes;
  acknowledged += other.acknowledged;
  units += other.units;
  increments += other.increments;
  quorum_reads += other.quorum_reads;
  session_reads += other.session_reads;
  messages += other.messages;
  lost_messages += other.lost_messages;
  crashes += other.crashes;
  wipes += other.wipes;
  restores += other.restores;
  failed_commits += other.failed_commits;
  failed_reads += other.failed_reads;
  conflicts += other.conflicts;
  pulled_objects += other.pulled_objects;
  range_sessions += other.range_sessions;
  settled += other.settled;
  healing_ms += other.healing_ms;
}

Simulation::Simulation(const RunOptions& options)
    : options_(options),
      random_(options.seed * 0x2545F4914F6CDD1D + options.nodes),
      profile_(MakeProfile(random_, options.nodes, options.mutant)),
      network_(profile_, options.nodes, Random(random_.Next())),
      truth_(profile_.keys),
      clients_(kClients) {
  for (size_t i = 0; i < options.nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>());
    nodes_.back()->index = i;
    if (random_.Chance(0.3)) nodes_.back()->skew_ms = random_.Between(-3'000, 3'000);
  }
}

Simulation::~Simulation() = default;

std::string Simulation::Run() {
  for (const auto& node : nodes_) At(random_.Wait(5'000), Kind::kStart, node->index);
  At(0, Kind::kOperation);
  At(100'000, Kind::kFault);
  for (size_t i = 0; i < options_.steps && !has_failed(); ++i) Step();
  if (!has_failed()) Heal();
  ++counts_.runs;
  counts_.writes = truth_.size();
  return violation_;
}

void Simulation::At(int64_t at_us, Kind kind, size_t node, uint64_t process, uint64_t number) {
  events_.push({at_us, next_order_++, kind, node, process, number});
}

bool Simulation::Step() {
  if (events_.empty()) return false;
  const Event event = events_.top();
  events_.pop();
  now_us_ = event.at_us;
  ++counts_.steps;
  Node& node = *nodes_[event.node];
  if (event.process != 0) {
    if (event.process == node.process && node.paused_until_us > now_us_) {
      events_.push({node.paused_until_us, next_order_++, event.kind, event.node, event.process,
                    event.number});
      return true;
    }
    if (event.kind == Kind::kArrival) {
      const int64_t held_us = network_.HeldUntil(event.node, now_us_);
      if (held_us != 0 && event.process == node.process) {
        At(held_us, event.kind, event.node, event.process, event.number);
        return true;
      }
      const Packet packet = std::move(packets_[event.number]);
      free_packets_.push_back(event.number);
      if (event.process == node.process && node.is_up) Arrive(node, packet);
      return true;
    }
    if (event.process != node.process) return true;
  }
  switch (event.kind) {
    case Kind::kTick:
      if (!node.is_up) return true;
      At(now_us_ + profile_.tick_ms * 1'000, Kind::kTick, node.index, node.process);
      node.clock_before = node.replica->clock();
      AfterCall(node, node.replica->Tick(node.storage, NowMs(node)));
      break;
    case Kind::kSynced:
      Synced(node, event.number);
      break;
    case Kind::kSeal:
      node.is_seal_planned = false;
      if (node.replica != nullptr && node.replica->is_dirty()) Seal(node);
      break;
    case Kind::kStart:
      if (node.replica == nullptr) Start(node);
      break;
    case Kind::kOperation:
      if (is_healing_) return true;
      At(now_us_ + 1 + random_.Wait(profile_.operation_ms * 1'000), Kind::kOperation);
      Operation();
      break;
    case Kind::kFault:
      if (is_healing_) return true;
      At(now_us_ + 1 + random_.Wait(profile_.fault_ms * 1'000), Kind::kFault);
      Fault();
      break;
    case Kind::kArrival:
      break;
  }
  return true;
}

void Simulation::Start(Node& node) {
  ReplicaOptions options = profile_.options;
  options.self = static_cast<cluster::Slot>(node.index + 1);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    options.members.push_back(static_cast<cluster::Slot>(i + 1));
  }
  options.must_recover = node.must_recover;
  node.process = next_process_++;
  node.is_up = false;
  node.paused_until_us = 0;
  node.last_ms = 0;  // clocks of a new process may have been set back
  node.sealed_turn = node.durable_turn = 0;
  node.is_syncing = node.is_seal_planned = node.fails_commit = false;
  node.open_writes.clear();
  node.turns.clear();
  node.levels.clear();
  node.reads.clear();
  node.shown_units.clear();
  const bool was_empty = node.storage.image().rows.empty();
  auto random = std::make_shared<Random>(random_.Next());
  node.replica = std::make_unique<Replica>(options, [random] { return random->Next(); });
  const absl::Status status = node.replica->Start(node.storage, NowMs(node));
  Trace("node %zu starts%s: %s", node.index + 1, node.must_recover ? ", to recover" : "",
        std::string(status.message()).c_str());
  if (!status.ok()) {
    if (node.storage.has_failed()) return Crash(node, "read error");
    return Violation("a start fails: " + std::string(status.message()));
  }
  if ((was_empty || node.must_recover) && !node.replica->is_recovering()) {
    return Violation("I7: a replica that has lost its data does not recover");
  }
  Seal(node);
}

void Simulation::AfterCall(Node& node, const absl::Status& status) {
  if (has_failed()) return;
  if (!status.ok() || node.replica->is_failed()) {
    // Its disk was lost or replaced, and its clock went back: it has gone on under an old
    // generation, and the others hear of a later one.
    const bool is_second = absl::IsFailedPrecondition(status) && has_losses_;
    if (is_second) return Crash(node, "it is not the newest run");
    if (!node.storage.has_failed()) {
      return Violation("a call fails: " + std::string(status.message()));
    }
    ++counts_.failed_reads;
    return Crash(node, "read error");
  }
  if (!node.storage.misuse().empty()) return Violation(node.storage.misuse());
  truth_.NoteSettled(node.clock_before, node.replica->clock());
  // From when it says that it has all again another disk may be lost.
  if (node.has_lost && node.is_up) {
    const bool is_recovering = node.replica->is_recovering();
    if (node.was_recovering && !is_recovering) {
      node.has_lost = false;
      Trace("node %zu has recovered", node.index + 1);
    }
    node.was_recovering = is_recovering;
  }
  if (!node.replica->is_dirty()) return Take(node);
  if (node.is_seal_planned) return;
  if (random_.Chance(profile_.seal_late)) {
    node.is_seal_planned = true;
    At(now_us_ + random_.Wait(profile_.sync_ms * 1'000), Kind::kSeal, node.index, node.process);
    return;
  }
  Seal(node);
}

void Simulation::Seal(Node& node) {
  const bool is_late = random_.Chance(0.1);
  cluster::Levels levels(node.level);
  // Clients of different levels in one turn. Not drawn, so that all seeds run as before.
  if (node.sealed_turn % 3 == 0) levels.Add(cluster::Level::kAll);
  const uint64_t turn = node.replica->Seal(node.storage, levels, NowMs(node), is_late);
  if (node.replica->is_failed()) return AfterCall(node, absl::OkStatus());
  if (turn <= node.sealed_turn) return Violation("a turn is numbered twice");
  if (node.fails_commit) {
    ++counts_.failed_commits;
    node.replica->Fail();
    return Crash(node, "commit error");
  }
  node.storage.Commit(turn);
  node.sealed_turn = turn;
  if (!node.open_writes.empty()) {
    node.turns[turn] = std::move(node.open_writes);
    node.levels[turn] = levels;
    node.open_writes.clear();
  }
  Trace("node %zu seals turn %zu", node.index + 1, static_cast<size_t>(turn));
  CheckBoundary(node);
  PlanSync(node);
  if (node.is_up) Take(node);
}

void Simulation::PlanSync(Node& node) {
  if (node.is_syncing || node.sealed_turn == node.durable_turn) return;
  node.is_syncing = true;
  At(now_us_ + 1 + random_.Wait(is_healing_ ? 1'000 : profile_.sync_ms * 1'000), Kind::kSynced,
     node.index, node.process, node.sealed_turn);
}

void Simulation::Synced(Node& node, uint64_t turn) {
  node.is_syncing = false;
  node.storage.Sync(turn);
  node.durable_turn = turn;
  node.replica->Durable(turn, NowMs(node));
  if (!node.is_up) {
    node.is_up = true;
    node.must_recover = false;
    At(now_us_ + 1, Kind::kTick, node.index, node.process);
  }
  PlanSync(node);
  AfterCall(node, absl::OkStatus());
}

void Simulation::Take(Node& node) {
  for (const Outgoing& outgoing : node.replica->TakeMessages()) Send(node, outgoing);
  for (const cluster::TurnResult& result : node.replica->TakeTurns()) Acknowledged(node, result);
  for (const cluster::ReadResult& result : node.replica->TakeReads()) {
    if (has_failed()) return;
    FinishRead(node, result);
  }
}

void Simulation::Send(Node& node, const Outgoing& outgoing) {
  const size_t to = outgoing.to - 1;
  if (to >= nodes_.size() || to == node.index) return Violation("a message to nobody");
  ++counts_.messages;
  if (options_.trace) {
    Trace("node %zu sends to %zu: %s", node.index + 1, to + 1, Describe(*outgoing.message).c_str());
  }
  const Packet packet = Pack(*outgoing.message);
  const size_t bytes_max = profile_.options.chunk_bytes + 16'384;
  if (packet.bytes.size() > bytes_max) {
    return Violation("I8: a message of " + std::to_string(packet.bytes.size()) + " bytes");
  }
  const SimNetwork::Arrivals arrivals = network_.Send(node.index, to, now_us_);
  if (arrivals.count == 0 || !nodes_[to]->is_up) ++counts_.lost_messages;
  if (!nodes_[to]->is_up) return;
  for (size_t i = 0; i < arrivals.count; ++i) {
    if (free_packets_.empty()) {
      if (packets_.size() == kPacketsMax) return;
      free_packets_.push_back(packets_.size());
      packets_.emplace_back();
    }
    const size_t place = free_packets_.back();
    free_packets_.pop_back();
    packets_[place] = packet;
    At(arrivals.at_us[i], Kind::kArrival, to, nodes_[to]->process, place);
  }
}

void Simulation::Arrive(Node& node, const Packet& packet) {
  const std::optional<Message> message = Unpack(packet);
  if (!message) return Violation("a message cannot be read");
  if (network_.is_cut(message->from.slot - 1, node.index)) return;
  if (options_.trace) {
    Trace("node %zu gets from %u: %s", node.index + 1, message->from.slot,
          Describe(*message).c_str());
  }
  if (!std::holds_alternative<cluster::Push>(message->body) &&
      !std::holds_alternative<cluster::Ack>(message->body)) {
    node.clock_before = node.replica->clock();
  }
  const absl::Status asked = node.replica->AskAhead(node.storage, *message, NowMs(node));
  if (!asked.ok()) return AfterCall(node, asked);
  AfterCall(node, node.replica->Receive(node.storage, *message, NowMs(node)));
}

int64_t Simulation::NowMs(Node& node) {
  node.last_ms = std::max(node.last_ms, kEpochMs + now_us_ / 1'000 + node.skew_ms);
  node.storage.SetTime(node.last_ms);
  truth_.NoteTime(node.last_ms);
  return node.last_ms;
}

void Simulation::Heal() {
  Trace("the faults end");
  is_healing_ = true;
  network_.Heal();
  profile_.seal_late = 0;
  // All clocks agree from now on, with the one that was most ahead: none goes back, and nothing was
  // written in the future.
  for (const auto& node : nodes_) {
    node->skew_ms = skew_max_ms_;
    node->paused_until_us = 0;
    node->fails_commit = false;
    if (node->storage.has_failed() && node->replica != nullptr) Crash(*node, "read error", 0);
    node->storage.Repair();
    if (node->replica == nullptr) At(now_us_ + 1, Kind::kStart, node->index);
  }
  const int64_t begin_us = now_us_;
  std::string unrest = Unrest();
  while (!unrest.empty() && !has_failed()) {
    if (now_us_ - begin_us > kHealingMaxMs * 1'000) {
      return Violation("I2: the cluster does not become quiet: " + unrest);
    }
    const int64_t until_us = now_us_ + profile_.options.heartbeat_ms * 1'000;
    while (!events_.empty() && events_.top().at_us <= until_us && !has_failed()) Step();
    now_us_ = until_us;
    if (!has_failed()) unrest = Unrest();
  }
  if (has_failed()) return;
  Trace("the cluster is quiet");
  counts_.healing_ms += static_cast<uint64_t>((now_us_ - begin_us) / 1'000);
  for (const auto& node : nodes_) {
    const cluster::ReplicaStatus status = node->replica->Status();
    counts_.conflicts += status.conflicts;
    counts_.pulled_objects += status.pulled_objects;
    counts_.range_sessions += status.range_sessions;
    node->replica->clock().ForEachSettled([&](cluster::Slot, uint64_t) { ++counts_.settled; });
  }
  CheckQuiet();
  if (!has_failed()) CheckAlive();
}

void Simulation::Trace(const char* format, ...) {
  if (!options_.trace) return;
  std::printf("%10.3f ", static_cast<double>(now_us_) / 1'000);
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
}

}  // namespace kvserver::sim
