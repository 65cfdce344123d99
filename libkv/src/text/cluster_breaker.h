// Where a text may be cut without tearing what a reader sees as one character: grapheme clusters
// (UAX 29), such as a letter with its marks, a flag, a family of emoji.
#ifndef LIBKV_SRC_TEXT_CLUSTER_BREAKER_H_
#define LIBKV_SRC_TEXT_CLUSTER_BREAKER_H_

#include <cstddef>
#include <string_view>

namespace libkv {

// The nearest boundary of a cluster at or before, at or after byte `at` of `text`; `at` <= size.
// `text` may be any bytes, up to 2 GiB. Looks at the neighbourhood of `at` only.
size_t ClusterStart(std::string_view text, size_t at);
size_t ClusterEnd(std::string_view text, size_t at);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_CLUSTER_BREAKER_H_
