// A vector set is a space of vectors whose prefix is the set's name and a colon; an element is a
// key under it, and its attributes are the value, "" for none.
//
//   VADD films ... alien   space "films:", key "films:alien"
#ifndef KVSERVER_SRC_COMMAND_VECTOR_SET_H_
#define KVSERVER_SRC_COMMAND_VECTOR_SET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "libkv/options.h"
#include "libkv/store.h"

namespace kvserver {

std::string SetPrefix(std::string_view set);
std::string ElementKey(std::string_view set, std::string_view element);

// The set's space; nullopt: there is none. Quick.
std::optional<libkv::Space> FindVectorSet(const libkv::Store& store, std::string_view set);

// Whether `key` belongs to the space with this prefix, and not to one with a longer one.
bool BelongsTo(const libkv::Store& store, std::string_view key, std::string_view prefix);

// Makes the set. FailedPrecondition: keys under the prefix exist already, or the set would be part
// of another one, or have one within it. Waits for the disk. `define` defines the space.
absl::Status DefineVectorSet(libkv::Store& store, std::string_view set, size_t dimension,
                             absl::FunctionRef<absl::Status(const libkv::Space& space)> define);

// What the space says of itself; nullopt: it was dropped.
std::optional<libkv::SpaceStats> VectorSetStats(const libkv::Store& store, std::string_view set);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_VECTOR_SET_H_
