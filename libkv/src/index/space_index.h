// The SpaceIndex is what one space keeps in memory: the parts of its word index and its vectors.
// All of it is derived from the rows on disk.
//
//   sealed parts     segments on disk, with what died in them
//   frozen deltas    waiting to be sealed, oldest first
//   the delta        new documents
//   the vectors           in lists
//
// Threads    view() and the counters from any thread. All changes from one thread at a time, under
//            the store's publish lock (or by the loader, before the store is open).
#ifndef LIBKV_SRC_INDEX_SPACE_INDEX_H_
#define LIBKV_SRC_INDEX_SPACE_INDEX_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "index/delta_part.h"
#include "index/derived_document.h"
#include "index/sealed_part.h"
#include "index/vector_index.h"
#include "libkv/options.h"

namespace libkv {

// The text parts of one moment. A search keeps it as long as it lasts.
struct SpaceView {
  std::vector<std::shared_ptr<SealedPart>> sealed;
  std::vector<std::shared_ptr<DeltaPart>> deltas;  // the last one is being filled

  // All text parts, sealed ones first.
  std::vector<const TextPart*> parts() const;

  size_t text_bytes() const;  // memory
};

class SpaceIndex {
 public:
  // `padded_dimension` is 0 for a space without vectors.
  explicit SpaceIndex(size_t padded_dimension,
                      size_t exact_vectors_max = Options().exact_vectors_max,
                      ListStorage storage = ListStorage::kCodes);

  std::shared_ptr<const SpaceView> view() const;
  // Null: no vectors. Lives as long as this object.
  VectorIndex* vectors() const { return vectors_in_force_.load(std::memory_order_acquire); }

  // Takes over the vectors of `other`, in place of its own, whose memory is set free.
  void TakeVectors(const SpaceIndex& other);

  // A document that was committed with sequence `born`. Its id is above all before it.
  void Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
           const DerivedDocument& derived);

  // The document, with a vector in `list`, if it has one, is gone for views from sequence `died`
  // on. Unknown ones are ignored.
  void Kill(uint64_t document, uint32_t list, uint64_t died);

  // Closes the delta if it has documents, so that it can be sealed, and begins another one. From
  // then on the removal of its documents leaves dead markers.
  void Freeze();

  // Frozen deltas that are not sealed yet.
  size_t backlog() const { return backlog_.load(std::memory_order_acquire); }

  // The oldest frozen delta was sealed: as `part`, or, null, nothing in it was alive.
  void ReplaceOldestDelta(std::shared_ptr<SealedPart> part);

  // `old_parts` became `new_parts`.
  void ReplaceSealed(std::span<const std::shared_ptr<SealedPart>> old_parts,
                     std::span<const std::shared_ptr<SealedPart>> new_parts);

  // For the loader: a dead marker on disk; and, when segments cannot be read, none of them counts.
  void KillAtLoad(uint64_t document);
  void ForgetSegments();
  bool has_forgotten_segments() const { return has_forgotten_segments_; }

  // Documents up to this id stand in segments or are on their way there: their removal leaves a
  // dead marker on disk.
  uint64_t marks_through() const { return marks_through_.load(std::memory_order_acquire); }

  // Documents up to this id are not read back at open.
  uint64_t sealed_through() const { return sealed_through_.load(std::memory_order_acquire); }
  void SetSealedThrough(uint64_t document);

  // The dead markers on disk, in no order. At most those up to sealed_through() may be removed.
  void AddMarker(uint64_t document);
  std::vector<uint64_t> TakeMarkers();
  const std::vector<uint64_t>& markers() const { return markers_; }
  size_t marker_count() const { return marker_count_.load(std::memory_order_relaxed); }

  // Documents whose vectors are still to be made, and those of them whose text the embedder does
  // not take, as of the commits that are in memory.
  struct Pending {
    std::atomic<int64_t> waiting{0}, refused{0};
  };
  Pending& pending() { return pending_; }
  const Pending& pending() const { return pending_; }

  // Segment numbers are not used again while the store is open.
  uint32_t NextSegment() { return next_segment_.fetch_add(1, std::memory_order_relaxed); }
  void SegmentsBelow(uint32_t next);

 private:
  void SetView(std::shared_ptr<const SpaceView> view);

  std::vector<std::shared_ptr<VectorIndex>> vectors_;  // the last one is in force
  std::atomic<VectorIndex*> vectors_in_force_{nullptr};
  mutable std::mutex mutex_;
  std::shared_ptr<const SpaceView> view_;  // guarded by mutex_

  uint64_t last_document_ = 0;  // with words, of those added
  std::vector<uint64_t> markers_;
  std::atomic<size_t> marker_count_{0}, backlog_{0};
  std::atomic<uint64_t> marks_through_{0}, sealed_through_{0};
  std::atomic<uint32_t> next_segment_{1};
  bool has_forgotten_segments_ = false;
  Pending pending_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_SPACE_INDEX_H_
