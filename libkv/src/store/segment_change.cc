#include "store/segment_change.h"

#include "format/catalog_rows.h"
#include "format/keys.h"

namespace libkv {

void SegmentChange::TellDeaths() {
  for (const uint64_t document : index->markers()) {
    // Views of before the change have the old parts; for the others they were always dead.
    for (const auto& part : parts) {
      if (part->Kill(document, /*died=*/0)) break;
    }
  }
}

void SegmentChange::PutRows(EngineBatch& batch) {
  for (const auto& part : merged) {
    batch.Delete(Family::kIndex, SegmentKey(space, part->segment().number()));
  }
  for (const auto& part : parts) {
    batch.Put(Family::kIndex, SegmentKey(space, part->segment().number()), part->EncodeRow());
    part->DeathsAreSaved();
  }
  if (delta == nullptr) return;
  const uint64_t last = delta->documents()[delta->documents().size() - 1].document;
  batch.Put(Family::kIndex, TextDescriptorKey(space), EncodeTextDescriptor(space, last));
}

void SegmentChange::Apply() {
  if (delta != nullptr) {
    index->SetSealedThrough(delta->documents()[delta->documents().size() - 1].document);
    index->ReplaceOldestDelta(parts.empty() ? nullptr : parts.front());
  } else {
    index->ReplaceSealed(merged, parts);
  }
}

}  // namespace libkv
