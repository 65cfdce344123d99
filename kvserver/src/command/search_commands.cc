// KV.*: search and similarity, by names of our own. Exact grammar: kvserver/doc/search_commands.md.
#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "command/argument_reader.h"
#include "command/command.h"
#include "command/field_filters.h"
#include "command/hit_reply.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/vector_argument.h"

namespace kvserver {
namespace {

constexpr int64_t kTimeLimitMsMax = 3'600'000;
constexpr double kDoubleMax = std::numeric_limits<double>::max();

// Replies when the arguments were wrong.
bool CheckRead(Context& context, const ArgumentReader& reader) {
  if (!reader.ok()) context.reply.Error(reader.error());
  return reader.ok();
}

void Count(ReplyWriter& reply, std::string_view name, size_t count) {
  reply.Value(name);
  reply.Integer(static_cast<int64_t>(count));
}
void Flag(ReplyWriter& reply, std::string_view name, bool flag) {
  reply.Value(name);
  reply.Bool(flag);
}
void Number(ReplyWriter& reply, std::string_view name, double number) {
  reply.Value(name);
  reply.Double(number);
}
void MaybeNumber(ReplyWriter& reply, std::string_view name, std::optional<double> number) {
  reply.Value(name);
  if (number) return reply.Double(*number);
  reply.Null();
}
void MaybeText(ReplyWriter& reply, std::string_view name, const std::string& text) {
  reply.Value(name);
  if (!text.empty()) return reply.Value(text);
  reply.Null();
}

// EXCERPTS, EXCERPTCOUNT, HTML, EXPLAIN and WITHVALUES.
bool ReadForm(ArgumentReader& reader, HitForm& form) {
  if (reader.Is("EXCERPTS")) {
    form.excerpt_bytes = reader.Count(0, kExcerptBytesMax);
  } else if (reader.Is("EXCERPTCOUNT")) {
    form.excerpt_count = reader.Count(1, libkv::kExcerptCountMax);
    if (form.excerpt_bytes == 0) form.excerpt_bytes = kExcerptBytesDefault;
  } else if (reader.Is("HTML")) {
    form.html = true;
    if (form.excerpt_bytes == 0) form.excerpt_bytes = kExcerptBytesDefault;
  } else if (reader.Is("EXPLAIN")) {
    form.explain = true;
  } else if (reader.Is("WITHVALUES")) {
    form.values = true;
  } else {
    return false;
  }
  return true;
}

void CloseRanges(std::vector<libkv::FieldFilter>& filters) {
  for (libkv::FieldFilter& filter : filters) CloseRange(filter);
}

// -- KV.SEARCH ------------------------------------------------------------------------------------

struct SearchRequest {
  libkv::SearchOptions options;
  HitForm form;
  std::optional<std::string_view> after_key, after_value;
  double after_score = 0;
};

bool ReadPaging(ArgumentReader& reader, SearchRequest& request) {
  libkv::SearchOptions& options = request.options;
  if (reader.Is("LIMIT")) {
    options.limit = reader.Count(0, libkv::kSearchLimitMax);
  } else if (reader.Is("OFFSET")) {
    options.offset = reader.Count(0, libkv::kSearchLimitMax);
  } else if (reader.Is("AFTERKEY")) {
    request.after_key = reader.Bytes();
  } else if (reader.Is("AFTERSCORE")) {
    request.after_score = reader.Number(-kDoubleMax, kDoubleMax);
  } else if (reader.Is("AFTERVALUE")) {
    request.after_value = reader.Bytes();
  } else if (reader.Is("SORT")) {
    options.sort.field = reader.Bytes();
  } else if (reader.Is("ASC") || reader.Is("DESC")) {
    options.sort.descending = reader.Is("DESC");
  } else if (reader.Is("FACET")) {
    options.facets.push_back({.field = std::string(reader.Bytes())});
    if (options.facets.size() > libkv::kFacetsMax) reader.Fail("more than 16 facets");
  } else {
    return false;
  }
  return true;
}

bool ReadRanking(ArgumentReader& reader, libkv::SearchOptions& options) {
  if (reader.Is("RANKING")) {
    if (reader.TakeWord("TFIDF")) {
      options.ranking = libkv::Ranking::kTfIdf;
    } else if (!reader.TakeWord("BM25")) {
      reader.Fail("RANKING must be BM25 or TFIDF");
    }
  } else if (reader.Is("K1")) {
    options.bm25_k1 = reader.Number(0, libkv::kBm25K1Max);
  } else if (reader.Is("B")) {
    options.bm25_b = reader.Number(0, 1);
  } else if (reader.Is("FEEDBACK")) {
    options.feedback.documents = reader.Count(0, libkv::kFeedbackDocumentsMax);
  } else if (reader.Is("COUNTUPTO")) {
    options.count_up_to = reader.Count(0, SIZE_MAX);
  } else {
    return false;
  }
  return true;
}

bool ReadSearch(Context& context, ArgumentReader& reader, SearchRequest& request) {
  libkv::SearchOptions& options = request.options;
  size_t facet_limit = 10;
  while (reader.NextOption()) {
    if (ReadForm(reader, request.form) || ReadFilter(reader, options.filters) ||
        ReadPaging(reader, request) || ReadRanking(reader, options)) {
      continue;
    }
    if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else if (reader.Is("FACETLIMIT")) {
      facet_limit = reader.Count(1, libkv::kFacetValuesMax);
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
  if (!CheckRead(context, reader)) return false;
  CloseRanges(options.filters);
  for (libkv::FacetOptions& facet : options.facets) facet.limit = facet_limit;
  options.excerpt_bytes = request.form.excerpt_bytes;
  options.excerpt_count = request.form.excerpt_count;
  options.explain = request.form.explain;
  if (request.after_key) {
    options.after = {.score = request.after_score, .key = std::string(*request.after_key)};
    if (request.after_value) options.after->value = ParseFieldValue(*request.after_value);
  }
  return true;
}

void ReplyFacets(ReplyWriter& reply, const std::vector<libkv::Facet>& facets) {
  reply.BeginMap(facets.size());
  for (const libkv::Facet& facet : facets) {
    reply.Value(facet.field);
    reply.BeginMap(3);
    reply.Value("values");
    reply.BeginArray(facet.values.size());
    for (const libkv::Facet::Value& value : facet.values) {
      reply.BeginMap(2);
      reply.Value("value");
      ReplyFieldValue(reply, value.value);
      Count(reply, "count", value.count);
    }
    Count(reply, "distinct", facet.distinct);
    Count(reply, "other_count", facet.other_count);
  }
}

void ReplySearch(Context& context, const libkv::SearchResult& result, HitWriter& writer,
                 bool is_sorted, int64_t start) {
  ReplyWriter& reply = context.reply;
  reply.BeginMap(8);
  Count(reply, "total", result.total);
  Flag(reply, "total_is_exact", result.total_is_exact);
  Flag(reply, "is_partial", result.is_partial);
  reply.Value("hits");
  reply.BeginArray(result.hits.size());
  for (const libkv::Hit& hit : result.hits) {
    reply.BeginMap(2 + size_t{is_sorted} + writer.count());
    reply.Value("key");
    reply.Value(hit.key);
    Number(reply, "score", hit.score);
    if (is_sorted) {
      reply.Value("sort_value");
      ReplyFieldValue(reply, hit.value);
    }
    writer.Write(hit.key, hit.excerpts, hit.explanation);
  }
  reply.Value("facets");
  ReplyFacets(reply, result.facets);
  reply.Value("warnings");
  ReplyWarnings(reply, result.warnings, writer.is_cut());
  MaybeText(reply, "did_you_mean", result.did_you_mean);
  Count(reply, "took_us", static_cast<size_t>(SteadyMicroseconds() - start));
}

void Search(Context& context, Arguments arguments) {
  const int64_t start = SteadyMicroseconds();
  ArgumentReader reader(arguments.subspan(2));
  SearchRequest request;
  if (!ReadSearch(context, reader, request)) return;
  libkv::Store& store = context.node.store();
  if (request.form.values) request.options.snapshot = store.GetSnapshot();
  const auto result = store.Search(request.options, arguments[1]);
  if (!result.ok()) return ReplyStatus(context, result.status());
  HitWriter writer(context, request.form, request.options.snapshot);
  ReplySearch(context, *result, writer, !request.options.sort.field.empty(), start);
}

void MoreLike(Context& context, Arguments arguments) {
  const int64_t start = SteadyMicroseconds();
  ArgumentReader reader(arguments.subspan(2));
  libkv::MoreLikeOptions options;
  HitForm form;
  while (reader.NextOption()) {
    if (reader.Is("LIMIT")) {
      options.limit = reader.Count(0, libkv::kSearchLimitMax - 1);
    } else if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else if (reader.Is("TERMS")) {
      options.terms = reader.Count(1, libkv::kMoreLikeTermsMax);
    } else if (reader.Is("EXPLAIN")) {
      options.explain = form.explain = true;
    } else if (reader.Is("WITHVALUES")) {
      form.values = true;
    } else {
      reader.Unknown();
    }
  }
  if (!CheckRead(context, reader)) return;
  libkv::Store& store = context.node.store();
  if (form.values) options.snapshot = store.GetSnapshot();
  const auto result = store.MoreLike(options, arguments[1]);
  if (!result.ok()) return ReplyStatus(context, result.status());
  HitWriter writer(context, form, options.snapshot);
  ReplySearch(context, *result, writer, false, start);
}

// -- KV.EXPLAIN -----------------------------------------------------------------------------------

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

void Explain(Context& context, Arguments arguments) {
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
  Flag(reply, "matches", hit->has_value());
  Number(reply, "score", *hit ? (*hit)->score : 0);
  reply.Value("explanation");
  ReplyExplanation(reply, *hit ? (*hit)->explanation : std::vector<libkv::ScorePart>());
}

// -- KV.SIMILAR -----------------------------------------------------------------------------------

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

void Similar(Context& context, Arguments arguments) {
  const int64_t start = SteadyMicroseconds();
  ArgumentReader reader(arguments.subspan(1));
  SimilarRequest request;
  ReadSimilar(reader, request);
  if (!CheckRead(context, reader)) return;
  libkv::Store& store = context.node.store();
  libkv::SimilarOptions& options = request.options;
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
    Number(reply, "score", neighbor.score);
    writer.Write(neighbor.key, {}, {});
  }
  reply.Value("warnings");
  ReplyWarnings(reply, {}, writer.is_cut());
  Count(reply, "took_us", static_cast<size_t>(SteadyMicroseconds() - start));
}

// -- KV.HYBRID ------------------------------------------------------------------------------------

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

void Hybrid(Context& context, Arguments arguments) {
  const int64_t start = SteadyMicroseconds();
  ArgumentReader reader(arguments.subspan(2));
  HybridRequest request;
  ReadHybrid(reader, request);
  if (!CheckRead(context, reader)) return;
  libkv::Store& store = context.node.store();
  request.options.snapshot = store.GetSnapshot();
  const auto result = store.Hybrid(request.options, arguments[1]);
  if (!result.ok()) return ReplyStatus(context, result.status());
  HitWriter writer(context, request.form, request.options.snapshot);
  ReplyWriter& reply = context.reply;
  reply.BeginMap(5);
  Flag(reply, "is_partial", result->is_partial);
  reply.Value("hits");
  reply.BeginArray(result->hits.size());
  for (const libkv::HybridHit& hit : result->hits) {
    reply.BeginMap(6 + writer.count());
    reply.Value("key");
    reply.Value(hit.key);
    Number(reply, "score", hit.score);
    MaybeNumber(reply, "word_score", hit.word_score);
    MaybeNumber(reply, "vector_score", hit.vector_score);
    Number(reply, "word_part", hit.word_part);
    Number(reply, "vector_part", hit.vector_part);
    writer.Write(hit.key, hit.excerpts, hit.explanation);
  }
  reply.Value("warnings");
  ReplyWarnings(reply, result->warnings, writer.is_cut());
  MaybeText(reply, "did_you_mean", result->did_you_mean);
  Count(reply, "took_us", static_cast<size_t>(SteadyMicroseconds() - start));
}

// -- KV.SUGGEST -----------------------------------------------------------------------------------

void Suggest(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(2));
  libkv::SuggestOptions options;
  while (reader.NextOption()) {
    if (reader.Is("LIMIT")) {
      options.limit = reader.Count(0, libkv::kSuggestLimitMax);
    } else if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else {
      reader.Unknown();
    }
  }
  if (!CheckRead(context, reader)) return;
  const auto suggestions = context.node.store().Suggest(options, arguments[1]);
  if (!suggestions.ok()) return ReplyStatus(context, suggestions.status());
  ReplyWriter& reply = context.reply;
  reply.BeginArray(suggestions->size());
  for (const libkv::Suggestion& suggestion : *suggestions) {
    reply.BeginMap(3);
    reply.Value("text");
    reply.Value(suggestion.text);
    reply.Value("word");
    reply.Value(suggestion.word);
    Count(reply, "documents", suggestion.documents);
  }
}

// -- The table ------------------------------------------------------------------------------------

using P = Parameter;

constexpr P kQuery = {.name = "query"};
constexpr P kLimit = {.name = "limit", .type = P::kInteger, .token = "LIMIT", .optional = true};
constexpr P kOffset = {.name = "offset", .type = P::kInteger, .token = "OFFSET", .optional = true};
constexpr P kPrefix = {.name = "prefix", .token = "PREFIX", .optional = true};
constexpr P kFilters = {.name = "filters",
                        .type = P::kItems,
                        .token = "FIELD",
                        .optional = true,
                        .many = true,
                        .token_each = true};
constexpr P kMin = {.name = "min",
                    .type = P::kItems,
                    .token = "MIN",
                    .optional = true,
                    .many = true,
                    .token_each = true};
constexpr P kMax = {.name = "max",
                    .type = P::kItems,
                    .token = "MAX",
                    .optional = true,
                    .many = true,
                    .token_each = true};
constexpr P kExcerpts = {
    .name = "excerpts", .type = P::kInteger, .token = "EXCERPTS", .optional = true};
constexpr P kExcerptCount = {
    .name = "excerpt_count", .type = P::kInteger, .token = "EXCERPTCOUNT", .optional = true};
constexpr P kHtml = {.name = "html", .type = P::kFlag, .token = "HTML", .optional = true};
constexpr P kExplain = {.name = "explain", .type = P::kFlag, .token = "EXPLAIN", .optional = true};
constexpr P kTypos = {.name = "typos", .type = P::kFlag, .token = "TYPOS", .optional = true};
constexpr P kStrict = {.name = "strict", .type = P::kFlag, .token = "STRICT", .optional = true};
constexpr P kTimeout = {
    .name = "timeout_ms", .type = P::kInteger, .token = "TIMEOUT", .optional = true};
constexpr P kWithValues = {
    .name = "with_values", .type = P::kFlag, .token = "WITHVALUES", .optional = true};
constexpr P kRecall = {.name = "recall", .type = P::kNumber, .token = "RECALL", .optional = true};
constexpr P kExact = {.name = "exact", .type = P::kFlag, .token = "EXACT", .optional = true};
constexpr P kVector = {.name = "vector", .type = P::kVector, .optional = true};
constexpr P kRanking = {.name = "ranking", .token = "RANKING", .optional = true};
constexpr P kK1 = {.name = "k1", .type = P::kNumber, .token = "K1", .optional = true};
constexpr P kB = {.name = "b", .type = P::kNumber, .token = "B", .optional = true};
constexpr P kFeedback = {
    .name = "feedback", .type = P::kInteger, .token = "FEEDBACK", .optional = true};
constexpr P kCountUpTo = {
    .name = "count_up_to", .type = P::kInteger, .token = "COUNTUPTO", .optional = true};

constexpr P kSearchParameters[] = {
    kQuery,
    kLimit,
    kOffset,
    kPrefix,
    kFilters,
    kMin,
    kMax,
    {.name = "facets", .token = "FACET", .optional = true, .many = true, .token_each = true},
    {.name = "facet_limit", .type = P::kInteger, .token = "FACETLIMIT", .optional = true},
    {.name = "sort", .token = "SORT", .optional = true},
    {.name = "descending", .type = P::kFlag, .token = "DESC", .optional = true},
    kExcerpts,
    kExcerptCount,
    kHtml,
    kTypos,
    kStrict,
    kExplain,
    kWithValues,
    kTimeout,
    {.name = "after_key", .type = P::kKey, .token = "AFTERKEY", .optional = true},
    {.name = "after_score", .type = P::kNumber, .token = "AFTERSCORE", .optional = true},
    {.name = "after_value", .token = "AFTERVALUE", .optional = true},
    kRanking,
    kK1,
    kB,
    kFeedback,
    kCountUpTo,
};
constexpr P kSimilarParameters[] = {
    {.name = "text", .token = "TEXT", .optional = true},
    {.name = "key", .type = P::kKey, .token = "KEY", .optional = true},
    kLimit,
    kPrefix,
    kRecall,
    kExact,
    kFilters,
    kMin,
    kMax,
    {.name = "words", .token = "WORDS", .optional = true},
    kWithValues,
    kVector,
};
constexpr P kHybridParameters[] = {
    kQuery,
    kLimit,
    kOffset,
    kPrefix,
    {.name = "word_weight", .type = P::kNumber, .token = "WORDWEIGHT", .optional = true},
    {.name = "vector_weight", .type = P::kNumber, .token = "VECTORWEIGHT", .optional = true},
    {.name = "rrf", .type = P::kFlag, .token = "RRF", .optional = true},
    {.name = "rank_constant", .type = P::kNumber, .token = "RANKCONSTANT", .optional = true},
    {.name = "candidates", .type = P::kInteger, .token = "CANDIDATES", .optional = true},
    kRecall,
    kExact,
    kFilters,
    kMin,
    kMax,
    kExcerpts,
    kExcerptCount,
    kHtml,
    kTypos,
    kStrict,
    kExplain,
    kWithValues,
    kTimeout,
    kVector,
};
constexpr P kMoreLikeParameters[] = {
    {.name = "key", .type = P::kKey},
    kLimit,
    kPrefix,
    {.name = "terms", .type = P::kInteger, .token = "TERMS", .optional = true},
    kExplain,
    kWithValues};
constexpr P kSuggestParameters[] = {{.name = "text"}, kLimit, kPrefix};
constexpr P kExplainParameters[] = {
    kQuery, {.name = "key", .type = P::kKey}, kTypos, kStrict, kRanking, kK1, kB};

constexpr uint32_t kFlags = kReadOnly | kSlow | kNoMulti;

constexpr Command kCommands[] = {
    {.name = "kv.explain",
     .arity = -3,
     .flags = kFlags,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .group = "search",
     .summary = "Explain the score that a query gives the value of a key",
     .parameters = kExplainParameters,
     .run = Explain},
    {.name = "kv.hybrid",
     .arity = -2,
     .flags = kFlags,
     .group = "search",
     .summary = "Find values by words and by vectors together",
     .parameters = kHybridParameters,
     .run = Hybrid},
    {.name = "kv.morelike",
     .arity = -2,
     .flags = kFlags,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "search",
     .summary = "Find values that share the most telling words with the value of a key",
     .parameters = kMoreLikeParameters,
     .run = MoreLike},
    {.name = "kv.search",
     .arity = -2,
     .flags = kFlags,
     .group = "search",
     .summary = "Find values by words and fields",
     .parameters = kSearchParameters,
     .run = Search},
    {.name = "kv.similar",
     .arity = -3,
     .flags = kFlags,
     .group = "search",
     .summary = "Find the values whose vectors are nearest to a text's, a key's or a given one",
     .parameters = kSimilarParameters,
     .run = Similar},
    {.name = "kv.suggest",
     .arity = -2,
     .flags = kFlags,
     .group = "search",
     .summary = "Complete the last word of a text with words that are stored",
     .parameters = kSuggestParameters,
     .run = Suggest},
};

}  // namespace

std::span<const Command> SearchCommands() { return kCommands; }

}  // namespace kvserver
