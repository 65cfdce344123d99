// Verify: everything that is derived is derived again and compared.
//
//   1. the checksum of every table file and block
//   2. every record: its checksum, and that all rows its value asks for are there; every row of the
//      application: its checksum
//   3. every row of the index and vectors families: that a record asks for it
//   4. the word index, segments and memory, and the codes in memory: posting by posting
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/application_row.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "format/row.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "index/probed_embedder.h"
#include "index/vector_rows.h"
#include "segment/segment_merge.h"
#include "store/index_digest.h"
#include "store/store_impl.h"
#include "text/cosine_norm.h"
#include "text/json_text.h"

namespace libkv {
namespace {

constexpr size_t kProblemsShown = 100;

// Rows that are looked at together, so that those they ask for are read together: fewer, if they
// or these take more memory than that.
constexpr size_t kTogether = 256;
constexpr size_t kTogetherBytes = size_t{1} << 20;

}  // namespace

class Store::Impl::Verifier {
 public:
  explicit Verifier(const Impl& store)
      : store_(store),
        snapshot_(store.GetSnapshot()),
        read_{.snapshot = snapshot_->rows.get(), .fill_cache = false} {
    for (const StoreSnapshot::Space& space : snapshot_->spaces) {
      const size_t vector_bytes = sizeof(float) * space.space->definition().dimension;
      together_ = std::min(together_, std::max<size_t>(1, kTogetherBytes / (1 + vector_bytes)));
    }
  }

  absl::StatusOr<VerifyReport> Run() {
    if (absl::Status files = store_.engine_->VerifyFiles(); !files.ok()) {
      Problem(ToStd(files.message()));
    }
    // A range that cannot be read is a finding like any other: the rest is still looked at.
    for (const absl::Status& status :
         {CheckRecords(), CheckRows(), CheckIndexRows(), CheckVectorRows(), CheckIndexes()}) {
      if (!status.ok()) Problem(ToStd(status.message()));
    }
    return std::move(report_);
  }

 private:
  // A row that was asked for.
  class Row {
   public:
    std::string_view view() const { return view_; }

   private:
    friend class Verifier;
    PinnedValue pinned_;
    std::string_view view_;  // of pinned_, or of what was read ahead
  };

  // Some rows of a walk over a family.
  struct Walked {
    std::string key, value;
  };

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

  // By the id of its rows of the vectors family.
  const ActiveSpace* SpaceByVectors(uint32_t id) const {
    for (const StoreSnapshot::Space& space : snapshot_->spaces) {
      if (space.space->rotation() != nullptr && space.space->vectors_id() == id) return space.space;
    }
    return nullptr;
  }

  bool Has(Family family, const std::string& row_key, Row* row) {
    const auto& ahead = ahead_[static_cast<size_t>(family)];
    if (const auto known = ahead.find(row_key); known != ahead.end()) {
      if (known->second.has_value()) row->view_ = known->second->view();
      return known->second.has_value();
    }
    bool found = false;
    const absl::Status status = store_.engine_->Get(family, read_, row_key, &row->pinned_, &found);
    if (!status.ok()) Problem(ToStd(status.message()));
    row->view_ = row->pinned_.view();
    return found;
  }

  // Reads rows that Has will be asked for. Nothing that is read here stays in the caches, so one
  // after the other each would cost its block anew: reading it, its checksum, unpacking it.
  void ReadAhead(Family family, std::vector<std::string> row_keys) {
    auto& ahead = ahead_[static_cast<size_t>(family)];
    std::erase_if(row_keys, [&](const std::string& key) { return ahead.contains(key); });
    if (row_keys.empty()) return;
    const std::vector<std::string_view> views(row_keys.begin(), row_keys.end());
    std::vector<PinnedValue> rows(row_keys.size());
    const auto found = std::make_unique<bool[]>(row_keys.size());
    // A row that cannot be read is asked for alone, and named then.
    if (!store_.engine_->MultiGet(family, read_, views, rows.data(), found.get()).ok()) return;
    for (size_t i = 0; i < row_keys.size(); ++i) {
      auto& row = ahead[std::move(row_keys[i])];
      if (found[i]) row = std::move(rows[i]);
    }
  }

