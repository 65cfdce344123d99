#include "kvserver/cluster_process/workload.h"

#include <random>
#include <set>

#include "kvserver/cluster_process/node_client.h"

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kRegisters = 6, kDeletedRegisters = 3, kCounters = 2, kPairs = 4;
constexpr size_t kProblemsMax = 20;
// Shorter than the server's: that an answer never comes is part of life.
constexpr milliseconds kRequestLongest{1'500};
// A node that has not answered is left alone for a while.
constexpr milliseconds kAvoided{300};
// And asking one that is gone costs nothing, which would leave nothing for the servers.
constexpr milliseconds kBreath{2};

constexpr const char* kWords[] = {"amber", "basalt", "cobalt", "dolomite", "emerald", "flint"};

int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch())
      .count();
}

}  // namespace

class Workload::Client {
 public:
  Client(const ProcessCluster& cluster, const WorkloadOptions& options, int number)
      : options_(options),
        number_(number),
        nodes_(cluster.size()),
        random_(options.seed * 1'000 + static_cast<uint64_t>(number)),
        avoided_until_(static_cast<size_t>(cluster.size())),
        client_(cluster, kRequestLongest) {}

  void Run(const std::atomic<bool>& is_stopping) {
    while (!is_stopping) {
      Step();
      if (options_.pause.count() > 0) std::this_thread::sleep_for(options_.pause);
    }
  }

  // What it was told, by key.
  std::map<std::string, RegisterHistory> registers;
  std::map<std::string, std::string> set_acknowledged, set_unknown;
  std::set<std::string> deleted;
  std::map<std::string, int64_t> increments_acknowledged, increments_unknown;
  std::vector<std::string> problems;
  WorkloadCounts counts;

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  int AnyNode() {
    for (int i = 0; i < 3; ++i) {
      const auto node = static_cast<int>(Below(static_cast<uint64_t>(nodes_)));
      if (Clock::now() >= avoided_until_[static_cast<size_t>(node)]) return node;
    }
    return static_cast<int>(Below(static_cast<uint64_t>(nodes_)));
  }

  std::string Name(const char* kind, uint64_t number) const {
    return options_.name + "/" + kind + std::to_string(number);
  }
  std::string FreshName(const char* kind) {
    return options_.name + "/" + kind + std::to_string(number_) + ":" + std::to_string(++sequence_);
  }
  // Says who wrote it when; two words to find it by.
  std::string FreshValue() {
    return "c" + std::to_string(number_) + "s" + std::to_string(++sequence_) + " " +
           kWords[Below(std::size(kWords))] + " " + options_.name;
  }

  Answer Told(int node, Answer answer) {
    if (answer.outcome == Outcome::kOk) {
      ++counts.acknowledged;
      return answer;
    }
    ++(answer.outcome == Outcome::kRefused ? counts.refused : counts.unknown);
    avoided_until_[static_cast<size_t>(node)] = Clock::now() + kAvoided;
    std::this_thread::sleep_for(kBreath);
    return answer;
  }

  void Complain(std::string problem) {
    if (problems.size() < kProblemsMax) problems.push_back(std::move(problem));
  }

  void Step() {
    const uint64_t choice = Below(100);
    if (choice < 30) return WriteRegister();
    if (choice < 50) return ReadRegister();
    if (choice < 65) return AddToSet();
    if (choice < 77) return Increment();
    if (choice < 84) return WritePair();
    if (choice < 95) return ReadPair();
    return DeleteForGood();
  }

  std::string AnyRegister() {
    const uint64_t i = Below(kRegisters + kDeletedRegisters);
    return i < kRegisters ? Name("r", i) : Name("x", i - kRegisters);
  }

  void WriteRegister() {
    const std::string key = AnyRegister();
    const bool is_delete = key.find("/x") != std::string::npos && Below(6) == 0;
    Operation operation;
    operation.kind = is_delete ? Operation::Kind::kDelete : Operation::Kind::kSet;
    operation.node = AnyNode();
    if (!is_delete) operation.value = FreshValue();
    operation.begin_us = NowMicroseconds();
    const Answer answer =
        Told(operation.node, is_delete ? client_.Delete(operation.node, key)
                                       : client_.Set(operation.node, key, *operation.value));
    operation.end_us = NowMicroseconds();
    operation.outcome = answer.outcome;
    registers[key].Add(std::move(operation));
  }

  void ReadRegister() {
    const std::string key = AnyRegister();
    Operation operation;
    operation.node = AnyNode();
    operation.begin_us = NowMicroseconds();
    Answer answer = Told(operation.node, client_.Get(operation.node, key));
    operation.end_us = NowMicroseconds();
    operation.outcome = answer.outcome;
    operation.value = std::move(answer.value);
    if (answer.outcome != Outcome::kOk) return;
    ++counts.reads;
    if (options_.reads_at_quorum) registers[key].Add(std::move(operation));
  }

  void AddToSet() {
    const std::string key = FreshName("s"), value = FreshValue();
    const int node = AnyNode();
    const Answer answer = Told(node, client_.Set(node, key, value));
    if (answer.outcome == Outcome::kUnknown) set_unknown[key] = value;
    if (answer.outcome != Outcome::kOk) return;
    set_acknowledged[key] = value;
    ++counts.set_acknowledged;
    if (!options_.reads_at_quorum) return;
    const int other = AnyNode();
    const Answer read = Told(other, client_.Get(other, key));
    if (read.outcome != Outcome::kOk) return;
    ++counts.reads;
    if (read.value != value) {
      Complain(key + " was acknowledged by node " + std::to_string(node + 1) + ", and node " +
               std::to_string(other + 1) + " reads " + read.value.value_or("nothing"));
    }
  }

  void Increment() {
    const std::string key = Name("n", Below(kCounters));
    const int node = AnyNode();
    const Answer answer = Told(node, client_.Increment(node, key));
    if (answer.outcome == Outcome::kOk) ++increments_acknowledged[key];
    if (answer.outcome == Outcome::kUnknown) ++increments_unknown[key];
    counts.increments += answer.outcome == Outcome::kOk ? 1 : 0;
  }

  void WritePair() {
    const std::string key = Name("p", Below(kPairs));
    const int node = AnyNode();
    Told(node, client_.SetPair(node, key + ":a", key + ":b", FreshValue(),
                               Below(2) == 0 ? "MSET" : "KV.BULKSET"));
  }

  void ReadPair() {
    const std::string key = Name("p", Below(kPairs));
    const int node = AnyNode();
    // One of the two alone must not bring it here alone.
    if (Below(4) == 0) Told(node, client_.Get(node, key + ":a"));
    const Answer answer = Told(node, client_.GetAll(node, {key + ":a", key + ":b"}));
    if (answer.outcome != Outcome::kOk || answer.all.size() != 2) return;
    ++counts.pairs_read;
    if (answer.all[0] != answer.all[1]) {
      Complain(key + " is torn on node " + std::to_string(node + 1) + ": " +
               answer.all[0].value_or("nothing") + " and " + answer.all[1].value_or("nothing"));
    }
  }

  // The node that has shown a value is told to delete it: so it has seen what it deletes.
  void DeleteForGood() {
    const std::string key = FreshName("d"), value = FreshValue();
    const int writer = AnyNode(), node = AnyNode();
    if (Told(writer, client_.Set(writer, key, value)).outcome == Outcome::kRefused) return;
    const Answer seen = Told(node, client_.Get(node, key));
    if (seen.outcome != Outcome::kOk || seen.value != value) return;
    const Answer gone = Told(node, client_.Delete(node, key));
    if (gone.outcome != Outcome::kOk || gone.number != 1) return;
    deleted.insert(key);
    ++counts.deleted;
    if (!options_.reads_at_quorum) return;
    const int other = AnyNode();
    const Answer read = Told(other, client_.Get(other, key));
    if (read.outcome == Outcome::kOk && read.value) {
      Complain(key + " was deleted at node " + std::to_string(node + 1) + ", and node " +
               std::to_string(other + 1) + " reads " + *read.value);
    }
  }

  const WorkloadOptions& options_;
  const int number_, nodes_;
  std::mt19937_64 random_;
  uint64_t sequence_ = 0;
  std::vector<Clock::time_point> avoided_until_;
  NodeClient client_;
};

Workload::Workload(const ProcessCluster& cluster, WorkloadOptions options)
    : cluster_(cluster), options_(std::move(options)) {
  for (int i = 0; i < options_.clients; ++i) {
    clients_.push_back(std::make_unique<Client>(cluster_, options_, i));
  }
}

Workload::~Workload() { Stop(); }

void Workload::Start() {
  is_stopping_ = false;
  for (const std::unique_ptr<Client>& client : clients_) {
    threads_.emplace_back([this, &client] { client->Run(is_stopping_); });
  }
}

void Workload::Stop() {
  is_stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::vector<std::string> Workload::Words() { return {std::begin(kWords), std::end(kWords)}; }

WorkloadCounts Workload::counts() const {
  WorkloadCounts all;
  for (const std::unique_ptr<Client>& client : clients_) {
    const WorkloadCounts& one = client->counts;
    all.acknowledged += one.acknowledged;
    all.refused += one.refused;
    all.unknown += one.unknown;
    all.reads += one.reads;
    all.set_acknowledged += one.set_acknowledged;
    all.deleted += one.deleted;
    all.increments += one.increments;
    all.pairs_read += one.pairs_read;
  }
  return all;
}

std::vector<std::string> Workload::Check(const Contents& contents) const {
  std::vector<std::string> problems;
  const auto found = [&](const std::string& key) -> std::optional<std::string> {
    const auto it = contents.find(key);
    if (it == contents.end()) return std::nullopt;
    return it->second;
  };
  std::map<std::string, RegisterHistory> registers;
  std::map<std::string, int64_t> acknowledged, unknown;
  for (const std::unique_ptr<Client>& client : clients_) {
    problems.insert(problems.end(), client->problems.begin(), client->problems.end());
    for (const auto& [key, value] : client->set_acknowledged) {
      if (found(key) != value) {
        problems.push_back(key + " was acknowledged as " + value + ", and in the end is " +
                           found(key).value_or("not there"));
      }
    }
    for (const auto& [key, value] : client->set_unknown) {
      if (found(key) && found(key) != value) {
        problems.push_back(key + " is " + *found(key) + ", and nobody wrote that");
      }
    }
    for (const std::string& key : client->deleted) {
      if (found(key)) problems.push_back(key + " was deleted, and is back: " + *found(key));
    }
    for (const auto& [key, count] : client->increments_acknowledged) acknowledged[key] += count;
    for (const auto& [key, count] : client->increments_unknown) unknown[key] += count;
    for (const auto& [key, history] : client->registers) registers[key].AddAll(history);
  }
  for (const auto& [key, count] : acknowledged) {
    const std::string text = found(key).value_or("0");
    const int64_t value = std::atoll(text.c_str());
    if (value < count || value > count + unknown[key]) {
      problems.push_back(key + " is " + text + ", with " + std::to_string(count) +
                         " increments acknowledged and " + std::to_string(unknown[key]) +
                         " unanswered");
    }
  }
  for (int i = 0; i < kPairs; ++i) {
    const std::string key = options_.name + "/p" + std::to_string(i);
    if (found(key + ":a") != found(key + ":b")) problems.push_back(key + " is torn in the end");
  }
  for (auto& [key, history] : registers) {
    Operation last;
    last.begin_us = last.end_us = NowMicroseconds();
    last.value = found(key);
    history.Add(std::move(last));
    for (std::string& problem : history.Check(key)) problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace kvserver::cluster_process
