// An Embedder turns text into vectors, so that texts can be compared by meaning or by shape.
//
// The store remembers identity() beside the vectors it made and refuses to open with another one:
// vectors of two models must never be compared.
#ifndef LIBKV_EMBEDDER_H_
#define LIBKV_EMBEDDER_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace libkv {

// Some models embed a question differently from the documents that answer it.
enum class EmbedKind { kDocument, kQuery };

// Threads    Embed is called from many threads at once.
// Exceptions An exception from Embed is caught and becomes the status Internal of that one write;
//            the store and its other writes go on.
class Embedder {
 public:
  virtual ~Embedder() = default;

  // Names the model, its revision and everything else that changes the numbers, for example
  // "hash/1". Stored; a store opened with another identity answers FailedPrecondition.
  virtual std::string identity() const = 0;

  // Floats per vector, at least 1. Never changes for one identity.
  virtual size_t dimension() const = 0;

  // Writes the vector of texts[i] to vectors[i * dimension()], for every i: batch first, because
  // most models are faster that way. `vectors` has texts.size() * dimension() floats. A status
  // other than OK fails the write that asked; nothing of it is stored.
  virtual absl::Status Embed(EmbedKind kind, std::span<const std::string_view> texts,
                             std::span<float> vectors) const = 0;

  // Answers that are remembered must not be given any more: the store calls it before it looks
  // whether the model is the one of before, and before it embeds everything anew.
  virtual void Forget() const {}
};

// The built-in "hash/1": signed feature hashing of words and character 3- to 5-grams into 1,024
// dimensions, unit length. Needs no model and no training, and is the same for ever and on every
// machine; it finds texts that share words or parts of words, not meaning. A text without words
// gets all zeros, which means: no vector.
// (Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009.)
std::shared_ptr<const Embedder> MakeHashEmbedder();

}  // namespace libkv

#endif  // LIBKV_EMBEDDER_H_
