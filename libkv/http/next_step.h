// What to do after a server's answer: no sockets and no clock here.
#ifndef LIBKV_HTTP_NEXT_STEP_H_
#define LIBKV_HTTP_NEXT_STEP_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "http/http_client.h"
#include "libkv/http_embedder.h"

namespace libkv {

struct NextStep {
  enum class Act {
    kRead,   // the body has the vectors
    kRetry,  // the same again, after `wait`
    kSplit,  // the halves, each alone
    kFail,   // with `status`
  };
  Act act = Act::kFail;
  std::chrono::milliseconds wait{0};
  absl::Status status;
};

// After the `tries`-th try to send `text_count` texts. `chance` spreads the waits of many clients
// over the second half of each: it should differ between them.
NextStep StepAfter(const HttpEmbedderOptions& options, const HttpResponse& response, size_t tries,
                   size_t text_count, uint64_t chance);

}  // namespace libkv

#endif  // LIBKV_HTTP_NEXT_STEP_H_
