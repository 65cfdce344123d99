// LIBKV_CHECK: assertions that stay on in every build. A broken invariant stops the process: going
// on would write the damage to disk.
#ifndef LIBKV_SRC_BASE_CHECK_H_
#define LIBKV_SRC_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define LIBKV_CHECK(condition)                                                         \
  do {                                                                                 \
    if (!(condition)) [[unlikely]] {                                                   \
      std::fprintf(stderr, "libkv: %s:%d: broken invariant: %s\n", __FILE__, __LINE__, \
                   #condition);                                                        \
      std::abort();                                                                    \
    }                                                                                  \
  } while (false)

#endif  // LIBKV_SRC_BASE_CHECK_H_
