// The bodies of POST /v1/embeddings: no sockets here.
//
//   request  := {"model": .., "input": [text, ..], "encoding_format": "float"|"base64"
//                [, "dimensions": n]}
//   response := {"data": [{"index": i, "embedding": [number, ..] | base64 of f32le}, ..], ..}
#ifndef LIBKV_HTTP_EMBEDDING_JSON_H_
#define LIBKV_HTTP_EMBEDDING_JSON_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libkv/http_embedder.h"

namespace libkv {

std::string EmbeddingRequest(const HttpEmbedderOptions& options,
                             std::span<const std::string> texts);

// The vectors of a response to `count` texts, in the order of the texts, one after the other. Each
// text must have one vector, of `dimension` finite numbers that are not all 0; `dimension` 0: of
// as many as there are, the same for all, at most kHttpDimensionMax. Internal: anything else.
absl::StatusOr<std::vector<float>> EmbeddingResponse(std::string_view body, size_t count,
                                                     size_t dimension);

// Longer bodies are no right answer, however numbers are spelled.
size_t EmbeddingResponseBytesMax(size_t count, size_t dimension);

}  // namespace libkv

#endif  // LIBKV_HTTP_EMBEDDING_JSON_H_
