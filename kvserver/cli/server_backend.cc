// The keys of a server.
#include <string>
#include <utility>

#include "backend.h"
#include "encoding.h"

namespace kvcli {
namespace {

using Arguments = std::vector<std::string>;

constexpr std::string_view kScanCount = "1000";
// Values that are on their way at a time: few, since one may have 64 MiB.
constexpr size_t kValuesAtOnce = 100;

std::vector<std::string_view> ViewsOf(const Arguments& arguments) {
  return {arguments.begin(), arguments.end()};
}

// "# Server", "name:value": what INFO says, as a map.
Reply InfoMap(std::string_view text) {
  Reply map = Reply::Map();
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t colon = line.find(':');
    if (line.starts_with('#') || colon == std::string_view::npos) continue;
    map.Add(std::string(line.substr(0, colon)), Reply::Bytes(std::string(line.substr(colon + 1))));
  }
  return map;
}

class ServerBackend : public Backend {
 public:
  explicit ServerBackend(kvclient::Client client) : client_(std::move(client)) {}

  absl::StatusOr<std::string> Get(std::string_view key) override { return client_.Get(key); }

  absl::Status Set(std::string_view key, std::string_view value,
                   std::chrono::milliseconds ttl) override {
    return client_.Set(key, value, ttl);
  }

  absl::StatusOr<int64_t> Delete(std::span<const std::string> keys) override {
    std::vector<std::string_view> arguments = {"DEL"};
    arguments.insert(arguments.end(), keys.begin(), keys.end());
    const auto reply = client_.Command(arguments);
    if (!reply.ok()) return reply.status();
    return reply->integer;
  }

  absl::Status Write(std::span<const Record> records) override {
    std::vector<kvclient::KeyValue> items;
    kvclient::Pipeline expiring;
    for (const Record& record : records) {
      if (record.expires_at == 0) {
        items.push_back({record.key, record.value});
      } else {
        expiring.Append(
            {"SET", record.key, record.value, "PXAT", std::to_string(record.expires_at)});
      }
    }
    const absl::Status status = client_.BulkSet(items);
    if (!status.ok()) return status;
    const auto replies = client_.Execute(expiring);
    if (!replies.ok()) return replies.status();
    for (const Reply& reply : *replies) {
      if (reply.is_error()) return StatusOf(reply);
    }
    return absl::OkStatus();
  }

  absl::Status Scan(const ScanRequest& request, const Sink& sink) override;

  absl::StatusOr<Reply> Search(const FindRequest& request) override {
    Arguments arguments = {"KV.SEARCH", request.text};
    AddCommon(request, arguments);
    AddWords(request, arguments);
    return client_.Command(ViewsOf(arguments));
  }

  absl::StatusOr<Reply> Similar(const FindRequest& request) override {
    Arguments arguments = {"KV.SIMILAR"};
    if (request.key.empty()) {
      arguments.insert(arguments.end(), {"TEXT", request.text});
    } else {
      arguments.insert(arguments.end(), {"KEY", request.key});
    }
    AddCommon(request, arguments);
    return client_.Command(ViewsOf(arguments));
  }

  absl::StatusOr<Reply> Hybrid(const FindRequest& request) override {
    Arguments arguments = {"KV.HYBRID", request.text};
    AddCommon(request, arguments);
    AddWords(request, arguments);
    return client_.Command(ViewsOf(arguments));
  }

  absl::StatusOr<Reply> Verify() override { return client_.Command({"KV.VERIFY"}); }

  absl::StatusOr<Reply> Backup(const std::string& name) override {
    return client_.Command({"KV.BACKUP", name});
  }

  absl::StatusOr<Reply> Stats() override {
    auto own = client_.Command({"KV.STATS"});
    if (!absl::IsUnimplemented(own.status())) return own;
    const auto reply = client_.Command({"INFO"});  // what every server that speaks RESP has
    if (!reply.ok()) return reply.status();
    return InfoMap(reply->bytes);
  }

  absl::StatusOr<Reply> Cluster(std::string_view command) override {
    return client_.Command({command});
  }

 private:
  static void AddCommon(const FindRequest& request, Arguments& arguments) {
    arguments.insert(arguments.end(), {"LIMIT", std::to_string(request.limit)});
    if (!request.prefix.empty()) arguments.insert(arguments.end(), {"PREFIX", request.prefix});
  }
  static void AddWords(const FindRequest& request, Arguments& arguments) {
    if (request.offset > 0) {
      arguments.insert(arguments.end(), {"OFFSET", std::to_string(request.offset)});
    }
    if (request.excerpt_bytes > 0) {
      arguments.insert(arguments.end(), {"EXCERPTS", std::to_string(request.excerpt_bytes)});
    }
    if (request.typos) arguments.emplace_back("TYPOS");
  }

  absl::Status Fetch(const ScanRequest& request, std::span<Record> records);

  kvclient::Client client_;
};

// Fills in what is asked for; a key that is gone meanwhile loses its name.
absl::Status ServerBackend::Fetch(const ScanRequest& request, std::span<Record> records) {
  kvclient::Pipeline pipeline;
  for (const Record& record : records) {
    pipeline.Append({"GET", record.key});
    if (request.with_expiry) pipeline.Append({"PEXPIRETIME", record.key});
  }
  const auto replies = client_.Execute(pipeline);
  if (absl::IsInternal(replies.status()) && records.size() > 1) {
    // Too large together, perhaps; a single value always has room.
    for (Record& record : records) {
      const absl::Status status = Fetch(request, std::span(&record, 1));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  if (!replies.ok()) return replies.status();
  const size_t step = request.with_expiry ? 2 : 1;
  for (size_t i = 0; i < records.size(); ++i) {
    const Reply& value = (*replies)[i * step];
    if (value.is_error()) return StatusOf(value);
    if (value.is_nil()) {
      records[i].key.clear();
      continue;
    }
    records[i].value = value.bytes;
    if (!request.with_expiry) continue;
    const Reply& expiry = (*replies)[i * step + 1];
    if (expiry.is_error()) return StatusOf(expiry);
    records[i].expires_at = std::max<int64_t>(0, expiry.integer);
  }
  return absl::OkStatus();
}

absl::Status ServerBackend::Scan(const ScanRequest& request, const Sink& sink) {
  const std::string pattern = PatternOf(request.prefix);
  std::string cursor = "0";
  size_t seen = 0;
  do {
    const auto reply = client_.Command({"SCAN", cursor, "MATCH", pattern, "COUNT", kScanCount});
    if (!reply.ok()) return reply.status();
    if (reply->elements.size() != 2) return absl::InternalError("an answer to SCAN that is none");
    cursor = reply->elements[0].bytes;
    std::vector<Record> records;
    for (const Reply& key : reply->elements[1].elements) records.push_back({.key = key.bytes});
    for (size_t begin = 0; begin < records.size(); begin += kValuesAtOnce) {
      const auto some =
          std::span(records).subspan(begin).first(std::min(kValuesAtOnce, records.size() - begin));
      if (request.with_values) {
        const absl::Status status = Fetch(request, some);
        if (!status.ok()) return status;
      }
      for (Record& record : some) {
        if (record.key.empty()) continue;
        if (!sink(record)) return absl::OkStatus();
        if (++seen == request.limit) return absl::OkStatus();
        record = {};
      }
    }
  } while (cursor != "0");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> OpenServer(const Target& target) {
  auto client = kvclient::Client::Connect(target.client);
  if (!client.ok()) return client.status();
  return std::unique_ptr<Backend>(new ServerBackend(*std::move(client)));
}

}  // namespace kvcli
