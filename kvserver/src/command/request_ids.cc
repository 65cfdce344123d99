#include "command/request_ids.h"

#include <xxhash.h>

#include <utility>

#include "base/byte_codec.h"
#include "libkv/store.h"

namespace kvserver {
namespace {

constexpr std::string_view kRowPrefix = "Q";
constexpr uint8_t kRowVersion = 1;

std::string RowName(uint64_t place) {
  std::string name(kRowPrefix);
  AppendFixed64(name, place);
  return name;
}

std::string RowOf(std::string_view id, const RequestIds::Done& done) {
  std::string row(1, static_cast<char>(kRowVersion));
  AppendVarint(row, done.sequence);
  AppendBytes(row, id);
  AppendFixed64(row, done.what);
  AppendFixed64(row, static_cast<uint64_t>(done.sum));
  AppendVarint(row, done.dot.actor.slot);
  AppendVarint(row, done.dot.actor.generation);
  AppendVarint(row, done.dot.counter);
  return row;
}

bool ReadRow(std::string_view row, std::string_view* id, RequestIds::Done* done) {
  ByteReader reader(row);
  uint8_t version = 0;
  uint64_t sum = 0, slot = 0;
  const bool is_row = reader.Byte(&version) && version == kRowVersion &&
                      reader.Varint(&done->sequence) && reader.Bytes(id) &&
                      reader.Fixed64(&done->what) && reader.Fixed64(&sum) && reader.Varint(&slot) &&
                      reader.Varint(&done->dot.actor.generation) &&
                      reader.Varint(&done->dot.counter) && reader.at_end();
  done->sum = static_cast<int64_t>(sum);
  done->dot.actor.slot = static_cast<cluster::Slot>(slot);
  return is_row;
}

}  // namespace

uint64_t RequestIds::What(std::string_view key, int64_t amount) {
  return XXH3_64bits_withSeed(key.data(), key.size(), static_cast<uint64_t>(amount));
}

absl::Status RequestIds::Load(const libkv::Store& store) {
  const std::lock_guard lock(mutex_);
  bool is_whole = true;
  const auto load = [&](std::string_view, std::string_view row) {
    std::string_view id;
    Done done;
    is_whole = ReadRow(row, &id, &done);
    if (!is_whole) return false;
    next_sequence_ = std::max(next_sequence_, done.sequence + 1);
    places_[done.sequence % kRemembered] = id;
    Done& known = done_[std::string(id)];
    // An id that was remembered again, as it was too old the first time.
    if (known.sequence <= done.sequence) known = done;
    return true;
  };
  const absl::Status walked = store.ForEachRow({}, kRowPrefix, load);
  if (!walked.ok()) return walked;
  if (!is_whole) return absl::DataLossError("the row of a request id is malformed");
  return absl::OkStatus();
}

std::optional<RequestIds::Done> RequestIds::Find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = done_.find(id);
  return found == done_.end() ? std::nullopt : std::optional(found->second);
}

void RequestIds::Remember(std::string_view id, Done done, const PutRow& put_row) {
  const std::lock_guard lock(mutex_);
  done.sequence = next_sequence_++;
  const uint64_t place = done.sequence % kRemembered;
  if (const auto oldest = places_.find(place); oldest != places_.end()) {
    const auto known = done_.find(oldest->second);
    // Unless it was remembered anew at another place.
    if (known != done_.end() && known->second.sequence % kRemembered == place) done_.erase(known);
  }
  places_[place] = id;
  put_row(RowName(place), RowOf(id, done));
  done_.insert_or_assign(std::string(id), std::move(done));
}

void RequestIds::Forget(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = done_.find(id);
  if (found != done_.end()) done_.erase(found);
}

size_t RequestIds::size() const {
  const std::lock_guard lock(mutex_);
  return done_.size();
}

}  // namespace kvserver
