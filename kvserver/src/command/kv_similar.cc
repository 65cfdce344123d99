// KV.SIMILAR: by vectors.
#include <optional>
#include <vector>

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

struct SimilarRequest {
  libkv::SimilarOptions options;
  HitForm form;
  std::optional<std::string_view> text, key;
  std::vector<float> vector;
};

void ReadSimilar(ArgumentReader& reader, SimilarRequest& request) {
  libkv::SimilarOptions& options = request.options;
  while (reader.NextOption()) {
    if (reader.Is("TEXT")) {
      request.text = reader.Bytes();
    } else if (reader.Is("KEY")) {
      request.key = reader.Bytes();
    } else if (IsVector(reader)) {
      request.vector = ReadVector(reader);
    } else if (reader.Is("LIMIT")) {
      options.limit = reader.Count(0, libkv::kSimilarLimitMax);
    } else if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else if (reader.Is("RECALL")) {
      options.recall_target = reader.Number(0, 1);
    } else if (reader.Is("EXACT")) {
      options.exact = true;
    } else if (reader.Is("WORDS")) {
      options.words = reader.Bytes();
    } else if (reader.Is("WITHVALUES")) {
      request.form.values = true;
    } else if (!ReadFilter(reader, options.filters)) {
      reader.Unknown();
    }
  }
  const int given =
      int{request.text.has_value()} + int{request.key.has_value()} + int{!request.vector.empty()};
  if (given != 1) reader.Fail("one of TEXT, KEY, VALUES or FP32 is needed");
  CloseRanges(options.filters);
}

}  // namespace

void Similar(Context& context, Arguments arguments) {
  const int64_t start = SteadyMicroseconds();
  ArgumentReader reader(arguments.subspan(1));
  SimilarRequest request;
  ReadSimilar(reader, request);
  if (!CheckRead(context, reader)) return;
  libkv::Store& store = context.node.store();
  libkv::SimilarOptions& options = request.options;
  if (request.text) {
    const auto is_made = EmbedQuestion(context, options.prefix, *request.text,
                                       libkv::EmbedKind::kQuery, &request.vector);
    if (!is_made.ok()) return ReplyStatus(context, is_made.status());
    if (*is_made) request.text.reset();
  }
  options.snapshot = store.GetSnapshot();
  const auto near = request.text  ? store.SimilarText(options, *request.text)
                    : request.key ? store.SimilarTo(options, *request.key)
                                  : store.Similar(options, request.vector);
  if (!near.ok()) return ReplyStatus(context, near.status());
  HitWriter writer(context, request.form, options.snapshot);
  ReplyWriter& reply = context.reply;
  reply.BeginMap(3);
  reply.Value("hits");
  reply.BeginArray(near->size());
  for (const libkv::Neighbor& neighbor : *near) {
    reply.BeginMap(2 + writer.count());
    reply.Value("key");
    reply.Value(neighbor.key);
    ReplyNumber(reply, "score", neighbor.score);
    writer.Write(neighbor.key, {}, {});
  }
  reply.Value("warnings");
  ReplyWarnings(reply, {}, writer.is_cut());
  ReplyCount(reply, "took_us", static_cast<size_t>(SteadyMicroseconds() - start));
}

}  // namespace kvserver
