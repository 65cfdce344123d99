// Three replicas under a script: it says who works, whose messages arrive, what is synced.
#ifndef LIBKV_TESTS_SIM_SCRIPT_H_
#define LIBKV_TESTS_SIM_SCRIPT_H_

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/replica.h"
#include "sim/sim_storage.h"

namespace kvserver::sim {

// Three nodes whose messages go where the script says.
class Script {
 public:
  struct Letter {
    cluster::Slot from = 0;
    cluster::Outgoing out;
  };
  using Wanted = std::function<bool(const Letter& letter)>;

  void Start(cluster::Slot slot, bool must_recover = false) {
    Node& node = At(slot);
    cluster::ReplicaOptions options;
    options.self = slot;
    options.members = {1, 2, 3};
    options.must_recover = must_recover;
    node.replica = std::make_unique<cluster::Replica>(options, [this] { return ++random_; });
    Check(node.replica->Start(node.storage, now_ms_));
    node.sealed = 0;
    Seal(slot);
    Sync(slot);
  }
  // Without what is not on disk.
  void Kill(cluster::Slot slot) {
    At(slot).replica.reset();
    At(slot).storage.Crash(0);
  }
  // The disk of a killed node is another one from now on: an old copy, or an empty one.
  void Replace(cluster::Slot slot, const SimStorage::Image& image = {}) {
    At(slot).storage.Load(image);
  }
  void Seal(cluster::Slot slot) {
    Node& node = At(slot);
    if (node.replica->is_dirty()) {
      node.sealed = node.replica->Seal(node.storage, cluster::Level::kQuorum, now_ms_);
      node.storage.Commit(node.sealed);
    }
    Take(slot);
  }
  void Sync(cluster::Slot slot) {
    Node& node = At(slot);
    node.storage.Sync(node.sealed);
    node.replica->Durable(node.sealed, now_ms_);
    Take(slot);
  }
  void Tick(cluster::Slot slot) {
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
      Check(node.replica->AskAhead(node.storage, *letter.out.message, now_ms_));
      Check(node.replica->Receive(node.storage, *letter.out.message, now_ms_));
      Seal(letter.out.to);
    }
  }
  void Lose(const Wanted& wanted) { std::erase_if(mail_, wanted); }
  // For so long, or until it is so: all tick, the disks of `synced` are quick, what is wanted is
  // delivered, all else lost.
  void Run(
      int64_t ms, std::initializer_list<cluster::Slot> synced, const Wanted& wanted,
      const std::function<bool()>& is_so = [] { return false; }) {
    for (int64_t end = now_ms_ + ms; now_ms_ < end && !is_so(); Pass(10)) {
      for (const cluster::Slot slot : {1, 2, 3}) Tick(slot);
      for (const cluster::Slot slot : synced) Sync(slot);
      Deliver(wanted);
      Lose([&](const Letter& letter) { return !wanted(letter); });
    }
  }
  // All talk, and all is synced, for so long.
  void Talk(int64_t ms) {
    Run(ms, {1, 2, 3}, [](const Letter&) { return true; });
  }
  // All start, and are ready.
  void StartAll() {
    for (const cluster::Slot slot : {1, 2, 3}) Start(slot);
    Talk(5'000);
    for (const cluster::Slot slot : {1, 2, 3}) Expect(replica(slot).is_ready(), "all are ready");
  }
  // Sealed, not synced.
  void Write(cluster::Slot slot, std::string_view key) {
    cluster::ClientWrite write;
    write.key = key;
    write.value = "value";
    Check(replica(slot).Write(storage(slot), write, now_ms_).status());
    Seal(slot);
  }
  // How many versions of the key a node has.
  size_t Count(cluster::Slot slot, std::string_view key) {
    const auto state = replica(slot).State(storage(slot), key);
    Check(state.status());
    return state.ok() ? state->versions.size() : 0;
  }

  cluster::Replica& replica(cluster::Slot slot) { return *At(slot).replica; }
  SimStorage& storage(cluster::Slot slot) { return At(slot).storage; }
  int64_t now_ms() const { return now_ms_; }
  const std::string& wrong() const { return wrong_; }
  void Expect(bool is_so, const char* what) {
    if (!is_so && wrong_.empty()) wrong_ = std::string("not as in the script: ") + what;
  }

 private:
  struct Node {
    SimStorage storage;
    std::unique_ptr<cluster::Replica> replica;
    uint64_t sealed = 0;
  };
  Node& At(cluster::Slot slot) { return nodes_[slot - 1]; }
  void Take(cluster::Slot slot) {
    for (const cluster::Outgoing& out : At(slot).replica->TakeMessages())
      mail_.push_back({slot, out});
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
bool Is(const Script::Letter& letter, cluster::Slot from, cluster::Slot to) {
  return letter.from == from && letter.out.to == to &&
         std::holds_alternative<Body>(letter.out.message->body);
}

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_SCRIPT_H_
