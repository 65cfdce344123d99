// An Iterator walks over keys in byte order, forward or backward, within its bounds, over one fixed
// view of the store: the snapshot it was given, or the state at its creation.
//
//   auto it = store->NewIterator({}, {.prefix = "user:"});
//   for (it->SeekToFirst(); it->Valid(); it->Next()) Use(it->key(), it->value());
//   if (!it->status().ok()) ...
//
// Expired keys are skipped. An Iterator belongs to one thread and must die before its Store.
#ifndef LIBKV_ITERATOR_H_
#define LIBKV_ITERATOR_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace libkv {

// An empty member sets no bound; all that are set hold together.
struct IteratorOptions {
  std::string prefix;  // only keys that begin with it
  std::string first;   // only keys >= first
  std::string end;     // only keys < end
};

class Iterator {
 public:
  virtual ~Iterator() = default;

  bool Valid() const { return valid_; }  // false until sought, past either end, after an error
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual void Seek(std::string_view key) = 0;         // the first key >= `key`
  virtual void SeekForPrev(std::string_view key) = 0;  // the last key <= `key`
  virtual void Next() = 0;                             // requires Valid()
  virtual void Prev() = 0;                             // requires Valid()

  // Require Valid(). The views live until the iterator moves. value() checks the checksum of value
  // and stamp: damaged ones are empty, and status() says DataLoss and names the key. stamp() does
  // the same, at the same cost; it is empty when the value was set without one.
  std::string_view key() const { return key_; }
  virtual std::string_view value() const = 0;
  virtual std::string_view stamp() const = 0;

  virtual absl::Status status() const = 0;

 protected:
  bool valid_ = false;
  std::string_view key_;
};

}  // namespace libkv

#endif  // LIBKV_ITERATOR_H_
