// How fast the store answers.
#ifndef LIBKV_EXAMPLES_PACKAGES_BENCH_H_
#define LIBKV_EXAMPLES_PACKAGES_BENCH_H_

#include "libkv/store.h"

namespace packages {

// Asks 200 questions of each kind, made of texts that stand evenly through the store, and prints
// the median, the 95th percentile and the greatest time of each kind.
void Bench(const libkv::Store& store);

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_BENCH_H_
