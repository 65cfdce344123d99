#include "libkv/batch.h"

namespace libkv {

void Batch::Set(std::string_view key, std::string_view value, const SetOptions& options) {
  changes_.push_back({.key_begin = bytes_.size(),
                      .key_bytes = key.size(),
                      .value_bytes = value.size(),
                      .stamp_bytes = options.stamp.size(),
                      .vector_begin = floats_.size(),
                      .vector_count = options.vector.size(),
                      .ttl = options.ttl,
                      .expires_at = options.expires_at});
  bytes_ += key;
  bytes_ += value;
  bytes_ += options.stamp;
  floats_.insert(floats_.end(), options.vector.begin(), options.vector.end());
}

void Batch::Delete(std::string_view key) {
  changes_.push_back({.is_delete = true, .key_begin = bytes_.size(), .key_bytes = key.size()});
  bytes_ += key;
}

void Batch::SetExpiry(std::string_view key, std::optional<int64_t> expires_at) {
  int64_t moment = expires_at.value_or(0);
  if (expires_at.has_value() && moment <= 0) moment = -1;  // refused: 0 stands for none
  changes_.push_back({.keeps_value = true,
                      .key_begin = bytes_.size(),
                      .key_bytes = key.size(),
                      .expires_at = moment});
  bytes_ += key;
}

void Batch::PutRow(std::string_view name, std::string_view value) {
  row_changes_.push_back(
      {.name_begin = bytes_.size(), .name_bytes = name.size(), .value_bytes = value.size()});
  bytes_ += name;
  bytes_ += value;
}

void Batch::DeleteRow(std::string_view name) {
  row_changes_.push_back(
      {.is_delete = true, .name_begin = bytes_.size(), .name_bytes = name.size()});
  bytes_ += name;
}

void Batch::Clear() {
  bytes_.clear();
  floats_.clear();
  changes_.clear();
  row_changes_.clear();
}

Batch::Change Batch::change(size_t i) const {
  const Entry& entry = changes_[i];
  const std::string_view bytes = bytes_;
  const size_t value_begin = entry.key_begin + entry.key_bytes;
  return {.is_delete = entry.is_delete,
          .keeps_value = entry.keeps_value,
          .key = bytes.substr(entry.key_begin, entry.key_bytes),
          .value = bytes.substr(value_begin, entry.value_bytes),
          .ttl = entry.ttl,
          .expires_at = entry.expires_at,
          .vector = std::span(floats_).subspan(entry.vector_begin, entry.vector_count),
          .stamp = bytes.substr(value_begin + entry.value_bytes, entry.stamp_bytes)};
}

Batch::RowChange Batch::row_change(size_t i) const {
  const Row& row = row_changes_[i];
  const std::string_view bytes = bytes_;
  return {.is_delete = row.is_delete,
          .name = bytes.substr(row.name_begin, row.name_bytes),
          .value = bytes.substr(row.name_begin + row.name_bytes, row.value_bytes)};
}

}  // namespace libkv
