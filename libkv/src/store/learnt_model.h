// What a space has learnt from its values: the model of an embedder.
#ifndef LIBKV_SRC_STORE_LEARNT_MODEL_H_
#define LIBKV_SRC_STORE_LEARNT_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "store/store_impl.h"

namespace libkv {

struct Store::Impl::LearntModel {
  std::string bytes;
  uint64_t texts = 0;  // of which it was learnt
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_LEARNT_MODEL_H_