  // Calls `check` with every row of `family`, in order; before, `prepare` with some of them at a
  // time, to read ahead what they ask for.
  absl::Status Walk(Family family, absl::FunctionRef<void(std::span<const Walked> rows)> prepare,
                    absl::FunctionRef<void(std::string_view key, std::string_view value)> check) {
    const auto cursor = store_.engine_->NewCursor(family, read_, {}, {});
    std::vector<Walked> rows;
    cursor->SeekToFirst();
    while (cursor->Valid()) {
      rows.clear();
      for (size_t bytes = 0; cursor->Valid() && rows.size() < together_ && bytes < kTogetherBytes;
           cursor->Next()) {
        bytes += cursor->key().size() + cursor->value().size();
        rows.push_back({std::string(cursor->key()), std::string(cursor->value())});
      }
      prepare(rows);
      for (const Walked& row : rows) check(row.key, row.value);
      for (auto& ahead : ahead_) ahead.clear();
    }
    return cursor->status();
  }

  // What records ask for, those of the vectors only if `maps` is false.
  void PrepareRecords(std::span<const Walked> rows, bool maps) {
    std::vector<std::string> map_rows, vector_rows, postings;
    struct Place {
      uint32_t vectors_id;
      uint64_t document;
    };
    std::vector<Place> places;
    for (const Walked& row : rows) {
      Record record;
      if (!ParseRecord(row.key, row.value, &record).ok()) continue;
      const ActiveSpace* const space = SpaceById(record.header.space);
      const uint64_t document = record.header.document;
      if (space == nullptr || document == 0) continue;
      if (maps) map_rows.push_back(DocumentKey(space->id(), document));
      if (!record.header.has_vector) continue;
      places.push_back({space->vectors_id(), document});
      vector_rows.push_back(VectorKey(space->vectors_id(), document));
      vector_rows.push_back(ListKey(space->vectors_id(), document));
    }
    ReadAhead(Family::kIndex, std::move(map_rows));
    ReadAhead(Family::kVectors, std::move(vector_rows));
    if (!maps) return;
    for (const Place& place : places) {
      Row row;
      uint32_t list = kFlatList;
      if (Has(Family::kVectors, ListKey(place.vectors_id, place.document), &row) &&
          !ParseListRow(row.view(), &list)) {
        continue;
      }
      postings.push_back(PostingKey(place.vectors_id, list, place.document));
      if (list != kFlatList) postings.push_back(CentroidKey(place.vectors_id, list));
    }
    ReadAhead(Family::kVectors, std::move(postings));
  }

  // Which documents the rows of vectors are of.
  void PrepareVectorRows(std::span<const Walked> rows) {
    std::vector<std::string> map_rows, list_rows;
    for (const Walked& row : rows) {
      uint32_t id = 0, list = 0;
      uint8_t kind = 0;
      uint64_t document = 0;
      std::string_view rest;
      if (!ParseRowKey(row.key, &id, &kind, &rest)) continue;
      const ActiveSpace* const space = SpaceByVectors(id);
      if (space == nullptr) {
        list_rows.push_back(VectorDescriptorKey(id));
        continue;
      }
      const auto is = static_cast<VectorKind>(kind);
      if (is == VectorKind::kPosting) {
        if (!ParsePostingSuffix(rest, &list, &document)) continue;
        list_rows.push_back(ListKey(id, document));
      } else if ((is != VectorKind::kVector && is != VectorKind::kList) ||
                 !ParseDocumentSuffix(rest, &document)) {
        continue;
      }
      map_rows.push_back(DocumentKey(space->id(), document));
    }
    ReadAhead(Family::kIndex, std::move(map_rows));
    ReadAhead(Family::kVectors, std::move(list_rows));
  }

