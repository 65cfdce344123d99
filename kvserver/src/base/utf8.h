// Which bytes are text.
#ifndef KVSERVER_SRC_BASE_UTF8_H_
#define KVSERVER_SRC_BASE_UTF8_H_

#include <string_view>

namespace kvserver {

// Whether `bytes` are UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
// U+10FFFF.
bool IsUtf8(std::string_view bytes);

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_UTF8_H_
