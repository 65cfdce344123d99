// Replication under faults, in simulation, and the proof that the simulation would find errors.
//
//   sim_test                                      the tests
//   sim_test --seed S [--nodes N] [--steps N] [--mutant NAME] [--trace]   one run
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"
#include "cluster/row_names.h"
#include "cluster/stamp.h"
#include "sim/played.h"
#include "sim/runner.h"
#include "sim/script.h"

namespace kvserver::sim {
namespace {

// Sanitizers take their time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kSecondsMax = 60;
constexpr uint64_t kSeedsMin = 200;
#else
constexpr double kSecondsMax = 150;
constexpr uint64_t kSeedsMin = 2'000;
#endif

struct Play {
  std::string_view name;
  cluster::Mutant mutant;
  std::string (*run)();
  std::string_view violated;
};

std::array<Play, 3> Plays() {
  using cluster::Mutant;
  return {{
      {"late answer", Mutant::kFenceOwnSlotOnly, PlayLateAnswer, "I1"},
      {"unsynced recovery", Mutant::kLeaveRecoveryUnsynced, PlayUnsyncedRecovery, "I3"},
      {"unsynced loss", Mutant::kTellRecoveryUnsynced, PlayUnsyncedLoss, "I6"},
  }};
}

bool IsPlayed(cluster::Mutant mutant) {
  const auto plays = Plays();
  return std::any_of(plays.begin(), plays.end(),
                     [&](const Play& play) { return play.mutant == mutant; });
}

void CheckSeeds(Range range) {
  const Outcome outcome = RunSeeds(range);
  for (const Failure& failure : outcome.failures) FAIL_CHECK(Report(range, failure));
  const RunCounts& counts = outcome.counts;
  CHECK(counts.runs >= kSeedsMin);
  // The runs went where it is dangerous.
  CHECK(counts.writes > 10 * counts.runs);
  CHECK(counts.acknowledged > counts.writes / 4);
  CHECK(counts.units > counts.runs / 2);
  CHECK(counts.increments > counts.runs / 4);
  CHECK(counts.quorum_reads > counts.runs);
  CHECK(counts.session_reads > counts.runs);
  CHECK(counts.crashes > counts.runs);
  CHECK(counts.wipes > counts.runs / 20);
  CHECK(counts.restores > counts.runs / 100);
  CHECK(counts.failed_commits > counts.runs / 20);
  CHECK(counts.failed_reads > counts.runs / 20);
  CHECK(counts.pulled_objects > counts.runs);
  CHECK(counts.range_sessions > counts.runs);
  CHECK(counts.settled > counts.runs);
  MESSAGE(counts.runs << " runs, " << counts.steps << " steps, " << outcome.seconds << " s");
}

}  // namespace

TEST_CASE("three nodes lose nothing that was acknowledged and end up equal") {
  // Goal: the invariants of simulation.h. Method: each seed is a cluster of its own with its own
  // mixture of faults; in the end all is healed and compared with a model of truth.
  Range range;
  range.seeds = 20'000;
  range.seconds_max = kSecondsMax;
  CheckSeeds(range);
}

TEST_CASE("five nodes lose nothing that was acknowledged and end up equal") {
  Range range;
  range.nodes = 5;
  range.steps = 1'500;  // nodes recover often, and take fewer writes meanwhile
  range.seeds = 4'000;
  range.seconds_max = kSecondsMax;
  CheckSeeds(range);
}

TEST_CASE("every planted fault is found by chance, but for those that are played") {
  // Goal: the checks are not blind. Method: the replicas run with one rule broken, in profiles bent
  // towards it, until a run violates something that it does not violate with the rule in force.
  constexpr uint64_t kSeedsMax = 20'000;
  for (const MutantName& known : MutantNames()) {
    if (IsPlayed(known.mutant)) continue;  // the next test
    Range range;
    range.mutant = known.mutant;
    bool is_found = false;
    while (!is_found && range.first_seed <= kSeedsMax) {
      range.seeds = kSeedsMax + 1 - range.first_seed;
      const Outcome outcome = RunSeeds(range);
      if (outcome.failures.empty()) break;
      for (const Failure& failure : outcome.failures) {
        RunOptions options;
        options.seed = failure.seed;
        options.mutant = known.mutant;
        range.first_seed = failure.seed + 1;
        if (!Simulation(options).Run().empty()) continue;
        is_found = true;
        MESSAGE(std::string(known.name) << " is found: " << Report(range, failure));
        break;
      }
    }
    CHECK_MESSAGE(is_found, std::string(known.name) << " survives");
  }
}

TEST_CASE("planted faults that chance does not find are found when the schedule is played") {
  // Goal: each of these rules is needed. Method: 100,000 seeds do not meet the schedules, so they
  // are played: with the rule in force nothing is violated, without it an invariant is.
  for (const Play& play : Plays()) {
    CAPTURE(std::string(play.name));
    CHECK(play.run() == "");
    cluster::active_mutant = play.mutant;
    const std::string violation = play.run();
    cluster::active_mutant = cluster::Mutant::kNone;
    CHECK_MESSAGE(violation.starts_with(play.violated), "it survives: " << violation);
  }
}

// All three nodes have a, b and c, and then the first one loses b without knowing.
void LoseSilently(Script& script) {
  for (const cluster::Slot slot : {1, 2, 3}) script.Start(slot);
  script.Talk(5'000);
  for (const char* key : {"a", "b", "c"}) {
    cluster::ClientWrite write;
    write.key = key;
    write.value = "value";
    REQUIRE(script.replica(1).Write(script.storage(1), write, script.now_ms()).ok());
    script.Talk(100);
  }
  script.Talk(5'000);
  REQUIRE(script.replica(3).log_dots() == 0);
  script.storage(1).LoseRecord("b");
}

void CheckAllHave(Script& script, std::initializer_list<cluster::Slot> slots) {
  CHECK(script.wrong() == "");
  for (const cluster::Slot slot : slots) {
    CAPTURE(slot);
    CHECK(script.replica(slot).is_ready());
    for (const char* key : {"a", "b", "c"}) {
      const auto state = script.replica(slot).State(script.storage(slot), key);
      REQUIRE(state.ok());
      CHECK(state->versions.size() == 1);
    }
  }
}

TEST_CASE("a node that lost records without knowing has them again when it is told to recover") {
  Script script;
  LoseSilently(script);
  script.Kill(1);
  script.Pass(1'000);
  script.Start(1, true);
  script.Talk(10'000);
  CheckAllHave(script, {1, 2, 3});
}

TEST_CASE("a directory whose log has the rows of an older version goes on with all of it") {
  // Goal: what nobody else has yet is not lost by an update. Method: writes that no message of
  // leaves the node; the rows of the log get the names and bytes that they had then.
  for (const uint8_t version : {1, 2}) {
    CAPTURE(version);
    Script script;
    script.StartAll();
    const std::vector<std::string> keys = {"a", "b", "c"};
    for (const std::string& key : keys) {
      script.Write(1, key);
      script.Sync(1);
    }
    script.Lose([](const Script::Letter&) { return true; });
    script.Kill(1);
    SimStorage::Image image = script.storage(1).DurableImage();
    image.rows[std::string(cluster::kNodeRow)] = {static_cast<char>(version), '\x01'};
    std::map<std::string, std::string, std::less<>> rows;
    size_t found = 0;
    for (const auto& [name, row] : image.rows) {
      uint64_t place = 0;
      if (!cluster::PlaceOfLogRow(name, &place)) {
        rows.emplace(name, row);
        continue;
      }
      std::string old(cluster::kOldLogPrefix);
      if (version == 1) {
        AppendFixed64(old, 1'000 + place);
      } else {
        AppendVarint(old, place);
      }
      // One write, alone: 0x80|actor counter length key. It was: 1 actor counter 1 length*2 key.
      const auto actor = static_cast<char>(static_cast<uint8_t>(row[0]) - 0x80);
      const std::string counter = row.substr(1, row.size() - 3);
      rows[old] = std::string{'\x01', actor} + counter + "\x01\x02" + row.back();
      ++found;
    }
    REQUIRE(found == keys.size());
    image.rows = rows;
    script.Replace(1, image);
    script.Pass(1'000);
    script.Start(1);
    CHECK(script.replica(1).log_dots() == keys.size());
    for (const auto& [name, row] : script.storage(1).DurableImage().rows) {
      CHECK_FALSE(name.starts_with(cluster::kOldLogPrefix));
    }
    script.Talk(5'000);
    CheckAllHave(script, {1, 2, 3});
  }
}

TEST_CASE("what one node alone believes to be deleted is not deleted where keys are compared") {
  // Goal: a node that has lost a record, and does not know, must not make others delete it. Method:
  // a node that has it compares its keys, with nothing missing; and one that is behind, so that it
  // could be deleted, as far as that one knows.
  for (const bool is_behind : {false, true}) {
    CAPTURE(is_behind);
    Script script;
    LoseSilently(script);
    script.Kill(2);
    if (is_behind) {
      cluster::ClientWrite write;
      write.key = "d";
      write.value = "value";
      REQUIRE(script.replica(1).Write(script.storage(1), write, script.now_ms()).ok());
      for (int i = 0; i < 20; ++i) {
        script.Pass(50);
        for (const cluster::Slot slot : {1, 3}) {
          script.Tick(slot);
          script.Sync(slot);
        }
        script.Deliver([](const Script::Letter& letter) { return letter.out.to != 2; });
        script.Lose([](const Script::Letter& letter) { return letter.out.to == 2; });
      }
    }
    script.Pass(1'000);
    script.Start(2, true);
    script.Talk(20'000);
    CheckAllHave(script, {2, 3});
    for (const cluster::Slot slot : {2, 3}) {
      const auto state = script.replica(slot).State(script.storage(slot), "d");
      REQUIRE(state.ok());
      CHECK(state->versions.size() == (is_behind ? 1 : 0));
    }
  }
}

TEST_CASE("a comparison that was broken off for ever changes nothing") {
  // Goal: what a node has overwritten on its disk alone, and nobody acknowledged, does not take an
  // acknowledged value along when that disk is lost while another node compares its keys with it.
  // Method: two such writes, so far apart that they come in two answers. The first one comes.
  Script script;
  script.StartAll();
  std::vector<std::string> keys;
  for (int i = 1'000; i < 1'400; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) script.Write(1, key);
  script.Talk(5'000);
  std::vector<std::vector<cluster::Version>> before;
  for (const std::string& key : keys) {
    const auto state = script.replica(3).State(script.storage(3), key);
    REQUIRE(state.ok());
    REQUIRE(state->versions.size() == 1);
    before.push_back(state->versions);
  }
  for (const std::string* key : {&keys.front(), &keys.back()}) script.Write(2, *key);
  script.Sync(2);
  script.Lose([](const Script::Letter&) { return true; });

  script.Kill(1);
  script.Pass(1'000);
  script.Start(1, true);
  const auto is_between = [](const Script::Letter& letter) {
    return letter.from != 3 && letter.out.to != 3;
  };
  script.Run(5'000, {1, 2, 3}, is_between, [&] { return script.Count(1, keys.front()) == 2; });
  CHECK(script.Count(1, keys.front()) == 2);  // what was there, and what has come
  CHECK(script.Count(1, keys.back()) == 1);
  CHECK(script.replica(1).is_recovering());

  script.Kill(2);
  script.Replace(2);
  script.Pass(1'000);
  script.Start(2);
  script.Talk(20'000);
  CHECK(script.wrong() == "");
  for (const cluster::Slot slot : {1, 2, 3}) {
    CAPTURE(slot);
    CHECK(script.replica(slot).is_ready());
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto state = script.replica(slot).State(script.storage(slot), keys[i]);
      REQUIRE(state.ok());
      CHECK(state->versions == before[i]);
    }
  }
}

TEST_CASE("a node that is given an old copy again while it recovers gets back what it lacks") {
  // Goal: that the others forget what a node had told them, when it says that it recovers, does not
  // keep its next run from learning of the same loss. Method: a write that has left all logs, of a
  // run that is settled; the node gets an old copy twice, and the first time it compares nothing.
  Script script;
  script.StartAll();
  const SimStorage::Image old_copy = script.storage(1).DurableImage();
  script.Write(2, "key");
  script.Talk(5'000);
  script.Kill(2);
  script.Pass(1'000);
  script.Start(2);
  script.Talk(5'000);

  const auto restore = [&] {
    script.Kill(1);
    script.Replace(1, old_copy);
    script.Pass(1'000);
    script.Start(1);
  };
  restore();
  const auto is_advert = [](const Script::Letter& letter) {
    return std::holds_alternative<cluster::Advert>(letter.out.message->body);
  };
  script.Run(500, {1, 2, 3}, is_advert);
  CHECK(script.replica(1).is_recovering());
  CHECK(script.Count(1, "key") == 0);

  restore();
  script.Talk(20'000);
  CHECK(script.wrong() == "");
  for (const cluster::Slot slot : {1, 2, 3}) {
    CAPTURE(slot);
    CHECK(script.replica(slot).is_ready());
    CHECK(script.Count(slot, "key") == 1);
  }
}

TEST_CASE("of two requests made at once the same one is shown for all their keys") {
  // Goal: a pair of keys that is always written together never shows one value of each. Method:
  // node 1's clock goes on between its two writes, and node 2's two come in between.
  Script script;
  script.StartAll();
  const auto write = [&](cluster::Slot slot, const char* key, const char* value) {
    cluster::ClientWrite own;
    own.key = key;
    own.value = value;
    REQUIRE(script.replica(slot).Write(script.storage(slot), own, script.now_ms()).ok());
  };
  write(2, "other", "x");
  script.Seal(2);
  write(1, "a", "one");
  write(2, "a", "two");
  write(2, "b", "two");
  script.Pass(1);
  write(1, "b", "one");
  for (const cluster::Slot slot : {1, 2}) script.Seal(slot);
  script.Talk(5'000);
  CHECK(script.wrong() == "");
  for (const cluster::Slot slot : {1, 2, 3}) {
    CAPTURE(slot);
    const auto a = script.replica(slot).State(script.storage(slot), "a");
    const auto b = script.replica(slot).State(script.storage(slot), "b");
    REQUIRE(a.ok());
    REQUIRE(b.ok());
    CHECK(a->versions.size() == 2);
    CHECK(b->versions.size() == 2);
    CHECK(cluster::Resolve(a->versions).value == cluster::Resolve(b->versions).value);
  }
}

// Three nodes that have written apart for a while, the same for equal seeds; keys a, b and c.
void WriteApart(Script& script, uint64_t seed) {
  const auto none = [](const Script::Letter&) { return false; };
  std::mt19937_64 random(seed);
  script.StartAll();
  for (int i = 0; i < 24; ++i) {
    const auto slot = static_cast<cluster::Slot>(1 + random() % 3);
    const std::string key(1, static_cast<char>('a' + random() % 3));
    cluster::ClientWrite write;
    write.key = key;
    const std::string value = std::to_string(i);
    write.value = value;
    write.is_delete = random() % 4 == 0;
    if (random() % 4 == 0) write.context = cluster::ClientWrite::Context::kBlind;
    REQUIRE(script.replica(slot).Write(script.storage(slot), write, script.now_ms()).ok());
    script.Seal(slot);
    script.Run(10, {1, 2, 3}, none);
    if (i == 8) script.Talk(2'000);
  }
}

// `by` merges what `from` has of the keys.
void MergeFrom(Script& script, cluster::Slot by, cluster::Slot from) {
  const std::vector<std::string_view> keys = {"a", "b", "c"};
  REQUIRE(script.replica(by)
              .StartRead(script.storage(by), keys, cluster::Level::kQuorum, script.now_ms())
              .ok());
  script.Seal(by);
  script.Run(30, {1, 2, 3}, [&](const Script::Letter& letter) {
    return Is<cluster::Read>(letter, by, from) || Is<cluster::ReadAnswer>(letter, from, by);
  });
}

// The versions of all keys at node 1.
std::vector<std::vector<cluster::Version>> ShownAtOne(Script& script) {
  std::vector<std::vector<cluster::Version>> shown;
  for (const char* key : {"a", "b", "c"}) {
    const auto state = script.replica(1).State(script.storage(1), key);
    REQUIRE(state.ok());
    // What was seen is never less than what is shown.
    for (const cluster::Version& version : state->versions) CHECK(state->context.Has(version.dot));
    shown.push_back(state->versions);
  }
  CHECK(script.wrong() == "");
  return shown;
}

TEST_CASE("merging objects is idempotent, commutative and associative") {
  // Goal: whatever way and however often objects come, the same versions are left. Method: nodes
  // that have written apart, with deletes and siblings, read each other's keys in different orders.
  size_t siblings = 0, changed = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Script two_three, three_two, again, through;
    for (Script* const script : {&two_three, &three_two, &again, &through}) {
      WriteApart(*script, seed);
    }
    const auto before = ShownAtOne(two_three);
    MergeFrom(two_three, 1, 2);
    MergeFrom(two_three, 1, 3);
    const auto merged = ShownAtOne(two_three);
    for (const auto& versions : merged) siblings += versions.size() > 1 ? 1 : 0;
    changed += merged != before ? 1 : 0;

    MergeFrom(three_two, 1, 3);
    MergeFrom(three_two, 1, 2);
    CHECK(ShownAtOne(three_two) == merged);

    for (const cluster::Slot from : {2, 2, 3, 2, 3, 3}) MergeFrom(again, 1, from);
    CHECK(ShownAtOne(again) == merged);

    MergeFrom(through, 3, 2);
    MergeFrom(through, 1, 3);
    CHECK(ShownAtOne(through) == merged);
  }
  CHECK(siblings > 20);
  CHECK(changed > 40);
}

TEST_CASE("a seed is a run, to the last step") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    RunOptions options;
    options.seed = seed;
    Simulation first(options), second(options);
    CHECK(first.Run() == second.Run());
    CHECK(first.counts().messages == second.counts().messages);
    CHECK(first.counts().steps == second.counts().steps);
    CHECK(first.counts().lost_messages == second.counts().lost_messages);
  }
}

// One run, as told by Report. The exit code is 1 if it violates something.
int Replay(const RunOptions& options) {
  cluster::active_mutant = options.mutant;
  Simulation simulation(options);
  const std::string violation = simulation.Run();
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.seed),
              violation.empty() ? "nothing is violated" : violation.c_str());
  return violation.empty() ? 0 : 1;
}

}  // namespace kvserver::sim

int main(int argc, char** argv) {
  kvserver::sim::RunOptions options;
  options.seed = 0;
  std::string mutant = "none";
  CLI::App app("Replication in simulation");
  app.allow_extras();
  app.set_help_flag();
  app.add_option("--seed", options.seed);
  app.add_option("--nodes", options.nodes);
  app.add_option("--steps", options.steps);
  app.add_option("--mutant", mutant);
  app.add_flag("--trace", options.trace);
  CLI11_PARSE(app, argc, argv);
  if (options.seed == 0) return doctest::Context(argc, argv).run();
  if (!kvserver::sim::FindMutant(mutant, &options.mutant)) {
    std::fprintf(stderr, "sim_test: no such mutant: %s\n", mutant.c_str());
    return 2;
  }
  return kvserver::sim::Replay(options);
}