  bool IsMapped(const ActiveSpace& space, uint64_t document) {
    Row row;
    return Has(Family::kIndex, DocumentKey(space.id(), document), &row);
  }

  // The record that `key` has now; false: none that can be read.
  bool RecordOf(std::string_view key, Row* pinned, Record* record) {
    return Has(Family::kData, std::string(key), pinned) &&
           ReadRecord(key, pinned->view(), record).ok();
  }

  // -- 2 ------------------------------------------------------------------------------------------

  absl::Status CheckRecords() {
    const auto check = [&](std::string_view key, std::string_view value) {
      ++report_.keys;
      Record record;
      const absl::Status status = ReadRecord(key, value, &record);
      if (!status.ok()) return Problem(ToStd(status.message()));
      if (const ActiveSpace* space = SpaceById(record.header.space)) {
        CheckIndexed(*space, key, record);
      }
      CheckBelonging(key, record);
    };
    return Walk(
        Family::kData, [&](std::span<const Walked> rows) { PrepareRecords(rows, true); }, check);
  }

  absl::Status CheckRows() {
    const std::string prefix(kApplicationRowPrefix);
    const auto cursor =
        store_.engine_->NewCursor(Family::kDefault, read_, prefix, PrefixEnd(prefix));
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      if (cursor->key() == prefix) continue;
      ++report_.rows;
      std::string_view value;
      const absl::Status status = ReadApplicationRow(cursor->key(), cursor->value(), &value);
      if (!status.ok()) Problem(ToStd(status.message()));
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
    FinishedValueRows(*space, record, &derived);
    if (derived.has_words() || derived.has_value_rows()) {
      Problem("key '", Printable(key), "' is not indexed in its space");
    }
  }

  static void Words(const ActiveSpace& space, const Record& record, DerivedDocument* derived) {
    if (space.analyzer() == nullptr) return;
    DeriveWords(*space.analyzer(), IndexedText(record.value, space.definition().text_fields),
                derived);
  }

  // Without those of fields that are being built: they may be missing still.
  static void FinishedValueRows(const ActiveSpace& space, const Record& record,
                                DerivedDocument* derived) {
    DeriveValueRows(space, record.value, derived);
    std::erase_if(derived->fields, [&](const std::string& row) {
      return space.definition().StateOf(LoadFixed16(row.data())) != FieldState::kReady;
    });
  }

  void CheckIndexed(const ActiveSpace& space, std::string_view key, const Record& record) {
    const RecordHeader& header = record.header;
    DerivedDocument derived;
    Words(space, record, &derived);
    FinishedValueRows(space, record, &derived);
    Row row;
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
    if (header.has_vector) CheckVector(space, key, header, &derived);
  }

  // The list that has the posting of a document; nothing: its row is damaged.
  std::optional<uint32_t> ListOf(const ActiveSpace& space, uint64_t document) {
    Row row;
    uint32_t list = kFlatList;
    if (!Has(Family::kVectors, ListKey(space.vectors_id(), document), &row)) return kFlatList;
    return ParseListRow(row.view(), &list) ? std::optional(list) : std::nullopt;
  }

  // The flag of a record may speak of another generation of vectors: an embedder may have nothing
  // to say about a text that another one has a vector for.
  bool LacksVector(const ActiveSpace& space, uint64_t document) {
    Row row;
    const uint32_t id = space.vectors_id();
    return !space.definition().embedder.empty() &&
           !Has(Family::kVectors, VectorKey(id, document), &row) &&
           !Has(Family::kVectors, ListKey(id, document), &row) &&
           !Has(Family::kVectors, PostingKey(id, kFlatList, document), &row);
  }

