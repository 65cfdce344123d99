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

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const SettingsValues& settings,
                                                      const libkv::Options& store_options) {
  std::unique_ptr<Server> server(new Server());
  absl::StatusOr<std::unique_ptr<libkv::Store>> store =
      libkv::Store::Open(store_options, settings.data_dir);
  if (!store.ok()) return store.status();
  server->store_ = *std::move(store);

  server->protocols_.Add(Sniffed::kResp, [](Session&) { return std::make_unique<RespProtocol>(); });
  server->protocols_.Add(Sniffed::kJsonLines,
                         [](Session& session) { return std::make_unique<JsonLines>(session); });
  server->protocols_.Add(Sniffed::kFramedJson,
                         [](Session& session) { return std::make_unique<FramedJson>(session); });
  server->protocols_.Add(Sniffed::kHttp, [server = server.get()](Session& session) {
    return std::make_unique<HttpProtocol>(*server->node_, session);
  });

  auto& threads = server->threads_;
  server->node_ =
      std::make_unique<Node>(*server->store_, settings, [&threads](const auto& finished) {
        for (const std::unique_ptr<IoThread>& thread : threads) thread->TurnFinished(finished);
      });
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
