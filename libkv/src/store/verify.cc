// Verify: everything that is derived is derived again and compared.
//
//   1. the checksum of every table file and block
//   2. every record: its checksum, and that all rows its value asks for are there
//   3. every row of the index and vectors families: that a record asks for it
//   4. what is in memory against an index built anew from the records of (2)
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/store_impl.h"
#include "text/json_text.h"

namespace libkv {
namespace {

constexpr size_t kProblemsShown = 100;

// A list of postings as a number that does not depend on the order of documents: two lists that
// differ in any document, frequency or position have another one.
struct ListDigest {
  uint64_t sum = 0, count = 0;
  bool operator==(const ListDigest&) const = default;
};

}  // namespace

class Store::Impl::Verifier {
 public:
  explicit Verifier(const Impl& store)
      : store_(store),
        snapshot_(store.GetSnapshot()),
        read_{.snapshot = snapshot_->rows.get(), .fill_cache = false} {
    for (const StoreSnapshot::Space& space : snapshot_->spaces) {
      rebuilt_[space.space->id()] = space.space->NewContents();
    }
  }

  absl::StatusOr<VerifyReport> Run() {
    if (absl::Status files = store_.engine_->VerifyFiles(); !files.ok()) {
      Problem(ToStd(files.message()));
    }
    // A range that cannot be read is a finding like any other: the rest is still looked at.
    for (const absl::Status& status : {CheckRecords(), CheckIndexRows(), CheckVectorRows()}) {
      if (!status.ok()) Problem(ToStd(status.message()));
    }
    for (const StoreSnapshot::Space& space : snapshot_->spaces) CheckMemory(space);
    return std::move(report_);
  }

 private:
  template <typename... Pieces>
  void Problem(const Pieces&... pieces) {
    if (++report_.problem_count <= kProblemsShown) report_.problems.push_back(Concat(pieces...));
  }

  const ActiveSpace* SpaceById(uint32_t id) const {
    for (const StoreSnapshot::Space& space : snapshot_->spaces) {
      if (space.space->id() == id) return space.space;
    }
    return nullptr;
  }

  bool Has(Family family, const std::string& row_key, PinnedValue* row) {
    bool found = false;
    const absl::Status status = store_.engine_->Get(family, read_, row_key, row, &found);
    if (!status.ok()) Problem(ToStd(status.message()));
    return found;
  }

  // The record that `key` has now; false: none that can be read.
  bool RecordOf(std::string_view key, PinnedValue* pinned, Record* record) {
    return Has(Family::kData, std::string(key), pinned) &&
           ReadRecord(key, pinned->view(), record).ok();
  }

  // -- 2 ------------------------------------------------------------------------------------------

  absl::Status CheckRecords() {
    const auto cursor = store_.engine_->NewCursor(Family::kData, read_, {}, {});
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      ++report_.keys;
      Record record;
      const absl::Status status = ReadRecord(cursor->key(), cursor->value(), &record);
      if (!status.ok()) {
        Problem(ToStd(status.message()));
        continue;
      }
      if (const ActiveSpace* space = SpaceById(record.header.space)) {
        CheckIndexed(*space, cursor->key(), record);
      }
      CheckBelonging(cursor->key(), record);
    }
    return cursor->status();
  }

  // A value of a finished space must be indexed there, and nowhere else.
  void CheckBelonging(std::string_view key, const Record& record) {
    const ActiveSpace* const space = store_.Spaces().Of(key);
    if (space == nullptr || SpaceById(space->id()) == nullptr) return;
    if (space->definition().state != SpaceState::kReady) return;
    if (record.header.space == space->id()) return;
    DerivedDocument derived;
    Words(*space, record, &derived);
    DeriveValueRows(*space, record.value, &derived);
    if (derived.has_words() || derived.has_value_rows()) {
      Problem("key '", Printable(key), "' is not indexed in its space");
    }
  }

  static void Words(const ActiveSpace& space, const Record& record, DerivedDocument* derived) {
    if (space.analyzer() == nullptr) return;
    DeriveWords(*space.analyzer(), IndexedText(record.value, space.definition().text_fields),
                derived);
  }

