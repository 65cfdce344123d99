#include "index/derive.h"

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/ordered_value.h"
#include "index/term_groups.h"
#include "text/json_text.h"
#include "vector/code.h"
#include "vector/kernels.h"
#include "vector/metric.h"

namespace libkv {
namespace {

absl::Status AtKey(const absl::Status& status, std::string_view key) {
  return MakeStatus(status.code(), "key '", Printable(key), "': ", ToStd(status.message()));
}

absl::Status EmbedMissing(std::span<const DeriveItem> items,
                          std::span<const std::string_view> texts) {
  // Items of one space, without a vector of their own, go to the embedder together.
  std::vector<bool> done(items.size(), false);
  for (size_t first = 0; first < items.size(); ++first) {
    const ActiveSpace& space = *items[first].space;
    if (done[first] || !items[first].vector.empty() || !items[first].embeds ||
        space.definition().embedder.empty() || space.definition().deferred) {
      continue;
    }
    std::vector<size_t> chosen;
    std::vector<std::string_view> views;
    for (size_t i = first; i < items.size() && chosen.size() < kEmbedTextsMax; ++i) {
      if (done[i] || items[i].space != &space || !items[i].vector.empty() || !items[i].embeds) {
        continue;
      }
      done[i] = true;
      if (texts[i].empty()) continue;  // binary, or nothing in the fields: no vector
      chosen.push_back(i);
      views.push_back(texts[i]);
    }
    if (chosen.empty()) continue;
    const size_t dimension = space.definition().dimension;
    std::vector<float> vectors(chosen.size() * dimension);
    if (absl::Status status = Embed(space, EmbedKind::kDocument, views, vectors); !status.ok()) {
      return AtKey(status, items[chosen.front()].key);
    }
    for (size_t i = 0; i < chosen.size(); ++i) {
      const DeriveItem& item = items[chosen[i]];
      const auto vector = std::span(vectors).subspan(i * dimension, dimension);
      if (std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; })) continue;
      if (absl::Status status = DeriveVector(space, vector, item.derived); !status.ok()) {
        return AtKey(
            MakeStatus(absl::StatusCode::kInternal, "the embedder '", space.definition().embedder,
                       "' made a bad vector: ", ToStd(status.message())),
            item.key);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status DeriveAll(std::span<const DeriveItem> items) {
  std::vector<std::string> made(items.size());
  std::vector<std::string_view> texts(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const DeriveItem& item = items[i];
    const ActiveSpace& space = *item.space;
    // A generation that is being built makes its vectors of texts alone.
    const bool embeds = !space.definition().embedder.empty() &&
                        ((item.vector.empty() && item.embeds) ||
                         (space.definition().deferred && space.next() != nullptr));
    if (space.analyzer() != nullptr || embeds) {
      texts[i] = IndexedTextView(item.value, space.definition().text_fields, &made[i]);
    }
    item.derived->is_pending = embeds && space.definition().deferred && !texts[i].empty();
    if (space.analyzer() != nullptr) DeriveWords(*space.analyzer(), texts[i], item.derived);
    DeriveValueRows(space, item.value, item.derived);
    if (!item.vector.empty()) {
      absl::Status status = space.rotation() == nullptr
                                ? InvalidArgument("its space has no vectors")
                                : DeriveVector(space, item.vector, item.derived);
      if (!status.ok()) return AtKey(status, item.key);
    }
  }
  return EmbedMissing(items, texts);
}

}  // namespace

absl::Status Derive(std::span<const DeriveItem> items) {
  try {
    return DeriveAll(items);
  } catch (const std::exception& error) {
    return MakeStatus(absl::StatusCode::kInternal,
                      "the analyzer threw an exception: ", std::string_view(error.what()));
  } catch (...) {
    return MakeStatus(absl::StatusCode::kInternal, "the analyzer threw an exception");
  }
}

void DeriveWords(const Analyzer& analyzer, std::string_view text, DerivedDocument* derived) {
  derived->text_bytes = text.size();
  static thread_local TermGroups groups;
  groups.Clear();  // an analyzer may have thrown
  analyzer.Analyze(text, [](const Token& token) { groups.Add(token); });
  groups.MoveTo(derived);
}

void DeriveValueRows(const ActiveSpace& space, std::string_view value, DerivedDocument* derived) {
  const SpaceDefinition& definition = space.definition();
  if (definition.values) derived->value_hash = HashWide(value);
  if (definition.fields.empty()) return;
  ForEachJsonLeaf(value, [&](std::string_view path, const JsonLeaf& leaf) {
    for (size_t f = 0; f < definition.fields.size(); ++f) {
      if (definition.fields[f] != path || !definition.IsIndexed(f)) continue;
      std::string row;
      AppendFixed16(row, static_cast<uint16_t>(f));
      switch (leaf.kind) {
        case JsonLeaf::Kind::kNull:
          row += OrderedNull();
          break;
        case JsonLeaf::Kind::kBool:
          row += OrderedBool(leaf.text == "true");
          break;
        case JsonLeaf::Kind::kNumber:
          row += OrderedNumber(leaf.number);
          break;
        case JsonLeaf::Kind::kString:
          row += OrderedText(leaf.text);
          break;
      }
      derived->fields.push_back(std::move(row));
    }
  });
  std::sort(derived->fields.begin(), derived->fields.end());
  derived->fields.erase(std::unique(derived->fields.begin(), derived->fields.end()),
                        derived->fields.end());
}

absl::Status DeriveVector(const ActiveSpace& space, std::span<const float> vector,
                          DerivedDocument* derived) {
  LIBKV_RETURN_IF_ERROR(
      CheckVector(vector, space.definition().dimension, space.metric(), space.precision()));
  derived->vector.assign(vector.begin(), vector.end());
  if (space.precision() == VectorPrecision::kFloat16) {
    // The code must come from what is stored, or it could not be checked against it.
    std::vector<uint16_t> halves(vector.size());
    ActiveKernels().half_from_float(vector.data(), vector.size(), halves.data());
    ActiveKernels().float_from_half(halves.data(), vector.size(), derived->vector.data());
    LIBKV_RETURN_IF_ERROR(
        CheckVector(derived->vector, space.definition().dimension, space.metric()));
  }
  const Rotation& rotation = *space.rotation();
  std::vector<float> rotated(rotation.padded());
  rotation.Apply(Comparable(space, derived->vector), rotated);
  derived->code.resize(rotation.padded());
  const Code code = Encode(rotated, derived->code.data());
  derived->scale = code.scale;
  derived->norm2 = code.norm2;
  return absl::OkStatus();
}

std::vector<float> Comparable(const ActiveSpace& space, std::span<const float> vector) {
  std::vector<float> comparable(vector.begin(), vector.end());
  if (space.metric() == Metric::kCosine) Normalise(comparable);
  return comparable;
}

absl::Status Embed(const ActiveSpace& space, EmbedKind kind,
                   std::span<const std::string_view> texts, std::span<float> vectors) {
  if (space.embedder() == nullptr) {
    const SpaceDefinition& definition = space.definition();
    if (definition.embedder.empty()) {
      return FailedPrecondition("space '", Printable(definition.prefix),
                                "' has no embedder: give a vector");
    }
    return FailedPrecondition("space '", Printable(definition.prefix), "' uses the embedder '",
                              definition.embedder, "': give it in Options::spaces at open");
  }
  try {
    return space.embedder()->Embed(kind, texts, vectors);
  } catch (const std::exception& error) {
    return MakeStatus(absl::StatusCode::kInternal,
                      "the embedder threw an exception: ", std::string_view(error.what()));
  } catch (...) {
    return MakeStatus(absl::StatusCode::kInternal, "the embedder threw an exception");
  }
}

}  // namespace libkv
