// KV.SUGGEST: the words that a text may go on with.
#include "command/keyspace.h"
#include "command/node.h"
#include "command/search_options.h"
#include "command/search_verbs.h"

namespace kvserver {

void Suggest(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(2));
  libkv::SuggestOptions options;
  while (reader.NextOption()) {
    if (reader.Is("LIMIT")) {
      options.limit = reader.Count(0, libkv::kSuggestLimitMax);
    } else if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else {
      reader.Unknown();
    }
  }
  if (!CheckRead(context, reader)) return;
  const auto suggestions = context.node.store().Suggest(options, arguments[1]);
  if (!suggestions.ok()) return ReplyStatus(context, suggestions.status());
  ReplyWriter& reply = context.reply;
  reply.BeginArray(suggestions->size());
  for (const libkv::Suggestion& suggestion : *suggestions) {
    reply.BeginMap(3);
    reply.Value("text");
    reply.Value(suggestion.text);
    reply.Value("word");
    reply.Value(suggestion.word);
    ReplyCount(reply, "documents", suggestion.documents);
  }
}

}  // namespace kvserver
