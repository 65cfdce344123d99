// What the indexes need to know of one value: computed before the value is committed, by the thread
// that writes it.
#ifndef LIBKV_SRC_INDEX_DERIVED_DOCUMENT_H_
#define LIBKV_SRC_INDEX_DERIVED_DOCUMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace libkv {

struct DerivedDocument {
  // Words.
  struct Term {
    uint64_t hash = 0;  // of the term (Hash64)
    uint32_t term_begin = 0, term_bytes = 0;
    uint32_t frequency = 0;
    // Varints: differences, the first from 0; of at most kPositionsMax positions.
    uint32_t positions_begin = 0, positions_bytes = 0;
    uint32_t spellings_begin = 0, spellings_count = 0;  // in spellings
  };
  // A word of the text that became a term.
  struct Spelling {
    uint64_t hash = 0;              // among those of its term
    uint32_t begin = 0, bytes = 0;  // in term_pool
  };
  std::vector<Term> terms;          // in the order of their first words
  std::vector<Spelling> spellings;  // of each term distinct
  std::string term_pool, position_pool;
  uint32_t words = 0;     // sum of the frequencies
  size_t text_bytes = 0;  // of the text they come from
  float cosine_norm = 0;  // length of the vector of 1 + ln(frequency)

  // Vector. Empty: none.
  std::vector<float> vector;  // as given or embedded
  float scale = 0, norm2 = 0;
  std::vector<int8_t> code;
  uint32_t list = 0;  // the one it goes into
  // One is still to be made: of the space's generation in force, of that which is being built, or
  // of both.
  bool is_pending = false;

  // Values. Each of `fields` is field:u16 ordered; sorted, distinct.
  std::optional<Hash128> value_hash;
  std::vector<std::string> fields;

  bool has_words() const { return !terms.empty(); }
  bool has_vector() const { return !code.empty(); }
  bool has_value_rows() const { return value_hash.has_value() || !fields.empty(); }

  std::string_view term(const Term& t) const {
    return std::string_view(term_pool).substr(t.term_begin, t.term_bytes);
  }
  std::string_view spelling(const Spelling& s) const {
    return std::string_view(term_pool).substr(s.begin, s.bytes);
  }
  std::string_view positions(const Term& t) const {
    return std::string_view(position_pool).substr(t.positions_begin, t.positions_bytes);
  }
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_DERIVED_DOCUMENT_H_
