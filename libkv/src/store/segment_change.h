// A change of the segments of one space: what goes, what comes. Written by whoever seals or merges,
// put in force by the committer.
#ifndef LIBKV_SRC_STORE_SEGMENT_CHANGE_H_
#define LIBKV_SRC_STORE_SEGMENT_CHANGE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "index/space_index.h"

namespace libkv {

struct SegmentChange {
  uint32_t space = 0;
  std::shared_ptr<SpaceIndex> index;
  std::shared_ptr<DeltaPart> delta = nullptr;            // goes: the oldest frozen one; or null
  std::vector<std::shared_ptr<SealedPart>> merged = {};  // go
  std::vector<std::shared_ptr<SealedPart>> parts = {};   // come

  // By the committer. Tells the new parts which of their documents died since their input was read:
  // every such death has left a marker.
  void TellDeaths();

  void PutRows(EngineBatch& batch);

  // By the committer, under the publish lock.
  void Apply();
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_SEGMENT_CHANGE_H_
