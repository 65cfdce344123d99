#include "index/probed_embedder.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/row.h"
#include "libkv/options.h"

namespace libkv {
namespace {

constexpr uint8_t kVersion = 1;
constexpr double kCosineMin = 0.999;
constexpr size_t kProbesMax = 16;

// Part of the format: stored vectors are those of these texts.
constexpr std::string_view kProbeTexts[] = {
    "The library opens at nine in the morning and is closed on Sundays.",
    "error 404: no route to the network interface eth0",
    "Fresh bread, olive oil, tomatoes and a little salt.",
};

double Cosine(const float* a, const float* b, size_t dimension) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < dimension; ++i) {
    dot += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  // No direction is like no direction.
  if (aa == 0 || bb == 0) return aa == bb ? 1 : 0;
  return dot / std::sqrt(aa * bb);
}

bool AreAlike(const Probes& a, const Probes& b) {
  if (a.dimension != b.dimension || a.vectors.size() != b.vectors.size()) return false;
  for (size_t at = 0; at < a.vectors.size(); at += a.dimension) {
    if (Cosine(&a.vectors[at], &b.vectors[at], a.dimension) < kCosineMin) return false;
  }
  return true;
}

class ProbedEmbedder final : public Embedder {
 public:
  ProbedEmbedder(std::shared_ptr<const Embedder> embedder, Probes probes)
      : embedder_(std::move(embedder)), probes_(std::move(probes)) {}

  std::string identity() const override { return embedder_->identity(); }
  size_t dimension() const override { return probes_.dimension; }
  absl::Status Embed(EmbedKind kind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    if (state_.load(std::memory_order_acquire) != State::kSame) LIBKV_RETURN_IF_ERROR(Check());
    return embedder_->Embed(kind, texts, vectors);
  }
  const std::shared_ptr<const Embedder>& embedder() const { return embedder_; }

 private:
  enum class State : uint8_t { kUnknown, kSame, kChanged };

  absl::Status Check() const {
    const std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_relaxed) == State::kUnknown) {
      LIBKV_ASSIGN_OR_RETURN(const Probes now, MakeProbes(*embedder_));
      state_.store(AreAlike(probes_, now) ? State::kSame : State::kChanged,
                   std::memory_order_release);
    }
    if (state_.load(std::memory_order_relaxed) == State::kSame) return absl::OkStatus();
    return FailedPrecondition("the model behind '", embedder_->identity(),
                              "' has changed: its vectors cannot be compared with the stored ones; "
                              "call Reembed");
  }

  const std::shared_ptr<const Embedder> embedder_;
  const Probes probes_;
  mutable std::mutex mutex_;  // held while the probes are made
  mutable std::atomic<State> state_{State::kUnknown};
};

}  // namespace

absl::StatusOr<Probes> MakeProbes(const Embedder& embedder) {
  const auto failed = [&](absl::StatusCode code, std::string_view why) {
    return MakeStatus(code, "the embedder '", embedder.identity(), "' fails: ", why);
  };
  Probes probes;
  const size_t dimension = embedder.dimension();
  if (dimension == 0 || dimension > kVectorDimensionMax) {
    return failed(absl::StatusCode::kInternal, Concat("its dimension is ", dimension));
  }
  probes.dimension = static_cast<uint32_t>(dimension);
  probes.vectors.resize(dimension * std::size(kProbeTexts));
  try {
    embedder.Forget();
    const absl::Status status =
        embedder.Embed(EmbedKind::kDocument, kProbeTexts, std::span(probes.vectors));
    if (!status.ok()) return failed(status.code(), ToStd(status.message()));
  } catch (const std::exception& error) {
    return failed(absl::StatusCode::kInternal, error.what());
  } catch (...) {
    return failed(absl::StatusCode::kInternal, "it threw an exception");
  }
  for (const float x : probes.vectors) {
    if (!std::isfinite(x)) return failed(absl::StatusCode::kInternal, "it made a vector of NaN");
  }
  return probes;
}

std::shared_ptr<const Embedder> WithProbes(std::shared_ptr<const Embedder> embedder,
                                           Probes probes) {
  return std::make_shared<ProbedEmbedder>(std::move(embedder), std::move(probes));
}

std::shared_ptr<const Embedder> WithoutProbes(const std::shared_ptr<const Embedder>& embedder) {
  const auto* const probed = dynamic_cast<const ProbedEmbedder*>(embedder.get());
  return probed == nullptr ? embedder : probed->embedder();
}

std::string EncodeProbesRow(std::string_view row_key, const Probes& probes) {
  std::string row{static_cast<char>(kVersion)};
  AppendVarint(row, probes.dimension);
  AppendVarint(row, probes.vectors.size() / probes.dimension);
  row.append(reinterpret_cast<const char*>(probes.vectors.data()),
             probes.vectors.size() * sizeof(float));
  return SealRow(row_key, std::move(row));
}

absl::Status ParseProbesRow(std::string_view row_key, std::string_view row, Probes* probes) {
  const auto damaged = [&] {
    return DataLoss("row '", Printable(row_key), "' of the vectors is damaged: Reembed the space");
  };
  std::string_view payload;
  if (!OpenRow(row_key, row, &payload)) return damaged();
  Reader in(payload);
  uint8_t version = 0;
  uint64_t count = 0;
  in.Fixed8(&version);
  if (in.ok() && version != kVersion) {
    return FailedPrecondition("row '", Printable(row_key),
                              "' of the vectors was written by a newer libkv: use that one");
  }
  in.Varint32(&probes->dimension);
  in.Varint(&count);
  if (!in.ok() || probes->dimension == 0 || probes->dimension > kVectorDimensionMax || count == 0 ||
      count > kProbesMax || in.rest().size() != probes->dimension * count * sizeof(float)) {
    return damaged();
  }
  probes->vectors.resize(probes->dimension * count);
  std::memcpy(probes->vectors.data(), in.rest().data(), in.rest().size());
  return absl::OkStatus();
}

}  // namespace libkv
