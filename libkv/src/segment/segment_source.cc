#include "segment/segment_source.h"

#include <utility>
#include <vector>

#include "format/keys.h"
#include "segment/segment_cursor.h"
#include "segment/segment_words.h"
#include "text/cosine_norm.h"

namespace libkv {
namespace {

// Of a row in the segment's cache.
std::string TermName(std::string_view term) { return Concat("T", term); }

}  // namespace

SegmentSource::SegmentSource(const Segment& segment, bool fill_cache)
    : segment_(segment), fill_cache_(fill_cache) {}
SegmentSource::~SegmentSource() = default;

void SegmentSource::Fail(absl::Status status) const {
  if (status_.ok()) status_ = std::move(status);
}

void SegmentSource::FailDamaged(std::string_view what, std::string_view term) const {
  Fail(DataLoss("segment ", segment_.number(), " of space ", segment_.space(), ", term '",
                Printable(term), "': damaged: ", what));
}

float SegmentSource::CosineNorm(uint32_t ordinal) const {
  return DecodeCosineNorm(segment_.CosineCode(ordinal));
}

void SegmentSource::CosineNorms(std::span<const uint32_t> ordinals, float* norms) const {
  for (const uint32_t ordinal : ordinals) *norms++ = DecodeCosineNorm(segment_.CosineCode(ordinal));
}

void SegmentSource::Prefetch(std::span<const std::string> terms) const {
  std::vector<CachedTerm*> missing;
  for (const std::string& term : terms) {
    std::unique_ptr<CachedTerm>& cached = terms_[term];
    if (cached != nullptr) continue;
    cached = std::make_unique<CachedTerm>();
    cached->term = term;
    if (!Recall(*cached)) missing.push_back(cached.get());
  }
  if (missing.empty()) return;
  if (missing.size() == 1) return Read(*missing.front());
  std::vector<std::string> keys;
  for (const CachedTerm* const term : missing) keys.push_back(RowKey(*term));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<PinnedValue> rows(missing.size());
  const auto found = std::make_unique<bool[]>(missing.size());
  const absl::Status status =
      segment_.engine().MultiGet(Family::kSegments, read(), views, rows.data(), found.get());
  if (!status.ok()) return Fail(status);
  for (size_t i = 0; i < missing.size(); ++i) {
    missing[i]->pinned = std::move(rows[i]);
    Take(*missing[i], found[i]);
  }
}

const SegmentSource::CachedTerm& SegmentSource::Fetch(std::string_view term) const {
  if (const auto at = terms_.find(term); at != terms_.end()) return *at->second;
  auto cached = std::make_unique<CachedTerm>();
  cached->term = term;
  if (!Recall(*cached)) Read(*cached);
  return *terms_.emplace(term, std::move(cached)).first->second;
}

// Whether the segment remembers the row.
bool SegmentSource::Recall(CachedTerm& cached) const {
  if (!fill_cache_) return false;
  cached.kept = segment_.row_cache().Find(TermName(cached.term));
  if (cached.kept == nullptr) return false;
  Parse(cached, cached.kept->value());
  return true;
}

void SegmentSource::Read(CachedTerm& cached) const {
  bool found = false;
  const absl::Status status =
      segment_.engine().Get(Family::kSegments, read(), RowKey(cached), &cached.pinned, &found);
  if (!status.ok()) Fail(status);
  Take(cached, status.ok() && found);
}

// Of a row that was read; without one no document has the term.
void SegmentSource::Take(CachedTerm& cached, bool found) const {
  if (!found) return;
  Parse(cached, cached.pinned.view());
  if (fill_cache_ && cached.is_there) {
    segment_.row_cache().Keep(TermName(cached.term), cached.pinned.view());
  }
}

void SegmentSource::Parse(CachedTerm& cached, std::string_view row) const {
  cached.is_there =
      ParseTermRow(row, &cached.parsed) && cached.parsed.documents <= segment_.documents();
  if (!cached.is_there) FailDamaged("the row of the term", cached.term);
}

std::string SegmentSource::RowKey(const CachedTerm& cached) const {
  return SegmentTextKey(segment_.space(), segment_.number(), SegmentKind::kTerm, cached.term);
}

uint32_t SegmentSource::DocumentFrequency(std::string_view term) const {
  const CachedTerm& cached = Fetch(term);
  return cached.is_there ? cached.parsed.documents : 0;
}

std::unique_ptr<PostingsCursor> SegmentSource::Open(std::string_view term) const {
  const CachedTerm& cached = Fetch(term);
  if (!cached.is_there) return nullptr;
  return NewTermCursor(*this, cached.term, cached.parsed);
}

std::unique_ptr<PostingsCursor> SegmentSource::OpenRow(std::string_view term,
                                                       std::string_view row) const {
  TermRow parsed;
  if (!ParseTermRow(row, &parsed) || parsed.documents > segment_.documents()) {
    FailDamaged("the row of the term", term);
    return nullptr;
  }
  return NewTermCursor(*this, term, parsed);
}

std::unique_ptr<PostingsCursor> SegmentSource::OpenAll() const {
  return NewAllDocumentsCursor(segment_);
}

std::unique_ptr<WordCursor> SegmentSource::OpenWords(std::string_view prefix) const {
  return NewSegmentWordCursor(*this, prefix);
}

}  // namespace libkv
