// Latent semantic analysis: an embedder that is learnt from the texts it is to compare.
//
// Words that occur in the same texts get near places, so that a question finds texts that say it in
// other words. Nothing is needed but the texts: no network, no model from elsewhere. It learns what
// the corpus tells: some thousand texts are a good one. (Deerwester et al., "Indexing by latent
// semantic analysis", JASIS 41, 1990; how, and how good it is: libkv/doc/embedders.md.)
//
//   libkv::LsaTrainer trainer;
//   for (const std::string& text : texts) trainer.Add(text);
//   absl::StatusOr<std::string> model = trainer.Train();  // bytes to keep
//   auto embedder = libkv::MakeLsaEmbedder(*model);       // to give to a Space
//
// A model does not change when texts come: those it has not seen are embedded by the words it
// knows. Train again when the corpus has doubled; vectors of two models cannot be compared.
#ifndef LIBKV_LSA_H_
#define LIBKV_LSA_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "libkv/analyzer.h"
#include "libkv/embedder.h"

namespace libkv {

// A greater corpus is sampled: any of its texts with the same probability.
inline constexpr size_t kLsaTextsMax = 100'000;
inline constexpr size_t kLsaSampleBytesMax = size_t{64} << 20;
// Fewer texts with words than this teach nothing.
inline constexpr size_t kLsaTextsMin = 16;

struct LsaOptions {
  // Null: MakeEnglishAnalyzer(). The model remembers its id.
  std::shared_ptr<const Analyzer> analyzer;
  // 1 to 768. A corpus of less than 5 texts for each, or of fewer words, gives fewer axes, and so
  // another dimension.
  size_t axes = 256;
  uint64_t seed = 1;  // of the sample and of where the decomposition starts
};

// What an embedder has besides the model's axes: for exact words, those unknown to it included.
inline constexpr size_t kLsaHashedDimension = 256;

// Called now and then with the share that is done, above 0, at most 1, ascending. Returning false
// stops what is going on.
using LsaProgress = absl::FunctionRef<bool(double done)>;

// Threads    One thread.
// Exceptions Those of the analyzer come out of Train() and of the embedder's Embed.
// Memory     At most 64 MiB of texts are kept. Train() needs up to about 350 MiB more.
class LsaTrainer {
 public:
  explicit LsaTrainer(LsaOptions options = {});
  ~LsaTrainer();
  LsaTrainer(LsaTrainer&&) noexcept;
  LsaTrainer& operator=(LsaTrainer&&) noexcept;

  // Shows a text, of which the first 64 KiB count. Any bytes are legal.
  void Add(std::string_view text);
  uint64_t text_count() const;  // added so far

  // The model of the texts added so far, as bytes; more may be added afterwards. The same texts in
  // the same order, options and analyzer give the same bytes on every machine. One thread's
  // seconds: below 1 for 2,000 short texts, about 10 for 60,000.
  // FailedPrecondition: fewer than kLsaTextsMin texts have words.
  // InvalidArgument: options out of range. Aborted: `progress` said so.
  absl::StatusOr<std::string> Train(LsaProgress progress = [](double) { return true; }) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The embedder of a model. Its identity is "lsa/1:" and a hash of the bytes, its vectors have
// length 1 and axes + kLsaHashedDimension floats; a text without words gets all zeros, which means:
// no vector. Holds the model in memory (300 bytes per word, 10 MiB at most with 256 axes).
// `analyzer` must be the one of the training; null: the built-in one of the id that the model
// names. DataLoss: damaged bytes. FailedPrecondition: another analyzer, none of that id is built
// in, or a later version of the format.
absl::StatusOr<std::shared_ptr<const Embedder>> MakeLsaEmbedder(
    std::string_view model, std::shared_ptr<const Analyzer> analyzer = nullptr);

}  // namespace libkv

#endif  // LIBKV_LSA_H_
