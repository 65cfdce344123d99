#include "command/search_options.h"

#include <cstdint>

#include "command/field_filters.h"

namespace kvserver {

bool CheckRead(Context& context, const ArgumentReader& reader) {
  if (!reader.ok()) context.reply.Error(reader.error());
  return reader.ok();
}

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

void CloseRanges(std::vector<libkv::FieldFilter>& filters) {
  for (libkv::FieldFilter& filter : filters) CloseRange(filter);
}

}  // namespace kvserver
