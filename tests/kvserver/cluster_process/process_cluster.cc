#include "kvserver/cluster_process/process_cluster.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "kvserver/cluster_process/node_client.h"
#include "support/files.h"

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
namespace fs = std::filesystem;

constexpr milliseconds kStartLongest{20'000}, kStopLongest{15'000};

}  // namespace

ProcessCluster::ProcessCluster(ClusterOptions options)
    : options_(std::move(options)),
      paths_(static_cast<size_t>(options_.nodes * options_.nodes)),
      nodes_(static_cast<size_t>(options_.nodes)) {
  for (int from = 0; from < size(); ++from) {
    for (int to = 0; to < size(); ++to) {
      proxies_.push_back(from == to ? nullptr : std::make_unique<FaultProxy>());
    }
  }
}

void ProcessCluster::Broken(const std::string& what) const {
  throw std::runtime_error(what + "\n" + Logs());
}

std::string ProcessCluster::directory(int node) const {
  return dir_.path("node" + std::to_string(node + 1));
}

std::vector<std::string> ProcessCluster::ArgumentsOf(int node, const std::string& directory) const {
  std::string peers;
  for (int to = 0; to < size(); ++to) {
    if (to == node) continue;
    peers += (peers.empty() ? "" : ",") + std::to_string(to + 1) +
             "@127.0.0.1:" + std::to_string(proxy(node, to).port());
  }
  std::vector<std::string> arguments = {
      options_.program, "--listen", "127.0.0.1:0", "--peer-listen",          "127.0.0.1:0",
      "--peers",        peers,      "--node-id",   std::to_string(node + 1), "--data-dir",
      directory,        "--memory", "64MB"};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  return arguments;
}

void ProcessCluster::Start(int number, const std::vector<std::string>& more) {
  Node& node = nodes_[number];
  std::vector<std::string> arguments = ArgumentsOf(number, directory(number));
  arguments.insert(arguments.end(), more.begin(), more.end());
  node.process = std::make_unique<ServerProcess>(
      arguments, dir_.path("node" + std::to_string(number + 1) + ".log"));
  node.is_paused = false;
  if (!node.process->WaitForPorts(kStartLongest)) {
    Broken("node " + std::to_string(number + 1) + " does not start");
  }
  for (int from = 0; from < size(); ++from) {
    if (from != number) proxy(from, number).SetTarget(node.process->peer_port());
  }
  node.port = node.process->port();
}

void ProcessCluster::StartAll() {
  for (int node = 0; node < size(); ++node) {
    if (!is_running(node)) Start(node);
  }
}

std::string ProcessCluster::StartRefused(int number, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = ArgumentsOf(number, directory(number));
  arguments.insert(arguments.end(), more.begin(), more.end());
  ServerProcess process(arguments, dir_.path("refused.log"));
  const bool is_up = process.WaitForPorts(kStartLongest);
  return is_up ? "" : process.Said();
}

void ProcessCluster::Kill(int node) {
  nodes_[node].port = 0;
  nodes_[node].process->Kill();
}

void ProcessCluster::Stop(int node) {
  nodes_[node].port = 0;
  if (!nodes_[node].process->Stop(kStopLongest)) {
    Broken("node " + std::to_string(node + 1) + " does not stop as it should");
  }
}

void ProcessCluster::Pause(int node) {
  nodes_[node].process->Pause();
  nodes_[node].is_paused = true;
}

void ProcessCluster::Resume(int node) {
  nodes_[node].process->Resume();
  nodes_[node].is_paused = false;
}

bool ProcessCluster::is_running(int node) {
  return nodes_[node].process != nullptr && nodes_[node].process->is_running();
}

void ProcessCluster::Wipe(int node) { fs::remove_all(directory(node)); }

void ProcessCluster::SaveCopy(int node) {
  const std::string copy = directory(node) + ".copy";
  fs::remove_all(copy);
  fs::copy(directory(node), copy, fs::copy_options::recursive);
  nodes_[node].has_copy = true;
}

void ProcessCluster::RestoreCopy(int node) {
  Wipe(node);
  fs::copy(directory(node) + ".copy", directory(node), fs::copy_options::recursive);
}

