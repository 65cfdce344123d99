// One call that changes the store, on its way through the commit queue.
#ifndef LIBKV_SRC_STORE_WRITE_REQUEST_H_
#define LIBKV_SRC_STORE_WRITE_REQUEST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "engine/engine.h"
#include "index/derive.h"
#include "index/derived_document.h"
#include "index/space_table.h"
#include "libkv/batch.h"
#include "libkv/options.h"
#include "store/commit_queue.h"

namespace libkv {

// The record whose value a change keeps, as it was when the change was prepared.
struct KeptRecord {
  PinnedValue pinned;
  std::optional<uint64_t> hash;  // of its bytes; nullopt: there was none
  int64_t expiry = 0;
  std::vector<float> vector;
};

// One key set or deleted, or its expiry time changed. The views belong to the caller, who waits, to
// the request's batch, or to `kept`.
struct PendingChange {
  bool is_delete = false;
  std::string_view key;
  std::string_view value;
  int64_t expiry = 0;
  std::span<const float> vector;
  std::string_view stamp;
  bool embeds = true;  // false: without a vector it gets none

  // Only `expiry` is new: value, vector and stamp are those that stand there at the commit.
  bool keeps_value = false;
  std::unique_ptr<KeptRecord> kept;  // what they view
  bool left_out = false;             // there is nothing to change: it does not happen

  // What follows from the value in the space of the key; all null for plain keys.
  const ActiveSpace* space = nullptr;
  std::unique_ptr<DerivedDocument> derived;
  std::unique_ptr<DerivedDocument> next;  // its vector in the space's next() generation, or null

  // Only if the stored record is still the one with this hash; otherwise the change is left out.
  std::optional<uint64_t> only_if_record;
};

// What is to be derived of `change` in the space of its key: nothing of plain keys, and of changes
// without a value.
void AddDeriveItems(PendingChange& change, std::vector<DeriveItem>* items);

struct WriteRequest : CommitQueue::Request {
  absl::InlinedVector<PendingChange, 1> changes;
  const Batch* rows = nullptr;  // whose changes of rows belong to it too; null: there are none
  Durability durability = Durability::kSynced;
  const SpaceTable* table = nullptr;  // the one that `changes` were prepared with

  // Conditions, on the key of the first change. At most one is set.
  enum class Condition : uint8_t { kNone, kCompare, kIncrement };
  Condition condition = Condition::kNone;
  std::optional<std::string_view> expected;  // of kCompare; nullopt: no value
  int64_t amount = 0;                        // of kIncrement
  int64_t sum = 0;                           // its result
  std::string sum_text;                      // what the change's value views

  // For changes of the catalog: further rows, and what happens once they are durable.
  std::function<void(EngineBatch&)> more_rows;
  // Once they are in the log, under publish_mutex_, with the sequence at which they are seen.
  std::function<void(uint64_t sequence)> at_publish;
  std::function<void()> after;

  absl::Status status;
  size_t applied = 0;  // changes that were not left out

  // Of asynchronous requests: what owns the bytes, and whom to tell.
  std::unique_ptr<Batch> batch;
  std::function<void(absl::Status)> done;
  void Done() override;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_WRITE_REQUEST_H_
