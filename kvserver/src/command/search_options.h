// Reading what several of the commands that search take.
#ifndef KVSERVER_SRC_COMMAND_SEARCH_OPTIONS_H_
#define KVSERVER_SRC_COMMAND_SEARCH_OPTIONS_H_

#include <cstdint>
#include <vector>

#include "command/argument_reader.h"
#include "command/command.h"
#include "command/hit_reply.h"
#include "libkv/find.h"
#include "libkv/search.h"

namespace kvserver {

inline constexpr int64_t kTimeLimitMsMax = 3'600'000;

// Replies when the arguments were wrong.
bool CheckRead(Context& context, const ArgumentReader& reader);

// Each reads the option that the reader is at if it is one of these; false: it is another one.
// EXCERPTS, EXCERPTCOUNT, HTML, EXPLAIN and WITHVALUES.
bool ReadForm(ArgumentReader& reader, HitForm& form);
// RANKING, K1, B, FEEDBACK and COUNTUPTO.
bool ReadRanking(ArgumentReader& reader, libkv::SearchOptions& options);

// When all options are read: CloseRange for each.
void CloseRanges(std::vector<libkv::FieldFilter>& filters);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SEARCH_OPTIONS_H_
