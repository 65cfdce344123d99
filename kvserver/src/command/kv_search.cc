// KV.SEARCH, by words and fields, and KV.MORELIKE, which replies as it does.
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "command/field_filters.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/search_options.h"
#include "command/search_verbs.h"

namespace kvserver {
namespace {

constexpr double kDoubleMax = std::numeric_limits<double>::max();

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
      ReplyCount(reply, "count", value.count);
    }
    ReplyCount(reply, "distinct", facet.distinct);
    ReplyCount(reply, "other_count", facet.other_count);
  }
}

void ReplySearch(Context& context, const libkv::SearchResult& result, HitWriter& writer,
                 bool is_sorted, int64_t start) {
  ReplyWriter& reply = context.reply;
  reply.BeginMap(8);
  ReplyCount(reply, "total", result.total);
  ReplyFlag(reply, "total_is_exact", result.total_is_exact);
  ReplyFlag(reply, "is_partial", result.is_partial);
  reply.Value("hits");
  reply.BeginArray(result.hits.size());
  for (const libkv::Hit& hit : result.hits) {
    reply.BeginMap(2 + size_t{is_sorted} + writer.count());
    reply.Value("key");
    reply.Value(hit.key);
    ReplyNumber(reply, "score", hit.score);
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
  ReplyMaybeText(reply, "did_you_mean", result.did_you_mean);
  ReplyCount(reply, "took_us", static_cast<size_t>(SteadyMicroseconds() - start));
}

}  // namespace

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

}  // namespace kvserver
