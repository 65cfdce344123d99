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

}  // namespace

absl::Status Store::Impl::LoadContents(const ActiveSpace& space, SpaceIndex& contents) const {
  const std::unique_ptr<EngineSnapshot> rows = engine_->NewSnapshot();
  const EngineRead read{.snapshot = rows.get(), .fill_cache = false};
  const std::string map_prefix = IndexPrefix(space.id(), IndexKind::kDocument);
  const auto map = engine_->NewCursor(Family::kIndex, read, map_prefix, PrefixEnd(map_prefix));
  // Postings of the one list are in the order of documents too: both are walked side by side.
  const std::string posting_prefix = VectorPrefix(space.id(), VectorKind::kPosting);
  const auto postings =
      engine_->NewCursor(Family::kVectors, read, posting_prefix, PrefixEnd(posting_prefix));
  postings->SeekToFirst();

  std::vector<MappedDocument> step;
  const auto load_step = [&]() -> absl::Status {
    std::vector<std::string_view> keys;
    for (const MappedDocument& mapped : step) keys.push_back(mapped.key);
    std::vector<PinnedValue> values(keys.size());
    bool found[kLoadStep] = {};
    LIBKV_RETURN_IF_ERROR(
        engine_->MultiGet(Family::kData, read, keys, values.data(), found));
    for (size_t i = 0; i < step.size(); ++i) {
      // A map row whose record is gone or damaged is skipped here and named by Verify: one bad
      // value must not keep all others from being opened.
      Record record;
      if (!found[i] || !ReadRecord(keys[i], values[i].view(), &record).ok()) continue;
      if (record.header.document != step[i].document || record.header.space != space.id()) continue;
      DerivedDocument derived;
      if (space.analyzer() != nullptr && record.header.has_words) {
        DeriveWords(*space.analyzer(),
                    IndexedText(record.value, space.definition().text_fields), &derived);
      }
      if (record.header.has_vector && space.rotation() != nullptr) {
        const std::string posting = PostingKey(space.id(), kOnlyList, step[i].document);
        while (postings->Valid() && postings->key() < posting) postings->Next();
        if (postings->Valid() && postings->key() == posting) {
          const absl::StatusOr<CodeView> code =
              DecodeCode(postings->value(), space.rotation()->padded());
          if (code.ok()) {
            derived.scale = code->code.scale;
            derived.norm2 = code->code.norm2;
            derived.code.assign(code->values.begin(), code->values.end());
          }
        }
      }
      contents.Add(step[i].document, keys[i], /*born=*/0, record.header.expiry, derived);
    }
    step.clear();
    return absl::OkStatus();
  };

  for (map->SeekToFirst(); map->Valid(); map->Next()) {
    MappedDocument mapped;
    uint32_t words = 0;
    std::string_view key;
    if (!ParseDocumentSuffix(map->key().substr(map_prefix.size()), &mapped.document) ||
        !ParseDocumentRow(map->value(), &words, &key)) {
      return DataLoss("row '", Printable(map->key()), "' of the document map is damaged");
    }
    mapped.key = key;
    step.push_back(std::move(mapped));
    if (step.size() == kLoadStep) LIBKV_RETURN_IF_ERROR(load_step());
  }
  LIBKV_RETURN_IF_ERROR(map->status());
  LIBKV_RETURN_IF_ERROR(load_step());
  return postings->status();
}

}  // namespace libkv
