#include "server/server.h"

#include <algorithm>
#include <utility>

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

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config) {
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
  node_.reset();     // stores what is left
  listener_.reset();
  threads_.clear();
  store_.reset();
}

}  // namespace kvserver
