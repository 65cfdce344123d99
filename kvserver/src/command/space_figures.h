// The figures of a space (libkv/stats.h), as KV.INDEX and KV.SPACE INFO reply them.
#ifndef KVSERVER_SRC_COMMAND_SPACE_FIGURES_H_
#define KVSERVER_SRC_COMMAND_SPACE_FIGURES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "command/reply.h"
#include "libkv/stats.h"

namespace kvserver {

// A name of a map and its value.
void ReplyField(ReplyWriter& reply, std::string_view name, uint64_t value);

// So many names of a map and their values: from "documents" to "recall".
inline constexpr size_t kSpaceFigures = 12;
void ReplySpaceFigures(ReplyWriter& reply, const libkv::SpaceStats& space);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SPACE_FIGURES_H_
