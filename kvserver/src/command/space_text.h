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
//              | "embedder=" ( "hash" | "none" ) vectors made of the values
//              | "learn"                         the same by a model learnt from the values
//              | "values"                        whole values
//              | "fields=" path {";" path}       fields of JSON values
//
// The prefix is all before the last colon, which may be nothing (every key) and may have colons
// itself: "doc::text,learn" is the space "doc:". Options are read in any case. A path has neither
// ";" nor "," here.
#ifndef KVSERVER_SRC_COMMAND_SPACE_TEXT_H_
#define KVSERVER_SRC_COMMAND_SPACE_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libkv/options.h"

namespace kvserver {

// InvalidArgument: not of that grammar; the message names the place. Whether the options go
// together is for Store::DefineSpace to say.
absl::StatusOr<libkv::Space> ParseSpace(std::string_view text);

// The text of which ParseSpace makes the same space. A name for an analyzer or embedder that is not
// built in stands there too, and is not understood.
std::string SpaceText(const libkv::Space& space);

// Whether `option` ("TEXT", "analyzer", ...; in any case) is one, and needs a value.
enum class SpaceOption { kUnknown, kFlag, kValued };
SpaceOption SpaceOptionOf(std::string_view option);

// Applies one option; lists in `value` may be separated by "," or ";", and are added to what is
// there.
absl::Status SetSpaceOption(libkv::Space& space, std::string_view option, std::string_view value);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SPACE_TEXT_H_
