#include "libkv/http_embedder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "http/embedding_json.h"
#include "http/http_client.h"
#include "http/next_step.h"
#include "http/vector_cache.h"

namespace libkv {
namespace {

constexpr size_t kBatchSizeMax = 2048;
constexpr size_t kRequestsInFlightMax = 64;
constexpr size_t kPrefixBytesMax = 4096;
constexpr std::chrono::milliseconds kTimeMax = std::chrono::hours(24);

// The path that servers of this shape have, unless the URL names it.
std::string UrlOf(std::string base) {
  while (base.ends_with('/')) base.pop_back();
  if (base.ends_with("/embeddings")) return base;
  return base + (base.ends_with("/v1") ? "/embeddings" : "/v1/embeddings");
}

absl::Status CheckUrl(std::string_view url) {
  const size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0 || url.size() == scheme) {
    return InvalidArgument("the embedding server's URL must begin with http:// or https://");
  }
  for (const char c : url) {
    if (c <= ' ' || c > '~') return InvalidArgument("the embedding server's URL has a bad byte");
  }
  const std::string_view host = url.substr(scheme, url.find('/', scheme) - scheme);
  if (host.find('@') != std::string_view::npos) {
    return InvalidArgument("no user and password in the embedding server's URL: use api_key");
  }
  if (url.find_first_of("?#") != std::string_view::npos) {
    return InvalidArgument("the embedding server's URL must be without ? and #");
  }
  return absl::OkStatus();
}

absl::Status Check(const HttpEmbedderOptions& options) {
  LIBKV_RETURN_IF_ERROR(CheckUrl(options.base_url));
  for (const char c : options.api_key) {
    if (c <= ' ' || c > '~')
      return InvalidArgument("the API key has a byte that no header may have");
  }
  if (options.dimension > kHttpDimensionMax) {
    return InvalidArgument("dimension ", options.dimension, " is over ", kHttpDimensionMax);
  }
  if (options.batch_size < 1 || options.batch_size > kBatchSizeMax) {
    return InvalidArgument("batch_size must be 1 to ", kBatchSizeMax);
  }
  if (options.requests_in_flight < 1 || options.requests_in_flight > kRequestsInFlightMax) {
    return InvalidArgument("requests_in_flight must be 1 to ", kRequestsInFlightMax);
  }
  if (std::max(options.query_prefix.size(), options.document_prefix.size()) > kPrefixBytesMax) {
    return InvalidArgument("a prefix is over ", kPrefixBytesMax, " bytes");
  }
  for (const auto time :
       {options.connect_timeout, options.request_timeout, options.first_wait, options.wait_max}) {
    if (time.count() < 1 || time > kTimeMax) {
      return InvalidArgument("timeouts and waits must be 1 ms to 24 h");
    }
  }
  return absl::OkStatus();
}

// At most `bytes_max` bytes, not ending within a character.
std::string_view Beginning(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  for (int i = 0; i < 3 && end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80; ++i) --end;
  return text.substr(0, end);
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

// Texts that are sent together, and the places of their vectors.
struct Question {
  size_t place = 0;
  Hash128 hash;
};
struct Batch {
  std::vector<std::string> texts;
  std::vector<Question> questions;
  size_t bytes = 0;
};

void Wait(std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_until(lock, std::chrono::steady_clock::now() + time, [] { return false; });
}

// The vectors of `texts`; nothing: the server wants fewer at a time.
absl::StatusOr<std::optional<std::vector<float>>> Ask(const HttpEmbedderOptions& options,
                                                      HttpClient& client,
                                                      std::span<const std::string> texts) {
  const HttpRequest request{EmbeddingRequest(options, texts),
                            EmbeddingResponseBytesMax(texts.size(), options.dimension)};
  for (size_t tries = 1;; ++tries) {
    const HttpResponse response = client.Post(request);
    const uint64_t chance = Hash64(request.body, tries);
    NextStep step = StepAfter(options, response, tries, texts.size(), chance);
    switch (step.act) {
      case NextStep::Act::kRead: {
        LIBKV_ASSIGN_OR_RETURN(std::vector<float> vectors,
                               EmbeddingResponse(response.body, texts.size(), options.dimension));
        return vectors;
      }
      case NextStep::Act::kSplit:
        return std::nullopt;
      case NextStep::Act::kFail:
        return std::move(step.status);
      case NextStep::Act::kRetry:
        Wait(step.wait);
    }
  }
}

class HttpEmbedder : public Embedder {
 public:
  HttpEmbedder(HttpEmbedderOptions options, std::shared_ptr<HttpClient> client)
      : options_(std::move(options)),
        client_(std::move(client)),
        cache_(options_.cache_bytes_max, options_.dimension) {}

  std::string identity() const override {
    const nlohmann::json parts = {options_.model, options_.dimension, options_.normalize,
                                  options_.query_prefix, options_.document_prefix};
    return "http/1:" + parts.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  size_t dimension() const override { return options_.dimension; }

  absl::Status Embed(EmbedKind kind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    if (vectors.size() != texts.size() * dimension()) {
      return InvalidArgument("http/1: room for ", vectors.size(), " floats, needed ",
                             texts.size() * dimension());
    }
    std::fill(vectors.begin(), vectors.end(), 0.0F);
    const std::vector<Batch> batches = BatchesOf(kind, texts, vectors);
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    absl::Status first_error;  // guarded by mutex
    const auto work = [&] {
      for (size_t i = next++; i < batches.size(); i = next++) {
        if (absl::Status status = EmbedBatch(batches[i], vectors); !status.ok()) {
          next = batches.size();
          const std::lock_guard lock(mutex);
          if (first_error.ok()) first_error = std::move(status);
        }
      }
    };
    std::vector<std::thread> helpers;
    const size_t wanted = std::min(batches.size(), options_.requests_in_flight);
    try {
      while (helpers.size() + 1 < wanted) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // No more threads: those that are there do it.
    }
    work();
    for (std::thread& helper : helpers) helper.join();
    return first_error;
  }

  void Forget() const override { cache_.Clear(); }

 private:
  // What must be asked for; what the cache has is copied.
  std::vector<Batch> BatchesOf(EmbedKind kind, std::span<const std::string_view> texts,
                               std::span<float> vectors) const {
    const bool is_query = kind == EmbedKind::kQuery;
    const std::string& prefix = is_query ? options_.query_prefix : options_.document_prefix;
    std::vector<Batch> batches;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (IsBlank(texts[i])) continue;
      std::string text = Concat(prefix, Beginning(texts[i], kHttpTextBytesMax));
      const Hash128 hash = HashWide(text);
      if (cache_.Find(hash, VectorAt(vectors, i))) continue;
      if (batches.empty() || batches.back().texts.size() == options_.batch_size ||
          batches.back().bytes + text.size() > kHttpRequestTextBytesMax) {
        batches.emplace_back();
      }
      Batch& batch = batches.back();
      batch.bytes += text.size();
      batch.texts.push_back(std::move(text));
      batch.questions.push_back({i, hash});
    }
    return batches;
  }

  std::span<float> VectorAt(std::span<float> vectors, size_t i) const {
    return vectors.subspan(i * dimension(), dimension());
  }

  // Exceptions must not leave: this may be the last function of a thread.
  absl::Status EmbedBatch(const Batch& batch, std::span<float> vectors) const {
    try {
      const uint64_t generation = cache_.generation();
      struct Part {
        size_t first, count;
      };
      std::vector<Part> parts = {{0, batch.texts.size()}};
      while (!parts.empty()) {
        const Part part = parts.back();
        parts.pop_back();
        LIBKV_ASSIGN_OR_RETURN(
            const auto answer,
            Ask(options_, *client_, std::span(batch.texts).subspan(part.first, part.count)));
        if (!answer.has_value()) {
          const size_t half = part.count / 2;
          parts.push_back({part.first + half, part.count - half});
          parts.push_back({part.first, half});
          continue;
        }
        for (size_t i = 0; i < part.count; ++i) {
          const Question& question = batch.questions[part.first + i];
          const auto from = std::span(*answer).subspan(i * dimension(), dimension());
          const std::span<float> to = VectorAt(vectors, question.place);
          std::copy(from.begin(), from.end(), to.begin());
          if (options_.normalize) Normalize(to);
          cache_.Insert(generation, question.hash, to);
        }
      }
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return MakeStatus(absl::StatusCode::kInternal, "http/1: ", error.what());
    }
  }

  static void Normalize(std::span<float> vector) {
    double squares = 0;
    for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
    const double length = std::sqrt(squares);
    for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / length);
  }

  const HttpEmbedderOptions options_;
  const std::shared_ptr<HttpClient> client_;
  mutable VectorCache cache_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Embedder>> MakeHttpEmbedder(HttpEmbedderOptions options) {
  LIBKV_RETURN_IF_ERROR(Check(options));
  const auto client = std::make_shared<HttpClient>(
      HttpClient::Settings{UrlOf(options.base_url), options.api_key, options.connect_timeout,
                           options.request_timeout, options.requests_in_flight});
  if (options.dimension == 0) {
    const std::string probe[] = {Concat(options.document_prefix, "dimension")};
    LIBKV_ASSIGN_OR_RETURN(const auto answer, Ask(options, *client, probe));
    options.dimension = answer->size();
    options.request_dimension = false;
  }
  return std::make_shared<HttpEmbedder>(std::move(options), client);
}

}  // namespace libkv
