// What the writing process does and the checking process knows: every operation follows from its
// thread and its number, so a message needs to carry nothing else.
//
//   threads 0, 1   Set and Delete of plain keys
//   threads 2, 3   Set and Delete of texts, whose vectors are made in the background
//   threads 4, 5   BulkSet of eight keys that all carry the operation's number, always the same
//                  keys, with words, vectors and value rows
//   threads 6, 7   Increment and CompareAndSet of two counters they share
//   threads 8, 9   BulkSet and bulk Delete of blocks of a hundred keys with vectors, so many that
//                  they are kept in lists, with bits alone in memory, which are split and merged
//                  all the time
//   threads 10, 11 batches of four values with stamps, two of them with words, and three rows of
//                  the application, which all carry the operation's number; one row comes and goes
//
// Besides, words are sealed and merged, and spaces embedded anew, one after the other, for ever.
// Even threads write kSynced, odd ones kWritten; kill -9 must spare both.
#ifndef LIBKV_TESTS_CRASH_WORKLOAD_H_
#define LIBKV_TESTS_CRASH_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libkv/store.h"

namespace libkv::crash {

inline constexpr size_t kThreads = 12;
inline constexpr size_t kKeysPerThread = 24;
inline constexpr size_t kBulkKeys = 8;
inline constexpr size_t kBlocks = 20;  // of a thread
inline constexpr size_t kBlockKeys = 100;
inline constexpr size_t kStampedKeys = 4;
inline constexpr size_t kBatchRows = 3;

enum class Role : uint8_t { kSets, kTexts, kBulks, kCounters, kVectors, kRows };
inline Role RoleOf(size_t thread) { return static_cast<Role>(thread / 2); }
inline Durability DurabilityOf(size_t thread) {
  return thread % 2 == 0 ? Durability::kSynced : Durability::kWritten;
}

// One line of the report that goes through the pipe.
struct Message {
  enum class Kind : uint64_t { kAttempt, kAcknowledged, kAborted };
  Kind kind;
  uint64_t thread;
  uint64_t number;
  int64_t result;  // of Increment: the sum
};

// How the writer behaves. The last two are wrong on purpose: the checker must notice.
enum class Mode : uint8_t { kHonest, kEarly, kSplit };

Options StoreOptions();

// Of kSets and kTexts.
std::string KeyOf(size_t thread, uint64_t number);
bool IsDelete(uint64_t number);
std::string ValueOf(size_t thread, uint64_t number);
std::string WordOf(size_t thread, uint64_t number);  // a word that only this text has

// Of kBulks.
std::string BulkKey(size_t thread, size_t i);
std::string BulkValue(size_t thread, uint64_t number, size_t i);

// Of kVectors.
size_t BlockOf(uint64_t number);
std::string BlockKey(size_t thread, size_t block, size_t i);
std::string BlockValue(size_t thread, uint64_t number, size_t i);

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
