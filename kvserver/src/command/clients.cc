#include "command/clients.h"

#include <algorithm>
#include <utility>

namespace kvserver {

void Clients::Add(uint64_t id, std::weak_ptr<Client> client) {
  const std::lock_guard lock(mutex_);
  clients_.emplace(id, std::move(client));
}

void Clients::Remove(uint64_t id) {
  const std::lock_guard lock(mutex_);
  clients_.erase(id);
  RemoveMonitorLocked(id);
}

void Clients::RemoveMonitorLocked(uint64_t id) {
  const auto monitor = std::find(monitors_.begin(), monitors_.end(), id);
  if (monitor == monitors_.end()) return;
  monitors_.erase(monitor);
  monitor_count_.store(monitors_.size());
}

size_t Clients::size() const {
  const std::lock_guard lock(mutex_);
  return clients_.size();
}

std::vector<std::shared_ptr<Client>> Clients::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Client>> all;
  for (const auto& [id, client] : clients_) {
    if (std::shared_ptr<Client> open = client.lock()) all.push_back(std::move(open));
  }
  return all;
}

std::shared_ptr<Client> Clients::Find(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : found->second.lock();
}

void Clients::RemoveMonitor(uint64_t id) {
  const std::lock_guard lock(mutex_);
  RemoveMonitorLocked(id);
}

void Clients::AddMonitor(uint64_t id) {
  const std::lock_guard lock(mutex_);
  if (std::find(monitors_.begin(), monitors_.end(), id) == monitors_.end()) monitors_.push_back(id);
  monitor_count_.store(monitors_.size());
}

void Clients::SendToMonitors(std::string line) {
  const auto bytes = std::make_shared<const std::string>(std::move(line));
  const std::lock_guard lock(mutex_);
  for (const uint64_t id : monitors_) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) continue;
    if (const std::shared_ptr<Client> open = found->second.lock()) open->Send(bytes);
  }
}

}  // namespace kvserver
