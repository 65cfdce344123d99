#include "kvserver/cluster_process/contents.h"

#include <stdexcept>
#include <thread>

#include "kvserver/cluster_process/node_client.h"
#include "libkv/store.h"

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kShownMax = 5;
// While a node compacts, its files may go while they are being opened.
constexpr int kOpenTries = 20;

std::string Shown(const Contents& contents, const std::string& key) {
  const auto found = contents.find(key);
  return found == contents.end() ? "nothing" : '"' + found->second.substr(0, 120) + '"';
}

}  // namespace

Contents ContentsOf(const std::string& directory) {
  libkv::Options options;
  options.read_only = true;
  options.memory_bytes = size_t{16} << 20;
  absl::StatusOr<std::unique_ptr<libkv::Store>> store = libkv::Store::Open(options, directory);
  for (int i = 0; !store.ok() && i < kOpenTries; ++i) {
    std::this_thread::sleep_for(milliseconds(50));
    store = libkv::Store::Open(options, directory);
  }
  if (!store.ok()) throw std::runtime_error(directory + ": " + store.status().ToString());
  Contents contents;
  const auto it = (*store)->NewIterator({}, {});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    contents.emplace(it->key(), it->value());
  }
  if (!it->status().ok()) throw std::runtime_error(directory + ": " + it->status().ToString());
  return contents;
}

std::string DifferenceOf(const Contents& one, const Contents& other) {
  std::string text;
  int count = 0;
  const auto differs = [&](const std::string& key) {
    if (++count > kShownMax) return;
    text += key + ": " + Shown(one, key) + " and " + Shown(other, key) + "\n";
  };
  for (const auto& [key, value] : one) {
    const auto found = other.find(key);
    if (found == other.end() || found->second != value) differs(key);
  }
  for (const auto& [key, value] : other) {
    if (!one.contains(key)) differs(key);
  }
  if (count > kShownMax) text += "and " + std::to_string(count - kShownMax) + " more\n";
  return text;
}

std::map<std::string, Contents> FoundBy(const ProcessCluster& cluster, int node,
                                        const std::vector<std::string>& words) {
  NodeClient client(cluster, milliseconds(10'000));
  std::map<std::string, Contents> found;
  for (const std::string& word : words) {
    kvclient::Reply reply;
    const Answer answer =
        client.Ask(node, {"KV.SEARCH", word, "LIMIT", "10000", "WITHVALUES"}, &reply);
    if (answer.outcome != Outcome::kOk) throw std::runtime_error("KV.SEARCH: " + answer.error);
    const kvclient::Reply* const hits = reply.Find("hits");
    if (hits == nullptr) throw std::runtime_error("KV.SEARCH answers without hits");
    for (const kvclient::Reply& hit : hits->elements) {
      const kvclient::Reply* const key = hit.Find("key");
      const kvclient::Reply* const value = hit.Find("value");
      if (key == nullptr || value == nullptr) throw std::runtime_error("a hit without a value");
      found[word].emplace(key->bytes, value->bytes);
    }
  }
  return found;
}

Converged WaitUntilEqual(const ProcessCluster& cluster, const std::vector<std::string>& words,
                         milliseconds longest) {
  const Clock::time_point begin = Clock::now();
  Converged result;
  while (true) {
    result.contents = ContentsOf(cluster.directory(0));
    result.difference.clear();
    for (int node = 1; node < cluster.size() && result.difference.empty(); ++node) {
      const std::string difference =
          DifferenceOf(result.contents, ContentsOf(cluster.directory(node)));
      if (difference.empty()) continue;
      result.difference =
          "node 1 and node " + std::to_string(node + 1) + " have on disk of\n" + difference;
    }
    for (int node = 0; node < cluster.size() && result.difference.empty(); ++node) {
      for (const auto& [word, found] : FoundBy(cluster, node, words)) {
        for (const auto& [key, value] : found) {
          const auto stored = result.contents.find(key);
          if (stored != result.contents.end() && stored->second == value) continue;
          result.difference = "node " + std::to_string(node + 1) + " finds by " + word + " " + key +
                              ": " + value + ", where " + Shown(result.contents, key) + " is";
        }
        size_t expected = 0;
        for (const auto& [key, value] : result.contents) {
          expected += (" " + value + " ").find(" " + word + " ") != std::string::npos ? 1 : 0;
        }
        if (result.difference.empty() && found.size() != std::min<size_t>(expected, 10'000)) {
          result.difference = "node " + std::to_string(node + 1) + " finds " + word + " in " +
                              std::to_string(found.size()) + " values of " +
                              std::to_string(expected);
        }
      }
    }
    result.took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    if (result.difference.empty() || result.took > longest) return result;
    std::this_thread::sleep_for(milliseconds(100));
  }
}

}  // namespace kvserver::cluster_process
