// A segment as plain maps: what is written, and what must be read back.
#ifndef LIBKV_TESTS_SUPPORT_SEGMENT_MODEL_H_
#define LIBKV_TESTS_SUPPORT_SEGMENT_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "segment/segment.h"
#include "segment/segment_writer.h"

namespace libkv {

struct ModelDocument {
  uint64_t id = 0;
  std::string key;
  uint32_t words = 0;
  uint16_t cosine = 0;
  int64_t expiry = 0;
};

struct ModelPosting {
  uint32_t frequency = 0;
  std::vector<uint32_t> positions;  // at most kPositionsMax
};

// Documents are in the order of key and id; postings name places in it.
struct Model {
  std::vector<ModelDocument> documents;
  std::map<std::string, std::map<uint32_t, ModelPosting>> terms;
  std::map<std::pair<std::string, std::string>, uint64_t> words;
};

struct ModelShape {
  uint32_t documents = 1'000;
  uint32_t terms = 50;
  bool expiries = false;
  uint32_t frequency_max = 5;
  uint32_t gap_max = 300;   // between positions
  uint64_t id_gap_max = 3;  // between ids
  uint64_t first_id = 1;
  std::string key_prefix = "key:";
};

// Terms of all kinds and document frequencies. Ids are dealt out to keys at random.
Model RandomModel(std::mt19937_64& random, const ModelShape& shape);

// What is left of `models` without the documents that `keep` refuses, as one model.
template <typename Keep>
Model JoinModels(const std::vector<const Model*>& models, Keep&& keep) {
  Model joined;
  std::vector<std::pair<std::pair<std::string, uint64_t>, std::pair<size_t, uint32_t>>> order;
  for (size_t m = 0; m < models.size(); ++m) {
    for (uint32_t i = 0; i < models[m]->documents.size(); ++i) {
      const ModelDocument& document = models[m]->documents[i];
      if (keep(m, i)) order.push_back({{document.key, document.id}, {m, i}});
    }
  }
  std::sort(order.begin(), order.end());
  std::map<std::pair<size_t, uint32_t>, uint32_t> ordinals;
  for (const auto& [name, place] : order) {
    ordinals[place] = static_cast<uint32_t>(joined.documents.size());
    joined.documents.push_back(models[place.first]->documents[place.second]);
  }
  for (size_t m = 0; m < models.size(); ++m) {
    for (const auto& [term, postings] : models[m]->terms) {
      for (const auto& [ordinal, posting] : postings) {
        const auto at = ordinals.find({m, ordinal});
        if (at != ordinals.end()) joined.terms[term][at->second] = posting;
      }
    }
  }
  for (const Model* model : models) {
    for (const auto& [word, count] : model->words) {
      if (joined.terms.count(word.second) != 0) joined.words[word] += count;
    }
  }
  for (auto& [word, count] : joined.words) {
    count = std::min<uint64_t>(count, joined.terms.at(word.second).size());
  }
  return joined;
}

SegmentSummary WriteModel(Engine& engine, uint32_t space, uint32_t segment,
                          const std::string& directory, const Model& model);

// Every row of a segment, its key without space and segment.
std::map<std::string, std::string> RowsOf(const Engine& engine, uint32_t space, uint32_t segment);

std::unique_ptr<Engine> OpenSegmentEngine(const std::string& directory);

}  // namespace libkv

#endif  // LIBKV_TESTS_SUPPORT_SEGMENT_MODEL_H_