  void CheckVector(const ActiveSpace& space, std::string_view key, const RecordHeader& header,
                   DerivedDocument* derived) {
    const uint64_t document = header.document;
    if (LacksVector(space, document)) return;
    ++report_.vectors;
    const std::string row_key = VectorKey(space.vectors_id(), document);
    Row row;
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
      return;
    }
    const std::optional<uint32_t> list = ListOf(space, document);
    const Posting posting = {.code = {{derived->scale, derived->norm2}, derived->code},
                             .expiry = header.expiry,
                             .key = key};
    // Postings of older versions have the code alone.
    std::string code_alone;
    AppendCode(code_alone, posting.code.code, posting.code.values);
    if (!list.has_value() ||
        !Has(Family::kVectors, PostingKey(space.vectors_id(), *list, document), &row) ||
        (row.view() != EncodePostingRow(posting) && row.view() != code_alone)) {
      Problem("key '", Printable(key), "': its vector's posting is missing or wrong");
    } else if (*list != kFlatList &&
               !Has(Family::kVectors, CentroidKey(space.vectors_id(), *list), &row)) {
      Problem("key '", Printable(key), "': its vector is in list ", *list,
              ", which has no centroid");
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
    Row pinned;
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
        return ParseDocumentSuffix(rest, &document) && !IsMapped(*space, document);
      case IndexKind::kPending: {
        PendingState state{};
        Row mapped;
        uint32_t words = 0;
        return space->definition().deferred && ParseDocumentSuffix(rest, &document) &&
               ParsePendingRow(row, &state) &&
               Has(Family::kIndex, DocumentKey(id, document), &mapped) &&
               ParseDocumentRow(mapped.view(), &words, &key) && RecordOf(key, &pinned, &record) &&
               record.header.document == document && record.header.has_vector;
      }
      case IndexKind::kSegment: {
        uint32_t segment = 0;
        SegmentSummary summary;
        std::string_view dead;
        return ParseSegmentSuffix(rest, &segment) &&
               ParseSegmentRow(id, segment, row, &summary, &dead).ok();
      }
      case IndexKind::kValue:
        if (!ParseValueSuffix(rest, &hash, &key)) return false;
        break;
      case IndexKind::kField:
        if (!ParseFieldSuffix(rest, &field, &ordered, &key)) return false;
        if (IsBeingDropped(*space, field)) return true;
        break;
      default:
        return true;  // a kind from a newer version
    }
    if (!RecordOf(key, &pinned, &record) || record.header.space != id) return false;
    // Rows of older versions are empty.
    if (static_cast<IndexKind>(kind) == IndexKind::kField && !row.empty() &&
        (!ParseFieldRow(row, &document) || document != record.header.document)) {
      return false;
    }
    DerivedDocument derived;
    DeriveValueRows(*space, record.value, &derived);
    const std::vector<std::string> rows = ValueRowKeys(*space, key, derived);
    return std::find(rows.begin(), rows.end(), row_key) != rows.end();
  }

  static bool IsBeingDropped(const ActiveSpace& space, uint16_t field) {
    return field < space.definition().fields.size() &&
           space.definition().StateOf(field) == FieldState::kDropping;
  }

  absl::Status CheckVectorRows() {
    const auto check = [&](std::string_view key, std::string_view row) {
      if (ExplainsVectorRow(key, row)) {
        ++report_.index_rows;
      } else {
        Problem("vectors row '", Printable(key), "' belongs to no value");
      }
    };
    return Walk(
        Family::kVectors, [&](std::span<const Walked> rows) { PrepareVectorRows(rows); }, check);
  }

  // One that is being built, or was replaced and is being deleted, or was left so by a crash: no
  // search looks at it, and the next open deletes it.
  bool IsGeneration(uint32_t id) {
    Row row;
    VectorDescriptor descriptor;
    return Has(Family::kVectors, VectorDescriptorKey(id), &row) &&
           ParseVectorDescriptor(id, row.view(), &descriptor).ok();
  }

