// How a Store is opened, and what one read or one write may ask for.
#ifndef LIBKV_OPTIONS_H_
#define LIBKV_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/analyzer.h"
#include "libkv/embedder.h"
#include "libkv/snapshot.h"

namespace libkv {

// Limits of what can be stored. Beyond them: InvalidArgument, and nothing is written.
inline constexpr size_t kKeyBytesMax = 65'535;
inline constexpr size_t kValueBytesMax = size_t{64} << 20;
inline constexpr size_t kStampBytesMax = size_t{64} << 20;
inline constexpr size_t kRowNameBytesMax = 1'024;  // Batch::PutRow; its value: kValueBytesMax
inline constexpr size_t kBatchBytesMax = size_t{64} << 20;  // keys, values, stamps, rows together
inline constexpr size_t kVectorDimensionMax = 8'192;
inline constexpr size_t kExactVectorsMin = 1'000;  // Options::exact_vectors_max

enum class Metric : uint8_t {
  kCosine = 1,        // score = cosine, 1 is the same direction
  kL2 = 2,            // score = minus the squared Euclidean distance
  kInnerProduct = 3,  // score = dot product
};

enum class VectorPrecision : uint8_t {
  kFloat32 = 1,  // stored exactly as given
  kFloat16 = 2,  // half the disk; enough for embeddings
};

// What a space keeps in memory of each of its vectors once there are lists of them (beyond
// Options::exact_vectors_max, at most 16,384 with kBits); the vectors themselves are on disk.
enum class VectorMemory : uint8_t {
  kCodes = 1,  // a byte per dimension and some 90 beside: 480 bytes at 384 dimensions
  // A bit per dimension and some 30 beside: at most 80 bytes at 384 dimensions. Searches keep their
  // promises (SimilarOptions) and are slower: they read some hundred bytes each of the few dozen
  // vectors that can be among the nearest. What compares everything reads everything; a filter
  // that few thousand values pass reads the vectors of these, and so does a prefix longer than the
  // space's, after a walk over its keys.
  kBits = 2,
};

// A Space is the set of keys that begin with `prefix`, and says how their values are indexed. Of
// several spaces a key belongs to the one with the longest prefix; a key in no space is plain and
// pays nothing. The definition is stored: see Store::DefineSpace for changing it.
struct Space {
  std::string prefix;  // "" is every key

  bool text = false;                         // Search
  std::shared_ptr<const Analyzer> analyzer;  // null: MakeEnglishAnalyzer()
  // For JSON values, the fields whose text is indexed and embedded, in this order, as dotted paths
  // ("summary", "author.name"; an array means each of its elements). Empty: every string of the
  // value. Values that are not JSON are taken whole.
  std::vector<std::string> text_fields;

  uint32_t vector_dimension = 0;  // Similar; 0: no vectors. May stay 0 when an embedder is given.
  Metric metric = Metric::kCosine;
  VectorPrecision precision = VectorPrecision::kFloat32;
  // May be another one at the next open, or DefineSpace: that changes nothing on disk.
  VectorMemory vector_memory = VectorMemory::kCodes;
  // Makes the vector of every value that comes without one. Null: only given vectors are indexed.
  std::shared_ptr<const Embedder> embedder;

  // Instead of an embedder: one that the store learns from the values of the space (libkv/lsa.h,
  // with the space's analyzer) and keeps. Until there are 2,000 values with vectors it is hash/1;
  // from then on, and whenever there are twice as many as it was last learnt from, it is learnt in
  // the background, and all vectors are made anew beside the old ones, as Store::Reembed does it.
  // Its dimension changes with that. Store::TrainEmbedder does it at any time.
  bool learn = false;

  // The embedder is not asked when a value is written, but soon after, in the background: for one
  // that is slow or may be down (libkv/http_embedder.h). The value is found by words at once, and
  // by its vector once that is there; what is missing survives a crash. See Store::WaitIndexed.
  bool deferred = false;

  bool values = false;  // FindByValue over whole values
  // For JSON values, the fields that can be asked for (FindByValue, QueryField, Search), as dotted
  // paths. A store may have more of them: see Store::CreateFieldIndex.
  std::vector<std::string> fields;
};

struct Options {
  // Behaviour.
  bool must_exist = false;    // NotFound instead of creating an empty store
  bool read_only = false;     // Beside another process, or from a read-only disk; see Store::Open.
  std::vector<Space> spaces;  // Defined at open when not yet there; must match when they are.

  // Resources.
  // One budget for everything the store keeps in memory: caches, write buffers and indexes. At
  // least 8 MiB. Indexes that outgrow it shrink the caches, never the answer (Stats tells).
  size_t memory_bytes = size_t{256} << 20;
  int background_threads = 2;  // flushes and compactions
  // Up to so many vectors a search compares all of a space. With more of them they are kept in
  // lists, and it looks into as many as SimilarOptions::recall_target asks for, also when some are
  // deleted later. At least kExactVectorsMin.
  size_t exact_vectors_max = 32'768;

  // Milliseconds since 1970, for expiry times. Null: the system's clock.
  std::function<int64_t()> clock;
};

struct ReadOptions {
  std::shared_ptr<const Snapshot> snapshot;  // null: the newest state
  bool fill_cache = true;                    // false for large scans: keep nothing of what is read
};

// What OK means after a write.
enum class Durability : uint8_t {
  kSynced,    // survives a power cut (the log is synced; shared by all writes that wait)
  kWritten,   // survives the end of the process, even kill -9, not of the machine
  kBuffered,  // survives a clean Close; the store may delay it (this version does not)
};

struct WriteOptions {
  Durability durability = Durability::kSynced;
};

// What may go with one value.
struct SetOptions {
  // After this long the key is gone: from reads and searches at once, from the disk soon after.
  // 0: never. Negative: InvalidArgument.
  std::chrono::milliseconds ttl{0};
  // The same as a moment, in milliseconds since 1970; GetExpiry answers this number. 0: `ttl`
  // counts. A moment in the past is allowed: the key is gone at once, with what it had before.
  // Negative, or together with `ttl`: InvalidArgument.
  int64_t expires_at = 0;
  // The value's vector; its size must be the dimension of the key's space. Empty: the space's
  // embedder makes it, if there is one.
  std::span<const float> vector;
  // Bytes of the caller's that are stored with the value and given back unchanged (Entry,
  // Iterator::stamp), such as the version of a replicated value; never indexed or interpreted. Up
  // to kStampBytesMax, and they count for kBatchBytesMax. They belong to this value: the next Set,
  // CompareAndSet or Increment of the key puts its own in their place, or none; what leaves the
  // value as it is leaves them too (SetVector, Batch::SetExpiry, indexes that come and go). Empty:
  // none, at no cost.
  std::string_view stamp;
};

}  // namespace libkv

#endif  // LIBKV_OPTIONS_H_
