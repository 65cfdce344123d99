#include "sim/played.h"

#include <string_view>
#include <vector>

#include "cluster/mutant.h"
#include "cluster/replica.h"
#include "sim/names.h"
#include "sim/script.h"

namespace kvserver::sim {
namespace {

using cluster::Level;
using cluster::Slot;

constexpr const char* kKey = "k";

}  // namespace

std::string PlayLateAnswer() {
  const auto all = [](const Script::Letter&) { return true; };
  Script script;
  script.StartAll();

  // 1
  const uint64_t old_run = script.replica(1).self().generation;
  script.Write(1, kKey);
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
  script.Expect(script.Count(3, kKey) == 1, "the answer comes, and has the write");

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
