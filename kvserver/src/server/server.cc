#include "server/server.h"

#include <algorithm>
#include <utility>

#include "cluster/row_names.h"
#include "protocol/framed_json.h"
#include "protocol/http_protocol.h"
#include "protocol/json_lines.h"
#include "protocol/resp_protocol.h"

namespace kvserver {
namespace {

constexpr int kWorkers = 2;
constexpr int kStopSecondsMax = 10;

void AddProtocols(const Config& config, Node& node, ProtocolMaker& protocols) {
  const auto add = [&](const char* name, Sniffed what, ProtocolMaker::Make make) {
    if (config.protocols.count(name) == 1) protocols.Add(what, std::move(make));
  };
  add("resp", Sniffed::kResp, [](Session&) { return std::make_unique<RespProtocol>(); });
  add("json", Sniffed::kJsonLines,
      [](Session& session) { return std::make_unique<JsonLines>(session); });
  add("frame", Sniffed::kFramedJson,
      [](Session& session) { return std::make_unique<FramedJson>(session); });
  add("http", Sniffed::kHttp,
      [&node](Session& session) { return std::make_unique<HttpProtocol>(node, session); });
}

// A member of a cluster that writes alone would not be equal to the others for ever.
absl::Status CheckAlone(const libkv::Store& store) {
  bool is_member = false;
  const absl::Status walked =
      store.ForEachRow({}, cluster::kNodeRow, [&](std::string_view, std::string_view) {
        is_member = true;
        return false;
      });
  if (!walked.ok() || !is_member) return walked;
  return absl::FailedPreconditionError(
      "the directory is that of a node of a cluster: start it with --peers, or copy its data with "
      "kv export and kv import");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config, Log* log) {
  const SettingsValues& settings = config.settings;
  std::unique_ptr<Server> server(new Server());
  absl::StatusOr<std::unique_ptr<libkv::Store>> store =
      libkv::Store::Open(config.store, settings.data_dir);
  if (!store.ok()) return store.status();
  server->store_ = *std::move(store);

  auto& threads = server->threads_;
  server->node_ =
      std::make_unique<Node>(*server->store_, settings, [&threads](const auto& finished) {
        for (const std::unique_ptr<IoThread>& thread : threads) thread->TurnFinished(finished);
      });
  if (absl::Status loaded = server->node_->request_ids().Load(*server->store_); !loaded.ok()) {
    return loaded;
  }
  if (config.cluster.is_member) {
    absl::StatusOr<std::unique_ptr<Peering>> peering =
        Peering::Start(config.cluster, *server->store_, *server->node_, log);
    if (!peering.ok()) return peering.status();
    server->peering_ = *std::move(peering);
  } else if (absl::Status alone = CheckAlone(*server->store_); !alone.ok()) {
    return alone;
  }
  AddProtocols(config, *server->node_, server->protocols_);
  server->workers_ = std::make_unique<Workers>(kWorkers);
  for (int i = 0; i < std::max(1, settings.io_threads); ++i) {
    threads.push_back(
        std::make_unique<IoThread>(*server->node_, *server->workers_, server->protocols_));
  }
  server->listener_ = std::make_unique<Listener>(threads);
  if (absl::Status listening = server->listener_->Listen(settings.address, settings.port);
      !listening.ok()) {
    return listening;
  }
  server->node_->port = server->listener_->port();
  for (const std::unique_ptr<IoThread>& thread : threads) thread->Start();
  server->listener_->Accept();
  return server;
}

Server::~Server() {
  if (listener_ != nullptr) listener_->Close();
  for (const std::unique_ptr<IoThread>& thread : threads_) thread->Stop(kStopSecondsMax);
  for (const std::unique_ptr<IoThread>& thread : threads_) thread->Join();
  workers_.reset();  // jobs of connections that are gone
  peering_.reset();
  node_.reset();  // stores what is left
  listener_.reset();
  threads_.clear();
  store_.reset();
}

}  // namespace kvserver