  bool ExplainsVectorRow(std::string_view row_key, std::string_view row) {
    uint32_t id = 0, list = 0;
    uint8_t kind = 0;
    uint64_t document = 0;
    std::string_view rest;
    if (!ParseRowKey(row_key, &id, &kind, &rest)) return false;
    const ActiveSpace* const space = SpaceByVectors(id);
    if (space == nullptr) return IsGeneration(id);
    switch (static_cast<VectorKind>(kind)) {
      case VectorKind::kModel: {
        std::string_view payload;
        return OpenRow(row_key, row, &payload);
      }
      case VectorKind::kProbes: {
        Probes probes;
        return ParseProbesRow(row_key, row, &probes).ok();
      }
      case VectorKind::kCentroid: {
        CodeView centroid;
        return ParseCentroidSuffix(rest, &list) &&
               ParseCentroidRow(row_key, row, space->rotation()->padded(), &centroid).ok();
      }
      case VectorKind::kRecall: {
        RecallTable table;
        return ParseRecallRow(row_key, row, &table).ok();
      }
      case VectorKind::kList:
        if (!ParseDocumentSuffix(rest, &document) || !ParseListRow(row, &list)) return false;
        break;
      case VectorKind::kDescriptor: {
        VectorDescriptor descriptor;
        return ParseVectorDescriptor(id, row, &descriptor).ok();
      }
      case VectorKind::kVector:
        if (!ParseDocumentSuffix(rest, &document)) return false;
        break;
      case VectorKind::kPosting:
        if (!ParsePostingSuffix(rest, &list, &document) || ListOf(*space, document) != list) {
          return false;
        }
        break;
      default:
        return true;
    }
    Row mapped, pinned;
    uint32_t words = 0;
    std::string_view key;
    Record record;
    return Has(Family::kIndex, DocumentKey(space->id(), document), &mapped) &&
           ParseDocumentRow(mapped.view(), &words, &key) && RecordOf(key, &pinned, &record) &&
           record.header.document == document && record.header.has_vector;
  }

  // -- 4 ------------------------------------------------------------------------------------------

  // Words and codes of both sides are added to digests; where those differ a second pass over
  // everything finds the names.
  absl::Status CheckIndexes() {
    IndexDigest digest;
    for (int pass = 1; pass <= 2; ++pass) {
      LIBKV_RETURN_IF_ERROR(AddRecords(&digest));
      for (const StoreSnapshot::Space& space : snapshot_->spaces) {
        LIBKV_RETURN_IF_ERROR(AddSpace(space, &digest));
      }
      if (pass == 1 && !digest.Differs()) return absl::OkStatus();
    }
    for (const std::string& name : digest.DifferingNames()) {
      Problem(Printable(name), " in the index differ from the values");
    }
    return absl::OkStatus();
  }

  // What the values ask for.
  absl::Status AddRecords(IndexDigest* digest) {
    const auto add = [&](std::string_view key, std::string_view value) {
      Record record;
      if (!ReadRecord(key, value, &record).ok()) return;
      const ActiveSpace* const space = SpaceById(record.header.space);
      if (space == nullptr || record.header.document == 0) return;
      DerivedDocument derived;
      Words(*space, record, &derived);
      if (derived.has_words()) AddDerived(*space, key, record.header, derived, digest);
      std::vector<float> vector;
      Row row;
      const std::string row_key = VectorKey(space->vectors_id(), record.header.document);
      if (record.header.has_vector && Has(Family::kVectors, row_key, &row) &&
          ParseVectorRow(row_key, row.view(), space->definition().dimension, &vector).ok() &&
          DeriveVector(*space, vector, &derived).ok()) {
        const ListItem item = {.document = record.header.document,
                               .key = key,
                               .code = {{derived.scale, derived.norm2}, derived.code}};
        digest->Add(IndexDigest::Side::kWanted, CodesOf(*space),
                    CodeEntry(ListOf(*space, item.document).value_or(kFlatList), item));
      }
    };
    return Walk(
        Family::kData, [&](std::span<const Walked> rows) { PrepareRecords(rows, false); }, add);
  }

