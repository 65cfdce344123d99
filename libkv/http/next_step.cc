#include "http/next_step.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace libkv {
namespace {

using Act = NextStep::Act;
using Outcome = HttpResponse::Outcome;

constexpr size_t kExcerptBytes = 200;

// The beginning of what a server says, fit for a message. Servers repeat keys in complaints.
std::string Excerpt(std::string body, const std::string& api_key) {
  if (!api_key.empty()) {
    for (size_t at = body.find(api_key); at != std::string::npos; at = body.find(api_key, at)) {
      body.replace(at, api_key.size(), "***");
      at += 3;
    }
  }
  body.resize(std::min(body.size(), kExcerptBytes));
  for (char& c : body) {
    if (c < ' ' || c > '~') c = ' ';
  }
  return body.empty() ? body : ": " + body;
}

bool MayPassLater(const HttpResponse& response) {
  if (response.outcome != Outcome::kAnswered) return response.outcome == Outcome::kNoConnection;
  return response.code == 429 || (response.code >= 502 && response.code <= 504);
}

absl::StatusCode CodeOf(const HttpResponse& response) {
  switch (response.outcome) {
    case Outcome::kNoConnection:
      return absl::StatusCode::kUnavailable;
    case Outcome::kTimeout:
      return absl::StatusCode::kDeadlineExceeded;
    case Outcome::kTooLong:
      return absl::StatusCode::kInternal;
    case Outcome::kFailed:
      return absl::StatusCode::kFailedPrecondition;
    case Outcome::kAnswered:
      break;
  }
  if (response.code == 401 || response.code == 403) return absl::StatusCode::kPermissionDenied;
  if (response.code == 404) return absl::StatusCode::kFailedPrecondition;
  if (response.code == 429 || response.code >= 500) return absl::StatusCode::kUnavailable;
  return response.code >= 400 ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kInternal;
}

absl::Status StatusOf(const HttpEmbedderOptions& options, const HttpResponse& response) {
  std::string what;
  if (response.outcome == Outcome::kAnswered) {
    what = Concat("answered ", response.code, Excerpt(response.body, options.api_key));
  } else if (response.outcome == Outcome::kTooLong) {
    what = "answered with more bytes than the vectors can have";
  } else {
    what = Concat("could not be asked", Excerpt(response.error, options.api_key));
  }
  return MakeStatus(CodeOf(response), "the embedding server ", what);
}

std::chrono::milliseconds WaitBefore(const HttpEmbedderOptions& options, size_t tries,
                                     uint64_t chance) {
  std::chrono::milliseconds wait = std::min(options.first_wait, options.wait_max);
  for (size_t i = 1; i < tries && wait < options.wait_max; ++i) wait *= 2;
  wait = std::min(wait, options.wait_max);
  const double share = 0.5 + static_cast<double>(chance % 1024) / 2048;
  return std::chrono::milliseconds(static_cast<int64_t>(static_cast<double>(wait.count()) * share));
}

}  // namespace

NextStep StepAfter(const HttpEmbedderOptions& options, const HttpResponse& response, size_t tries,
                   size_t text_count, uint64_t chance) {
  const bool answered = response.outcome == Outcome::kAnswered;
  if (answered && response.code == 200) return {Act::kRead, {}, {}};
  if (answered && (response.code == 413 || response.code == 422) && text_count > 1) {
    return {Act::kSplit, {}, {}};
  }
  const auto wait =
      std::max<std::chrono::milliseconds>(WaitBefore(options, tries, chance), response.retry_after);
  const bool worth_it = wait <= options.wait_max && tries <= options.retries_max;
  if (MayPassLater(response) && worth_it) return {Act::kRetry, wait, {}};
  return {Act::kFail, {}, StatusOf(options, response)};
}

}  // namespace libkv
