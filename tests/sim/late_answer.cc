#include "sim/late_answer.h"

#include <array>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "cluster/mutant.h"
#include "cluster/replica.h"
#include "sim/names.h"
#include "sim/sim_storage.h"

namespace kvserver::sim {
namespace {

using cluster::KeyState;
using cluster::Level;
using cluster::Outgoing;
using cluster::Replica;
using cluster::Slot;

constexpr const char* kKey = "k";

// Three nodes whose messages go where the script says.
class Script {
 public:
  struct Letter {
    Slot from = 0;
    Outgoing out;
  };
  using Wanted = std::function<bool(const Letter& letter)>;

  void Start(Slot slot) {
    Node& node = At(slot);
    cluster::ReplicaOptions options;
    options.self = slot;
    options.members = {1, 2, 3};
    node.replica = std::make_unique<Replica>(options, [this] { return ++random_; });
    Check(node.replica->Start(node.storage, now_ms_));
    node.sealed = 0;
    Seal(slot);
    Sync(slot);
  }
  // Without what is not on disk.
  void Kill(Slot slot) {
    At(slot).replica.reset();
    At(slot).storage.Crash(0);
  }
  void Seal(Slot slot) {
    Node& node = At(slot);
    if (node.replica->is_dirty()) {
      node.sealed = node.replica->Seal(node.storage, Level::kQuorum, now_ms_);
      node.storage.Commit(node.sealed);
    }
    Take(slot);
  }
  void Sync(Slot slot) {
    Node& node = At(slot);
    node.storage.Sync(node.sealed);
    node.replica->Durable(node.sealed, now_ms_);
    Take(slot);
  }
  void Tick(Slot slot) {
    Check(At(slot).replica->Tick(At(slot).storage, now_ms_));
    Seal(slot);
  }
  void Pass(int64_t ms) { now_ms_ += ms; }
  // Delivers what is wanted, in its order; the rest waits. Nothing of it is synced.
  void Deliver(const Wanted& wanted) {
    std::vector<Letter> letters;
    letters.swap(mail_);
    for (const Letter& letter : letters) {
      if (!wanted(letter)) {
        mail_.push_back(letter);
        continue;
      }
      Node& node = At(letter.out.to);
      Check(node.replica->Receive(node.storage, *letter.out.message, now_ms_));
      Seal(letter.out.to);
    }
  }
  void Lose(const Wanted& wanted) { std::erase_if(mail_, wanted); }
  // All talk, and all is synced, for so long.
  void Talk(int64_t ms) {
    for (int64_t end = now_ms_ + ms; now_ms_ < end; Pass(10)) {
      for (const Slot slot : {1, 2, 3}) {
        Tick(slot);
        Sync(slot);
      }
      Deliver([](const Letter&) { return true; });
    }
  }

  Replica& replica(Slot slot) { return *At(slot).replica; }
  SimStorage& storage(Slot slot) { return At(slot).storage; }
  int64_t now_ms() const { return now_ms_; }
  const std::string& wrong() const { return wrong_; }
  void Expect(bool is_so, const char* what) {
    if (!is_so && wrong_.empty()) wrong_ = std::string("not as in the script: ") + what;
  }

 private:
  struct Node {
    SimStorage storage;
    std::unique_ptr<Replica> replica;
    uint64_t sealed = 0;
  };
  Node& At(Slot slot) { return nodes_[slot - 1]; }
  void Take(Slot slot) {
    for (const Outgoing& out : At(slot).replica->TakeMessages()) mail_.push_back({slot, out});
  }
  void Check(const absl::Status& status) {
    if (!status.ok() && wrong_.empty()) wrong_ = std::string(status.message());
  }

  std::array<Node, 3> nodes_;
  std::vector<Letter> mail_;
  int64_t now_ms_ = 1'700'000'000'000;
  uint64_t random_ = 0;
  std::string wrong_;
};

template <typename Body>
bool Is(const Script::Letter& letter, Slot from, Slot to) {
  return letter.from == from && letter.out.to == to &&
         std::holds_alternative<Body>(letter.out.message->body);
}

}  // namespace

std::string PlayLateAnswer() {
  const auto all = [](const Script::Letter&) { return true; };
  Script script;
  for (const Slot slot : {1, 2, 3}) script.Start(slot);
  script.Talk(5'000);
  for (const Slot slot : {1, 2, 3}) script.Expect(script.replica(slot).is_ready(), "all are ready");

  // 1
  const uint64_t old_run = script.replica(1).self().generation;
  cluster::ClientWrite write;
  write.key = kKey;
  write.value = "value";
  const auto dot = script.replica(1).Write(script.storage(1), write, script.now_ms());
  if (!dot.ok()) return std::string(dot.status().message());
  script.Seal(1);
  script.Deliver([](const auto& letter) { return Is<cluster::Push>(letter, 1, 2); });
  script.Lose(all);

  // 2
  script.Kill(1);
  script.Pass(100);
  script.Start(1);
  script.Tick(1);
  for (int i = 0; i < 3; ++i) script.Deliver(all);
  script.Lose(all);

  // 3
  const std::vector<std::string_view> keys = {kKey};
  const auto read =
      script.replica(3).StartRead(script.storage(3), keys, Level::kQuorum, script.now_ms());
  if (!read.ok()) return std::string(read.status().message());
  script.Seal(3);
  script.Deliver([](const auto& letter) { return Is<cluster::Read>(letter, 3, 2); });
  const auto is_answer = [](const Script::Letter& letter) {
    return Is<cluster::ReadAnswer>(letter, 2, 3);
  };
  script.Lose([&](const auto& letter) { return !is_answer(letter); });

  // 4
  script.Kill(2);
  script.Pass(100);
  script.Start(2);
  const auto is_heard = [](const Script::Letter& letter) {
    return letter.out.to != 3 && !(letter.from == 3 && letter.out.to == 2);
  };
  for (int i = 0; i < 40; ++i) {
    script.Pass(20);
    for (const Slot slot : {1, 2, 3}) script.Tick(slot);
    for (const Slot slot : {1, 2, 3}) script.Sync(slot);
    script.Deliver(is_heard);
    script.Lose([&](const auto& letter) { return !is_heard(letter) && !is_answer(letter); });
  }

  // 6
  if (IsMutant(cluster::Mutant::kFenceOwnSlotOnly)) {
    script.Expect(script.replica(1).clock().settled(1) >= old_run, "the mutant settles it");
  }
  script.Deliver(is_answer);
  const auto here = script.replica(3).State(script.storage(3), kKey);
  script.Expect(here.ok() && here->versions.size() == 1, "the answer comes, and has the write");

  script.Talk(5'000);
  if (!script.wrong().empty()) return script.wrong();
  const auto first = script.replica(1).State(script.storage(1), kKey);
  for (const Slot slot : {2, 3}) {
    const auto other = script.replica(slot).State(script.storage(slot), kKey);
    if (!first.ok() || !other.ok()) return "a read fails";
    if (first->versions == other->versions) continue;
    return "I1: the key is " + VersionNames(first->versions) + " at node 1 and " +
           VersionNames(other->versions) + " at node " + std::to_string(slot);
  }
  return "";
}

}  // namespace kvserver::sim