  static std::string PostingsOf(const ActiveSpace& space, std::string_view term) {
    return Concat("space '", space.definition().prefix, "': the postings of '", term, "'");
  }
  static std::string DocumentsOf(const ActiveSpace& space) {
    return Concat("space '", space.definition().prefix, "': documents");
  }
  static std::string CodesOf(const ActiveSpace& space) {
    return Concat("space '", space.definition().prefix, "': codes of vectors");
  }

  static std::string DocumentEntryOf(uint64_t document, std::string_view key, uint32_t words,
                                     uint16_t cosine, int64_t expiry) {
    std::string entry;
    AppendVarint(entry, document);
    AppendVarint(entry, words);
    AppendVarint(entry, cosine);
    AppendFixed64(entry, static_cast<uint64_t>(expiry));
    entry += key;
    return entry;
  }

  static std::string CodeEntry(uint32_t list, const ListItem& item) {
    std::string entry;
    AppendVarint(entry, list);
    AppendVarint(entry, item.document);
    AppendCode(entry, item.code.code, item.code.values);
    entry += item.key;
    return entry;
  }

  void AddDerived(const ActiveSpace& space, std::string_view key, const RecordHeader& header,
                  const DerivedDocument& derived, IndexDigest* digest) {
    using Side = IndexDigest::Side;
    digest->Add(Side::kWanted, DocumentsOf(space),
                DocumentEntryOf(header.document, key, derived.words,
                                EncodeCosineNorm(derived.cosine_norm), header.expiry));
    for (const DerivedDocument::Term& term : derived.terms) {
      entry_.clear();
      AppendVarint(entry_, header.document);
      AppendVarint(entry_, term.frequency);
      Reader positions(derived.positions(term));
      for (uint32_t position = 0; !positions.done();) {
        uint32_t difference = 0;
        positions.Varint32(&difference);
        position += difference;
        AppendVarint(entry_, position);
      }
      digest->Add(Side::kWanted, PostingsOf(space, derived.term(term)), entry_);
    }
  }

  // What the parts of the index hold, as this snapshot sees them.
  absl::Status AddSpace(const StoreSnapshot::Space& space, IndexDigest* digest) {
    const uint64_t sequence = snapshot_->rows->sequence();
    for (const auto& part : space.view->sealed) {
      SegmentAsInput input(part->segment());
      std::vector<uint64_t> ids(input.documents());
      for (uint32_t i = 0; i < ids.size(); ++i) {
        if (!part->VisibleAt(i, sequence, 0)) continue;
        SegmentDocument document;
        LIBKV_RETURN_IF_ERROR(input.Read(i, &document));
        ids[i] = document.document;
        digest->Add(IndexDigest::Side::kFound, DocumentsOf(*space.space),
                    DocumentEntryOf(document.document, document.key, document.words,
                                    document.cosine, document.expiry));
      }
      for (const auto terms = input.OpenTerms(); terms->valid(); terms->Next()) {
        AddList(*space.space, terms->term(), terms->OpenPostings().get(), ids, digest);
      }
      LIBKV_RETURN_IF_ERROR(input.status());
    }
    for (const auto& part : space.view->deltas) {
      std::vector<uint64_t> ids(part->documents().size());
      for (size_t i = 0; i < ids.size(); ++i) {
        const DocumentEntry& entry = part->documents()[i];
        if (!entry.VisibleAt(sequence, 0)) continue;
        ids[i] = entry.document;
        digest->Add(IndexDigest::Side::kFound, DocumentsOf(*space.space),
                    DocumentEntryOf(entry.document, entry.key, entry.words,
                                    EncodeCosineNorm(entry.cosine_norm), entry.expiry));
      }
      for (const std::string& term : part->delta().Terms()) {
        AddList(*space.space, term, part->delta().Open(term).get(), ids, digest);
      }
    }
    return space.vectors.lists == nullptr ? absl::OkStatus() : AddVectors(space, digest);
  }

