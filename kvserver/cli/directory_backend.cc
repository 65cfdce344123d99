// The keys of a directory, opened here through libkv.
#include <algorithm>
#include <string>
#include <utility>

#include "backend.h"
#include "command/space_text.h"
#include "libkv/store.h"

namespace kvcli {
namespace {

Reply CountOf(uint64_t count) { return Reply::Integer(static_cast<int64_t>(count)); }

Reply TextsOf(const std::vector<std::string>& texts) {
  Reply array = Reply::Array();
  for (const std::string& text : texts) array.elements.push_back(Reply::Bytes(text));
  return array;
}

Reply ExcerptsOf(const std::vector<libkv::Excerpt>& excerpts) {
  Reply array = Reply::Array();
  for (const libkv::Excerpt& excerpt : excerpts) {
    Reply highlights = Reply::Array();
    for (const libkv::Excerpt::Highlight& highlight : excerpt.highlights) {
      Reply range = Reply::Array();
      range.elements = {CountOf(highlight.begin), CountOf(highlight.end)};
      highlights.elements.push_back(std::move(range));
    }
    Reply map = Reply::Map();
    map.Add("text", Reply::Bytes(excerpt.text)).Add("highlights", std::move(highlights));
    array.elements.push_back(std::move(map));
  }
  return array;
}

template <typename H>
Reply HitOf(const H& hit) {
  Reply map = Reply::Map();
  map.Add("key", Reply::Bytes(hit.key)).Add("score", Reply::Double(hit.score));
  return map;
}

Reply OptionalText(const std::string& text) {
  return text.empty() ? Reply::Nil() : Reply::Bytes(text);
}

template <typename H>
Reply HitsOf(const std::vector<H>& found, const FindRequest& request) {
  Reply hits = Reply::Array();
  for (const H& hit : found) {
    Reply map = HitOf(hit);
    if (request.excerpt_bytes > 0) map.Add("excerpts", ExcerptsOf(hit.excerpts));
    hits.elements.push_back(std::move(map));
  }
  return hits;
}

class DirectoryBackend : public Backend {
 public:
  explicit DirectoryBackend(std::unique_ptr<libkv::Store> store) : store_(std::move(store)) {}

  absl::StatusOr<std::string> Get(std::string_view key) override { return store_->Get({}, key); }

  absl::Status Set(std::string_view key, std::string_view value,
                   std::chrono::milliseconds ttl) override {
    return store_->Set({}, key, value, {.ttl = ttl});
  }

  absl::StatusOr<int64_t> Delete(std::span<const std::string> keys) override {
    libkv::Batch batch;
    std::vector<std::string_view> views(keys.begin(), keys.end());
    std::sort(views.begin(), views.end());
    views.erase(std::unique(views.begin(), views.end()), views.end());
    for (const std::string_view key : views) {
      const absl::Status status = store_->GetExpiry({}, key).status();
      if (absl::IsNotFound(status)) continue;
      if (!status.ok()) return status;
      batch.Delete(key);
    }
    const absl::Status status = store_->Apply({}, batch);
    if (!status.ok()) return status;
    return static_cast<int64_t>(batch.count());
  }

  absl::Status Write(std::span<const Record> records) override {
    libkv::Batch batch;
    for (const Record& record : records) {
      batch.Set(record.key, record.value, {.expires_at = record.expires_at});
    }
    return store_->Apply({}, batch);
  }

  absl::Status Scan(const ScanRequest& request, const Sink& sink) override {
    const libkv::ReadOptions read{.snapshot = store_->GetSnapshot(), .fill_cache = false};
    const auto it = store_->NewIterator(read, {.prefix = request.prefix});
    size_t seen = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      Record record{.key = std::string(it->key())};
      if (request.with_values) record.value = it->value();
      if (!it->status().ok()) break;
      if (request.with_expiry) {
        const auto expiry = store_->GetExpiry(read, record.key);
        if (!expiry.ok()) return expiry.status();
        record.expires_at = expiry->value_or(0);
      }
      if (!sink(record)) return absl::OkStatus();
      if (++seen == request.limit) return absl::OkStatus();
    }
    return it->status();
  }

