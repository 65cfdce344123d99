// Early return for absl::Status and absl::StatusOr.
#ifndef LIBKV_SRC_BASE_STATUS_MACROS_H_
#define LIBKV_SRC_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LIBKV_RETURN_IF_ERROR(expression)                                          \
  do {                                                                             \
    if (absl::Status libkv_status = (expression); !libkv_status.ok()) [[unlikely]] \
      return libkv_status;                                                         \
  } while (false)

#define LIBKV_CONCAT_INNER(a, b) a##b
#define LIBKV_CONCAT(a, b) LIBKV_CONCAT_INNER(a, b)

#define LIBKV_ASSIGN_OR_RETURN(target, expression) \
  LIBKV_ASSIGN_OR_RETURN_IMPL(LIBKV_CONCAT(libkv_result_, __LINE__), target, expression)
#define LIBKV_ASSIGN_OR_RETURN_IMPL(result, target, expression) \
  auto result = (expression);                                   \
  if (!result.ok()) [[unlikely]]                                \
    return std::move(result).status();                          \
  target = *std::move(result)

#endif  // LIBKV_SRC_BASE_STATUS_MACROS_H_
