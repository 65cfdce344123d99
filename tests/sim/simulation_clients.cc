// What clients do. Each client remembers what it has written and read, and goes to any node.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "sim/names.h"
#include "sim/simulation.h"

namespace kvserver::sim {

using cluster::ClientWrite;
using cluster::DotSet;
using cluster::KeyState;
using cluster::Level;
using cluster::Version;

namespace {

constexpr size_t kTokensMax = 12;
constexpr size_t kUnitWritesMax = 4;
constexpr int kWaitsMax = 10;
constexpr int64_t kFarMs = 1'000'000'000;  // beyond the end of the run

}  // namespace

void Simulation::Operation() {
  Node& node = *nodes_[random_.Below(nodes_.size())];
  const size_t client = random_.Below(clients_.size());
  if (!node.is_up || node.paused_until_us > now_us_) return;
  const Profile& p = profile_;
  const double writes = p.set + p.remove + p.blind + p.given + p.increment;
  double at = random_.Unit() * (writes + p.unit + p.quorum_read + p.session_read);
  if ((at -= p.quorum_read) < 0) return StartRead(node, client);
  if ((at -= p.session_read) < 0) return SessionRead(node, client);
  if ((at -= p.unit) < 0) return WriteUnit(node, client, 2 + random_.Below(kUnitWritesMax - 1));
  WriteUnit(node, client, 1);
}

Level Simulation::PickLevel() {
  const double at = random_.Unit() * (profile_.one + profile_.quorum + profile_.all);
  if (at < profile_.one) return Level::kOne;
  return at < profile_.one + profile_.quorum ? Level::kQuorum : Level::kAll;
}

void Simulation::WriteUnit(Node& node, size_t client, size_t writes) {
  if (node.open_writes.empty()) node.level = PickLevel();
  node.clock_before = node.replica->clock();
  std::vector<WriteId> unit;
  const uint64_t process = node.process;
  for (size_t i = 0; i < writes; ++i) {
    if (!WriteOne(node, client, &unit) || has_failed() || node.process != process) break;
  }
  if (has_failed() || node.process != process) return;
  node.replica->EndUnit();
  if (unit.size() > 1) ++counts_.units;
  if (!unit.empty()) truth_.AddUnit(unit);
  node.open_writes.insert(node.open_writes.end(), unit.begin(), unit.end());
  AfterCall(node, absl::OkStatus());
}

bool Simulation::WriteOne(Node& node, size_t client, std::vector<WriteId>* unit) {
  const Profile& p = profile_;
  const size_t key = random_.Below(p.keys);
  const std::string name = KeyOf(key);
  absl::StatusOr<KeyState> before = node.replica->State(node.storage, name);
  if (!before.ok()) return AfterCall(node, before.status()), false;

  TruthWrite truth;
  truth.key = key;
  ClientWrite write;
  write.key = name;
  DotSet context = before->context;
  double at = random_.Unit() * (p.set + p.remove + p.blind + p.given + p.increment);
  if ((at -= p.remove) < 0) {
    write.is_delete = true;
  } else if ((at -= p.blind) < 0) {
    write.context = ClientWrite::Context::kBlind;
    context = {};
  } else if ((at -= p.given) < 0) {
    std::vector<const Token*> tokens;
    for (const Token& token : tokens_) {
      if (token.key == key) tokens.push_back(&token);
    }
    if (!tokens.empty()) {
      write.context = ClientWrite::Context::kGiven;
      write.seen = context = tokens[random_.Below(tokens.size())]->seen;
      write.is_delete = random_.Chance(0.3);
    }
  } else if ((at -= p.increment) < 0 && IsNumber(key)) {
    write.context = ClientWrite::Context::kCounter;
    write.amount = truth.amount = random_.Between(-5, 20);
    truth.kind = cluster::Kind::kCounter;
  }
  truth.is_delete = write.is_delete;
  if (!write.is_delete && write.context != ClientWrite::Context::kCounter) {
    truth.value = IsNumber(key)  ? std::to_string(1'000 * next_value_)
                  : IsUnion(key) ? "[" + std::to_string(next_value_) + "]"
                                 : "value " + std::to_string(next_value_);
    ++next_value_;
    if (random_.Chance(p.vector)) truth.vector = {static_cast<float>(next_value_), 0.5};
    if (random_.Chance(p.expire)) {
      truth.expiry = NowMs(node) + (random_.Chance(0.5) ? random_.Between(1, 500) : kFarMs);
      write.expiry = truth.expiry;
    }
  }
  write.value = truth.value;
  write.vector = truth.vector;

  // Now and then the same value again, with a vector, as one who makes vectors writes it.
  const bool is_alone =
      before->versions.size() == 1 && before->versions[0].kind == cluster::Kind::kRegister;
  if (is_alone && write.context == ClientWrite::Context::kGiven && random_.Chance(0.5)) {
    const Version& old = before->versions[0];
    write.context = ClientWrite::Context::kImplicit;
    write.seen = {};
    context = before->context;
    write.time = old.time + 1;
    write.is_delete = truth.is_delete = false;
    truth.value = old.value;
    truth.vector = {static_cast<float>(next_value_), 0.5};
    write.value = truth.value;
    write.vector = truth.vector;
  }

  const bool is_ready = node.replica->is_ready();
  const absl::StatusOr<cluster::Dot> dot = node.replica->Write(node.storage, write, NowMs(node));
  if (!dot.ok()) {
    if (node.storage.has_failed()) return AfterCall(node, dot.status()), false;
    if (!is_ready && absl::IsUnavailable(dot.status())) return false;
    // The context is of a run that this node has not heard of yet.
    const bool is_given = write.context == ClientWrite::Context::kGiven;
    if (is_given && absl::IsInvalidArgument(dot.status())) return false;
    Violation("a write is refused: " + std::string(dot.status().message()));
    return false;
  }
  if (!is_ready || node.replica->is_recovering()) {
    Violation("I7: a replica that is not ready takes a write");
    return false;
  }
  absl::StatusOr<KeyState> after = node.replica->State(node.storage, name);
  if (!after.ok()) return AfterCall(node, after.status()), false;
  if (dot->counter == 0) {
    const int64_t now_ms = NowMs(node);
    for (std::vector<Version>* versions : {&before->versions, &after->versions}) {
      std::erase_if(*versions, [now_ms](const Version& version) {
        return version.expiry != 0 && version.expiry <= now_ms;
      });
    }
    if (!write.is_delete || before->versions != after->versions) {
      Violation("a write without a dot has an effect, or should have one");
    }
    return !has_failed();
  }
  if (dot->actor != node.replica->self()) Violation("I5: a dot of another actor");
  truth.dot = *dot;
  WriteId id = 0;
  const std::string wrong =
      truth_.Add(truth, context, before->versions, after->versions, NowMs(node), &id);
  if (!wrong.empty()) {
    Trace("client %zu at node %zu: %s %s, seen %s -> %s", client, node.index + 1,
          write.is_delete ? "delete" : "set", KeyName(key).c_str(),
          VersionNames(before->versions).c_str(), VersionNames(after->versions).c_str());
    Violation(wrong);
  }
  if (has_failed()) return false;
  if (truth.kind == cluster::Kind::kCounter) ++counts_.increments;
  Trace("client %zu at node %zu: %s %s = %s, seen %s -> %s", client, node.index + 1,
        write.is_delete ? "delete" : "set", KeyName(key).c_str(), truth_.at(id).value.c_str(),
        VersionNames(before->versions).c_str(), VersionNames(after->versions).c_str());
  unit->push_back(id);
  writers_[id] = client;
  return true;
}

void Simulation::Acknowledged(Node& node, const cluster::TurnResult& result) {
  const auto turn = node.turns.find(result.turn);
  if (turn == node.turns.end()) return Violation("a turn without writes has a result");
  cluster::Levels& levels = node.levels[result.turn];
  if (!levels.Has(result.level)) return Violation("a level of a turn has a second result");
  levels.Remove(result.level);
  for (const Level weaker : cluster::kLevels) {
    if (weaker < result.level && levels.Has(weaker)) {
      return Violation("a weaker level of a turn has its result after a stronger one");
    }
  }
  const size_t needed = result.level == Level::kOne   ? 1
                        : result.level == Level::kAll ? nodes_.size()
                                                      : nodes_.size() / 2 + 1;
  if (result.is_acknowledged && result.acks < needed) {
    return Violation("a turn is acknowledged by too few");
  }
  Trace("node %zu: turn %zu is %sacknowledged by %u", node.index + 1,
        static_cast<size_t>(result.turn), result.is_acknowledged ? "" : "not ", result.acks);
  if (result.is_acknowledged) {
    const size_t majority = nodes_.size() / 2 + 1;
    const bool by_quorum = result.acks >= majority;
    for (const WriteId id : turn->second) {
      ++counts_.acknowledged;
      truth_.Acknowledge(id, by_quorum);
      if (by_quorum) clients_[writers_[id]].needs.Add(truth_.at(id).dot);
    }
  }
  if (!levels.empty()) return;
  node.levels.erase(result.turn);
  node.turns.erase(turn);
}

void Simulation::StartRead(Node& node, size_t client) {
  Read read;
  read.began = truth_.now();
  read.client = client;
  read.crashes = counts_.crashes;
  read.level = PickLevel();
  std::vector<std::string> names;
  for (size_t i = 0; i < 1 + random_.Below(3); ++i) {
    read.keys.push_back(random_.Below(profile_.keys));
    names.push_back(KeyOf(read.keys.back()));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const bool is_ready = node.replica->is_ready();
  const absl::StatusOr<uint64_t> id =
      node.replica->StartRead(node.storage, views, read.level, NowMs(node));
  if (!id.ok()) {
    if (node.storage.has_failed()) return AfterCall(node, id.status());
    if (is_ready || !absl::IsUnavailable(id.status())) {
      Violation("a read is refused: " + std::string(id.status().message()));
    }
    return;
  }
  if (!is_ready) return Violation("I7: a replica that is not ready starts a read");
  Trace("client %zu at node %zu: read %zu of %s...", client, node.index + 1,
        static_cast<size_t>(*id), KeyName(read.keys[0]).c_str());
  node.reads[*id] = std::move(read);
  AfterCall(node, absl::OkStatus());
}

void Simulation::FinishRead(Node& node, const cluster::ReadResult& result) {
  if (node.replica == nullptr) return;  // it died of the read before
  const auto found = node.reads.find(result.id);
  if (found == node.reads.end()) return Violation("a read that nobody began is finished");
  const Read read = std::move(found->second);
  node.reads.erase(found);
  if (!result.is_ok) return;
  // The answers came in time, but it had to begin to recover since.
  if (!node.replica->is_ready()) return;
  ++counts_.quorum_reads;
  for (const size_t key : read.keys) {
    const absl::StatusOr<KeyState> state = node.replica->State(node.storage, KeyOf(key));
    if (!state.ok()) return AfterCall(node, state.status());
    Trace("node %zu: read %zu of %s: %s", node.index + 1, static_cast<size_t>(result.id),
          KeyName(key).c_str(), VersionNames(state->versions).c_str());
    CheckKey(key, state->versions);
    if (has_failed()) return;
    if (read.level != Level::kOne && !has_silent_losses_) {
      const auto is_before = [&read](const TruthWrite& write) {
        return write.quorum_time != 0 && write.quorum_time <= read.began;
      };
      // Where two nodes show the same they do not tell each other why: what has overwritten a
      // write was seen by one of them, or by a node whose disk was lost while it told of it.
      std::string wrong =
          truth_.CheckNotLost(key, state->versions, is_before, [&](const TruthWrite& write) {
            return read.crashes != counts_.crashes || IsSeenSomewhere(write);
          });
      if (wrong.empty()) wrong = truth_.CheckNotBack(key, state->versions, is_before);
      if (!wrong.empty()) return Violation("I6: in a quorum read " + wrong);
    }
    for (const Version& version : state->versions) clients_[read.client].needs.Add(version.dot);
    tokens_.push_back({key, state->context});
    if (tokens_.size() > kTokensMax) tokens_.pop_front();
  }
}

bool Simulation::IsSeenSomewhere(const TruthWrite& write) const {
  for (const auto& node : nodes_) {
    if (node->replica != nullptr && truth_.IsReal(node->replica->clock(), write.dot)) return true;
  }
  return false;
}

void Simulation::SessionRead(Node& node, size_t client) {
  Client& reader = clients_[client];
  const DotSet& clock = node.replica->clock();
  if (!node.replica->is_ready()) return;
  if (!clock.HasAll(reader.needs)) {
    // What it waits for may be lost; then another client comes.
    if (++reader.waits > kWaitsMax) reader = {};
    return;
  }
  const size_t key = random_.Below(profile_.keys);
  const absl::StatusOr<KeyState> state = node.replica->State(node.storage, KeyOf(key));
  if (!state.ok()) return AfterCall(node, state.status());
  ++counts_.session_reads;
  Trace("client %zu at node %zu: %s is %s", client, node.index + 1, KeyName(key).c_str(),
        VersionNames(state->versions).c_str());
  CheckKey(key, state->versions);
  const auto is_needed = [&](const TruthWrite& write) {
    return reader.needs.Has(write.dot) && truth_.IsReal(clock, write.dot);
  };
  // A comparison of keys may bring that a write is dead before what has overwritten it.
  std::string wrong =
      truth_.CheckNotLost(key, state->versions, is_needed,
                          [this](const TruthWrite& write) { return IsSeenSomewhere(write); });
  if (wrong.empty()) wrong = truth_.CheckNotBack(key, state->versions, is_needed);
  if (!wrong.empty()) return Violation("I11: for a client that has waited " + wrong);
  for (const Version& version : state->versions) reader.needs.Add(version.dot);
}

}  // namespace kvserver::sim