  // Lists that are not in memory are taken from disk.
  absl::Status AddVectors(const StoreSnapshot::Space& space, IndexDigest* digest) {
    const uint64_t sequence = snapshot_->rows->sequence();
    absl::Status status;
    space.vectors.lists->ForEach([&](const std::shared_ptr<PostingList>& there) {
      std::shared_ptr<const PostingList> list = there;
      if (!list->is_loaded()) {
        auto read = ReadList(*space.space, *list, ListStorage::kCodes);
        if (!read.ok()) {
          status = read.status();
          return;
        }
        list = *std::move(read);
      } else if (!list->keeps_codes()) {
        status = AddBits(space, *list, digest);
        return;
      }
      list->ForEach([&](const ListItem& item) {
        if (item.born > sequence || item.died <= sequence) return;
        digest->Add(IndexDigest::Side::kFound, CodesOf(*space.space),
                    CodeEntry(list->number(), item));
      });
    });
    return status;
  }

  absl::StatusOr<std::shared_ptr<PostingList>> ReadList(const ActiveSpace& space,
                                                        const PostingList& list,
                                                        ListStorage storage) {
    return store_.ReadList(space, list, snapshot_->rows.get(), kDocumentMax, storage);
  }

  // A list whose codes are on disk: those count that are in memory by the right bits.
  absl::Status AddBits(const StoreSnapshot::Space& space, const PostingList& list,
                       IndexDigest* digest) {
    const uint64_t sequence = snapshot_->rows->sequence();
    absl::flat_hash_map<uint64_t, uint64_t> right;
    LIBKV_ASSIGN_OR_RETURN(const auto bits, ReadList(*space.space, list, ListStorage::kBits));
    bits->ForEach(
        [&](const ListItem& item) { right[item.document] = item.block->BitsHash(item.row); });
    absl::flat_hash_set<uint64_t> there;
    list.ForEach([&](const ListItem& item) {
      if (item.born > sequence || item.died <= sequence) return;
      const auto found = right.find(item.document);
      if (found != right.end() && found->second == item.block->BitsHash(item.row)) {
        there.insert(item.document);
      } else {
        digest->Add(IndexDigest::Side::kFound, CodesOf(*space.space),
                    CodeEntry(list.number(), item));
      }
    });
    LIBKV_ASSIGN_OR_RETURN(const auto codes, ReadList(*space.space, list, ListStorage::kCodes));
    codes->ForEach([&](const ListItem& item) {
      if (!there.contains(item.document)) return;
      digest->Add(IndexDigest::Side::kFound, CodesOf(*space.space), CodeEntry(list.number(), item));
    });
    return absl::OkStatus();
  }

  void AddList(const ActiveSpace& space, std::string_view term, PostingsCursor* cursor,
               std::span<const uint64_t> ids, IndexDigest* digest) {
    if (cursor == nullptr) return;
    const std::string name = PostingsOf(space, term);
    for (; cursor->document() != kNoDocument; cursor->Next()) {
      if (cursor->document() >= ids.size() || ids[cursor->document()] == 0) continue;
      entry_.clear();
      AppendVarint(entry_, ids[cursor->document()]);
      AppendVarint(entry_, cursor->frequency());
      cursor->Positions(&positions_);
      for (const uint32_t position : positions_) AppendVarint(entry_, position);
      digest->Add(IndexDigest::Side::kFound, name, entry_);
    }
  }

  const Impl& store_;
  const std::shared_ptr<const StoreSnapshot> snapshot_;
  const EngineRead read_;
  VerifyReport report_;
  size_t together_ = kTogether;
  absl::flat_hash_map<std::string, std::optional<PinnedValue>> ahead_[kFamilyCount];
  std::string entry_;
  std::vector<uint32_t> positions_;
};

absl::StatusOr<VerifyReport> Store::Impl::Verify() const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  return Verifier(*this).Run();
}

}  // namespace libkv
