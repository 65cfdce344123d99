#include "segment/segment_merge.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"

namespace libkv {
namespace {

constexpr uint32_t kDropped = kNoDocument;

class SegmentTermCursor final : public TermCursor {
 public:
  explicit SegmentTermCursor(const SegmentSource& source)
      : source_(source),
        prefix_(
            SegmentPrefix(source.segment().space(), source.segment().number(), SegmentKind::kTerm)),
        rows_(source.segment().engine().NewCursor(Family::kSegments, source.read(), prefix_,
                                                  PrefixEnd(prefix_))) {
    rows_->SeekToFirst();
    Fetch();
  }
  void Next() override {
    rows_->Next();
    Fetch();
  }
  std::unique_ptr<PostingsCursor> OpenPostings() override {
    return source_.OpenRow(term_, rows_->value());
  }

 private:
  void Fetch() {
    valid_ = rows_->Valid();
    if (valid_) {
      term_ = rows_->key().substr(prefix_.size());
    } else if (!rows_->status().ok()) {
      source_.Fail(rows_->status());
    }
  }

  const SegmentSource& source_;
  const std::string prefix_;
  const std::unique_ptr<EngineCursor> rows_;
};

class Merger {
 public:
  Merger(std::span<SegmentInput* const> inputs, absl::FunctionRef<bool(size_t, uint32_t)> keep,
         const std::atomic<bool>* stop, SegmentWriter* writer)
      : inputs_(inputs), keep_(keep), stop_(stop), writer_(*writer), ordinals_(inputs.size()) {}

  absl::Status Run() {
    LIBKV_RETURN_IF_ERROR(MergeDocuments());
    LIBKV_RETURN_IF_ERROR(MergeTerms());
    LIBKV_RETURN_IF_ERROR(MergeWords());
    return CheckInputs();
  }

 private:
  // The next document of an input that is kept.
  struct DocumentHead {
    size_t input = 0;
    uint32_t ordinal = 0;
    SegmentDocument document;
  };
  // The postings of the term at hand in one input.
  struct ListHead {
    std::unique_ptr<PostingsCursor> cursor;
    const std::vector<uint32_t>* ordinals = nullptr;
    uint32_t ordinal = 0;  // in the new segment, of the posting under the cursor

    // To the first posting from here on whose document is kept. False: there is none.
    bool SkipDropped() {
      while (cursor->document() != kNoDocument) {
        ordinal = (*ordinals)[cursor->document()];
        if (ordinal != kDropped) return true;
        cursor->Next();
      }
      return false;
    }
  };

  absl::Status CheckInputs() const {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
      return MakeStatus(absl::StatusCode::kCancelled, "merging segments was stopped");
    }
    for (const SegmentInput* input : inputs_) LIBKV_RETURN_IF_ERROR(input->status());
    return absl::OkStatus();
  }

  absl::Status MergeDocuments();
  absl::StatusOr<bool> ReadKept(DocumentHead* head);
  absl::Status MergeTerms();
  absl::Status MergeLists(std::string_view term, std::vector<ListHead>& lists);
  absl::Status MergeWords();

  const std::span<SegmentInput* const> inputs_;
  const absl::FunctionRef<bool(size_t, uint32_t)> keep_;
  const std::atomic<bool>* const stop_;
  SegmentWriter& writer_;
  std::vector<std::vector<uint32_t>> ordinals_;  // by input and ordinal; kDropped
  std::vector<uint32_t> positions_;
};

// The first document of the input from head->ordinal on that is kept. False: there is none.
absl::StatusOr<bool> Merger::ReadKept(DocumentHead* head) {
  SegmentInput& input = *inputs_[head->input];
  while (head->ordinal < input.documents() && !keep_(head->input, head->ordinal)) ++head->ordinal;
  if (head->ordinal >= input.documents()) return false;
  LIBKV_RETURN_IF_ERROR(input.Read(head->ordinal, &head->document));
  return true;
}

absl::Status Merger::MergeDocuments() {
  std::vector<DocumentHead> heads;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    ordinals_[i].assign(inputs_[i]->documents(), kDropped);
    DocumentHead head{.input = i};
    LIBKV_ASSIGN_OR_RETURN(const bool is_there, ReadKept(&head));
    if (is_there) heads.push_back(head);
  }
  const auto is_before = [](const DocumentHead& a, const DocumentHead& b) {
    if (const int order = a.document.key.compare(b.document.key); order != 0) return order < 0;
    return a.document.document < b.document.document;
  };
  for (uint32_t next = 0; !heads.empty(); ++next) {
    if (next % kKeysPerRow == 0) LIBKV_RETURN_IF_ERROR(CheckInputs());
    const auto first = std::min_element(heads.begin(), heads.end(), is_before);
    LIBKV_RETURN_IF_ERROR(writer_.AddDocument(first->document));
    ordinals_[first->input][first->ordinal] = next;
    ++first->ordinal;
    LIBKV_ASSIGN_OR_RETURN(const bool is_there, ReadKept(&*first));
    if (!is_there) heads.erase(first);
  }
  return absl::OkStatus();
}