  void CheckIndexed(const ActiveSpace& space, std::string_view key, const Record& record) {
    const RecordHeader& header = record.header;
    DerivedDocument derived;
    Words(space, record, &derived);
    DeriveValueRows(space, record.value, &derived);
    PinnedValue row;
    for (const std::string& row_key : ValueRowKeys(space, key, derived)) {
      if (!Has(Family::kIndex, row_key, &row)) {
        Problem("key '", Printable(key), "' lacks a value or field row");
      }
    }
    if (header.has_words != derived.has_words()) {
      Problem("key '", Printable(key), "': its record and its text disagree about having words");
    }
    if (header.document == 0) return;
    if (!Has(Family::kIndex, DocumentKey(space.id(), header.document), &row) ||
        row.view() != EncodeDocumentRow(derived.words, key)) {
      Problem("key '", Printable(key), "': the map row of document ", header.document,
              " is missing or wrong");
    }
    if (derived.has_words()) ++report_.documents;
    if (header.has_vector) CheckVector(space, key, header.document, &derived);
    rebuilt_[space.id()]->Add(header.document, key, 0, header.expiry, derived);
  }

  void CheckVector(const ActiveSpace& space, std::string_view key, uint64_t document,
                   DerivedDocument* derived) {
    ++report_.vectors;
    const std::string row_key = VectorKey(space.id(), document);
    PinnedValue row;
    std::vector<float> vector;
    absl::Status status = absl::OkStatus();
    if (!Has(Family::kVectors, row_key, &row)) {
      status = DataLoss("the vector row is missing");
    } else {
      status = ParseVectorRow(row_key, row.view(), space.definition().dimension, &vector);
    }
    if (status.ok()) status = DeriveVector(space, vector, derived);
    if (!status.ok()) {
      Problem("key '", Printable(key), "': ", ToStd(status.message()));
    } else if (!Has(Family::kVectors, PostingKey(space.id(), kOnlyList, document), &row) ||
               row.view() != EncodePostingRow(*derived)) {
      Problem("key '", Printable(key), "': its vector's posting is missing or wrong");
    }
  }

  // -- 3 ------------------------------------------------------------------------------------------