bool ProcessCluster::LoseTail(int node, uint64_t bytes) {
  fs::path newest;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory(node))) {
    const fs::path& path = entry.path();
    if (path.extension() != ".log" || entry.file_size() == 0) continue;
    if (newest.empty() || newest.filename() < path.filename()) newest = path;
  }
  if (newest.empty()) return false;
  // It ends in zeros, over which later writes would have been written.
  const std::string log = libkv::ReadFile(newest);
  const uint64_t size = log.find_last_not_of('\0') + 1;
  fs::resize_file(newest, size - std::min(size, bytes));
  return true;
}

void ProcessCluster::Apply(int one, int other) {
  for (const auto& [from, to] : {std::pair(one, other), std::pair(other, one)}) {
    const Path& there = path(from, to);
    const Path& back = path(to, from);
    // The proxy delays both directions alike.
    proxy(from, to).Set({.delay_ms = there.delay_ms,
                         .bytes_per_second = there.bytes_per_second,
                         .loses_to_target = there.is_losing,
                         .loses_to_dialler = back.is_losing,
                         .blocks_to_target = there.is_blocked,
                         .blocks_to_dialler = back.is_blocked,
                         .refuses = there.is_refusing || back.is_refusing});
  }
}

void ProcessCluster::SetPath(int from, int to, const Path& next) {
  const bool has_lost = path(from, to).is_losing && !next.is_losing;
  path(from, to) = next;
  // TCP never goes on behind bytes that were lost.
  if (has_lost || next.is_refusing) {
    proxy(from, to).Cut();
    proxy(to, from).Cut();
  }
  Apply(from, to);
}

void ProcessCluster::Isolate(int node, bool is_losing) {
  for (int other = 0; other < size(); ++other) {
    if (other == node) continue;
    SetPath(node, other, {.is_blocked = !is_losing, .is_losing = is_losing});
    SetPath(other, node, {.is_blocked = !is_losing, .is_losing = is_losing});
  }
}

void ProcessCluster::Disconnect(int node) {
  for (int other = 0; other < size(); ++other) {
    if (other == node) continue;
    proxy(node, other).Cut();
    proxy(other, node).Cut();
  }
}

void ProcessCluster::HealPaths() {
  for (int from = 0; from < size(); ++from) {
    for (int to = 0; to < size(); ++to) {
      if (from != to) SetPath(from, to, {});
    }
  }
}

void ProcessCluster::HealAll() {
  HealPaths();
  for (int node = 0; node < size(); ++node) {
    if (is_paused(node)) Resume(node);
    if (!is_running(node)) Start(node);
  }
}

bool ProcessCluster::WaitUntilReady(int node, milliseconds longest) {
  const Clock::time_point end = Clock::now() + longest;
  while (Clock::now() < end) {
    NodeClient client(*this, milliseconds(1'000));
    if (client.Get(node, "ready").outcome == Outcome::kOk) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

bool ProcessCluster::WaitUntilReady(milliseconds longest) {
  const Clock::time_point end = Clock::now() + longest;
  for (int node = 0; node < size(); ++node) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (is_running(node) && !WaitUntilReady(node, left)) return false;
  }
  return true;
}

std::string ProcessCluster::LogOf(int node) const {
  return libkv::ReadFile(dir_.path("node" + std::to_string(node + 1) + ".log"));
}

std::string ProcessCluster::Logs(size_t bytes_each) const {
  std::string logs;
  for (int node = 0; node < size(); ++node) {
    const std::string log = LogOf(node);
    logs += "-- node " + std::to_string(node + 1) + "\n";
    logs += log.size() > bytes_each ? "..." + log.substr(log.size() - bytes_each) : log;
  }
  return logs;
}

uint64_t ProcessCluster::bytes_between_nodes() const {
  uint64_t bytes = 0;
  for (const std::unique_ptr<FaultProxy>& proxy : proxies_) {
    if (proxy != nullptr) bytes += proxy->bytes_to_target() + proxy->bytes_to_dialler();
  }
  return bytes;
}

}  // namespace kvserver::cluster_process