absl::Status Merger::MergeTerms() {
  struct TermHead {
    size_t input = 0;
    std::unique_ptr<TermCursor> cursor;
  };
  std::vector<TermHead> heads;
  for (size_t i = 0; i < inputs_.size(); ++i) heads.push_back({i, inputs_[i]->OpenTerms()});
  std::string term;
  std::vector<ListHead> lists;
  while (true) {
    std::erase_if(heads, [](const TermHead& head) { return !head.cursor->valid(); });
    // An input that ended early must not look like one without further terms.
    LIBKV_RETURN_IF_ERROR(CheckInputs());
    if (heads.empty()) return absl::OkStatus();
    term = std::min_element(heads.begin(), heads.end(), [](const TermHead& a, const TermHead& b) {
             return a.cursor->term() < b.cursor->term();
           })->cursor->term();
    lists.clear();
    for (TermHead& head : heads) {
      if (head.cursor->term() != term) continue;
      ListHead list{head.cursor->OpenPostings(), &ordinals_[head.input]};
      if (list.cursor != nullptr && list.SkipDropped()) lists.push_back(std::move(list));
    }
    LIBKV_RETURN_IF_ERROR(MergeLists(term, lists));
    lists.clear();
    for (TermHead& head : heads) {
      if (head.cursor->term() == term) head.cursor->Next();
    }
  }
}

absl::Status Merger::MergeLists(std::string_view term, std::vector<ListHead>& lists) {
  LIBKV_RETURN_IF_ERROR(writer_.StartTerm(term));
  while (!lists.empty()) {
    // As long as no other list comes in between, which may be to the end.
    size_t first = 0;
    for (size_t i = 1; i < lists.size(); ++i) {
      if (lists[i].ordinal < lists[first].ordinal) first = i;
    }
    uint32_t limit = kNoDocument;
    for (size_t i = 0; i < lists.size(); ++i) {
      if (i != first) limit = std::min(limit, lists[i].ordinal);
    }
    ListHead& list = lists[first];
    bool is_there = true;
    while (is_there && list.ordinal < limit) {
      list.cursor->Positions(&positions_);
      // A list that failed has no positions: what it gave is not to be written.
      if (positions_.empty()) {
        LIBKV_RETURN_IF_ERROR(CheckInputs());
      }
      writer_.AddPosting(list.ordinal, list.cursor->frequency(), positions_);
      list.cursor->Next();
      is_there = list.SkipDropped();
    }
    if (!is_there) lists.erase(lists.begin() + static_cast<ptrdiff_t>(first));
  }
  // Also when a list ended early.
  LIBKV_RETURN_IF_ERROR(CheckInputs());
  return writer_.FinishTerm();
}

absl::Status Merger::MergeWords() {
  std::vector<std::unique_ptr<WordCursor>> heads;
  for (SegmentInput* input : inputs_) heads.push_back(input->OpenWords());
  const auto is_before = [](const auto& a, const auto& b) {
    return std::pair(a->word(), a->term()) < std::pair(b->word(), b->term());
  };
  std::string word, term;
  for (uint32_t count = 0;; ++count) {
    std::erase_if(heads, [](const auto& head) { return !head->valid(); });
    if (count % kWordsPerRow == 0 || heads.empty()) LIBKV_RETURN_IF_ERROR(CheckInputs());
    if (heads.empty()) return absl::OkStatus();
    const auto& first = **std::min_element(heads.begin(), heads.end(), is_before);
    word = first.word();
    term = first.term();
    uint64_t documents = 0;
    for (const auto& head : heads) {
      if (head->word() != word || head->term() != term) continue;
      documents += head->documents();
      head->Next();
    }
    LIBKV_RETURN_IF_ERROR(writer_.AddWord(word, term, documents));
  }
}

}  // namespace

SegmentAsInput::SegmentAsInput(const Segment& segment)
    : segment_(segment),
      keys_(segment, /*fill_cache=*/false),
      source_(segment, /*fill_cache=*/false) {}

absl::Status SegmentAsInput::Read(uint32_t ordinal, SegmentDocument* document) {
  LIBKV_ASSIGN_OR_RETURN(document->key, keys_.KeyOf(ordinal));
  document->document = segment_.DocumentId(ordinal);
  document->words = segment_.Words(ordinal);
  document->cosine = segment_.CosineCode(ordinal);
  document->expiry = segment_.Expiry(ordinal);
  return absl::OkStatus();
}

std::unique_ptr<TermCursor> SegmentAsInput::OpenTerms() {
  return std::make_unique<SegmentTermCursor>(source_);
}

absl::Status MergeInto(std::span<SegmentInput* const> inputs,
                       absl::FunctionRef<bool(size_t input, uint32_t ordinal)> keep,
                       const std::atomic<bool>* stop, SegmentWriter* writer) {
  return Merger(inputs, keep, stop, writer).Run();
}

}  // namespace libkv
