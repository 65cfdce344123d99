// A Snapshot is a fixed view of a store: reads, iterators and searches that carry it see the store
// as it was, however much is written meanwhile. It costs disk space while it lives (what it sees is
// not cleaned away) and must be released before its Store is.
#ifndef LIBKV_SNAPSHOT_H_
#define LIBKV_SNAPSHOT_H_

namespace libkv {

class Snapshot {
 public:
  virtual ~Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 protected:
  Snapshot() = default;
};

}  // namespace libkv

#endif  // LIBKV_SNAPSHOT_H_
