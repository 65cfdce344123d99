#include "text/cluster_breaker.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <cstdint>

#include "base/check.h"

namespace libkv {
namespace {

// Between two ASCII characters there is always a boundary, but for CR LF.
bool IsPlainBoundary(std::string_view text, size_t at) {
  if (at == 0 || at == text.size()) return true;
  const auto before = static_cast<unsigned char>(text[at - 1]);
  const auto after = static_cast<unsigned char>(text[at]);
  return before < 0x80 && after < 0x80 && !(before == '\r' && after == '\n');
}

// Thread-bound: break iterators carry the text they walk over.
class IcuIterator {
 public:
  IcuIterator() {
    UErrorCode error = U_ZERO_ERROR;
    breaks_ = ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &error);
    LIBKV_CHECK(U_SUCCESS(error));
  }
  ~IcuIterator() { ubrk_close(breaks_); }
  IcuIterator(const IcuIterator&) = delete;
  IcuIterator& operator=(const IcuIterator&) = delete;

  size_t Boundary(std::string_view text, size_t at, bool before) {
    UErrorCode error = U_ZERO_ERROR;
    UText source = UTEXT_INITIALIZER;
    utext_openUTF8(&source, text.data(), static_cast<int64_t>(text.size()), &error);
    ubrk_setUText(breaks_, &source, &error);
    LIBKV_CHECK(U_SUCCESS(error));
    const auto offset = static_cast<int32_t>(at);
    int32_t found = offset;
    if (!ubrk_isBoundary(breaks_, offset)) {
      found = before ? ubrk_preceding(breaks_, offset) : ubrk_following(breaks_, offset);
    }
    utext_close(&source);
    if (found == UBRK_DONE) return before ? 0 : text.size();
    return static_cast<size_t>(found);
  }

 private:
  UBreakIterator* breaks_ = nullptr;
};

size_t Boundary(std::string_view text, size_t at, bool before) {
  LIBKV_CHECK(at <= text.size() && text.size() <= INT32_MAX);
  if (IsPlainBoundary(text, at)) return at;
  static thread_local IcuIterator iterator;
  return iterator.Boundary(text, at, before);
}

}  // namespace

size_t ClusterStart(std::string_view text, size_t at) { return Boundary(text, at, true); }
size_t ClusterEnd(std::string_view text, size_t at) { return Boundary(text, at, false); }

}  // namespace libkv
