#include "command/vector_set.h"

#include "command/argument_reader.h"

namespace kvserver {
namespace {

// A space as VADD makes them, rather than one of texts with vectors.
bool IsPlainVectorSet(const libkv::Space& space) {
  return space.vector_dimension != 0 && space.embedder == nullptr && !space.text &&
         space.prefix.ends_with(':');
}

absl::Status CheckNoOverlap(const libkv::Store& store, const std::string& prefix) {
  for (const libkv::Space& space : store.Spaces()) {
    if (!IsPlainVectorSet(space)) continue;
    const std::string_view other = space.prefix;
    if (prefix.starts_with(other) || other.starts_with(prefix)) {
      return absl::FailedPreconditionError("the keys of the vector sets " +
                                           QuotedWord(prefix.substr(0, prefix.size() - 1)) +
                                           " and " + QuotedWord(other.substr(0, other.size() - 1)) +
                                           " would be mixed: choose another name");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string SetPrefix(std::string_view set) {
  std::string prefix(set);
  prefix += ':';
  return prefix;
}

std::string ElementKey(std::string_view set, std::string_view element) {
  std::string key = SetPrefix(set);
  key += element;
  return key;
}

std::optional<libkv::Space> FindVectorSet(const libkv::Store& store, std::string_view set) {
  const std::string prefix = SetPrefix(set);
  std::optional<libkv::Space> space = store.SpaceOf(prefix);
  if (!space || space->prefix != prefix) return std::nullopt;
  if (space->vector_dimension == 0) return std::nullopt;
  return space;
}

bool BelongsTo(const libkv::Store& store, std::string_view key, std::string_view prefix) {
  const std::optional<libkv::Space> space = store.SpaceOf(key);
  return space && space->prefix == prefix;
}

absl::Status DefineVectorSet(libkv::Store& store, std::string_view set, size_t dimension,
                             absl::FunctionRef<absl::Status(const libkv::Space& space)> define) {
  libkv::Space space;
  space.prefix = SetPrefix(set);
  space.vector_dimension = static_cast<uint32_t>(dimension);
  if (const auto there = store.SpaceOf(space.prefix); there && there->prefix == space.prefix) {
    if (there->vector_dimension != 0) return absl::OkStatus();  // somebody was faster
    return absl::FailedPreconditionError("the space " + QuotedWord(space.prefix) +
                                         " has no vectors that VADD could set");
  }
  if (absl::Status status = CheckNoOverlap(store, space.prefix); !status.ok()) return status;
  const auto it = store.NewIterator({}, {.prefix = space.prefix});
  it->SeekToFirst();
  if (it->Valid()) {
    return absl::FailedPreconditionError(
        "there are keys that begin with " + QuotedWord(space.prefix) +
        " already: to make them a vector set, use KV.SPACE DEFINE " + space.prefix + " DIMENSION " +
        std::to_string(dimension));
  }
  return define(space);
}

std::optional<libkv::SpaceStats> VectorSetStats(const libkv::Store& store, std::string_view set) {
  const std::string prefix = SetPrefix(set);
  for (libkv::SpaceStats& space : store.Stats().spaces) {
    if (space.prefix == prefix) return std::move(space);
  }
  return std::nullopt;
}

}  // namespace kvserver
