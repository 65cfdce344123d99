#include "server/peers.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/numbers.h"
#include "cluster/replica.h"

namespace kvserver {
namespace {

constexpr std::string_view kForm =
    "give ID@HOST:PORT for every node, such as 2@10.0.0.2:7511, or ports alone for nodes on "
    "127.0.0.1";

absl::Status Refuse(std::string_view entry, const std::string& what) {
  return absl::InvalidArgumentError("'" + std::string(entry) + "' in --peers: " + what);
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Entries(std::string_view text) {
  std::vector<std::string_view> entries;
  while (true) {
    const size_t comma = text.find(',');
    entries.push_back(Trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return entries;
    text.remove_prefix(comma + 1);
  }
}

// 0: none.
uint16_t ParsePort(std::string_view text) {
  const std::optional<int64_t> number = ParseInteger(text);
  return number.has_value() && *number >= 1 && *number <= 65'535 ? static_cast<uint16_t>(*number)
                                                                 : uint16_t{0};
}

absl::StatusOr<PeerAddress> ParseEntry(std::string_view entry) {
  const size_t at = entry.find('@');
  const size_t colon = entry.rfind(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon < at) {
    return Refuse(entry, std::string(kForm));
  }
  const absl::StatusOr<cluster::Slot> id = ParseNodeId(entry.substr(0, at));
  if (!id.ok()) return Refuse(entry, std::string(id.status().message()));
  std::string_view host = entry.substr(at + 1, colon - at - 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Refuse(entry, "write an IPv6 address in brackets, such as 2@[::1]:7511");
  }
  if (host.empty() || host.find_first_of(" @[]/") != std::string_view::npos) {
    return Refuse(entry, std::string(kForm));
  }
  const uint16_t port = ParsePort(entry.substr(colon + 1));
  if (port == 0) return Refuse(entry, "a port is a number from 1 to 65535");
  return PeerAddress{*id, std::string(host), port};
}

absl::StatusOr<std::vector<PeerAddress>> ParseLong(const std::vector<std::string_view>& entries) {
  std::vector<PeerAddress> nodes;
  for (const std::string_view entry : entries) {
    absl::StatusOr<PeerAddress> node = ParseEntry(entry);
    if (!node.ok()) return node.status();
    nodes.push_back(*std::move(node));
  }
  return nodes;
}

absl::StatusOr<std::vector<PeerAddress>> ParsePorts(const std::vector<std::string_view>& entries,
                                                    cluster::Slot own_id, uint16_t own_port) {
  std::vector<uint16_t> ports;
  for (const std::string_view entry : entries) {
    ports.push_back(ParsePort(entry));
    if (ports.back() == 0) return Refuse(entry, "a port is a number from 1 to 65535");
  }
  // Without a port of its own the node has the one at the place of its id.
  if (own_port == 0 && own_id <= ports.size()) own_port = ports[own_id - 1];
  const bool has_own =
      own_port != 0 && std::find(ports.begin(), ports.end(), own_port) != ports.end();
  const size_t count = ports.size() + (has_own ? 0 : 1);
  if (own_id > count) {
    return absl::InvalidArgumentError("--peers names " + std::to_string(count) +
                                      " nodes with this one, whose ids are then 1 to " +
                                      std::to_string(count) + ", and this is node " +
                                      std::to_string(own_id) +
                                      ": give it one of these ids, or name all as ID@HOST:PORT");
  }
  std::vector<PeerAddress> nodes;
  cluster::Slot id = 0;
  for (const uint16_t port : ports) {
    if (++id == own_id && !has_own) ++id;
    if (has_own && (port == own_port) != (id == own_id)) {
      return absl::InvalidArgumentError("the own port " + std::to_string(own_port) +
                                        " has to stand at place " + std::to_string(own_id) +
                                        " of --peers, as this is node " + std::to_string(own_id) +
                                        "; the order of the ports has to be that of the ids");
    }
    nodes.push_back({id, "127.0.0.1", port});
  }
  return nodes;
}

absl::Status CheckDistinct(const std::vector<PeerAddress>& nodes) {
  std::set<cluster::Slot> ids;
  std::set<std::pair<std::string, uint16_t>> addresses;
  for (const PeerAddress& node : nodes) {
    if (!ids.insert(node.id).second) {
      return absl::InvalidArgumentError("--peers names node " + std::to_string(node.id) +
                                        " twice: every node has an id of its own");
    }
    if (!addresses.emplace(node.host, node.port).second) {
      return absl::InvalidArgumentError("--peers names " + node.host + ":" +
                                        std::to_string(node.port) +
                                        " twice: every node has an address of its own");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PeerList> ParsePeers(std::string_view text, cluster::Slot own_id,
                                    uint16_t own_port) {
  PeerList list;
  if (Trim(text).empty()) return list;
  const std::vector<std::string_view> entries = Entries(text);
  const bool has_ids = text.find('@') != std::string_view::npos;
  absl::StatusOr<std::vector<PeerAddress>> nodes =
      has_ids || text.find(':') != std::string_view::npos ? ParseLong(entries)
                                                          : ParsePorts(entries, own_id, own_port);
  if (!nodes.ok()) return nodes.status();
  if (absl::Status distinct = CheckDistinct(*nodes); !distinct.ok()) return distinct;
  std::sort(nodes->begin(), nodes->end(), [](auto& a, auto& b) { return a.id < b.id; });
  for (PeerAddress& node : *nodes) {
    if (node.id != own_id) {
      list.others.push_back(std::move(node));
      continue;
    }
    if (own_port != 0 && node.port != own_port) {
      return absl::InvalidArgumentError(
          "--peers says that node " + std::to_string(own_id) + ", which is this one, has port " +
          std::to_string(node.port) + ", and it was given port " + std::to_string(own_port));
    }
    list.self = std::move(node);
  }
  if (list.others.size() + 1 > cluster::kMembersMax) {
    return absl::InvalidArgumentError("--peers makes a cluster of " +
                                      std::to_string(list.others.size() + 1) + " nodes; at most " +
                                      std::to_string(cluster::kMembersMax) + " are supported");
  }
  return list;
}

absl::StatusOr<cluster::Slot> ParseNodeId(std::string_view text) {
  const std::optional<int64_t> number = ParseInteger(text);
  if (!number.has_value() || *number < 1 || *number > std::numeric_limits<cluster::Slot>::max()) {
    return absl::InvalidArgumentError("the id of a node is a number from 1 to 4294967295, not '" +
                                      std::string(text) + "'");
  }
  return static_cast<cluster::Slot>(*number);
}

}  // namespace kvserver
