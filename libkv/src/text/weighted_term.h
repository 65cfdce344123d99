// A term that the library itself puts into a query.
#ifndef LIBKV_SRC_TEXT_WEIGHTED_TERM_H_
#define LIBKV_SRC_TEXT_WEIGHTED_TERM_H_

#include <string>

namespace libkv {

struct WeightedTerm {
  std::string term;
  std::string word;   // one that it stands for, as a text spells it, folded: for explanations
  double weight = 0;  // above 0
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_WEIGHTED_TERM_H_
