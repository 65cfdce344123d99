// What the indexes cost: libkv with an index beside libkv without.
#include <string>
#include <vector>

#include "data.h"
#include "workloads.h"

namespace libkv::perf {
namespace {

constexpr size_t kDocumentBytes = 1'300;
constexpr uint64_t kOverwrittenDocuments = 5'000;

void PrepareDocuments(Side&) { DocumentsOf(kDocumentBytes); }

Work SetDocuments(Durability durability) {
  return [durability](Side& side, std::chrono::duration<double> duration) {
    const Documents& documents = DocumentsOf(kDocumentBytes);
    std::string document;
    return RunCallers(1, duration, 1, [&](uint64_t, uint64_t i) {
      documents.Fill(i, &document);
      side.Set(durability, Key(0, i).view(), document);
    });
  };
}

void FillDocuments(Side& side) {
  const Documents& documents = DocumentsOf(kDocumentBytes);
  std::string document;
  for (uint64_t i = 0; i < kOverwrittenDocuments; ++i) {
    documents.Fill(i, &document);
    side.Set(Durability::kBuffered, Key(0, i).view(), document);
  }
}

uint64_t OverwriteDocuments(Side& side, std::chrono::duration<double> duration) {
  const Documents& documents = DocumentsOf(kDocumentBytes);
  std::string document;
  return RunCallers(1, duration, 1, [&](uint64_t, uint64_t i) {
    documents.Fill(kOverwrittenDocuments + i, &document);
    side.Set(Durability::kWritten, Key(0, Mix(i) % kOverwrittenDocuments).view(), document);
  });
}

Prepare PrepareVectors(size_t dimension) {
  return [dimension](Side&) {
    VectorsOf(dimension);
    ValuesOf(100);
  };
}

Work SetVectors(size_t dimension) {
  return [dimension](Side& side, std::chrono::duration<double> duration) {
    const Vectors& vectors = VectorsOf(dimension);
    const Values& values = ValuesOf(100);
    std::string value;
    return RunCallers(1, duration, 1, [&](uint64_t, uint64_t i) {
      values.Fill(i, &value);
      side.Set(Durability::kWritten, Key(0, i).view(), value, vectors.Get(i));
    });
  };
}

}  // namespace

void AddIndexWorkloads(std::vector<Workload>* list) {
  list->push_back({"set-indexed-written", "new texts of 1.3 KB, written, with and without words",
                   LibkvWithText(), LibkvPlain(),
                   Measured(PrepareDocuments, SetDocuments(Durability::kWritten))});
  list->push_back({"set-indexed-synced", "new texts of 1.3 KB, synced, with and without words",
                   LibkvWithText(), LibkvPlain(),
                   Measured(PrepareDocuments, SetDocuments(Durability::kSynced))});
  list->push_back({"overwrite-indexed",
                   "5,000 texts of 1.3 KB at random, written, with and without words",
                   LibkvWithText(), LibkvPlain(), Measured(FillDocuments, OverwriteDocuments)});
  for (const uint32_t dimension : {128u, 1'024u}) {
    list->push_back({"vector-set-" + std::to_string(dimension),
                     "new keys, 100 B values, written, with and without a vector of " +
                         std::to_string(dimension) + " dimensions",
                     LibkvWithVectors(dimension), LibkvPlain(),
                     Measured(PrepareVectors(dimension), SetVectors(dimension))});
  }
}

}  // namespace libkv::perf
