// The definition of a space as one line of text: the command line's --space, and what KV.SPACE LIST
// shows.
//
//   space     := prefix ":" [ option { "," option } ]
//   option    := "text"                          words
//              | "analyzer=" name                words, cut by this language's rules ("german")
//              | "textfields=" path {";" path}   of JSON values, the texts that count
//              | "dimension=" number             vectors that come with the values
//              | "metric=" ( "cosine" | "l2" | "ip" )
//              | "precision=" ( "f32" | "f16" )
//              | "memory=" ( "codes" | "bits" ) what stays in memory of each vector
//              | "embedder=" ( "hash" | "none" | name ) vectors made of the values, by an embedder
//                                               that the server was given under that name
//              | "deferred"                      the embedder is asked soon after the write
//              | "learn"                         the same by a model learnt from the values
//              | "values"                        whole values
//              | "fields=" path {";" path}       fields of JSON values
//              | "conflict=" name                in a cluster, what makes one value of siblings:
//                                               cluster/merge_function.h
//
// The prefix is all before the last colon, which may be nothing (every key) and may have colons
// itself: "doc::text,learn" is the space "doc:". Options are read in any case. A path has neither
// ";" nor "," here.
#ifndef KVSERVER_SRC_COMMAND_SPACE_TEXT_H_
#define KVSERVER_SRC_COMMAND_SPACE_TEXT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libkv/options.h"

namespace kvserver {

// What a server knows of a space, more than the store.
struct SpaceDefinition : libkv::Space {
  std::string embedder_name;  // of one that is not built in; `embedder` is null if it is not here
  std::string conflict;       // "": lww
};

// InvalidArgument: not of that grammar; the message names the place. Whether the options go
// together is for Store::DefineSpace to say.
absl::StatusOr<SpaceDefinition> ParseSpace(std::string_view text);

// The text of which ParseSpace makes the same space. A name for an analyzer or embedder that is not
// built in stands there too, and is not understood.
std::string SpaceText(const libkv::Space& space);
std::string SpaceText(const SpaceDefinition& space);

// The options of the definition, each with its value ("" of a flag): equal definitions have equal
// ones.
std::vector<std::pair<std::string, std::string>> SpaceOptions(const SpaceDefinition& space);

// Whether the store has anything to do for it.
bool AsksForIndex(const libkv::Space& space);

// Whether `option` ("TEXT", "analyzer", ...; in any case) is one, and needs a value.
enum class SpaceOption { kUnknown, kFlag, kValued };
SpaceOption SpaceOptionOf(std::string_view option);

// Applies one option; lists in `value` may be separated by "," or ";", and are added to what is
// there.
// `needs_embedder`: a name that no embedder here has is an error.
absl::Status SetSpaceOption(SpaceDefinition& space, std::string_view option, std::string_view value,
                            bool needs_embedder = true);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SPACE_TEXT_H_
