// What the writing process does and the checking process knows: every operation follows from its
// thread and its number, so a message needs to carry nothing else.
//
//   threads 0, 1   Set and Delete of plain keys
//   threads 2, 3   Set and Delete of texts, whose vectors are made in the background
//   threads 4, 5   BulkSet of eight keys that all carry the operation's number, always the same
//                  keys, with words, vectors and value rows
//   threads 6, 7   Increment and CompareAndSet of two counters they share
//   threads 8, 9   BulkSet and bulk Delete of blocks of a hundred keys with vectors, so many that
//                  they are kept in lists, with bits alone in memory
//   threads 10, 11 batches of four values with stamps, two of them with words, and three rows of
//                  the application, which all carry the operation's number; one row comes and goes
//   threads 12, 13 blocks again, of 250 keys, whose vectors are given: each block is a
//                  cluster in another place than before, in a space that is never embedded anew.
//                  The lists where it comes are split, those where it was are merged
//
// Besides, words are sealed and merged, and spaces embedded anew, one after the other, for ever. In
// some lives only the threads with blocks write, and lists change undisturbed.
// Even threads write kSynced, odd ones kWritten; kill -9 must spare both.
#ifndef LIBKV_TESTS_CRASH_WORKLOAD_H_
#define LIBKV_TESTS_CRASH_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/store.h"

namespace libkv::crash {

inline constexpr size_t kThreads = 14;
inline constexpr size_t kKeysPerThread = 24;
inline constexpr size_t kBulkKeys = 8;
inline constexpr size_t kBlocksMax = 20;  // of a thread
inline constexpr size_t kVectorDimension = 16;
inline constexpr size_t kStampedKeys = 4;
inline constexpr size_t kBatchRows = 3;

enum class Role : uint8_t { kSets, kTexts, kBulks, kCounters, kVectors, kRows, kClusters };
inline Role RoleOf(size_t thread) { return static_cast<Role>(thread / 2); }
inline Durability DurabilityOf(size_t thread) {
  return thread % 2 == 0 ? Durability::kSynced : Durability::kWritten;
}

// One line of the report that goes through the pipe.
struct Message {
  enum class Kind : uint64_t { kAttempt, kAcknowledged, kAborted, kListSplits, kListMerges };
  Kind kind;
  uint64_t thread;
  uint64_t number;
  int64_t result;  // of Increment: the sum; of lists: how often since this process opened the store
};

// How the writer behaves. The last two are wrong on purpose: the checker must notice.
enum class Mode : uint8_t { kHonest, kBlocksOnly, kEarly, kSplit };

Options StoreOptions();

// Of kSets and kTexts.
std::string KeyOf(size_t thread, uint64_t number);
bool IsDelete(uint64_t number);
std::string ValueOf(size_t thread, uint64_t number);
std::string WordOf(size_t thread, uint64_t number);  // a word that only this text has

// Of kBulks.
std::string BulkKey(size_t thread, size_t i);
std::string BulkValue(size_t thread, uint64_t number, size_t i);

// Of kVectors and kClusters.
inline bool HasBlocks(size_t thread) {
  return RoleOf(thread) == Role::kVectors || RoleOf(thread) == Role::kClusters;
}
size_t BlocksOf(size_t thread);  // how many it has
size_t BlockKeys(size_t thread);
size_t BlockOf(size_t thread, uint64_t number);
std::string_view BlockPrefix(Role role);
std::string BlockKey(size_t thread, size_t block, size_t i);
std::string BlockValue(size_t thread, uint64_t number, size_t i);
std::vector<float> ClusterVector(size_t thread, uint64_t number, size_t i);  // of kClusters

// What was done to the lists that the clusters are in, since `store` was opened.
struct ListChanges {
  uint64_t splits = 0, merges = 0;
};
ListChanges ListChangesOf(const Store& store);

// Of kRows. The last row is deleted by those operations that delete.
std::string StampedKey(size_t thread, size_t i);
std::string StampedValue(size_t thread, uint64_t number, size_t i);
std::string StampOf(uint64_t number);
std::string RowName(size_t thread, size_t i);
std::string RowValue(uint64_t number, size_t i);  // "": there is none

// Of kCounters.
bool IsIncrement(uint64_t number);
inline constexpr std::string_view kIncrementedKey = "counter:increment";
inline constexpr std::string_view kComparedKey = "counter:compare";

// The number of the operation that wrote `value`; 0 for no value or a foreign one.
uint64_t NumberOf(std::string_view value);

}  // namespace libkv::crash

#endif  // LIBKV_TESTS_CRASH_WORKLOAD_H_
