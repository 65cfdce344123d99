// The analyzers that a store finds again by the id it remembers.
#ifndef LIBKV_SRC_TEXT_BUILT_IN_ANALYZER_H_
#define LIBKV_SRC_TEXT_BUILT_IN_ANALYZER_H_

#include <memory>
#include <string_view>

#include "libkv/analyzer.h"

namespace libkv {

// Null: `id` is not that of a built-in analyzer.
std::shared_ptr<const Analyzer> FindBuiltInAnalyzer(std::string_view id);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_BUILT_IN_ANALYZER_H_