  absl::StatusOr<Reply> Search(const FindRequest& request) override {
    libkv::SearchOptions options;
    options.prefix = request.prefix;
    options.limit = request.limit;
    options.offset = request.offset;
    options.excerpt_bytes = request.excerpt_bytes;
    options.typos = request.typos;
    const auto result = store_->Search(options, request.text);
    if (!result.ok()) return result.status();
    Reply hits = HitsOf(result->hits, request);
    Reply reply = Reply::Map();
    reply.Add("total", CountOf(result->total))
        .Add("total_is_exact", Reply::Bool(result->total_is_exact))
        .Add("hits", std::move(hits))
        .Add("warnings", TextsOf(result->warnings))
        .Add("did_you_mean", OptionalText(result->did_you_mean));
    return reply;
  }

  absl::StatusOr<Reply> Similar(const FindRequest& request) override {
    libkv::SimilarOptions options;
    options.prefix = request.prefix;
    options.limit = request.limit;
    const auto near = request.key.empty() ? store_->SimilarText(options, request.text)
                                          : store_->SimilarTo(options, request.key);
    if (!near.ok()) return near.status();
    Reply hits = Reply::Array();
    for (const libkv::Neighbor& neighbor : *near) hits.elements.push_back(HitOf(neighbor));
    Reply reply = Reply::Map();
    reply.Add("hits", std::move(hits));
    return reply;
  }

  absl::StatusOr<Reply> Hybrid(const FindRequest& request) override {
    libkv::HybridOptions options;
    options.prefix = request.prefix;
    options.limit = request.limit;
    options.offset = request.offset;
    options.excerpt_bytes = request.excerpt_bytes;
    options.typos = request.typos;
    const auto result = store_->Hybrid(options, request.text);
    if (!result.ok()) return result.status();
    Reply hits = HitsOf(result->hits, request);
    Reply reply = Reply::Map();
    reply.Add("hits", std::move(hits))
        .Add("warnings", TextsOf(result->warnings))
        .Add("did_you_mean", OptionalText(result->did_you_mean));
    return reply;
  }

  absl::StatusOr<Reply> Verify() override {
    const auto report = store_->Verify();
    if (!report.ok()) return report.status();
    Reply reply = Reply::Map();
    reply.Add("keys", CountOf(report->keys))
        .Add("documents", CountOf(report->documents))
        .Add("vectors", CountOf(report->vectors))
        .Add("index_rows", CountOf(report->index_rows))
        .Add("problem_count", CountOf(report->problem_count))
        .Add("problems", TextsOf(report->problems));
    return reply;
  }

  absl::StatusOr<Reply> Backup(const std::string& name) override {
    const absl::Status status = store_->Checkpoint(name);
    if (!status.ok()) return status;
    return Reply::Word("OK");
  }

  absl::StatusOr<Reply> Cluster(std::string_view /*command*/) override {
    return absl::FailedPreconditionError("a directory is no node of a cluster");
  }

  absl::StatusOr<Reply> Stats() override {
    const libkv::StoreStats stats = store_->Stats();
    Reply spaces = Reply::Array();
    for (const libkv::SpaceStats& space : stats.spaces) {
      Reply map = Reply::Map();
      map.Add("prefix", Reply::Bytes(space.prefix))
          .Add("documents", CountOf(space.documents))
          .Add("vectors", CountOf(space.vectors))
          .Add("segments", CountOf(space.segments))
          .Add("index_bytes", CountOf(space.index_bytes))
          .Add("vector_bytes", CountOf(space.vector_bytes));
      spaces.elements.push_back(std::move(map));
    }
    Reply reply = Reply::Map();
    reply.Add("keys_estimate", CountOf(stats.keys_estimate))
        .Add("disk_bytes", CountOf(stats.disk_bytes))
        .Add("memory_bytes", CountOf(stats.memory_bytes))
        .Add("spaces", std::move(spaces));
    return reply;
  }

 private:
  const std::unique_ptr<libkv::Store> store_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<libkv::Store>> OpenStore(const Target& target, Access access) {
  libkv::Options options;
  options.read_only = access == Access::kRead;
  options.must_exist = access != Access::kCreate;
  for (const std::string& text : target.spaces) {
    auto space = kvserver::ParseSpace(text);
    if (!space.ok()) return space.status();
    options.spaces.push_back(*std::move(space));
  }
  auto store = libkv::Store::Open(options, target.directory);
  // For an exit code, that a key is missing and that the store is are two things.
  if (absl::IsNotFound(store.status())) {
    return absl::FailedPreconditionError("there is no store in " + target.directory);
  }
  return store;
}

absl::StatusOr<std::unique_ptr<Backend>> OpenDirectory(const Target& target, Access access) {
  auto store = OpenStore(target, access);
  if (!store.ok()) return store.status();
  return std::unique_ptr<Backend>(new DirectoryBackend(*std::move(store)));
}

}  // namespace kvcli
