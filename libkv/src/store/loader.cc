// What a space keeps in memory, rebuilt from its rows: the documents in the order of their ids,
// their words from the stored values, their codes from the posting rows.
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/store_impl.h"
#include "text/json_text.h"
#include "vector/code.h"

namespace libkv {
namespace {

constexpr size_t kLoadStep = 256;  // values read at once

struct MappedDocument {
  uint64_t document = 0;
  std::string key;
};

void TakeCode(const ActiveSpace& space, std::string_view posting, DerivedDocument* derived) {
  const absl::StatusOr<CodeView> code = DecodeCode(posting, space.rotation()->padded());
  if (!code.ok()) return;  // Verify names it
  derived->scale = code->code.scale;
  derived->norm2 = code->code.norm2;
  derived->code.assign(code->values.begin(), code->values.end());
}

void TakeWords(const ActiveSpace& space, const Record& record, DerivedDocument* derived) {
  if (space.analyzer() == nullptr || !record.header.has_words) return;
  DeriveWords(*space.analyzer(), IndexedText(record.value, space.definition().text_fields),
              derived);
}

// Reads the postings of documents that come in ascending order.
class PostingReader {
 public:
  PostingReader(const Engine& engine, const ActiveSpace& space, const EngineRead& read)
      : space_(space) {
    if (space.rotation() == nullptr) return;
    const std::string prefix = VectorPrefix(space.id(), VectorKind::kPosting);
    cursor_ = engine.NewCursor(Family::kVectors, read, prefix, PrefixEnd(prefix));
    cursor_->SeekToFirst();
  }

  void Take(uint64_t document, DerivedDocument* derived) {
    const std::string key = PostingKey(space_.id(), kOnlyList, document);
    while (cursor_->Valid() && cursor_->key() < key) cursor_->Next();
    if (cursor_->Valid() && cursor_->key() == key) TakeCode(space_, cursor_->value(), derived);
  }

  absl::Status status() const { return cursor_ == nullptr ? absl::OkStatus() : cursor_->status(); }

 private:
  const ActiveSpace& space_;
  std::unique_ptr<EngineCursor> cursor_;
};

}  // namespace

absl::Status Store::Impl::LoadContents(const ActiveSpace& space, const EngineSnapshot* rows,
                                       SpaceIndex& contents) const {
  const EngineRead read{.snapshot = rows, .fill_cache = false};
  PostingReader postings(*engine_, space, read);

  std::vector<MappedDocument> step;
  const auto load_step = [&]() -> absl::Status {
    const std::vector<std::string_view> keys = [&] {
      std::vector<std::string_view> views;
      for (const MappedDocument& mapped : step) views.push_back(mapped.key);
      return views;
    }();
    std::vector<PinnedValue> values(keys.size());
    bool found[kLoadStep] = {};
    // A map row whose record is gone or damaged is skipped here and named by Verify: one bad value,
    // or one bad block of them, must not keep all others from being opened.
    if (!engine_->MultiGet(Family::kData, read, keys, values.data(), found).ok()) {
      for (size_t i = 0; i < step.size(); ++i) {
        if (!engine_->Get(Family::kData, read, keys[i], &values[i], &found[i]).ok()) {
          found[i] = false;
        }
      }
    }
    for (size_t i = 0; i < step.size(); ++i) {
      Record record;
      if (!found[i] || !ReadRecord(keys[i], values[i].view(), &record).ok()) continue;
      if (record.header.document != step[i].document || record.header.space != space.id()) continue;
      DerivedDocument derived;
      TakeWords(space, record, &derived);
      if (record.header.has_vector) postings.Take(step[i].document, &derived);
      contents.Add(step[i].document, keys[i], /*born=*/0, record.header.expiry, derived);
    }
    step.clear();
    return absl::OkStatus();
  };

  const std::string prefix = IndexPrefix(space.id(), IndexKind::kDocument);
  const auto map = engine_->NewCursor(Family::kIndex, read, prefix, PrefixEnd(prefix));
  for (map->SeekToFirst(); map->Valid(); map->Next()) {
    MappedDocument& mapped = step.emplace_back();
    uint32_t words = 0;
    std::string_view key;
    if (!ParseDocumentSuffix(map->key().substr(prefix.size()), &mapped.document) ||
        !ParseDocumentRow(map->value(), &words, &key)) {
      return DataLoss("row '", Printable(map->key()), "' of the document map is damaged");
    }
    mapped.key = key;
    if (step.size() == kLoadStep) LIBKV_RETURN_IF_ERROR(load_step());
  }
  LIBKV_RETURN_IF_ERROR(map->status());
  LIBKV_RETURN_IF_ERROR(load_step());
  return postings.status();
}

// What memory holds of one living document, read back; nothing if it changed meanwhile.
absl::Status Store::Impl::DeriveStored(const ActiveSpace& space, std::string_view key,
                                       uint64_t document, DerivedDocument* derived) const {
  const EngineRead read{.fill_cache = false};
  PinnedValue pinned;
  Record record;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kData, read, key, &pinned, &found));
  if (!found || !ReadRecord(key, pinned.view(), &record).ok()) return absl::OkStatus();
  if (record.header.document != document) return absl::OkStatus();
  TakeWords(space, record, derived);
  if (!record.header.has_vector || space.rotation() == nullptr) return absl::OkStatus();
  const std::string posting = PostingKey(space.id(), kOnlyList, document);
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, posting, &pinned, &found));
  if (found) TakeCode(space, pinned.view(), derived);
  return absl::OkStatus();
}

}  // namespace libkv
