// The functions behind the rows of search_commands.cc, each in a file of its own.
#ifndef KVSERVER_SRC_COMMAND_SEARCH_VERBS_H_
#define KVSERVER_SRC_COMMAND_SEARCH_VERBS_H_

#include "command/command.h"

namespace kvserver {

void Explain(Context& context, Arguments arguments);
void ExplainKey(Context& context, std::string_view key);  // in cluster_commands.cc
void Hybrid(Context& context, Arguments arguments);
void MoreLike(Context& context, Arguments arguments);
void Search(Context& context, Arguments arguments);
void Similar(Context& context, Arguments arguments);
void Suggest(Context& context, Arguments arguments);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SEARCH_VERBS_H_
