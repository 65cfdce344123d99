// Which space a key belongs to: the definitions in force, with the objects that carry them out.
#ifndef LIBKV_SRC_INDEX_SPACE_TABLE_H_
#define LIBKV_SRC_INDEX_SPACE_TABLE_H_

#include <atomic>
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
              size_t exact_vectors_max = Options().exact_vectors_max,
              std::shared_ptr<ActiveSpace> next = nullptr);

  uint32_t id() const { return id_; }
  // The id that its rows of the vectors family have: that of the generation in force.
  uint32_t vectors_id() const { return definition_.vectors != 0 ? definition_.vectors : id_; }

  // The generation of vectors that is being built to replace this one's: a space with nothing but
  // vectors, whose id is its vectors_id(). Null: none is.
  const std::shared_ptr<ActiveSpace>& next() const { return next_; }
  // Of a generation being built: how many of the values of before are done; documents from which
  // id on were written since; and whether values that are written get a vector in the old
  // generation too (not if that one's embedder cannot be used).
  struct Building {
    std::atomic<uint64_t> done{0}, total{0}, first_document{0};
    std::atomic<bool> keeps_old{true};
  };
  Building& building() const { return building_; }

  const SpaceDefinition& definition() const { return definition_; }
  const Analyzer* analyzer() const { return analyzer_.get(); }  // null: no text
  const Embedder* embedder() const { return embedder_.get(); }  // null: none, or not given at open
  SpaceObjects objects() const { return {analyzer_, embedder_}; }
  const Rotation* rotation() const {
    return rotation_ ? &*rotation_ : nullptr;
  }  // null: no vectors
  Metric metric() const { return static_cast<Metric>(definition_.metric); }
  VectorPrecision precision() const { return static_cast<VectorPrecision>(definition_.precision); }
  ListStorage list_storage() const;
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
  const std::shared_ptr<ActiveSpace> next_;
  mutable Building building_;

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

  // All spaces with vectors, and the generations that are being built; and the one of them whose
  // rows of the vectors family have this id, or null.
  const std::vector<std::shared_ptr<ActiveSpace>>& with_vectors() const { return with_vectors_; }
  ActiveSpace* ByVectors(uint32_t id) const;

 private:
  std::vector<std::shared_ptr<ActiveSpace>> with_vectors_;
  std::vector<std::shared_ptr<ActiveSpace>> spaces_;  // longest prefix first
};

// `space` in the form that is stored. InvalidArgument: it contradicts itself (a text field without
// text, a dimension other than the embedder's, ...).
absl::StatusOr<SpaceDefinition> DefinitionOf(const Space& space);

// The other way: a definition that DefinitionOf makes the same of. Without the embedder if that is
// not there.
Space SpaceFrom(const ActiveSpace& space);

// The objects that `definition` names: those of `given` if it is not null, else the built-in ones.
// FailedPrecondition: an analyzer or embedder of that name is not there.
absl::StatusOr<SpaceObjects> ObjectsFor(const SpaceDefinition& definition, const Space* given);

// How two definitions of one prefix differ, for a message.
std::string Difference(const SpaceDefinition& stored, const SpaceDefinition& wanted);

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_SPACE_TABLE_H_
