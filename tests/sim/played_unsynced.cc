#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cluster/replica.h"
#include "sim/played.h"
#include "sim/script.h"

namespace kvserver::sim {
namespace {

using cluster::Level;
using cluster::Slot;

constexpr const char* kKey = "k";

bool IsBetween(const Script::Letter& letter, Slot one, Slot other) {
  return (letter.from == one && letter.out.to == other) ||
         (letter.from == other && letter.out.to == one);
}

// Of comparisons and reads: nothing that brings a write by itself.
bool IsOnlyAsked(const Script::Letter& letter) {
  const cluster::Body& body = letter.out.message->body;
  return !std::holds_alternative<cluster::Push>(body) &&
         !std::holds_alternative<cluster::Objects>(body);
}

// Nodes 1 and 2 have it on disk; node 3 has not heard of it.
void WriteUnheard(Script& script) {
  script.Write(1, kKey);
  script.Run(1'000, {1, 2, 3}, [](const auto& letter) { return IsBetween(letter, 1, 2); });
  bool is_acknowledged = false;
  for (const cluster::TurnResult& turn : script.replica(1).TakeTurns()) {
    is_acknowledged = is_acknowledged || (turn.level == Level::kQuorum && turn.is_acknowledged);
  }
  script.Expect(is_acknowledged, "the write is acknowledged");
  script.Expect(script.Count(3, kKey) == 0, "node 3 has not heard of it");
}

}  // namespace

std::string PlayUnsyncedRecovery() {
  Script script;
  script.StartAll();
  WriteUnheard(script);  // 1

  // 2
  script.Kill(1);
  script.Replace(1);
  script.Pass(100);
  script.Start(1);
  const auto is_let_through = [](const Script::Letter& letter) {
    return IsBetween(letter, 1, 2) || (IsBetween(letter, 1, 3) && IsOnlyAsked(letter));
  };
  const auto has_recovered = [&] { return !script.replica(1).is_recovering(); };
  script.Run(20'000, {2, 3}, is_let_through, has_recovered);
  if (!has_recovered()) {
    script.Expect(script.Count(1, kKey) == 1, "node 1 has got the write back");
    script.Run(20'000, {1, 2, 3}, is_let_through, has_recovered);
  }
  script.Expect(has_recovered(), "node 1 recovers");
  script.Expect(script.Count(1, kKey) == 1, "node 1 has recovered the write");
  script.Expect(script.Count(3, kKey) == 0, "node 3 has not got it meanwhile");

  // 3, 4
  script.Kill(2);
  script.Replace(2);
  script.Kill(1);
  script.Pass(100);
  script.Start(1);
  script.Start(2);
  script.Talk(20'000);
  if (!script.wrong().empty()) return script.wrong();
  for (const Slot slot : {1, 2, 3}) {
    if (!script.replica(slot).is_ready()) return "a node does not become ready";
    if (script.Count(slot, kKey) == 0) return "I3: an acknowledged write is lost";
  }
  return script.wrong();
}

std::string PlayUnsyncedLoss() {
  Script script;
  script.StartAll();
  const SimStorage::Image old_copy = script.storage(1).DurableImage();
  WriteUnheard(script);  // 1

  // 2
  const auto is_advert = [](const Script::Letter& letter) {
    return std::holds_alternative<cluster::Advert>(letter.out.message->body);
  };
  const auto is_told = [&](const Script::Letter& letter) {
    return is_advert(letter) && IsBetween(letter, 1, 2);
  };
  script.Kill(1);
  script.Replace(1, old_copy);
  script.Pass(100);
  script.Start(1);
  script.Run(500, {2, 3}, is_told);
  script.Expect(script.replica(1).is_recovering(), "node 1 knows what it has lost");
  script.Expect(script.Count(1, kKey) == 0, "node 1 does not have the write");

  // 3, 4
  script.Kill(1);
  script.Pass(100);
  script.Start(1);
  const auto is_ready = [&] { return script.replica(1).is_ready(); };
  script.Run(1'000, {1, 2, 3}, is_advert, is_ready);
  if (is_ready()) {
    const std::vector<std::string_view> keys = {kKey};
    const auto read =
        script.replica(1).StartRead(script.storage(1), keys, Level::kQuorum, script.now_ms());
    if (!read.ok()) return std::string(read.status().message());
    script.Run(100, {1, 2, 3}, [](const auto& letter) {
      return Is<cluster::Read>(letter, 1, 3) || Is<cluster::ReadAnswer>(letter, 3, 1);
    });
    bool is_answered = false;
    for (const cluster::ReadResult& result : script.replica(1).TakeReads()) {
      is_answered = is_answered || result.is_ok;
    }
    if (is_answered && script.Count(1, kKey) == 0) {
      return "I6: a quorum read has not seen an acknowledged write";
    }
  }
  script.Talk(20'000);
  for (const Slot slot : {1, 2, 3}) {
    script.Expect(script.replica(slot).is_ready(), "all are ready again");
    script.Expect(script.Count(slot, kKey) == 1, "all have the write");
  }
  return script.wrong();
}

}  // namespace kvserver::sim
