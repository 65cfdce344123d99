#include "command/embedders.h"

#include <utility>

namespace kvserver {

absl::Status Embedders::Add(const std::string& name,
                            std::shared_ptr<const libkv::Embedder> embedder) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
  const bool is_name =
      !name.empty() && name.size() <= 64 && name.find_first_not_of(kLetters) == std::string::npos;
  if (!is_name || name == "hash" || name == "none") {
    return absl::InvalidArgumentError(
        "an embedder's name is of a to z, 0 to 9, '_', '-' and '.', and neither hash nor none");
  }
  const std::lock_guard lock(mutex_);
  by_name_.insert_or_assign(name, std::move(embedder));
  return absl::OkStatus();
}

void Embedders::Remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) by_name_.erase(found);
}

std::shared_ptr<const libkv::Embedder> Embedders::Find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string> Embedders::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, embedder] : by_name_) names.push_back(name);
  return names;
}

Embedders& NamedEmbedders() {
  static Embedders embedders;
  return embedders;
}

}  // namespace kvserver
