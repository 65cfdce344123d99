// Kills a process that writes, again and again, and compares what is left with what it was told.
//
//   crash_test [--rounds N] [--seed S] [--longest MS] [--directory D]   nothing may be lost
//   crash_test --control early|split [--rounds N]     a writer that lies must be found out
//
// Each round starts a writer on the directory of the round before, kills it with SIGKILL after 2 to
// 150 ms, sometimes while it still opens the store, opens the store, and checks every key, every
// bulk, the counters, searches, neighbours, values and Verify. In half of the rounds it writes
// blocks of vectors only, for 50 to 800 ms: so long that lists are split and merged without a
// pause. Every fourth round looks at the store read-only first, as the dead writer left it. Every
// 25 rounds a new directory.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "crash/model.h"
#include "crash/workload.h"
#include "crash/writer_process.h"
#include "support/temp_dir.h"

namespace libkv::crash {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRoundsPerDirectory = 25;
constexpr int kReadOnlyEvery = 4;
constexpr int64_t kLifeMin = 2'000;  // microseconds
// Of those that write blocks only.
constexpr int64_t kBlocksLifeMin = 50'000, kBlocksLifeMax = 800'000;
constexpr int kRoundsForLists = 50;  // in so many writers must have split and merged lists

struct Totals {
  int rounds = 0;
  uint64_t attempted = 0, acknowledged = 0;
  Findings findings;
  ListChanges killed;      // what writers did to lists before they were killed
  ListChanges after;       // and what the stores did that were opened then
  int killed_between = 0;  // kills that left such a change to be done
  std::vector<double> open_ms;
  bool failed = false;
};

class Run {
 public:
  Run(std::string writer, std::string directory, uint64_t seed, Mode mode, int64_t life_max)
      : writer_(std::move(writer)),
        directory_(std::move(directory)),
        random_(seed),
        mode_(mode),
        life_max_(life_max) {}

  void Round(bool is_last) {
    if (totals_.rounds % kRoundsPerDirectory == 0) StartAnew();
    const bool is_long = mode_ == Mode::kHonest && random_() % 2 == 0;
    const int64_t least = is_long ? kBlocksLifeMin : kLifeMin;
    const int64_t most = is_long ? std::max(kBlocksLifeMax, life_max_) : life_max_;
    const auto life =
        std::chrono::microseconds(std::uniform_int_distribution<int64_t>(least, most)(random_));
    const Mode mode = is_long ? Mode::kBlocksOnly : mode_;
    const uint64_t attempted = model_.attempted(), acknowledged = model_.acknowledged();
    ListChanges lists;
    const auto take = [&](const Message& message) {
      if (message.kind == Message::Kind::kListSplits) {
        lists.splits = static_cast<uint64_t>(message.result);
      } else if (message.kind == Message::Kind::kListMerges) {
        lists.merges = static_cast<uint64_t>(message.result);
      } else {
        model_.Take(message);
      }
    };
    if (!LiveAndDie(writer_, directory_, model_.next_number(), mode, life, take)) {
      std::fprintf(stderr, "crash_test: the writer ended by itself\n");
      totals_.failed = true;
    }
    totals_.killed.splits += lists.splits;
    totals_.killed.merges += lists.merges;
    totals_.attempted += model_.attempted() - attempted;
    totals_.acknowledged += model_.acknowledged() - acknowledged;
    if (totals_.rounds % kReadOnlyEvery == 0) LookReadOnly();
    Look(is_last || totals_.rounds % kRoundsPerDirectory == kRoundsPerDirectory - 1);
    ++totals_.rounds;
  }

  const Totals& totals() const { return totals_; }

 private:
  void StartAnew() {
    std::filesystem::remove_all(directory_);
    model_ = {};
  }

  void LookReadOnly() {
    Options options = StoreOptions();
    options.read_only = true;
    const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options, directory_);
    // A writer that died early leaves no store to read.
    if (absl::IsNotFound(store.status()) || absl::IsFailedPrecondition(store.status())) return;
    if (model_.acknowledged() == 0) return;
    if (!store.ok()) return FailedToOpen(store.status());
    model_.Check(**store, looks_++, false, &totals_.findings);
  }