  absl::Status CheckIndexRows() {
    const auto cursor = store_.engine_->NewCursor(Family::kIndex, read_, {}, {});
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      if (ExplainsIndexRow(cursor->key(), cursor->value())) {
        ++report_.index_rows;
      } else {
        Problem("index row '", Printable(cursor->key()), "' belongs to no value");
      }
    }
    return cursor->status();
  }

  bool ExplainsIndexRow(std::string_view row_key, std::string_view row) {
    uint32_t id = 0;
    uint8_t kind = 0;
    std::string_view rest;
    if (!ParseRowKey(row_key, &id, &kind, &rest)) return false;
    if (id == 0) return static_cast<IndexKind>(kind) == IndexKind::kExpiry;
    const ActiveSpace* const space = SpaceById(id);
    if (space == nullptr) return false;
    PinnedValue pinned;
    Record record;
    uint64_t document = 0;
    std::string_view key, ordered;
    Hash128 hash;
    uint16_t field = 0;
    switch (static_cast<IndexKind>(kind)) {
      case IndexKind::kDescriptor: {
        uint64_t sealed_through = 0;
        return ParseTextDescriptor(id, row, &sealed_through).ok();
      }
      case IndexKind::kDocument: {
        uint32_t words = 0;
        return ParseDocumentSuffix(rest, &document) && ParseDocumentRow(row, &words, &key) &&
               RecordOf(key, &pinned, &record) && record.header.space == id &&
               record.header.document == document;
      }
      case IndexKind::kDeadMarker:
        return ParseDocumentSuffix(rest, &document) && document <= space->sealed_through();
      case IndexKind::kValue:
        if (!ParseValueSuffix(rest, &hash, &key)) return false;
        break;
      case IndexKind::kField:
        if (!ParseFieldSuffix(rest, &field, &ordered, &key)) return false;
        break;
      default:
        return true;  // a kind from a newer version
    }
    if (!RecordOf(key, &pinned, &record) || record.header.space != id) return false;
    DerivedDocument derived;
    DeriveValueRows(*space, record.value, &derived);
    const std::vector<std::string> rows = ValueRowKeys(*space, key, derived);
    return std::find(rows.begin(), rows.end(), row_key) != rows.end();
  }

  absl::Status CheckVectorRows() {
    const auto cursor = store_.engine_->NewCursor(Family::kVectors, read_, {}, {});
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      if (ExplainsVectorRow(cursor->key(), cursor->value())) {
        ++report_.index_rows;
      } else {
        Problem("vectors row '", Printable(cursor->key()), "' belongs to no value");
      }
    }
    return cursor->status();
  }

  bool ExplainsVectorRow(std::string_view row_key, std::string_view row) {
    uint32_t id = 0, list = 0;
    uint8_t kind = 0;
    uint64_t document = 0;
    std::string_view rest;
    if (!ParseRowKey(row_key, &id, &kind, &rest) || SpaceById(id) == nullptr) return false;
    switch (static_cast<VectorKind>(kind)) {
      case VectorKind::kDescriptor: {
        VectorDescriptor descriptor;
        return ParseVectorDescriptor(id, row, &descriptor).ok();
      }
      case VectorKind::kVector:
        if (!ParseDocumentSuffix(rest, &document)) return false;
        break;
      case VectorKind::kPosting:
        if (!ParsePostingSuffix(rest, &list, &document)) return false;
        break;
      default:
        return true;
    }
    PinnedValue mapped, pinned;
    uint32_t words = 0;
    std::string_view key;
    Record record;
    return Has(Family::kIndex, DocumentKey(id, document), &mapped) &&
           ParseDocumentRow(mapped.view(), &words, &key) && RecordOf(key, &pinned, &record) &&
           record.header.document == document && record.header.has_vector;
  }

  // -- 4 ------------------------------------------------------------------------------------------

  ListDigest DigestOf(const SpaceIndex& contents, const std::string& term, uint64_t sequence) {
    ListDigest digest;
    const std::unique_ptr<PostingsCursor> cursor = contents.delta().Open(term);
    if (cursor == nullptr) return digest;
    std::vector<uint32_t> positions;
    std::string bytes;
    for (; cursor->document() != kNoDocument; cursor->Next()) {
      const DocumentEntry& entry = contents.documents()[cursor->document()];
      if (!entry.VisibleAt(sequence, 0)) continue;
      bytes.clear();
      AppendVarint(bytes, entry.document);
      AppendVarint(bytes, cursor->frequency());
      cursor->Positions(&positions);
      for (const uint32_t position : positions) AppendVarint(bytes, position);
      digest.sum += Hash64(bytes);
      ++digest.count;
    }
    return digest;
  }

  void CheckMemory(const StoreSnapshot::Space& space) {
    const SpaceIndex& live = *space.contents;
    const SpaceIndex& rebuilt = *rebuilt_[space.space->id()];
    const uint64_t sequence = snapshot_->rows->sequence();
    CheckDocuments(live, rebuilt, sequence);
    CheckCodes(live, rebuilt, sequence);

    std::vector<std::string> terms = live.delta().Terms();
    for (std::string& term : rebuilt.delta().Terms()) terms.push_back(std::move(term));
    std::sort(terms.begin(), terms.end());
    terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
    for (const std::string& term : terms) {
      if (DigestOf(live, term, sequence) != DigestOf(rebuilt, term, sequence)) {
        Problem("the postings of '", Printable(term), "' differ from the values");
      }
    }
  }

  void CheckDocuments(const SpaceIndex& live, const SpaceIndex& rebuilt, uint64_t sequence) {
    absl::flat_hash_map<uint64_t, const DocumentEntry*> wanted;
    for (size_t i = 0; i < rebuilt.documents().size(); ++i) {
      wanted[rebuilt.documents()[i].document] = &rebuilt.documents()[i];
    }
    const size_t count = live.documents().size();
    for (size_t i = 0; i < count; ++i) {
      const DocumentEntry& entry = live.documents()[i];
      if (!entry.VisibleAt(sequence, 0)) continue;
      const auto it = wanted.find(entry.document);
      if (it == wanted.end() || it->second->key != entry.key || it->second->words != entry.words ||
          it->second->expiry != entry.expiry || it->second->cosine_norm != entry.cosine_norm) {
        Problem("document ", entry.document, " in memory is not the value of key '",
                Printable(entry.key), "'");
      }
      if (it != wanted.end()) wanted.erase(it);
    }
    for (const auto& [document, entry] : wanted) {
      Problem("key '", Printable(entry->key), "' is missing in memory");
    }
  }

  void CheckCodes(const SpaceIndex& live, const SpaceIndex& rebuilt, uint64_t sequence) {
    const auto digest = [&](const SpaceIndex& contents) {
      ListDigest all;
      for (size_t slot = 0; slot < contents.slot_count(); ++slot) {
        const DocumentEntry& entry = contents.DocumentOfSlot(slot);
        if (!entry.VisibleAt(sequence, 0)) continue;
        std::string bytes;
        const CodeView row = contents.codes()->row(static_cast<uint32_t>(slot));
        AppendCode(bytes, row.code, row.values);
        all.sum += Hash64(bytes, entry.document);
        ++all.count;
      }
      return all;
    };
    if (digest(live) != digest(rebuilt)) Problem("codes in memory differ from the vectors");
  }

  const Impl& store_;
  const std::shared_ptr<const StoreSnapshot> snapshot_;
  const EngineRead read_;
  absl::flat_hash_map<uint32_t, std::shared_ptr<SpaceIndex>> rebuilt_;
  VerifyReport report_;
};

absl::StatusOr<VerifyReport> Store::Impl::Verify() const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  return Verifier(*this).Run();
}

}  // namespace libkv
