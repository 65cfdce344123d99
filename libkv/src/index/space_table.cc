#include "index/space_table.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "text/built_in_analyzer.h"

namespace libkv {
namespace {

constexpr size_t kFieldsMax = 256;

std::string Join(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

}  // namespace

ActiveSpace::ActiveSpace(uint32_t id, SpaceDefinition definition,
                         std::shared_ptr<const Analyzer> analyzer,
                         std::shared_ptr<const Embedder> embedder,
                         const std::optional<VectorDescriptor>& vectors, size_t exact_vectors_max,
                         std::shared_ptr<ActiveSpace> next)
    : id_(id),
      definition_(std::move(definition)),
      analyzer_(std::move(analyzer)),
      embedder_(std::move(embedder)),
      exact_vectors_max_(exact_vectors_max),
      next_(std::move(next)) {
  if (vectors.has_value()) rotation_.emplace(definition_.dimension, vectors->seed);
  index_ = NewIndex();
}

std::shared_ptr<SpaceIndex> ActiveSpace::index() const {
  const std::lock_guard lock(mutex_);
  return index_;
}

void ActiveSpace::ReplaceIndex(std::shared_ptr<SpaceIndex> index) {
  const std::lock_guard lock(mutex_);
  index_.swap(index);
}

std::shared_ptr<SpaceIndex> ActiveSpace::NewIndex() const {
  return std::make_shared<SpaceIndex>(rotation_ ? rotation_->padded() : 0, exact_vectors_max_,
                                      list_storage());
}

ListStorage ActiveSpace::list_storage() const {
  if (!definition_.bits_only) return ListStorage::kCodes;
  return metric() == Metric::kL2 ? ListStorage::kBitsAndNorms : ListStorage::kBits;
}

SpaceTable::SpaceTable(std::vector<std::shared_ptr<ActiveSpace>> spaces)
    : spaces_(std::move(spaces)) {
  std::sort(spaces_.begin(), spaces_.end(), [](const auto& a, const auto& b) {
    return a->definition().prefix.size() > b->definition().prefix.size();
  });
  for (const auto& space : spaces_) {
    if (space->rotation() != nullptr) with_vectors_.push_back(space);
    if (space->next() != nullptr) with_vectors_.push_back(space->next());
  }
}

ActiveSpace* SpaceTable::Of(std::string_view key) const {
  for (const auto& space : spaces_) {
    if (key.starts_with(space->definition().prefix)) return space.get();
  }
  return nullptr;
}

ActiveSpace* SpaceTable::ById(uint32_t id) const {
  for (const auto& space : spaces_) {
    if (space->id() == id) return space.get();
  }
  return nullptr;
}

ActiveSpace* SpaceTable::ByVectors(uint32_t id) const {
  for (const auto& space : with_vectors_) {
    if (space->vectors_id() == id) return space.get();
  }
  return nullptr;
}

ActiveSpace* SpaceTable::At(std::string_view prefix) const {
  for (const auto& space : spaces_) {
    if (space->definition().prefix == prefix) return space.get();
  }
  return nullptr;
}

std::vector<const ActiveSpace*> SpaceTable::Overlapping(std::string_view prefix) const {
  std::vector<const ActiveSpace*> found;
  for (const auto& space : spaces_) {
    const std::string_view own = space->definition().prefix;
    if (own.starts_with(prefix) || prefix.starts_with(own)) found.push_back(space.get());
    // Every key that begins with `prefix` and with `own` has its space; shorter ones have none.
    if (prefix.starts_with(own)) break;
  }
  return found;
}

absl::StatusOr<SpaceDefinition> DefinitionOf(const Space& space) {
  const std::string where = Concat("space '", Printable(space.prefix), "': ");
  SpaceDefinition d;
  d.prefix = space.prefix;
  if (space.prefix.size() > kKeyBytesMax) {
    return InvalidArgument(where, "the prefix is longer than a key may be");
  }
  if (space.text_fields.size() > kFieldsMax || space.fields.size() > kFieldsMax) {
    return InvalidArgument(where, "more than ", kFieldsMax, " fields");
  }
  d.text = space.text;
  if (space.text) {
    d.analyzer = space.analyzer != nullptr ? space.analyzer->id() : MakeEnglishAnalyzer()->id();
  } else if (space.analyzer != nullptr) {
    return InvalidArgument(where, "an analyzer needs text = true");
  }
  if (space.learn && (space.embedder != nullptr || space.vector_dimension != 0)) {
    return InvalidArgument(where, "learn = true leaves no choice of embedder or dimension");
  }
  // Until something is learnt.
  const std::shared_ptr<const Embedder> embedder =
      space.learn ? MakeHashEmbedder() : space.embedder;
  d.learn = space.learn;
  d.deferred = space.deferred;
  if (space.deferred && (space.embedder == nullptr)) {
    return InvalidArgument(where, "deferred = true needs an embedder that is given");
  }
  if (space.text || embedder != nullptr) {
    d.text_fields = space.text_fields;
  } else if (!space.text_fields.empty()) {
    return InvalidArgument(where, "text_fields need text = true or an embedder");
  }

  d.dimension = space.vector_dimension;
  if (embedder != nullptr) {
    d.embedder = embedder->identity();
    if (d.embedder.empty()) return InvalidArgument(where, "the embedder has an empty identity");
    const size_t made = embedder->dimension();
    if (d.dimension == 0) d.dimension = static_cast<uint32_t>(made);
    if (d.dimension != made) {
      return InvalidArgument(where, "vector_dimension is ", d.dimension,
                             " but the embedder makes vectors of ", made);
    }
  }
  if (d.dimension > kVectorDimensionMax || (embedder != nullptr && d.dimension == 0)) {
    return InvalidArgument(where, "a vector dimension of ", d.dimension, " is outside 1..",
                           kVectorDimensionMax);
  }
  if (d.dimension != 0) {
    d.metric = static_cast<uint8_t>(space.metric);
    d.precision = static_cast<uint8_t>(space.precision);
    d.bits_only = space.vector_memory == VectorMemory::kBits;
  }
  d.values = space.values;
  d.fields = space.fields;
  for (const std::string& field : space.fields) {
    if (field.empty()) return InvalidArgument(where, "a field with an empty name");
    if (std::count(d.fields.begin(), d.fields.end(), field) != 1) {
      return InvalidArgument(where, "field '", field, "' is named twice");
    }
  }
  if (!d.text && d.dimension == 0 && !d.values && d.fields.empty()) {
    return InvalidArgument(where,
                           "it asks for no index: set text, vector_dimension, embedder, "
                           "values or fields");
  }
  return d;
}

Space SpaceFrom(const ActiveSpace& active) {
  const SpaceDefinition& d = active.definition();
  Space space;
  space.prefix = d.prefix;
  space.text = d.text;
  space.analyzer = active.objects().analyzer;
  space.text_fields = d.text_fields;
  space.learn = d.learn;
  if (!d.learn) {
    space.vector_dimension = d.dimension;
    space.embedder = active.objects().embedder;
  }
  if (d.dimension != 0) {
    space.metric = active.metric();
    space.precision = active.precision();
    space.vector_memory = d.bits_only ? VectorMemory::kBits : VectorMemory::kCodes;
  }
  space.deferred = d.deferred;
  space.values = d.values;
  for (size_t i = 0; i < d.fields.size(); ++i) {
    if (d.IsIndexed(i)) space.fields.push_back(d.fields[i]);
  }
  return space;
}

absl::StatusOr<SpaceObjects> ObjectsFor(const SpaceDefinition& definition, const Space* given) {
  SpaceObjects objects;
  if (definition.text) {
    if (given != nullptr && given->analyzer != nullptr) objects.analyzer = given->analyzer;
    if (objects.analyzer == nullptr) objects.analyzer = FindBuiltInAnalyzer(definition.analyzer);
    if (objects.analyzer == nullptr) {
      return FailedPrecondition("space '", Printable(definition.prefix), "' uses the analyzer '",
                                definition.analyzer,
                                "', which is not built in: give it in Options::spaces");
    }
  }
  if (!definition.embedder.empty()) {
    if (given != nullptr) objects.embedder = given->embedder;
    if (objects.embedder == nullptr) {
      if (auto hash = MakeHashEmbedder(); hash->identity() == definition.embedder) {
        objects.embedder = hash;
      }
    }
  }
  return objects;
}

std::string Difference(const SpaceDefinition& stored, const SpaceDefinition& wanted) {
  const auto say = [](std::string_view what, const auto& has, const auto& asked) {
    return Concat(what, " is '", has, "' in the store and '", asked, "' in the options");
  };
  if (stored.text != wanted.text) return say("text", stored.text, wanted.text);
  if (stored.analyzer != wanted.analyzer) return say("analyzer", stored.analyzer, wanted.analyzer);
  if (stored.learn != wanted.learn) return say("learn", stored.learn, wanted.learn);
  if (stored.deferred != wanted.deferred) return say("deferred", stored.deferred, wanted.deferred);
  if (stored.embedder != wanted.embedder) return say("embedder", stored.embedder, wanted.embedder);
  if (stored.dimension != wanted.dimension) {
    return say("vector_dimension", stored.dimension, wanted.dimension);
  }
  if (stored.metric != wanted.metric) {
    return say("metric", int{stored.metric}, int{wanted.metric});
  }
  if (stored.precision != wanted.precision) {
    return say("precision", int{stored.precision}, int{wanted.precision});
  }
  if (stored.text_fields != wanted.text_fields) {
    return say("text_fields", Join(stored.text_fields), Join(wanted.text_fields));
  }
  if (stored.values != wanted.values) return say("values", stored.values, wanted.values);
  return Concat(say("fields", Join(stored.fields), Join(wanted.fields)),
                "; a field can be added with CreateFieldIndex");
}

}  // namespace libkv
