// From a value to what the indexes need to know of it. Pure: reads nothing, writes nothing, takes
// no lock, so that writers do it in parallel before they queue up to commit.
#ifndef LIBKV_SRC_INDEX_DERIVE_H_
#define LIBKV_SRC_INDEX_DERIVE_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "index/derived_document.h"
#include "index/space_table.h"

namespace libkv {

struct DeriveItem {
  const ActiveSpace* space = nullptr;
  std::string_view key;  // for messages
  std::string_view value;
  std::span<const float> vector;  // empty: the space's embedder makes it, if there is one
  DerivedDocument* derived = nullptr;
  bool embeds = true;  // false: without a vector of its own it gets none
};

// Spaces whose embedder is deferred are not embedded for: the document says that it is pending.

// Fills every item's document. Embeds up to kEmbedTextsMax texts of one space in one call.
// InvalidArgument: a vector the space does not accept. FailedPrecondition: the space's embedder was
// not given. Internal: the embedder threw or made a vector of NaN. Each names the key.
absl::Status Derive(std::span<const DeriveItem> items);

inline constexpr size_t kEmbedTextsMax = 128;

// The parts of Derive that the indexes of words and of values are verified with.
void DeriveWords(const Analyzer& analyzer, std::string_view text, DerivedDocument* derived);
void DeriveValueRows(const ActiveSpace& space, std::string_view value, DerivedDocument* derived);

// Checks, stores and encodes `vector`; an empty or, from an embedder, all-zero one means none.
absl::Status DeriveVector(const ActiveSpace& space, std::span<const float> vector,
                          DerivedDocument* derived);

// `vector` as it is compared: normalised under cosine.
std::vector<float> Comparable(const ActiveSpace& space, std::span<const float> vector);

// Runs the space's embedder; exceptions become Internal.
absl::Status Embed(const ActiveSpace& space, EmbedKind kind,
                   std::span<const std::string_view> texts, std::span<float> vectors);

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_DERIVE_H_
