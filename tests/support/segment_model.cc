#include "support/segment_model.h"

#include <filesystem>

#include "format/keys.h"
#include "support/store_test.h"
#include "text/cosine_norm.h"

namespace libkv {
namespace {

std::string RandomTerm(std::mt19937_64& random, size_t i) {
  // Some with zeros, high bytes and long common beginnings; the number makes each its own.
  const std::string number = std::to_string(i);
  switch (random() % 6) {
    case 0:
      return std::string(1, '\0') + number;
    case 1:
      return number + std::string(2, '\0');
    case 2:
      return std::string(64 + random() % 40, 'x') + number;
    case 3:
      return "\xff\xff" + number;
    default:
      return "term" + number;
  }
}

std::vector<uint32_t> RandomPositions(std::mt19937_64& random, uint32_t frequency,
                                      uint32_t gap_max) {
  std::vector<uint32_t> positions;
  uint64_t position = random() % (uint64_t{gap_max} + 1);
  for (uint32_t i = 0; i < std::min(frequency, kPositionsMax); ++i) {
    positions.push_back(static_cast<uint32_t>(std::min<uint64_t>(position, UINT32_MAX)));
    position += random() % (uint64_t{gap_max} + 1);
  }
  return positions;
}

}  // namespace

Model RandomModel(std::mt19937_64& random, const ModelShape& shape) {
  Model model;
  std::vector<uint64_t> ids;
  for (uint64_t id = shape.first_id; ids.size() < shape.documents;) {
    ids.push_back(id);
    id += 1 + random() % shape.id_gap_max;
  }
  std::shuffle(ids.begin(), ids.end(), random);
  for (const uint64_t id : ids) {
    ModelDocument document{.id = id};
    // Some share a key.
    document.key = shape.key_prefix + std::to_string(random() % (2 * shape.documents));
    document.words = static_cast<uint32_t>(1 + (random() >> (44 + random() % 19)));
    document.cosine = EncodeCosineNorm(std::max(1.0F, static_cast<float>(random() % 90'000) / 99));
    if (shape.expiries && random() % 2 == 0) {
      document.expiry = static_cast<int64_t>(random() >> 1);
    }
    model.documents.push_back(std::move(document));
  }
  std::sort(model.documents.begin(), model.documents.end(),
            [](const ModelDocument& a, const ModelDocument& b) {
              return std::pair(a.key, a.id) < std::pair(b.key, b.id);
            });
  for (size_t i = 0; i < shape.terms; ++i) {
    const std::string term = i == 0 ? "" : RandomTerm(random, i);
    // From all documents to a few.
    const uint64_t one_in = i % 7 == 1 ? 1 : uint64_t{1} << random() % 12;
    std::map<uint32_t, ModelPosting> postings;
    for (uint32_t ordinal = 0; ordinal < shape.documents; ++ordinal) {
      if (random() % one_in != 0) continue;
      const auto frequency =
          static_cast<uint32_t>(random() % 3 != 0 ? 1 : 1 + random() % shape.frequency_max);
      postings[ordinal] = {frequency, RandomPositions(random, frequency, shape.gap_max)};
    }
    if (postings.empty()) continue;
    for (uint64_t word = random() % 4; word > 0; --word) {
      model.words[{term + std::string(word % 2, 's'), term}] = 1 + random() % postings.size();
      model.words[{"common" + std::to_string(random() % 5), term}] = 1;
    }
    model.terms[term] = std::move(postings);
  }
  return model;
}

SegmentSummary WriteModel(Engine& engine, uint32_t space, uint32_t segment,
                          const std::string& directory, const Model& model) {
  auto writer = SegmentWriter::Create(engine, space, segment, directory);
  REQUIRE_OK(writer);
  for (const ModelDocument& document : model.documents) {
    REQUIRE_OK((*writer)->AddDocument({.document = document.id,
                                       .key = document.key,
                                       .words = document.words,
                                       .cosine = document.cosine,
                                       .expiry = document.expiry}));
  }
  for (const auto& [term, postings] : model.terms) {
    REQUIRE_OK((*writer)->StartTerm(term));
    for (const auto& [ordinal, posting] : postings) {
      (*writer)->AddPosting(ordinal, posting.frequency, posting.positions);
    }
    REQUIRE_OK((*writer)->FinishTerm());
  }
  for (const auto& [word, documents] : model.words) {
    REQUIRE_OK((*writer)->AddWord(word.first, word.second, documents));
  }
  const auto summary = (*writer)->Finish();
  REQUIRE_OK(summary);
  return *summary;
}

std::map<std::string, std::string> RowsOf(const Engine& engine, uint32_t space, uint32_t segment) {
  std::map<std::string, std::string> rows;
  const std::string prefix = SegmentPrefix(space, segment);
  const auto cursor = engine.NewCursor(Family::kSegments, {}, prefix, PrefixEnd(prefix));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    rows[std::string(cursor->key().substr(prefix.size()))] = cursor->value();
  }
  REQUIRE_OK(cursor->status());
  return rows;
}

std::unique_ptr<Engine> OpenSegmentEngine(const std::string& directory) {
  std::filesystem::create_directories(directory);
  absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Open({}, directory);
  REQUIRE_OK(engine);
  return *std::move(engine);
}

}  // namespace libkv
