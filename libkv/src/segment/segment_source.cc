#include "segment/segment_source.h"

#include <utility>
#include <vector>

#include "format/keys.h"
#include "segment/segment_cursor.h"
#include "segment/segment_words.h"
#include "text/cosine_norm.h"

namespace libkv {

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
  std::vector<std::string> keys;
  for (const std::string& term : terms) {
    std::unique_ptr<CachedTerm>& cached = terms_[term];
    if (cached != nullptr) continue;
    cached = std::make_unique<CachedTerm>();
    cached->term = term;
    missing.push_back(cached.get());
    keys.push_back(SegmentTextKey(segment_.space(), segment_.number(), SegmentKind::kTerm, term));
  }
  if (missing.empty()) return;
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<PinnedValue> rows(missing.size());
  const auto found = std::make_unique<bool[]>(missing.size());
  const absl::Status status =
      segment_.engine().MultiGet(Family::kSegments, read(), views, rows.data(), found.get());
  if (!status.ok()) return Fail(status);
  for (size_t i = 0; i < missing.size(); ++i) {
    missing[i]->row = std::move(rows[i]);
    Parse(*missing[i], found[i]);
  }
}

const SegmentSource::CachedTerm& SegmentSource::Fetch(std::string_view term) const {
  if (const auto at = terms_.find(term); at != terms_.end()) return *at->second;
  auto cached = std::make_unique<CachedTerm>();
  cached->term = term;
  bool found = false;
  const absl::Status status = segment_.engine().Get(
      Family::kSegments, read(),
      SegmentTextKey(segment_.space(), segment_.number(), SegmentKind::kTerm, term), &cached->row,
      &found);
  if (!status.ok()) Fail(status);
  Parse(*cached, status.ok() && found);
  return *terms_.emplace(term, std::move(cached)).first->second;
}

void SegmentSource::Parse(CachedTerm& cached, bool found) const {
  cached.is_there = found && ParseTermRow(cached.row.view(), &cached.parsed) &&
                    cached.parsed.documents <= segment_.documents();
  if (found && !cached.is_there) FailDamaged("the row of the term", cached.term);
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
