// KV.HYBRID: by words and vectors together.
#include <chrono>

#include "base/clock.h"
#include "command/field_filters.h"
#include "command/keyspace.h"
#include "command/made_vectors.h"
#include "command/node.h"
#include "command/search_options.h"
#include "command/search_verbs.h"
#include "command/vector_argument.h"

namespace kvserver {
namespace {

struct HybridRequest {
  libkv::HybridOptions options;
  HitForm form;
};

bool ReadFusion(ArgumentReader& reader, libkv::HybridOptions& options) {
  if (reader.Is("WEIGHTS")) {
    options.word_weight = reader.Number(0, libkv::kHybridWeightMax);
    options.vector_weight = reader.Number(0, libkv::kHybridWeightMax);
  } else if (reader.Is("WORDWEIGHT")) {
    options.word_weight = reader.Number(0, libkv::kHybridWeightMax);
  } else if (reader.Is("VECTORWEIGHT")) {
    options.vector_weight = reader.Number(0, libkv::kHybridWeightMax);
  } else if (reader.Is("RRF")) {
    options.fusion = libkv::Fusion::kReciprocalRank;
  } else if (reader.Is("RANKCONSTANT")) {
    options.rank_constant = reader.Number(0, libkv::kRankConstantMax);
  } else if (reader.Is("CANDIDATES")) {
    options.candidates = reader.Count(1, libkv::kHybridCandidatesMax);
  } else {
    return false;
  }
  return true;
}

void ReadHybrid(ArgumentReader& reader, HybridRequest& request) {
  libkv::HybridOptions& options = request.options;
  while (reader.NextOption()) {
    if (ReadForm(reader, request.form) || ReadFilter(reader, options.filters) ||
        ReadFusion(reader, options)) {
      continue;
    }
    if (reader.Is("LIMIT")) {
      options.limit = reader.Count(0, libkv::kSearchLimitMax);
    } else if (reader.Is("OFFSET")) {
      options.offset = reader.Count(0, libkv::kSearchLimitMax);
    } else if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else if (IsVector(reader)) {
      options.vector = ReadVector(reader);
    } else if (reader.Is("RECALL")) {
      options.recall_target = reader.Number(0, 1);
    } else if (reader.Is("EXACT")) {
      options.exact = true;
    } else if (reader.Is("TYPOS")) {
      options.typos = true;
    } else if (reader.Is("STRICT")) {
      options.strict = true;
    } else if (reader.Is("TIMEOUT")) {
      options.time_limit = std::chrono::milliseconds(reader.Integer(0, kTimeLimitMsMax));
    } else {
      reader.Unknown();
    }
  }
  CloseRanges(options.filters);
  options.excerpt_bytes = request.form.excerpt_bytes;
  options.excerpt_count = request.form.excerpt_count;
  options.explain = request.form.explain;
}

}  // namespace

void Hybrid(Context& context, Arguments arguments) {
  const int64_t start = SteadyMicroseconds();
  ArgumentReader reader(arguments.subspan(2));
  HybridRequest request;
  ReadHybrid(reader, request);
  if (!CheckRead(context, reader)) return;
  libkv::Store& store = context.node.store();
  if (request.options.vector.empty()) {
    const auto is_made = EmbedQuestion(context, request.options.prefix, arguments[1],
                                       libkv::EmbedKind::kQuery, &request.options.vector);
    if (!is_made.ok()) return ReplyStatus(context, is_made.status());
  }
  request.options.snapshot = store.GetSnapshot();
  const auto result = store.Hybrid(request.options, arguments[1]);
  if (!result.ok()) return ReplyStatus(context, result.status());
  HitWriter writer(context, request.form, request.options.snapshot);
  ReplyWriter& reply = context.reply;
  reply.BeginMap(5);
  ReplyFlag(reply, "is_partial", result->is_partial);
  reply.Value("hits");
  reply.BeginArray(result->hits.size());
  for (const libkv::HybridHit& hit : result->hits) {
    reply.BeginMap(6 + writer.count());
    reply.Value("key");
    reply.Value(hit.key);
    ReplyNumber(reply, "score", hit.score);
    ReplyMaybeNumber(reply, "word_score", hit.word_score);
    ReplyMaybeNumber(reply, "vector_score", hit.vector_score);
    ReplyNumber(reply, "word_part", hit.word_part);
    ReplyNumber(reply, "vector_part", hit.vector_part);
    writer.Write(hit.key, hit.excerpts, hit.explanation);
  }
  reply.Value("warnings");
  ReplyWarnings(reply, result->warnings, writer.is_cut());
  ReplyMaybeText(reply, "did_you_mean", result->did_you_mean);
  ReplyCount(reply, "took_us", static_cast<size_t>(SteadyMicroseconds() - start));
}

}  // namespace kvserver
