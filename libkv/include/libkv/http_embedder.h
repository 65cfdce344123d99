// An embedder that asks a server over HTTP: any that answers POST /v1/embeddings as OpenAI does,
// for example Ollama, llama.cpp, text-embeddings-inference and vLLM. A library of its own,
// libkv::http, because it needs libcurl.
//
//   auto embedder = libkv::MakeHttpEmbedder(
//       {.base_url = "http://localhost:11434", .model = "nomic-embed-text",
//        .query_prefix = "search_query: ", .document_prefix = "search_document: "});
//
// What a server answers is not trusted: an answer with a missing, doubled or wrong vector is an
// error that says what was wrong, never a vector of another text. Vectors are ordered by the index
// that the server gives them.
#ifndef LIBKV_HTTP_EMBEDDER_H_
#define LIBKV_HTTP_EMBEDDER_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libkv/embedder.h"

namespace libkv {

// The rest of a text does not count: no common model reads more than 8,192 tokens.
inline constexpr size_t kHttpTextBytesMax = 32 << 10;
// Texts of one request: a server may refuse bodies over 2 MB.
inline constexpr size_t kHttpRequestTextBytesMax = 512 << 10;
inline constexpr size_t kHttpDimensionMax = 8192;

enum class HttpEncoding { kFloat, kBase64 };  // base64 is shorter; not every server knows it

struct HttpEmbedderOptions {
  // "http://host:port" or "https://host/path"; "/v1/embeddings" is added unless it is there.
  // No user and password: they would be seen in messages.
  std::string base_url;
  std::string model;     // part of the identity, though some servers have but one and ignore it
  std::string api_key;   // sent as bearer token; never part of a message or of the identity
  size_t dimension = 0;  // 0: asked for by a first request, when the embedder is made
  bool request_dimension = false;             // sends "dimensions", for models that can be cut
  bool normalize = true;                      // to length 1
  std::string query_prefix, document_prefix;  // as the model wants them
  HttpEncoding encoding = HttpEncoding::kFloat;

  size_t batch_size = 32;         // texts of one request
  size_t requests_in_flight = 4;  // of all threads together; more wait
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{60'000};
  // Tries after the first, after 429, 502, 503, 504 and failed connections. The wait doubles from
  // `first_wait` to `wait_max`; a server's Retry-After counts when it is longer, and when it is
  // longer than `wait_max` there is no other try.
  size_t retries_max = 4;
  std::chrono::milliseconds first_wait{200};
  std::chrono::milliseconds wait_max{20'000};

  size_t cache_bytes_max = size_t{16}
                           << 20;  // vectors of texts that were asked for before; 0: none
};

// The identity names model, dimension, normalization and prefixes: not the server, which may move.
//
// Embed answers
//   Unavailable         no connection, or 429 or 5xx after all tries: may succeed later
//   DeadlineExceeded    no answer in time
//   PermissionDenied    401, 403
//   InvalidArgument     400, 413, 422 and the like: the server refuses a text; batches are halved
//                       after 413 and 422 until it is a single one
//   Internal            an answer that makes no sense, or is longer than any right one
// Texts of nothing but white space are not sent: they get zeros, which means: no vector. What is
// not UTF-8 is sent as U+FFFD.
//
// InvalidArgument: options out of range. With dimension 0 also everything that Embed answers.
absl::StatusOr<std::shared_ptr<const Embedder>> MakeHttpEmbedder(HttpEmbedderOptions options);

}  // namespace libkv

#endif  // LIBKV_HTTP_EMBEDDER_H_
