// Which space a key belongs to: the definitions in force, with the objects that carry them out.
#ifndef LIBKV_SRC_INDEX_SPACE_TABLE_H_
#define LIBKV_SRC_INDEX_SPACE_TABLE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "format/catalog_rows.h"
#include "index/space_index.h"
#include "libkv/analyzer.h"
#include "libkv/embedder.h"
#include "libkv/options.h"
#include "vector/rotation.h"

namespace libkv {

// The objects that a definition names.
struct SpaceObjects {
  std::shared_ptr<const Analyzer> analyzer;
  std::shared_ptr<const Embedder> embedder;
};

// One space in use. Everything but its contents is fixed after construction.
class ActiveSpace {
 public:
  ActiveSpace(uint32_t id, SpaceDefinition definition, std::shared_ptr<const Analyzer> analyzer,
              std::shared_ptr<const Embedder> embedder,
              const std::optional<VectorDescriptor>& vectors,
              size_t exact_vectors_max = Options().exact_vectors_max);

  uint32_t id() const { return id_; }
  const SpaceDefinition& definition() const { return definition_; }
  const Analyzer* analyzer() const { return analyzer_.get(); }  // null: no text
  const Embedder* embedder() const { return embedder_.get(); }  // null: none, or not given at open
  SpaceObjects objects() const { return {analyzer_, embedder_}; }
  const Rotation* rotation() const {
    return rotation_ ? &*rotation_ : nullptr;
  }  // null: no vectors
  Metric metric() const { return static_cast<Metric>(definition_.metric); }
  VectorPrecision precision() const { return static_cast<VectorPrecision>(definition_.precision); }
  bool has_value_rows() const { return definition_.values || !definition_.fields.empty(); }

  // What is in memory. It moves on to the next ActiveSpace when a definition changes its state.
  std::shared_ptr<SpaceIndex> index() const;
  void ReplaceIndex(std::shared_ptr<SpaceIndex> index);
  std::shared_ptr<SpaceIndex> NewIndex() const;  // empty, for this space's dimension

 private:
  const uint32_t id_;
  const SpaceDefinition definition_;
  const std::shared_ptr<const Analyzer> analyzer_;
  const std::shared_ptr<const Embedder> embedder_;
  std::optional<Rotation> rotation_;
  const size_t exact_vectors_max_;

  mutable std::mutex mutex_;
  std::shared_ptr<SpaceIndex> index_;  // guarded by mutex_
};

// The spaces in force. Never changes: defining a space makes a new table.
class SpaceTable {
 public:
  SpaceTable() = default;
  explicit SpaceTable(std::vector<std::shared_ptr<ActiveSpace>> spaces);

  // The space of `key`, the one with the longest prefix; null for a plain key.
  ActiveSpace* Of(std::string_view key) const;
  ActiveSpace* ById(uint32_t id) const;            // null: unknown (dropped)
  ActiveSpace* At(std::string_view prefix) const;  // exactly this prefix, or null

  // Those that can hold keys which begin with `prefix`.
  std::vector<const ActiveSpace*> Overlapping(std::string_view prefix) const;

  const std::vector<std::shared_ptr<ActiveSpace>>& all() const { return spaces_; }

 private:
  std::vector<std::shared_ptr<ActiveSpace>> spaces_;  // longest prefix first
};

// `space` in the form that is stored. InvalidArgument: it contradicts itself (a text field without
// text, a dimension other than the embedder's, ...).
absl::StatusOr<SpaceDefinition> DefinitionOf(const Space& space);

// The objects that `definition` names: those of `given` if it is not null, else the built-in ones.
// FailedPrecondition: an analyzer or embedder of that name is not there.
absl::StatusOr<SpaceObjects> ObjectsFor(const SpaceDefinition& definition, const Space* given);

// How two definitions of one prefix differ, for a message.
std::string Difference(const SpaceDefinition& stored, const SpaceDefinition& wanted);

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_SPACE_TABLE_H_
