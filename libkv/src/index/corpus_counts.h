// What the word index of a space knows of its texts, as the counts that "lsa/1" learns from.
//
// Problem: the postings say of each word in which documents it is; a model wants to know of each
// document which words are in it. Reading the values again and cutting them into words is the plain
// answer, and does once more what the index has done.
//
//   1. texts   the documents whose keys have the least hashes, in the order of these: a sample that
//              every replica draws alike, whatever numbers its documents have
//   2. words   those in the most of the texts. The dictionary gives for each at least as many
//              documents as there are; the postings are asked in this order, until no word can be
//              among the best any more
//   3. matrix  the postings of these words, turned over: counted for each text, then put there
//
// Memory     9 bytes a text of the sample and 4 a document of the index, about 100 a word of the
//            dictionary, of which a million are kept; 64 MiB for the matrix.
// Cost       20,000 texts of 1,300 bytes: 1.3 s of CPU; reading them and cutting them 1.6 to 2.1 s.
#ifndef LIBKV_SRC_INDEX_CORPUS_COUNTS_H_
#define LIBKV_SRC_INDEX_CORPUS_COUNTS_H_

#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "embed/lsa_counts.h"
#include "index/text_part.h"

namespace libkv {

// The counts in the documents of `parts` that `view` shows, of kLsaTextsMax of them at most. Words
// over kDictionaryWordBytesMax do not count. The words of a text come in the order of their terms,
// which is the same wherever the documents are. `progress` is told the share that is done; Aborted:
// it returned false. DataLoss: a part cannot be read.
absl::StatusOr<LsaCounts> CountCorpus(std::span<const TextPart* const> parts, const PartView& view,
                                      uint64_t seed, LsaProgress progress);

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_CORPUS_COUNTS_H_
