// KV.EXPLAIN: the score that a query gives one key; and with a key alone what a cluster has of it.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "command/keyspace.h"
#include "command/node.h"
#include "command/search_options.h"
#include "command/search_verbs.h"

namespace kvserver {
namespace {

// The hit for `key` among those whose keys begin with it: without explanations first, which cost as
// much as the search, then for its place alone.
absl::StatusOr<std::optional<libkv::Hit>> ExplainedHit(const libkv::Store& store,
                                                       libkv::SearchOptions options,
                                                       std::string_view query,
                                                       std::string_view key) {
  options.prefix = key;
  options.limit = libkv::kSearchLimitMax;
  options.snapshot = store.GetSnapshot();
  auto all = store.Search(options, query);
  if (!all.ok()) return all.status();
  const auto place = std::find_if(all->hits.begin(), all->hits.end(),
                                  [&](const libkv::Hit& hit) { return hit.key == key; });
  if (place == all->hits.end()) return std::optional<libkv::Hit>();
  options.offset = static_cast<size_t>(place - all->hits.begin());
  options.limit = 1;
  options.explain = true;
  auto one = store.Search(options, query);
  if (!one.ok()) return one.status();
  if (one->hits.empty() || one->hits[0].key != key) return std::optional<libkv::Hit>();
  return std::optional<libkv::Hit>(std::move(one->hits[0]));
}

}  // namespace

void Explain(Context& context, Arguments arguments) {
  if (arguments.size() == 2) return ExplainKey(context, arguments[1]);
  const std::string_view query = arguments[1], key = arguments[2];
  if (!CheckSizes(context, key)) return;
  ArgumentReader reader(arguments.subspan(3));
  libkv::SearchOptions options;
  while (reader.NextOption()) {
    if (reader.Is("TYPOS")) {
      options.typos = true;
    } else if (reader.Is("STRICT")) {
      options.strict = true;
    } else if (!ReadRanking(reader, options)) {
      reader.Unknown();
    }
  }
  if (!CheckRead(context, reader)) return;
  const auto hit = ExplainedHit(context.node.store(), options, query, key);
  if (!hit.ok()) return ReplyStatus(context, hit.status());
  ReplyWriter& reply = context.reply;
  reply.BeginMap(4);
  reply.Value("key");
  reply.Value(key);
  ReplyFlag(reply, "matches", hit->has_value());
  ReplyNumber(reply, "score", *hit ? (*hit)->score : 0);
  reply.Value("explanation");
  ReplyExplanation(reply, *hit ? (*hit)->explanation : std::vector<libkv::ScorePart>());
}

}  // namespace kvserver
