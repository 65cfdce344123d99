#include "packages/corpus.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>

#include "packages/progress.h"

namespace packages {
namespace {

constexpr size_t kItemsPerCommit = 1'000;
constexpr size_t kBytesPerCommit = size_t{16} << 20;
constexpr size_t kMemoryBytes = size_t{512} << 20;

// No package and no file has this name. Its value has none of the text fields, so it is neither
// searched nor embedded.
constexpr char kMarkerKey[] = "/loaded";
constexpr char kPackagesMarker[] = R"({"corpus":"packages"})";
constexpr char kTextsMarker[] = R"({"corpus":"texts"})";

// As many of the first documents as go into one commit.
std::vector<libkv::KeyValue> NextItems(std::span<const Document> documents) {
  std::vector<libkv::KeyValue> items;
  size_t bytes = 0;
  for (const Document& document : documents) {
    if (items.size() == kItemsPerCommit || bytes > kBytesPerCommit) break;
    items.push_back({document.key, document.value});
    bytes += document.value.size();
  }
  return items;
}

absl::Status StoreAll(libkv::Store& store, const std::vector<Document>& documents) {
  Progress progress("loading", documents.size());
  for (size_t begin = 0; begin < documents.size();) {
    const std::vector<libkv::KeyValue> items = NextItems(std::span(documents).subspan(begin));
    if (absl::Status status = store.BulkSet({}, items); !status.ok()) return status;
    begin += items.size();
    progress.Advance(items.size());
  }
  return absl::OkStatus();
}

absl::Status Learn(libkv::Store& store) {
  const auto start = std::chrono::steady_clock::now();
  const absl::Status learnt = store.TrainEmbedder("");
  if (absl::IsFailedPrecondition(learnt)) {  // too few texts
    std::printf("%s; the embedder stays hash/1.\n", std::string(learnt.message()).c_str());
    return absl::OkStatus();
  }
  if (!learnt.ok()) return learnt;
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::printf("Learnt which words go together, and made all vectors anew by that, in %.1f s.\n",
              time.count());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<libkv::Store>> OpenCorpus(const std::string& directory,
                                                         bool must_exist, bool read_only) {
  libkv::Space all;  // the prefix "": every key
  all.text = true;
  all.text_fields = {"name", "summary", "description"};
  all.learn = true;  // vectors by what goes together in these texts
  all.precision = libkv::VectorPrecision::kFloat16;
  all.fields = {"section", "installed_kb", "tags"};
  return libkv::Store::Open({.must_exist = must_exist,
                             .read_only = read_only,
                             .spaces = {all},
                             .memory_bytes = kMemoryBytes},
                            directory);
}

absl::StatusOr<CorpusKind> KindOf(const libkv::Store& store) {
  const absl::StatusOr<std::string> marker = store.Get({}, kMarkerKey);
  if (absl::IsNotFound(marker.status())) return CorpusKind::kNone;
  if (!marker.ok()) return marker.status();
  if (*marker == kPackagesMarker) return CorpusKind::kPackages;
  return *marker == kTextsMarker ? CorpusKind::kTexts : CorpusKind::kNone;
}

absl::Status Load(libkv::Store& store, CorpusKind kind, const std::vector<Document>& documents) {
  const auto start = std::chrono::steady_clock::now();
  if (absl::Status status = StoreAll(store, documents); !status.ok()) return status;
  const absl::Status status =
      store.Set({}, kMarkerKey, kind == CorpusKind::kPackages ? kPackagesMarker : kTextsMarker);
  if (!status.ok()) return status;
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  size_t bytes = 0;
  for (const Document& document : documents) bytes += document.value.size();
  std::printf("Loaded %zu texts (%.1f MB) in %.1f s, %.0f a second, every commit synced.\n",
              documents.size(), static_cast<double>(bytes) / 1e6, time.count(),
              static_cast<double>(documents.size()) / time.count());
  if (absl::Status learnt = Learn(store); !learnt.ok()) return learnt;
  // All words into one segment on disk: full indexes are sealed and merged without being told, but
  // this one will not change any more.
  if (absl::Status sealed = store.SealIndex(""); !sealed.ok()) return sealed;
  return store.MergeIndex("");
}

}  // namespace packages
