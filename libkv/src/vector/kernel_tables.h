// One table of kernels per level; vector/kernels.h is the face. The wider levels exist on x86-64
// only, and running one that the CPU lacks ends the process.
#ifndef LIBKV_SRC_VECTOR_KERNEL_TABLES_H_
#define LIBKV_SRC_VECTOR_KERNEL_TABLES_H_

#include "vector/kernels.h"

namespace libkv {

extern const Kernels kBaselineKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_KERNEL_TABLES_H_
