// Whether the model behind an embedder's name is still the one it was: the vectors of three fixed
// texts are kept beside those of the values, and are made again before the embedder is used.
//
// A name is only a name. A service may answer with another model under the old one, and a file may
// be replaced: then new vectors would be compared with old ones that mean something else, and
// nobody would notice.
#ifndef LIBKV_SRC_INDEX_PROBED_EMBEDDER_H_
#define LIBKV_SRC_INDEX_PROBED_EMBEDDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libkv/embedder.h"

namespace libkv {

// The vectors of the probe texts, one after the other.
struct Probes {
  uint32_t dimension = 0;
  std::vector<float> vectors;
};

// Of an embedder as it is now. Its error; Internal: it threw, or made a vector of NaN.
absl::StatusOr<Probes> MakeProbes(const Embedder& embedder);

// `embedder`, but the first Embed makes the probes again: if one of them has a cosine below 0.999
// to what it was, this and all further calls answer FailedPrecondition. If they cannot be made, the
// call gets that error, and the next one tries again.
std::shared_ptr<const Embedder> WithProbes(std::shared_ptr<const Embedder> embedder, Probes probes);

// What WithProbes was given; others are returned as they are.
std::shared_ptr<const Embedder> WithoutProbes(const std::shared_ptr<const Embedder>& embedder);

// probes := version:u8=1 dimension:varint count:varint f32le[dimension * count] checksum
std::string EncodeProbesRow(std::string_view row_key, const Probes& probes);
absl::Status ParseProbesRow(std::string_view row_key, std::string_view row, Probes* probes);

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_PROBED_EMBEDDER_H_
