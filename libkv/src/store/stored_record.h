// A record as it was found: in the record cache, copied from there, or in the engine.
#ifndef LIBKV_SRC_STORE_STORED_RECORD_H_
#define LIBKV_SRC_STORE_STORED_RECORD_H_

#include <string_view>

#include "engine/engine.h"
#include "store/record_cache.h"

namespace libkv {

struct StoredRecord {
  std::string_view bytes;  // encoded; empty: there is none. Views one of the two below.
  PinnedValue pinned;
  RecordCache::Buffer copy;  // uninitialised: a read should not pay for what it does not need
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_STORED_RECORD_H_
