#include "server/peering.h"

#include <chrono>
#include <random>
#include <utility>

#include "base/system_random.h"

namespace kvserver {
namespace {

constexpr auto kTick = std::chrono::milliseconds(20);
// Beside the rows of replication, with other names.
constexpr std::string_view kStoreIdRow = "store id";

// Made with the directory: a copy of it has the same.
absl::StatusOr<std::string> StoreId(libkv::Store& store) {
  absl::StatusOr<std::string> id = store.GetRow({}, kStoreIdRow);
  if (!absl::IsNotFound(id.status())) return id;
  const std::string fresh = RandomBytes(16);
  libkv::Batch batch;
  batch.PutRow(kStoreIdRow, fresh);
  if (absl::Status status = store.Apply({}, batch); !status.ok()) return status;
  return fresh;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Peering>> Peering::Start(const ClusterConfig& config,
                                                        libkv::Store& store, Node& node, Log* log) {
  absl::StatusOr<std::string> store_id = StoreId(store);
  if (!store_id.ok()) return store_id.status();
  std::unique_ptr<Peering> peering(new Peering());
  peering->node_ = &node;
  peering->log_ = log;
  if (config.skip_sync > 0) {
    // By the store's callers, one at a time or not: a generator per thread.
    node.turns().SkipSyncs([part = config.skip_sync] {
      static thread_local std::mt19937_64 random(RandomNumber());
      return std::uniform_real_distribution<>(0, 1)(random) < part;
    });
  }
  if (absl::Status status = node.StartReplication(config.replication); !status.ok()) return status;
  Replication& replication = *node.replication();
  replication.SetTokenSecret(config.name);
  if (absl::Status status = node.StartSpaces(config.spaces); !status.ok()) return status;
  node.spaces()->SetWarn([log](const std::string& line) {
    if (log != nullptr) log->Warning(line);
  });

  PeerNetworkOptions options;
  options.self = replication.self();
  options.cluster = config.name;
  options.store_id = *std::move(store_id);
  options.address = config.address;
  options.port = config.port;
  options.peers = config.others;
  PeerEvents events;
  events.on_message = [&replication](cluster::Slot, const std::string& frame) {
    return replication.Receive(frame);
  };
  events.on_connection = [&replication, self = peering.get()](cluster::Slot peer, bool is_there) {
    if (is_there) replication.PeerConnected(peer);
    self->Wake();
  };
  events.log = [log](PeerLogLevel level, const std::string& line) {
    if (log == nullptr) return;
    if (level == PeerLogLevel::kWarning) {
      log->Warning(line);
    } else {
      log->Info(line);
    }
  };
  auto network = PeerNetwork::Start(std::move(options), std::move(events));
  if (!network.ok()) return network.status();
  peering->network_ = *std::move(network);
  replication.Connect(
      [network = peering->network_.get()](std::vector<Replication::Bytes> messages) {
        // What is lost is asked for again.
        for (Replication::Bytes& message : messages) {
          network->Send(message.to, std::move(message.bytes));
        }
        network->Flush();
      },
      [log](const std::string& line) {
        if (log != nullptr) log->Warning(line);
      },
      [self = peering.get()] { self->Wake(); });
  replication.SetLinks([network = peering->network_.get()] {
    std::vector<Replication::Link> links;
    for (const PeerLinkStatus& link : network->Status()) {
      Replication::Link& out = links.emplace_back();
      out.slot = link.address.id;
      out.address = link.address.host + ":" + std::to_string(link.address.port);
      out.is_connected = link.can_send && link.can_receive;
      out.last_error = out.is_connected ? "" : link.last_error;
      out.bytes_in = link.bytes_in;
      out.bytes_out = link.bytes_out;
      out.frames_dropped = link.frames_dropped;
    }
    return links;
  });
  peering->ticker_ = std::thread([self = peering.get()] { self->Run(); });
  return peering;
}

Peering::~Peering() {
  if (ticker_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    changed_.notify_all();
    ticker_.join();
  }
  if (node_ != nullptr && node_->replication() != nullptr) {
    node_->replication()->Connect(nullptr, nullptr, nullptr);
    node_->replication()->SetLinks(nullptr);
    if (node_->spaces() != nullptr) node_->spaces()->SetWarn(nullptr);
  }
  network_.reset();
}

void Peering::Wake() {
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  changed_.notify_one();
}

void Peering::Run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    changed_.wait_for(lock, kTick, [this] { return is_woken_ || is_stopping_; });
    is_woken_ = false;
    lock.unlock();
    node_->replication()->Tick();
    lock.lock();
  }
}

}  // namespace kvserver
