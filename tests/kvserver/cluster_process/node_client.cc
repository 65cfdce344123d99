#include "kvserver/cluster_process/node_client.h"

#include "absl/status/status.h"

namespace kvserver::cluster_process {

Answer NodeClient::Ask(int node, std::span<const std::string_view> arguments,
                       kvclient::Reply* reply) {
  const uint16_t port = cluster_.port(node);
  auto found = connections_.find(node);
  if (found != connections_.end() && found->second.port != port) {
    connections_.erase(found);
    found = connections_.end();
  }
  if (port == 0) return {.error = "the node does not run"};
  if (found == connections_.end()) {
    kvclient::ClientOptions options;
    options.addresses = {"127.0.0.1:" + std::to_string(port)};
    options.connect_timeout = longest_;
    options.request_timeout = longest_;
    options.resp_version = 2;
    absl::StatusOr<kvclient::Client> client = kvclient::Client::Connect(std::move(options));
    if (!client.ok()) return {.error = std::string(client.status().message())};
    found = connections_.emplace(node, Connection{port, *std::move(client)}).first;
  }
  absl::StatusOr<kvclient::Reply> answer = found->second.client.Command(arguments);
  if (answer.ok()) {
    *reply = *std::move(answer);
    return {.outcome = Outcome::kOk};
  }
  std::string error(answer.status().message());
  // Of this the server has done nothing. Of other errors, such as that of a full disk, the others
  // may have been told before.
  const bool is_refused = error.starts_with("TRYAGAIN this node is catching up");
  return {.outcome = is_refused ? Outcome::kRefused : Outcome::kUnknown, .error = std::move(error)};
}

Answer NodeClient::Set(int node, std::string_view key, std::string_view value) {
  kvclient::Reply reply;
  return Ask(node, {"SET", key, value}, &reply);
}

Answer NodeClient::Get(int node, std::string_view key) {
  kvclient::Reply reply;
  Answer answer = Ask(node, {"GET", key}, &reply);
  if (answer.outcome == Outcome::kOk && !reply.is_nil()) answer.value = std::move(reply.bytes);
  return answer;
}

Answer NodeClient::Delete(int node, std::string_view key) {
  kvclient::Reply reply;
  Answer answer = Ask(node, {"DEL", key}, &reply);
  answer.number = reply.integer;
  return answer;
}

Answer NodeClient::Increment(int node, std::string_view key) {
  kvclient::Reply reply;
  Answer answer = Ask(node, {"INCR", key}, &reply);
  answer.number = reply.integer;
  return answer;
}

Answer NodeClient::SetPair(int node, std::string_view first, std::string_view second,
                           std::string_view value, std::string_view command) {
  kvclient::Reply reply;
  return Ask(node, {command, first, value, second, value}, &reply);
}

Answer NodeClient::GetAll(int node, const std::vector<std::string>& keys) {
  std::vector<std::string_view> arguments = {"MGET"};
  arguments.insert(arguments.end(), keys.begin(), keys.end());
  kvclient::Reply reply;
  Answer answer = Ask(node, arguments, &reply);
  for (kvclient::Reply& element : reply.elements) {
    answer.all.push_back(element.is_nil() ? std::nullopt : std::optional(std::move(element.bytes)));
  }
  return answer;
}

}  // namespace kvserver::cluster_process