  void Look(bool is_last) {
    const Clock::time_point before = Clock::now();
    const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(StoreOptions(), directory_);
    if (!store.ok()) return FailedToOpen(store.status());
    totals_.open_ms.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - before).count());
    const absl::Status indexed = (*store)->WaitIndexed(std::chrono::seconds(30));
    if (!indexed.ok()) FailedToOpen(indexed);
    model_.Check(**store, looks_++, is_last, &totals_.findings);
    model_.CheckVectors(**store, &totals_.findings);
    model_.Settle(**store);
    // Nothing was written since: it was due before the kill, or under way.
    const ListChanges lists = ListChangesOf(**store);
    if (lists.splits + lists.merges > 0) ++totals_.killed_between;
    totals_.after.splits += lists.splits;
    totals_.after.merges += lists.merges;
  }

  void FailedToOpen(const absl::Status& status) {
    std::fprintf(stderr, "crash_test: %s\n", status.ToString().c_str());
    totals_.failed = true;
  }

  const std::string writer_, directory_;
  std::mt19937_64 random_;
  const Mode mode_;
  const int64_t life_max_;
  Model model_;
  uint64_t looks_ = 0;
  Totals totals_;
};

double Percentile(std::vector<double> numbers, size_t percent) {
  if (numbers.empty()) return 0;
  std::sort(numbers.begin(), numbers.end());
  return numbers[std::min(numbers.size() - 1, numbers.size() * percent / 100)];
}

void Print(const Totals& totals) {
  const Findings& found = totals.findings;
  std::printf("rounds %d  attempted %" PRIu64 "  acknowledged %" PRIu64 "\n", totals.rounds,
              totals.attempted, totals.acknowledged);
  std::printf("lost %" PRIu64 "  torn %" PRIu64 "  foreign %" PRIu64 "  disagree %" PRIu64
              "  Verify problems %" PRIu64 "\n",
              found.lost, found.torn, found.foreign, found.disagree, found.problems);
  std::printf("asked for vectors of clusters %" PRIu64 "  missed at the usual recall %" PRIu64 "\n",
              found.asked, found.missed);
  std::printf("lists split by the killed %" PRIu64 "  merged by them %" PRIu64
              "  kills that left some to be split or merged %d (%" PRIu64 ", %" PRIu64 ")\n",
              totals.killed.splits, totals.killed.merges, totals.killed_between,
              totals.after.splits, totals.after.merges);
  std::printf("open p50 %.1f ms  p99 %.1f ms\n", Percentile(totals.open_ms, 50),
              Percentile(totals.open_ms, 99));
}

int Main(int rounds, uint64_t seed, int64_t life_max, const std::string& control,
         const std::string& writer, const std::string& directory) {
  const Mode mode = control == "early"   ? Mode::kEarly
                    : control == "split" ? Mode::kSplit
                                         : Mode::kHonest;
  std::printf("seed %" PRIu64 "\n", seed);
  std::fflush(stdout);
  Run run(writer, directory, seed, mode, life_max);
  const Totals& totals = run.totals();
  const auto found_out = [&] {
    return mode == Mode::kEarly ? totals.findings.lost > 0 : totals.findings.torn > 0;
  };
  const bool wants_lists = mode == Mode::kHonest && rounds >= kRoundsForLists;
  const auto lacks_lists = [&] {
    return wants_lists && (totals.killed.splits == 0 || totals.killed.merges == 0);
  };
  // More rounds if these had no splits or no merges, which few have: twice as many at most.
  for (int i = 0; (i < rounds || (lacks_lists() && i < 2 * rounds)) && !totals.failed; ++i) {
    run.Round(i + 1 >= rounds);
    if (mode != Mode::kHonest && found_out()) break;
  }
  Print(totals);
  if (totals.failed || totals.acknowledged == 0) return 1;
  if (mode == Mode::kHonest) {
    if (lacks_lists()) {
      std::fprintf(stderr, "crash_test: no list was split, or none merged, before a kill\n");
      return 1;
    }
    return totals.findings.none() ? 0 : 1;
  }
  std::printf("the writer that %s was %s\n",
              mode == Mode::kEarly ? "acknowledges early" : "splits its bulks",
              found_out() ? "found out" : "NOT found out");
  return found_out() ? 0 : 1;
}

}  // namespace
}  // namespace libkv::crash

int main(int argc, char** argv) {
  CLI::App app("Kills a writing process again and again and checks what is left");
  int rounds = 200;
  int64_t longest = 150;
  uint64_t seed =
      static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  std::string control, directory;
  app.add_option("--rounds", rounds, "how often to kill")->check(CLI::PositiveNumber);
  app.add_option("--seed", seed, "of the moments");
  app.add_option("--longest", longest, "milliseconds that a writer may live")
      ->check(CLI::Range(3, 60'000));
  app.add_option("--control", control, "a lying writer")->check(CLI::IsMember({"early", "split"}));
  app.add_option("--directory", directory, "on the disk to test");
  CLI11_PARSE(app, argc, argv);
  const libkv::TempDir temporary;
  const auto writer =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "crash_writer";
  return libkv::crash::Main(rounds, seed, longest * 1'000, control, writer,
                            directory.empty() ? temporary.path() : directory + "/libkv-crash-test");
}
